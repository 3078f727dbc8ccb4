"""Rows behind the last one: what comes next is what pandas says comes next."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from tsdiff.panel.frame import Panel, to_panel
from tsdiff.panel.future import extend, future_rows, tail
from tsdiff.panel.packing import pack_panel, unpack_panel

FREQS = [
    *["s", "min", "30min", "2h", "h", "D", "2D", "B", "W", "W-WED", "2W", "MS", "ME"],
    *["2ME", "BME", "SME", "QE", "QS-FEB", "YE", "YS"],
]


def same_stamps(got: pd.Index, expected: pd.Index) -> None:
    assert (got.dtype, got.names) == (expected.dtype, expected.names)
    assert got.tolist() == expected.tolist()


def cut(index: pd.Index, n_ahead: int, **options: Any) -> pd.Index:
    """Stamps that follow the index without its last rows."""
    given = index[:-n_ahead]
    return future_rows(to_panel(wave(given)), n_ahead, **options).stamps


def wave(index: Any) -> pd.Series:
    return pd.Series(np.sin(np.arange(len(index))), index, name="y")


# --- stamps ---------------------------------------------------------------------------


@pytest.mark.parametrize("freq", FREQS)
@pytest.mark.parametrize("tz", [None, "Europe/Vienna"])
@pytest.mark.parametrize("stated", [True, False])
def test_dates_go_on_as_date_range_does(
    freq: str, tz: str | None, stated: bool
) -> None:
    whole = pd.date_range("2023-10-26", periods=20, freq=freq, tz=tz, name="time")
    index = whole if stated else pd.DatetimeIndex(whole.to_series())
    told = freq if freq == "SME" else None  # which pandas can't infer
    panel = to_panel(wave(index[:-8]), freq=told)
    same_stamps(future_rows(panel, 8).stamps, whole[-8:])


@pytest.mark.parametrize("freq", ["h", "30min", "D"])
@pytest.mark.parametrize("month", ["03", "10"])
def test_the_clock_may_change_in_the_future(freq: str, month: str) -> None:
    whole = pd.date_range(f"2024-{month}-20", f"2024-{month}-31", freq=freq)
    whole = whole.tz_localize("Europe/Vienna", ambiguous=True, nonexistent="NaT")
    whole = pd.date_range(whole[0], periods=len(whole), freq=freq)
    same_stamps(cut(whole, len(whole) - 5), whole[5:])


def test_days_are_those_of_the_wall_clock_of_the_fit() -> None:
    vienna = pd.date_range("2024-03-25", periods=9, freq="D", tz="Europe/Vienna")
    utc = vienna.tz_convert("UTC")
    panel = to_panel(wave(utc[:4]), freq="D", tz="Europe/Vienna")
    same_stamps(future_rows(panel, 5, tz="Europe/Vienna").stamps, utc[4:])


def test_a_row_moved_by_a_clock_change_does_not_move_those_behind_it() -> None:
    naive = pd.date_range("2024-03-28 02:30", periods=6, freq="D")
    index = naive.tz_localize("Europe/Vienna", nonexistent="shift_forward")
    panel = to_panel(wave(index[:4]), freq="D")  # the last one is 03:00
    same_stamps(future_rows(panel, 2, freq="D").stamps, index[4:])


@pytest.mark.parametrize(
    "whole",
    [
        pd.period_range("2024-01", periods=20, freq="M"),
        pd.period_range("2024Q1", periods=20, freq="Q"),
        pd.period_range("2024-01-01", periods=20, freq="D"),
        pd.RangeIndex(20),
        pd.RangeIndex(7, 107, 5),
        pd.Index(np.arange(0, 100, 5)),
        pd.Index(np.arange(20) * 0.5),
        pd.timedelta_range("1h", periods=20, freq="30min"),
        pd.timedelta_range("1D", periods=20, freq="D"),
        pd.Index(np.r_[0:10, 12:22]),
    ],
    ids=str,
)
def test_other_labels_go_on_by_their_step(whole: pd.Index) -> None:
    same_stamps(cut(whole, 8), whole[-8:])


def test_whole_numbers_go_on_by_a_freq_that_was_given() -> None:
    panel = to_panel(wave([0, 5, 10]), freq=5)
    assert future_rows(panel, 2, freq=5).stamps.tolist() == [15, 20]
    assert future_rows(panel, 2).stamps.tolist() == [15, 20]


def test_holidays_of_its_own_are_those_of_the_index_or_of_freq() -> None:
    offset = pd.offsets.CustomBusinessDay(holidays=["2024-01-10"])
    whole = pd.date_range("2024-01-01", periods=12, freq=offset)
    same_stamps(cut(whole, 6), whole[-6:])
    panel = to_panel(wave(whole[:6].to_numpy()), freq=offset)
    same_stamps(future_rows(panel, 6, freq=offset).stamps, whole[-6:])
    with pytest.raises(ValueError, match=r"holidays of its own.*Give freq="):
        future_rows(panel, 6)


@pytest.mark.parametrize(
    "index",
    [
        pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-07"]),
        pd.to_timedelta([0, 1, 5, 6], unit="h"),
        pd.Index([0.0, 1.0, 1.5, 5.0]),
    ],
    ids=["dates", "durations", "numbers"],
)
def test_irregular_stamps_have_no_next_one(index: pd.Index) -> None:
    with pytest.raises(ValueError, match=r"no regular step.*Give freq="):
        extend(to_panel(wave(index)), 2)


# --- rows -----------------------------------------------------------------------------


@pytest.mark.parametrize("freq", ["h", "D", "ME"])
def test_clock_and_calendar_go_on_as_if_the_rows_had_been_there(freq: str) -> None:
    index = pd.date_range("2022-03-20", periods=700, freq=freq, tz="Europe/Vienna")
    whole = to_panel(wave(index))
    grown = extend(to_panel(wave(index[:600]), calendar=whole.calendar_names), 100)
    np.testing.assert_array_equal(grown.elapsed, whole.elapsed)
    np.testing.assert_array_equal(grown.calendar, whole.calendar)
    same_stamps(grown.stamps, index)
    assert np.isnan(grown.values[600:]).all()
    np.testing.assert_array_equal(grown.values[:600], whole.values[:600])


def many() -> pd.DataFrame:
    """Series that end at different times, their rows mixed up."""
    days = pd.date_range("2024-01-01", periods=9, name="ds")
    parts = {"b": wave(days[:5]), "a": wave(days[2:9]), "ü": wave(days[3:4])}
    frame = pd.concat(parts, names=["unique_id"]).to_frame()
    return frame.sort_index(level="ds", sort_remaining=False)


def test_each_series_goes_on_from_its_own_end() -> None:
    panel = to_panel(many(), freq="D")
    future = future_rows(panel, 2)
    frame = future.frame(np.arange(6.0)[:, None])
    assert frame.index.names == ["unique_id", "ds"]
    assert frame["y"].to_dict() == {
        (name, pd.Timestamp(f"2024-01-{day:02}")): value
        for value, (name, day) in enumerate(
            [("b", 6), ("b", 7), ("a", 10), ("a", 11), ("ü", 5), ("ü", 6)]
        )
    }
    grown = extend(panel, 2)
    for i, name in enumerate(panel.ids):
        rows = slice(*grown.bounds[i : i + 2])
        given = many()["y"][name].to_numpy()
        np.testing.assert_array_equal(grown.values[rows, 0], [*given, np.nan, np.nan])
        assert grown.elapsed[rows].tolist() == list(range(len(given) + 2))


def test_the_frame_of_an_extended_panel_holds_history_and_future() -> None:
    panel = extend(to_panel(many(), freq="D"), 1)
    frame = panel.frame(np.zeros((16, 1)))
    pd.testing.assert_series_equal(
        frame["y"].loc[many().index], many()["y"], check_freq=False
    )
    assert (frame["y"].drop(many().index) == 0).all()


def test_arrays_go_on_as_arrays() -> None:
    cube = np.ones((2, 5, 3))
    assert future_rows(to_panel(cube), 4).frame(np.zeros((8, 3))).shape == (2, 4, 3)
    assert extend(to_panel(cube), 4).frame(np.zeros((18, 3))).shape == (2, 9, 3)
    table = np.ones((5, 3), dtype=np.float32)
    answer = future_rows(to_panel(table), 4).frame(np.zeros((4, 3)))
    assert (answer.shape, answer.dtype) == ((4, 3), np.float32)


@pytest.mark.parametrize("zone", [None, "Europe/Vienna"])
def test_polars_goes_on_as_polars(zone: str | None) -> None:
    hours = pd.date_range("2024-03-30", periods=30, freq="h", tz=zone)
    naive = pl.Series("t", hours.tz_localize(None).to_numpy())
    if zone is not None:
        naive = pl.Series("t", hours.tz_convert("UTC").tz_localize(None).to_numpy())
        naive = naive.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    frame = pl.DataFrame({"y": np.arange(30.0), "t": naive})
    future = future_rows(to_panel(frame.head(20)), 10)
    answer = future.frame(np.arange(20.0, 30)[:, None])
    assert answer.equals(frame.tail(10))


def test_kinds_of_floats_are_kept() -> None:
    frame = pd.DataFrame(
        {"a": np.array([1, 2], dtype=np.float32), "b": [1, 2], "c": [True, False]}
    )
    answer = future_rows(to_panel(frame.astype({"c": "Float32"})), 2).frame(
        np.full((2, 3), 0.5)
    )
    assert [str(dtype) for dtype in answer.dtypes] == ["float32", "float64", "Float32"]


# --- the latest rows ------------------------------------------------------------------


def test_the_tail_is_a_panel_of_the_last_rows() -> None:
    panel = tail(to_panel(many(), freq="D"), 3)
    assert np.diff(panel.bounds).tolist() == [3, 3, 1]
    assert panel.elapsed.tolist() == [0, 1, 2, 0, 1, 2, 0]
    expected = np.concatenate([np.sin([2, 3, 4]), np.sin([4, 5, 6]), [0.0]])
    np.testing.assert_array_equal(panel.values[:, 0], expected)
    same_stamps(
        future_rows(panel, 2).stamps, future_rows(to_panel(many(), freq="D"), 2).stamps
    )


# --- there and back -------------------------------------------------------------------


def kinds() -> dict[str, Any]:
    frame = pd.DataFrame({"a": np.arange(8.0), "b": np.arange(8)})
    days = pd.date_range("2024-01-01", periods=8, tz="Europe/Vienna", name="day")
    return {
        "numbers": frame,
        "dates": frame.set_index(days).rename_axis(columns="what"),
        "periods": frame.set_index(pd.period_range("2024-01", periods=8, freq="M")),
        "durations": frame.set_index(pd.timedelta_range("0h", periods=8, freq="h")),
        "fractions": frame.set_index(np.arange(8) / 4),
        "columns": frame.set_axis([3, 7], axis=1).astype({7: "Int64", 3: "Float32"}),
        "series": frame["a"].rename(None),
        "many": pd.concat({3: frame, 5: frame}, names=["unique_id", "ds"]),
        "array": frame.to_numpy(dtype=np.float32),
        "cube": np.ones((2, 5, 3)),
        "polars": pl.DataFrame({"t": list(days.date), "a": np.arange(8.0)}),
        "instants": pl.DataFrame({"t": days.tz_localize(None), "a": np.arange(8.0)}),
        "nameless": pl.Series("", np.arange(8.0)),
    }


@pytest.mark.parametrize("kind", kinds())
def test_a_packed_panel_answers_as_before(kind: str) -> None:
    panel = to_panel(kinds()[kind])
    packed, arrays = pack_panel(panel)
    again = unpack_panel(packed, arrays)
    for name in ("values", "bounds", "elapsed", "calendar"):
        np.testing.assert_array_equal(getattr(again, name), getattr(panel, name))
    for field in ("ids", "channels", "calendar_names", "freq", "step"):
        assert getattr(again, field) == getattr(panel, field)
    alike(answer_of(again), answer_of(panel))


def answer_of(panel: Panel) -> Any:
    future = future_rows(panel, 2)
    return future.frame(np.full(future.values.shape, 0.5))


def alike(got: Any, expected: Any) -> None:
    assert type(got) is type(expected)
    if isinstance(got, pd.DataFrame):
        pd.testing.assert_frame_equal(got, expected)
    elif isinstance(got, pd.Series):
        pd.testing.assert_series_equal(got, expected)
    elif isinstance(got, np.ndarray):
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == expected.dtype
    else:
        assert got.equals(expected)


def test_names_without_a_form_in_json_are_refused() -> None:
    frame = pd.DataFrame({("a", 1): [1.0, 2.0]})
    frame.columns = frame.columns.to_flat_index()
    with pytest.raises(TypeError, match=r"column name \('a', 1\).*text or numbers"):
        pack_panel(to_panel(frame))


@pytest.mark.parametrize("damage", ["values", "bounds", "calendar"])
def test_arrays_that_do_not_fit_together_are_refused(damage: str) -> None:
    packed, arrays = pack_panel(to_panel(kinds()["many"]))
    arrays[damage] = arrays[damage][:-1]
    with pytest.raises(ValueError, match="don't fit together"):
        unpack_panel(packed, arrays)
