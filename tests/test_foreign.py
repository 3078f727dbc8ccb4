"""Foreign forecasters: their numbers, our faces, and how their steps hang together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from tsdiff import DiffusionForecaster, from_long, to_long
from tsdiff.baselines import ForeignForecaster, LastValue, LinearInterpolation
from tsdiff.baselines.paths import neighbour_correlation

NAN = np.nan


class Walk:
    """What both fakes answer: the last value, and a spread of sqrt(h)."""

    n_fits = 0  # of all copies

    def __init__(self, spread=1.0):
        self.spread = spread

    def ends(self, last, h, share):
        width = ndtri(0.5 + share / 2) * self.spread * np.sqrt(np.arange(1, h + 1))
        return last - width, last + width


class Nixtla(Walk):
    """Speaks the layout of statsforecast: sorted by id, columns named by the model."""

    alias = "Walk"

    def fit(self, df):
        assert list(df.columns) == ["unique_id", "ds", "y"]
        assert df["y"].notna().all()
        Walk.n_fits += 1
        self.df = df

    def predict(self, h, level):
        parts = []
        for name, own in self.df.groupby("unique_id"):
            ds = own["ds"]
            step = ds.iloc[-1] - ds.iloc[-2]
            last = own["y"].iloc[-1]
            part = {
                "unique_id": name,
                "ds": [ds.iloc[-1] + k * step for k in range(1, h + 1)],
            }
            part[self.alias] = np.full(h, last)
            for share in sorted(level, reverse=True):
                low, high = self.ends(last, h, share / 100)
                part[f"{self.alias}-lo-{share}"] = low
                part[f"{self.alias}-hi-{share}"] = high
            parts.append(pd.DataFrame(part))
        return pd.concat(parts, ignore_index=True)


class Quantiles(Walk):
    """Speaks the layout of sktime, by quantiles."""

    def fit(self, y, X=None, fh=None):
        assert isinstance(y, pd.Series)
        assert X is None
        assert y.notna().all()
        Walk.n_fits += 1
        self.y, self.fh = y, fh
        return self

    def predict_quantiles(self, fh=None, X=None, alpha=None):
        assert X is None
        h = len(fh)
        columns = pd.MultiIndex.from_product([[self.y.name], alpha])
        sd = self.spread * np.sqrt(np.arange(1, h + 1))
        return pd.DataFrame(
            self.y.iloc[-1] + sd[:, None] * ndtri(alpha), columns=columns
        )


class Intervals(Quantiles):
    """Speaks the layout of sktime, by intervals alone."""

    predict_quantiles = property()  # hasattr says no

    def predict(self, fh=None, X=None):
        assert X is None
        return pd.Series(np.full(len(fh), self.y.iloc[-1]))

    def predict_interval(self, fh=None, X=None, coverage=None):
        assert X is None
        columns = pd.MultiIndex.from_product(
            [[self.y.name], coverage, ["lower", "upper"]]
        )
        ends = [
            end
            for share in coverage
            for end in self.ends(self.y.iloc[-1], len(fh), share)
        ]
        return pd.DataFrame(np.transpose(ends), columns=columns)


FAKES = [Nixtla, Quantiles, Intervals]


def panel(n_rows=30, seed=0):
    """Two series whose ids are not in order, of two columns each, by days."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2024-02-20", periods=n_rows, freq="D", name="ds")
    parts = {
        name: pd.DataFrame(rng.standard_normal((n_rows, 2)).cumsum(0), days, ["a", "b"])
        for name in ("z", "m")
    }
    return pd.concat(parts, names=["unique_id"])


@pytest.mark.parametrize("fake", FAKES)
def test_quantiles_are_those_of_the_model(fake):
    """Normal intervals come back exactly, between the levels asked for and beyond."""
    y = panel()
    model = ForeignForecaster(fake(spread=2.0)).fit(y)
    levels = [0.001, 0.037, 0.5, 0.83, 0.975, 0.9999]
    found = model.predict_quantiles(h=5, alpha=levels)
    days = pd.date_range("2024-03-21", periods=5, freq="D")
    assert found.index.tolist() == [(s, day) for s in "zm" for day in days]
    sd = 2.0 * np.sqrt(np.arange(1, 6))
    for name in ("z", "m"):
        for column in ("a", "b"):
            expected = y.loc[name, column].iloc[-1] + sd[:, None] * ndtri(levels)
            own = found.loc[name].filter(like=f"{column}-q").to_numpy()
            np.testing.assert_allclose(own, expected, rtol=1e-9)


@pytest.mark.parametrize("fake", FAKES)
def test_one_history_costs_one_fit_and_another_one_more(fake):
    y = panel()[["a"]].loc[["z"]]
    model = ForeignForecaster(fake(), random_state=0).fit(y)
    Walk.n_fits = 0
    model.predict(h=3, level=[80])
    model.predict_interval(h=3)
    model.sample(h=3, n_samples=5)
    assert Walk.n_fits == 1
    earlier = model.predict(h=3, y=y.iloc[:20])
    assert Walk.n_fits == 2
    np.testing.assert_allclose(earlier["a"], y["a"].iloc[19])
    assert not hasattr(model.model, "df")  # copies learned
    assert not hasattr(model.model, "y")


def test_paths_of_a_walk_are_those_of_a_walk():
    """The stated assumption is exact here: covariance min(s, t)."""
    y = panel()
    model = ForeignForecaster(Nixtla(spread=1.5), random_state=1).fit(y)
    draws = model.sample(h=4, n_samples=20_000)
    samples = draws.paths()[:, :4, 0] - y.loc["z", "a"].iloc[-1]
    steps = np.arange(1, 5)
    expected = 2.25 * np.minimum(steps[:, None], steps)
    scale = np.sqrt((np.outer(2.25 * steps, 2.25 * steps) + expected**2) / 20_000)
    assert (np.abs(np.cov(samples.T) - expected) < 5 * scale).all()
    others = np.corrcoef(draws.paths().reshape(20_000, -1)[:, [3 * 2, 3 * 2 + 1, 14]].T)
    assert np.abs(others - np.eye(3)).max() < 5 / np.sqrt(20_000)


@pytest.mark.parametrize("share", [0.0, 0.7])
def test_a_number_is_the_correlation_of_neighbours(share):
    model = ForeignForecaster(Nixtla(), dependence=share, random_state=1).fit(panel())
    samples = model.sample(h=4, n_samples=20_000).paths()[:, :4, 1]
    apart = np.abs(np.arange(4)[:, None] - np.arange(4))
    error = np.corrcoef(samples.T) - share**apart * (1.0 if share else apart == 0)
    assert np.abs(error).max() < 5 / np.sqrt(20_000)


def test_dependence_read_off_the_spread_is_right_for_an_ar1():
    steps = np.arange(1, 9)
    for rho in (0.0, 0.6, 0.95):
        variance = np.cumsum(rho ** (2 * (steps - 1)))
        covariance = rho * variance[:-1]
        expected = covariance / np.sqrt(variance[:-1] * variance[1:])
        found = neighbour_correlation(3 * np.sqrt(variance))
        np.testing.assert_allclose(found, expected, atol=1e-7)


def test_draws_are_keyed_and_their_quantiles_are_the_models():
    y = panel()
    model = ForeignForecaster(Nixtla(), random_state=5).fit(y)
    draws = model.sample(h=3, n_samples=4000)
    alone = model.sample(h=3, y=y.loc[["m"]], n_samples=7)
    np.testing.assert_array_equal(alone.paths(), draws.paths()[:7, 3:])
    levels = np.array([0.1, 0.5, 0.9])
    found = draws.quantile(levels.tolist()).to_numpy()
    sd = np.sqrt(np.tile([1, 2, 3], 2))[:, None].repeat(6, 1)
    expected = model.predict_quantiles(h=3, alpha=levels).to_numpy()
    assert (np.abs(found - expected) < 5 * 1.8 * sd / np.sqrt(4000)).all()


@pytest.mark.parametrize("fake", FAKES)
@pytest.mark.parametrize("kind", ["period", "numbers", "array", "zone"])
def test_all_kinds_of_time_go_in(fake, kind):
    y = np.arange(12.0)
    data = {
        "period": pd.Series(y, pd.period_range("2024-01", periods=12, freq="M")),
        "numbers": pd.Series(y, np.arange(5, 17)),
        "array": y[:, None],
        "zone": pd.Series(
            y, pd.date_range("2024-01-01", periods=12, freq="h", tz="Europe/Paris")
        ),
    }[kind]
    if kind == "period" and fake is Nixtla:
        fake = Months
    answer = ForeignForecaster(fake()).fit(data).predict(h=2)
    assert type(answer) is type(data)
    np.testing.assert_array_equal(np.ravel(answer), [11.0, 11.0])
    if kind == "period":
        assert answer.index.astype(str).tolist() == ["2025-01", "2025-02"]


class Months(Nixtla):
    """Knows its frequency, as statsforecast does."""

    def predict(self, h, level):
        answer = super().predict(h, level)
        assert pd.api.types.is_datetime64_any_dtype(answer["ds"])
        last = self.df["ds"].iloc[-1]
        return answer.assign(ds=pd.date_range(last, periods=h + 1, freq="MS")[1:])


def test_gaps_are_refused_or_filled_as_asked():
    y = panel()
    y.iloc[:3, 0] = NAN  # begins later
    y.iloc[10:12, 0] = NAN
    y.iloc[28:30, 1] = NAN
    with pytest.raises(ValueError, match=r"2 value\(s\) of series 'z', column 'a'"):
        ForeignForecaster(Nixtla()).fit(y).predict(h=2)
    before = y.copy()
    filled = ForeignForecaster(Nixtla(), fill=LinearInterpolation()).fit(y)
    answer = filled.predict(h=2)
    pd.testing.assert_frame_equal(y, before)
    assert answer.loc["z", "b"].iloc[0] == y.loc["z", "b"].iloc[27]
    assert answer.loc["m", "a"].iloc[0] == y.loc["m", "a"].iloc[-1]


def test_a_series_without_a_value_gets_the_law_of_its_channel():
    y = panel()
    y.loc["m", "b"] = NAN
    model = ForeignForecaster(Nixtla()).fit(y)
    found = model.predict_quantiles(h=2, alpha=[0.5, 0.9])
    own = y.loc["z", "b"]
    expected = own.mean() + np.array([0, ndtri(0.9)]) * own.std(ddof=0)
    np.testing.assert_allclose(found.loc["m"].iloc[1, 2:], expected)


def test_crossing_ends_are_sorted():
    class Crossed(Nixtla):
        def ends(self, last, h, share):
            return tuple(reversed(super().ends(last, h, share)))

    y = panel()
    mine = ForeignForecaster(Crossed()).fit(y).predict_interval(h=2)
    theirs = ForeignForecaster(Nixtla()).fit(y).predict_interval(h=2)
    pd.testing.assert_frame_equal(mine, theirs)


def test_what_cannot_be_used_is_refused_in_words():
    y = panel()
    with pytest.raises(TypeError, match="neither Nixtla's fit"):
        ForeignForecaster(object()).fit(y)
    with pytest.raises(ValueError, match=r"dependence is a correlation in \[0, 1\)"):
        ForeignForecaster(Nixtla(), dependence=1.0).fit(y)
    with pytest.raises(ValueError, match="level must lie between 0 and 100"):
        ForeignForecaster(Nixtla(), level=[80, 100]).fit(y)
    with pytest.raises(ValueError, match="can't use X or static"):
        ForeignForecaster(Nixtla()).fit(y, y)

    class Points(Nixtla):
        def predict(self, h, level):
            answer = super().predict(h, level)
            return answer[["unique_id", "ds", "Walk"]]

    with pytest.raises(ValueError, match=r"lacks column\(s\) 'Walk-lo-20', "):
        ForeignForecaster(Points()).fit(y).predict(h=2)

    class Two(Nixtla):
        def predict(self, h, level):
            return super().predict(h, level).assign(Other=0.0)

    with pytest.raises(ValueError, match="'Walk', 'Other', and one is needed"):
        ForeignForecaster(Two()).fit(y).predict(h=2)

    class Hourly(Nixtla):
        def predict(self, h, level):
            answer = super().predict(h, level)
            return answer.assign(ds=answer["ds"] + pd.Timedelta("1h"))

    with pytest.raises(ValueError, match="Is its freq that of the data"):
        ForeignForecaster(Hourly()).fit(y).predict(h=2)

    class Lost(Nixtla):
        def ends(self, last, h, share):
            return tuple(NAN * end for end in super().ends(last, h, share))

    with pytest.raises(ValueError, match="for series 'z', column 'a' is not finite"):
        ForeignForecaster(Lost()).fit(y).predict(h=2)


def test_a_long_frame_goes_in_and_comes_out():
    """The layout of Nixtla's libraries, there and back; no package is needed."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=40, freq="D")
    long = pd.DataFrame(
        {
            "unique_id": np.repeat(["b", "a"], 40),
            "ds": np.tile(days, 2),
            "y": rng.standard_normal(80).cumsum(),
        }
    )
    sizes = {"max_epochs": 1, "window": 16, "width": 8, "depth": 1, "random_state": 0}
    for model in (
        DiffusionForecaster(horizon=3, **sizes),
        ForeignForecaster(Nixtla()),
        ForeignForecaster(Quantiles(), fill=LastValue()),
    ):
        answer = model.fit(from_long(long)).predict(h=3, level=[80, 95])
        out = to_long(answer, model="tsdiff")
        ends = ["-lo-80", "-hi-80", "-lo-95", "-hi-95"]
        columns = ["unique_id", "ds", "tsdiff", *(f"tsdiff{end}" for end in ends)]
        assert list(out.columns) == columns
        assert out["unique_id"].tolist() == ["b"] * 3 + ["a"] * 3
        assert (out["ds"] == np.tile(days[-1] + np.arange(1, 4) * days.freq, 2)).all()
        assert (out["tsdiff-lo-95"] < out["tsdiff-lo-80"]).all()
