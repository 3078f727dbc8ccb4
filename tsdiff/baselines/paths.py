"""Paths: of steps ahead from the quantiles of each, and of autoregressions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def read_quantiles(table: Floats, grid: Floats, scores: Floats) -> Floats:
    """Read quantile functions at normal scores: linear between, and beyond.

    Parameters
    ----------
    table : ndarray, shape (k, M)
        Quantiles of M cells at `grid`, ascending.
    grid : ndarray, shape (k,)
        Normal scores, ascending; two or more.
    scores : ndarray, shape (n, M)

    Returns
    -------
    ndarray, shape (n, M)

    Examples
    --------
    >>> table = np.array([[8.0], [10.0], [13.0]])
    >>> grid = np.array([-1.0, 0.0, 1.0])
    >>> read_quantiles(table, grid, np.array([[-2.0], [0.5]])).ravel().tolist()
    [6.0, 11.5]
    """
    right = np.clip(np.searchsorted(grid, scores), 1, len(grid) - 1)
    left = np.take_along_axis(table, right - 1, axis=0)
    width = np.take_along_axis(table, right, axis=0) - left
    share = (scores - grid[right - 1]) / (grid[right] - grid[right - 1])
    return left + share * width


def neighbour_correlation(spread: Floats) -> Floats:
    """Correlation of each step's error with that of the step before.

    Parameters
    ----------
    spread : ndarray, shape (h,)
        In proportion to the standard deviation of each step.

    Returns
    -------
    ndarray, shape (h - 1,)
        0 where the spread is no larger than at the first step.

    Examples
    --------
    >>> neighbour_correlation(np.sqrt([1.0, 2.0, 4.0, 1.0])).round(3).tolist()
    [0.707, 0.866, 0.0]
    """
    variance = spread[1:] ** 2
    share = np.divide(
        spread[0] ** 2, variance, out=np.ones(len(variance)), where=variance > 0
    )
    return np.sqrt(np.maximum(1 - share, 0))


def chained(noise: Floats, link: Floats) -> Floats:
    """Make normal scores of paths whose neighbouring steps are correlated as said.

    Parameters
    ----------
    noise : ndarray, shape (S, h)
        Independent and standard normal.
    link : ndarray, shape (h - 1,)
        Correlation of each step with the one before.

    Returns
    -------
    ndarray, shape (S, h)

    Examples
    --------
    >>> chained(np.array([[1.0, 1.0, 0.0]]), np.array([0.6, 0.5])).round(2).tolist()
    [[1.0, 1.4, 0.7]]
    """
    scores = noise.copy()
    for step, share in enumerate(link, start=1):
        scores[:, step] *= np.sqrt(1 - share**2)
        scores[:, step] += share * scores[:, step - 1]
    return scores


def autoregressive(
    n_samples: int, n_rows: int, memory: float, rng: np.random.Generator
) -> Floats:
    """Draw paths of a stationary AR(1) with unit variance.

    Parameters
    ----------
    n_samples, n_rows : int
    memory : float
        Correlation of neighbours, in [0, 1).
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n_samples, n_rows)
    """
    from scipy.signal import lfilter

    noise = rng.standard_normal((n_samples, n_rows))
    noise[:, 1:] *= np.sqrt(1 - memory**2)
    return lfilter([1.0], [1.0, -memory], noise, axis=1)
