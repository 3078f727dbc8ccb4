"""From a panel to a trained engine: sizes, held-out cells, batches, budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from tsdiff.diffusion.network import Network, NetworkConfig, Window
from tsdiff.diffusion.training import Batch, Budget, History, train
from tsdiff.gaps import gap_lengths
from tsdiff.panel import masking
from tsdiff.panel.frame import Panel
from tsdiff.panel.scaling import Scaler, fit_scaler
from tsdiff.panel.windows import Scene, Windows, cover, random_starts

LONGEST_FULL_RESOLUTION = 256  # steps; beyond this time tokens are patches
_DEFAULT_STEPS = 1500
_TOKENS_IN_BATCH = 2700
_MOST_VALIDATION_WINDOWS = 512
_FEWEST_UNITS = 20  # with fewer windows single cells are held out, not windows


@dataclass(frozen=True)
class Model:
    """What a fit leaves: all that is needed to answer.

    Attributes
    ----------
    network : Network
    scaler : Scaler
    """

    network: Network
    scaler: Scaler

    @property
    def n_steps(self) -> int:
        """Length of a window in steps."""
        return self.network.config.n_steps


@dataclass(frozen=True)
class Plan:
    """Sizes asked for; None leaves one to the data.

    Attributes
    ----------
    window, patch_length, width, depth, batch_size, max_epochs : int or None
    learning_rate : float
    max_minutes : float or None
    mask_mix : mapping or None
    validation_fraction : float
    """

    window: int | None
    patch_length: int | None
    width: int | None
    depth: int | None
    batch_size: int | None
    max_epochs: int | None
    max_minutes: float | None
    learning_rate: float
    mask_mix: Mapping[str, float] | None
    validation_fraction: float


def sizes(panel: Panel, plan: Plan) -> NetworkConfig:
    """Sizes of the network for a panel, where the plan leaves them open.

    Series of up to 256 rows are one window each. Longer ones get windows that hold
    four times the gaps as they are (95th percentile of their lengths), 64 to 192 steps.
    """
    n_channels = len(panel.channels)
    longest = int(np.diff(panel.bounds).max())
    n_steps = plan.window or _window_for(panel, longest)
    n_steps = max(min(n_steps, longest), 1)
    n_observed = int((~np.isnan(panel.values)).sum())
    patch = plan.patch_length or math.ceil(n_steps / LONGEST_FULL_RESOLUTION)
    width = plan.width or (64 if n_observed < 5_000 else 128)
    depth = plan.depth or (3 if n_observed < 50_000 else 4)
    heads = next(h for h in (4, 2, 1) if width % h == 0)
    return NetworkConfig(
        n_channels=n_channels,
        n_steps=n_steps,
        n_time_features=panel.calendar.shape[1],
        patch_length=min(patch, n_steps),
        width=width,
        depth=depth,
        heads=heads,
        cell_width=max(width // 2, 8),
        denoiser_width=4 * max(3 * width // 16, 16),
        denoiser_depth=min(depth, 2),
    )


def _window_for(panel: Panel, longest: int) -> int:
    """Window length from the gaps of a panel."""
    if longest <= LONGEST_FULL_RESOLUTION:
        return longest
    gaps = gap_lengths(panel)
    gaps = gaps[gaps > 0]
    typical = float(np.quantile(gaps, 0.95)) if len(gaps) else 12.0
    return int(np.clip(8 * math.ceil(4 * typical / 8), 64, 192))


def fit_model(
    panel: Panel,
    plan: Plan,
    seed: int,
    progress: Callable[[float, History], None] | None = None,
    warm: Model | None = None,
) -> tuple[Model, History]:
    """Train an engine on a panel.

    Parameters
    ----------
    panel : Panel
    plan : Plan
    seed : int
    progress : callable, optional
        See `tsdiff.diffusion.training.train`.
    warm : Model, optional
        Go on from its weights, with its scaling and sizes.

    Returns
    -------
    model : Model
    history : History
    """
    config = sizes(panel, plan) if warm is None else warm.network.config
    scaler = fit_scaler(panel) if warm is None else warm.scaler
    network = _new_network(config, seed)
    if warm is not None:
        network.load_state_dict(warm.network.state_dict())
    source = _Source(panel, scaler, config.n_steps, plan, np.random.default_rng(seed))
    budget = _budget(panel, plan, source.batch_size, config.n_steps)
    history = train(network, source.draw, source.validation, budget, seed, progress)
    return Model(network, scaler), history


def _new_network(config: NetworkConfig, seed: int) -> Network:
    """Network with weights drawn from `seed`; the global generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        return Network(config)


def _budget(panel: Panel, plan: Plan, batch_size: int, n_steps: int) -> Budget:
    n_units = len(cover(panel, n_steps).start)
    per_epoch = math.ceil(n_units / batch_size)
    steps = plan.max_epochs * per_epoch if plan.max_epochs else _DEFAULT_STEPS
    seconds = math.inf if plan.max_minutes is None else 60 * plan.max_minutes
    if plan.max_minutes is not None and plan.max_epochs is None:
        steps = 10**9  # the clock alone decides
    n_validations = int(np.clip(steps // 25, 1, 20))
    return Budget(
        steps,
        seconds,
        learning_rate=plan.learning_rate,
        n_validations=n_validations,
    )


class _Source:
    """Training batches, and validation batches that training never sees."""

    def __init__(
        self,
        panel: Panel,
        scaler: Scaler,
        n_steps: int,
        plan: Plan,
        rng: np.random.Generator,
    ) -> None:
        n_tokens = n_steps + len(panel.channels)
        wanted = int(np.clip(_TOKENS_IN_BATCH // n_tokens, 4, 128))
        self.batch_size = plan.batch_size or wanted
        self.panel, self.n_steps = panel, n_steps
        self.mix = plan.mask_mix or masking.DEFAULT_MIX
        self.held_out = plan.validation_fraction
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
        return _batch(windows, truth, hidden)

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
            units = np.sort(rng.choice(units, count, replace=False))
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
