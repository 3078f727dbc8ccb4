"""A Gaussian smoother for each channel: what the network's answer is a correction to.

Values of a channel over a window follow a Gaussian Markov random field that pulls
neighbours together, makes changes alike, and draws everything to the mean; observations
carry noise. Four weights a channel say how strongly (the reciprocal variances of
increments, of changes of slope, of levels and of the noise). The conditional mean and
spread of every cell given the shown ones then solve a banded system: linear
interpolation, the smoothing spline (Wahba, 1978, JRSS B 40) and the first-order
autoregression are special cases. The weights are learned in a second, before the
network. There are so few of them that gradients are taken forwards, by a step into the
complex plane (Squire and Trapp, 1998, SIAM Review 40): exact to the last digit, and
several times faster than recording each small operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from tsdiff.diffusion import banded
from tsdiff.diffusion.device import OnCPU
from tsdiff.diffusion.window import Window

_START = (10.0, 0.1, 0.01, 1000.0)  # nearly linear interpolation
_SMALLEST, _LARGEST = 1e-6, 1e6
_SHORTEST = 1e-3  # steps; stamps closer than this count as this far apart
_ASIDE = 1e-100  # step into the complex plane; its square vanishes


class Smoother(OnCPU):
    """Conditional mean and spread of each cell by its own channel.

    Parameters
    ----------
    n_channels : int
    """

    log_weights: Tensor

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        start = torch.tensor(_START, dtype=torch.float64).log()
        self.register_buffer("log_weights", start.repeat(n_channels, 1))

    def forward(self, window: Window) -> tuple[Tensor, Tensor]:
        """Give mean and standard deviation of an observation in each cell.

        Parameters
        ----------
        window : Window
            On the CPU.

        Returns
        -------
        mean, spread : Tensor, shape (B, T, C)
        """
        return smooth(window, self.log_weights)


class System(NamedTuple):
    """Precision of the fields of B windows given what is shown, and what pulls them.

    Attributes
    ----------
    diagonal, first, second : Tensor, shape (..., B, C, T)
        Entries (i, i), (i, i + 1) and (i, i + 2) of the precision.
    right : Tensor, shape (..., B, C, T)
        Precision times mean.
    sharp : Tensor, shape (..., 1, C, 1)
        Reciprocal variance of an observation's noise.
    """

    diagonal: Tensor
    first: Tensor
    second: Tensor
    right: Tensor
    sharp: Tensor

    def factors(self) -> banded.Factors:
        """Factorise the precision."""
        return banded.factor(*map(banded.steps, self[:3]))

    def spread(self, factors: banded.Factors) -> Tensor:
        """Give the standard deviation of an observation in each cell."""
        return (banded.together(banded.variances(factors)) + 1 / self.sharp).sqrt()


class _Forwards(torch.autograd.Function):
    """An answer and its derivative in each of the four weights of a channel."""

    @staticmethod
    def forward(ctx: Any, log_weights: Tensor, answer: Callable) -> Tensor:
        aside = 1j * _ASIDE * torch.eye(4, dtype=torch.complex128)[:, None]
        found = answer(log_weights + aside)  # (4, ..., C, n)
        ctx.save_for_backward(found.imag / _ASIDE)
        return found[0].real.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        total = (slope * gradients[0]).sum(-1)  # (4, ..., C)
        return total.flatten(1, -2).sum(1).T, None


def with_gradient(answer: Callable[[Tensor], Tensor], log_weights: Tensor) -> Tensor:
    """Let gradients pass through an answer by weights, each channel's by its own.

    Parameters
    ----------
    answer : callable
        From logarithms of weights, real or complex, (C, 4) or (4, C, 4), to a tensor of
        shape (..., C, n), or (4, ..., C, n).
    log_weights : Tensor, shape (C, 4)

    Returns
    -------
    Tensor, shape (..., C, n)
    """
    if not log_weights.requires_grad:
        return answer(log_weights)
    return _Forwards.apply(log_weights, answer)


def smooth(window: Window, log_weights: Tensor) -> tuple[Tensor, Tensor]:
    """Posterior of the Gaussian field with weights exp(`log_weights`), shape (C, 4)."""

    def posterior(log_weights: Tensor) -> Tensor:
        system = field_system(window, log_weights)
        factors = system.factors()
        mean = banded.together(banded.solve(factors, banded.steps(system.right)))
        return torch.stack([mean, system.spread(factors)], -4)  # (..., 2, B, C, T)

    both = with_gradient(posterior, log_weights).transpose(-1, -2)
    mean, spread = both.to(window.values.dtype)
    return mean, spread


def field_system(window: Window, log_weights: Tensor) -> System:
    """Set up the field with weights exp(`log_weights`), (..., C, 4), in a window."""
    weight = _exp_within(log_weights).movedim(-1, 0)[..., None, :, None]
    step, bend, level, sharp = weight  # each (..., 1, C, 1)
    shown = window.shown.transpose(1, 2).double()  # (B, C, T)
    right = shown * sharp * window.values.transpose(1, 2).double()
    gap = window.elapsed.diff(dim=1).double().clamp_min(_SHORTEST)[:, None]
    diagonal, first, second = _chain(gap, step, bend)
    diagonal = diagonal + shown * sharp + level
    if window.edges is not None and window.away is not None:
        pull = step / window.away.transpose(1, 2).double()  # (B, C, 2)
        towards = pull * window.edges.transpose(1, 2).double()
        diagonal, right = _at_ends(diagonal, pull), _at_ends(right, towards)
    return System(diagonal, first, second, right, sharp)


def _exp_within(x: Tensor) -> Tensor:
    """Exponential, held within bounds; beyond them it has no slope."""
    if not x.is_complex():
        return x.double().exp().clamp(_SMALLEST, _LARGEST)
    low, high = math.log(_SMALLEST), math.log(_LARGEST)
    inside = (x.real >= low) & (x.real <= high)
    return torch.complex(x.real.clamp(low, high), x.imag * inside).exp()


def _at_ends(x: Tensor, more: Tensor) -> Tensor:
    """Add to the first and the last step: (B, C, T) and (B, C, 2) -> (B, C, T)."""
    rest = x.shape[-1] - 1
    return x + F.pad(more[..., :1], (0, rest)) + F.pad(more[..., 1:], (rest, 0))


def _chain(gap: Tensor, step: Tensor, bend: Tensor) -> tuple[Tensor, ...]:
    """Give the three diagonals of the precision of increments and changes of slope.

    ``step (x_1 - x_0)^2 / gap`` for neighbours, ``bend (slope_1 - slope_0)^2 / width``
    for three in a row. From (B, 1, T - 1) to (B, C, T), (B, C, T) and (B, C, T): the
    entries beside the diagonal are padded by zeros at the end.
    """
    pull = step / gap  # (B, C, T - 1)
    diagonal = F.pad(pull, (0, 1)) + F.pad(pull, (1, 0))
    first = F.pad(-pull, (0, 1))
    if gap.shape[2] < 2:
        return diagonal, first, torch.zeros_like(first)
    before, after = 1 / gap[..., :-1], 1 / gap[..., 1:]
    both = before + after
    turn = 2 * bend / (gap[..., 1:] + gap[..., :-1])  # (B, C, T - 2)
    diagonal = diagonal + F.pad(turn * before**2, (0, 2))
    diagonal = diagonal + F.pad(turn * both**2, (1, 1))
    diagonal = diagonal + F.pad(turn * after**2, (2, 0))
    first = first - F.pad(turn * before * both, (0, 2))
    first = first - F.pad(turn * after * both, (1, 1))
    return diagonal, first, F.pad(turn * before * after, (0, 2))


def normal_crps(truth: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """CRPS of normal laws (Gneiting et al., 2005, Mon. Weather Rev. 133)."""
    w = (truth - mean) / spread
    cdf = 0.5 * (1 + torch.erf(w / math.sqrt(2)))
    density = torch.exp(-0.5 * w**2) / math.sqrt(2 * math.pi)
    return spread * (w * (2 * cdf - 1) + 2 * density - 1 / math.sqrt(math.pi))


def fit_smoother(
    smoother: Smoother,
    examples: Sequence[tuple[Window, Tensor, Tensor]],
    rate: float = 0.2,
) -> None:
    """Learn the weights from hidden cells, by CRPS, one step an example.

    Parameters
    ----------
    smoother : Smoother
    examples : sequence of (window, truth, target)
        Windows, scaled values and the cells to learn from.
    rate : float, default 0.2
        Of Adam, on the logarithms of the weights; it falls to zero.
    """
    weights = smoother.log_weights.clone().requires_grad_()
    optimizer = torch.optim.Adam([weights], lr=rate)
    for number, (window, truth, target) in enumerate(examples):
        optimizer.param_groups[0]["lr"] = rate * (1 - number / len(examples))
        mean, spread = smooth(window, weights)
        score = normal_crps(truth, mean, spread)
        # every channel counts alike, however many of its cells are hidden
        count = target.sum((0, 1)).clamp_min(1)
        loss = (torch.where(target, score, 0.0).sum((0, 1)) / count).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    smoother.log_weights.copy_(weights.detach())
