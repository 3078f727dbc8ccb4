"""Windows with cells hidden to learn from: for training, and held out to validate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from tsdiff.diffusion.losses import Batch
from tsdiff.diffusion.window import Window
from tsdiff.panel import masking
from tsdiff.panel.frame import Panel
from tsdiff.panel.scaling import Scaler
from tsdiff.panel.stored import Place, Stored
from tsdiff.panel.windows import Scene, Windows, cover, random_starts
from tsdiff.varying import Variation

_MOST_VALIDATION_WINDOWS, _FEWEST_VALIDATIONS = 512, 64
_FEWEST_UNITS = 20  # with fewer windows single cells are held out, not windows
FEW_WINDOWS = 300  # with fewer, levels and scales of windows are varied
_CUT_SHORT = 0.1  # share of windows that lose their beginning, as young series do


@dataclass(frozen=True)
class Roles:
    """What the channels of a model are for.

    Attributes
    ----------
    n_targets : int
        The first channels are asked for; the others are covariates.
    known : tuple of bool or None, length n_channels - n_targets
        Whether each covariate is known ahead of the targets; None is sometimes.
    horizon : int or None
        Steps ahead that a model which forecasts is asked for.
    """

    n_targets: int
    known: tuple[bool | None, ...] = ()
    horizon: int | None = None


class Source:
    """Training batches, and validation batches that training never sees.

    Parameters
    ----------
    panel : Panel
    scaler : Scaler
    n_steps : int
        Length of a window.
    rng : Generator
    roles : Roles, optional
        Of the channels; all are targets by default.
    batch_size : int, default 32
        Windows in a batch.
    mask_mix : mapping of str to float, optional
        See `tsdiff.panel.masking.mixed`.
    validation_fraction : float, default 0.1

    Attributes
    ----------
    batch_size : int
    validation : list of Batch
        Fixed windows with fixed masks.
    """

    def __init__(
        self,
        panel: Panel,
        scaler: Scaler,
        n_steps: int,
        rng: np.random.Generator,
        *,
        roles: Roles | None = None,
        batch_size: int = 32,
        mask_mix: Mapping[str, float] | None = None,
        validation_fraction: float = 0.1,
    ) -> None:
        self.batch_size = batch_size
        self.panel, self.n_steps = panel, n_steps
        self.roles = roles or Roles(len(panel.channels))
        usual = masking.FORECAST_MIX if self.roles.horizon else masking.DEFAULT_MIX
        self.mix = mask_mix or usual
        self.held_out = validation_fraction
        units = scaler.units(panel)
        self.scene = Scene(panel, units.enter(panel.values, panel.channels))
        spread = scaler.jittered(panel.values, rng)
        self.truth = units.enter(spread, panel.channels)
        self.stored: Stored | None = None
        self.validation = self._hold_out(rng)
        few = len(panel.values) < FEW_WINDOWS * n_steps and not self.roles.horizon
        free = np.array([not (s.step or s.atoms) for s in scaler.supports])
        self.variation = Variation.of(self.scene.scaled, free) if few else None

    @property
    def bounds(self) -> NDArray:
        """First row of each series that is drawn from, and the end."""
        return (self.stored or self.panel).bounds

    def draw(self, rng: np.random.Generator) -> Batch:
        """Random windows with random masks."""
        start, series = random_starts(self.bounds, self.n_steps, self.batch_size, rng)
        place: Place = (self.scene, self.truth, start, series)
        if self.stored is not None:
            place = self.stored.near(start, series, self.n_steps)
        windows, truth = self._take(place, rng)
        if self.variation is not None:
            windows, truth = self.variation.apply(windows, truth, rng)
        return self._ask(windows, truth, rng, self.mix)

    def _ask(
        self,
        windows: Windows,
        truth: NDArray,
        rng: np.random.Generator,
        mix: Mapping[str, float],
    ) -> Batch:
        """Hide cells of the targets to ask for, and all that is not known then."""
        observed = ~np.isnan(windows.values)
        n_targets, horizon = self.roles.n_targets, self.roles.horizon
        target = np.zeros_like(observed)
        target[:, :, :n_targets] = masking.mixed(
            observed[:, :, :n_targets], rng, mix, horizon=horizon
        )
        shown = observed & ~target
        step = np.arange(self.n_steps)
        open_ = (shown[:, :, :n_targets].any(2)) * (step + 1)
        ahead = step >= open_.max(1)[:, None]  # no target is shown from there on
        coin = rng.random((len(truth), len(self.roles.known))) < 0.5
        told = [True if k is None else not k for k in self.roles.known]
        unsure = [k is None for k in self.roles.known]
        unknown = np.array(told, dtype=bool) & (coin | ~np.array(unsure, dtype=bool))
        shown[:, :, n_targets:] &= ~(ahead[:, :, None] & unknown[:, None])
        if horizon:
            short = rng.random((len(truth), 1)) < _CUT_SHORT
            begin = rng.integers(0, max(self.n_steps - horizon, 1), (len(truth), 1))
            shown &= ~(short & (step < begin))[:, :, None]
            # nothing is known behind the end of a forecast
            windows.away[ahead[:, -1], 1] = np.inf
        return _batch(windows, truth, shown, target, even=horizon is not None)

    def draw_from(self, stored: Stored) -> None:
        """Draw from series on disk, of which the panel holds some."""
        self.stored = stored
        stored.put(self.held_cells, self.scene.scaled)

    def _take(self, place: Place, rng: np.random.Generator) -> tuple[Windows, NDArray]:
        """Windows and truth; half of what lies outside of a window is kept back.

        Else the end of a window would never look like the end of a series.
        """
        scene, known, start, series = place
        windows = scene.take(start, series, self.n_steps)
        kept = rng.random((len(start), 2, 1)) < 0.5
        away = np.where(kept, windows.away, np.float32(np.inf))
        windows = replace(windows, away=away)
        return windows, np.nan_to_num(known[windows.rows], nan=0.0)

    def _hold_out(self, rng: np.random.Generator) -> list[Batch]:
        """Take cells out of the training data and make validation batches of them.

        From many windows whole ones are taken (of many short series: whole series);
        from a few only single cells, so that training sees every part of the data. Of
        a model that forecasts it is the ends of series, some of many or all of a few:
        what lies between two windows that it has learned says nothing of the future.
        """
        whole = False
        if self.roles.horizon:
            start, series, out = self._ends(rng)
        else:
            start, series, whole = self._units(rng)
            out = np.zeros(self.scene.scaled.shape, dtype=bool)
        mix = dict(self.mix) if whole else {"tails": 1.0}
        batches = []
        for chunk in np.array_split(np.arange(len(start)), max(len(start) // 32, 1)):
            place = (self.scene, self.truth, start[chunk], series[chunk])
            windows, truth = self._take(place, rng)
            if whole or self.roles.horizon:
                batch = self._ask(windows, truth, rng, mix)
            else:
                batch = self._ask_some(windows, truth, rng)
            batches.append(batch)
            taken = windows.inside[:, :, None] & (whole | batch.target.numpy())
            b, t, c = np.nonzero(taken)
            out[windows.rows[b, t], c] |= not self.roles.horizon
        self.whole_scene, self.held_cells = self.scene, out
        self.scene = Scene(
            self.panel, np.where(out, np.float32(np.nan), self.scene.scaled)
        )
        return batches

    def release(self) -> None:
        """Let training see what was held out."""
        self.scene = self.whole_scene
        if self.stored is not None:
            self.stored.put(self.held_cells, self.scene.scaled)

    def _units(self, rng: np.random.Generator) -> tuple[NDArray, NDArray, bool]:
        """Windows to hold out, and whether as a whole."""
        layout = cover(self.panel, self.n_steps)
        step = 2 if len(layout.start) > 2 * len(self.panel.ids) else 1
        units = np.arange(0, len(layout.start), step)
        whole = len(units) >= _FEWEST_UNITS
        if whole:
            count = min(round(self.held_out * len(units)), _MOST_VALIDATION_WINDOWS)
            units = np.sort(rng.choice(units, max(count, 1), replace=False))
            # a few windows are asked several questions each, for a steadier score
            units = units.repeat(max(_FEWEST_VALIDATIONS // len(units), 1))
        return layout.start[units], layout.series[units], whole

    def _ends(
        self, rng: np.random.Generator
    ) -> tuple[NDArray, NDArray, NDArray[np.bool_]]:
        """Windows that end in the last rows of series, and the cells of these rows."""
        horizon = self.roles.horizon or 1
        length = np.diff(self.panel.bounds)
        chosen = np.arange(len(length))
        n_rows = np.maximum(horizon, (self.held_out * length).astype(np.int64))
        if len(length) >= _FEWEST_UNITS:
            count = int(
                np.clip(self.held_out * len(length), 1, _MOST_VALIDATION_WINDOWS)
            )
            chosen = np.sort(rng.choice(len(length), count, replace=False))
            n_rows = np.minimum(n_rows, 2 * horizon)
        n_rows = np.minimum(n_rows, np.maximum(length // 2, 1))
        last = np.maximum(n_rows - horizon, 0)[
            chosen
        ]  # rows that a window may end sooner
        n_each = int(np.clip(_FEWEST_VALIDATIONS * 2 // len(chosen), 1, 128))
        sooner = np.round(last[:, None] * np.linspace(1, 0, n_each)).astype(np.int64)
        stop = (self.panel.bounds[chosen + 1][:, None] - sooner).ravel()
        out = np.zeros(self.scene.scaled.shape, dtype=bool)
        for series in chosen:
            end = self.panel.bounds[series + 1]
            out[end - n_rows[series] : end, : self.roles.n_targets] = True
        return stop - self.n_steps, chosen.repeat(n_each), out

    def _ask_some(
        self, windows: Windows, truth: NDArray, rng: np.random.Generator
    ) -> Batch:
        """Ask for a fixed share of the cells, at random."""
        observed = ~np.isnan(windows.values)
        target = np.zeros_like(observed)
        own = observed[:, :, : self.roles.n_targets]
        ratio = np.full(len(truth), self.held_out)
        target[:, :, : own.shape[2]] = masking.random_cells(own, ratio, rng)
        return _batch(windows, truth, observed & ~target, target)


def _batch(
    windows: Windows,
    truth: NDArray,
    shown: NDArray[np.bool_],
    target: NDArray,
    even: bool = False,
) -> Batch:
    """Make a batch; windows count alike if `even`, else by the root of their cells.

    Cells that count alike would leave little to learn from windows with few gaps.
    """
    count = np.maximum(target.sum(axis=(1, 2)), 1).astype(np.float32)
    return Batch(
        shown_window(windows, shown),
        torch.from_numpy(truth),
        torch.from_numpy(target),
        torch.from_numpy(count ** (-1.0 if even else -0.5)),
        even,
    )


def shown_window(windows: Windows, shown: NDArray[np.bool_]) -> Window:
    """Make of windows what the model is shown.

    Parameters
    ----------
    windows : Windows
    shown : ndarray of bool, shape (B, T, C)
        A subset of the observed cells.

    Returns
    -------
    Window
    """
    values = np.where(shown, windows.values, np.float32(0))
    parts = (
        values,
        shown,
        windows.elapsed,
        windows.features,
        windows.edges,
        windows.away,
    )
    return Window(*map(torch.from_numpy, parts))
