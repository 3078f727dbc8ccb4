"""Errors of point answers, in the unit of the truth or relative to something."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tsdiff.metrics.arrays import alike


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


def bias(y: ArrayLike, point: ArrayLike) -> NDArray[np.float64]:
    """Signed error of a point answer; its mean is the bias.

    Parameters
    ----------
    y, point : array_like of the same shape
        Truth and answer.

    Returns
    -------
    ndarray of the shape of y
        ``point - y``, in the unit of y: above 0 where the answer is too high. Nearer
        to 0 is better.

    Examples
    --------
    >>> bias([1.0, 2.0], [1.5, 0.0])
    array([ 0.5, -2. ])
    """
    truth, answer = alike(y, point=point)
    return answer - truth


def smape(y: ArrayLike, point: ArrayLike) -> NDArray[np.float64]:
    """Symmetric absolute percentage error, as a share; its mean is the sMAPE.

    Parameters
    ----------
    y, point : array_like of the same shape
        Truth and answer.

    Returns
    -------
    ndarray of the shape of y
        ``2 |point - y| / (|point| + |y|)``, from 0 to 2, and 0 where both are 0; lower
        is better. The M competitions write 100 times as much, in percent. It suits
        data that stay away from 0 and have one sign, and favours high answers.

    References
    ----------
    Makridakis, Spiliotis & Assimakopoulos, The M4 competition, IJF 2020.

    Examples
    --------
    >>> smape([1.0, 0.0], [3.0, 0.0])
    array([1., 0.])
    """
    truth, answer = alike(y, point=point)
    size = np.abs(answer) + np.abs(truth)
    return 2 * np.abs(answer - truth) / np.where(size == 0, 1.0, size)
