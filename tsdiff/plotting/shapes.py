"""Shapes of gaps: which rows a line or band passes through, thinned and broken.

A *piece* is a stretch of rows drawn in one go. Words: K drawn rows, in time order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Array = NDArray[np.float64]

#: More points than this are thinned: a screen has fewer columns, a browser chokes.
MAX_POINTS = 5_000


def gap_rows(answered: NDArray[np.bool_], observed: NDArray[np.bool_]) -> Rows:
    """Rows a gap's lines pass through: its answered cells and the observed neighbours.

    Parameters
    ----------
    answered, observed : ndarray of bool, shape (n,)
        Of one channel of one series.

    Returns
    -------
    ndarray of int64, shape (K,)
        Ascending.

    Examples
    --------
    >>> seen = np.array([True, True, False, True, True])
    >>> gap_rows(~seen, seen)
    array([1, 2, 3])
    """
    beside = np.zeros_like(answered)
    beside[:-1] |= answered[1:]
    beside[1:] |= answered[:-1]
    return np.flatnonzero(answered | (observed & beside))


def pieces(rows: Rows, joined: NDArray[np.bool_] | None = None) -> Rows:
    """Give each row the number of its stretch of consecutive rows.

    Parameters
    ----------
    rows : ndarray of int64, shape (K,)
        Ascending.
    joined : ndarray of bool, shape (K,), optional
        A stretch also ends between two rows that are both not `joined`.

    Returns
    -------
    ndarray of int64, shape (K,)
        Number of the piece of each row.

    Examples
    --------
    >>> pieces(np.array([3, 4, 7, 8]))
    array([0, 0, 1, 1])
    """
    apart = np.diff(rows) > 1
    if joined is not None:
        apart |= ~(joined[1:] | joined[:-1])
    return np.concatenate([[0], np.cumsum(apart)])[: len(rows)]


def thin(
    piece: Rows, low: Array, high: Array | None = None, limit: int = MAX_POINTS
) -> Rows:
    """Choose at most `limit` points that keep the picture: min-max thinning.

    Ends of pieces and, in each of many equal bins, the lowest and the highest point
    stay. Where there are too many pieces, those with the extremes of each bin stay.

    Parameters
    ----------
    piece : ndarray of int64, shape (K,)
        From `pieces`.
    low, high : ndarray of shape (K,)
        What is drawn; `high` is `low` for a line.
    limit : int, default 5000

    Returns
    -------
    ndarray of int64
        Ascending positions in 0..K-1; all of them if there are no more than `limit`.

    Examples
    --------
    >>> y = np.zeros(1000)
    >>> y[[123, 456]] = -5, 9
    >>> kept = thin(np.zeros(1000, dtype=int), y, limit=50)
    >>> len(kept) <= 50, {0, 123, 456, 999} <= set(kept.tolist())
    (True, True)
    """
    high = low if high is None else high
    chosen = np.arange(len(piece))
    if len(chosen) <= limit:
        return chosen
    first = np.flatnonzero(np.diff(piece, prepend=-1))
    if len(first) > limit // 4:
        floor = np.minimum.reduceat(low, first)
        ceiling = np.maximum.reduceat(high, first)
        alive = np.zeros(len(first), dtype=bool)
        alive[_extremes(floor, ceiling, limit // 8)] = True
        chosen = chosen[np.repeat(alive, np.diff(first, append=len(piece)))]
    ends = np.diff(piece[chosen], prepend=-1) != 0
    ends |= np.diff(piece[chosen], append=-1) != 0
    inner = chosen[~ends]
    if len(chosen) > limit and len(inner):
        n_bins = max(1, (limit - ends.sum()) // 2)
        inner = inner[_extremes(low[inner], high[inner], int(n_bins))]
    return np.sort(np.concatenate([chosen[ends], inner]))


def _extremes(low: Array, high: Array, n_bins: int) -> Rows:
    """Positions of the lowest and of the highest point of each of equal bins."""
    n = len(low)
    bins = np.arange(n) * min(n_bins, n) // n
    start = np.flatnonzero(np.diff(bins, prepend=-1))
    lowest = np.lexsort((low, bins))[start]
    highest = np.lexsort((-high, bins))[start]
    return np.union1d(lowest, highest)


def broken(piece: Rows, *columns: NDArray) -> tuple[NDArray, ...]:
    """Lift the pen between pieces: a NaN in each column, a repeated stamp in the first.

    Parameters
    ----------
    piece : ndarray of int64, shape (K,)
    *columns : ndarray of shape (K, ...)
        The first one is the time axis.

    Returns
    -------
    tuple of ndarray
        The columns, longer by one row for each border between pieces.

    Examples
    --------
    >>> broken(np.array([0, 1]), np.array([10, 20]), np.array([1.0, 2.0]))
    (array([10, 10, 20]), array([ 1., nan,  2.]))
    """
    border = np.flatnonzero(np.diff(piece)) + 1
    time, *others = columns
    lifted = [np.insert(time, border, time[border - 1])]
    return *lifted, *(np.insert(column, border, np.nan, axis=0) for column in others)


def outline(
    piece: Rows, time: NDArray, low: Array, high: Array
) -> tuple[NDArray, Array]:
    """Outline each piece of a band: along the low side, back along the high side.

    Parameters
    ----------
    piece : ndarray of int64, shape (K,)
    time : ndarray of shape (K,)
    low, high : ndarray of shape (K,)

    Returns
    -------
    time, y : ndarray
        One closed shape per piece, a NaN between shapes.

    Examples
    --------
    >>> t = np.array([1, 2])
    >>> outline(np.zeros(2, dtype=int), t, np.zeros(2), np.ones(2))
    (array([1, 2, 2, 1]), array([0., 0., 1., 1.]))
    """
    forth = np.arange(len(piece))
    twice = np.concatenate([piece, piece])
    place = np.concatenate([forth, 2 * len(piece) - forth])
    order = np.lexsort((place, twice))
    both = np.concatenate([low, high])[order]
    x, y = broken(twice[order], np.concatenate([time, time])[order], both)
    return x, y
