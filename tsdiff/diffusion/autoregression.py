"""A vector autoregression's answer: what all channels say of a cell, before and after.

Channels of a window follow a stationary vector autoregression of order one, observed
with noise. Given the shown cells its posterior is Gaussian with a block-tridiagonal
precision, so means and spreads of all cells take one sweep forwards and one back: the
smoother of Rauch, Tung and Striebel (1965, AIAA Journal 3) in information form. Its
moments are those of the data, pair by pair, so gaps do no harm, made those of a
stationary process by alternating projections (Higham, 2002, IMA Journal of Numerical
Analysis 22); how far, and the noise, are chosen on held-out cells. It is the linear
answer that the network corrects.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tsdiff.diffusion.device import OnCPU
from tsdiff.diffusion.window import Window

Examples = Sequence[tuple[Window, Tensor, Tensor]]  # windows, truth, hidden cells

NOISES = (
    0.0003,
    0.003,
    0.01,
    0.03,
    0.1,
    0.3,
)  # variances of the observations, to choose from
LEAST_VARIANCES = (1e-3, 5e-3, 3e-2)  # of any sum of two steps' cells, to choose from
_USUAL_NOISE = 0.01  # while the least variance is chosen
_MOST_PROJECTIONS, _NEAR = 200, 0.9  # the share of the least variance that is enough
_LARGEST_ROOT = 0.995  # a stationary process
_LEAST_PRECISION, _LEAST_SPREAD = 1e-6, 1e-3


class Autoregression(OnCPU):
    """Conditional mean and spread of each cell by all channels.

    Parameters
    ----------
    n_channels : int
    """

    mean: Tensor  # (C,)
    start: Tensor  # (C, C), precision of the first step
    inner: Tensor  # (C, C), precision of an innovation
    pull: Tensor  # (C, C), what a step's precision gains from the next one
    link: Tensor  # (C, C), precision between a step and the next one
    noise: Tensor  # (), variance of an observation

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        eye = torch.eye(n_channels, dtype=torch.float64)
        self.register_buffer("mean", eye[0] * 0)
        self.register_buffer("start", eye)
        self.register_buffer("inner", eye.clone())
        self.register_buffer("pull", eye * 0)
        self.register_buffer("link", eye * 0)
        self.register_buffer("noise", torch.tensor(NOISES[0], dtype=torch.float64))

    def forward(self, window: Window) -> tuple[Tensor, Tensor]:
        """Give mean and standard deviation of each cell given the others.

        Parameters
        ----------
        window : Window
            Evenly spaced; on the CPU.

        Returns
        -------
        mean, spread : Tensor, shape (B, T, C)
            Of an observation; of a shown cell as if it were not.
        """
        sharp, told = self._evidence(window)
        mean, variance = self._smoothed(sharp, told)
        shown, values = window.shown.double(), window.values.double() - self.mean
        # what a shown cell itself has said is taken back
        own = shown / self.noise
        precision = (1 / variance - own).clamp_min(_LEAST_PRECISION)
        said = torch.where(window.shown, own * values, 0.0)
        others = (mean / variance - said) / precision
        mean = torch.where(window.shown, others, mean) + self.mean
        spread = (1 / precision + self.noise).sqrt().clamp_min(_LEAST_SPREAD)
        dtype = window.values.dtype
        return mean.to(dtype), spread.to(dtype)

    def _evidence(self, window: Window) -> tuple[Tensor, Tensor]:
        """Precision of what is known of each cell, and that times its value.

        The neighbours outside of the window are values of its ends, the less precise
        the farther away.
        """
        sharp = window.shown.double() / self.noise
        told = sharp * torch.where(
            window.shown, window.values.double() - self.mean, 0.0
        )
        if window.edges is None or window.away is None:
            return sharp, told
        change = torch.linalg.inv(self.inner).diagonal()
        sure = 1 / (self.noise + window.away.double() * change)  # (B, 2, C)
        outside = sure * (window.edges.double() - self.mean)
        sharp[:, [0, -1]] += sure
        told[:, [0, -1]] += torch.where(sure > 0, outside, 0.0)
        return sharp, told

    def _smoothed(self, sharp: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and variance of each cell, shape (B, T, C)."""
        last = sharp.shape[1] - 1
        inverse: list[Tensor] = []
        right: list[Tensor] = []
        for step in range(last + 1):
            precision = torch.diag_embed(sharp[:, step])
            precision = precision + (self.inner if step else self.start)
            precision = precision if step == last else precision + self.pull
            pulled = told[:, step]
            if step:
                gain = self.link.T @ inverse[-1]  # (B, C, C)
                precision = precision - gain @ self.link
                pulled = pulled - (gain @ right[-1][..., None])[..., 0]
            inverse.append(torch.cholesky_inverse(torch.linalg.cholesky(precision)))
            right.append(pulled)
        mean = (inverse[-1] @ right[-1][..., None])[..., 0]
        covariance = inverse[-1]
        means, variances = [mean], [covariance.diagonal(dim1=-2, dim2=-1)]
        for step in range(last - 1, -1, -1):
            pulled = right[step] - mean @ self.link.T
            mean = (inverse[step] @ pulled[..., None])[..., 0]
            gain = inverse[step] @ self.link
            covariance = inverse[step] + gain @ covariance @ gain.transpose(-1, -2)
            means.append(mean)
            variances.append(covariance.diagonal(dim1=-2, dim2=-1))
        return torch.stack(means[::-1], 1), torch.stack(variances[::-1], 1)


def fit_autoregression(
    values: Tensor, follows: Tensor, n_channels: int, least: float = LEAST_VARIANCES[0]
) -> Autoregression:
    """Fit by moments of pairs of cells that are both observed.

    Parameters
    ----------
    values : Tensor, shape (N, C)
        Scaled; NaN where not observed.
    follows : Tensor of bool, shape (N - 1,)
        Whether a row is the one after the row before it, in the same series.
    n_channels : int
    least : float
        Variance that every sum of the cells of two steps has at least, for weights of
        length one. The larger, the less channels are held to tell of each other.

    Returns
    -------
    Autoregression
        With the first of `NOISES`.
    """
    model = Autoregression(n_channels)
    values = values.double()
    seen = ~values.isnan()
    mean = torch.where(seen, values, 0.0).sum(0) / seen.sum(0).clamp_min(1)
    centred = torch.where(seen, values - mean, 0.0)
    before, after = centred[:-1][follows], centred[1:][follows]
    together = _mean_product(centred, centred, seen, seen)
    later = _mean_product(after, before, seen[1:][follows], seen[:-1][follows])
    together, later = _stationary(together, later, least)
    step = torch.linalg.solve(together, later.T).T  # (C, C), x_{t+1} ~ step x_t
    root = float(torch.linalg.eigvals(step).abs().max())
    step = step * min(1.0, _LARGEST_ROOT / max(root, 1e-9))
    innovation = _positive(together - step @ together @ step.T, _NEAR * least)
    inner = torch.linalg.inv(innovation)
    for name, value in {
        "mean": mean,
        "start": torch.linalg.inv(together),
        "inner": inner,
        "pull": step.T @ inner @ step,
        "link": -step.T @ inner,
    }.items():
        getattr(model, name).copy_(value)
    return model


def choose_autoregression(
    values: Tensor, follows: Tensor, examples: Examples
) -> tuple[Autoregression, float]:
    """Fit with the least variance, then the noise, of the least error at hidden cells.

    Parameters
    ----------
    values, follows : Tensor
        See `fit_autoregression`.
    examples : sequence of (window, truth, target)

    Returns
    -------
    Autoregression
    float
        Sum of absolute errors.
    """
    n_channels = values.shape[1]
    fits = [fit_autoregression(values, follows, n_channels, v) for v in LEAST_VARIANCES]
    model = min(fits, key=lambda fit: _error(fit, _USUAL_NOISE, examples))
    return model, choose_noise(model, examples)


def choose_noise(model: Autoregression, examples: Examples) -> float:
    """Set the noise of the least error at hidden cells; return that sum of errors."""
    errors = {noise: _error(model, noise, examples) for noise in NOISES}
    best = min(errors, key=lambda noise: errors[noise])
    model.noise.fill_(best)
    return errors[best]


def _error(model: Autoregression, noise: float, examples: Examples) -> float:
    model.noise.fill_(noise)
    return sum(
        float((model(window)[0][target] - truth[target]).abs().sum())
        for window, truth, target in examples
    )


def _stationary(together: Tensor, later: Tensor, least: float) -> tuple[Tensor, Tensor]:
    """Nearest moments, of one step and of neighbours, that a stationary process has.

    Moments of pairs that are observed at different times need not fit together. Those
    of two steps must be a covariance, and each step's the same.
    """
    n_channels = len(together)
    for _ in range(_MOST_PROJECTIONS):
        rows = torch.cat([together, later.T], 1), torch.cat([later, together], 1)
        values, vectors = torch.linalg.eigh(torch.cat(rows))
        if values[0] >= _NEAR * least:
            break
        both = (vectors * values.clamp_min(least)) @ vectors.T
        later = both[n_channels:, :n_channels]
        together = (both[:n_channels, :n_channels] + both[n_channels:, n_channels:]) / 2
    return together, later


def _mean_product(a: Tensor, b: Tensor, seen_a: Tensor, seen_b: Tensor) -> Tensor:
    count = seen_a.T.double() @ seen_b.double()
    return a.T @ b / count.clamp_min(1)


def _positive(matrix: Tensor, least: float) -> Tensor:
    """Nearest symmetric matrix whose eigenvalues are at least `least`."""
    values, vectors = torch.linalg.eigh((matrix + matrix.T) / 2)
    return (vectors * values.clamp_min(least)) @ vectors.T
