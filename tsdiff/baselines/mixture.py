"""Mixtures of normal laws: quantiles of cells, and joint paths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_HALVINGS = 50
_BLOCK = 2**20  # numbers in one scratch array, 8 MB


@dataclass(frozen=True)
class Mixture:
    """Joint law of the cells of a strand: k analogues and a smoothing of each.

    A path is ``mean + keep * step[j] + sqrt(1 - keep**2) * sum_i sqrt(weight[i]) *
    step[i] * e_i + rest * e``, where j is drawn by `weight` and all e are normal: it
    has the covariance of the analogues.

    Attributes
    ----------
    mean, rest : ndarray, shape (m,)
    step, weight : ndarray, shape (k, m)
        Steps from the mean to each analogue; the weights of a cell sum to 1.
    keep : ndarray, shape (m,)
        Share that smoothing leaves of the steps.
    gap : ndarray of int, shape (m,)
        Number of the gap that each cell lies in.
    """

    mean: Floats
    rest: Floats
    step: Floats
    weight: Floats
    keep: Floats
    gap: Ints

    @property
    def variance(self) -> Floats:
        """Of each cell, shape (m,)."""
        return (self.weight * self.step**2).sum(axis=0) + self.rest**2

    def quantiles(self, levels: Floats) -> Floats:
        """Quantiles of each cell, shape (n, m)."""
        smooth = (1 - self.keep**2) * (self.variance - self.rest**2) + self.rest**2
        place = self.mean + self.keep * self.step
        return mixture_quantiles(place, np.sqrt(smooth), self.weight, levels)

    def some(self, cells: Ints) -> Mixture:
        """Take some of the cells."""
        return Mixture(
            self.mean[cells],
            self.rest[cells],
            self.step[:, cells],
            self.weight[:, cells],
            self.keep[cells],
            self.gap[cells],
        )

    def paths(self, noise: Floats) -> Floats:
        """Joint paths, shape (S, m), from noise (S, n_gaps, k + 2)."""
        k = len(self.step)
        edges = np.cumsum(self.weight, axis=0)[:-1]
        chance = ndtr(noise[:, self.gap, k])
        pick = (chance[:, None] >= edges).sum(axis=1)  # (S, m)
        paths = self.mean + self.keep * np.take_along_axis(self.step, pick, axis=0)
        loose = np.sqrt(self.weight * (1 - self.keep**2)) * self.step
        paths += np.einsum("smk,km->sm", noise[:, self.gap, :k], loose)
        return paths + self.rest * noise[:, self.gap, k + 1]


def mixture_quantiles(
    mean: Floats, sd: Floats, weight: Floats, levels: Floats
) -> Floats:
    """Quantiles of mixtures whose components share one standard deviation.

    Parameters
    ----------
    mean, weight : ndarray, shape (k, M)
        Of the components of M mixtures; weights sum to 1.
    sd : ndarray, shape (M,)
    levels : ndarray, shape (n,)

    Returns
    -------
    ndarray, shape (n, M)

    Examples
    --------
    >>> mean, weight = np.array([[-4.0], [4.0]]), np.array([[0.5], [0.5]])
    >>> found = mixture_quantiles(mean, np.ones(1), weight, np.array([0.25, 0.75]))
    >>> found.ravel().round(3).tolist()
    [-4.0, 4.0]
    """
    answer = np.empty((len(levels), mean.shape[1]))
    size = max(_BLOCK // mean.size * mean.shape[1] // len(levels), 1)
    for first in range(0, mean.shape[1], size):
        some = slice(first, first + size)
        answer[:, some] = _bisected(mean[:, some], sd[some], weight[:, some], levels)
    return answer


def _bisected(mean: Floats, sd: Floats, weight: Floats, levels: Floats) -> Floats:
    used = weight > 0
    reach = ndtri(levels)[:, None] * sd  # the ends are quantiles of single components
    low = np.where(used, mean, np.inf).min(axis=0) + reach
    high = np.where(used, mean, -np.inf).max(axis=0) + reach
    unit = np.where(sd > 0, sd, np.finfo(float).tiny)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        with np.errstate(over="ignore"):
            score = (middle[:, None] - mean) / unit  # (n, k, M)
        below = (weight * ndtr(score)).sum(axis=1) < levels[:, None]
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2
