"""Brownian baselines: bridges and walks in closed form, their rate learned."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from tsdiff import datasets
from tsdiff.baselines import LastValue, LinearInterpolation

WALKS = [LinearInterpolation, LastValue]
Z90 = ndtri(0.95)


def walk(n_rows, rate=1.0, seed=0):
    rng = np.random.default_rng(seed)
    stamps = pd.date_range("2024-01-01", periods=n_rows, freq="h", name="time")
    steps = np.sqrt(rate) * rng.standard_normal(n_rows)
    return pd.Series(steps.cumsum(), index=stamps, name="y")


def with_gap(y, *gaps):
    y = y.copy()
    for gap in gaps:
        y.iloc[gap] = np.nan
    return y


def law(model, X):
    """Mean and standard deviation of all cells, by the public methods."""
    ends = np.asarray(model.predict_interval(X, 0.9), dtype=float)
    filled = np.asarray(model.transform(X), dtype=float).reshape(len(ends), -1)
    return filled, (ends[:, 1::2] - ends[:, ::2]) / (2 * Z90)


def check_covariance(samples, expected):
    """Each entry within five standard errors of a normal sample's covariance."""
    found = np.cov(samples.T)
    scale = np.outer(np.diag(expected), np.diag(expected))
    error = np.sqrt((scale + expected**2) / len(samples))
    assert (np.abs(found - expected) < 5 * error).all()


def test_interpolation_is_a_bridge_at_every_distance():
    y = with_gap(walk(400), slice(100, 140))
    model = LinearInterpolation().fit(y)
    mean, sd = law(model, y)
    rows = np.arange(100, 140)
    line = np.interp(rows, [99, 140], [y.iloc[99], y.iloc[140]])
    np.testing.assert_allclose(mean[rows, 0], line, rtol=1e-12)
    variance = model.rate_[0] * (rows - 99) * (140 - rows) / 41
    np.testing.assert_allclose(sd[rows, 0] ** 2, variance, rtol=1e-9)
    assert (sd[~y.isna()] == 0).all()


def test_last_value_spreads_in_proportion_to_the_distance():
    y = with_gap(walk(400), slice(0, 5), slice(100, 140), slice(395, 400))
    model = LastValue().fit(y)
    mean, sd = law(model, y)
    distance = np.r_[5:0:-1, 1:41, 1:6]
    hole = y.isna()
    known = np.repeat(y.iloc[[5, 99, 394]].to_numpy(), [5, 40, 5])
    np.testing.assert_array_equal(mean[hole, 0], known)
    np.testing.assert_allclose(sd[hole, 0] ** 2, model.rate_[0] * distance, rtol=1e-9)


@pytest.mark.parametrize("irregular", [False, True])
@pytest.mark.parametrize("baseline", WALKS)
def test_draws_have_the_covariance_of_the_conditioned_walk(baseline, irregular):
    y = with_gap(walk(60), slice(0, 3), slice(20, 26), slice(27, 30), slice(57, 60))
    if irregular:
        minutes = np.random.default_rng(1).integers(20, 200, 60).cumsum()
        y.index = pd.Timestamp("2024-01-01") + pd.to_timedelta(minutes, unit="min")
    model = baseline(random_state=0).fit(y)
    draws = model.sample(y, 20_000)
    # The unconditional walk through all rows, conditioned on the observed ones.
    time = np.asarray((y.index - y.index[0]) / pd.Timedelta(1, "min"), dtype=float)
    time /= np.median(np.diff(time))
    hole = np.flatnonzero(y.isna())
    kernel = model.rate_[0] * np.minimum(time[:, None], time) + 1e6
    if baseline is LinearInterpolation:
        seen = np.flatnonzero(y.notna())
        across = kernel[np.ix_(seen, hole)]
        gain = np.linalg.solve(kernel[np.ix_(seen, seen)], across)
        expected = kernel[np.ix_(hole, hole)] - gain.T @ across
    else:  # each gap hangs on one value alone
        tie = np.array([3, 19, 26, 56]).repeat([3, 6, 3, 3])
        away = np.abs(time[hole] - time[tie])
        same = tie[:, None] == tie
        expected = model.rate_[0] * np.minimum(away[:, None], away) * same
    np.testing.assert_allclose(law(model, y)[1][hole, 0] ** 2, np.diag(expected), 1e-4)
    check_covariance(draws.samples, expected)
    error = draws.samples.mean(0) - law(model, y)[0][hole, 0]
    assert (np.abs(error) < 5 * np.sqrt(np.diag(expected) / 20_000)).all()


@pytest.mark.parametrize("baseline", WALKS)
def test_rate_of_a_walk_is_found(baseline):
    gappy, _ = datasets.make_gaps(walk(40_000, rate=2.5), "blocks", length=6)
    assert baseline().fit(gappy).rate_[0] == pytest.approx(2.5, rel=0.05)
    assert baseline().fit(walk(40_000, rate=2.5)).rate_[0] == pytest.approx(
        2.5, rel=0.05
    )


def test_spread_is_learned_at_the_distances_of_the_gaps():
    ramp = np.repeat([np.arange(200.0)], 2, axis=0)[:, :, None]
    ramp[0, 184:] = np.nan  # distances 1 to 16 at an end and, backwards, at a start
    ramp[1, :16] = np.nan
    # An error of d after d steps counts d; of 1 ... 16, eight stand for all: 1, 3 ...
    assert LastValue().fit(ramp).rate_[0] == pytest.approx(8.0)
    assert LinearInterpolation().fit(ramp).rate_[0] == pytest.approx(0.0, abs=1e-20)


@pytest.mark.parametrize("baseline", WALKS)
def test_real_time_counts_whatever_the_median_step(baseline):
    rng = np.random.default_rng(0)
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(
        rng.integers(1, 100, 200).cumsum(), unit="min"
    )
    y = pd.Series(rng.standard_normal(200).cumsum(), index=stamps, name="y")
    model = baseline().fit(y)
    y.iloc[50:60] = np.nan
    thinned = y.drop(y.index[65::2])  # another median step
    _, sd = law(model, y)
    _, other = law(model, thinned)
    np.testing.assert_allclose(other[50:60], sd[50:60], rtol=1e-9)


def test_two_values_show_a_rate_and_one_does_not():
    panel = np.full((2, 6, 1), np.nan)
    panel[:, [1, 3], 0] = [[0.0, 4.0], [0.0, 4.0]]
    assert LinearInterpolation().fit(panel).rate_[0] == pytest.approx(8.0)  # 16 / 2
    panel[:, 3] = np.nan
    with pytest.warns(UserWarning, match="'x0' have a single value in each series"):
        model = LinearInterpolation().fit(panel)
    assert model.rate_[0] == 0
