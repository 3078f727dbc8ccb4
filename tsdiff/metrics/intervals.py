"""Scores of intervals: do they cover, and how wide are they."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsdiff.metrics.arrays import alike


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
