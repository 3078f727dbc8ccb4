"""Runs of exact repeats: how long one may be before the sensor is likely stuck."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]

_PRIOR = 10.0  # occurrences that the channel's own rate of repeats is worth
_LONGEST = 512


def repeats(panel: Panel) -> tuple[Floats, Floats]:
    """Length of the run of equal values that each cell lies in, and how usual one is.

    The rate is the probability that a value is followed by itself: of that very value
    where it comes back often (no rain; a count), of others where it doesn't. The
    run itself is left out, or else a stuck sensor would speak for itself.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    length, rate : ndarray, shape (N, C)
        1 and above; 0 to 1. Both NaN where missing.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> length, _ = repeats(to_panel(np.array([[1.0], [2.0], [2.0], [np.nan], [2.0]])))
    >>> length.ravel()
    array([ 1.,  2.,  2., nan,  1.])
    """
    columns = [_of_channel(panel, column) for column in panel.values.T]
    length, rate = np.moveaxis(np.array(columns), 0, -1)
    return length, rate


def _of_channel(panel: Panel, values: Floats) -> tuple[Floats, Floats]:
    seen = ~np.isnan(values)
    again = np.zeros(len(values), dtype=bool)  # the same as the row before
    again[1:] = values[1:] == values[:-1]
    again[panel.bounds[:-1]] = False
    run = np.cumsum(~again) - 1
    length = np.bincount(run)[run]
    _, which, count = np.unique(values, return_inverse=True, return_counts=True)
    repeated = np.bincount(which, again)
    share = repeated / count
    usual = (share.sum() - share + 0.5) / len(count)  # of other values, each alike
    others = count[which] - length
    rate = (repeated[which] - (length - 1) + _PRIOR * usual[which]) / (others + _PRIOR)
    both = np.where(seen, [length, np.clip(rate, 0, 1 - 1e-9)], np.nan)
    return both[0], both[1]


def tail(length: Floats, rate: Floats) -> Floats:
    """Probability that the run around a cell has at least this length.

    Repeats to the left and to the right are two geometric numbers.

    Parameters
    ----------
    length, rate : ndarray

    Returns
    -------
    ndarray

    Examples
    --------
    >>> tail(np.array([1.0, 2.0, 3.0]), np.array(0.5))
    array([1.  , 0.75, 0.5 ])
    """
    return rate ** (length - 1) * (1 + (length - 1) * (1 - rate))


def attained(level: Floats, rate: Floats) -> Floats:
    """Largest probability of a run that is no larger than `level`.

    It is the probability that a run is as surprising as that.

    Parameters
    ----------
    level, rate : ndarray of the same shape

    Returns
    -------
    ndarray

    Examples
    --------
    >>> attained(np.array([1.0, 0.8, 0.6]), np.array([0.5, 0.5, 0.5]))
    array([1.  , 0.75, 0.5 ])
    """
    answer = np.ones_like(level)
    for length in range(2, _LONGEST):
        larger = answer > level
        if not larger.any():
            break
        answer[larger] = tail(np.array(float(length)), rate[larger])
    return np.minimum(answer, level)
