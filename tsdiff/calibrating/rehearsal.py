"""Questions whose answers are known: gaps that are made, forecasts of what came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.calibrating.merging import MOST_WINDOWS
from tsdiff.panel.frame import Panel
from tsdiff.panel.future import relaid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_CELLS_AT_ONCE = 2**21
_LEAST_HISTORY = 24


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


def check_new(
    panel: Panel, ends: Ints, new: NDArray[np.bool_], h: int, seen: NDArray[np.bool_]
) -> None:
    """Refuse forecasts of rows that a fit has seen.

    Parameters
    ----------
    panel : Panel
    ends : ndarray of int, shape (n,)
        First row of each forecast.
    new : ndarray of bool, shape (n,)
        Whether it lies behind the last known row of its series.
    h : int
    seen : ndarray of bool, shape (N,)

    Raises
    ------
    ValueError
        If some are not new, naming the rows.
    """
    ahead = np.zeros_like(seen)
    ahead[(ends[~new, None] + np.arange(h)).ravel()] = True
    refuse_seen(panel, ahead & seen)
    refuse_seen(panel, ahead)  # all of them lie before the last known row


@dataclass(frozen=True)
class Origins:
    """Where n forecasts begin.

    Attributes
    ----------
    end : ndarray of int, shape (n,)
        First row of each.
    series : ndarray of int, shape (n,)
    window : ndarray of int, shape (n,)
        Its number in its series, from the last one on.
    """

    end: Ints
    series: Ints
    window: Ints

    def some(self, chosen: Any) -> Origins:
        """Keep some of them."""
        return Origins(self.end[chosen], self.series[chosen], self.window[chosen])


def check_room(panel: Panel, h: int, n_windows: int | None, step: int) -> None:
    """Refuse series that are all too short.

    Parameters
    ----------
    panel : Panel
    h : int
    n_windows : int or None
    step : int

    Raises
    ------
    ValueError
        If there are not so many rows as `origins` needs.
    """
    count, many = _room(panel, h, step), n_windows or 1
    if count.max() < many:
        least, longest = _least(h), int(np.diff(panel.bounds).max())
        raise ValueError(
            f"{many} forecast(s) of {h} rows, {step} rows apart, with {least} rows of "
            f"history need {least + h + (many - 1) * step} rows; the longest series has"
            f" {longest}. Give more rows (those of the fit may come first, as history),"
            " or ask for fewer windows or a smaller step."
        )


def origins(
    panel: Panel, h: int, n_windows: int | None, step: int, edges: Sequence[int]
) -> Origins:
    """Choose the rows from which the next h are forecast, in every series.

    Parameters
    ----------
    panel : Panel
    h : int
        Rows of each forecast. At least three times as many, and 24, are left for a
        history.
    n_windows : int or None
        Of each series, the last ones; all by default, up to 2,000 in a group.
    step : int
        Rows between two of them.
    edges : sequence of int
        Groups of series; see `tsdiff.panel.groups.group_edges`.

    Returns
    -------
    Origins
        Series by series.
    """
    count = _room(panel, h, step)
    n_able = np.add.reduceat(count > 0, edges[:-1], dtype=np.int64)
    each = MOST_WINDOWS // np.maximum(n_able, 1) if n_windows is None else n_windows
    most = np.repeat(np.maximum(each, 1) * np.ones_like(n_able), np.diff(edges))
    used = np.minimum(count, most)
    series, window = np.nonzero(np.arange(used.max()) < used[:, None])
    return Origins(panel.bounds[1:][series] - h - step * window, series, window)


def _room(panel: Panel, h: int, step: int) -> Ints:
    """Count the forecasts that each series has rows for."""
    room = np.diff(panel.bounds) - _least(h) - h
    return np.maximum(room // step + 1, 0)


def _least(h: int) -> int:
    return max(3 * h, _LEAST_HISTORY)


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
    if not len(ends):
        return
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
