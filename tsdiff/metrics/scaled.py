"""Errors in units of those of a naive forecast: MASE and RMSSE."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsdiff.metrics.arrays import alike, spread


def naive_scale(
    history: ArrayLike, season: int = 1, *, squared: bool = False
) -> NDArray[np.float64]:
    """Mean error of the seasonal naive forecast within a history: a unit for errors.

    Parameters
    ----------
    history : array_like of shape (n_times, ...)
        What was known before the answer, equally spaced in time. Pairs of rows with a
        NaN are left out, so that histories of several lengths may be filled up by NaN.
    season : int, default 1
        Rows between a value and its forecast; 1 repeats the last value.
    squared : bool, default False
        True: the root mean squared error, for `squared_scaled_error`. False: the mean
        absolute error, for `absolute_scaled_error`.

    Returns
    -------
    ndarray of shape (...)
        In the unit of the history; NaN without any complete pair of rows.

    Raises
    ------
    ValueError
        `season` is not a whole number from 1 up to below n_times.

    Examples
    --------
    >>> naive_scale([[1.0, 5.0], [2.0, np.nan], [4.0, np.nan]])
    array([1.5, nan])
    """
    values = np.asarray(history, dtype=np.float64)
    n_times = len(values) if values.ndim else 0
    if season != int(season) or not 1 <= season < n_times:
        raise ValueError(
            f"season must be a whole number of rows from 1 to below the {n_times} of "
            f"the history, got {season!r}. Pass a longer history or a shorter season."
        )
    error = values[int(season) :] - values[: -int(season)]
    size = error**2 if squared else np.abs(error)
    known = ~np.isnan(size)
    count = known.sum(axis=0)
    total = np.where(known, size, 0.0).sum(axis=0)
    mean = np.asarray(np.where(count == 0, np.nan, total / np.maximum(count, 1)))
    return np.sqrt(mean) if squared else mean


def absolute_scaled_error(
    y: ArrayLike, point: ArrayLike, scale: ArrayLike
) -> NDArray[np.float64]:
    """Absolute error in units of the naive forecast's; its mean is the MASE.

    Parameters
    ----------
    y, point : array_like of the same shape
        Truth and answer.
    scale : array_like that broadcasts to the shape of y
        From `naive_scale` of each cell's own history, above 0; NaN scores NaN.

    Returns
    -------
    ndarray of the shape of y
        Without unit; lower is better, 1 is as good as the naive forecast one step
        (season) ahead.

    Raises
    ------
    ValueError
        Shapes do not fit, or a scale is 0 or below.

    References
    ----------
    Hyndman & Koehler, Another look at measures of forecast accuracy, IJF 2006.

    Examples
    --------
    >>> absolute_scaled_error([1.0, 2.0], [1.5, 0.0], scale=0.5)
    array([1., 4.])
    """
    truth, answer = alike(y, point=point)
    return np.abs(answer - truth) / _as_scale(scale, truth.shape)


def squared_scaled_error(
    y: ArrayLike, point: ArrayLike, scale: ArrayLike
) -> NDArray[np.float64]:
    """Squared error in units of the naive forecast's; the root of its mean is RMSSE.

    Parameters
    ----------
    y, point : array_like of the same shape
        Truth and answer.
    scale : array_like that broadcasts to the shape of y
        From ``naive_scale(..., squared=True)``, above 0; NaN scores NaN.

    Returns
    -------
    ndarray of the shape of y
        ``((point - y) / scale) ** 2``, without unit; lower is better.

    Raises
    ------
    ValueError
        Shapes do not fit, or a scale is 0 or below.

    References
    ----------
    Makridakis, Spiliotis & Assimakopoulos, M5 accuracy competition, IJF 2022.

    Examples
    --------
    >>> squared_scaled_error([1.0, 2.0], [1.5, 0.0], scale=0.5)
    array([ 1., 16.])
    """
    truth, answer = alike(y, point=point)
    return ((answer - truth) / _as_scale(scale, truth.shape)) ** 2


def _as_scale(scale: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Check scales, and give each cell its own."""
    every = spread("scale", np.asarray(scale, dtype=np.float64), shape)
    wrong = np.argwhere(every <= 0)
    if len(wrong):
        at = tuple(map(int, wrong[0]))
        raise ValueError(
            f"The scale of {len(wrong)} cell(s) is 0 or below, the first at {at}: "
            f"{every[at]:g}. A history that never changes gives no unit: leave its "
            "series out, or make its scale NaN."
        )
    return every
