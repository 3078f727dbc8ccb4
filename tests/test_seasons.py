"""Periods: found where there are some, and nowhere else."""

import numpy as np
import pandas as pd
import pytest

from tsdiff.panel.frame import to_panel
from tsdiff.panel.seasons import autocorrelation, find_periods


def panel_of(values, missing=0.0, seed=0):
    values = np.asarray(values, dtype=float).reshape(len(values), -1).copy()
    values[np.random.default_rng(seed).random(values.shape) < missing] = np.nan
    return to_panel(values)


def hours(n, weekly=0.0, noise=0.5, seed=0):
    """Days of an hourly series, of which every seventh may be another."""
    t = np.arange(n)
    day = np.sin(2 * np.pi * t / 24) + 0.5 * np.cos(4 * np.pi * t / 24)
    sunday = weekly * ((t // 24) % 7 == 6)
    return day + sunday + noise * np.random.default_rng(seed).normal(size=n)


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_days_are_found_in_hours(missing):
    assert find_periods(panel_of(hours(1500), missing), 200) == (24,)


def test_weeks_are_found_beside_days():
    assert find_periods(panel_of(hours(1500, weekly=1.5)), 200) == (24, 168)


def test_a_period_longer_than_allowed_is_not_found():
    assert find_periods(panel_of(hours(1500, weekly=1.5)), 100) == (24,)
    assert find_periods(panel_of(hours(1500)), 20) == ()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["noise", "walk", "line", "constant"])
def test_no_period_is_found_where_there_is_none(kind, seed):
    noise = np.random.default_rng(seed).normal(size=600)
    made = {
        "noise": noise,
        "walk": noise.cumsum(),
        "line": np.arange(600.0),
        "constant": np.ones(600),
    }
    assert find_periods(panel_of(made[kind]), 150) == ()


def test_level_size_and_other_channels_do_not_matter():
    wave = hours(1500, weekly=1.5)
    both = np.column_stack([1e6 * wave + 1e9, -wave])
    assert find_periods(panel_of(both), 200) == (24, 168)


def test_periods_of_many_short_series_are_found_together():
    parts = {f"s{k}": pd.DataFrame({"y": hours(120, seed=k)}) for k in range(40)}
    panel = to_panel(pd.concat(parts, names=["unique_id", "ds"]))
    assert find_periods(panel, 30) == (24,)


def test_irregular_stamps_have_no_periods():
    stamps = pd.to_datetime(np.sort(np.random.default_rng(0).random(500)), unit="D")
    y = pd.DataFrame({"y": hours(500)}, stamps)
    assert find_periods(to_panel(y), 100) == ()


def test_autocorrelation_is_that_of_numpy():
    values = np.random.default_rng(0).normal(size=50).cumsum()
    curve, _ = autocorrelation(panel_of(values), 10)
    t = np.arange(50)
    rest = values - np.polyval(np.polyfit(t, values, 1), t)
    products = [np.mean(rest[: 50 - k] * rest[k:]) for k in range(10)]
    assert np.allclose(curve, np.array(products) / products[0])
