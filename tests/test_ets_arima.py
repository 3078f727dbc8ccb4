"""ETS and ARIMA: statsmodels' numbers, exact joint laws, honest spread."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri
from scipy.stats import binom
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.statespace.sarimax import SARIMAX

from tsdiff.baselines import ARIMA, ETS, ForecastFiller
from tsdiff.baselines import own as own_module
from tsdiff.baselines.arima import NO_SEASON, Arima
from tsdiff.baselines.ets import Smoothing, state_space
from tsdiff.baselines.statespace import (
    deviations,
    deviations_ahead,
    moments,
    moments_ahead,
)

NAN = np.nan
BOTH = [ETS, ARIMA]


def law(model, h, y=None):
    """Mean and standard deviation of the future."""
    mean, high = np.moveaxis(
        np.asarray(model.predict_quantiles(h, y, alpha=[0.5, 0.95])).reshape(-1, 2),
        1,
        0,
    )
    return mean, (high - mean) / ndtri(0.95)


def ar1(n_rows, n_series=1, rho=0.8, seed=0):
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n_series, n_rows + 100))
    for t in range(1, n_rows + 100):
        noise[:, t] += rho * noise[:, t - 1]
    return noise[:, 100:]


def walk(n_rows, n_series=1, seed=0):
    return np.random.default_rng(seed).standard_normal((n_series, n_rows)).cumsum(1)


def seasonal(n_rows, period=6, seed=0):
    """A wave and a slow walk."""
    t, noise = np.arange(n_rows), np.random.default_rng(seed).standard_normal(n_rows)
    wave = 5 * np.sin(2 * np.pi * t / period)
    return wave + 0.3 * walk(n_rows, seed=seed + 1)[0] + noise


def check_covariance(samples, expected):
    """Each entry within five standard errors of a normal sample's covariance."""
    found = np.cov(samples.T)
    scale = np.outer(np.diag(expected), np.diag(expected))
    error = np.sqrt((scale + expected**2) / len(samples))
    assert (np.abs(found - expected) < 5 * error).all()


# --- the state spaces -----------------------------------------------------------------


@pytest.mark.parametrize("trend", ["none", "additive", "damped"])
@pytest.mark.parametrize("period", [0, 4])
def test_smoothing_forecasts_as_statsmodels_does(trend, period):
    shares = {"level": 0.4, "slope": 0.1, "season": 0.2, "damping": 0.9}
    used = ["level", *["slope"] * (trend != "none"), *["season"] * bool(period)]
    used += ["damping"] * (trend == "damped")
    still = {"level": 0.0, "slope": 0.0, "season": 0.0, "damping": 1.0}
    params = still | {name: shares[name] for name in used}
    y = 2 * np.sin(np.arange(300) * 0.3)
    model = ETSModel(
        y,
        trend=None if trend == "none" else "add",
        damped_trend=trend == "damped",
        seasonal="add" if period else None,
        seasonal_periods=period or None,
        initialization_method="heuristic",
    )
    start = model.start_params
    start[: len(used)] = [shares[name] for name in used]
    theirs = model.smooth(start)
    choice = Smoothing(trend, period, **params, variance=0.3)
    space = state_space(choice, np.append(y, np.full(9, NAN)))
    mean, variance = moments_ahead(space, 9)
    np.testing.assert_allclose(mean, theirs.forecast(9), atol=1e-5)  # other starts
    relative = theirs._relative_forecast_variance(np.arange(1, 10))
    np.testing.assert_allclose(variance, 0.3 * relative, rtol=1e-5)


@pytest.mark.parametrize(
    ("order", "season", "params"),
    [
        ((0, 1, 0), NO_SEASON, (0.5,)),
        ((2, 0, 1), NO_SEASON, (0.5, 0.2, 0.3, 0.5)),
        ((0, 2, 2), NO_SEASON, (-0.5, 0.2, 0.5)),
        ((0, 1, 1), (0, 1, 1), (-0.4, -0.6, 0.5)),
    ],
)
def test_arima_forecasts_as_statsmodels_does(order, season, params):
    y = ar1(120)[0]
    y[30:40] = NAN
    period = 4 if season != NO_SEASON else 0
    space = ARIMA._space(
        Arima(order, season, period, params), np.append(y, np.full(7, NAN))
    )
    theirs = SARIMAX(y, order=order, seasonal_order=(*season, period)).smooth(params)
    forecast = theirs.get_forecast(7)
    mean, variance = moments_ahead(space, 7)
    np.testing.assert_allclose(mean, forecast.predicted_mean, atol=1e-8)
    np.testing.assert_allclose(variance, forecast.var_pred_mean, rtol=1e-6)


def test_paths_ahead_have_the_covariance_of_their_model():
    """Closed forms: of a stationary AR(1) and of a walk with noise about it."""
    y = np.append(ar1(50)[0], np.full(5, NAN))
    steps = np.arange(1, 6)
    low, apart = np.minimum(steps[:, None], steps), np.abs(steps[:, None] - steps)
    rng = np.random.default_rng(0)

    space = ARIMA._space(Arima((1, 0, 0), NO_SEASON, 0, (0.8, 0.5)), y)
    expected = 0.5 * 0.8**apart * (1 - 0.8 ** (2 * low)) / (1 - 0.8**2)
    check_covariance(deviations_ahead(space, 5, 20_000, rng), expected)
    np.testing.assert_allclose(moments_ahead(space, 5)[1], np.diag(expected))

    space = state_space(Smoothing("none", 0, 0.3, 0.0, 0.0, 1.0, 0.5), y)
    expected = 0.5 * (np.eye(5) + (apart > 0) * 0.3 + 0.3**2 * (low - 1))
    check_covariance(deviations_ahead(space, 5, 20_000, rng), expected)
    # the paths of the smoother are the same where nothing is seen behind
    check_covariance(deviations(space, 20_000, rng)[:, -5:], expected)
    np.testing.assert_allclose(moments(space)[1][-5:], np.diag(expected), rtol=1e-5)


def test_gaps_of_a_walk_are_bridged():
    """With level=1, smoothing is a random walk, and its gap a Brownian bridge."""
    y = walk(40)[0]
    y[20:24] = NAN
    share = np.arange(1, 5) / 5
    variance = 0.7 * 5 * share * (1 - share)
    walks = (
        state_space(Smoothing("none", 0, 1.0, 0.0, 0.0, 1.0, 0.7), y),
        ARIMA._space(Arima((0, 1, 0), NO_SEASON, 0, (0.7,)), y),
    )
    for space in walks:
        mean, found = moments(space)
        np.testing.assert_allclose(mean[20:24], y[19] + share * (y[24] - y[19]))
        np.testing.assert_allclose(found[20:24], variance, rtol=1e-5)


# --- what is chosen -------------------------------------------------------------------


def test_orders_follow_the_data():
    still = ARIMA._choose(ar1(400, rho=0.5)[0], 1)
    assert still.order[1] == 0
    moving = ARIMA._choose(walk(400, seed=1)[0], 1)
    assert moving.order[1] == 1
    wave = ARIMA._choose(seasonal(200), 6)
    assert wave.period == 6
    assert wave.season != NO_SEASON
    long = ARIMA._choose(seasonal(300, 30), 30)  # more than 24 rows
    assert long.period == 0


def test_forms_follow_the_data():
    assert ETS._choose(walk(300)[0], 1).trend == "none"
    level = ETS._choose(walk(300)[0], 1).level
    assert level == pytest.approx(1, abs=0.15)
    line = np.arange(100) / 10 + 0.1 * ar1(100, rho=0)[0]
    assert ETS._choose(line, 1).trend != "none"
    assert ETS._choose(seasonal(200), 6).period == 6
    assert ETS._choose(seasonal(11), 6).period == 0  # not two seasons


def test_holes_hardly_change_what_is_chosen():
    y = seasonal(240)[:, None]
    holes = y.copy()
    holes[50:57] = holes[120:131] = holes[[3, 90, 200]] = NAN
    for kind in BOTH:
        full, some = law(kind(period=6).fit(y), 6), law(kind(period=6).fit(holes), 6)
        np.testing.assert_allclose(some[0], full[0], atol=0.5 * full[1].max())
        np.testing.assert_allclose(some[1], full[1], rtol=0.2)


def test_smoothing_takes_values_far_apart_for_a_walk():
    y = np.full(300, NAN)
    y[::15] = walk(20, seed=5)[0]
    filler = ETS(period=24).fit(y[:, None]).as_imputer()
    filled = filler.transform(y[:, None])[:286, 0]
    line = np.interp(np.arange(286), np.arange(0, 286, 15), y[:286:15])
    np.testing.assert_allclose(filled, line, atol=1e-4)


def test_a_model_is_chosen_once_for_each_history():
    y = walk(60, seed=123)[0][:, None]
    own_module._chosen.cache_clear()
    model = ARIMA(period=1).fit(y)
    model.predict(3)
    model.predict_interval(5)
    model.sample(5, n_samples=10)
    assert own_module._chosen.cache_info().misses == 1
    model.predict(3, y[:-1])
    assert own_module._chosen.cache_info().misses == 2


# --- the answers ----------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "make"), [(ETS, walk), (ETS, ar1), (ARIMA, ar1)])
def test_intervals_cover_what_they_say(kind, make):
    n_series, h = 80 if kind is ETS else 24, 4
    y = make(104, n_series, seed=7)[:, :, None]
    ends = kind(period=1).fit(y[:, :-h]).predict_interval(h, coverage=0.8)
    inside = (ends[..., 0] <= y[:, -h:, 0]) & (y[:, -h:, 0] <= ends[..., 1])
    hits = inside.sum(axis=0)  # of each step; series are independent
    # parameters are estimated on 100 rows, so a share of 0.77 counts as right as well
    assert (hits >= binom.ppf(1e-4, n_series, 0.77)).all()
    assert (hits <= binom.ppf(1 - 1e-4, n_series, 0.83)).all()


@pytest.mark.parametrize("kind", BOTH)
def test_spread_grows_with_distance_and_holds_the_paths(kind):
    y = walk(200, seed=3)[0]
    model = kind(period=1, random_state=0).fit(y[:, None])
    mean, sd = law(model, 16)
    assert (np.diff(sd) > 0).all()
    assert sd[15] == pytest.approx(4 * sd[0], rel=0.25)
    draws = model.sample(16, n_samples=4000).samples
    assert (np.abs(draws.mean(0) - mean) < 5 * sd / np.sqrt(4000)).all()
    np.testing.assert_allclose(draws.std(0), sd, rtol=5 / np.sqrt(8000))
    correlation = np.corrcoef(draws[:, 7], draws[:, 8])[0, 1]
    assert correlation > 0.85  # sqrt(8 / 9) of a walk


@pytest.mark.parametrize("kind", BOTH)
def test_gaps_of_a_line_are_filled_by_it(kind):
    """Nothing blows up where the errors are nothing."""
    y = np.arange(300.0)[:, None]
    holes = y.copy()
    holes[100:106] = NAN
    filler = kind(period=24, random_state=0).fit(holes).as_imputer()
    np.testing.assert_allclose(filler.transform(holes), y, atol=0.2)
    draws = filler.sample(holes, 200).samples
    np.testing.assert_allclose(draws, y[None, 100:106, 0].repeat(200, 0), atol=1)


@pytest.mark.parametrize("kind", BOTH)
def test_a_season_without_noise_goes_on(kind):
    y = np.tile([1.0, 4.0, 2.0, 8.0], 20)[:, None]
    mean, sd = law(kind(period=4).fit(y), 8)
    np.testing.assert_allclose(mean, y[:8, 0], atol=1e-3)
    assert (sd < 0.01).all()


@pytest.mark.parametrize("kind", BOTH)
def test_units_and_origin_do_not_matter(kind):
    y = seasonal(100)[:, None]
    model = kind(period=6, random_state=0)
    mine = model.fit(y).sample(9, n_samples=20).samples
    other = model.fit(1024 * y).sample(9, n_samples=20).samples
    np.testing.assert_allclose(other, 1024 * mine, rtol=1e-9)
    mean, sd = law(model.fit(y), 9)
    moved, spread = law(model.fit(3.7 * y - 5e3), 9)
    np.testing.assert_allclose(moved, 3.7 * mean - 5e3, atol=0.02 * sd.min())
    np.testing.assert_allclose(spread, 3.7 * sd, rtol=0.01)


@pytest.mark.parametrize("kind", BOTH)
def test_gaps_are_filled_from_both_sides(kind):
    y = pd.Series(seasonal(150), name="y")
    truth, gap = y.copy(), slice(70, 76)
    y.iloc[gap] = NAN
    model = kind(period=6, random_state=0).fit(y)
    filler = model.as_imputer()
    filled = filler.transform(y)
    assert np.abs(filled - truth).iloc[gap].max() < 3.5
    ends = filler.predict_interval(y, 0.9).iloc[gap]
    width = (ends.iloc[:, 1] - ends.iloc[:, 0]).to_numpy()
    ahead = law(model, 6, y.iloc[:70])[1] * 2 * ndtri(0.95)
    assert (width < 1.05 * ahead).all()  # more is known
    draws = filler.sample(y, 4000).samples
    np.testing.assert_allclose(draws.std(0), width / (2 * ndtri(0.95)), rtol=0.06)
    mine = ForecastFiller(kind(period=6), random_state=0).fit(y)
    pd.testing.assert_series_equal(mine.transform(y), filled)


@pytest.mark.parametrize("kind", BOTH)
def test_histories_of_few_values(kind):
    many = pd.concat(
        {
            "one": pd.Series([3.0]),
            "two": pd.Series([3.0, 5.0]),
            "some": pd.Series([3.0, 5.0, 4.0, NAN, 6.0]),
            "flat": pd.Series(np.full(30, 7.0)),
            "gap": pd.Series([*range(20), *[NAN] * 5]).astype(float),
        },
        names=["unique_id", "ds"],
    ).rename("y")
    model = kind(period=4, random_state=0).fit(many)
    ends = model.predict_interval(3)
    width = (ends["y-hi-90"] - ends["y-lo-90"]).groupby(level=0).agg(list).map(np.array)
    middle = model.predict(3).groupby(level=0).agg(list).map(np.array)
    assert (middle["one"] == 3).all()
    assert (middle["two"] == 5).all()
    assert all((width[name] > 0).all() for name in ("one", "two", "some"))
    np.testing.assert_allclose(middle["flat"], 7)
    assert (width["flat"] == 0).all()
    assert 18 < middle["gap"].min() <= middle["gap"].max() < 30
    paths = model.sample(3, n_samples=50)
    assert np.isfinite(paths.samples).all()


@pytest.mark.parametrize("kind", BOTH)
def test_draws_stand_alone_and_repeat(kind):
    y = pd.DataFrame({"a": seasonal(60), "b": walk(60)[0]})
    panel = pd.concat({s: y + i for i, s in enumerate("xy")}, names=["id", "ds"])
    model = kind(period=6, random_state=5).fit(panel)
    path = list(model.sample(8, n_samples=6))[3]
    pd.testing.assert_frame_equal(list(model.sample(8, n_samples=4))[3], path)
    alone = list(model.sample(8, panel.loc[["y"]], n_samples=5))[3]
    pd.testing.assert_frame_equal(alone, path.loc[["y"]])
    with pytest.raises(ValueError, match="can't use X or static"):
        model.fit(panel, panel)
