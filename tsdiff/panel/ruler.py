"""Frequencies as whole numbers: stamps to step numbers and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import (
    BaseOffset,
    BusinessDay,
    BusinessHour,
    CustomBusinessDay,
    Day,
    Tick,
    Week,
)

OFF_GRID = np.iinfo(np.int64).min
_NANOSECONDS = {"D": 86400 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
Frequency = str | int | BaseOffset


@dataclass(frozen=True)
class Ruler:
    """A frequency laid along the stamps of a data set.

    Attributes
    ----------
    step : int
        Difference of the numbers of two stamps one step apart.
    number : callable
        Stamps to numbers, int64; off the grid it is `OFF_GRID`.
    stamp : callable
        Numbers back to stamps.
    """

    step: int
    number: Callable[[pd.Index], np.ndarray]
    stamp: Callable[[np.ndarray], pd.Index]


def read_frequency(stamps: pd.Index, freq: Frequency | None) -> BaseOffset | int | None:
    """Read a frequency given by the caller, for stamps of this kind.

    Parameters
    ----------
    stamps : pandas.Index
        Time labels.
    freq : str, pandas offset, int or None
        What the caller gave.

    Returns
    -------
    offset : pandas offset, int or None
        Step of the stamps; that of a PeriodIndex is always known.

    Raises
    ------
    ValueError
        If it is no frequency, or not one for these stamps.

    Examples
    --------
    >>> read_frequency(pd.DatetimeIndex(["2024-01-01"]), "5min")
    <5 * Minutes>
    """
    if isinstance(stamps, pd.PeriodIndex):
        if freq is None or freq == stamps.freqstr or _offset(freq) == stamps.freq:
            return stamps.freq
        raise ValueError(
            f"freq={freq!r} contradicts the index, whose periods are "
            f"{stamps.freqstr!r}. Leave freq out, or convert by X.index.asfreq."
        )
    if freq is None:
        return None
    if isinstance(stamps, pd.DatetimeIndex):
        return _offset(freq)
    if isinstance(stamps, pd.TimedeltaIndex):
        offset = _offset(freq)
        if isinstance(offset, Tick | Day):
            return offset
        raise ValueError(
            f"freq={freq!r} has no fixed length, and the index holds durations. Give "
            "one such as 'h' or 'D'."
        )
    counted = stamps.dtype.kind in "iu" and not isinstance(freq, bool)
    if counted and isinstance(freq, int | np.integer) and freq > 0:
        return int(freq)
    raise ValueError(
        f"freq={freq!r} was given, but the rows are numbered, not dated. Leave it out, "
        "give a whole number such as freq=1 for whole numbers, or give X a "
        "DatetimeIndex."
    )


def make_ruler(stamps: pd.Index, offset: BaseOffset | int) -> Ruler:
    """Lay a frequency along stamps.

    Parameters
    ----------
    stamps : pandas.Index
        Time labels, sorted or not; one at least.
    offset : pandas offset or int
        Time between rows; int for numbered time.

    Returns
    -------
    ruler : Ruler
        Functions between the stamps' kind and whole numbers.

    Examples
    --------
    >>> ends = pd.DatetimeIndex(["2024-01-31", "2024-02-29", "2024-04-30"])
    >>> make_ruler(ends, pd.offsets.MonthEnd()).number(ends)
    array([0, 1, 3])
    """
    if isinstance(offset, int):
        return Ruler(offset, _integers, pd.Index)
    if isinstance(stamps, pd.PeriodIndex):
        kind: Any = pd.PeriodIndex
        stamp = partial(kind.from_ordinals, freq=stamps.freq)
        return Ruler(offset.n, _integers, stamp)
    if isinstance(stamps, pd.TimedeltaIndex) or (
        isinstance(offset, Tick) and not isinstance(offset, Day)
    ):
        return _elapsed_ruler(stamps, offset)
    return _calendar_ruler(stamps, offset)


def _offset(freq: Any) -> BaseOffset:
    """Turn an alias into an offset that makes regular steps forward."""
    try:
        offset = to_offset(freq)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"freq={freq!r} is no frequency of pandas, such as 'h', '5min', 'D', 'B', "
            f"'W-MON', 'ME' or 'QE': {error}"
        ) from None
    if offset.n <= 0 or isinstance(offset, BusinessHour):
        raise ValueError(
            f"freq={freq!r} is not supported: steps run forward, and business time "
            "goes by whole days. Try 'h' or 'B'."
        )
    if isinstance(offset, Tick) and offset.nanos % _NANOSECONDS["D"]:
        return to_offset(pd.Timedelta(offset.nanos, "ns"))  # 60min is h, but 24h not D
    return offset


def _integers(stamps: pd.Index) -> np.ndarray:
    return stamps.astype("int64").to_numpy()


def _elapsed_ruler(stamps: Any, offset: Any) -> Ruler:
    """Count physical time in a unit that holds both the stamps and the step."""
    fine = list(_NANOSECONDS)[list(_NANOSECONDS).index(stamps.unit) :]
    unit = next(u for u in fine if offset.nanos % _NANOSECONDS[u] == 0)
    kind = type(stamps), unit, getattr(stamps, "tz", None)
    return Ruler(
        offset.nanos // _NANOSECONDS[unit],
        partial(_to_integers, unit),
        partial(_from_integers, kind),
    )


def _to_integers(unit: str, stamps: Any) -> np.ndarray:
    return _integers(stamps.as_unit(unit))


def _from_integers(kind: tuple, numbers: np.ndarray) -> pd.Index:
    index_type, unit, tz = kind
    if index_type is pd.TimedeltaIndex:
        return pd.TimedeltaIndex(numbers.astype(f"m8[{unit}]"))
    index = pd.DatetimeIndex(numbers.astype(f"M8[{unit}]"))
    return index if tz is None else index.tz_localize("UTC").tz_convert(tz)


@dataclass(frozen=True)
class _Calendar:
    """Grid of calendar days, each with the same wall-clock time."""

    days: np.ndarray  # M8[D], every day of the grid from the first to the last row
    clock: np.timedelta64
    tz: Any

    def number(self, stamps: pd.Index) -> np.ndarray:
        if len(self.days) == 0:
            return np.full(len(stamps), OFF_GRID)
        wall = _wall(stamps)
        days = wall.astype("M8[D]")
        number = np.searchsorted(self.days, days).clip(max=len(self.days) - 1)
        on_grid = self.days[number] == days
        other_clock = wall - days != self.clock
        if other_clock.any():  # allowed where a clock change leaves that time out
            on_grid &= ~other_clock | np.asarray(self.stamp(number) == stamps)
        return np.where(on_grid, number, OFF_GRID)

    def stamp(self, numbers: np.ndarray) -> pd.Index:
        index = pd.DatetimeIndex(self.days[numbers] + self.clock)
        if self.tz is None:
            return index
        first = np.ones(len(index), dtype=bool)  # of two, when a clock goes back
        return index.tz_localize(self.tz, nonexistent="shift_forward", ambiguous=first)


def _calendar_ruler(stamps: Any, offset: BaseOffset) -> Ruler:
    """Count calendar periods; the grid's time of day is the earliest found."""
    wall = _wall(stamps)
    days = wall.astype("M8[D]")
    grid = _grid_days(days.min(), days.max(), offset)
    calendar = _Calendar(grid, (wall - days).min(), stamps.tz)
    return Ruler(offset.n, calendar.number, calendar.stamp)


def _wall(stamps: Any) -> np.ndarray:
    """Local wall-clock time as naive datetime64."""
    return stamps.tz_localize(None).to_numpy()


def _grid_days(first: Any, last: Any, offset: BaseOffset) -> np.ndarray:
    """Every day of the offset's unit step from first to last, as datetime64[D]."""
    every = np.arange(first, last + 1)
    rule: Any = offset  # type stubs know no attributes of single offsets
    if isinstance(offset, Day):
        return every
    if isinstance(offset, Week) and rule.weekday is not None:
        monday = 4  # the first one after 1970-01-01, in days
        return every[(every.astype("int64") - monday) % 7 == rule.weekday]
    if isinstance(offset, BusinessDay | CustomBusinessDay):
        holidays = rule.calendar or np.busdaycalendar()
        return every[np.is_busday(every, busdaycal=holidays)]
    grid = pd.date_range(first, last, freq=rule.base, unit="s")
    return grid.to_numpy().astype("M8[D]")
