"""Windows with cells hidden to learn from: for training, and held out to validate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from tsdiff.diffusion.training import Batch
from tsdiff.diffusion.window import Window
from tsdiff.panel import masking
from tsdiff.panel.frame import Panel
from tsdiff.panel.scaling import Scaler
from tsdiff.panel.windows import Scene, Windows, cover, random_starts

_MOST_VALIDATION_WINDOWS, _FEWEST_VALIDATIONS = 512, 64
_FEWEST_UNITS = 20  # with fewer windows single cells are held out, not windows
_TOKENS_IN_BATCH = 2700
_FEW_WINDOWS = 300  # with fewer, levels and scales of windows are varied
_VARIED_SCALE, _VARIED_LEVEL = 0.3, 0.5


class Source:
    """Training batches, and validation batches that training never sees.

    Parameters
    ----------
    panel : Panel
    scaler : Scaler
    n_steps : int
        Length of a window.
    rng : Generator
    batch_size : int, optional
        Windows in a batch; by their size, if not given.
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
        batch_size: int | None = None,
        mask_mix: Mapping[str, float] | None = None,
        validation_fraction: float = 0.1,
    ) -> None:
        n_tokens = n_steps + len(panel.channels)
        wanted = int(np.clip(_TOKENS_IN_BATCH // n_tokens, 4, 128))
        self.batch_size = batch_size or wanted
        self.panel, self.n_steps = panel, n_steps
        self.mix = mask_mix or masking.DEFAULT_MIX
        self.held_out = validation_fraction
        free = [not (s.step or s.atoms) for s in scaler.supports]
        few = len(panel.values) < _FEW_WINDOWS * n_steps
        self.varied = np.array(free) & few
        self.scene = Scene(panel, scaler.to_units(panel.values, panel.channels))
        spread = scaler.jittered(panel.values, rng)
        self.truth = scaler.to_units(spread, panel.channels)
        self.validation = self._hold_out(rng)

    def draw(self, rng: np.random.Generator) -> Batch:
        """Random windows with random masks."""
        start, series = random_starts(self.panel, self.n_steps, self.batch_size, rng)
        windows, truth = self._take(start, series, rng)
        observed = ~np.isnan(windows.values)
        hidden = masking.mixed(observed, rng, self.mix)
        if self.varied.any():
            windows, truth = self._vary(windows, truth, rng)
        return _batch(windows, truth, hidden)

    def _vary(
        self, windows: Windows, truth: NDArray, rng: np.random.Generator
    ) -> tuple[Windows, NDArray]:
        """Give each channel of each window another level and scale.

        A series of few windows could else be learned by heart: a window would be told
        from the others by its level, and its gaps filled from memory.
        """
        shape = (len(truth), 1, truth.shape[2])
        scale = np.exp(_VARIED_SCALE * rng.standard_normal(shape, dtype=np.float32))
        level = _VARIED_LEVEL * rng.standard_normal(shape, dtype=np.float32)
        scale = np.where(self.varied, scale, np.float32(1))
        level = np.where(self.varied, level, np.float32(0))
        varied = replace(
            windows,
            values=windows.values * scale + level,
            edges=windows.edges * scale + level,
        )
        return varied, truth * scale + level

    def _take(
        self, start: NDArray, series: NDArray, rng: np.random.Generator
    ) -> tuple[Windows, NDArray]:
        """Windows and truth; half of what lies outside of a window is kept back.

        Else the end of a window would never look like the end of a series.
        """
        windows = self.scene.take(start, series, self.n_steps)
        kept = rng.random((len(start), 2, 1)) < 0.5
        away = np.where(kept, windows.away, np.float32(np.inf))
        windows = replace(windows, away=away)
        return windows, np.nan_to_num(self.truth[windows.rows], nan=0.0)

    def _hold_out(self, rng: np.random.Generator) -> list[Batch]:
        """Take cells out of the training data and make validation batches of them.

        From many windows whole ones are taken (of many short series: whole series);
        from a few only single cells, so that training sees every part of the data.
        """
        layout = cover(self.panel, self.n_steps)
        step = 2 if len(layout.start) > 2 * len(self.panel.ids) else 1
        units = np.arange(0, len(layout.start), step)
        whole = len(units) >= _FEWEST_UNITS
        if whole:
            count = min(round(self.held_out * len(units)), _MOST_VALIDATION_WINDOWS)
            units = np.sort(rng.choice(units, max(count, 1), replace=False))
            # a few windows are asked several questions each, for a steadier score
            units = units.repeat(max(_FEWEST_VALIDATIONS // len(units), 1))
        batches, taken = [], []
        for chunk in np.array_split(units, max(len(units) // 32, 1)):
            start, series = layout.start[chunk], layout.series[chunk]
            windows, truth = self._take(start, series, rng)
            observed = ~np.isnan(windows.values)
            if whole:
                hidden = masking.mixed(observed, rng, self.mix)
            else:
                ratio = np.full(len(chunk), self.held_out)
                hidden = masking.random_cells(observed, ratio, rng)
            batches.append(_batch(windows, truth, hidden))
            out = windows.inside[:, :, None] & (whole | hidden)
            b, t, c = np.nonzero(out)
            taken.append((windows.rows[b, t], c))
        scaled = self.scene.scaled.copy()
        for rows, channel in taken:
            scaled[rows, channel] = np.nan
        self.scene = Scene(self.panel, scaled)
        return batches


def _batch(windows: Windows, truth: NDArray, hidden: NDArray[np.bool_]) -> Batch:
    window = shown_window(windows, ~np.isnan(windows.values) & ~hidden)
    return Batch(window, torch.from_numpy(truth), torch.from_numpy(hidden))


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
