"""The loop: one run trains the marginal head and the denoiser, to a budget.

The weights kept are those of the moving average with the lowest validation CRPS on
fixed masks, the latest of those within one per cent of it; the velocity loss never
chooses.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tsdiff.diffusion.dependence import FieldFit
from tsdiff.diffusion.device import has_fast_bfloat16
from tsdiff.diffusion.losses import Batch, losses, validation_crps
from tsdiff.diffusion.network import Network
from tsdiff.diffusion.optimizers import optimizers_of
from tsdiff.diffusion.ranks import ALONE, Ranks
from tsdiff.diffusion.state import State, restore, state_of

_FAILURES_BEFORE_STOP = 5
_AS_GOOD = 1.01  # scores within one per cent of the lowest are not told apart
_RELEASE_AT, _FEWEST_VALIDATIONS = 0.75, 4  # when held-out cells join the training


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
    verdict: Any = None  # of who was told of the release; as JSON holds it
    skill: Any = None  # of the weights that are kept; set by who knows how to tell


def train(
    network: Network,
    draw: Callable[[np.random.Generator], Batch],
    validation: Sequence[Batch],
    budget: Budget,
    seed: int,
    progress: Callable[[float, History], None] | None = None,
    release: Callable[[Network | None], Any] | None = None,
    ranks: Ranks = ALONE,
) -> History:
    """Train `network` in place and leave the best averaged weights in it.

    In the last quarter of the run, where the rate has nearly fallen to zero, training
    goes on with the validation cells too, if the latest weights are among the best:
    they are the most recent rows of a series, and have done their work by then.

    Parameters
    ----------
    network : Network
        On the device to train on.
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
        What it returns is the verdict of the history. Told None if an earlier attempt
        has come so far.
    ranks : Ranks, optional
        Who trains together, and who keeps the state of the run and knows that of an
        earlier attempt, with which this one goes on.

    Returns
    -------
    History
        With ``diverged`` set if the loss was not finite several times in a row;
        the weights are then the best ones before that.
    """
    loop = Loop(network, budget, seed, ranks)
    loop.begin()
    if loop.released and release is not None:
        release(None)
    with torch.enable_grad():
        try:
            while (share := loop.share()) < 1.0 and not loop.history.diverged:
                loop.step(draw(loop.rng), share)
                if share >= loop.next_validation and not loop.released:
                    loop.validate(validation)
                    loop.next_validation = share + 1 / budget.n_validations
                    if release is not None and loop.may_release(share):
                        loop.history.verdict = release(loop.average)
                        loop.released = True
                loop.be_kept()
                if progress is not None:
                    progress(share, loop.history)
            if loop.released and not loop.history.diverged:
                loop.keep()
            elif loop.history.step[-1:] != [loop.history.n_steps]:
                loop.validate(validation)
            loop.be_kept(last=True)
            ranks.total(0.0)  # nobody leaves before the others
        except KeyboardInterrupt:  # the caller re-raises when all is kept
            loop.history.interrupted = True
        loop.restore_best()
    return loop.history


class Loop:
    """State of one training run."""

    def __init__(
        self, network: Network, budget: Budget, seed: int, ranks: Ranks = ALONE
    ) -> None:
        self.network, self.budget, self.ranks = network.train(), budget, ranks
        self.average = copy.deepcopy(network).eval().requires_grad_(False)
        self.best = copy.deepcopy(network.state_dict())
        self.lowest = math.inf
        self.optimizers = optimizers_of(
            network, budget.learning_rate, budget.weight_decay
        )
        # walking through the modules at each step would take longer than the sums
        self.weights = list(network.parameters())
        self.slow: list[Tensor] = list(self.average.parameters())
        self.parts = [
            list(part.parameters()) for part in (network.encoder, network.denoiser)
        ]
        self.rng = np.random.default_rng(seed)
        # of noise and of dropout; on the CPU, so that no device draws others
        self.generators = [torch.Generator().manual_seed(seed) for _ in range(2)]
        self.history = History()
        self.start = time.perf_counter()
        self.failures = 0
        self.half = has_fast_bfloat16(network.device)
        self.recent: list[tuple[float, float]] = []
        self.field_fit = FieldFit(network, budget.learning_rate, ranks)
        self.released = False
        self.next_validation = 0.0

    def elapsed(self) -> float:
        """Seconds of this attempt and of those that it goes on with."""
        return time.perf_counter() - self.start

    def share(self) -> float:
        """Share of the budget that is spent, the larger of steps and clock."""
        by_clock = self.elapsed() / self.budget.max_seconds
        if by_clock:  # clocks differ
            (by_clock,) = self.ranks.total(by_clock, idle=not self.ranks.first)
        return max(self.history.n_steps / self.budget.max_steps, by_clock)

    def begin(self) -> None:
        """Go on with an earlier attempt, if there is one; all ranks begin alike."""
        state = self.ranks.told(self._resume)
        if not self.ranks.first:
            restore(self, state)

    def _resume(self) -> State:
        if self.ranks.keeper is not None:
            self.ranks.keeper.resume(partial(restore, self))
        self.be_kept()
        return state_of(self)

    def be_kept(self, last: bool = False) -> None:
        """Offer the state to who keeps it."""
        if self.ranks.keeper is not None:
            self.ranks.keeper.offer(self.history.n_steps, partial(state_of, self), last)

    def step(self, batch: Batch, share: float) -> None:
        """Learn from a batch."""
        rate = self.budget.learning_rate * 0.5 * (1 + math.cos(math.pi * share))
        rate *= min(1.0, (self.history.n_steps + 1) / 100)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        part = self.ranks.part(len(batch.truth))
        # no cache: inside a caller's autocast it would go on with the first weights
        with torch.autocast(
            self.network.device.type,
            torch.bfloat16,
            enabled=self.half,
            cache_enabled=False,
        ):
            crps, velocity, scores = losses(
                self.network, batch, self.generators[0], self.generators[1], part.rows
            )
        for weight in self.weights:
            weight.grad = None
        (crps + velocity).backward()
        slopes = [weight.grad for weight in self.weights if weight.grad is not None]
        self.ranks.add([*slopes, crps, velocity], part.idle)
        clip = self.budget.clip
        norms = [torch.nn.utils.clip_grad_norm_(part, clip) for part in self.parts]
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
        self.field_fit.follow(batch, scores, share, (self.network, self.average))

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average towards the weights, faster in the beginning."""
        n = self.history.n_steps
        decay = min(self.budget.ema_decay, (1 + n) / (10 + n))
        fast: list[Tensor] = [*self.weights]
        torch._foreach_lerp_(self.slow, fast, 1 - decay)

    def validate(self, validation: Sequence[Batch]) -> None:
        """Score the averaged weights, and keep them if they are as good as the best."""
        crps = validation_crps(self.average, validation, self.ranks)
        history = self.history
        self.lowest = min(self.lowest, crps)
        # later weights are better at dependence, which the score can't see
        if crps <= self.lowest * _AS_GOOD or math.isnan(crps):
            self.keep()
        loss = np.mean(self.recent, axis=0) if self.recent else (math.nan, math.nan)
        self.recent = []
        history.step.append(history.n_steps)
        history.seconds.append(self.elapsed())
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
        """Leave the best weights in the network."""
        self.network.load_state_dict(self.best)
        self.network.eval()
