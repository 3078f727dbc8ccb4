"""Frequency of time labels: inferred or given, and which stamps it misses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.offsets import BaseOffset, BusinessHour

from tsdiff.panel.ruler import OFF_GRID, Frequency, make_ruler, read_frequency
from tsdiff.panel.stamps import changes_within, stamp_numbers
from tsdiff.validation import listing

_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_TOO_MANY = 1_000_000  # rows that may be added whatever the size of the data


@dataclass(frozen=True)
class Timeline:
    """Where each row lies in time; rows of a series are contiguous and in order.

    Attributes
    ----------
    stamps : pandas.Index of shape (n_rows,)
        Time labels, those of added rows included.
    bounds : ndarray of shape (n_series + 1,)
        Series i is rows ``bounds[i]:bounds[i + 1]``.
    elapsed : ndarray of shape (n_rows,)
        Time since the first row of the series, in steps.
    source : ndarray of shape (n_rows,) or None
        Given row of each row, -1 for an added one; None if none was added.
    freq : str or None
        pandas alias; None if the stamps are irregular or no dates.
    step : float or None
        Length of a step where no frequency gives it: in seconds for dates and
        durations, otherwise in the numbers (or periods) of the index.
    """

    stamps: pd.Index
    bounds: np.ndarray
    elapsed: np.ndarray
    source: np.ndarray | None
    freq: str | None
    step: float | None


def place(
    stamps: pd.Index,
    bounds: np.ndarray,
    freq: Frequency | None = None,
    insert_absent: bool = False,
    step: float | None = None,
) -> Timeline:
    """Find the frequency of sorted stamps and number their steps.

    Fixed frequencies (seconds to hours) are measured in elapsed time, days and
    anything coarser in calendar periods: a day of 23 hours is one step.

    Parameters
    ----------
    stamps : pandas.Index of shape (n_rows,)
        Time labels, increasing within each series.
    bounds : ndarray of shape (n_series + 1,)
        Series i is rows ``bounds[i]:bounds[i + 1]``.
    freq : str, pandas offset, int or None, default=None
        Time between rows (int for numbered time). None infers it; stamps on no
        regular grid are then irregular and measured in median steps.
    insert_absent : bool, default=False
        Whether to add a row for each stamp of the grid that is absent between the
        first and the last of its series.
    step : float or None, default=None
        Length of a step for stamps taken as irregular, whatever they look like, in the
        unit of ``Timeline.step``. None takes the median of the data.

    Returns
    -------
    timeline : Timeline
        Stamps, their bounds and elapsed steps.

    Raises
    ------
    ValueError
        If `freq` contradicts the stamps, stamps are absent and may not be added, or
        there are fewer than three dates and neither `freq` nor `step`.

    Examples
    --------
    >>> days = pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-04"])
    >>> place(days, np.array([0, 3]), freq="D", insert_absent=True).source
    array([ 0,  1, -1,  2])
    """
    if step is not None:
        return _place_irregular(stamps, bounds, insert_absent, step)
    known = read_frequency(stamps, freq)
    offset = _infer(stamps, bounds) if known is None else known
    if offset is None:
        return _place_irregular(stamps, bounds, insert_absent)
    alias = None if isinstance(offset, int) else offset.freqstr
    name = alias or str(offset)
    ruler = make_ruler(stamps, offset)
    numbers = ruler.number(stamps)
    first = numbers[bounds[:-1]]
    steps, rest = np.divmod(numbers - np.repeat(first, np.diff(bounds)), ruler.step)
    off = (numbers == OFF_GRID) | (rest != 0)
    if not off.any() and (changes_within(steps, bounds) == 1).all():
        return Timeline(stamps, bounds, steps.astype(np.float64), None, alias, None)
    if freq is None and not (insert_absent and known is not None):
        return _place_irregular(stamps, bounds, insert_absent)
    if off.any():
        _raise_off_grid(stamps, bounds, name, off)
    series, source, grown = _fill_steps(steps, bounds, name)
    steps = np.arange(len(series)) - grown[series]
    stamps = ruler.stamp(first[series] + steps * ruler.step).rename(stamps.name)
    if not insert_absent:
        _raise_absent(stamps[source < 0], name)
    return Timeline(stamps, grown, steps.astype(np.float64), source, alias, None)


def _place_irregular(
    stamps: pd.Index, bounds: np.ndarray, insert_absent: bool, step: float | None = None
) -> Timeline:
    """Measure real time; nothing can be absent where nothing is regular."""
    numbers = stamp_numbers(stamps)
    changes = changes_within(numbers, bounds)
    scale = _UNITS.get(getattr(stamps, "unit", ""), 1)  # numbers per second
    if step is None:
        step = float(np.median(changes)) / scale if len(changes) else 1.0
    elapsed = (
        (numbers - np.repeat(numbers[bounds[:-1]], np.diff(bounds))) / scale / step
    )
    fractions = numbers.dtype.kind == "f"  # steps of 0.1 are not exact in binary
    if fractions and np.allclose(changes, step, rtol=1e-6, atol=0):
        elapsed = np.rint(elapsed)
    if insert_absent and (changes_within(elapsed, bounds) != 1).any():
        raise ValueError(
            "insert_absent=True needs the frequency of the rows, and the stamps have "
            "no regular one. Give it, e.g. freq='h' (a whole number if time is "
            "numbered)."
        )
    return Timeline(stamps, bounds, elapsed, None, None, step)


def _raise_absent(absent: pd.Index, freq: str) -> None:
    raise ValueError(
        f"{len(absent)} stamp(s) of freq={freq!r} are absent: {listing(absent)}. Pass "
        "insert_absent=True to add rows for them, or leave freq out to take the stamps "
        "as irregular."
    )


def _infer(stamps: pd.Index, bounds: np.ndarray) -> BaseOffset | None:
    """Frequency of the longest series; `place` checks whether all rows follow it."""
    if not isinstance(stamps, pd.DatetimeIndex | pd.TimedeltaIndex):
        return None
    longest = np.diff(bounds).argmax()
    part: Any = stamps[bounds[longest] : bounds[longest + 1]]
    offset = part.freq
    if offset is None and len(part) > 2:
        offset = type(part)(part, freq="infer").freq
        if offset is None and getattr(part, "tz", None):  # midnight may be left out
            days = part.tz_localize(None).normalize()
            offset = pd.DatetimeIndex(days, freq="infer").freq
    elif offset is None and isinstance(stamps, pd.DatetimeIndex):
        raise ValueError(
            f"The frequency cannot be told from {len(part)} row(s); three are needed. "
            "Give it, e.g. freq='h'."
        )
    irregular = offset is None or offset.n <= 0 or isinstance(offset, BusinessHour)
    return None if irregular else offset


def _fill_steps(
    steps: np.ndarray, bounds: np.ndarray, freq: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay rows on a grid without holes: series and source of each row, new bounds."""
    lengths = steps[bounds[1:] - 1] + 1
    total, given = int(lengths.sum()), len(steps)
    if total > max(_TOO_MANY, 100 * given):
        raise ValueError(
            f"freq={freq!r} would make {total:,} rows of {given:,}. Give a coarser "
            "freq, or leave it out to take the stamps as irregular."
        )
    grown = np.concatenate([[0], np.cumsum(lengths)])
    source = np.full(total, -1)
    source[np.repeat(grown[:-1], np.diff(bounds)) + steps] = np.arange(given)
    if (source >= 0).sum() < given:
        raise ValueError(
            f"Several rows fall on one step of freq={freq!r}. Give a finer freq, or "
            "keep one row per step."
        )
    return np.repeat(np.arange(len(lengths)), lengths), source, grown


def _raise_off_grid(
    stamps: pd.Index, bounds: np.ndarray, freq: str, off: np.ndarray
) -> None:
    inferred = _infer(stamps, bounds)
    hint = "" if inferred is None else f"The stamps follow freq={inferred.freqstr!r}. "
    raise ValueError(
        f"freq={freq!r} contradicts the index: {off.sum()} stamp(s) lie off its grid: "
        f"{listing(stamps[off])}. {hint}Give the right freq, round the stamps, or "
        "leave freq out to take them as irregular."
    )
