"""Faults 37 to 52 of the list in docs/faults.md: the time index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from faults import Case, H
from small import HOURS, N, frame

from tsdiff import DiffusionForecaster


def with_stamps(stamps: Any) -> pd.DataFrame:
    return frame().set_axis(pd.Index(stamps, name="time"), axis=0)


def follows(case: Case, answer: pd.DataFrame, index: pd.Index) -> None:
    """An imputer's answer has the index of the data, a forecaster's what follows."""
    if case.fills:
        assert answer.index.equals(index)
        assert (answer.index.dtype, answer.index.name) == (index.dtype, index.name)
    else:
        assert answer.index.dtype == index.dtype
        assert len(answer) == H
        assert answer.index[0] > index[-1]


def test_fault_37_duplicate_timestamps(case: Case) -> None:
    """An error lists up to five of them, and how many more there are."""
    message = r"more than once: 2024-03-04 00.*, 2024-03-04 04:00:00 and 25 more"
    case.refuses(with_stamps(HOURS.repeat(2)[:N]), ValueError, message)


def test_fault_38_unsorted_or_reversed(case: Case) -> None:
    """An error names the first row out of order, or that time runs backwards."""
    order = [*range(5), 6, 5, *range(7, N)]
    message = r"not sorted.*2024-03-04 05.*sort_index"
    case.refuses(frame().iloc[order], ValueError, message)
    case.refuses(frame().iloc[::-1], ValueError, r"runs backwards.*\[::-1\]")


def test_fault_39_rows_without_a_stamp(case: Case) -> None:
    """An error names the rows whose stamp is NaT."""
    X = with_stamps(HOURS.where(np.arange(N) != 4))
    case.refuses(X, ValueError, r"no stamp \(NaT\) at row\(s\) 4")


def test_fault_40_irregular_steps(case: Case) -> None:
    """Absent stamps are an error that tells of insert_absent, which makes the rows."""
    X = frame().drop(HOURS[[20, 40]])
    with pytest.raises(ValueError, match=r"2 stamp\(s\) of freq='h' are absent: 20"):
        case.new(freq="h").fit(X)
    with pytest.raises(ValueError, match=r"are absent.*insert_absent=True") as caught:
        case.point(case.fitted, X)
    assert "of the fit are labelled by dates, freq='h'" in caught.value.__notes__[0]
    grown = case.point(case.new(freq="h", insert_absent=True).fit(X), X)
    if case.fills:
        follows(case, grown, HOURS)
        case.learns(X)  # without freq they are irregular stamps
    else:
        with pytest.raises(ValueError, match=r"no regular step.*Give freq="):
            case.new().fit(X)


@pytest.mark.parametrize(
    ("freq", "message"),
    [
        ("D", r"freq='D' contradicts the index.*follow freq='h'"),
        ("7min", r"contradicts the index|stamp\(s\) of freq='7min' are absent"),
        pytest.param(
            *("nonsense", "freq='nonsense' is no frequency of pandas"),
            # pandas 2 warns of the case of what it does not know, before it raises
            marks=pytest.mark.filterwarnings("ignore:'nonsense' is deprecated"),
        ),
        ("-1h", "steps run forward"),
        (1, "freq=1"),
    ],
)
def test_fault_41_a_frequency_that_contradicts(
    freq: Any, message: str, case: Case
) -> None:
    """An error says what the index follows."""
    with pytest.raises(ValueError, match=message):
        case.new(freq=freq).fit(frame())


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.filterwarnings("ignore:Only", "ignore:window")
def test_fault_42_too_few_rows_for_a_frequency(n: int, case: Case) -> None:
    """An error asks for freq; a fitted model knows it already."""
    X = frame(pd.DatetimeIndex(HOURS.to_numpy())).iloc[28 : 28 + n]
    with pytest.raises(ValueError, match=r"three are needed. Give it, e.g. freq='h'"):
        case.new().fit(X)
    case.new(freq="h").fit(X)
    case.answer(case.fitted, X)


@pytest.mark.parametrize("start", ["2024-03-30 12:00", "2024-10-26 12:00"])
@pytest.mark.parametrize("freq", ["h", "D"])
def test_fault_43_clock_changes(start: str, freq: str, case: Case) -> None:
    """Days of 23 and 25 hours are part of the grid."""
    index = pd.date_range(start, periods=N + H, freq=freq, tz="Europe/Vienna")
    answer = case.learns(frame(index[:N]))
    expected = index[:N] if case.fills else index[N:]
    assert answer.index.equals(expected)
    assert not case.fills or answer.index.freq == index.freq


def test_fault_44_local_times_without_a_zone(case: Case) -> None:
    """The hour that comes twice is an error with advice on time zones."""
    local = pd.date_range("2024-10-26", periods=N, freq="h", tz="Europe/Vienna")
    X = with_stamps(local.tz_localize(None).to_numpy())
    message = r"more than once: 2024-10-27 02.*tz_localize\(zone, ambiguous='infer'\)"
    case.refuses(X, ValueError, message)


def test_fault_45_mixed_time_zones(case: Case) -> None:
    """Several zones, or stamps with and without one, are an error."""
    utc, late = HOURS[:30].tz_localize("UTC"), HOURS[30:]
    mixed = with_stamps([*utc, *late.tz_localize("Asia/Tokyo")])
    case.refuses(mixed, TypeError, r"mixed time zones")
    case.refuses(with_stamps([*utc, *late]), TypeError, r"aware and naive")


def test_fault_46_another_zone_than_in_fit(case: Case) -> None:
    """The same instants have the same answers; with against without is an error."""
    with pytest.raises(ValueError, match=r"time zone aware \(UTC\), those of the fit"):
        case.point(case.fitted, frame(HOURS.tz_localize("UTC")))
    index = pd.date_range("2024-03-20", periods=N, freq="D", tz="Europe/Vienna")
    model = case.new().fit(frame(index))
    with pytest.raises(ValueError, match=r"naive \(None\), those of the fit were awa"):
        case.point(model, frame(index.tz_localize(None)))
    expected = case.point(model, frame(index))
    moved = case.point(model, frame(index.tz_convert("America/Lima")))
    assert str(moved.index.tz) == "America/Lima"
    np.testing.assert_array_equal(moved, expected)
    if case.fills:
        model.set_params(insert_absent=True)
        short = frame(index.tz_convert("UTC")).drop(index[[40]])
        assert model.transform(short).index.equals(index.tz_convert("UTC"))


KINDS: dict[str, pd.Index] = {
    "periods": pd.period_range("2024-01", periods=N, freq="M", name="t"),
    "rows": pd.RangeIndex(N, name="t"),
    "numbers": pd.Index(np.arange(N) * 3 - 7, name="t"),
    "durations": pd.timedelta_range("0h", periods=N, freq="15min", name="t"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_fault_47_other_kinds_of_time(kind: str, case: Case) -> None:
    """Periods, row numbers, whole numbers and durations keep their kind."""
    X = frame(KINDS[kind])
    model = case.new().fit(X)
    follows(case, case.answer(model, X), X.index)
    follows(case, case.answer(model, X.iloc[25:45]), X.index[25:45])


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_fault_48_units_of_stamps(unit: str, case: Case) -> None:
    """They make no difference, and are kept."""
    answer = case.point(case.fitted, frame(HOURS.as_unit(unit)))
    assert answer.index.unit == unit
    expected = case.point(case.fitted, frame(HOURS.as_unit("ns")))
    np.testing.assert_array_equal(answer, expected)


HOLIDAYS = pd.offsets.CustomBusinessDay(holidays=["2024-03-01"])
CALENDARS: dict[str, pd.Index] = {
    "month ends": pd.date_range("2023-12-31", periods=N, freq="ME", name="t"),
    "business days": pd.date_range("2024-02-26", periods=N, freq="B", name="t"),
    "holidays": pd.date_range("2024-02-26", periods=N, freq=HOLIDAYS, name="t"),
    "leap day": pd.date_range("2024-02-20", periods=N, freq="D", name="t"),
    "year 1": pd.date_range("0001-01-01", periods=N, freq="D", unit="s", name="t"),
    "year 2500": pd.date_range("2500-01-01", periods=N, freq="YE", unit="s", name="t"),
}


@pytest.mark.parametrize("kind", CALENDARS)
def test_fault_49_odd_calendars(kind: str, case: Case) -> None:
    """They are followed; holidays must be known again, by the index or by freq."""
    X = frame(CALENDARS[kind])
    model = case.new().fit(X)
    follows(case, case.answer(model, X), X.index)
    if kind == "holidays":
        bare = X.set_axis(pd.DatetimeIndex(X.index.to_numpy()), axis=0)
        with pytest.raises(ValueError, match="freq=None, those of the fit had 'C' wit"):
            case.point(model, bare)


def test_fault_50_rows_that_do_not_follow_the_fit(case: Case) -> None:
    """They stand alone, wherever they lie."""
    X = frame(HOURS + pd.Timedelta(5000, "h"))
    follows(case, case.answer(case.fitted, X), X.index)


@pytest.mark.parametrize("shift", [-30, 0, 30])
def test_fault_51_rows_before_or_within_the_fit(shift: int, case: Case) -> None:
    """The answer follows the rows that are given."""
    X = frame(HOURS + pd.Timedelta(shift, "h"))
    follows(case, case.answer(case.fitted, X), X.index)


def test_fault_52_covariates_that_do_not_fit() -> None:
    """Rows, stamps and columns of X that are absent, extra or infinite are named."""
    index = pd.date_range("2024-01-01", periods=N + H, name="day")
    y, X = frame(index[:N]), pd.DataFrame({"price": np.arange(N + H) % 7.0}, index)
    sizes = {"max_epochs": 1, "window": 16, "width": 8, "depth": 1, "random_state": 0}
    model = DiffusionForecaster(horizon=H, **sizes).fit(y, X)
    ahead = X.iloc[N:]
    with pytest.raises(ValueError, match=r"X lacks 1 stamp\(s\) .*: 2024-03-03.*'pri"):
        model.predict(X=ahead.iloc[:-1])
    with pytest.raises(ValueError, match=r"X lacks column\(s\) 'price' of the fit"):
        model.predict(X=ahead.rename(columns={"price": "cost"}))
    with pytest.raises(ValueError, match=r"column\(s\) 'wind' that the fit had not"):
        model.predict(X=ahead.assign(wind=1.0))
    with pytest.raises(ValueError, match=r"X have time zone UTC, those of y None"):
        model.predict(X=ahead.tz_localize("UTC"))
    with pytest.raises(ValueError, match=r"infinity.*'price', row 2024-03-02"):
        model.predict(X=ahead.assign(price=[1.0, np.inf, 1.0]))
    gone = model.predict(X=ahead.assign(price=np.nan))  # a value may be unknown
    assert np.isfinite(gone).all(axis=None)
    with pytest.raises(ValueError, match=r"X lacks 1 stamp\(s\) of y: 2024-01-06"):
        DiffusionForecaster(horizon=H, **sizes).fit(y, X.drop(index[5]))
