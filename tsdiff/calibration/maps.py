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


def _worth(scores: Floats, ordered: Floats, cluster: Ints) -> Floats:
    """Count the independent scores that clustered ones are worth, at each level."""
    n = len(scores)
    _, number = np.unique(cluster, return_inverse=True)
    n_clusters = int(number.max()) + 1
    if n_clusters < 2:
        return np.full(len(LEVELS), float(n))
    tail = np.round(n * np.minimum(LEVELS, 1 - LEVELS), 9)  # the same at either end
    place = np.clip(np.ceil(tail).astype(np.int64) - 1, 0, n - 1)
    low = scores[:, None] <= ordered[place]
    high = scores[:, None] >= ordered[n - 1 - place]
    beyond = np.where(LEVELS < 0.5, low, high)
    excess = beyond - beyond.mean(axis=0)
    sums = np.zeros((n_clusters, len(LEVELS)))
    np.add.at(sums, number, excess)
    variance = (sums**2).sum(axis=0) / n**2 * n_clusters / (n_clusters - 1)
    share = beyond.mean(axis=0)
    spread = share * (1 - share)
    worth = np.divide(spread, variance, out=np.full_like(spread, n), where=variance > 0)
    return np.clip(worth, min(n_clusters, n), n)


def conformal_map(
    scores: Floats, parent: Floats, cluster: Ints | None = None
) -> Floats:
    """Take conformal quantiles of normal scores at all of `LEVELS`.

    Of n exchangeable scores and a new one, the new one is at most the k-th smallest
    with probability k / (n + 1) or more. So the k-th smallest answers for a level a
    above one half where k is (n + 1) a rounded up, below one half rounded down. Levels
    that are beyond the scores follow the parent's map in parallel.

    Scores of one cluster go astray together, so n of them are worth fewer: as many as
    would give the share of scores below a quantile the variance that it has over the
    clusters. They take the place of n in the correction of the levels.

    Parameters
    ----------
    scores : ndarray, shape (n,)
    parent : ndarray, shape (len(LEVELS),)
        A monotone map.
    cluster : ndarray of int, shape (n,), optional
        All scores are independent by default.

    Returns
    -------
    ndarray, shape (len(LEVELS),)
        Monotone.
    """
    n = len(scores)
    if not n:
        return parent.copy()
    ordered = np.sort(scores)
    worth = np.full(len(LEVELS), float(n))
    if cluster is not None:
        worth = _worth(scores, ordered, cluster)
    # (n + 1) a where all count; further from the middle where few do
    rank = (n + 1) * LEVELS + (n / worth - 1) * (LEVELS - 0.5)
    rank = np.round(rank, 9)  # 20 * 0.95 is 19
    rank = np.where(LEVELS < 0.5, np.floor(rank), np.ceil(rank))
    rank[_MIDDLE] = np.clip(rank[_MIDDLE], 1, n)
    quantiles = ordered[np.clip(rank.astype(np.int64) - 1, 0, n - 1)]
    quantiles[_MIDDLE] = np.median(ordered)
    known = np.flatnonzero((rank >= 1) & (rank <= n))
    nearest = np.clip(np.arange(len(LEVELS)), known[0], known[-1])
    return quantiles[nearest] + parent - parent[nearest]
