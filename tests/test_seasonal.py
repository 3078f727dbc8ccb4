"""Seasonal naive: the value a season before, its spread, and how seasons are found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri
from scipy.stats import binom

from tsdiff.baselines import SeasonalNaive
from tsdiff.baselines.seasons import frequency_cycle, season_lengths
from tsdiff.panel.frame import to_panel

NAN = np.nan


def seasonal_walk(n_rows, period, n_series=1, seed=0):
    """Each phase walks by itself from season to season, in steps of variance 1."""
    rng = np.random.default_rng(seed)
    n_seasons = -(-n_rows // period)
    steps = rng.standard_normal((n_series, n_seasons, period))
    steps[:, 0] *= 5
    return steps.cumsum(axis=1).reshape(n_series, -1)[:, :n_rows]


def law(model, h, y=None):
    """Mean and standard deviation of the future."""
    levels = [0.5, 0.5 + 0.45]
    mean, high = np.moveaxis(
        np.asarray(model.predict_quantiles(h, y, alpha=levels)).reshape(-1, 2), 1, 0
    )
    return mean, (high - mean) / ndtri(0.95)


# --- the length of a season -----------------------------------------------------------


@pytest.mark.parametrize(
    ("freq", "cycle"),
    [
        ("h", 24),
        ("2h", 12),
        ("30min", 48),
        ("15min", 96),
        ("5min", 288),
        ("min", 1440),
        ("10s", 360),
        ("7min", None),
        ("D", 7),
        ("2D", None),
        ("B", 5),
        ("W-SUN", 52),
        ("ME", 12),
        ("MS", 12),
        ("3ME", 4),
        ("QE-DEC", 4),
        ("QS-JAN", 4),
        ("YE-DEC", 1),
    ],
)
def test_frequencies_have_their_usual_cycle(freq, cycle):
    assert frequency_cycle(freq) == cycle
    if cycle is not None:
        y = pd.Series(0.0, pd.date_range("2024-01-01", periods=9, freq=freq))
        assert season_lengths(to_panel(y), None) == (cycle,)


@pytest.mark.parametrize("period", [2, 7, 13, 24])
@pytest.mark.parametrize("shape", ["wave", "pulse", "trend"])
def test_numbered_rows_show_their_season(period, shape):
    rng = np.random.default_rng(period)
    t = np.arange(12 * period + 5)
    y = np.where(t % period == 0, 3.0, 0.0)
    y = y if shape == "pulse" else 2 * np.cos(2 * np.pi * t / period)
    y = y + 0.3 * rng.standard_normal(len(t)) + (t / 5 if shape == "trend" else 0)
    y[10:13] = NAN
    assert season_lengths(to_panel(y[:, None]), None) == (period,)


def test_what_has_no_season_gets_none():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((400, 30))
    lengths = season_lengths(to_panel(noise), None)
    assert lengths.count(1) >= 29
    lengths = season_lengths(to_panel(noise.cumsum(axis=0)), None)
    assert lengths.count(1) >= 24  # some walks look like waves
    few = to_panel(np.arange(5.0)[:, None])
    assert season_lengths(few, None) == season_lengths(few, 1) == (1,)
    flat = to_panel(np.full((50, 1), 3.0))
    assert season_lengths(flat, None) == (1,)


def test_many_series_find_their_season_together():
    t = np.arange(60)
    waves = np.sin(2 * np.pi * (t + np.arange(20)[:, None]) / 12)
    noise = 0.8 * np.random.default_rng(1).standard_normal((20, 60))
    panels = (waves + noise)[:, :, None]
    assert season_lengths(to_panel(panels), None) == (12,)
    alone = [season_lengths(to_panel(one), None) for one in panels]
    assert alone.count((12,)) < 10


# --- the rule -------------------------------------------------------------------------


def by_hand(y, period, row):
    """Nearest value of the phase before, else after; and how many seasons away."""
    phase = [r for r in range(len(y)) if r % period == row % period]
    seen = [r for r in phase if not np.isnan(y[r])]
    before = [r for r in seen if r < row]
    source = before[-1] if before else min(r for r in seen if r > row)
    return y[source], abs(row - source) / period


@pytest.mark.parametrize("period", [1, 3, 7])
def test_gaps_and_future_follow_the_rule(period):
    rng = np.random.default_rng(period)
    y = rng.standard_normal(60)
    y[:2] = y[20:25] = y[27] = y[41:50] = NAN
    model = SeasonalNaive(period=period).fit(y[:, None])
    mean, sd = law(model, 20)
    longer = np.append(y, np.full(20, NAN))
    expected = [by_hand(longer, period, row) for row in range(60, 80)]
    np.testing.assert_array_equal(mean, [value for value, _ in expected])
    far = np.array([seasons for _, seasons in expected])
    rate, noise = np.polyfit(far, sd**2, 1)  # variance is linear in the seasons
    np.testing.assert_allclose(sd**2, noise + rate * far, rtol=1e-6)
    assert min(rate, noise) > -1e-9

    filler = model.as_imputer()
    hole = np.flatnonzero(np.isnan(y))
    expected = [by_hand(y, period, row) for row in hole]
    filled = filler.transform(y[:, None])[hole, 0]
    np.testing.assert_array_equal(filled, [value for value, _ in expected])
    high = filler.predict_quantiles(y[:, None], 0.95)[hole, 0]
    seasons = np.array([seasons for _, seasons in expected])
    expected = ndtri(0.95) * np.sqrt(noise + rate * seasons)
    np.testing.assert_allclose(high - filled, expected, rtol=1e-6)


@pytest.mark.parametrize(("noise", "step"), [(1.0, 0.0), (0.0, 1.0), (2.0, 0.5)])
def test_spread_is_that_of_errors_at_the_same_distance(noise, step):
    """Of a walk from season to season with noise about it: 2 noise^2 + k step^2."""
    rng = np.random.default_rng(0)
    walks = step * rng.standard_normal((40, 50, 7)).cumsum(axis=1)
    y = (walks + noise * rng.standard_normal(walks.shape)).reshape(40, -1, 1)
    model = SeasonalNaive(period=7).fit(y)
    sd = law(model, 56)[1].reshape(40, 8, 7)
    expected = 2 * noise**2 + step**2 * np.arange(1, 9)
    np.testing.assert_allclose((sd**2).mean(axis=(0, 2)), expected, rtol=0.2)


def test_few_errors_far_out_do_not_widen_all_intervals():
    rng = np.random.default_rng(1)
    y = rng.standard_t(3, (300, 210))
    ends = (
        SeasonalNaive(period=7).fit(y[:, :196, None]).predict_interval(14, coverage=0.8)
    )
    inside = ((ends[..., 0] <= y[:, 196:]) & (y[:, 196:] <= ends[..., 1])).mean()
    assert 0.77 < inside < 0.83  # a normal law of the errors' variance holds 0.89


def test_the_spread_of_the_fit_counts_as_four_errors():
    y = np.array([0.0, 10, 1, 12, 3, 14, 4, 13])[:, None]
    model = SeasonalNaive(period=2).fit(y)
    many = np.tile(y, (40, 1)) + np.random.default_rng(0).standard_normal((320, 1))
    fresh = SeasonalNaive(period=2).fit(many)
    assert law(model, 1, many)[1] == pytest.approx(law(fresh, 1)[1], rel=0.02)
    assert law(fresh, 1, y)[1] != pytest.approx(law(model, 1)[1], rel=0.2)


def test_a_phase_never_seen_takes_the_nearest_value_and_a_wide_spread():
    y = np.arange(6.0)[:, None]
    mean, sd = law(SeasonalNaive(period=10).fit(y), 12)
    np.testing.assert_array_equal(mean, [5, 5, 5, 5, 0, 1, 2, 3, 4, 5, 5, 5])
    np.testing.assert_allclose(sd**2, 2 * y.var())


def test_paths_are_joint_seasonal_walks():
    y = seasonal_walk(200, 4)[0][:, None]
    model = SeasonalNaive(period=4, random_state=0).fit(y)
    rows = np.arange(10)
    seasons, phase = 1 + rows // 4, rows % 4
    first, second = law(model, 5)[1][[0, 4]] ** 2
    rate = second - first
    low, apart = np.minimum(seasons[:, None], seasons), seasons[:, None] != seasons
    expected = rate * low + (first - rate) * np.where(apart, 0.5, 1)
    expected = expected * (phase[:, None] == phase)
    draws = model.sample(10, n_samples=20_000).samples
    check_covariance(draws, expected)
    error = draws.mean(0) - law(model, 10)[0]
    assert (np.abs(error) < 5 * np.sqrt(np.diag(expected) / 20_000)).all()


def check_covariance(samples, expected):
    """Each entry within five standard errors of a normal sample's covariance."""
    found = np.cov(samples.T)
    scale = np.outer(np.diag(expected), np.diag(expected))
    error = np.sqrt((scale + expected**2) / len(samples))
    assert (np.abs(found - expected) < 5 * error).all()


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_intervals_cover_what_they_say(share):
    n_series, h = 800, 14
    walks = seasonal_walk(7 * 40, 7, n_series, seed=2)
    history, truth = walks[:, :-h, None], walks[:, -h:]
    ends = SeasonalNaive(period=7).fit(history).predict_interval(h, coverage=share)
    inside = (ends[..., 0] <= truth) & (truth <= ends[..., 1])
    lowest, highest = binom.ppf([1e-5, 1 - 1e-5], n_series, share)
    hits = inside.sum(axis=0)  # of each step; series are independent
    assert (hits >= lowest).all()
    assert (hits <= highest).all()


def test_units_and_origin_do_not_matter():
    y = seasonal_walk(100, 5)[0]
    y[[3, 17, 60]] = NAN
    model = SeasonalNaive(period=5, random_state=0)
    mine = model.fit(y[:, None]).sample(9, n_samples=50).samples
    other = model.fit(1e6 * y[:, None] - 3e7).sample(9, n_samples=50).samples
    np.testing.assert_allclose(other, 1e6 * mine - 3e7, rtol=1e-9, atol=1e-2)


def test_series_of_other_scales_keep_their_own_spread():
    y = seasonal_walk(140, 7)[0]
    panel = np.stack([y, 1000 * y])[:, :, None]
    ends = SeasonalNaive(period=7).fit(panel).predict_interval(7)
    np.testing.assert_allclose(ends[1], 1000 * ends[0])


# --- the contract ---------------------------------------------------------------------


def frame(n_rows=60):
    index = pd.date_range("2024-03-01", periods=n_rows, freq="D", name="day")
    walks = seasonal_walk(n_rows, 7, 2).T
    return pd.DataFrame(walks, index, ["a", "b"])


def test_answers_are_frames_of_the_rows_to_come():
    y = frame()
    model = SeasonalNaive(horizon=3).fit(y)
    assert model.periods_ == (7, 7)
    answer = model.predict()
    days = pd.date_range("2024-04-30", periods=3, freq="D", name="day")
    pd.testing.assert_index_equal(answer.index, days)
    pd.testing.assert_frame_equal(
        answer.reset_index(drop=True), y.iloc[-7:-4].reset_index(drop=True)
    )
    ends = model.predict_interval(h=9, y=y.iloc[:40], coverage=0.8)
    assert ends.index[0] == y.index[40]
    assert list(ends.columns) == ["a-lo-80", "a-hi-80", "b-lo-80", "b-hi-80"]


def test_draws_stand_alone_and_repeat():
    panel = pd.concat({s: frame() for s in "xyz"}, names=["unique_id", "ds"])
    model = SeasonalNaive(random_state=5).fit(panel)
    draws = model.sample(8, n_samples=6)
    path = list(draws)[3]
    pd.testing.assert_frame_equal(list(model.sample(8, n_samples=4))[3], path)
    alone = list(model.sample(8, panel.loc[["z"]], n_samples=5))[3]
    pd.testing.assert_frame_equal(alone, path.loc[["z"]], check_freq=False)
    other = model.sample(8, n_samples=6, random_state=6)
    assert (other.samples != draws.samples).all()


def test_a_series_without_a_value_gets_the_law_of_its_channel():
    y = np.stack([seasonal_walk(30, 3)[0], np.full(30, NAN)])[:, :, None]
    model = SeasonalNaive(period=3).fit(y)
    with pytest.warns(UserWarning, match="No value is observed"):
        mean, sd = law(model, 2)
    np.testing.assert_allclose(mean[2:], np.nanmean(y))
    np.testing.assert_allclose(sd[2:], np.nanstd(y))


def test_bad_requests_are_refused_in_words():
    y = frame()
    for period in (0, 2.5, True, "h"):
        with pytest.raises(ValueError, match="period must be a whole number"):
            SeasonalNaive(period=period).fit(y)
    with pytest.raises(ValueError, match="can't use X or static"):
        SeasonalNaive().fit(y, y)
    with pytest.raises(ValueError, match="nothing to learn from"):
        SeasonalNaive().fit(y * NAN)
    with pytest.raises(ValueError, match="h must be a whole number"):
        SeasonalNaive().fit(y).predict(0)
