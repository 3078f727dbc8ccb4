"""Monotone maps of normal scores: how one is learned, and looked up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Levels at which a map is stated; it is linear in the normal score between them.
LEVELS = np.array(
    [0.005, 0.01, 0.025, *(k / 20 for k in range(1, 20)), 0.975, 0.99, 0.995]
)
KNOTS: Floats = ndtri(LEVELS)
_MIDDLE = len(LEVELS) // 2


def evaluate(maps: Floats, row: Ints, scores: Floats) -> Floats:
    """Evaluate maps at normal scores.

    Parameters
    ----------
    maps : ndarray, shape (n_maps, len(LEVELS))
    row : ndarray of int, shape (M,)
        Map of each cell.
    scores : ndarray, shape (k, 1) or (k, M)

    Returns
    -------
    ndarray, shape (k, M)
    """
    left = np.clip(np.searchsorted(KNOTS, scores) - 1, 0, len(KNOTS) - 2)
    inner = np.clip(scores, KNOTS[0], KNOTS[-1])
    share = (inner - KNOTS[left]) / (KNOTS[left + 1] - KNOTS[left])
    low, high = maps[row, left], maps[row, left + 1]
    middle = maps[:, _MIDDLE]
    slopes = [(maps[:, end] - middle) / KNOTS[end] for end in (0, -1)]
    slope = np.where(scores < 0, slopes[0][row], slopes[1][row])
    return low + share * (high - low) + slope * (scores - inner)


def conformal_map(scores: Floats, parent: Floats) -> Floats:
    """Take conformal quantiles of normal scores at all of `LEVELS`.

    Of n exchangeable scores and a new one, the new one is at most the k-th smallest
    with probability k / (n + 1) or more. So the k-th smallest answers for a level a
    above one half where k is (n + 1) a rounded up, below one half rounded down. Levels
    that are beyond the scores follow the parent's map in parallel.

    Parameters
    ----------
    scores : ndarray, shape (n,)
    parent : ndarray, shape (len(LEVELS),)
        A monotone map.

    Returns
    -------
    ndarray, shape (len(LEVELS),)
        Monotone.
    """
    n = len(scores)
    if not n:
        return parent.copy()
    rank = np.round((n + 1) * LEVELS, 9)  # 20 * 0.95 is 19
    rank = np.where(LEVELS < 0.5, np.floor(rank), np.ceil(rank))
    ordered = np.sort(scores)
    rank[_MIDDLE] = np.clip(rank[_MIDDLE], 1, n)
    quantiles = ordered[np.clip(rank.astype(np.int64) - 1, 0, n - 1)]
    quantiles[_MIDDLE] = np.median(ordered)
    known = np.flatnonzero((rank >= 1) & (rank <= n))
    nearest = np.clip(np.arange(len(LEVELS)), known[0], known[-1])
    return quantiles[nearest] + parent - parent[nearest]
