"""How far a share of hits may lie from its probability by chance alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

_CONFIDENCE = 0.99


def design_effect(hits: Array, block: Ints) -> float:
    """How many dependent cells weigh as much as an independent one (Kish, 1965).

    The variance of their mean, from the sums over blocks that are taken to be
    independent of each other, over the variance if all cells were.

    Parameters
    ----------
    hits : ndarray of shape (n,)
        Zeros and ones.
    block : ndarray of int, shape (n,)

    Returns
    -------
    float
        1 at least; 1 too where it cannot be told (one block, or all hits alike).

    Examples
    --------
    >>> block = np.arange(100) // 10
    >>> alternating = np.arange(10.0) % 2
    >>> round(design_effect(np.repeat(alternating, 10), block), 1)
    11.1
    """
    share, block = hits.mean(), np.unique(block, return_inverse=True)[1]
    n_blocks = block.max() + 1
    if n_blocks < 2 or share in (0.0, 1.0):
        return 1.0
    sums = np.bincount(block, hits - share)
    variance = (sums**2).sum() * n_blocks / (n_blocks - 1)
    return max(float(variance / (len(hits) * share * (1 - share))), 1.0)


def binomial_bounds(probability: Array, n: Array | float) -> tuple[Array, Array]:
    """Bounds between which 99 % of the shares lie that `n` cells give.

    Parameters
    ----------
    probability : ndarray
    n : ndarray or float
        Independent cells; a part of one is left out.

    Returns
    -------
    low, high : ndarray

    Examples
    --------
    >>> low, high = binomial_bounds(np.array([0.5]), 100)
    >>> low.round(2), high.round(2)
    (array([0.37]), array([0.63]))
    """
    from scipy.stats import binom

    count = np.maximum(np.floor(n), 1)
    tail = (1 - _CONFIDENCE) / 2
    low = binom.ppf(tail, count, probability) / count
    return low, binom.ppf(1 - tail, count, probability) / count
