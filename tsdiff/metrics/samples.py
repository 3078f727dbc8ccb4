"""Scores of samples: marginal (CRPS, PIT) and joint (energy score)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsdiff.metrics.arrays import blocks, stacked


def crps(y: ArrayLike, samples: ArrayLike, *, fair: bool = True) -> NDArray[np.float64]:
    """Continuous ranked probability score of samples, by sorting.

    ``E|x - y| - E|x - x'| / 2`` in O(S log S) time and bounded memory.

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
    n_pairs = _n_pairs(len(draws), fair)
    # sum_ij |x_i - x_j| = 2 sum_i (2i - S - 1) x_(i), i = 1..S by rank; taken of the
    # errors x - y, which loses no digits when the data are far from zero
    weight = np.arange(1 - len(draws), len(draws), 2, dtype=np.float64)
    score = np.empty(truth.size)
    flat_y, flat = truth.reshape(-1), draws.reshape(len(draws), -1)
    for part in blocks(truth.size, len(draws)):
        error = np.sort((flat[:, part] - flat_y[part]).T, axis=1)  # (cells, S)
        score[part] = np.abs(error).mean(axis=1) - error @ weight / n_pairs
    return score.reshape(truth.shape)


def energy_score(
    y: ArrayLike, samples: ArrayLike, *, vector_axes: int = 1, fair: bool = True
) -> NDArray[np.float64]:
    """Energy score of joint samples: the CRPS of whole vectors.

    ``E||x - y|| - E||x - x'|| / 2`` with Euclidean norms, over all pairs in blocks of
    bounded memory. It sees broken dependence between cells, which `crps` cannot.

    Parameters
    ----------
    y : array_like of shape (..., *vector)
        Truth. Cells that are NaN are left out of their vector.
    samples : array_like of shape (n_samples, ..., *vector)
        Joint draws.
    vector_axes : int, default 1
        How many of the last axes make up one vector: 1 for ``(windows, cells)``,
        2 for whole ``(windows, steps, channels)``.
    fair : bool, default True
        As in `crps`.

    Returns
    -------
    ndarray of shape (...)
        One score per vector (NaN if all its cells are), in the unit of y; lower is
        better.

    Raises
    ------
    ValueError
        Shapes do not fit, too many `vector_axes`, or fewer than 2 samples with
        ``fair=True``.

    References
    ----------
    Gneiting & Raftery, JASA 2007.

    Examples
    --------
    >>> float(energy_score([3.0, 4.0], np.zeros((5, 2))))  # a point mass at the origin
    5.0
    """
    truth, draws = stacked(y, samples=samples)
    if not 1 <= vector_axes <= truth.ndim:
        raise ValueError(
            f"vector_axes must be between 1 and the {truth.ndim} axes of y, got "
            f"{vector_axes}."
        )
    outer = truth.shape[: truth.ndim - vector_axes]
    n_vectors = int(np.prod(outer, dtype=int))
    flat_y = truth.reshape(n_vectors, -1)
    flat = draws.reshape(len(draws), n_vectors, flat_y.shape[1])
    n_pairs = _n_pairs(len(draws), fair)
    score = np.empty(n_vectors)
    for part in blocks(n_vectors, len(draws) * flat_y.shape[1]):
        error = (flat[:, part] - flat_y[part]).swapaxes(0, 1)  # (vectors, S, D)
        error = np.where(np.isnan(flat_y[part])[:, None], 0.0, error)
        norm = np.sqrt(np.einsum("vsd,vsd->vs", error, error))
        score[part] = norm.mean(axis=1) - _sum_of_distances(error) / (2 * n_pairs)
    score[np.isnan(flat_y).all(axis=1)] = np.nan
    return score.reshape(outer)


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
    share = np.full(truth.shape, 0.5) if rng is None else rng.random(truth.shape)
    below = np.count_nonzero(draws < truth, axis=0)
    ties = np.count_nonzero(draws == truth, axis=0)
    rank = (below + share * (ties + 1)) / (len(draws) + 1)
    unknown = np.isnan(truth) | np.isnan(draws.sum(axis=0))
    return np.where(unknown, np.nan, rank)


def _n_pairs(n_samples: int, fair: bool) -> int:
    """Count the ordered pairs of draws that the spread term averages over."""
    if fair and n_samples < 2:
        raise ValueError(
            f"A fair score needs at least 2 samples, got {n_samples}. Draw more, or "
            "pass fair=False."
        )
    return n_samples * (n_samples - fair)


def _sum_of_distances(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum the distances of all ordered pairs of draws: (V, S, D) -> (V,)."""
    n_vectors, n_samples, _ = x.shape
    x = x - x.mean(axis=1, keepdims=True)  # |a|^2 + |b|^2 - 2ab cancels less
    square = np.einsum("vsd,vsd->vs", x, x)
    total = np.zeros(n_vectors)
    for rows in blocks(n_samples, n_vectors * n_samples):
        gap = (
            square[:, rows, None] + square[:, None] - 2 * x[:, rows] @ x.swapaxes(1, 2)
        )
        own = np.arange(n_samples)[rows]
        gap[:, own - own[0], own] = 0.0
        total += np.sqrt(np.maximum(gap, 0.0)).sum(axis=(1, 2))
    return total
