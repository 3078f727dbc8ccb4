"""Odd time labels, answered on their own grid; numbers as in test_bad_input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import HOURS, N, answers, frame, tiny

from tsdiff import DiffusionImputer


@pytest.fixture(scope="module")
def fitted() -> DiffusionImputer:
    return tiny().fit(frame())


def test_40_a_grid_with_absent_stamps_needs_a_word() -> None:
    X = frame().drop(HOURS[[20, 40]])
    with pytest.raises(ValueError, match=r"2 stamp\(s\) of freq='h' are absent: 20"):
        tiny(freq="h").fit(X)
    grown = tiny(freq="h", insert_absent=True).fit_transform(X)
    assert grown.index.equals(HOURS)
    assert grown.notna().to_numpy().all()
    answers(tiny().fit(X), X)  # without freq they are irregular stamps


def test_40_absent_stamps_at_transform_need_the_same_word(
    fitted: DiffusionImputer,
) -> None:
    X = frame().drop(HOURS[[20, 40]])
    with pytest.raises(ValueError, match=r"are absent.*insert_absent=True") as caught:
        fitted.transform(X)
    assert "of the fit are labelled by dates, freq='h'" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("freq", "message"),
    [
        ("D", r"freq='D' contradicts the index.*follow freq='h'"),
        ("7min", r"contradicts the index|stamp\(s\) of freq='7min' are absent"),
        ("nonsense", "freq='nonsense' is no frequency of pandas"),
        ("-1h", "steps run forward"),
        (1, "freq=1"),
    ],
)
def test_41_a_frequency_that_contradicts_the_index(freq: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tiny(freq=freq).fit(frame())


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.filterwarnings("ignore:Only", "ignore:window")
def test_42_too_few_rows_to_tell_the_frequency(
    n: int, fitted: DiffusionImputer
) -> None:
    X = frame(pd.DatetimeIndex(HOURS.to_numpy())).iloc[29 : 29 + n]
    with pytest.raises(ValueError, match=r"three are needed. Give it, e.g. freq='h'"):
        tiny().fit(X)
    tiny(freq="h").fit(X)
    answers(fitted, X)  # the frequency is known from the fit


@pytest.mark.parametrize("start", ["2024-03-30 12:00", "2024-10-26 12:00"])
@pytest.mark.parametrize("freq", ["h", "D", "30min"])
def test_43_clock_changes_are_part_of_the_grid(start: str, freq: str) -> None:
    index = pd.date_range(start, periods=N, freq=freq, tz="Europe/Vienna")
    X = frame(index)
    filled = answers(tiny().fit(X), X)
    pd.testing.assert_index_equal(filled.index, index, exact=True)
    assert filled.index.freq == index.freq


@pytest.mark.parametrize(
    ("tz", "later", "message"),
    [
        (None, "UTC", r"time zone aware \(UTC\), those of the fit were naive"),
        ("Asia/Tokyo", None, r"naive \(None\), those of the fit were aware \(Asia/Tok"),
    ],
)
def test_46_aware_and_naive_stamps_do_not_follow_each_other(
    tz: str | None, later: str | None, message: str
) -> None:
    imputer = tiny().fit(frame(HOURS.tz_localize(tz)))
    with pytest.raises(ValueError, match=message):
        imputer.transform(frame(HOURS.tz_localize(later)))


@pytest.mark.parametrize("freq", ["h", "D"])
def test_46_the_same_instants_in_another_zone_have_the_same_answers(freq: str) -> None:
    index = pd.date_range("2024-03-20", periods=N, freq=freq, tz="Europe/Vienna")
    imputer = tiny().fit(frame(index))
    expected = imputer.transform(frame(index))
    moved = imputer.transform(frame(index.tz_convert("America/Lima")))
    assert str(moved.index.tz) == "America/Lima"
    np.testing.assert_array_equal(moved, expected)
    inserting = imputer.set_params(insert_absent=True)
    short = frame(index.tz_convert("UTC")).drop(index[[40]])
    grown = inserting.transform(short)
    assert grown.index.equals(index.tz_convert("UTC"))


INDEXES: dict[str, pd.Index] = {
    "47-periods": pd.period_range("2024-01", periods=N, freq="M", name="t"),
    "47-rows": pd.RangeIndex(N, name="t"),
    "47-numbers": pd.Index(np.arange(N) * 3 - 7, name="t"),
    "47-fractions": pd.Index(np.arange(N) * 0.1, name="t"),
    "47-durations": pd.timedelta_range("0h", periods=N, freq="15min", name="t"),
    "49-month-ends": pd.date_range("2023-12-31", periods=N, freq="ME", name="t"),
    "49-business-days": pd.date_range("2024-02-26", periods=N, freq="B", name="t"),
    "49-holidays": pd.date_range(
        "2024-02-26",
        periods=N,
        freq=pd.offsets.CustomBusinessDay(holidays=["2024-03-01"]),
    ),
    "49-leap-day": pd.date_range("2024-02-20", periods=N, freq="D", name="t"),
    "49-year-1": pd.date_range("0001-01-01", periods=N, freq="D", unit="s"),
    "49-year-2500": pd.date_range("2500-01-01", periods=N, freq="YE", unit="s"),
}


@pytest.mark.parametrize("name", INDEXES)
def test_47_49_every_kind_of_time(name: str) -> None:
    X = frame(INDEXES[name])
    imputer = tiny().fit(X)
    filled = answers(imputer, X)
    pd.testing.assert_index_equal(filled.index, X.index, exact=True)
    part = X.iloc[25:45]
    pd.testing.assert_index_equal(answers(imputer, part).index, part.index)


def test_49_holidays_must_be_known_again() -> None:
    X = frame(INDEXES["49-holidays"])
    bare = X.set_axis(pd.DatetimeIndex(X.index.to_numpy()), axis=0)
    with pytest.raises(
        ValueError, match="freq=None, those of the fit had 'C' with holi"
    ):
        tiny().fit(X).transform(bare)
    answers(tiny(freq=X.index.freq).fit(X), bare)


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_48_units_of_stamps_make_no_difference(
    unit: str, fitted: DiffusionImputer
) -> None:
    X = frame(HOURS.as_unit(unit))
    filled = fitted.transform(X)
    assert filled.index.unit == unit
    np.testing.assert_array_equal(filled, fitted.transform(frame(HOURS.as_unit("ns"))))


@pytest.mark.parametrize("shift", [-30, 0, 30, 5000])
def test_50_51_rows_before_within_or_after_those_of_the_fit(
    shift: int, fitted: DiffusionImputer
) -> None:
    X = frame(HOURS + pd.Timedelta(shift, "h"))
    pd.testing.assert_index_equal(answers(fitted, X).index, X.index)


def test_53_a_window_longer_than_the_series_shrinks_with_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"window=100 is longer.*shrinks to 60 row"):
        imputer = tiny(window=100).fit(frame())
    assert imputer.model_.n_steps == N
    answers(imputer, frame())
    answers(imputer, frame().iloc[:40])
