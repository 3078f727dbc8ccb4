"""Many series and absent stamps: stacked, placed, and answered in order."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tsdiff.panel.frame import Panel, to_panel
from tsdiff.panel.long import from_long, to_long

NAN = np.nan


def complete(panel: Panel) -> Any:
    """Fill with the flat number of each cell, so that a misplaced one is seen."""
    cells = np.arange(panel.values.size, dtype=float).reshape(panel.values.shape)
    return panel.frame(1000 + cells)


def test_three_dimensions_are_series_times_channels() -> None:
    X = np.arange(24, dtype=float).reshape(2, 4, 3)
    X[1, 2, 0] = NAN
    panel = to_panel(X)
    assert panel.ids == (0, 1)
    assert panel.bounds.tolist() == [0, 4, 8]
    assert panel.elapsed.tolist() == [0, 1, 2, 3] * 2
    assert panel.index[6] == (1, 2)
    answer = complete(panel)
    assert answer.shape == X.shape
    assert answer[1, 2, 0] == 1018
    seen = ~np.isnan(X)
    assert (answer[seen] == X[seen]).all()
    assert panel.columns_frame(np.ones((8, 5)), list("abcde")).shape == (2, 4, 5)


def ragged() -> pd.DataFrame:
    """Three series of unequal length, 'b' before 'a', with rows interleaved."""
    days = pd.date_range("2024-01-01", periods=5)
    rows = [("b", 0), ("a", 1), ("b", 1), (7, 0), ("a", 2), ("b", 2), ("a", 3)]
    index = pd.MultiIndex.from_tuples(
        [(key, days[day]) for key, day in rows], names=["unique_id", "ds"]
    )
    values = np.arange(14, dtype=float).reshape(7, 2)
    values[[2, 4], [0, 1]] = NAN
    return pd.DataFrame(values, index, ["x", "y"])


def test_interleaved_series_are_stacked_and_answered_in_the_callers_order() -> None:
    X = ragged()
    panel = to_panel(X, freq="D")
    assert panel.ids == ("b", "a", 7)
    assert panel.bounds.tolist() == [0, 3, 6, 7]
    assert panel.elapsed.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert panel.index.tolist() == [X.index[i] for i in (0, 2, 5, 1, 4, 6, 3)]
    assert panel.stamps.equals(panel.index.get_level_values("ds"))
    answer = complete(panel)
    pd.testing.assert_index_equal(answer.index, X.index)
    pd.testing.assert_frame_equal(answer.where(X.notna()), X)
    assert answer.loc[("b", "2024-01-02"), "x"] == 1002  # row 1 of the panel
    assert answer.loc[("a", "2024-01-03"), "y"] == 1009  # row 4
    bands = panel.columns_frame(panel.values[:, :1], ["x-lo-90"])
    pd.testing.assert_series_equal(bands["x-lo-90"], X["x"], check_names=False)


def test_each_series_of_a_panel_is_read_as_if_alone() -> None:
    X = ragged()
    panel = to_panel(X, freq="D")
    for i, key in enumerate(panel.ids):
        alone = to_panel(X.xs(key, level=0), freq="D")
        rows = slice(panel.bounds[i], panel.bounds[i + 1])
        np.testing.assert_array_equal(panel.values[rows], alone.values)
        np.testing.assert_array_equal(panel.elapsed[rows], alone.elapsed)
        assert panel.stamps[rows].equals(alone.stamps)


def test_absent_stamps_become_rows_in_every_container() -> None:
    full = pd.date_range("2024-01-01", periods=6, freq="D", name="day")
    whole = pd.DataFrame({"a": np.arange(6.0), "b": 1.0}, full).astype({"b": "Float64"})
    X = whole.iloc[[0, 1, 4, 5]]
    with pytest.raises(ValueError, match="2024-01-03 00:00:00, 2024-01-04 00:00:00"):
        to_panel(X, freq="D")
    panel = to_panel(X, freq="D", insert_absent=True)
    answer = complete(panel)
    pd.testing.assert_frame_equal(answer.loc[X.index], X, check_freq=False)
    assert answer.index.equals(full)
    assert answer.dtypes.equals(whole.dtypes)
    assert answer["a"].tolist() == [0, 1, 1004, 1006, 4, 5]
    many = pd.concat({"u": X, "v": X.iloc[:2]}, names=["unique_id"])
    answer = complete(to_panel(many, freq="D", insert_absent=True))
    assert answer.index.names == ["unique_id", "day"]
    assert answer.loc["u"].index.equals(full)
    assert len(answer.loc["v"]) == 2


def test_irregular_stamps_stay_where_they_are() -> None:
    stamps = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-07"])
    panel = to_panel(pd.Series([1.0, NAN, 2.0, NAN], stamps))
    assert panel.freq is None
    assert panel.elapsed.tolist() == [0, 1, 2, 6]
    assert len(complete(panel)) == 4


def test_calendar_features_of_a_fit_are_reused_on_shorter_data() -> None:
    index = pd.date_range("2024-01-01", periods=24 * 10, freq="h", tz="Asia/Kolkata")
    X = pd.DataFrame({"a": np.ones(240)}, index)
    fitted = to_panel(X)
    assert [name.split("-")[0] for name in fitted.calendar_names[::8]] == [
        "day",
        "week",
    ]
    assert fitted.calendar.shape == (240, len(fitted.calendar_names))
    short = to_panel(X.iloc[5:7], calendar=fitted.calendar_names)
    np.testing.assert_array_equal(short.calendar, fitted.calendar[5:7])
    many = to_panel(pd.concat({1: X, 2: X}), calendar=fitted.calendar_names)
    np.testing.assert_array_equal(many.calendar, np.tile(fitted.calendar, (2, 1)))
    with pytest.raises(ValueError, match=r"need dates.*RangeIndex"):
        to_panel(X.reset_index(drop=True), calendar=fitted.calendar_names)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (pd.MultiIndex.from_product([["a"], ["b"], [1, 2, 3]]), "index has 3 levels"),
        (
            pd.MultiIndex.from_arrays([["a", None, "a"], [1, 2, 3]]),
            r"row\(s\) 1 has no",
        ),
        (pd.MultiIndex.from_arrays([["a", "b", "a"], [1, 1, 1]]), "1 of 'a'"),
        (pd.MultiIndex.from_arrays([["a", "b", "a"], [2, 1, 1]]), "not sorted|backw"),
    ],
)
def test_faults_of_the_index_of_many_series(index: pd.Index, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_panel(pd.DataFrame({"y": [1.0, 2.0, 3.0]}, index))


def test_answers_of_the_wrong_shape_are_refused() -> None:
    panel = to_panel(np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"shape \(2, 2\); \(3, 2\) is needed"):
        panel.frame(np.ones((2, 2)))
    with pytest.raises(ValueError, match="one column for each of a, b, c"):
        panel.columns_frame(np.ones((3, 2)), ["a", "b", "c"])


def test_a_panel_survives_pickling() -> None:
    for X in (ragged(), np.ones((3, 2)), pd.Series([1.0, NAN])):
        panel = to_panel(X, freq="D" if isinstance(X, pd.DataFrame) else None)
        again = pickle.loads(pickle.dumps(panel))
        assert again.freq == panel.freq
        assert np.array_equal(complete(again), complete(panel))


def test_long_frames_there_and_back() -> None:
    wide = ragged()
    long = wide.reset_index()
    pd.testing.assert_frame_equal(from_long(long), wide)
    pd.testing.assert_frame_equal(to_long(wide), long)
    renamed = long.rename(columns={"unique_id": "who", "ds": "when"})
    indexed = from_long(renamed, id_col="who", time_col="when")
    back = to_long(indexed, id_col="who", time_col="when")
    pd.testing.assert_frame_equal(back, renamed)
    zoned = pd.date_range("2024", periods=2, tz="Asia/Tokyo")
    single = to_long(pd.Series([1.0, 2.0], zoned))
    assert single.columns.tolist() == ["unique_id", "ds", "y"]
    assert single["ds"].dtype == zoned.dtype
    assert to_panel(from_long(single), freq="D").ids == (0,)


def test_faults_of_long_frames() -> None:
    long = ragged().reset_index()
    with pytest.raises(ValueError, match=r"'id' are not in the frame.*id_col="):
        from_long(long, id_col="id")
    with pytest.raises(TypeError, match="not list"):
        from_long([long])
    with pytest.raises(ValueError, match="'x' is already the name of a channel"):
        to_long(ragged(), id_col="x")
    three = pd.concat({"region": ragged()})
    with pytest.raises(ValueError, match="index has 3 levels"):
        to_long(three)
