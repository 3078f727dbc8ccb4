"""Rows behind the last one: stamps, clock and calendar of what is to be forecast."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import (
    BaseOffset,
    CustomBusinessDay,
    CustomBusinessMonthBegin,
    CustomBusinessMonthEnd,
    Day,
    Tick,
)

from tsdiff.panel.calendar import calendar_features
from tsdiff.panel.frame import Panel
from tsdiff.panel.layout import ArrayLayout, Layout
from tsdiff.panel.ruler import Frequency, make_ruler, read_frequency
from tsdiff.panel.stamps import changes_within, check_stamps, stamp_numbers

_CUSTOM = CustomBusinessDay | CustomBusinessMonthBegin | CustomBusinessMonthEnd


def future_rows(
    panel: Panel, h: int, *, freq: Frequency | None = None, tz: str | None = None
) -> Panel:
    """Make a panel of the h rows that follow the last row of each series.

    Series may end at different times; each goes on from its own end. Fixed steps
    (seconds to hours) go on in elapsed time, days and anything coarser on the calendar
    and the wall clock.

    Parameters
    ----------
    panel : Panel
    h : int
        Rows a series, at least 1.
    freq : str, pandas offset or int, optional
        Time between rows, where the panel can't tell all of it: of numbered rows, or
        with holidays of its own.
    tz : str, optional
        Time zone whose wall clock days and calendar follow, for aware stamps; as in
        `tsdiff.panel.frame.to_panel`.

    Returns
    -------
    Panel
        Of the caller's kind of container, all cells NaN, series stacked in the order
        of the panel; `elapsed` goes on from that of the panel.

    Raises
    ------
    TypeError
        If the rows are labelled by text.
    ValueError
        If the stamps are irregular, so that nothing says what comes after the last.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> index = pd.date_range("2024-01-31", periods=3, freq="ME")
    >>> future = future_rows(to_panel(pd.Series([1.0, 2, 3], index)), 2)
    >>> future.stamps.strftime("%d %b").tolist(), future.elapsed.tolist()
    (['30 Apr', '31 May'], [3.0, 4.0])
    """
    stamps: Any = check_stamps(panel.stamps)
    home = getattr(stamps, "tz", None)
    away = tz is not None and home is not None
    ahead: Any = _go_on(panel, stamps.tz_convert(tz) if away else stamps, h, freq)
    steps = np.arange(1, h + 1)
    last = panel.bounds[1:] - 1
    index = _label(panel, ahead.tz_convert(home) if away else ahead, h)
    bounds = h * np.arange(len(panel.bounds))
    return replace(
        panel,
        values=np.full((len(index), len(panel.channels)), np.nan),
        bounds=bounds,
        elapsed=(panel.elapsed[last][:, None] + steps).ravel(),
        calendar=_calendar(ahead, panel.calendar_names),
        layout=relaid(panel.layout, index, len(panel.ids)),
    )


def extend(
    panel: Panel, h: int, *, freq: Frequency | None = None, tz: str | None = None
) -> Panel:
    """Append h rows of NaN to each series: a forecast is an imputation of them.

    Parameters
    ----------
    panel : Panel
    h : int
    freq : str, pandas offset or int, optional
    tz : str, optional
        As in `future_rows`.

    Returns
    -------
    Panel
        Rows in the order of the panel, whatever that of the caller's were.

    Raises
    ------
    TypeError, ValueError
        As `future_rows`.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> panel = extend(to_panel(pd.Series([1.0, 2.0], [10, 15])), 2)
    >>> panel.values.ravel().tolist(), panel.stamps.tolist()
    ([1.0, 2.0, nan, nan], [10, 15, 20, 25])
    """
    return append(panel, future_rows(panel, h, freq=freq, tz=tz))


def append(panel: Panel, future: Panel) -> Panel:
    """Put the rows of each series of one panel behind those of another.

    Parameters
    ----------
    panel, future : Panel
        Of the same series and channels, `future` as `future_rows` makes it.

    Returns
    -------
    Panel
    """
    bounds = panel.bounds + future.bounds
    from_future = np.repeat(
        np.tile([False, True], len(panel.ids)),
        np.stack([np.diff(panel.bounds), np.diff(future.bounds)], axis=1).ravel(),
    )
    order = np.empty(len(from_future), dtype=np.int64)  # place of each row in a stack
    order[~from_future] = np.arange(len(panel.values))
    order[from_future] = len(panel.values) + np.arange(len(future.values))
    index: Any = panel.index
    return replace(
        panel,
        values=np.concatenate([panel.values, future.values])[order],
        bounds=bounds,
        elapsed=np.concatenate([panel.elapsed, future.elapsed])[order],
        calendar=np.concatenate([panel.calendar, future.calendar])[order],
        layout=relaid(
            panel.layout, index.append(future.index).take(order), len(panel.ids)
        ),
    )


def tail(panel: Panel, n_rows: int) -> Panel:
    """Keep the last rows of each series.

    Parameters
    ----------
    panel : Panel
    n_rows : int
        Of each series, at most.

    Returns
    -------
    Panel
        `elapsed` starts at 0 again.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> tail(to_panel(pd.Series([1.0, 2.0, 3.0])), 2).stamps.tolist()
    [1, 2]
    """
    keep = tail_rows(panel, n_rows)
    bounds = np.append(0, np.cumsum(np.minimum(np.diff(panel.bounds), n_rows)))
    elapsed = panel.elapsed[keep]
    start = np.repeat(elapsed[bounds[:-1]], np.diff(bounds))
    index = _with_freq(panel.index[keep], panel.layout.index)
    return replace(
        panel,
        values=panel.values[keep],
        bounds=bounds,
        elapsed=elapsed - start,
        calendar=panel.calendar[keep],
        layout=relaid(panel.layout, index, len(panel.ids)),
    )


def tail_rows(panel: Panel, n_rows: int) -> NDArray[np.int64]:
    """Rows that `tail` keeps."""
    left = np.repeat(panel.bounds[1:], np.diff(panel.bounds))
    return np.flatnonzero(left - np.arange(len(panel.values)) <= n_rows)


def relaid(layout: Layout, index: pd.Index, n_series: int) -> Layout:
    """Let a layout answer for other rows, in the order of the panel."""
    if not isinstance(layout, ArrayLayout):
        return replace(layout, index=index, rows=None)
    leading: tuple[int, ...] = (len(index),)
    if len(layout.shape) == 3:
        leading = (n_series, len(index) // n_series)
    return replace(layout, index=index, rows=None, shape=(*leading, layout.shape[-1]))


def _go_on(panel: Panel, stamps: Any, h: int, freq: Frequency | None) -> pd.Index:
    """Stamps of the h rows after the last of each series, stacked."""
    offset = _step(panel, stamps, freq)
    last, steps = panel.bounds[1:] - 1, np.arange(1, h + 1)
    if isinstance(offset, float):
        ahead: pd.Index = pd.Index(
            (stamps[last].to_numpy()[:, None] + offset * steps).ravel()
        )
    elif _is_calendar(stamps, offset):
        ahead = _calendar_ahead(stamps, last, offset, h)
    else:
        ruler = make_ruler(stamps, offset)
        number = ruler.number(stamps.take(last))
        ahead = ruler.stamp((number[:, None] + ruler.step * steps).ravel())
    return _with_freq(ahead, panel.layout.index)


def _is_calendar(stamps: pd.Index, offset: Any) -> bool:
    """Whether the step is a day or coarser, whose length the calendar gives."""
    fixed = isinstance(offset, Tick) and not isinstance(offset, Day)
    return isinstance(stamps, pd.DatetimeIndex) and not fixed


def _step(panel: Panel, stamps: Any, freq: Frequency | None) -> Any:
    """Step of a panel: an offset, or a number (float only if stamps have fractions)."""
    known = read_frequency(stamps, freq) if freq is not None else None
    if known is not None and not isinstance(stamps, pd.PeriodIndex):
        return known
    if panel.freq is not None:
        return _offset_of(panel.freq, getattr(panel.layout.index, "freq", None))
    step = panel.step
    if isinstance(stamps, pd.DatetimeIndex | pd.TimedeltaIndex):
        whole = False
    elif step is None:  # whole numbers on the grid of a freq given to `to_panel`
        changes = changes_within(stamp_numbers(stamps), panel.bounds)
        step, whole = float(changes.min(initial=2**62)), len(changes) > 0
    else:
        whole = bool((panel.elapsed == np.rint(panel.elapsed)).all())
    if not whole or step is None:
        raise ValueError(
            "The stamps have no regular step, so nothing says which come after the "
            "last one. Give freq=, e.g. freq='h' (a whole number if rows are "
            "numbered), and insert_absent=True if some stamps are absent."
        )
    if isinstance(stamps, pd.PeriodIndex):
        own: Any = stamps.freq
        return int(step) * own.base
    return step if stamps.dtype.kind == "f" else int(step)


def _offset_of(alias: str, own: BaseOffset | None) -> BaseOffset:
    """Offset of an alias; its holidays are known to the index alone."""
    if own is not None and own.freqstr == alias:
        return own
    offset = to_offset(alias)
    if isinstance(offset, _CUSTOM):
        raise ValueError(
            f"The rows follow freq={alias!r}, which has holidays of its own that are "
            "not known here. Give freq= as the offset itself."
        )
    return offset


def _calendar_ahead(stamps: Any, last: Any, offset: Any, h: int) -> pd.Index:
    """Days after the last of each series, at the wall-clock time of the rows."""
    wall = stamps.tz_localize(None).to_numpy()
    days = wall.astype("M8[D]")
    ends, code = np.unique(days[last], return_inverse=True)
    paths = [
        pd.date_range(end, periods=h + 1, freq=offset, unit="s")[1:].to_numpy()
        for end in ends
    ]
    # a row may be late where a clock change left its time out: the earliest is right
    ahead = np.stack(paths)[code.ravel()].ravel() + (wall - days).min()
    index = pd.DatetimeIndex(ahead).as_unit(stamps.unit)
    if stamps.tz is None:
        return index
    first = np.ones(len(index), dtype=bool)  # of two, when a clock goes back
    return index.tz_localize(stamps.tz, nonexistent="shift_forward", ambiguous=first)


def _with_freq(ahead: Any, index: pd.Index) -> pd.Index:
    """Let the index of a single series know its freq if the caller's did."""
    own = getattr(index, "freq", None)
    if own is None or isinstance(ahead, pd.PeriodIndex):
        return ahead
    try:
        return type(ahead)(ahead, freq=own)
    except ValueError:  # a clock change has moved one of the stamps
        return ahead


def _label(panel: Panel, stamps: pd.Index, h: int) -> pd.Index:
    """Row labels: stamps, or series and stamps."""
    index = panel.layout.index
    if not isinstance(index, pd.MultiIndex):
        return stamps.rename(index.name)
    series = pd.Index(panel.ids, dtype=index.levels[0].dtype).repeat(h)
    return pd.MultiIndex.from_arrays([series, stamps], names=index.names)


def _calendar(stamps: Any, names: tuple[str, ...]) -> NDArray[np.float32]:
    """Calendar features of the rows; series mostly share their stamps."""
    if not names:
        return np.empty((len(stamps), 0), dtype=np.float32)
    codes, unique = pd.factorize(stamps)
    return calendar_features(unique, names)[codes]
