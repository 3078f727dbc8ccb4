"""Which missing cells are answered: all, those asked for, none in gaps too long."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.advice import advise
from tsdiff.panel.frame import Panel
from tsdiff.validation import listing

MaxGap = int | str | pd.Timedelta | None
_MOST_NAMED = 5
_ROUNDING = 1e-9  # relative: 2h are not longer than 24 steps of 5 min


def gap_lengths(panel: Panel) -> NDArray[np.int64]:
    """Count the rows of the gap that each cell lies in.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    ndarray of int, shape (N, C)
        0 where observed.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> gap_lengths(to_panel(np.array([[1.0], [np.nan], [np.nan]]))).ravel()
    array([0, 2, 2])
    """
    number = gap_numbers(panel)
    lengths = np.bincount(number[number >= 0], minlength=1)
    return np.where(number >= 0, lengths[number], 0)


def gap_durations(panel: Panel) -> NDArray[np.float64]:
    """Measure in steps the gap that each cell lies in.

    A gap lasts from the observed row before it to the one behind it, less one step; at
    the ends of a series these are taken to be one step away. On a regular grid that is
    the number of its rows, otherwise it is real time.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    ndarray of float, shape (N, C)
        0 where observed.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> stamps = pd.to_datetime([0, 1, 2, 9, 10], unit="h")
    >>> y = pd.Series([0.0, 0.0, np.nan, 0.0, np.nan], stamps)
    >>> gap_durations(to_panel(y)).ravel()
    array([0., 0., 7., 0., 1.])
    """
    number = gap_numbers(panel)
    rows, columns = np.nonzero(number >= 0)
    found = number[rows, columns]
    order = np.argsort(found, kind="stable")  # rows of a gap side by side, in order
    _, first, count = np.unique(found[order], return_index=True, return_counts=True)
    start, stop = rows[order][first], rows[order][first + count - 1]
    clock, bounds = panel.elapsed, panel.bounds
    at_start, at_end = np.isin(start, bounds[:-1]), np.isin(stop, bounds[1:] - 1)
    before = np.where(at_start, clock[start] - 1, clock[start - 1])
    behind = np.where(at_end, clock[stop] + 1, clock[(stop + 1) % len(clock)])
    duration = np.append(behind - before - 1, 0.0)  # the last one is of observed cells
    return duration[number]


def distances(panel: Panel) -> NDArray[np.float64]:
    """Count the rows from each cell to the nearest observation of its series.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    ndarray of float, shape (N, C)
        0 where observed, inf where a series has no value in that channel.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> distances(to_panel(np.array([[1.0], [np.nan], [np.nan], [np.nan]]))).ravel()
    array([0., 1., 2., 3.])
    """
    return np.minimum(*sides(panel))


def sides(panel: Panel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count the rows since the last observation and until the next one.

    Both of shape (N, C): 0 where observed, inf where the series has none on that side.
    """
    seen, length = panel.observed, np.diff(panel.bounds)
    n_rows, row = len(seen), np.arange(len(seen))[:, None]
    first = np.repeat(panel.bounds[:-1], length)[:, None]
    stop = np.repeat(panel.bounds[1:], length)[:, None]
    before = np.maximum.accumulate(np.where(seen, row, -1), axis=0)
    behind = np.minimum.accumulate(np.where(seen, row, n_rows)[::-1], axis=0)[::-1]
    since = np.where(before >= first, row - before, np.inf)
    until = np.where(behind < stop, behind - row, np.inf)
    return since, until


def gap_numbers(panel: Panel) -> NDArray[np.int64]:
    """Give each gap a number, channel by channel; observed cells have -1."""
    missing = np.isnan(panel.values)
    starts = missing.copy()
    starts[1:] &= ~missing[:-1]
    first = panel.bounds[:-1]
    starts[first] = missing[first]  # a gap ends with its series
    number = np.cumsum(starts.T.ravel()).reshape(missing.T.shape).T - 1
    return np.where(missing, number, -1)


def cells_to_answer(
    panel: Panel, max_gap: MaxGap, where: Any = None
) -> NDArray[np.int64]:
    """Find the missing cells to answer.

    Parameters
    ----------
    panel : Panel
    max_gap : int, timedelta-like or None
        Longest gap that is answered, in rows or in time. Longer ones are reported by a
        warning.
    where : array-like of bool, shape (n_rows, n_channels), optional
        Only these cells.

    Returns
    -------
    ndarray of int, shape (M,)
        Ascending flat indices.

    Raises
    ------
    ValueError
        If `where` has another shape or marks an observed cell, or `max_gap` is no
        length.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> panel = to_panel(np.array([[np.nan, 1.0], [2.0, np.nan]]))
    >>> cells_to_answer(panel, max_gap=None)
    array([0, 3])
    """
    asked = np.isnan(panel.values)
    if where is not None:
        asked &= _read_where(panel, where)
    if max_gap is not None:
        long = _too_long(panel, max_gap)
        if (long & asked).any():
            _report(panel, long & asked, max_gap)
        asked &= ~long
    return np.flatnonzero(asked)


def _read_where(panel: Panel, where: Any) -> NDArray[np.bool_]:
    """Read the caller's marks of missing cells."""
    marked = read_marks(panel, where, "where", "X.isna()")
    wrong = np.argwhere(marked & panel.observed)
    if len(wrong):
        row, channel = wrong[0]
        raise ValueError(
            f"where marks {len(wrong)} cell(s) that are observed, the first in column "
            f"{panel.channels[channel]!r}, row {panel.index[row]}. Set them to NaN in "
            "X to have them answered."
        )
    return marked


def read_marks(panel: Panel, marks: Any, name: str, example: str) -> NDArray[np.bool_]:
    """Read marks (n_rows, n_channels) in the caller's order into that of the panel.

    `name` and `example` say in errors what they are called and how they are made.
    """
    marked = np.asarray(marks)
    if marked.dtype != bool:
        raise ValueError(
            f"{name} must hold booleans, got dtype {marked.dtype}. Mark the cells by "
            f"True, e.g. {name}={example}."
        )
    n_rows, n_channels = panel.values.shape
    n_series = len(panel.ids)
    stacked = (n_series, n_rows // n_series, n_channels)
    column = (n_rows,) if n_channels == 1 else (n_rows, 1)
    if marked.shape not in {(n_rows, n_channels), stacked, column}:
        raise ValueError(
            f"{name} has shape {marked.shape}, but the data have {panel.values.shape}: "
            "one boolean per cell is needed, rows added by insert_absent included."
        )
    marked = marked.reshape(panel.values.shape)
    rows = panel.layout.rows
    return marked if rows is None else marked[np.argsort(rows)]


def check_max_gap(panel: Panel, max_gap: MaxGap) -> None:
    """Check a longest gap against the data that it is meant for.

    Parameters
    ----------
    panel : Panel
    max_gap : int, timedelta-like or None

    Raises
    ------
    ValueError
        If it is no length above zero, or a time for rows that have none.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> check_max_gap(to_panel(np.zeros((3, 1))), 2)
    """
    if max_gap is not None:
        _limit(panel, max_gap)


def _too_long(panel: Panel, max_gap: Any) -> NDArray[np.bool_]:
    """Mark the cells of gaps that are longer than allowed."""
    limit = _limit(panel, max_gap)
    lengths = gap_lengths(panel) if _is_count(max_gap) else gap_durations(panel)
    return lengths > limit * (1 + _ROUNDING)


def _is_count(max_gap: Any) -> bool:
    """Whether a gap is given in rows; numpy takes its durations for integers."""
    whole = isinstance(max_gap, int | np.integer)
    return whole and not isinstance(max_gap, bool | np.timedelta64)


def _limit(panel: Panel, max_gap: Any) -> float:
    """Longest gap in rows or, given as a time, in steps."""
    if _is_count(max_gap):
        if max_gap < 1:
            raise ValueError(f"max_gap must be at least 1 row, got {max_gap}.")
        return float(max_gap)
    seconds = 0.0
    if isinstance(max_gap, str | timedelta | np.timedelta64):
        with suppress(ValueError):
            seconds = pd.Timedelta(max_gap).total_seconds()
    if not seconds > 0:
        raise ValueError(
            f"max_gap must be a number of rows or a time above zero such as '2h', got "
            f"{max_gap!r}."
        )
    return seconds / _step_seconds(panel, max_gap)


def _step_seconds(panel: Panel, max_gap: Any) -> float:
    """Length of a step in seconds, the median where steps are months or the like."""
    stamps = panel.stamps
    if isinstance(stamps, pd.PeriodIndex):
        stamps = stamps.to_timestamp()
    if not isinstance(stamps, pd.DatetimeIndex | pd.TimedeltaIndex):
        raise ValueError(
            f"max_gap={max_gap!r} is a time, but the rows are numbered. Give it as a "
            "number of rows, or give X a DatetimeIndex."
        )
    if panel.step is not None:
        return panel.step
    inner = np.delete(np.asarray(stamps[1:] - stamps[:-1]), panel.bounds[1:-1] - 1)
    step = pd.Timedelta(np.median(inner)) if len(inner) else pd.Timedelta(1, "D")
    return step.total_seconds()


def _report(panel: Panel, skipped: NDArray[np.bool_], max_gap: MaxGap) -> None:
    """Warn of the gaps that stay as they are, naming the first few."""
    number = np.where(skipped, gap_numbers(panel), -1)
    rows, columns = np.nonzero(skipped)
    _, first, length = np.unique(
        number[rows, columns], return_index=True, return_counts=True
    )
    index = panel.index
    some = [
        f"{panel.channels[columns[k]]!r} from {index[rows[k]]} ({n} rows)"
        for k, n in zip(first[:_MOST_NAMED], length[:_MOST_NAMED], strict=True)
    ]
    rest = len(first) - len(some)
    advise(
        f"{len(first)} gap(s) longer than max_gap={max_gap!r} stay NaN: "
        f"{listing(some)}{f' and {rest} more' if rest else ''}."
    )
