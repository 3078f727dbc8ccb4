"""Panel: the one door by which data come in, and answers go out in the same kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tsdiff.panel.calendar import calendar_features, choose_calendar
from tsdiff.panel.layout import Layout
from tsdiff.panel.ruler import Frequency
from tsdiff.panel.source import read_source
from tsdiff.panel.stamps import check_increasing, check_stamps
from tsdiff.panel.timeindex import Timeline, place
from tsdiff.validation import check_finite, listing


@dataclass(frozen=True)
class Panel:
    """Data of one or many series as arrays, with the way back to the caller's kind.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_channels)
        An own copy in float64; NaN is missing. The series are stacked, the rows of
        each contiguous and in time order.
    bounds : ndarray of shape (n_series + 1,)
        Series i is rows ``bounds[i]:bounds[i + 1]``.
    ids : tuple of length n_series
        Name of each series; ``(None,)`` for a single one.
    channels : tuple of str
        Name of each column.
    elapsed : ndarray of shape (n_rows,)
        Time since the first row of the series in steps: 0, 1, 2, ... on a regular
        grid, otherwise real time in median steps.
    calendar : ndarray of shape (n_rows, n_features)
        Calendar features from the local wall clock, float32; no column without dates.
    calendar_names : tuple of str
        Their names.
    freq : str or None
        pandas alias of the step; None if stamps are irregular or there are no dates.
    step : float or None
        Length of a step where no frequency gives it: in seconds for dates and
        durations, otherwise in the numbers (or periods) of the index.
    layout : Layout
        How the caller's container is rebuilt.
    """

    values: np.ndarray
    bounds: np.ndarray
    ids: tuple
    channels: tuple[str, ...]
    elapsed: np.ndarray
    calendar: np.ndarray
    calendar_names: tuple[str, ...]
    freq: str | None
    step: float | None
    layout: Layout

    @property
    def index(self) -> pd.Index:
        """Label of each row: time, or (unique_id, ds) if there are many series."""
        rows = self.layout.rows
        index = self.layout.index
        return index if rows is None else index.take(np.argsort(rows))

    @property
    def stamps(self) -> pd.Index:
        """Time label of each row."""
        index = self.index
        many = isinstance(index, pd.MultiIndex)
        return index.get_level_values(1) if many else index

    @property
    def observed(self) -> np.ndarray:
        """Whether each cell has a value, of shape (n_rows, n_channels)."""
        return ~np.isnan(self.values)

    def frame(self, values: np.ndarray) -> Any:
        """Answer with a completed array, in the caller's kind of container.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_channels)
            Completed data; read only where the caller's data are missing, so that
            observed cells pass bit for bit. NaN stays missing.

        Returns
        -------
        answer : same kind as the caller's data
            Same index, columns and order. Floating dtypes are kept; integers and
            booleans become float64 (nullable ones Float64).

        Raises
        ------
        ValueError
            If the shape is not that of the panel.

        Examples
        --------
        >>> panel = to_panel(pd.Series([1.0, np.nan, 3.0], name="y"))
        >>> panel.frame(np.array([[9.0], [2.0], [9.0]])).tolist()
        [1.0, 2.0, 3.0]
        """
        self._check_rows(values, self.channels)
        return self.layout.wrap(np.where(self.observed, self.values, values))

    def columns_frame(self, values: np.ndarray, names: Sequence[str]) -> Any:
        """Answer with other columns, such as the ends of intervals.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_columns)
            What to put in, as it is.
        names : sequence of str of length n_columns
            Names of the columns.

        Returns
        -------
        answer : same kind as the caller's data
            float64 columns; of a Series a DataFrame, of a 3-D array one of shape
            (n_series, n_times, n_columns).

        Raises
        ------
        ValueError
            If the shape does not fit the panel and the names.

        Examples
        --------
        >>> panel = to_panel(pd.Series([1.0, np.nan], name="y"))
        >>> bounds = np.array([[1.0, 1.0], [0.0, 4.0]])
        >>> panel.columns_frame(bounds, ["y-lo-90", "y-hi-90"])
           y-lo-90  y-hi-90
        0      1.0      1.0
        1      0.0      4.0
        """
        self._check_rows(values, names)
        return self.layout.wrap(np.asarray(values, dtype=np.float64), names)

    def _check_rows(self, values: np.ndarray, names: Sequence[str]) -> None:
        expected = (len(self.values), len(names))
        if np.shape(values) != expected:
            raise ValueError(
                f"The values have shape {np.shape(values)}; {expected} is needed: one "
                f"row per row of the panel, one column for each of {listing(names)}."
            )


def to_panel(
    X: Any,
    *,
    freq: Frequency | None = None,
    insert_absent: bool = False,
    step: float | None = None,
    calendar: Sequence[str] | None = None,
    tz: str | None = None,
) -> Panel:
    """Read the caller's data, checking everything that is a property of them.

    Parameters
    ----------
    X : DataFrame, Series, array-like of 2 or 3 dimensions, or narwhals-compatible frame
        Rows are time, columns are channels; NaN, None and NA are missing. Time is the
        index: dates, periods, durations, or numbers. Many series have a MultiIndex
        (unique_id, ds) or are an array (n_series, n_times, n_channels). In a polars
        frame the one column of dates is the time; without one, rows are numbered.
    freq : str, pandas offset, int or None, default=None
        Time between rows, as pandas names it (int for numbered time). None infers it;
        stamps without a regular one are taken as irregular.
    insert_absent : bool, default=False
        Whether stamps absent from the grid of `freq` become rows of NaN.
    step : float or None, default=None
        Length of a step for stamps taken as irregular; None takes the median of the
        data. A model is used with the ``Panel.step`` of the data it was fitted on.
    calendar : sequence of str or None, default=None
        Calendar features to compute; None chooses those whose cycle the data cover.
        A model is used with the ``Panel.calendar_names`` it was fitted on.
    tz : str or None, default=None
        Time zone whose wall clock days and calendar follow, for aware stamps; None
        means their own. The answer keeps theirs.

    Returns
    -------
    panel : Panel
        Arrays that share no memory with `X`.

    Raises
    ------
    TypeError
        If columns, cells or stamps are of a kind that is no number or no time.
    ValueError
        If the data are empty, infinite, complex or text, names or stamps occur twice,
        time does not run forward, or `freq` contradicts it.

    Examples
    --------
    >>> index = pd.date_range("2024-01-01", periods=3, freq="h", name="time")
    >>> panel = to_panel(pd.DataFrame({"glucose": [98.0, None, 104.0]}, index))
    >>> panel.freq, panel.elapsed.tolist(), panel.channels
    ('h', [0.0, 1.0, 2.0], ('glucose',))
    """
    source = read_source(X)
    index = source.layout.index
    check_finite(source.values, source.channels, index)
    stamps, codes, ids = _split_series(index)
    bounds = np.concatenate([[0], np.cumsum(np.bincount(codes))])
    order = None if (np.diff(codes) >= 0).all() else np.argsort(codes, kind="stable")
    values = source.values
    if order is not None:
        stamps, values = stamps.take(order), values[order]
    check_increasing(stamps, bounds, ids)
    line = place(_in_zone(stamps, tz), bounds, freq, insert_absent, step)
    names, features = _calendar(line, calendar)
    layout = source.layout
    if line.source is not None:
        values = np.where(line.source[:, None] < 0, np.nan, values[line.source])
        line = replace(line, stamps=_in_zone(line.stamps, getattr(stamps, "tz", None)))
        layout = replace(layout, index=_label(line, ids, index))
    elif order is not None:
        layout = replace(layout, rows=np.argsort(order))
    return Panel(
        values=values,
        bounds=line.bounds,
        ids=ids,
        channels=source.channels,
        elapsed=line.elapsed,
        calendar=features,
        calendar_names=names,
        freq=line.freq,
        step=line.step,
        layout=layout,
    )


def _split_series(index: pd.Index) -> tuple[pd.Index, np.ndarray, tuple]:
    """Time label and series of each row, series numbered as they first appear."""
    if not isinstance(index, pd.MultiIndex):
        return check_stamps(index), np.zeros(len(index), dtype=np.int64), (None,)
    if index.nlevels != 2:
        raise ValueError(
            f"The index has {index.nlevels} levels ({listing(index.names)}); two are "
            "needed, (unique_id, ds). Join the names of a series into one."
        )
    codes, seen = pd.factorize(index.codes[0])
    if (seen < 0).any():
        rows = np.flatnonzero(index.codes[0] < 0)
        raise ValueError(
            f"The series of row(s) {listing(rows)} has no name: its id is missing. "
            "Give it one, or drop these rows."
        )
    ids = tuple(index.levels[0].take(seen).tolist())
    return check_stamps(index.get_level_values(1)), codes, ids


def _in_zone(stamps: Any, tz: Any) -> pd.Index:
    """Put aware stamps on the wall clock of a zone; leave others as they are."""
    aware = tz is not None and getattr(stamps, "tz", None) is not None
    return stamps.tz_convert(tz) if aware else stamps


def _label(line: Timeline, ids: tuple, index: pd.Index) -> pd.Index:
    """Row labels once absent stamps have been added."""
    if not isinstance(index, pd.MultiIndex):
        return line.stamps
    series = pd.Index(ids, dtype=index.levels[0].dtype).repeat(np.diff(line.bounds))
    return pd.MultiIndex.from_arrays([series, line.stamps], names=index.names)


def _calendar(
    line: Timeline, names: Sequence[str] | None
) -> tuple[tuple[str, ...], np.ndarray]:
    """Calendar features of the rows: those named, or those that suit the data."""
    stamps: Any = line.stamps
    dated = isinstance(stamps, pd.DatetimeIndex | pd.PeriodIndex)
    if names and not dated:
        raise ValueError(
            f"The calendar features {listing(names)} need dates, and the rows are "
            f"labelled by {type(stamps).__name__}. Give X a DatetimeIndex."
        )
    if names is None:
        names = choose_calendar(stamps, line.bounds) if dated else ()
    if not names:
        return (), np.empty((len(stamps), 0), dtype=np.float32)
    if len(line.bounds) == 2:
        return tuple(names), calendar_features(stamps, names)
    codes, unique = pd.factorize(stamps)  # series mostly share their stamps
    return tuple(names), calendar_features(unique, names)[codes]
