"""Scores of quantiles at stated levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsdiff.metrics.arrays import as_levels, rising, stacked

#: The levels of GluonTS by default, and those of CSDI.
DECILES = np.arange(1, 10) / 10
LEVELS_19 = np.arange(1, 20) / 20


def pinball(
    y: ArrayLike, quantiles: ArrayLike, levels: ArrayLike
) -> NDArray[np.float64]:
    """Pinball (quantile) loss of each quantile of each cell.

    Parameters
    ----------
    y : array_like of shape (...)
        Truth.
    quantiles : array_like of shape (n_levels, ...)
        Answered quantiles.
    levels : array_like of shape (n_levels,)
        Their levels, between 0 and 1 (both excluded).

    Returns
    -------
    ndarray of shape (n_levels, ...)
        ``max(level * (y - q), (level - 1) * (y - q))``, in the unit of y; lower is
        better.

    Examples
    --------
    >>> pinball([10.0], [[8.0], [14.0]], [0.1, 0.9])
    array([[0.2],
           [0.4]])
    """
    truth, answer = stacked(y, quantiles=quantiles)
    level = as_levels(levels, len(answer)).reshape((-1,) + (1,) * truth.ndim)
    below = truth - answer
    return np.maximum(level * below, (level - 1) * below)


def crps_quantiles(y: ArrayLike, quantiles: ArrayLike, levels: ArrayLike) -> float:
    """Normalised quantile CRPS: the pooled figure of the CSDI and TimeGrad papers.

    Twice the pinball loss, averaged over the levels and divided by the sum of the
    absolute truth, all cells pooled. CSDI uses the 19 levels ``np.arange(1, 20) / 20``,
    GluonTS' default is the 9 deciles; the two are *not* interchangeable (the deciles
    read about 4 % higher), and neither is `crps`, which has a unit. Cells whose truth
    is NaN are left out.

    Parameters
    ----------
    y : array_like of shape (...)
        Truth.
    quantiles : array_like of shape (n_levels, ...)
        Answered quantiles.
    levels : array_like of shape (n_levels,)
        Their levels, between 0 and 1 (both excluded).

    Returns
    -------
    float
        Without unit; lower is better.

    Raises
    ------
    ValueError
        Shapes or levels do not fit, or the truth is zero or missing everywhere.

    References
    ----------
    Tashiro et al., CSDI, NeurIPS 2021, appendix D.

    Examples
    --------
    >>> levels = np.arange(1, 20) / 20
    >>> point_mass = np.full((19, 2), [[1.5, 3.0]])  # scores sum|error| / sum|y|
    >>> round(crps_quantiles([1.0, 4.0], point_mass, levels), 6)
    0.3
    """
    truth, _ = stacked(y, quantiles=quantiles)
    total = np.nansum(np.abs(truth))
    if total == 0:
        raise ValueError(
            "crps_quantiles divides by the sum of |y|, which is 0 here "
            f"({np.isfinite(truth).sum()} cells with a truth). Score such data with "
            "crps, which is not normalised."
        )
    loss = pinball(y, quantiles, levels)[:, ~np.isnan(truth)]
    return float(2 * loss.sum(axis=1).mean() / total)


def crps_deciles(y: ArrayLike, quantiles: ArrayLike) -> float:
    """Normalised quantile CRPS over the 9 deciles, the default of GluonTS.

    Parameters
    ----------
    y : array_like of shape (...)
        Truth.
    quantiles : array_like of shape (9, ...)
        Answered quantiles at `DECILES`: 0.1, 0.2, ..., 0.9.

    Returns
    -------
    float
        `crps_quantiles` at these levels.

    Examples
    --------
    >>> round(crps_deciles([1.0, 4.0], np.full((9, 2), [[1.5, 3.0]])), 6)
    0.3
    """
    return crps_quantiles(y, quantiles, DECILES)


def crps_19(y: ArrayLike, quantiles: ArrayLike) -> float:
    """Normalised quantile CRPS over 19 levels, as in the papers of CSDI and TimeGrad.

    Parameters
    ----------
    y : array_like of shape (...)
        Truth.
    quantiles : array_like of shape (19, ...)
        Answered quantiles at `LEVELS_19`: 0.05, 0.1, ..., 0.95.

    Returns
    -------
    float
        `crps_quantiles` at these levels.

    Examples
    --------
    >>> round(crps_19([1.0, 4.0], np.full((19, 2), [[1.5, 3.0]])), 6)
    0.3
    """
    return crps_quantiles(y, quantiles, LEVELS_19)


def weighted_interval_score(
    y: ArrayLike, quantiles: ArrayLike, levels: ArrayLike
) -> NDArray[np.float64]:
    """Weighted interval score: the CRPS of quantiles, cell by cell, with its unit.

    The weighted mean of the absolute error of the median and the interval scores of the
    central intervals, which is twice the pinball loss averaged over the levels.

    Parameters
    ----------
    y : array_like of shape (...)
        Truth.
    quantiles : array_like of shape (n_levels, ...)
        Answered quantiles.
    levels : array_like of shape (n_levels,)
        Their levels: the median, and both ends of each central interval.

    Returns
    -------
    ndarray of the shape of y
        In the unit of y; lower is better.

    Raises
    ------
    ValueError
        Shapes do not fit, or the levels are not symmetric around 0.5.

    References
    ----------
    Bracher, Ray, Gneiting & Reich, PLOS Computational Biology 2021.

    Examples
    --------
    >>> weighted_interval_score([3.0], [[0.0], [1.0], [2.0]], [0.05, 0.5, 0.95])
    array([1.4])
    """
    loss = pinball(y, quantiles, levels)
    ordered = np.sort(np.asarray(levels, dtype=np.float64))
    if len(ordered) % 2 == 0 or not np.allclose(ordered + ordered[::-1], 1, atol=1e-9):
        raise ValueError(
            "levels must be 0.5 and the ends of central intervals, such as "
            f"[0.05, 0.5, 0.95]; got {ordered.tolist()}."
        )
    return 2 * loss.mean(axis=0)


def qice(y: ArrayLike, quantiles: ArrayLike, levels: ArrayLike) -> float:
    """Quantile interval coverage error: if bands between quantiles hold their share.

    The mean over the bands of ``|share of the truth in the band - its nominal share|``,
    the ends included; a truth equal to a quantile belongs to the band below it. Pooled
    by its definition. Cells whose truth or a quantile is NaN are left out.

    Parameters
    ----------
    y : array_like of shape (...)
        Truth.
    quantiles : array_like of shape (n_levels, ...)
        Answered quantiles, rising.
    levels : array_like of shape (n_levels,)
        Their levels, rising; `DECILES` make the ten bands of the paper.

    Returns
    -------
    float
        As a share, 0.18 at worst for ten bands; papers write percent. Lower is better.

    Raises
    ------
    ValueError
        Shapes do not fit, levels or quantiles fall, or no cell has a truth.

    References
    ----------
    Han, Zheng & Zhou, CARD: classification and regression diffusion models, NeurIPS
    2022.

    Examples
    --------
    >>> qice([1.0, 3.0, 3.5, 9.0], [[2.0] * 4, [4.0] * 4], [0.25, 0.75])
    0.0
    """
    truth, answer = stacked(y, quantiles=np.asarray(quantiles, dtype=np.float64))
    level = rising(answer, as_levels(levels, len(answer)))
    known = ~(np.isnan(truth) | np.isnan(answer).any(axis=0))
    if not known.any():
        raise ValueError("No cell has a truth and all its quantiles: nothing to count.")
    band = (truth > answer).sum(axis=0)[known]
    share = np.bincount(band, minlength=len(level) + 1) / known.sum()
    return float(np.abs(share - np.diff(level, prepend=0, append=1)).mean())
