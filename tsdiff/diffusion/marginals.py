"""The law of one cell: a Johnson-SU curve of adjustable slope, as a quantile function.

The head answers `N_PARAMETERS` numbers a cell. Four of them are a Johnson-SU law
(Johnson, 1949, Biometrika 36): median, scale, skew and tail weight. The others
stretch or flatten it between neighbouring knots, on a log scale: the quantile function
can climb steeply between two modes or rest on a plateau of equal values. Between the
knots it is linear in the normal score ``z = Phi^-1(level)``; beyond the outermost ones
it goes on as the Johnson-SU law does. So a normal law is a straight line, and quantile
and inverse are closed forms.
"""

from __future__ import annotations

import copy
import math
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

LEVELS = (0.01, 0.025, *(k / 20 for k in range(1, 20)), 0.975, 0.99)
N_KNOTS = len(LEVELS)
N_PARAMETERS = 4 + N_KNOTS - 1
_STEEPEST = 6.0  # log of the factor by which a slope can be changed; keeps it finite


def normal_score(level: Tensor) -> Tensor:
    """Give the standard normal quantile of each level in (0, 1)."""
    return math.sqrt(2.0) * torch.erfinv(2 * level - 1)


def _knot_scores(like: Tensor) -> Tensor:
    levels = torch.tensor(LEVELS, dtype=torch.float64)
    return normal_score(levels).to(like.dtype).to(like.device)


def _pad_weights() -> list[float]:
    """Width of the band of levels that each knot stands for (they sum to one)."""
    edges = [0.0, *((a + b) / 2 for a, b in pairwise(LEVELS)), 1.0]
    return [b - a for a, b in pairwise(edges)]


class Marginals:
    """Laws of `n` cells.

    Parameters
    ----------
    raw : Tensor, shape (n, N_PARAMETERS)
        What the head gives: log scale, correction of the median in units of
        `spread`, skew, tail weight, log stretch between neighbouring knots.
    anchor : Tensor, shape (n,)
        The median of an untrained head: the fill between shown neighbours.
    spread : Tensor, shape (n,), optional
        Unit of correction and scale; one by default.
    """

    def __init__(
        self, raw: Tensor, anchor: Tensor, spread: Tensor | None = None
    ) -> None:
        raw = raw.float()
        unit = torch.ones_like(anchor) if spread is None else spread
        self.median = anchor + unit * raw[:, 1]
        self.scale = unit * torch.exp(raw[:, 0].clamp(-9.0, 9.0) - 1.0)
        self.skew = 1.5 * torch.tanh(raw[:, 2])
        self.tail = 0.02 + 1.2 * torch.sigmoid(raw[:, 3] - 1.0)
        self._scores = _knot_scores(raw)
        smooth = self._johnson(self._scores)
        stretch = torch.exp(_STEEPEST * torch.tanh(raw[:, 4:] / _STEEPEST))
        rise = F.pad(torch.cumsum(smooth.diff(dim=1) * stretch, 1), (1, 0))
        middle = N_KNOTS // 2
        self.knots = self.median[:, None] + rise - rise[:, middle : middle + 1]
        # the tails are those of the smooth law, shifted to meet the outermost knots
        self._shift = (self.knots - smooth)[:, [0, -1]]  # (n, 2)

    def select(self, rows: Tensor) -> Marginals:
        """Laws of some of the cells, by index or by mask."""
        some = copy.copy(self)
        for name in ("median", "scale", "skew", "tail", "_shift", "knots"):
            setattr(some, name, getattr(self, name)[rows])
        return some

    def widened(self, log_factor: float) -> Marginals:
        """Laws with the same medians, and all other quantiles further from them."""
        some, factor = copy.copy(self), math.exp(log_factor)
        some.scale = factor * self.scale
        some.knots = torch.lerp(self.median[:, None], self.knots, factor)
        some._shift = torch.lerp(torch.zeros_like(self._shift), self._shift, factor)
        return some

    def _johnson(self, z: Tensor) -> Tensor:
        """Johnson-SU quantile at normal scores `z`; median at z = 0, slope `scale`."""
        skew, tail = self.skew[:, None], self.tail[:, None]
        bend = torch.sinh(tail * z + skew) - torch.sinh(skew)
        bend = bend / (tail * torch.cosh(skew))
        return self.median[:, None] + self.scale[:, None] * bend

    def _johnson_score(self, x: Tensor) -> Tensor:
        """Inverse of `_johnson`."""
        skew, tail = self.skew[:, None], self.tail[:, None]
        return (torch.asinh(self._bend(x)) - skew) / tail

    def _johnson_log_slope(self, x: Tensor) -> Tensor:
        """Log of the derivative of `_johnson_score`."""
        steep = torch.log(torch.cosh(self.skew) / self.scale)[:, None]
        return steep - torch.log1p(self._bend(x) ** 2) / 2

    def _bend(self, x: Tensor) -> Tensor:
        """Undo all of `_johnson` but the sinh."""
        skew, tail = self.skew[:, None], self.tail[:, None]
        bend = (x - self.median[:, None]) / self.scale[:, None]
        return bend * tail * torch.cosh(skew) + torch.sinh(skew)

    def from_z(self, z: Tensor) -> Tensor:
        """Give the values at normal scores.

        Parameters
        ----------
        z : Tensor, shape (n, k)

        Returns
        -------
        Tensor, shape (n, k)
        """
        scores = self._scores
        inner = z.clamp(float(scores[0]), float(scores[-1])).contiguous()
        left = torch.searchsorted(scores, inner, right=True) - 1
        left = left.clamp(0, N_KNOTS - 2)
        low, high = self.knots.gather(1, left), self.knots.gather(1, left + 1)
        share = (inner - scores[left]) / (scores[left + 1] - scores[left])
        value = low + share * (high - low)
        beyond = self._johnson(z) - self._johnson(inner)
        return value + torch.where(inner == z, torch.zeros_like(z), beyond)

    def to_z(self, x: Tensor) -> Tensor:
        """Give the normal scores of values: the inverse of `from_z`.

        Parameters
        ----------
        x : Tensor, shape (n, k)

        Returns
        -------
        Tensor, shape (n, k)
        """
        scores, first, last = self._scores, self.knots[:, :1], self.knots[:, -1:]
        inner = torch.minimum(torch.maximum(x, first), last).contiguous()
        left, low, high = self._segment(inner)
        share = (inner - low) / (high - low).clamp_min(1e-30)
        z = scores[left] + share * (scores[left + 1] - scores[left])
        below = self._johnson_score(x - self._shift[:, :1])
        above = self._johnson_score(x - self._shift[:, 1:])
        z = torch.where(x < first, below, z)
        return torch.where(x > last, above, z)

    def log_density(self, x: Tensor) -> Tensor:
        """Log density at values, in closed form: that of `to_z` and of its slope.

        Parameters
        ----------
        x : Tensor, shape (n, k)

        Returns
        -------
        Tensor, shape (n, k)
            In nats; its negative is the log score. It jumps at the knots.
        """
        first, last = self.knots[:, :1], self.knots[:, -1:]
        inner = torch.minimum(torch.maximum(x, first), last).contiguous()
        left, low, high = self._segment(inner)
        rise = self._scores[left + 1] - self._scores[left]
        slope = rise.log() - (high - low).clamp_min(1e-30).log()
        below = self._johnson_log_slope(x - self._shift[:, :1])
        above = self._johnson_log_slope(x - self._shift[:, 1:])
        slope = torch.where(x < first, below, slope)
        slope = torch.where(x > last, above, slope)
        return slope - self.to_z(x) ** 2 / 2 - math.log(2 * math.pi) / 2

    def _segment(self, inner: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Find the knots around values between the outermost: which, low and high."""
        left = torch.searchsorted(self.knots.detach(), inner, right=True) - 1
        left = left.clamp(0, N_KNOTS - 2)
        return left, self.knots.gather(1, left), self.knots.gather(1, left + 1)

    def quantile(self, levels: Tensor) -> Tensor:
        """Quantiles at levels in (0, 1), shape (k,), as a Tensor of shape (n, k).

        The levels are on the CPU.
        """
        z = normal_score(levels.double()).to(self.knots.dtype).to(self.knots.device)
        return self.from_z(z.expand(len(self.knots), -1))

    def crps(self, x: Tensor) -> Tensor:
        """Continuous ranked probability score of each cell by pinball at the knots.

        The score is twice the pinball loss integrated over the levels (Gneiting and
        Raftery, 2007, JASA 102), here with each knot standing for its band of levels.

        Parameters
        ----------
        x : Tensor, shape (n,)

        Returns
        -------
        Tensor, shape (n,)
        """
        levels = torch.tensor(LEVELS, dtype=x.dtype, device=x.device)
        weights = torch.tensor(_pad_weights(), dtype=x.dtype, device=x.device)
        error = x[:, None] - self.knots
        loss = torch.maximum(levels * error, (levels - 1) * error)
        return 2 * (loss * weights).sum(1)
