"""Stamps: every frequency is found, measured and completed; faults are named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsdiff.panel.timeindex import Timeline, place

FREQS = [
    "ms", "s", "min", "5min", "30min", "h", "6h", "D", "2D", "B", "W-SUN", "W-WED",
    "ME", "MS", "BME", "BMS", "QE-DEC", "QE-NOV", "QS-JAN", "YE-DEC", "YS-JUL",
    "2ME", "3YE-DEC",
]  # fmt: skip
ZONES = [None, "UTC", "America/New_York", "Australia/Lord_Howe"]


def bare(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Drop the freq attribute, so that it has to be inferred."""
    return type(index)(index, freq=None)


def one(stamps: pd.Index, **options: object) -> Timeline:
    return place(stamps, np.array([0, len(stamps)]), **options)


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize("freq", FREQS)
def test_every_frequency_is_inferred_and_numbered(freq: str, tz: str | None) -> None:
    stamps = pd.date_range("2019-12-30", periods=400, freq=freq, tz=tz, unit="ms")
    line = one(bare(stamps))
    again = pd.date_range(stamps[0], periods=400, freq=line.freq, unit="ms")
    assert again.equals(stamps)
    np.testing.assert_array_equal(line.elapsed, np.arange(400.0))
    assert line.source is None


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize("freq", [*FREQS, "SME-15", "WOM-3FRI"])
def test_absent_stamps_are_named_or_inserted(freq: str, tz: str | None) -> None:
    full = pd.date_range("2019-12-30", periods=60, freq=freq, tz=tz, name="t")
    kept = np.delete(np.arange(60), [3, 4, 17])
    given_stamps = bare(full)[kept]
    with pytest.raises(ValueError, match=r"3 stamp\(s\) .* are absent") as error:
        one(given_stamps, freq=freq)
    assert all(str(stamp) in str(error.value) for stamp in full[[3, 4, 17]])
    line = one(given_stamps, freq=freq, insert_absent=True)
    assert line.stamps.equals(full)
    assert (line.stamps.dtype, line.stamps.name) == (full.dtype, "t")
    np.testing.assert_array_equal(np.flatnonzero(line.source < 0), [3, 4, 17])
    np.testing.assert_array_equal(line.source[line.source >= 0], np.arange(57))
    np.testing.assert_array_equal(line.elapsed, np.arange(60.0))


@settings(max_examples=60, deadline=None)
@given(
    freq=st.sampled_from(["7min", "3h", "D", "B", "W-THU", "ME", "BQE-DEC", "YS-JAN"]),
    n=st.integers(1, 4),
    kept=st.sets(st.integers(0, 40), min_size=3, max_size=20),
    start=st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2100-01-01")),
)
def test_step_numbers_equal_repeated_addition(
    freq: str, n: int, kept: set[int], start: pd.Timestamp
) -> None:
    offset = n * pd.tseries.frequencies.to_offset(freq)
    grid = [offset.rollforward(pd.Timestamp(start).floor("s"))]
    for _ in range(40):
        grid.append(grid[-1] + offset)
    rows = sorted(kept)
    line = one(pd.DatetimeIndex(grid)[rows], freq=offset, insert_absent=True)
    assert list(line.stamps) == grid[rows[0] : rows[-1] + 1]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("freq", ["min", "D", "ME", None])
def test_units_make_no_difference(unit: str, freq: str | None) -> None:
    stamps = pd.date_range("2020-01-31", periods=9, freq=freq or "min")
    if freq is None:
        stamps = stamps[[0, 1, 4, 5, 8]]
    line = one(bare(stamps).as_unit(unit), freq=freq)
    assert line.elapsed.tolist() == one(bare(stamps), freq=freq).elapsed.tolist()
    assert line.stamps.unit == unit


def test_a_step_finer_than_the_unit_of_the_index() -> None:
    stamps = pd.DatetimeIndex(["2020-01-01 00:00:00", "2020-01-01 00:00:02"])
    line = one(stamps.as_unit("s"), freq="500ms", insert_absent=True)
    assert line.elapsed.tolist() == [0, 1, 2, 3, 4]
    assert (np.diff(line.stamps) == np.timedelta64(500, "ms")).all()


@pytest.mark.parametrize("year", ["0001", "1677", "2262", "9998"])
@pytest.mark.parametrize("freq", ["s", "h", "D", "B", "W-MON", "ME", "QS-JAN", "YE"])
def test_years_beyond_nanoseconds(year: str, freq: str) -> None:
    start = pd.Timestamp(np.datetime64(f"{year}-02-01", "s"))
    count = 3 if freq in ("YE", "QS-JAN") and year == "9998" else 6
    count = 2 if freq == "YE" and year == "9998" else count
    stamps = pd.date_range(start, periods=count, freq=freq, unit="s")
    assert one(stamps, freq=freq).elapsed.tolist() == list(range(count))
    kept = stamps[[0, -1]]
    line = one(kept, freq=freq, insert_absent=True)
    assert line.stamps.equals(stamps)


def test_hours_are_elapsed_and_days_are_calendar_days_over_a_clock_change() -> None:
    zone = "America/New_York"
    hours = pd.date_range("2024-03-09", "2024-03-12", freq="h", tz=zone)
    assert len(hours) == 72  # 73 but for the hour left out
    assert one(bare(hours)).elapsed.tolist() == list(range(72))
    back = pd.date_range("2024-11-02", "2024-11-05", freq="h", tz=zone)
    assert one(bare(back)).elapsed.tolist() == list(range(74))
    days = pd.date_range("2024-03-08", "2024-03-12", freq="D", tz=zone)
    assert one(bare(days), freq="D").elapsed.tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="contradicts the index"):
        one(bare(days), freq="24h")  # one of them lasts 23 h


def test_days_where_midnight_does_not_exist() -> None:
    naive = pd.date_range("2018-11-01", periods=7, freq="D")
    stamps = naive.tz_localize("America/Sao_Paulo", nonexistent="shift_forward")
    line = one(stamps)
    assert line.freq == "D"
    assert line.elapsed.tolist() == list(range(7))
    holes = one(stamps.delete(3), freq="D", insert_absent=True)  # the shifted one
    assert holes.stamps.equals(stamps)


def test_custom_holidays_are_no_steps() -> None:
    offset = pd.offsets.CustomBusinessDay(holidays=["2024-12-25", "2024-12-26"])
    stamps = pd.date_range("2024-12-20", "2025-01-08", freq=offset)
    line = one(bare(stamps), freq=offset)
    np.testing.assert_array_equal(line.elapsed, np.arange(len(stamps)))
    with pytest.raises(ValueError, match="2024-12-25 00:00:00, 2024-12-26"):
        one(bare(stamps), freq="B")


def test_business_days_without_holidays_are_irregular_unless_asked() -> None:
    stamps = pd.bdate_range("2024-12-20", "2025-01-31").drop("2024-12-25")
    line = one(stamps)
    assert line.freq is None
    assert line.source is None
    days = (stamps - stamps[0]) / pd.Timedelta(days=1)
    np.testing.assert_allclose(line.elapsed, days)  # the median step is one day


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 10**6), min_size=3, max_size=30), st.sampled_from(ZONES))
def test_irregular_time_is_real_time_in_median_steps(
    gaps: list[int], tz: str | None
) -> None:
    seconds = np.cumsum([0, *gaps, gaps[0] + 1, gaps[0]])
    start = pd.Timestamp("2024-03-01", tz=tz)
    stamps = pd.DatetimeIndex(start + pd.to_timedelta(seconds, unit="s"))
    line = one(stamps)
    step = np.median(np.diff(seconds))
    np.testing.assert_allclose(line.elapsed, seconds / step, rtol=1e-12)
    assert line.freq is None


def test_short_data_are_measured_in_the_step_of_longer_ones() -> None:
    hours = np.array([0, 1, 3, 4, 9, 10])
    for unit in ("s", "ns"):
        stamps = pd.Timestamp("2024") + pd.to_timedelta(hours, unit="h").as_unit(unit)
        step = one(stamps).step
        assert step == 3600
        assert one(stamps[[1, 4]], step=step).elapsed.tolist() == [0, 8]
        assert one(stamps[:1], step=step).elapsed.tolist() == [0]
    assert one(pd.RangeIndex(3), step=one(pd.RangeIndex(9)).step).elapsed[-1] == 2
    assert one(pd.Index([4, 8]), step=0.5).elapsed.tolist() == [0, 8]
    assert one(pd.date_range("2024", periods=5)).step is None  # freq gives it


def test_one_irregular_series_makes_the_panel_irregular() -> None:
    hours = np.array([0, 1, 2, 3, 4, 5, 0, 1, 1.5, 2.5])
    stamps = pd.Timestamp("2024") + pd.to_timedelta(hours, unit="h")
    line = place(stamps, np.array([0, 6, 10]))
    assert (line.freq, line.step) == (None, 3600)
    np.testing.assert_array_equal(line.elapsed, hours)
    assert place(stamps[:8], np.array([0, 6, 8])).freq == "h"


def test_series_of_a_panel_are_placed_as_each_alone() -> None:
    parts = [
        pd.date_range("2024-01-01", periods=5, freq="h"),
        pd.date_range("2019-06-01 12:00", periods=1, freq="h"),
        pd.date_range("2024-01-02 07:30", periods=9, freq="h").delete([2, 3]),
    ]
    stamps = pd.DatetimeIndex(np.concatenate([part.to_numpy() for part in parts]))
    bounds = np.array([0, 5, 6, 13])
    assert place(stamps, bounds).freq is None
    line = place(stamps, bounds, freq="h", insert_absent=True)
    assert line.bounds.tolist() == [0, 5, 6, 15]
    for i, part in enumerate(parts):
        alone = one(bare(part), freq="h", insert_absent=True)
        rows = slice(line.bounds[i], line.bounds[i + 1])
        assert line.stamps[rows].equals(alone.stamps)
        np.testing.assert_array_equal(line.elapsed[rows], alone.elapsed)


@pytest.mark.parametrize("freq", ["s", "15min", "h", "D", "W", "M", "Q", "Y", "3M"])
@pytest.mark.parametrize("start", ["0001-06-30", "2024-02-29", "9990-01-01"])
def test_periods_know_their_frequency(freq: str, start: str) -> None:
    full = pd.period_range(start, periods=5, freq=freq, name="t")
    line = one(full)
    assert line.freq == full.freq.freqstr
    assert line.elapsed.tolist() == [0, 1, 2, 3, 4]
    assert one(full[:1]).freq == line.freq
    holes = one(full.delete([1, 3]), insert_absent=True)
    pd.testing.assert_index_equal(holes.stamps, full)
    assert one(full, freq=full.freqstr).elapsed.tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="contradicts the index, whose periods"):
        one(full, freq="7min")


def test_durations_and_numbers() -> None:
    hours = pd.to_timedelta([0, 2, 4, 8], unit="h")
    assert one(hours[:3]).freq == "2h"
    assert one(hours, freq="2h", insert_absent=True).elapsed.tolist() == [0, 1, 2, 3, 4]
    assert one(hours).elapsed.tolist() == [0, 1, 2, 4]
    assert one(pd.to_timedelta([0, 1, 2], unit="D"), freq="D").elapsed[-1] == 2
    assert one(pd.RangeIndex(10, 100, 30)).elapsed.tolist() == [0, 1, 2]
    assert one(pd.Index([-3, -2, 5], dtype="int32")).elapsed.tolist() == [0, 0.25, 2]
    filled = one(pd.Index([4, 6, 12]), freq=2, insert_absent=True)
    assert filled.stamps.tolist() == [4, 6, 8, 10, 12]
    assert one(pd.Index(np.arange(0, 5, 0.1))).elapsed.tolist() == list(range(50))
    assert one(pd.Index([7])).elapsed.tolist() == [0]


@pytest.mark.parametrize(
    ("stamps", "options", "message"),
    [
        (pd.date_range("2024", periods=5, freq="30min"), {"freq": "h"}, "freq='30min'"),
        (pd.date_range("2024", periods=5, freq="D"), {"freq": "W"}, "lie off its grid"),
        (pd.DatetimeIndex(["2024-01-01", "2024-01-09"]), {}, "Give it, e.g. freq='h'"),
        (pd.DatetimeIndex(["2024-01-01"]), {}, "from 1 row"),
        (pd.RangeIndex(3), {"freq": "h"}, "numbered, not dated"),
        (pd.RangeIndex(3), {"freq": True}, "numbered, not dated"),
        (pd.RangeIndex(3), {"freq": 0}, "numbered, not dated"),
        (pd.Index([0.0, 0.5]), {"freq": 1}, "for whole numbers"),
        (pd.date_range("2024", periods=3), {"freq": "fortnight"}, "no frequency of p"),
        (pd.date_range("2024", periods=3), {"freq": 7}, "no frequency of pandas"),
        (pd.date_range("2024", periods=3), {"freq": "-1D"}, "not supported"),
        (pd.date_range("2024", periods=3), {"freq": "bh"}, "not supported"),
        (pd.to_timedelta([0, 1, 2], "h"), {"freq": "ME"}, "no fixed length"),
        (pd.Index([1, 2, 5, 6]), {"insert_absent": True}, "needs the frequency"),
        (
            pd.to_datetime(["1990", "2024"]),
            {"freq": "s", "insert_absent": True},
            "would make",
        ),
    ],
)
def test_frequencies_that_do_not_fit(
    stamps: pd.Index, options: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        one(stamps, **options)


def test_two_rows_on_one_calendar_step_are_refused() -> None:
    zone = "America/New_York"  # 01:30 happens twice on 3 November
    days = pd.date_range("2024-11-01 01:30", periods=4, freq="D")
    both = pd.DatetimeIndex(days.insert(3, days[2]))
    stamps = both.tz_localize(zone, ambiguous=np.array([1, 1, 1, 0, 0], dtype=bool))
    with pytest.raises(ValueError, match="Several rows fall on one step"):
        one(stamps, freq="D")
