"""A Gaussian smoother for each channel: what the network's answer is a correction to.

Values of a channel over a window follow a Gaussian Markov random field that pulls
neighbours together, makes changes alike, and draws everything to the mean; observations
carry noise. Four weights a channel say how strongly (the reciprocal variances of
increments, of changes of slope, of levels and of the noise). The conditional mean and
spread of every cell given the shown ones then solve a linear system: linear
interpolation, the smoothing spline (Wahba, 1978, JRSS B 40) and the first-order
autoregression are special cases. The weights are learned in seconds, before the
network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tsdiff.diffusion.window import Window

_START = (10.0, 0.1, 0.01, 1000.0)  # nearly linear interpolation
_SMALLEST, _LARGEST = 1e-6, 1e6
_NUMBERS_AT_ONCE = 2**23  # bounds the memory of the matrices


class Smoother(nn.Module):
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

        Returns
        -------
        mean, spread : Tensor, shape (B, T, C)
        """
        n_windows, n_steps, n_channels = window.values.shape
        size = max(_NUMBERS_AT_ONCE // (n_channels * n_steps**2), 1)
        parts = [
            smooth(window.some(slice(first, first + size)), self.log_weights)
            for first in range(0, n_windows, size)
        ]
        return torch.cat([m for m, _ in parts]), torch.cat([s for _, s in parts])


def smooth(window: Window, log_weights: Tensor) -> tuple[Tensor, Tensor]:
    """Posterior of the Gaussian field with weights exp(`log_weights`), shape (C, 4)."""
    weight = log_weights.double().exp().clamp(_SMALLEST, _LARGEST)
    step, bend, level, sharp = weight.T[:, None, :, None]  # each (1, C, 1)
    shown = window.shown.transpose(1, 2).double()  # (B, C, T)
    values = window.values.transpose(1, 2).double()
    gap = window.elapsed.diff(dim=1).double().clamp_min(1e-3)[:, None]  # (B, 1, T - 1)
    precision = _chain(gap, step, bend)  # (B, C, T, T)
    pull = shown * sharp
    diagonal, right = pull + level, pull * values
    if window.edges is not None and window.away is not None:
        reach = step[..., 0, None] / window.away.transpose(1, 2).double()  # (B, C, 2)
        ends = window.edges.transpose(1, 2).double() * reach
        last = values.shape[2] - 1
        for side, at in ((0, 0), (1, last)):
            only = torch.zeros_like(values)
            only[..., at] = 1.0
            diagonal = diagonal + only * reach[..., side, None]
            right = right + only * ends[..., side, None]
    factor = torch.linalg.cholesky(precision + torch.diag_embed(diagonal))
    covariance = torch.cholesky_inverse(factor)
    mean = (covariance @ right[..., None])[..., 0]
    variance = covariance.diagonal(dim1=-2, dim2=-1) + 1 / sharp
    dtype = window.values.dtype
    spread = variance.sqrt().transpose(1, 2)
    return mean.transpose(1, 2).to(dtype), spread.to(dtype)


def _chain(gap: Tensor, step: Tensor, bend: Tensor) -> Tensor:
    """Give the precision of a chain: steps (B, 1, T - 1) -> (B, C, T, T)."""
    n_steps = gap.shape[2] + 1
    first = torch.eye(n_steps, dtype=gap.dtype).diff(dim=0)  # (T - 1, T)
    slopes = first / gap[..., None]  # (B, 1, T - 1, T)
    increments = slopes.mT @ (slopes * gap[..., None])
    if n_steps < 3:
        return step[..., None] * increments
    turns = slopes.diff(dim=2)  # (B, 1, T - 2, T)
    width = (gap[..., 1:] + gap[..., :-1]) / 2
    bends = turns.mT @ (turns / width[..., None])
    return step[..., None] * increments + bend[..., None] * bends


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
