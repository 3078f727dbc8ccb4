"""Scores of point answers, quantiles and intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsdiff.metrics.arrays import alike, as_levels, stacked


def absolute_error(y: ArrayLike, point: ArrayLike) -> NDArray[np.float64]:
    """Absolute error of a point answer; its mean is the MAE.

    Parameters
    ----------
    y, point : array_like of the same shape
        Truth and answer.

    Returns
    -------
    ndarray of the shape of y
        ``|point - y|``, in the unit of y; lower is better.

    Examples
    --------
    >>> absolute_error([1.0, 2.0], [1.5, 0.0])
    array([0.5, 2. ])
    """
    truth, answer = alike(y, point=point)
    return np.abs(answer - truth)


def squared_error(y: ArrayLike, point: ArrayLike) -> NDArray[np.float64]:
    """Squared error of a point answer; the root of its mean is the RMSE.

    Parameters
    ----------
    y, point : array_like of the same shape
        Truth and answer.

    Returns
    -------
    ndarray of the shape of y
        ``(point - y) ** 2``, in the squared unit of y; lower is better.

    Examples
    --------
    >>> squared_error([1.0, 2.0], [1.5, 0.0])
    array([0.25, 4.  ])
    """
    truth, answer = alike(y, point=point)
    return (answer - truth) ** 2


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


def coverage(y: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> NDArray[np.float64]:
    """Whether each cell lies in its interval; the mean is the empirical coverage.

    Parameters
    ----------
    y, lower, upper : array_like of the same shape
        Truth and the ends of the interval, which belong to it.

    Returns
    -------
    ndarray of the shape of y
        1.0 inside, 0.0 outside, NaN where the truth is missing.

    Examples
    --------
    >>> coverage([1.0, 5.0, np.nan], [0.0, 0.0, 0.0], [2.0, 2.0, 2.0])
    array([ 1.,  0., nan])
    """
    truth, low, high = alike(y, lower=lower, upper=upper)
    inside = (low <= truth) & (truth <= high)
    unknown = np.isnan(truth) | np.isnan(low) | np.isnan(high)
    return np.where(unknown, np.nan, inside.astype(float))


def interval_width(lower: ArrayLike, upper: ArrayLike) -> NDArray[np.float64]:
    """Width of each interval.

    Parameters
    ----------
    lower, upper : array_like of the same shape
        Ends of the interval.

    Returns
    -------
    ndarray of the same shape
        ``upper - lower``; narrower is better among intervals that cover.

    Raises
    ------
    ValueError
        Shapes do not fit, or an upper end lies below its lower end.

    Examples
    --------
    >>> interval_width([0.0], [2.5])
    array([2.5])
    """
    low, high = alike(lower, upper=upper)
    crossed = np.flatnonzero(high < low)
    if crossed.size:
        at = np.unravel_index(crossed[0], low.shape)
        raise ValueError(
            f"{crossed.size} interval(s) end below their start, the first at "
            f"{tuple(map(int, at))}: [{low[at]:g}, {high[at]:g}]. Pass the lower "
            "ends first."
        )
    return high - low


def interval_score(
    y: ArrayLike, lower: ArrayLike, upper: ArrayLike, coverage: float
) -> NDArray[np.float64]:
    """Winkler's interval score: the width plus a fine for every miss.

    ``width + 2 / (1 - coverage) * distance of y to the interval``.

    Parameters
    ----------
    y, lower, upper : array_like of the same shape
        Truth and the ends of the central interval.
    coverage : float
        What the interval claims to cover, between 0 and 1 (both excluded).

    Returns
    -------
    ndarray of the shape of y
        In the unit of y; lower is better.

    Raises
    ------
    ValueError
        Shapes or the coverage do not fit, or ends are swapped.

    References
    ----------
    Winkler, JASA 1972; Gneiting & Raftery, JASA 2007, section 6.2.

    Examples
    --------
    >>> interval_score([3.0], [0.0], [2.0], coverage=0.9).round(6)
    array([22.])
    """
    truth, low, high = alike(y, lower=lower, upper=upper)
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must lie between 0 and 1, got {coverage!r}.")
    miss = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    return interval_width(low, high) + 2 / (1 - coverage) * miss
