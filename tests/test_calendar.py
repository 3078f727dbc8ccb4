"""Calendar features: the right wave on the local clock, and only useful ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsdiff.panel.calendar import calendar_features, choose_calendar


def test_calendar_waves_have_their_period_on_the_local_clock() -> None:
    names = ("day-sin-1", "day-cos-3", "week-sin-2", "year-cos-1")
    naive = pd.date_range("2023-03-01", periods=24 * 40, freq="h")
    local = pd.DatetimeIndex(naive.delete(26)).tz_localize(
        "Europe/Berlin", nonexistent="shift_forward", ambiguous=True
    )
    local = local[~local.duplicated()]
    features = calendar_features(local, names)
    assert features.dtype == np.float32
    hour, weekday = local.hour.to_numpy(), local.day_of_week.to_numpy()
    year = (local.day_of_year.to_numpy() - 1 + hour / 24) / 365
    expected = [
        np.sin(2 * np.pi * hour / 24),
        np.cos(6 * np.pi * hour / 24),
        np.sin(4 * np.pi * weekday / 7),
        np.cos(2 * np.pi * year),
    ]
    np.testing.assert_allclose(features, np.transpose(expected), atol=1e-6)


def test_calendar_of_periods_is_that_of_their_start() -> None:
    periods = pd.period_range("2023-02-01", periods=900, freq="h")
    bounds = np.array([0, 900])
    names = choose_calendar(periods, bounds)
    assert names == choose_calendar(periods.to_timestamp(), bounds)
    np.testing.assert_array_equal(
        calendar_features(periods, names),
        calendar_features(periods.to_timestamp(), names),
    )
    assert calendar_features(pd.period_range("0001", periods=3, freq="M"), names).any()


@pytest.mark.parametrize(
    ("freq", "periods", "cycles"),
    [
        ("5min", 288, {"day": 8}),
        ("5min", 287, {}),
        ("h", 24 * 7, {"day": 8, "week": 6}),
        ("6h", 28, {"day": 4, "week": 6}),
        ("h", 24 * 366, {"day": 8, "week": 6, "year": 4}),
        ("D", 400, {"week": 6, "year": 4}),
        ("B", 400, {"week": 6, "year": 4}),
        ("W", 104, {"year": 4}),
        ("ME", 24, {"year": 4}),
        ("QE", 8, {"year": 4}),
        ("YE", 30, {}),
    ],
)
def test_calendar_has_what_the_step_resolves_and_the_data_cover(
    freq: str, periods: int, cycles: dict[str, int]
) -> None:
    stamps = pd.date_range("2021-01-01", periods=periods, freq=freq)
    names = choose_calendar(stamps, np.array([0, periods]))
    found = pd.Series([name.split("-")[0] for name in names], dtype=object)
    assert found.value_counts().to_dict() == cycles
    features = calendar_features(stamps, names)
    assert len(names) == 0 or np.ptp(features, axis=0).max() > 0.9


def test_unknown_calendar_features_are_refused() -> None:
    with pytest.raises(ValueError, match="read like 'day-sin-1'"):
        calendar_features(pd.DatetimeIndex(["2024"]), ["moon-sin-1"])
