"""What baselines have in common: honest spread, one law, draws that stand alone."""

from __future__ import annotations

import functools
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri
from scipy.stats import binom
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_iterative_imputer
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.utils.estimator_checks import parametrize_with_checks

from tsdiff import datasets
from tsdiff.baselines import (
    ETS,
    ForecastFiller,
    KalmanSmoother,
    KNearestWindows,
    LastValue,
    LinearInterpolation,
    SeasonalDecomposition,
    SeasonalNaive,
    SklearnImputer,
)

assert enable_iterative_imputer  # which makes IterativeImputer importable


def k_nearest_rows(**options):
    return SklearnImputer(KNNImputer(), **options)


def regressions(**options):
    return SklearnImputer(IterativeImputer(max_iter=3, tol=0.5), **options)


def seasonal_naive(**options):
    return ForecastFiller(SeasonalNaive(period=6), **options)


def smoothing(**options):
    return ForecastFiller(ETS(period=1), **options)


NORMAL = [
    LinearInterpolation,
    LastValue,
    KalmanSmoother,
    SeasonalDecomposition,
    k_nearest_rows,
    regressions,
    seasonal_naive,
    smoothing,
]
ALL = [*NORMAL, KNearestWindows]
#: Their factors of spread are measured, so that they are right for any data.
MEASURED = [SeasonalDecomposition, KNearestWindows, k_nearest_rows, regressions]
Z90 = ndtri(0.95)


@parametrize_with_checks(
    [
        LinearInterpolation(random_state=0),
        LastValue(random_state=0),
    ]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_walks_keep_sklearns_contract(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        SeasonalDecomposition(random_state=0),
        KNearestWindows(random_state=0),
        SklearnImputer(KNNImputer(), random_state=0),
    ]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_measured_baselines_keep_sklearns_contract(estimator, check):
    check(estimator)


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


@pytest.mark.parametrize("baseline", [LinearInterpolation, LastValue, KalmanSmoother])
def test_intervals_cover_what_they_say_on_walks(baseline):
    y = walk(20_000, rate=4.0, seed=3)
    gappy, hidden = datasets.make_gaps(y, "blocks", ratio=0.2, length=5)
    ends = baseline().fit(gappy).predict_interval(gappy, [0.5, 0.9]).to_numpy()[hidden]
    for k, share in enumerate((0.5, 0.9)):
        low, high = ends[:, 2 * k], ends[:, 2 * k + 1]
        inside = (low <= y[hidden]) & (y[hidden] <= high)
        assert inside.mean() == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("baseline", [LinearInterpolation, LastValue, KalmanSmoother])
def test_spread_is_honest_on_real_gaps_of_a_smooth_series(baseline):
    glucose = datasets.load_glucose()[["glucose"]]
    gappy, hidden = datasets.make_gaps(glucose, "blocks", ratio=0.1, random_state=5)
    ends = baseline().fit(gappy).predict_interval(gappy, 0.9).to_numpy()
    truth, cells = glucose.to_numpy()[:, 0], hidden.to_numpy()[:, 0]
    inside = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    assert 0.84 < inside[cells].mean() < 0.97


@pytest.mark.parametrize("baseline", MEASURED)
def test_intervals_cover_what_they_say_on_autoregressions(baseline):
    """Series are independent, so counts of gaps of one cell each are binomial."""
    values = ar1(100, 60)
    gappy = values.copy()
    gappy[np.arange(100), np.random.default_rng(1).integers(5, 55, 100)] = np.nan
    hidden = np.isnan(gappy)
    data = gappy[:, :, None]
    ends = baseline().fit(data).predict_interval(data, [0.5, 0.9])[hidden]
    for k, share in enumerate((0.5, 0.9)):
        low, high = ends[:, 2 * k], ends[:, 2 * k + 1]
        inside = (low <= values[hidden]) & (values[hidden] <= high)
        # normal intervals are set by their 90 %, and trials have their own noise
        assert binom.ppf(1e-4, 100, share - 0.04) <= inside.sum()
        assert inside.sum() <= binom.ppf(1 - 1e-4, 100, share + 0.04)


def ar1(n_series, n_rows, rho=0.8, seed=0):
    values = np.random.default_rng(seed).standard_normal((n_series, n_rows))
    for t in range(1, n_rows):
        values[:, t] = rho * values[:, t - 1] + np.sqrt(1 - rho**2) * values[:, t]
    return values


def panel_frame(seed=0):
    """Three series of two channels, one of them without any value."""
    values = datasets.make_linear_gaussian(3, 60, 2, random_state=seed).frame()
    values.loc["s1", "x1"] = np.nan
    return values


@functools.cache
def fitted(baseline):
    """Fit `panel_frame` once for all tests that only ask."""
    return baseline(random_state=0).fit(panel_frame())


@pytest.mark.parametrize("baseline", ALL)
@pytest.mark.parametrize("kind", ["frame", "series", "float32", "3-d"])
def test_observed_cells_pass_bit_for_bit(baseline, kind):
    frame = panel_frame()
    data = {
        "frame": frame,
        "series": frame.loc["s0", "x0"],
        "float32": frame.astype("float32"),
        "3-d": frame.to_numpy().reshape(3, 60, 2),
    }[kind]
    before = np.array(data, copy=True)
    model = fitted(baseline) if kind == "frame" else baseline(random_state=0).fit(data)
    for answer in (model.transform(data), next(iter(model.sample(data, 2)))):
        assert type(answer) is type(data)
        found, seen = np.asarray(answer), ~np.isnan(before)
        assert found.dtype == before.dtype
        assert not np.isnan(found).any()
        assert found[seen].tobytes() == before[seen].tobytes()
    np.testing.assert_array_equal(np.asarray(data), before)


def near(found, expected):
    """Equal but for the last digits: products of matrices depend on their shape."""
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("baseline", ALL)
def test_draws_stand_alone(baseline):
    frame = panel_frame()
    model = fitted(baseline)
    draws = model.sample(frame, 6)
    all_cells = pd.DataFrame(draws.paths()[3], index=frame.index, columns=frame.columns)
    alone = model.sample(frame.loc[["s2"]], 4)
    near(alone.paths()[3], all_cells.loc[["s2"]])
    turned = frame.loc[["s2", "s0", "s1"]]
    path = list(model.sample(turned, 5))[3]
    near(path.loc[frame.index], all_cells)
    where = frame.isna() & (np.arange(len(frame)) % 3 == 0)[:, None]
    some = model.sample(frame, 6, where=where)
    known = np.isin(draws.cells, some.cells)
    near(some.samples, draws.samples[:, known])
    other = model.sample(frame, 6, random_state=8)
    assert (other.samples != draws.samples).all()


@pytest.mark.parametrize("baseline", ALL)
def test_series_and_channels_have_noise_of_their_own(baseline):
    same = np.repeat([with_gap(walk(50), slice(20, 24))], 4, axis=0)
    data = same.reshape(2, 2, 50).transpose(0, 2, 1)  # two series, two channels
    samples = baseline(random_state=0).fit(data).sample(data, 500).samples
    middle = samples[:, [4, 5, 12, 13]]  # the same row of all four
    correlation = np.corrcoef(middle.T) - np.eye(4)
    assert np.abs(correlation).max() < 5 / np.sqrt(500)


@pytest.mark.parametrize("baseline", ALL)
def test_draws_do_not_depend_on_the_memory_they_are_made_in(baseline, monkeypatch):
    frame = panel_frame()
    model = fitted(baseline)
    whole = model.sample(frame, 9).samples
    for name, module in list(sys.modules.items()):  # two paths of 60 rows
        if name.startswith("tsdiff.baselines.") and hasattr(module, "_BLOCK"):
            monkeypatch.setattr(module, "_BLOCK", 130)
    np.testing.assert_allclose(model.sample(frame, 9).samples, whole, rtol=1e-9)


@pytest.mark.parametrize("baseline", ALL)
def test_quantiles_intervals_and_draws_tell_the_same_law(baseline):
    frame = panel_frame()
    model = fitted(baseline)
    ends = model.predict_interval(frame, coverage=0.8)
    assert list(ends.columns) == ["x0-lo-80", "x0-hi-80", "x1-lo-80", "x1-hi-80"]
    pd.testing.assert_frame_equal(ends, model.predict_interval(frame, level=80))
    quantiles = model.predict_quantiles(frame, [0.1, 0.9])
    np.testing.assert_allclose(quantiles.to_numpy(), ends.to_numpy(), rtol=1e-12)
    draws = model.sample(frame, 4000)
    levels = np.array([0.05, 0.3, 0.5, 0.8, 0.99])
    quantiles = model.predict_quantiles(frame, levels).to_numpy()
    cells = quantiles.reshape(*frame.shape, -1).reshape(-1, 5)[draws.cells].T
    share = (draws.samples <= cells[:, None]).mean(axis=1)
    lowest, highest = binom.ppf([[[1e-6]], [[1 - 1e-6]]], 4000, levels[:, None])
    assert (lowest <= 4000 * share).all()
    assert (4000 * share <= highest).all()


@pytest.mark.parametrize("baseline", ALL)
def test_series_without_a_value_get_the_law_of_the_channel(baseline):
    frame = panel_frame()
    model = fitted(baseline)
    column = frame["x1"].dropna()
    mean, sd = law(model, frame)
    np.testing.assert_allclose(mean[60:120, 1], column.mean())
    np.testing.assert_allclose(sd[60:120, 1], column.std(ddof=0))
    levels = model.sample(frame, 50).paths()[:, 60:120, 1]
    assert (np.ptp(levels, axis=1) == 0).all()  # one level per path
    assert np.ptp(levels[:, 0]) > column.std()


@pytest.mark.parametrize("baseline", ALL)
def test_units_and_origin_do_not_matter(baseline):
    frame = panel_frame()
    mine = fitted(baseline).predict_quantiles(frame, [0.1, 0.5, 0.9]).to_numpy()
    other = 1e3 * frame + 5e4
    moved = baseline().fit(other).predict_quantiles(other, [0.1, 0.5, 0.9]).to_numpy()
    width = (mine[:, 2::3] - mine[:, ::3]).max()
    np.testing.assert_allclose((moved - 5e4) / 1e3, mine, atol=0.02 * width)


@pytest.mark.parametrize("baseline", ALL)
def test_constant_columns_stay_constant(baseline):
    frame = pd.DataFrame({"a": np.full(50, 3.0)})
    frame.iloc[10:20] = np.nan
    mean, sd = law(baseline(random_state=0).fit(frame), frame)
    np.testing.assert_allclose(mean, 3.0, rtol=1e-6)
    assert sd.max() < 1e-4


@pytest.mark.parametrize("baseline", ALL)
def test_bad_requests_are_refused_in_words(baseline):
    y = with_gap(walk(60), slice(20, 30))
    with pytest.raises(NotFittedError):
        baseline().transform(y)
    with pytest.raises(ValueError, match="nothing to learn from"):
        baseline().fit(np.full((5, 2), np.nan))
    frame = y.to_frame().assign(empty=np.nan)
    with pytest.warns(UserWarning, match="'empty' hold no value"):
        model = baseline().fit(frame)
    assert (model.transform(frame)["empty"] == 0).all()
    model = baseline().fit(y)
    for wrong in (0, 2.0, "3"):
        with pytest.raises(ValueError, match="n_samples must be a whole number"):
            model.sample(y, wrong)
    with pytest.raises(ValueError, match=r"missing cells take 16\.0 GB"):
        model.sample(y, 200_000_000)
    with pytest.raises(ValueError, match="feature names"):
        model.transform(y.rename("z"))


@pytest.mark.parametrize("baseline", ALL)
def test_long_gaps_and_absent_rows_are_treated_as_asked(baseline):
    y = with_gap(walk(60), slice(20, 30), slice(40, 42))
    model = baseline(max_gap=5, random_state=0).fit(y)
    with pytest.warns(UserWarning, match=r"1 gap\(s\) longer than max_gap=5"):
        filled = model.transform(y)
    assert filled.isna().sum() == 10
    model = baseline(freq="h", insert_absent=True).fit(y)
    answer = model.transform(y.drop(y.index[5:7]))
    assert answer.index.equals(y.index)
    assert not answer.isna().any()
