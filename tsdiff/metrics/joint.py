"""Scores of joint samples, which see the dependence between cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsdiff.metrics.arrays import blocks, count_pairs, stacked


def energy_score(
    y: ArrayLike, samples: ArrayLike, *, vector_axes: int = 1, fair: bool = True
) -> NDArray[np.float64]:
    """Energy score of joint samples: the CRPS of whole vectors.

    ``E||x - y|| - E||x - x'|| / 2`` with Euclidean norms, over all pairs in blocks of
    bounded memory. It sees broken dependence between cells, which `crps` cannot.

    Parameters
    ----------
    y : array_like of shape (..., vector)
        Truth. Cells that are NaN are left out of their vector.
    samples : array_like of shape (n_samples, ..., vector)
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
    flat_y, flat, outer = _vectors(y, samples, vector_axes)
    n_pairs = count_pairs(len(flat), fair)
    score = np.empty(len(flat_y))
    for part in blocks(len(flat_y), len(flat) * flat_y.shape[1]):
        error = (flat[:, part] - flat_y[part]).swapaxes(0, 1)  # (vectors, S, D)
        error = np.where(np.isnan(flat_y[part])[:, None], 0.0, error)
        norm = np.sqrt(np.einsum("vsd,vsd->vs", error, error))
        score[part] = norm.mean(axis=1) - _sum_of_distances(error) / (2 * n_pairs)
    score[np.isnan(flat_y).all(axis=1)] = np.nan
    return score.reshape(outer)


def variogram_score(
    y: ArrayLike,
    samples: ArrayLike,
    *,
    vector_axes: int = 1,
    order: float = 0.5,
    weights: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Variogram score of joint samples: whether cells differ as much as they should.

    ``sum_ij w_ij (|y_i - y_j|^p - E|x_i - x_j|^p)^2``, p the `order`, over all ordered
    pairs of cells of a vector. It tells wrong dependence better than `energy_score`,
    but does not see a shift that all cells share: look at both.

    Parameters
    ----------
    y : array_like of shape (..., vector)
        Truth. Pairs with a NaN cell are left out of the sum.
    samples : array_like of shape (n_samples, ..., vector)
        Joint draws.
    vector_axes : int, default 1
        As in `energy_score`.
    order : float, default 0.5
        Power p of the differences, above 0.
    weights : array_like of shape (n_cells, n_cells), optional
        Weight of each pair of cells of a flattened vector; 1 by default.

    Returns
    -------
    ndarray of shape (...)
        One score per vector (NaN if all its cells are), in the unit of y to the power
        ``2 * order``; lower is better.

    Raises
    ------
    ValueError
        Shapes do not fit, too many `vector_axes`, or `order` is not above 0.

    References
    ----------
    Scheuerer & Hamill, Monthly Weather Review 2015.

    Examples
    --------
    >>> float(variogram_score([0.0, 4.0], np.zeros((5, 2))))  # 2 * (sqrt(4) - 0) ** 2
    8.0
    """
    flat_y, flat, outer = _vectors(y, samples, vector_axes)
    if not order > 0:
        raise ValueError(f"order must be above 0, got {order!r}; 0.5 is usual.")
    n_vectors, n_cells = flat_y.shape
    weight = np.ones((n_cells, n_cells)) if weights is None else np.asarray(weights)
    if weight.shape != (n_cells, n_cells):
        raise ValueError(
            f"weights has shape {weight.shape}, but {(n_cells, n_cells)} is needed: "
            "one weight for each pair of cells of a vector."
        )
    score = np.zeros(n_vectors)
    for part in blocks(n_vectors, len(flat) * n_cells):
        truth, draws = flat_y[part], flat[:, part].astype(np.float64)
        for rows in blocks(n_cells, draws.size):
            answer = _rise(draws, rows, order).mean(axis=0)  # (vectors, rows, D)
            loss = weight[rows] * (_rise(truth, rows, order) - answer) ** 2
            known = ~np.isnan(truth[:, rows, None] + truth[:, None])
            score[part] += np.where(known, loss, 0.0).sum(axis=(1, 2))
    score[np.isnan(flat_y).all(axis=1)] = np.nan
    return score.reshape(outer)


def _rise(x: NDArray[np.float64], rows: slice, order: float) -> NDArray[np.float64]:
    """Distances of some cells to all: (..., D) -> (..., rows, D), to a power."""
    return np.abs(x[..., rows, None] - x[..., None, :]) ** order


def _vectors(
    y: ArrayLike, samples: ArrayLike, vector_axes: int
) -> tuple[NDArray[np.float64], NDArray[Any], tuple[int, ...]]:
    """Return truth (V, D), draws (S, V, D) and the shape that the V vectors have."""
    truth, draws = stacked(y, samples=samples)
    if not 1 <= vector_axes <= truth.ndim:
        raise ValueError(
            f"vector_axes must be between 1 and the {truth.ndim} axes of y, got "
            f"{vector_axes}."
        )
    outer = truth.shape[: truth.ndim - vector_axes]
    flat_y = truth.reshape(int(np.prod(outer, dtype=int)), -1)
    return flat_y, draws.reshape(len(draws), *flat_y.shape), outer


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
