"""Raw laws of cells as tables of quantiles, to look values and levels up in.

Between the levels of a table a law is taken to be linear in the normal score. So it is
exact for normal laws, and for those of the engine, whose knots are among the levels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from tsdiff.calibration.maps import KNOTS

Floats = NDArray[np.float64]

_FAR = np.array([3.0, 3.5, 4.0, 5.0])
#: Normal scores of the levels of a table.
GRID: Floats = np.concatenate([-_FAR[::-1], KNOTS, _FAR])
#: The levels to ask an estimator for.
GRID_LEVELS: Floats = ndtr(GRID)
LARGEST_SCORE = 8.0


def look_up(table: Floats, scores: Floats) -> Floats:
    """Give the values at normal scores.

    Parameters
    ----------
    table : ndarray, shape (len(GRID), M)
        Quantiles at `GRID_LEVELS`.
    scores : ndarray, shape (k, M)

    Returns
    -------
    ndarray, shape (k, M)

    Examples
    --------
    >>> table = 10 + 2 * GRID[:, None]  # a normal law
    >>> look_up(table, np.array([[-1.3], [6.0]])).round(6).ravel()
    array([ 7.4, 22. ])
    """
    left = np.clip(np.searchsorted(GRID, scores) - 1, 0, len(GRID) - 2)
    low = np.take_along_axis(table, left, axis=0)
    high = np.take_along_axis(table, left + 1, axis=0)
    share = (scores - GRID[left]) / (GRID[left + 1] - GRID[left])
    return low + share * (high - low)


def score(table: Floats, values: Floats, place: Floats) -> Floats:
    """Give the normal scores of values: the inverse of `look_up`.

    A value that has a probability of its own, as a count or a zero has, has many
    scores; the one at `place` among its levels is taken.

    Parameters
    ----------
    table : ndarray, shape (len(GRID), M)
    values : ndarray, shape (k, M)
    place : ndarray, shape (k, 1) or (k, M)
        In (0, 1).

    Returns
    -------
    ndarray, shape (k, M)
        Not beyond `LARGEST_SCORE`.

    Examples
    --------
    >>> table = np.maximum(GRID, 0)[:, None]  # half of the mass at zero
    >>> score(table, np.array([[0.0], [1.0]]), np.array([[0.5]])).round(2).ravel()
    array([-0.64,  1.  ])
    """
    below = np.zeros(values.shape, dtype=np.int64)  # levels whose value is lower
    upto = np.zeros(values.shape, dtype=np.int64)  # lower or equal
    for quantile in table:
        below += quantile < values
        upto += quantile <= values
    left = np.clip(below - 1, 0, len(GRID) - 2)
    low = np.take_along_axis(table, left, axis=0)
    rise = np.take_along_axis(table, left + 1, axis=0) - low
    flat = rise <= 0
    share = np.where(flat, 0.0, (values - low) / np.where(flat, 1.0, rise))
    between = GRID[left] + share * (GRID[left + 1] - GRID[left])
    between = np.where(flat & (upto == 0), -np.inf, between)
    between = np.where(flat & (below == len(GRID)), np.inf, between)
    edges = np.concatenate([[0.0], (GRID_LEVELS[1:] + GRID_LEVELS[:-1]) / 2, [1.0]])
    start, stop = edges[below], edges[upto]
    level = start + place * (stop - start)
    answer = np.where(upto - below > 1, ndtri(level), between)
    return np.clip(answer, -LARGEST_SCORE, LARGEST_SCORE)
