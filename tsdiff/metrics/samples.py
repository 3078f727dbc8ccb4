"""Scores of samples, cell by cell: CRPS and PIT."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsdiff.metrics.arrays import blocks, count_pairs, stacked


def crps(y: ArrayLike, samples: ArrayLike, *, fair: bool = True) -> NDArray[np.float64]:
    """Continuous ranked probability score of samples, by sorting.

    ``E|x - y| - E|x - x'| / 2`` in O(S log S) time. Samples may have any real dtype:
    they are taken to float64 a block at a time, so scratch memory is bounded.

    Parameters
    ----------
    y : array_like of shape (...)
        Truth.
    samples : array_like of shape (n_samples, ...)
        Draws for each cell.
    fair : bool, default True
        True: the unbiased estimate of the law's score (pairs ``x != x'``), which
        does not depend on the number of draws in expectation. False: the score of
        the draws' own step distribution, which few draws make look worse.

    Returns
    -------
    ndarray of the shape of y
        In the unit of y; lower is better. One plain draw scores its absolute error.

    Raises
    ------
    ValueError
        Shapes do not fit, or fewer than 2 samples with ``fair=True``.

    References
    ----------
    Gneiting & Raftery, JASA 2007; Ferro, QJRMS 2014 (the fair version).

    Examples
    --------
    >>> crps([0.0], [[-1.0], [1.0]], fair=False)
    array([0.5])
    >>> crps([0.0], [[-1.0], [1.0]])
    array([0.])
    """
    truth, draws = stacked(y, samples=samples)
    n_pairs = count_pairs(len(draws), fair)
    # sum_ij |x_i - x_j| = 2 sum_i (2i - S - 1) x_(i), i = 1..S by rank; taken of the
    # errors x - y, which loses no digits when the data are far from zero
    weight = np.arange(1 - len(draws), len(draws), 2, dtype=np.float64)
    score = np.empty(truth.size)
    flat_y, flat = truth.reshape(-1), draws.reshape(len(draws), -1)
    for part in blocks(truth.size, len(draws)):
        error = np.subtract(
            flat[:, part].T, flat_y[part, None], order="C"
        )  # (cells, S)
        error.sort(axis=1)
        apart = error @ weight / n_pairs
        score[part] = np.abs(error, out=error).mean(axis=1) - apart
    return score.reshape(truth.shape)


def pit(
    y: ArrayLike, samples: ArrayLike, *, rng: np.random.Generator | None = None
) -> NDArray[np.float64]:
    """Probability integral transform: the rank of the truth among the draws, in (0, 1).

    Uniform if and only if the draws are calibrated; a heap in the middle means too wide
    draws, heaps at both ends too narrow ones.

    Parameters
    ----------
    y : array_like of shape (...)
        Truth.
    samples : array_like of shape (n_samples, ...)
        Draws for each cell.
    rng : numpy.random.Generator, optional
        Spreads each value over its rank, and over ties (counts, zeros), so that
        calibrated draws give exactly uniform values. Middle of the rank if not given.

    Returns
    -------
    ndarray of the shape of y
        ``(n_below + u * (n_equal + 1)) / (n_samples + 1)``, u = 0.5 or random.

    Examples
    --------
    >>> pit([0.0, 9.0], [[-1.0, 1.0], [1.0, 2.0], [3.0, 5.0]])
    array([0.375, 0.875])
    """
    truth, draws = stacked(y, samples=samples)
    share = np.full(truth.size, 0.5) if rng is None else rng.random(truth.size)
    rank = np.empty(truth.size)
    flat_y, flat = truth.reshape(-1), draws.reshape(len(draws), -1)
    for part in blocks(truth.size, len(draws)):
        block, cell = flat[:, part], flat_y[part]
        below = np.count_nonzero(block < cell, axis=0)
        ties = np.count_nonzero(block == cell, axis=0)
        inside = (below + share[part] * (ties + 1)) / (len(draws) + 1)
        unknown = np.isnan(cell) | np.isnan(block).any(axis=0)
        rank[part] = np.where(unknown, np.nan, inside)
    return rank.reshape(truth.shape)
