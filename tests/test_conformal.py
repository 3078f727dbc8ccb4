"""Data held back for calibration, and intervals that adapt to a stream."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from tsdiff import backtest
from tsdiff.baselines import LastValue, LinearInterpolation, SeasonalNaive
from tsdiff.calibration.laws import LARGEST_SCORE
from tsdiff.conformal import AdaptiveIntervals, Calibrated, Tracker

NAN = np.nan


def series(n: int = 400, seed: int = 0) -> pd.DataFrame:
    days = pd.date_range("2022-01-01", periods=n, freq="D", name="day")
    values = np.random.default_rng(seed).standard_normal((n, 2)).cumsum(axis=0)
    return pd.DataFrame(values, days, ["a", "b"])


def adversary(kind: str, t: int, threshold: float, rng: np.random.Generator) -> float:
    """Next score, by one who sees the threshold."""
    if kind == "always beyond":
        return min(threshold + 0.01, LARGEST_SCORE)
    if kind == "always inside":
        return threshold - 0.01
    if kind == "drift":
        return float((1 + 5 * t / 4000) * rng.standard_normal())
    return float(rng.standard_normal() * (6 if (t // 500) % 2 else 0.2))  # regimes


@pytest.mark.parametrize("kind", ["always beyond", "always inside", "drift", "regimes"])
@pytest.mark.parametrize(("rate", "delay"), [(0.05, 0), (0.5, 0), (0.1, 7)])
def test_the_share_of_misses_is_bounded_whatever_comes(kind, rate, delay):
    rng, share, n = np.random.default_rng(1), 0.05, 4000
    tracker = Tracker(np.array([1.6]), share, rate)
    misses, pending = [], []
    for t in range(n):
        score = adversary(kind, t, float(tracker.threshold[0]), rng)
        score = float(np.clip(score, -LARGEST_SCORE, LARGEST_SCORE))
        pending.append((np.array([score]), tracker.threshold.copy()))
        if len(pending) > delay:
            misses.append(tracker.update(*pending.pop(0)).item())
    bound = (2 * LARGEST_SCORE + rate * (1 + delay)) / (rate * len(misses))
    assert abs(np.mean(misses) - share) <= bound
    assert np.abs(tracker.threshold).max() <= LARGEST_SCORE + rate * (1 + delay)


def test_intervals_keep_their_coverage_while_the_data_drift():
    rng, n = np.random.default_rng(0), 320
    days = pd.date_range("2020-01-01", periods=n, freq="D")
    scale = np.where(np.arange(n) < 160, 1.0, 6.0)  # six times as wild from day 160
    y = pd.Series(scale * rng.standard_normal(n), days, name="y")
    model = SeasonalNaive(horizon=2, period=7).fit(y[:100])
    stream, inside = AdaptiveIntervals(model, 0.8, rate=0.5), []
    for t in range(100, n - 1):
        now, truth = y[:t], y.iloc[t]
        low, high = stream.predict_interval(y=now).iloc[0]
        inside.append(low <= truth <= high)
        stream.update(y[t : t + 1])
    assert abs(np.mean(inside) - 0.8) < 0.05
    # all but the first day and the last one are forecast twice
    assert stream.n_scored_ == 2 * len(inside) - 1
    assert abs(stream.n_covered_ / stream.n_scored_ - 0.8) < 0.05
    assert stream.thresholds_.shape == (2, 2, 1)
    assert (stream.thresholds_[1] > 1.5).all()  # the fit's own ends are at 1.3


def test_truth_counts_once_whenever_it_comes_and_many_series_share_an_end():
    ids = pd.MultiIndex.from_product(
        [["p", "q"], pd.date_range("2024", periods=40)], names=["unique_id", "ds"]
    )
    y = pd.Series(np.random.default_rng(0).standard_normal(80), ids, name="y")
    past = y[y.index.get_level_values(1) < "2024-02-01"]
    later = y.drop(past.index)
    model = SeasonalNaive(horizon=3, period=7).fit(past)
    stream = AdaptiveIntervals(model)
    assert stream.predict_interval().attrs["tsdiff"] == "calibrated"
    first = stream.update(later.iloc[[0, 9]]).thresholds_.copy()
    assert stream.n_scored_ == 2
    stream.update(later.iloc[[0, 9]])  # again: nothing new
    np.testing.assert_array_equal(stream.thresholds_, first)
    stream.update(later)
    assert stream.n_scored_ == 6
    stream.update(later)
    assert stream.n_scored_ == 6


def test_streams_refuse_what_they_cannot_use():
    y = series()
    with pytest.raises(NotFittedError):
        AdaptiveIntervals(SeasonalNaive(horizon=2))
    model = SeasonalNaive(horizon=2, period=7).fit(y)
    with pytest.raises(ValueError, match="coverage is one number"):
        AdaptiveIntervals(model, [0.5, 0.9])
    with pytest.raises(ValueError, match="rate must be a positive number"):
        AdaptiveIntervals(model, rate=0.0)
    stream = AdaptiveIntervals(model)
    with pytest.raises(TypeError, match="whose rows have no labels"):
        stream.update(y.to_numpy())
    with pytest.raises(ValueError, match="truth has the columns"):
        stream.update(y["a"])


def test_calibrated_holds_the_last_rows_back_and_forecasts_from_all():
    y = series()
    wrapped = Calibrated(SeasonalNaive(horizon=4, period=7), holdout=0.25).fit(y)
    by_hand = SeasonalNaive(horizon=4, period=7).fit(y[:300]).calibrate(y, n_windows=25)
    expected = by_hand.predict_interval(y=y)
    pd.testing.assert_frame_equal(wrapped.predict_interval(), expected)
    assert expected.index[0] == y.index[-1] + pd.Timedelta("1D")
    assert wrapped.predict_interval().attrs["tsdiff"] == "calibrated"
    assert wrapped.calibration_report()["n_cells"].iloc[0] == 200
    assert not hasattr(clone(wrapped), "estimator_")
    again = clone(wrapped).set_params(refit_all=True).fit(y)
    maps = again.estimator_.calibration_.maps
    np.testing.assert_array_equal(maps, by_hand.calibration_.maps)
    assert not hasattr(wrapped, "transform")


@pytest.mark.parametrize("kind", ["frame", "array", "cube", "polars"])
def test_calibrated_fills_gaps_in_every_kind_of_container(kind):
    X = series().mask(np.random.default_rng(1).random((400, 2)) < 0.1)
    data = {
        "frame": X,
        "array": X.to_numpy(),
        "cube": X.to_numpy().reshape(2, 200, 2),
    }
    if kind == "polars":
        pl = pytest.importorskip("polars")
        data["polars"] = pl.DataFrame(X.to_dict("list"))
    wrapped = Calibrated(LinearInterpolation(random_state=0), options={"n_repeats": 2})
    wrapped.fit(data[kind])
    filled = wrapped.transform(data[kind])
    assert type(filled) is type(data[kind])
    assert np.isfinite(np.asarray(filled)).all()
    assert wrapped.sample(data[kind], 3).calibrated
    assert not hasattr(wrapped, "predict")


def test_calibrated_enters_a_backtest_and_is_calibrated_inside_each_cutoff():
    model = Calibrated(SeasonalNaive(horizon=2, period=7), options={"step_size": 1})
    result = backtest({"held": model}, series(300), h=2, n_windows=3)
    assert len(result.frame) == 12
    assert result.failures.empty
    raw = backtest({"raw": model.estimator}, series(300), h=2, n_windows=3)
    assert (result.frame["q-0.95"].to_numpy() != raw.frame["q-0.95"].to_numpy()).all()


def test_what_is_held_back_is_not_learned_from():
    X, other = series(), series()
    other.iloc[-80:] *= 3.0
    first, second = (
        Calibrated(LastValue(), options={"pattern": "random"}).fit(data)
        for data in (X, other)
    )
    np.testing.assert_array_equal(first.estimator_.rate_, second.estimator_.rate_)


def test_requests_that_cannot_be_met_say_why():
    X = series(60)
    ahead = SeasonalNaive(horizon=20, period=7)
    with pytest.raises(NotFittedError):
        Calibrated(ahead).predict()
    with pytest.raises(ValueError, match="fewer than the 20 of one forecast"):
        Calibrated(ahead).fit(X)
    with pytest.raises(ValueError, match="no series has twice as many"):
        Calibrated(ahead, holdout=0.7).fit(X)
    with pytest.raises(ValueError, match="holdout is a share"):
        Calibrated(ahead, holdout=2).fit(X)
    with pytest.raises(ValueError, match="holds back no covariates"):
        Calibrated(ahead).fit(X, X)
