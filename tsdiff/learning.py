"""From a panel to a trained engine: sizes, held-out cells, batches, budget."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from tsdiff.batches import FEW_WINDOWS, Roles, Source
from tsdiff.diffusion.device import CPU
from tsdiff.diffusion.initial import new_network
from tsdiff.diffusion.network import Network, NetworkConfig
from tsdiff.diffusion.ranks import ALONE, Ranks
from tsdiff.diffusion.training import Budget, History, train
from tsdiff.diffusion.widening import widen
from tsdiff.gaps import gap_lengths
from tsdiff.guessing import learn_fill
from tsdiff.panel.frame import Panel
from tsdiff.panel.scaling import Scaler, fit_scaler
from tsdiff.panel.seasons import find_periods
from tsdiff.panel.stored import Reserve, Stored
from tsdiff.panel.windows import n_windows
from tsdiff.skill import Skill, judge

LONGEST_FULL_RESOLUTION = 256  # steps; beyond this time tokens are patches
_MOST_AHEAD = 128  # the same for a model that forecasts
_TOKENS_AHEAD, _WIDTH_AHEAD = 96, 96  # beyond that; and its width
_FEW_CELLS, _FEW_CELLS_AHEAD = 50_000, 500_000  # of which a small network learns most
_DROPOUT = 0.1  # where data are few, or learned by heart: intervals cover better
_MOST_STEPS_AHEAD, _LEAST_HISTORY = 768, 64
_FEWEST_SEASONS, _MOST_OF_SERIES = 4, 0.6
_DEFAULT_STEPS, _TOKENS_IN_BATCH = 1500, 2700


@dataclass(frozen=True)
class Model:
    """What a fit leaves: all that is needed to answer.

    Attributes
    ----------
    network : Network
        On the CPU.
    scaler : Scaler
    horizon : int or None
        Steps ahead that it was made to forecast.
    """

    network: Network
    scaler: Scaler
    horizon: int | None = None

    @property
    def n_steps(self) -> int:
        """Length of a window in steps."""
        return self.network.config.n_steps

    def on(self, device: torch.device) -> Model:
        """Give it with a network on a device: its own one, or a copy of it."""
        if device == self.network.device:
            return self
        return replace(self, network=copy.deepcopy(self.network).to(device))


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
    horizon : int, optional
        Steps ahead to forecast; None for a model that fills gaps.
    n_targets : int, optional
        The first channels are targets, the others covariates; all are by default.
    known : tuple of bool or None
        Whether each covariate is known ahead of the targets; None is sometimes.
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
    horizon: int | None = None
    n_targets: int | None = None
    known: tuple[bool | None, ...] = ()

    def roles(self, panel: Panel) -> Roles:
        """Roles of a panel's channels."""
        n_targets = self.n_targets or len(panel.channels)
        return Roles(n_targets, self.known, self.horizon)


def sizes(panel: Panel, plan: Plan) -> NetworkConfig:
    """Sizes of the network for a panel, where the plan leaves them open.

    Series of up to 256 rows are one window each. Longer ones get windows that hold
    twice the gaps as they are (95th percentile of their lengths), 64 to 192 steps.
    """
    n_channels = len(panel.channels)
    longest = int(np.diff(panel.bounds).max())
    periods: tuple[int, ...] = ()
    if plan.horizon is not None:
        if plan.window is not None and plan.window <= plan.horizon:
            raise ValueError(
                f"window={plan.window} rows must hold more than the horizon of "
                f"{plan.horizon}: some history goes with it. Give a longer window, or "
                "none, which leaves it to the data."
            )
        usual = int(np.median(np.diff(panel.bounds)))
        room = (plan.window or _MOST_STEPS_AHEAD) - plan.horizon
        periods = find_periods(panel, min(room // 2, usual // _FEWEST_SEASONS))
        n_steps = plan.window or _window_ahead(plan.horizon, periods, usual)
        most_tokens = _MOST_AHEAD if n_steps <= _MOST_AHEAD else _TOKENS_AHEAD
    else:
        n_steps = plan.window or _window_for(panel, longest)
        most_tokens = LONGEST_FULL_RESOLUTION
    n_steps = max(min(n_steps, longest), 1)
    few = len(panel.values) < FEW_WINDOWS * n_steps
    n_observed = int((~np.isnan(panel.values)).sum())
    patch = plan.patch_length or math.ceil(n_steps / most_tokens)
    small = n_observed < (_FEW_CELLS_AHEAD if plan.horizon else _FEW_CELLS)
    wide = _WIDTH_AHEAD if plan.horizon else 128
    width = plan.width or (64 if small else wide)
    depth = plan.depth or (3 if small else 4)
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
        dropout=_DROPOUT if plan.horizon or few else 0.0,
        periods=periods,
        n_centred=plan.roles(panel).n_targets if plan.horizon else 0,
    )


def _window_ahead(horizon: int, periods: tuple[int, ...], usual: int) -> int:
    """Length of a window that ends with a forecast.

    It holds history for three times as long, and two seasons; but it stays shorter
    than the series usually are, else it would always see the same part of them.
    """
    history = max(3 * horizon, 2 * max(periods, default=0), _LEAST_HISTORY)
    most = min(_MOST_STEPS_AHEAD, int(_MOST_OF_SERIES * usual))
    return min(history + horizon, max(most, 2 * horizon))


def _window_for(panel: Panel, longest: int) -> int:
    """Window length from the gaps of a panel."""
    if longest <= LONGEST_FULL_RESOLUTION:
        return longest
    gaps = gap_lengths(panel)
    gaps = gaps[gaps > 0]
    typical = float(np.quantile(gaps, 0.95)) if len(gaps) else 12.0
    return int(np.clip(8 * math.ceil(2 * typical / 8), 64, 192))


def fit_model(
    panel: Panel,
    plan: Plan,
    seed: int,
    progress: Callable[[float, History], None] | None = None,
    warm: Model | None = None,
    ranks: Ranks = ALONE,
    reserve: Reserve | None = None,
) -> tuple[Model, History]:
    """Train an engine on a panel.

    Parameters
    ----------
    panel : Panel
    plan : Plan
    seed : int
    progress : callable, optional
    warm : Model, optional
        Go on from its weights, with its scaling and sizes.
    ranks : Ranks, optional
        As `progress`, of `tsdiff.diffusion.training.train`.
    reserve : Reserve, optional
        All series, of which `panel` holds some: windows to train on are drawn from
        these, all that is found out beforehand or held out is of `panel`.

    Returns
    -------
    model : Model
    history : History
    """
    config = sizes(panel, plan) if warm is None else warm.network.config
    roles = plan.roles(panel)
    own = roles.n_targets if plan.horizon and len(panel.ids) > 1 else 0
    scaler = fit_scaler(panel, own) if warm is None else warm.scaler
    rng = np.random.default_rng(seed)
    source = Source(
        panel,
        scaler,
        config.n_steps,
        rng,
        roles=roles,
        batch_size=plan.batch_size or usual_batch_size(config),
        mask_mix=plan.mask_mix,
        validation_fraction=plan.validation_fraction,
    )
    if reserve is not None:
        source.draw_from(Stored(reserve, panel, scaler, rng))
    budget = _budget(source, plan)
    if warm is None:
        network = learn_fill(source, config, rng, budget.max_steps, seed)
    else:
        network = new_network(config, seed)
        network.load_state_dict(warm.network.state_dict())

    ahead = plan.horizon is not None

    def release(average: Network | None) -> dict[str, Any] | None:
        source.release()
        return None if average is None else judge(average, source.validation, ahead)

    validation = source.validation
    network.to(ranks.device)
    history = train(
        network, source.draw, validation, budget, seed, progress, release, ranks
    )
    verdict = history.verdict or judge(network, validation, ahead)
    if verdict["skill"] is not None:
        history.skill = Skill(**verdict["skill"])
    widen(network.to(CPU), verdict["log_width"])
    # what a window holds is answered in one go, and a step of history goes with it
    most = max(network.config.n_steps - 1, 1)
    horizon = None if plan.horizon is None else min(plan.horizon, most)
    return Model(network, scaler, horizon), history


def usual_batch_size(config: NetworkConfig) -> int:
    """Windows in a training batch, where the plan leaves it open."""
    n_tokens = config.n_patches + config.n_channels
    return int(np.clip(_TOKENS_IN_BATCH // n_tokens, 4, 128))


def _budget(source: Source, plan: Plan) -> Budget:
    bounds = source.bounds
    per_epoch = math.ceil(n_windows(bounds, source.n_steps).sum() / source.batch_size)
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
