"""Questions whose answers are known: gaps that are made, forecasts of what came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.calibration import N_FOLDS
from tsdiff.panel.frame import Panel
from tsdiff.panel.future import relaid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MOST_WINDOWS = 2000
_CELLS_AT_ONCE = 2**21
_LEAST_HISTORY = 24
_MANY_SERIES = 2 * N_FOLDS


def fold_of(panel: Panel, row: Ints) -> Ints:
    """Part of the data that rows belong to: of many series some, else a stretch.

    Parameters
    ----------
    panel : Panel
    row : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of int, shape (n,)
        Below `N_FOLDS`.
    """
    series = np.searchsorted(panel.bounds, row, side="right") - 1
    if len(panel.ids) >= _MANY_SERIES:
        return series * N_FOLDS // len(panel.ids)
    length = np.diff(panel.bounds)[series]
    return (row - panel.bounds[series]) * N_FOLDS // length


def cluster_of(panel: Panel, row: Ints, unit: Ints) -> Ints:
    """Series of each row, if there are many; else its gap or forecast.

    Parameters
    ----------
    panel : Panel
    row, unit : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of int, shape (n,)
    """
    if len(panel.ids) < _MANY_SERIES:
        return unit
    return np.searchsorted(panel.bounds, row, side="right") - 1


def gap_starts(panel: Panel, cells: Ints) -> Ints:
    """First row of the gap that each cell lies in.

    Parameters
    ----------
    panel : Panel
    cells : ndarray of int, shape (n,)
        Flat indices of missing cells.

    Returns
    -------
    ndarray of int, shape (n,)

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> gap_starts(to_panel(np.array([[1.0], [np.nan], [np.nan]])), np.array([2]))
    array([1])
    """
    rows = np.arange(len(panel.values))[:, None]
    last = np.maximum.accumulate(np.where(panel.observed, rows, -1), axis=0)
    row, channel = np.divmod(cells, panel.values.shape[1])
    series = np.searchsorted(panel.bounds, row, side="right") - 1
    return np.maximum(last[row, channel] + 1, panel.bounds[series])


def refuse_seen(panel: Panel, seen: NDArray[np.bool_]) -> None:
    """Refuse rows that a fit has seen.

    Parameters
    ----------
    panel : Panel
    seen : ndarray of bool, shape (N,)

    Raises
    ------
    ValueError
        Naming the first and the last of them, if there are any.
    """
    rows = np.flatnonzero(seen)
    if len(rows):
        raise ValueError(
            f"Rows {panel.index[rows[0]]} to {panel.index[rows[-1]]} were part of the "
            "fit, whose errors there say nothing of new data. Calibrate on rows that "
            "the fit has not seen: hold the last ones back, or let "
            "tsdiff.conformal.Calibrated do so."
        )


def last_seen(panel: Panel, seen: NDArray[np.bool_]) -> Ints:
    """Last row of each series that a fit has seen; -1 if there is none.

    Parameters
    ----------
    panel : Panel
    seen : ndarray of bool, shape (N,)

    Returns
    -------
    ndarray of int, shape (n_series,)
    """
    row = np.where(seen, np.arange(len(seen)), -1)
    return np.maximum.reduceat(row, panel.bounds[:-1])


def unseen(
    panel: Panel, ends: Ints, h: int, seen: NDArray[np.bool_], *, asked: bool
) -> Ints:
    """Keep the forecasts of rows that a fit has not seen.

    Parameters
    ----------
    panel : Panel
    ends : ndarray of int
        First row of each.
    h : int
    seen : ndarray of bool, shape (N,)
    asked : bool
        Whether just these were asked for: none is left out then.

    Returns
    -------
    ndarray of int

    Raises
    ------
    ValueError
        If some of those asked for, or all of them, are of known rows.
    """
    series = np.searchsorted(panel.bounds, ends, side="right") - 1
    new = ends > last_seen(panel, seen)[series]
    if not (new.all() if asked else new.any()):
        ahead = np.zeros_like(seen)
        ahead[(ends[~new, None] + np.arange(h)).ravel()] = True
        refuse_seen(panel, ahead & seen)
        refuse_seen(panel, ahead)  # all of them lie before the last known row
    return ends[new]


def cutoffs(panel: Panel, h: int, n_windows: int | None, step: int) -> Ints:
    """Choose the rows from which the next h are forecast, in every series.

    Parameters
    ----------
    panel : Panel
    h : int
        Rows of each forecast. At least three times as many, and 24, are left for a
        history.
    n_windows : int or None
        Of each series, the last ones; all by default, up to 2,000 in all.
    step : int
        Rows between two of them.

    Returns
    -------
    ndarray of int, shape (n,)

    Raises
    ------
    ValueError
        If there are not so many rows.
    """
    least = max(3 * h, _LEAST_HISTORY)
    room = np.diff(panel.bounds) - least - h
    count = np.maximum(room // step + 1, 0)
    if not count.any() or (n_windows is not None and count.max() < n_windows):
        many, longest = n_windows or 1, int(room.max()) + least + h
        raise ValueError(
            f"{many} forecast(s) of {h} rows, {step} rows apart, with {least} rows of "
            f"history need {least + h + (many - 1) * step} rows; the longest series has"
            f" {longest}. Give more rows (those of the fit may come first, as history),"
            " or ask for fewer windows or a smaller step."
        )
    if n_windows is None:
        n_windows = max(_MOST_WINDOWS // int((count > 0).sum()), 1)
    number = np.arange(min(n_windows, int(count.max())))
    used = number < count[:, None]
    return ((panel.bounds[1:, None] - h) - step * number)[used]


def rehearsals(
    whole: Panel, ends: Ints, h: int, memory: int | None, hidden: NDArray[np.bool_]
) -> Iterator[tuple[Panel, Ints]]:
    """Make panels that end in h rows to forecast, each window a series.

    Parameters
    ----------
    whole : Panel
    ends : ndarray of int, shape (n_windows,)
        First row of each forecast.
    h : int
    memory : int or None
        Rows of history that count.
    hidden : ndarray of bool, shape (n_channels,)
        Channels that are not known ahead.

    Yields
    ------
    panel : Panel
        Some of the windows, in their order.
    rows : ndarray of int, shape (n_rows,)
        Where its rows come from.
    """
    series = np.searchsorted(whole.bounds, ends, side="right") - 1
    first = whole.bounds[series]
    if memory is not None:
        first = np.maximum(first, ends - memory)
    n_cells = np.cumsum((ends + h - first) * whole.values.shape[1])
    for batch in range(int(n_cells[-1]) // _CELLS_AT_ONCE + 1):
        some = np.flatnonzero((n_cells - 1) // _CELLS_AT_ONCE == batch)
        if len(some):
            yield _cut(whole, first[some], ends[some] + h, h, hidden)


def _cut(
    whole: Panel, first: Ints, stop: Ints, h: int, hidden: NDArray[np.bool_]
) -> tuple[Panel, Ints]:
    """Cut windows out of a panel, and hide what lies ahead in each."""
    length = stop - first
    bounds = np.concatenate([[0], np.cumsum(length)])
    rows = np.arange(bounds[-1]) + np.repeat(first - bounds[:-1], length)
    ahead = np.repeat(bounds[1:], length) - np.arange(len(rows)) <= h
    number = np.repeat(np.arange(len(first)), length)
    index: Any = pd.MultiIndex.from_arrays([number, whole.stamps.take(rows)])
    return replace(
        whole,
        values=np.where(ahead[:, None] & hidden, np.nan, whole.values[rows]),
        bounds=bounds,
        ids=tuple(range(len(first))),
        elapsed=whole.elapsed[rows] - np.repeat(whole.elapsed[first], length),
        calendar=whole.calendar[rows],
        layout=relaid(whole.layout, index, len(first)),
    ), rows
