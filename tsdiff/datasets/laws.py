"""Laws of single cells that are known exactly: yardsticks for what a model learns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, pdtr

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NormalMixture:
    """M mixtures of the same K normal laws with weights of their own.

    Parameters
    ----------
    weights : ndarray, shape (M, K)
        Each row sums to 1.
    means : ndarray, shape (K,)
    sd : float
        Standard deviation of every component.

    Examples
    --------
    >>> law = NormalMixture(np.array([[0.5, 0.5]]), np.array([-2.0, 2.0]), 0.3)
    >>> law.quantile([0.25, 0.75]).round(6)
    array([[-2.],
           [ 2.]])
    """

    weights: Floats
    means: Floats
    sd: float

    def mean(self) -> Floats:
        """Return the expectation of every cell, shape (M,)."""
        return self.weights @ self.means

    def cdf(self, x: ArrayLike) -> Floats:
        """Return P(cell <= x).

        Parameters
        ----------
        x : array-like, shape (..., M)

        Returns
        -------
        ndarray, shape (..., M)
        """
        standard = (np.asarray(x, dtype=float)[..., None] - self.means) / self.sd
        return (self.weights * ndtr(standard)).sum(-1)

    def quantile(self, alpha: ArrayLike) -> Floats:
        """Return the quantiles of every cell, to rounding error.

        Parameters
        ----------
        alpha : float or array-like, shape (Q,)
            Levels strictly between 0 and 1.

        Returns
        -------
        ndarray, shape (M,) for one level, (Q, M) for many
        """
        level = _levels(alpha)[..., None]
        shape = np.broadcast_shapes(level.shape, (len(self.weights),))
        low = np.full(shape, self.means.min() - 40 * self.sd)
        high = np.full(shape, self.means.max() + 40 * self.sd)
        for _ in range(80):  # halvings: more than double precision can tell apart
            middle = (low + high) / 2
            below = self.cdf(middle) < level
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return (low + high) / 2

    def crps(self, y: ArrayLike) -> Floats:
        """Return the continuous ranked probability score of every cell.

        E|X - y| - E|X - X'| / 2, both in closed form: the expected absolute value of a
        normal variable (Grimit et al. 2006).

        Parameters
        ----------
        y : array-like, shape (..., M)
            What came out.

        Returns
        -------
        ndarray, shape (..., M)
        """
        miss = np.asarray(y, dtype=float)[..., None] - self.means  # (..., M, K)
        apart = self.means[:, None] - self.means  # (K, K)
        pairs = _mean_absolute(apart, np.sqrt(2) * self.sd)
        spread = np.einsum("mk,kl,ml->m", self.weights, pairs, self.weights)
        return (self.weights * _mean_absolute(miss, self.sd)).sum(-1) - spread / 2

    def sample(self, n_samples: int, rng: np.random.Generator) -> Floats:
        """Draw every cell on its own, shape (n_samples, M)."""
        uniform = rng.random((n_samples, len(self.weights), 1))
        component = (uniform > self.weights.cumsum(1)[:, :-1]).sum(-1)
        noise = rng.standard_normal(component.shape)
        return self.means[component] + self.sd * noise


@dataclass(frozen=True)
class ZeroInflatedPoisson:
    """M counts: zero with probability `zeros`, else Poisson with a rate of their own.

    Parameters
    ----------
    rate : ndarray, shape (M,)
    zeros : float
        Probability of an extra zero.

    Examples
    --------
    >>> law = ZeroInflatedPoisson(np.array([4.0]), 0.3)
    >>> law.quantile([0.3, 0.9]), law.mean().round(6)
    (array([[0.],
           [6.]]), array([2.8]))
    """

    rate: Floats
    zeros: float

    def mean(self) -> Floats:
        """Return the expectation of every cell, shape (M,)."""
        return (1 - self.zeros) * self.rate

    def cdf(self, x: ArrayLike) -> Floats:
        """Return P(cell <= x).

        Parameters
        ----------
        x : array-like, shape (..., M)

        Returns
        -------
        ndarray, shape (..., M)
        """
        count = np.floor(np.asarray(x, dtype=float))
        poisson = pdtr(np.maximum(count, 0), self.rate)
        return np.where(count < 0, 0.0, self.zeros + (1 - self.zeros) * poisson)

    def quantile(self, alpha: ArrayLike) -> Floats:
        """Return the smallest count whose distribution function reaches `alpha`.

        Parameters
        ----------
        alpha : float or array-like, shape (Q,)
            Levels strictly between 0 and 1.

        Returns
        -------
        ndarray, shape (M,) for one level, (Q, M) for many
        """
        level = _levels(alpha)[..., None]
        reached = self._table(0)[:, None] < np.atleast_2d(level)  # (K, Q, M)
        count = reached.sum(0).astype(float)
        return count if level.ndim > 1 else count[0]

    def crps(self, y: ArrayLike) -> Floats:
        """Return the continuous ranked probability score of every cell.

        Between whole numbers the distribution function is flat, so that the integral of
        its squared distance to the step at `y` is a sum.

        Parameters
        ----------
        y : array-like, shape (M,)
            What came out: whole numbers from 0.

        Returns
        -------
        ndarray, shape (M,)
        """
        came = np.asarray(y, dtype=float)
        table = self._table(came.max(initial=0))  # (K, M)
        step = np.arange(len(table))[:, None] >= came
        return ((table - step) ** 2).sum(0)

    def sample(self, n_samples: int, rng: np.random.Generator) -> Floats:
        """Draw every cell on its own, shape (n_samples, M)."""
        shape = (n_samples, len(self.rate))
        counts = rng.poisson(self.rate, shape)
        return np.where(rng.random(shape) < self.zeros, 0.0, counts)

    def _table(self, at_least: float) -> Floats:
        """Return the distribution function at 0, 1, ... (K, M), beyond all doubt."""
        largest = float(self.rate.max(initial=0))
        stop = max(largest + 12 * np.sqrt(largest) + 30, at_least + 1)
        return self.cdf(np.arange(int(stop) + 1)[:, None])


def _levels(alpha: ArrayLike) -> Floats:
    """Return quantile levels as an array, checked."""
    levels = np.asarray(alpha, dtype=float)
    if not ((levels > 0) & (levels < 1)).all():
        raise ValueError(f"alpha lies strictly between 0 and 1, found {levels}")
    return levels


def _mean_absolute(mean: Floats, sd: float) -> Floats:
    """Return E|X| of normal X with this mean and standard deviation."""
    density = np.exp(-((mean / sd) ** 2) / 2) / np.sqrt(2 * np.pi)
    return mean * (2 * ndtr(mean / sd) - 1) + 2 * sd * density
