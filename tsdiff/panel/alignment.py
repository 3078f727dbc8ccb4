"""Rows of one panel found in another, by series and stamp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.panel.frame import Panel
from tsdiff.validation import listing

Ints = NDArray[np.int64]


def rows_in(x: Panel, panel: Panel) -> Ints:
    """Find the row of x that has series and stamp of each row of a panel.

    Parameters
    ----------
    x : Panel
        Of the same series, or a single one that holds for all.
    panel : Panel

    Returns
    -------
    ndarray of int, shape (n_rows,)
        -1 where there is none.

    Raises
    ------
    ValueError
        If labels are of another kind, or a series is not in x.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> days = pd.date_range("2024-01-01", periods=3)
    >>> x = to_panel(pd.Series([1.0, 2.0, 3.0], days))
    >>> rows_in(x, to_panel(pd.Series([1.0, 2.0, 3.0], days + pd.Timedelta("2D"))))
    array([ 2, -1, -1])
    """
    theirs, ours = _comparable(x, panel)
    unique = theirs.unique().sort_values()
    series = _series_in(x, panel)
    width = len(unique)
    keys = _series_of(x) * width + unique.get_indexer(theirs)
    place = unique.get_indexer(ours)
    wanted = np.repeat(series, np.diff(panel.bounds)) * width + place
    order = np.argsort(keys)
    found = np.searchsorted(keys, wanted, sorter=order).clip(max=len(keys) - 1)
    rows = order[found]
    return np.where((keys[rows] == wanted) & (place >= 0), rows, -1)


def rows_after(x: Panel, panel: Panel, *, of_all: bool = False) -> Ints:
    """Find the rows of x behind the end of their series in a panel.

    Parameters
    ----------
    x, panel : Panel
        As for `rows_in`.
    of_all : bool, default False
        Of a single x, whether they have to be behind the end of every series.

    Returns
    -------
    ndarray of int
        Ascending.
    """
    theirs, ours = _comparable(x, panel)
    series = _series_in(x, panel)
    last = ours.take(panel.bounds[1:] - 1)
    if x.ids == (None,):
        end = last.max() if of_all else last.min()
        return np.flatnonzero(np.asarray(theirs > end))
    number = np.full(len(x.ids), -1)
    number[series] = np.arange(len(series))
    of_row = number[_series_of(x)]
    later = np.asarray(theirs > last.take(of_row))
    return np.flatnonzero(later & (of_row >= 0))


def refuse_absent(panel: Panel, rows: Ints, what: str, columns: Sequence[str]) -> None:
    """Raise if rows of a panel are not in x.

    Parameters
    ----------
    panel : Panel
    rows : ndarray of int
        From `rows_in`.
    what : str
        What these rows are, for the message.
    columns : sequence of str
        Of x, for the message.

    Raises
    ------
    ValueError
        Naming the first of them.
    """
    absent = np.flatnonzero(rows < 0)
    if not len(absent):
        return
    series = _series_of(panel)[absent]
    stamps = panel.stamps.take(absent[:5])
    names = [
        f"{stamp}" if panel.ids[i] is None else f"{stamp} of {panel.ids[i]!r}"
        for i, stamp in zip(series[:5], stamps, strict=True)
    ]
    rest = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
    raise ValueError(
        f"X lacks {len(absent)} stamp(s) of {what}: {', '.join(names)}{rest}. "
        f"Give column(s) {listing(map(repr, columns))} there, as NaN where they are "
        "not known."
    )


def _series_of(panel: Panel) -> Ints:
    """Series of each row."""
    return np.repeat(np.arange(len(panel.ids)), np.diff(panel.bounds))


def _series_in(x: Panel, panel: Panel) -> Ints:
    """Series of x that stands for each series of a panel."""
    if x.ids == (None,):
        return np.zeros(len(panel.ids), dtype=np.int64)
    if panel.ids == (None,):
        raise ValueError(
            f"X has {len(x.ids)} series ({listing(map(repr, x.ids))}) and y has one. "
            "Give X the index of y."
        )
    number = {name: i for i, name in enumerate(x.ids)}
    absent = [name for name in panel.ids if name not in number]
    if absent:
        raise ValueError(
            f"X has no rows of series {listing(map(repr, absent))}, which y has. Add "
            "them, or give X a plain time index if its columns hold for all series."
        )
    return np.array([number[name] for name in panel.ids], dtype=np.int64)


def _comparable(x: Panel, panel: Panel) -> tuple[Any, Any]:
    """Time labels of both, once it is clear that they can be compared."""
    theirs: Any = x.stamps
    ours: Any = panel.stamps
    kinds = [_kind(theirs), _kind(ours)]
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"The rows of X are labelled by {kinds[0]}, those of y by {kinds[1]}. Give "
            "X the same kind of index."
        )
    zones = [getattr(stamps, "tz", None) for stamps in (theirs, ours)]
    if (zones[0] is None) != (zones[1] is None):
        raise ValueError(
            f"The stamps of X have time zone {zones[0]}, those of y {zones[1]}. Use "
            "tz_localize or tz_convert on the index so that both are of a kind."
        )
    if zones[0] is not None:
        theirs, ours = theirs.tz_convert("UTC"), ours.tz_convert("UTC")
    return theirs, ours


def _kind(stamps: Any) -> str:
    if isinstance(stamps, pd.PeriodIndex):
        return f"periods of {stamps.freqstr!r}"
    if isinstance(stamps, pd.DatetimeIndex):
        return "dates"
    return "durations" if isinstance(stamps, pd.TimedeltaIndex) else "numbers"
