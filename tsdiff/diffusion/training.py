"""The loop: one run trains the marginal head and the denoiser, to a budget.

The head learns by pinball loss, the denoiser by velocity loss on values Gaussianised
by the detached head. The weights kept are those of the moving average with the lowest
validation CRPS on fixed masks, the latest of those within one per cent of it; the
velocity loss never chooses.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tsdiff.diffusion.flow import NOISE, noised
from tsdiff.diffusion.network import Context, Network
from tsdiff.diffusion.window import Window

_FAILURES_BEFORE_STOP = 5
_AS_GOOD = 1.01  # scores within one per cent of the lowest are not told apart
_FIELD_UNTIL = 0.6  # share of the run in which the noise is still fitted
_RELEASE_AT, _FEWEST_VALIDATIONS = 0.75, 4  # when held-out cells join the training
_FIELD_UPDATES, _FIELD_RATE = 60, 75  # steps, and rate in those of the network
_HIGHEST_FIELD_RATE, _FIELD_REACH = 0.3, 9.0  # of the logarithms of its weights
_FIELD_CELLS = 2**15  # of one update, at most
_LEAST_UNIT = 0.05  # of a channel's scale
_LARGEST_SCORE = 5.0  # |z| beyond this says nothing more about dependence


@dataclass(frozen=True)
class Batch:
    """B windows with the cells to learn from.

    Attributes
    ----------
    window : Window
        What is shown.
    truth : Tensor, shape (B, T, C)
        Scaled values; anything where `target` is False.
    target : Tensor of bool, shape (B, T, C)
        Observed and not shown.
    weight : Tensor, shape (B,), optional
        Of each cell of a window; all count alike by default.
    """

    window: Window
    truth: Tensor
    target: Tensor
    weight: Tensor | None = None

    def mean(self, loss: Tensor, window: Tensor) -> Tensor:
        """Mean loss of cells that lie in some windows, both of shape (n,)."""
        if self.weight is None:
            return loss.sum() / max(len(loss), 1)
        weight = self.weight[window]
        return (weight * loss).sum() / weight.sum().clamp_min(1e-9)


@dataclass(frozen=True)
class Budget:
    """When to stop and how to get there.

    Attributes
    ----------
    max_steps : int
        Optimiser steps.
    max_seconds : float
        Wall-clock seconds, validation included; the schedule anneals to whichever
        of the two comes first.
    learning_rate, weight_decay : float
        Of Muon and AdamW; the rate falls as a cosine after a short warm-up.
    clip : float
        Largest norm of the gradient.
    ema_decay : float
        Of the moving average of the weights.
    n_validations : int
        How often the weights are scored on the way.
    """

    max_steps: int
    max_seconds: float = math.inf
    learning_rate: float = 4e-3
    weight_decay: float = 1e-4
    clip: float = 1.0
    ema_decay: float = 0.995
    n_validations: int = 12


@dataclass
class History:
    """What happened in a fit."""

    step: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    velocity_loss: list[float] = field(default_factory=list)
    validation_crps: list[float] = field(default_factory=list)
    n_steps: int = 0
    n_skipped: int = 0
    best_step: int = 0
    diverged: bool = False
    interrupted: bool = False
    skill: Any = None  # of the weights that are kept; set by who knows how to tell


def losses(
    network: Network,
    batch: Batch,
    generator: torch.Generator,
    dropout: torch.Generator | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean CRPS of the head, mean squared error of the velocity, and the scores."""
    cells = batch.target.nonzero(as_tuple=True)
    truth = batch.truth[cells]  # (n,)
    context = network.encoder(batch.window, dropout)
    marginals = network.encoder.marginals(context, cells)
    crps = batch.mean(
        marginals.crps(truth) / unit_of(batch, context)[cells[0]], cells[0]
    )
    with torch.no_grad():
        score = marginals.to_z(truth[:, None])[:, 0]
        score = score.clamp(-_LARGEST_SCORE, _LARGEST_SCORE)
        z_0 = torch.zeros_like(batch.truth).index_put(cells, score)
    known = Context(*(part.detach() for part in context))
    return crps, _velocity_loss(network, known, batch, z_0, generator), z_0


def unit_of(batch: Batch, context: Context) -> Tensor:
    """Give the unit of each window's error, shape (B,): that of the first guess.

    Only where windows count alike: else easy ones would learn nothing beside hard ones.
    """
    if batch.weight is None:
        return torch.ones(len(batch.truth))
    count = batch.target.sum((1, 2)).clamp_min(1)
    mean = (context.spread.detach() * batch.target).sum((1, 2)) / count
    return mean.clamp_min(_LEAST_UNIT)


def _velocity_loss(
    network: Network,
    context: Context,
    batch: Batch,
    z_0: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Velocity loss; in a quarter of the windows some of the scores are given."""
    n_windows, target = len(z_0), batch.target
    strata = torch.arange(n_windows) + torch.rand(n_windows, generator=generator)
    shuffled = torch.randperm(n_windows, generator=generator)
    t = (NOISE * strata / n_windows)[shuffled]  # (B,)
    given = target & _revealed(target, generator)
    asked = target & ~given
    white, own = torch.randn((2, *z_0.shape), generator=generator)
    with torch.no_grad():
        noise = network.field(batch.window, white, own)
    z_t, v = noised(z_0, noise, t[:, None, None])
    prepared = network.denoiser.prepare(context, asked, given)
    answer = network.denoiser(torch.where(given, z_0, z_t), t, prepared)
    return batch.mean((answer - v)[asked] ** 2, asked.nonzero()[:, 0])


def _revealed(target: Tensor, generator: torch.Generator) -> Tensor:
    """Cells of an early part of the window, in a quarter of the windows.

    Windows that overlap are sampled in order: the later one knows the scores of what
    the earlier one has filled.
    """
    n_windows, n_steps, _ = target.shape
    edge = torch.rand(n_windows, 1, 1, generator=generator) * n_steps
    chosen = torch.rand(n_windows, 1, 1, generator=generator) < 0.25
    early = torch.arange(n_steps)[None, :, None] < edge
    return (early & chosen).expand_as(target)


@torch.no_grad()
def validation_crps(network: Network, batches: Sequence[Batch]) -> float:
    """Mean CRPS of the head over all target cells of the batches; NaN without any."""
    was_training = network.training
    network.eval()
    total, count = 0.0, 0
    for batch in batches:
        cells = batch.target.nonzero(as_tuple=True)
        context = network.encoder(batch.window)
        marginals = network.encoder.marginals(context, cells)
        crps = marginals.crps(batch.truth[cells]) / unit_of(batch, context)[cells[0]]
        total += float(crps.sum())
        count += len(cells[0])
    network.train(was_training)
    return total / count if count else math.nan


def train(
    network: Network,
    draw: Callable[[np.random.Generator], Batch],
    validation: Sequence[Batch],
    budget: Budget,
    seed: int,
    progress: Callable[[float, History], None] | None = None,
    release: Callable[[Network], None] | None = None,
) -> History:
    """Train `network` in place and leave the best averaged weights in it.

    In the last quarter of the run, where the rate has nearly fallen to zero, training
    goes on with the validation cells too, if the latest weights are among the best:
    they are the most recent rows of a series, and have done their work by then.

    Parameters
    ----------
    network : Network
    draw : callable
        Training batch from a generator.
    validation : sequence of Batch
        Fixed windows with fixed masks.
    budget : Budget
    seed : int
        Of masks, noise and dropout.
    progress : callable, optional
        Told the share of the budget spent and the history, after every step.
    release : callable, optional
        Told the averaged weights; lets `draw` use the validation cells from then on.

    Returns
    -------
    History
        With ``diverged`` set if the loss was not finite several times in a row;
        the weights are then the best ones before that.
    """
    loop = _Loop(network, budget, seed)
    with torch.enable_grad():
        next_validation = 0.0
        try:
            while (share := loop.share()) < 1.0 and not loop.history.diverged:
                loop.step(draw(loop.rng), share)
                if share >= next_validation and not loop.released:
                    loop.validate(validation)
                    next_validation = share + 1 / budget.n_validations
                    if release is not None and loop.may_release(share):
                        release(loop.average)
                        loop.released = True
                if progress is not None:
                    progress(share, loop.history)
            if loop.released and not loop.history.diverged:
                loop.keep()
            elif loop.history.step[-1:] != [loop.history.n_steps]:
                loop.validate(validation)
        except KeyboardInterrupt:  # the caller re-raises when all is kept
            loop.history.interrupted = True
        loop.restore_best()
    return loop.history


def _has_fast_bfloat16() -> bool:
    """Whether the CPU multiplies matrices of bfloat16 in hardware, far faster."""
    supported = (torch.cpu._is_amx_tile_supported, torch.cpu._is_avx512_bf16_supported)
    return any(ask() for ask in supported)


def _optimizers(network: Network, budget: Budget) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, AdamW for all else.

    Orthogonalised momentum (Jordan et al., 2024) needs far fewer steps here; its rate
    is scaled so that updates are as large as AdamW's (Liu et al., 2025).
    """
    inner = {
        name
        for name, weight in network.named_parameters()
        if "blocks" in name and weight.ndim == 2 and "modulation" not in name
    }
    named = dict(network.named_parameters())
    matrices = [named[name] for name in sorted(inner)]
    others = [weight for name, weight in named.items() if name not in inner]
    rate, decay = budget.learning_rate, budget.weight_decay
    return [
        torch.optim.Muon(
            matrices, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(
            others, lr=rate, weight_decay=decay, betas=(0.9, 0.98), fused=True
        ),
    ]


class _Loop:
    """State of one training run."""

    def __init__(self, network: Network, budget: Budget, seed: int) -> None:
        self.network, self.budget = network.train(), budget
        self.average = copy.deepcopy(network).eval().requires_grad_(False)
        self.best = copy.deepcopy(network.state_dict())
        self.lowest = math.inf
        self.optimizers = _optimizers(network, budget)
        self.rng = np.random.default_rng(seed)
        # of noise and of dropout
        self.generators = [torch.Generator().manual_seed(seed) for _ in range(2)]
        self.history = History()
        self.start = time.perf_counter()
        self.failures = 0
        self.half = _has_fast_bfloat16()
        self.recent: list[tuple[float, float]] = []
        self.field_weights = network.field.log_weights.clone().requires_grad_()
        self.field_optimizer = torch.optim.Adam([self.field_weights], lr=0.3)
        self.next_field = 0.0
        self.released = False

    def share(self) -> float:
        """Share of the budget that is spent, the larger of steps and clock."""
        by_clock = (time.perf_counter() - self.start) / self.budget.max_seconds
        return max(self.history.n_steps / self.budget.max_steps, by_clock)

    def step(self, batch: Batch, share: float) -> None:
        rate = self.budget.learning_rate * 0.5 * (1 + math.cos(math.pi * share))
        rate *= min(1.0, (self.history.n_steps + 1) / 100)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        # no cache: inside a caller's autocast it would go on with the first weights
        with torch.autocast(
            "cpu", torch.bfloat16, enabled=self.half, cache_enabled=False
        ):
            crps, velocity, scores = losses(self.network, batch, *self.generators)
        self.network.zero_grad(set_to_none=True)
        (crps + velocity).backward()
        parts = (self.network.encoder, self.network.denoiser)
        norms = [
            torch.nn.utils.clip_grad_norm_(part.parameters(), self.budget.clip)
            for part in parts
        ]
        self.history.n_steps += 1
        seen = torch.stack([crps.detach(), velocity.detach(), *norms]).tolist()
        if not all(map(math.isfinite, seen)):
            self.history.n_skipped += 1
            self.failures += 1
            self.history.diverged = self.failures >= _FAILURES_BEFORE_STOP
            return
        self.failures = 0
        for optimizer in self.optimizers:
            optimizer.step()
        self._follow()
        self.recent.append((seen[0], seen[1]))
        if self.next_field <= share < _FIELD_UNTIL:
            self._learn_field(batch, scores, share)
            self.next_field = share + _FIELD_UNTIL / _FIELD_UPDATES

    def _learn_field(self, batch: Batch, scores: Tensor, share: float) -> None:
        """Fit the dependence of the noise to that of the scores.

        In the first part of the run only, so that the denoiser ends with noise that
        stays as it is.
        """
        some = slice(0, max(_FIELD_CELLS // scores[0].numel(), 1))
        weights = self.field_weights
        loss = self.network.field.loss(
            batch.window.some(some), scores[some], batch.target[some], weights
        )
        (gradient,) = torch.autograd.grad(loss, weights)
        if not bool(torch.isfinite(gradient).all()):
            return
        weights.grad = gradient
        rate = min(_FIELD_RATE * self.budget.learning_rate, _HIGHEST_FIELD_RATE)
        self.field_optimizer.param_groups[0]["lr"] = rate * (1 - share / _FIELD_UNTIL)
        self.field_optimizer.step()
        with torch.no_grad():  # else its covariance could not be told from singular
            weights.clamp_(-_FIELD_REACH, _FIELD_REACH)
        for network in (self.network, self.average):
            network.field.log_weights.copy_(weights.detach())

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average towards the weights, faster in the beginning."""
        n = self.history.n_steps
        decay = min(self.budget.ema_decay, (1 + n) / (10 + n))
        slow: list[Tensor] = list(self.average.parameters())
        fast: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(slow, fast, 1 - decay)

    def validate(self, validation: Sequence[Batch]) -> None:
        crps = validation_crps(self.average, validation)
        history = self.history
        self.lowest = min(self.lowest, crps)
        # later weights are better at dependence, which the score can't see
        if crps <= self.lowest * _AS_GOOD or math.isnan(crps):
            self.keep()
        loss = np.mean(self.recent, axis=0) if self.recent else (math.nan, math.nan)
        self.recent = []
        history.step.append(history.n_steps)
        history.seconds.append(time.perf_counter() - self.start)
        history.loss.append(float(loss[0]))
        history.velocity_loss.append(float(loss[1]))
        history.validation_crps.append(crps)

    def may_release(self, share: float) -> bool:
        """Whether the validation cells have told all that they can tell."""
        latest_is_best = self.history.best_step == self.history.n_steps
        enough = self.budget.n_validations >= _FEWEST_VALIDATIONS
        return share >= _RELEASE_AT and enough and latest_is_best

    def keep(self) -> None:
        """Take the averaged weights as they are now for the best."""
        self.history.best_step = self.history.n_steps
        self.best = copy.deepcopy(self.average.state_dict())

    def restore_best(self) -> None:
        self.network.load_state_dict(self.best)
        self.network.eval()
