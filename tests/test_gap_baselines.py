"""Decomposition, analogues, tables: closed forms and oracles of baselines for gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import KNNImputer, SimpleImputer

from tsdiff.baselines import (
    ETS,
    FillForecaster,
    ForecastFiller,
    KalmanSmoother,
    KNearestWindows,
    LastValue,
    LinearInterpolation,
    SeasonalDecomposition,
    SeasonalNaive,
    SklearnImputer,
)
from tsdiff.baselines.analogues import nearest, padded
from tsdiff.baselines.components import Parts
from tsdiff.baselines.decomposition import decompose, smooth
from tsdiff.baselines.mixture import Mixture, mixture_quantiles
from tsdiff.baselines.strands import Strand
from tsdiff.baselines.trial import trials
from tsdiff.panel.frame import to_panel

NAN = np.nan


def season_and_line(n_rows=120, period=6, slope=0.05):
    t = np.arange(n_rows)
    return np.array([3.0, -1.0, 4.0, 1.0, -5.0, 9.0])[t % period] + slope * t


def strand_of(values):
    asked = np.flatnonzero(np.isnan(values))
    time = np.arange(float(len(values)))
    return Strand(values, time, asked, np.arange(len(asked)), 0, 0)


# --- seasonal decomposition -----------------------------------------------------------


def test_season_and_line_are_filled_exactly():
    y = season_and_line()
    gappy = y.copy()
    gappy[[7, 20, 21, 22]] = gappy[40:59] = NAN
    model = SeasonalDecomposition(period=6).fit(gappy[:, None])
    np.testing.assert_allclose(model.transform(gappy[:, None])[:, 0], y, atol=1e-6)
    ends = model.predict_interval(gappy[:, None], 0.99)
    assert np.abs(ends[:, 1] - ends[:, 0]).max() < 1e-6


def test_an_outlier_moves_neither_trend_nor_season():
    y = season_and_line() + 0.1 * np.random.default_rng(0).standard_normal(120)
    wild = y.copy()
    wild[50] += 1000
    clean, moved = (np.add(*decompose(values, 6)) for values in (y, wild))
    assert np.abs(moved - clean).max() < 0.3


def test_local_regression_is_weighted_least_squares():
    """The oracle solves each window's ridge regression by itself."""
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((30, 1)), rng.random((30, 1))
    weight[8:12] = 0
    half = 5
    far = np.arange(-half, half + 1)
    kernel = (1 - np.abs(far / (half + 1)) ** 3) ** 3
    pull = 0.1 * np.sum(kernel * (far / half) ** 2) / kernel.sum()
    expected = []
    for t in range(30):
        rows = np.arange(max(t - half, 0), min(t + half, 29) + 1)
        w = kernel[rows - t + half] * weight[rows, 0]
        w, away = w / w.sum(), (rows - t) / half
        center, level = w @ away, w @ x[rows, 0]
        slope = w @ ((away - center) * x[rows, 0]) / (w @ (away - center) ** 2 + pull)
        expected.append(level - slope * center)
    np.testing.assert_allclose(smooth(x, weight, half)[:, 0], expected, rtol=1e-9)


def test_remainders_are_an_autoregression_tied_at_both_ends():
    """Means and covariance against dense conditioning of the AR(1)'s normal law."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal(30)
    values[[0, 1]] = values[10:14] = values[20] = values[27:] = NAN
    strand, memory = strand_of(values), 0.7
    model = SeasonalDecomposition(period=1)
    model._parts = lambda _: Parts(np.full(30, 2.0), values - 2.0, memory, 1.5)
    model.inside_ = model.outside_ = [np.ones((2, 1))]
    mean, sd = model._law(strand)
    row = np.arange(30)
    kernel = 1.5**2 * memory ** np.abs(row[:, None] - row)
    hole = np.isnan(values)
    gain = np.linalg.solve(kernel[~hole][:, ~hole], kernel[~hole][:, hole])
    np.testing.assert_allclose(mean, 2 + gain.T @ (values[~hole] - 2))
    covariance = kernel[hole][:, hole] - gain.T @ kernel[~hole][:, hole]
    np.testing.assert_allclose(sd**2, np.diag(covariance))
    found = np.cov(model._deviations(strand, 20_000, rng).T)
    scale = np.outer(np.diag(covariance), np.diag(covariance))
    error = np.sqrt((scale + covariance**2) / 20_000)
    assert (np.abs(found - covariance) < 5 * error).all()


def test_spread_ahead_is_measured_at_the_ends_of_series():
    """Of a walk it grows with the distance, though the remainder's is bounded."""
    rng = np.random.default_rng(3)
    y = rng.standard_normal((60, 120)).cumsum(axis=1)
    history, truth = y[:, :112, None], y[:, 112:]
    model = FillForecaster(SeasonalDecomposition(period=4)).fit(history)
    ends = model.predict_interval(8, coverage=0.9)
    inside = (ends[..., 0] <= truth) & (truth <= ends[..., 1])
    assert 0.82 < inside.mean() < 0.97
    width = (ends[..., 1] - ends[..., 0]).mean(axis=0)
    assert width[7] > 1.5 * width[0]


# --- k nearest windows ----------------------------------------------------------------


def test_distances_are_those_of_a_naive_loop():
    rng = np.random.default_rng(0)
    values, other = rng.standard_normal(50), rng.standard_normal(40)
    values[[3, 20, 21, 30]] = other[7] = NAN
    window, length, start = 4, 2, 20
    pool = padded([values, other], window)
    weight = np.exp(-np.arange(window) / (window / 2))
    weight = np.concatenate([weight[::-1], weight])
    bordered = padded([values], window)
    around = np.delete(bordered[start : start + 2 * window + length], [4, 5])
    naive = {}
    for place in range(len(pool) - 2 * window - length + 1):
        whole = pool[place : place + 2 * window + length]
        segment, sides = whole[4:6], np.delete(whole, [4, 5])
        both = ~np.isnan(sides) & ~np.isnan(around)
        w = weight * both
        if np.isnan(segment).any() or w.sum() <= 0.5 * weight[~np.isnan(around)].sum():
            continue
        apart = np.where(both, around - sides, 0)
        naive[place] = w @ (apart - w @ apart / w.sum()) ** 2 / w.sum()
    (found,) = nearest(
        values, np.array([start]), np.array([start + length]), pool, window, 90
    )
    distance = np.sort(found.distance[np.isfinite(found.distance)])
    lowest = [
        value
        for place, value in naive.items()
        if value == min(naive.get(place + k, np.inf) for k in range(-2, 3))
    ]
    np.testing.assert_allclose(
        distance[distance < 0.4], np.sort(lowest)[: (distance < 0.4).sum()]
    )
    assert (distance < 0.4).any()


def test_a_gap_takes_what_other_series_have_there():
    """A pulse that the series itself never showed follows the same run-up elsewhere."""
    values = 0.05 * np.random.default_rng(0).standard_normal((9, 200))
    values[:, 150:162:2], values[:, 151:162:2] = 12, -12  # a common spread
    pulse = np.r_[np.linspace(0, 4, 8), 9, 9, 9, np.linspace(4, 0, 8)]
    for row in range(9):
        values[row, 40 + 3 * row : 59 + 3 * row] += pulse
    values[8, 72:75] = NAN  # its top
    panel = values[:, :, None]
    filled = KNearestWindows(window=8).fit(panel).transform(panel)[8, 72:75, 0]
    np.testing.assert_allclose(filled, 9, atol=1)
    alone = KNearestWindows(window=8).fit(panel[8:]).transform(panel[8:])
    assert np.abs(alone[0, 72:75, 0] - 9).min() > 2


def test_paths_have_the_covariance_and_the_quantiles_of_their_mixture():
    rng = np.random.default_rng(0)
    k, m = 4, 3
    weight = np.repeat(np.array([[0.4], [0.3], [0.2], [0.1]]), m, axis=1)
    step = rng.standard_normal((k, m)) * [1.0, 2.0, 0.5]
    step -= (weight * step).sum(axis=0)
    gap = np.zeros(m, dtype=int)
    law = Mixture(np.arange(3.0), np.zeros(m), step, weight, np.full(m, 0.8), gap)
    paths = law.paths(rng.standard_normal((20_000, 1, k + 2)))
    covariance = np.einsum("km,kn,k->mn", step, step, weight[:, 0])
    np.testing.assert_allclose(law.variance, np.diag(covariance))
    scale = np.outer(np.diag(covariance), np.diag(covariance))
    error = np.sqrt((2 * scale + covariance**2) / 20_000)
    assert (np.abs(np.cov(paths.T) - covariance) < 5 * error).all()
    levels = np.array([0.05, 0.5, 0.9])
    share = (paths <= law.quantiles(levels)[:, None]).mean(axis=1)
    bound = 5 * np.sqrt(levels * (1 - levels) / 20_000)
    assert (np.abs(share - levels[:, None]) < bound[:, None]).all()


def test_a_mixture_of_no_width_has_the_quantiles_of_its_atoms():
    mean, weight = np.array([[1.0], [2.0], [5.0]]), np.array([[0.2], [0.5], [0.3]])
    levels = np.array([0.1, 0.4, 0.9])
    found = mixture_quantiles(mean, np.zeros(1), weight, levels)
    np.testing.assert_allclose(found[:, 0], [1, 2, 5], atol=1e-9)


# --- imputers of scikit-learn ---------------------------------------------------------


def test_table_is_that_of_shifted_channels():
    """KNNImputer on a table made by hand gives the same medians."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((80, 2)).cumsum(axis=0), columns=["a", "b"])
    X.iloc[10:13, 0] = X.iloc[40:42, 1] = X.iloc[60] = NAN
    units = (X - X.mean()) / X.std(ddof=0)
    table = pd.concat([units, *(units.shift(k) for k in (1, -1, 3, -3))], axis=1)
    filled = KNNImputer(n_neighbors=4).fit_transform(table.to_numpy())[:, :2]
    expected = X.fillna(
        pd.DataFrame(filled, columns=["a", "b"]) * X.std(ddof=0) + X.mean()
    )
    model = SklearnImputer(KNNImputer(n_neighbors=4), lags=(1, 3)).fit(X)
    pd.testing.assert_frame_equal(model.transform(X), expected)


def test_series_are_shown_no_rows_of_others():
    panel = np.random.default_rng(0).standard_normal((3, 40, 1)).cumsum(axis=1)
    panel[:, [0, 20, 39]] = NAN
    model = SklearnImputer(SimpleImputer(), lags=2).fit(panel)
    filled = model.transform(panel)[np.isnan(panel)].reshape(3, 3)
    centers = np.nanmean(panel, axis=1)
    scales = np.nanstd(panel, axis=1)
    np.testing.assert_allclose(filled, (centers + 0 * scales).repeat(3, 1), atol=1e-9)


def test_errors_hang_together_as_they_were_seen_to():
    """The mean's errors are the data's own deviations: an AR(1) of known memory."""
    rng = np.random.default_rng(0)
    y = rng.standard_normal((20, 300))
    for t in range(1, 300):
        y[:, t] = 0.8 * y[:, t - 1] + 0.6 * y[:, t]
    y[:, 100:120] = NAN
    model = SklearnImputer(SimpleImputer(), random_state=0).fit(y[:, :, None])
    assert model.memory_[0] == pytest.approx(0.8, abs=0.08)
    np.testing.assert_allclose(model.spread_[0][1], 1.0, atol=0.3)
    samples = model.sample(y[:1, :, None], 4000).samples
    lags = np.corrcoef(samples.T)[0, :4]
    np.testing.assert_allclose(lags, model.memory_[0] ** np.arange(4), atol=0.08)


def test_what_returns_no_filled_table_is_refused():
    y = np.random.default_rng(0).standard_normal((30, 1))
    y[10:12] = NAN
    model = SklearnImputer(SimpleImputer(add_indicator=True))
    with pytest.raises(ValueError, match=r"SimpleImputer answers .* has to fill its"):
        model.fit(y)
    with pytest.raises(ValueError, match="lags must be a whole number"):
        SklearnImputer(SimpleImputer(), lags=(1, 0)).fit(y)


# --- time -----------------------------------------------------------------------------

ROWS = [
    lambda: SeasonalDecomposition(period=6, random_state=0),
    lambda: KNearestWindows(window=6, random_state=0),
    lambda: KalmanSmoother(period=6, random_state=0),  # days would say 7, if regular
    lambda: SklearnImputer(KNNImputer(), random_state=0),
    lambda: ForecastFiller(SeasonalNaive(period=6), random_state=0),
    lambda: ForecastFiller(ETS(period=1), random_state=0),
]


@pytest.mark.parametrize("make", ROWS)
def test_absent_stamps_are_missing_values(make):
    """Without the rows, and with rows of NaN: the same answers elsewhere."""
    days = pd.date_range("2024-01-01", periods=120, freq="D")
    y = pd.Series(season_and_line(slope=0), days, name="y")
    y += np.random.default_rng(0).standard_normal(120)
    y.iloc[[30, 31, 70]] = NAN
    whole, gone = y.copy(), y.drop(y.index[50:53])
    whole.iloc[50:53] = NAN
    with_rows, without = make().fit(whole), make().fit(gone)
    if isinstance(with_rows, KalmanSmoother):
        # Its likelihood is flat about the best: the last digit moves the parameters.
        (one,), (other,) = with_rows.structures_, without.structures_
        assert (one.name, one.period) == (other.name, other.period)
        without.structures_ = with_rows.structures_
    expected = with_rows.predict_quantiles(whole, [0.1, 0.5]).loc[gone.index]
    found = without.predict_quantiles(gone, [0.1, 0.5])
    pd.testing.assert_frame_equal(found, expected, check_freq=False, rtol=1e-6)
    draws = [model.sample(X, 3) for model, X in ((with_rows, whole), (without, gone))]
    inner = draws[0].paths()[:, whole.index.isin(gone.index)]
    np.testing.assert_allclose(draws[1].paths(), inner, rtol=1e-6)


@pytest.mark.parametrize("make", ROWS)
def test_stamps_on_no_grid_are_counted_with_a_warning(make):
    minutes = np.random.default_rng(1).integers(20, 90, 80).cumsum()
    index = pd.Timestamp("2024-01-01") + pd.to_timedelta(minutes, unit="min")
    y = pd.DataFrame({"y": np.random.default_rng(0).standard_normal(80)}, index)
    with pytest.warns(UserWarning, match="counts rows as evenly spaced"):
        make().fit(y)
    LinearInterpolation().fit(y)  # knows the time: no warning


# --- looking ahead --------------------------------------------------------------------


def test_fillers_look_ahead():
    y = pd.concat(
        {
            name: pd.DataFrame({"a": season_and_line(slope=0) * size})
            for name, size in (("x", 1.0), ("y", 10.0))
        },
        names=["unique_id", "ds"],
    )
    future = np.concatenate([season_and_line(132, slope=0)[120:] * s for s in (1, 10)])
    for filler in (SeasonalDecomposition(period=6), KNearestWindows(window=12)):
        model = FillForecaster(filler, horizon=12, random_state=0).fit(y)
        np.testing.assert_allclose(model.predict()["a"], future, atol=1e-5)
        alone = model.sample(y=y.loc[["y"]], n_samples=3).samples
        both = model.sample(n_samples=5).samples[:3, 12:]
        np.testing.assert_allclose(alone, both, rtol=1e-9)
    last = FillForecaster(LastValue()).fit(y).predict(2)
    assert last["a"].tolist() == [9.0, 9.0, 90.0, 90.0]
    with pytest.raises(TypeError, match="by a gap filler of"):
        FillForecaster(SeasonalNaive()).fit(y)
    with pytest.raises(ValueError, match="can't use X or static"):
        FillForecaster(LastValue()).fit(y, y)


# --- trials ---------------------------------------------------------------------------


def test_trials_hide_observed_cells_in_gaps_like_the_datas_own():
    values = np.random.default_rng(0).standard_normal((600, 2))
    values[np.arange(600) % 30 < 4] = NAN  # of both channels at once
    hidden = [mask for _, mask in trials(to_panel(values))]
    assert 1 < len(hidden) <= 8
    for mask in hidden:
        assert not (mask & np.isnan(values)).any()
        assert mask.any()
        np.testing.assert_array_equal(mask[:, 0], mask[:, 1])  # co-missing as well
    assert list(trials(to_panel(np.array([[1.0], [NAN]])))) == []


def test_a_single_season_is_not_explained_by_itself():
    """Else the remainder would be nothing, and intervals would have no width."""
    walks = np.random.default_rng(0).normal(size=(6, 40, 1)).cumsum(axis=1)
    walks[:, 18:24] = np.nan
    model = SeasonalDecomposition(period=40).fit(walks)
    bands = model.predict_interval(walks)
    width = np.diff(np.reshape(bands, (6, 40, 2)), axis=2)[:, 18:24]
    assert (width > 0.5).all()
