"""Draws: each view against the naive loop over completed frames it stands for."""

from __future__ import annotations

import copy
import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from tsdiff import aggregation, bands
from tsdiff.draws import Draws
from tsdiff.panel.frame import to_panel
from tsdiff.probability import Probability

N_SAMPLES = 9


def make_draws(data, seed=0, n_samples=N_SAMPLES, unanswered=0):
    """Draws for all missing cells of `data` but the last `unanswered` ones."""
    panel = to_panel(data)
    cells = np.flatnonzero(np.isnan(panel.values))
    cells = cells[: len(cells) - unanswered]
    rng = np.random.default_rng(seed)
    return Draws(panel, rng.normal(100, 20, (n_samples, len(cells))), cells)


def gappy(n_rows, n_channels=2, seed=1, share=0.3):
    rng = np.random.default_rng(seed)
    values = rng.normal(100, 20, (n_rows, n_channels))
    values[rng.random(values.shape) < share] = np.nan
    return values


def frame(index, seed=1):
    return pd.DataFrame(gappy(len(index), seed=seed), index, ["glucose", "insulin"])


def long_panel():
    """Two series of different length and start."""
    parts = {
        "b": frame(pd.date_range("2024-01-30", periods=60, freq="6h")),
        "a": frame(pd.date_range("2024-02-10", periods=90, freq="6h"), seed=2),
    }
    return pd.concat(parts, names=["unique_id", "ds"])


HOURS = pd.date_range("2024-03-30", periods=80, freq="h", tz="Europe/Berlin")
PANDAS = {
    "dates": frame(pd.date_range("2024-01-30", periods=80, freq="6h", name="when")),
    "zone": frame(HOURS),
    "periods": frame(pd.period_range("2023-11", periods=30, freq="M")),
    "numbers": frame(pd.RangeIndex(40)),
    "irregular": frame(pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-09"])),
    "panel": long_panel(),
}


class TestOneFrameForEachDraw:
    @pytest.mark.parametrize("name", PANDAS)
    def test_observed_cells_stay_and_missing_ones_are_the_draw(self, name):
        data = PANDAS[name]
        draws = make_draws(data)
        paths = list(draws)
        assert len(paths) == len(draws) == N_SAMPLES
        hole = data.isna().to_numpy()
        for path, sample in zip(paths, draws.samples, strict=True):
            pd.testing.assert_index_equal(path.index, data.index)
            assert list(path.columns) == list(data.columns)
            np.testing.assert_array_equal(
                path.to_numpy()[~hole], data.to_numpy()[~hole]
            )
            np.testing.assert_array_equal(path.to_numpy()[hole], sample)

    def test_kind_and_dtype_are_the_callers(self):
        series = pd.Series([1.5, None, 3.5], dtype="float32", name="y")
        assert all(
            isinstance(path, pd.Series) and path.dtype == "float32" and path.name == "y"
            for path in make_draws(series)
        )
        cube = gappy(24).reshape(4, 6, 2)
        assert all(path.shape == cube.shape for path in make_draws(cube))

    def test_paths_are_the_same_as_one_array(self):
        draws = make_draws(PANDAS["dates"], unanswered=2)
        stacked = np.stack([path.to_numpy() for path in draws])
        np.testing.assert_array_equal(draws.paths(), stacked)
        np.testing.assert_array_equal(draws.paths(3), stacked[:3])
        assert np.isnan(stacked).sum() == 2 * N_SAMPLES

    def test_changing_a_path_changes_no_other(self):
        draws = make_draws(gappy(10))
        first = next(iter(draws))
        first[:] = 0
        draws.paths()[:] = 0
        assert next(iter(draws)).min() > 1

    def test_a_full_frame_has_draws_too(self):
        full = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
        draws = make_draws(full)
        pd.testing.assert_frame_equal(draws.median(), full)
        assert (draws.std().to_numpy() == 0).all()
        assert draws.probability(lambda path: path["a"].max() > 2) == 1
        assert draws.aggregate("sum").to_numpy().tolist() == [[6.0, 6.0, 6.0]]
        assert len(draws.to_frame()) == 0


class TestViewsOfSingleCells:
    @pytest.fixture
    def draws(self):
        return make_draws(PANDAS["dates"], unanswered=3)

    @pytest.fixture
    def stacked(self, draws):
        return draws.paths()

    def test_median_mean_std(self, draws, stacked):
        same = np.testing.assert_allclose
        same(draws.median(), np.median(stacked, axis=0))
        same(draws.mean(), stacked.mean(axis=0))
        same(draws.std(), stacked.std(axis=0, ddof=1), atol=1e-12)
        assert np.isnan(draws.median().to_numpy()).sum() == 3

    def test_quantiles_of_one_level_complete_the_frame(self, draws, stacked):
        answer = draws.quantile(0.2)
        assert list(answer.columns) == ["glucose", "insulin"]
        np.testing.assert_allclose(answer, np.quantile(stacked, 0.2, axis=0))

    def test_quantiles_of_levels_become_columns(self, draws, stacked):
        answer = draws.quantile([0.9, 0.05])
        assert list(answer.columns) == [
            "glucose-q-0.9",
            "glucose-q-0.05",
            "insulin-q-0.9",
            "insulin-q-0.05",
        ]
        expected = np.quantile(stacked, 0.05, axis=0)
        np.testing.assert_allclose(answer["insulin-q-0.05"], expected[:, 1])
        one = draws.quantile([0.5])
        np.testing.assert_array_equal(one["glucose-q-0.5"], draws.median()["glucose"])

    def test_interval_ends_are_the_quantiles(self, draws, stacked):
        answer = draws.interval([0.5, 0.9])
        assert list(answer.columns)[:4] == [
            "glucose-lo-50",
            "glucose-hi-50",
            "glucose-lo-90",
            "glucose-hi-90",
        ]
        low, high = np.quantile(stacked, [0.05, 0.95], axis=0)
        np.testing.assert_allclose(answer["glucose-lo-90"], low[:, 0])
        np.testing.assert_allclose(answer["insulin-hi-90"], high[:, 1])

    def test_intervals_have_no_width_where_observed(self, draws):
        answer, seen = draws.interval(0.9), draws.panel.observed[:, 0]
        data = PANDAS["dates"]["glucose"].to_numpy()
        for end in ("lo", "hi"):
            column = answer[f"glucose-{end}-90"].to_numpy()
            np.testing.assert_array_equal(column[seen], data[seen])

    def test_percent_and_share_give_the_same(self, draws):
        pd.testing.assert_frame_equal(
            draws.interval([0.8, 0.95]), draws.interval(level=[80, 95])
        )

    def test_small_blocks_change_nothing(self, draws, monkeypatch):
        whole = draws.interval([0.5, 0.9])
        monkeypatch.setattr(bands, "_BLOCK", 1)
        pd.testing.assert_frame_equal(draws.interval([0.5, 0.9]), whole)

    def test_arrays_and_series(self):
        assert make_draws(gappy(20)).interval([0.5, 0.9]).shape == (20, 8)
        cube = gappy(24).reshape(4, 6, 2)
        answer = make_draws(cube).interval(0.9)
        assert answer.shape == (4, 6, 4)
        np.testing.assert_array_equal(
            answer[~np.isnan(cube[..., 0]), 0], cube[~np.isnan(cube[..., 0]), 0]
        )
        series = pd.Series([1.0, None, 3.0], name="y")
        assert list(make_draws(series).interval(0.9)) == ["y-lo-90", "y-hi-90"]
        assert isinstance(make_draws(series).quantile(0.9), pd.Series)


class TestProbability:
    def test_it_is_the_share_of_paths(self):
        draws = make_draws(PANDAS["dates"], n_samples=40)
        floor = np.median(draws.paths().min(axis=(1, 2)))
        p = draws.probability(lambda path: path.to_numpy().min() < floor)
        expected = np.mean([path.to_numpy().min() < floor for path in draws])
        assert p == expected
        assert 0 < p < 1
        assert p.std_error == pytest.approx(np.sqrt(p * (1 - p) / 40))

    def test_joint_event_is_not_the_product_of_cells(self):
        """Two cells that always move together exceed 0 together half of the time."""
        panel = to_panel(np.array([[np.nan], [np.nan], [0.0]]))
        one = np.random.default_rng(3).normal(size=(2000, 1))
        draws = Draws(panel, np.repeat(one, 2, axis=1), np.array([0, 1]))
        p = draws.probability(lambda path: (path[:2] > 0).all())
        assert abs(p - 0.5) < 4 * p.std_error

    @pytest.mark.parametrize("hits", [0, 1, 17, 100])
    def test_interval_is_wilsons(self, hits):
        proportion = pytest.importorskip("statsmodels.stats.proportion")
        expected = proportion.proportion_confint(hits, 100, method="wilson")
        low, high = Probability(hits, 100).interval
        np.testing.assert_allclose((low, high), expected, atol=1e-7)
        assert low <= hits / 100 <= high

    def test_it_is_a_float(self):
        p = Probability(1, 4)
        assert p == 0.25
        assert p > 0.2
        assert 1 - p == 0.75
        assert f"{p:.2f}" == "0.25"
        assert repr(p) == "0.25 ± 0.22 (4 draws)"
        for twin in (pickle.loads(pickle.dumps(p)), copy.deepcopy(p)):
            assert (twin, twin.n_samples, twin.std_error) == (p, 4, p.std_error)

    def test_an_event_is_one_true_or_false(self):
        draws = make_draws(PANDAS["dates"])
        with pytest.raises(TypeError, match=r"one True or False.*Series"):
            draws.probability(lambda path: path["glucose"] < 70)
        with pytest.raises(TypeError, match=r"got .*NoneType"):
            draws.probability(print)


HOWS = {
    "sum": ("sum", lambda s: s.sum(min_count=1)),
    "mean": ("mean", lambda s: s.mean()),
    "min": ("min", lambda s: s.min()),
    "max": ("max", lambda s: s.max()),
    "callable": (np.median, lambda s: s.median()),
}


def naive_totals(draws, reduce, freq):
    """Quantiles of the reduced completed frames, by pandas."""
    totals = []
    for path in draws:
        if isinstance(path.index, pd.PeriodIndex):
            path = path.set_axis(path.index.to_timestamp())
        if isinstance(path.index, pd.MultiIndex):
            keys = [pd.Grouper(level=0, sort=False), pd.Grouper(level=1, freq=freq)]
            totals.append(reduce(path.groupby(keys)))
        else:
            totals.append(reduce(path.resample(freq)))
    values = np.stack([total.to_numpy() for total in totals])
    return totals[0].index, np.quantile(values, [0.5, 0.05, 0.95], axis=0)


class TestAggregate:
    @pytest.mark.parametrize("how", HOWS)
    @pytest.mark.parametrize(
        ("name", "freq"),
        [("dates", "D"), ("dates", "ME"), ("zone", "D"), ("periods", "QE")],
    )
    def test_equals_resampling_each_path(self, name, freq, how):
        draws = make_draws(PANDAS[name])
        mine, pandas_way = HOWS[how]
        index, (median, low, high) = naive_totals(draws, pandas_way, freq)
        answer = draws.aggregate(mine, freq=freq)
        assert list(answer.columns) == [
            "glucose",
            "glucose-lo-90",
            "glucose-hi-90",
            "insulin",
            "insulin-lo-90",
            "insulin-hi-90",
        ]
        got = answer.index
        if name == "periods":
            assert isinstance(got, pd.PeriodIndex)
            got = got.to_timestamp(how="end").normalize()
        assert list(got) == list(index)
        assert name == "periods" or got.freq == index.freq
        np.testing.assert_allclose(answer.iloc[:, ::3], median)
        np.testing.assert_allclose(answer.iloc[:, 1::3], low)
        np.testing.assert_allclose(answer.iloc[:, 2::3], high)

    @pytest.mark.parametrize("how", HOWS)
    def test_panel_by_series_and_month(self, how):
        draws = make_draws(PANDAS["panel"])
        mine, pandas_way = HOWS[how]
        answer = draws.aggregate(mine, freq="ME")
        assert answer.index.names == ["unique_id", "ds"]
        index, (median, low, _) = naive_totals(draws, pandas_way, "ME")
        assert set(answer.index) == set(index)
        np.testing.assert_allclose(answer.loc[index].iloc[:, ::3], median)
        np.testing.assert_allclose(answer.loc[index].iloc[:, 1::3], low)
        assert answer.index[0] == ("b", pd.Timestamp("2024-01-31"))

    @pytest.mark.parametrize("how", HOWS)
    def test_without_freq_one_row_per_series(self, how):
        draws = make_draws(PANDAS["panel"])
        mine, pandas_way = HOWS[how]
        answer = draws.aggregate(mine)
        assert list(answer.index) == ["b", "a"]
        totals = [pandas_way(path.groupby(level=0, sort=False)) for path in draws]
        expected = np.median([total.to_numpy() for total in totals], axis=0)
        np.testing.assert_allclose(answer.iloc[:, ::3], expected)

    def test_arrays_have_no_dates(self):
        cube = gappy(24).reshape(4, 6, 2)
        draws = make_draws(cube)
        expected = np.median(draws.paths().reshape(-1, 4, 6, 2).sum(axis=2), axis=0)
        answer = draws.aggregate("sum")
        assert answer.shape == (4, 6)
        np.testing.assert_allclose(answer[:, ::3], expected)
        with pytest.raises(ValueError, match=r"no dates.*freq=None"):
            draws.aggregate("sum", freq="D")
        with pytest.raises(ValueError, match=r"RangeIndex"):
            make_draws(gappy(10)).aggregate("sum", freq="D")

    def test_dependence_widens_totals(self):
        """Sums of cells that move together spread 10 times as wide as one cell."""
        panel = to_panel(np.full((10, 1), np.nan))
        one = np.random.default_rng(5).normal(size=(500, 1))
        draws = Draws(panel, np.repeat(one, 10, axis=1), np.arange(10))
        _, low, high = draws.aggregate("sum", coverage=0.5)[0]
        cell = draws.interval(0.5)[0]
        np.testing.assert_allclose([low, high], 10 * cell)

    @pytest.mark.parametrize("how", HOWS)
    def test_a_period_not_fully_answered_stays_nan(self, how):
        data = PANDAS["dates"]
        draws = make_draws(data, unanswered=1)
        row, channel = np.divmod(np.flatnonzero(data.isna().to_numpy())[-1], 2)
        answer = draws.aggregate(HOWS[how][0], freq="D")
        blank = answer.isna().to_numpy()
        expected = np.zeros(blank.shape, dtype=bool)
        day = answer.index.get_loc(data.index[row].normalize())
        expected[day, 3 * channel : 3 * channel + 3] = True
        np.testing.assert_array_equal(blank, expected)

    @pytest.mark.parametrize("how", HOWS)
    @pytest.mark.parametrize("block", [1, 50])
    def test_small_blocks_change_nothing(self, how, block, monkeypatch):
        draws = make_draws(PANDAS["panel"])
        whole = draws.aggregate(HOWS[how][0], freq="W", coverage=[0.5, 0.9])
        monkeypatch.setattr(aggregation, "_BLOCK", block)
        cut = draws.aggregate(HOWS[how][0], freq="W", coverage=[0.5, 0.9])
        pd.testing.assert_frame_equal(whole, cut)

    def test_irregular_stamps_give_no_empty_periods(self):
        stamps = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-09"])
        data = pd.DataFrame({"y": [1.0, np.nan, 3.0]}, stamps)
        answer = make_draws(data).aggregate("sum", freq="D")
        assert list(answer.index) == list(stamps)

    def test_bad_requests(self):
        draws = make_draws(PANDAS["dates"])
        with pytest.raises(ValueError, match="how is one of sum, mean, min, max"):
            draws.aggregate("total")
        with pytest.raises(ValueError, match=r"shape \(\).*np\.median"):
            draws.aggregate(lambda values, axis: values.sum() + axis)
        with pytest.raises(ValueError, match="coverage must lie"):
            draws.aggregate("sum", coverage=90)


class TestLongFrame:
    def test_each_answered_cell_and_draw_once(self):
        data = PANDAS["panel"]
        draws = make_draws(data, unanswered=1)
        long = draws.to_frame("long")
        assert list(long) == ["unique_id", "ds", "channel", "sample", "value"]
        assert len(long) == draws.samples.size
        wide = long.pivot(
            index=["unique_id", "ds"], columns=["channel", "sample"], values="value"
        )
        for number, path in enumerate(draws):
            for name in data:
                drawn = wide[name, number].dropna()
                expected = path.loc[drawn.index, name]
                np.testing.assert_array_equal(drawn, expected)
        assert wide.notna().to_numpy().sum() == draws.samples.size

    def test_one_series_of_one_channel_needs_no_channel(self):
        series = pd.Series([1.0, None, 3.0], name="y")
        long = make_draws(series, n_samples=2).to_frame()
        assert list(long) == ["unique_id", "ds", "sample", "value"]
        assert long["unique_id"].tolist() == [0, 0]
        assert long["ds"].tolist() == [1, 1]

    def test_other_layouts_are_unknown(self):
        with pytest.raises(ValueError, match="must be"):
            make_draws(gappy(5)).to_frame("wide")


class TestPolars:
    @pytest.fixture
    def draws(self):
        pl = pytest.importorskip("polars")
        data = PANDAS["zone"]
        when = pl.Series(data.index.as_unit("us").tz_convert(None).to_numpy())
        when = when.dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
        table = {"when": when, **{k: v.to_numpy() for k, v in data.items()}}
        return make_draws(pl.DataFrame(table, nan_to_null=True))

    def test_each_view_is_a_polars_frame(self, draws):
        pl = pytest.importorskip("polars")
        pandas_way = make_draws(PANDAS["zone"])
        for mine, theirs in [
            (draws.median(), pandas_way.median()),
            (draws.interval(0.9), pandas_way.interval(0.9)),
            (draws.aggregate("sum", "D"), pandas_way.aggregate("sum", "D")),
            (draws.aggregate("max"), pandas_way.aggregate("max")),
        ]:
            assert isinstance(mine, pl.DataFrame)
            values = mine.drop("when", strict=False)
            assert values.columns == list(theirs.columns)
            np.testing.assert_allclose(values.to_numpy(), theirs.to_numpy())
        days = draws.aggregate("sum", "D")["when"]
        assert days.dtype.time_zone == "Europe/Berlin"
        assert [day.hour for day in days] == [0] * len(days)

    def test_long_frame(self, draws):
        long = draws.to_frame()
        theirs = make_draws(PANDAS["zone"]).to_frame()
        assert long.columns == list(theirs.columns)
        assert long["ds"].to_list() == theirs["ds"].to_list()
        np.testing.assert_array_equal(long["value"].to_numpy(), theirs["value"])


class TestMemory:
    """20,000 rows x 20 channels, 200 draws: all paths would take 640 MB."""

    @pytest.fixture
    def draws(self):
        values = np.zeros((20_000, 20))
        values[5_000:5_200] = np.nan
        values[-1] = np.nan
        return make_draws(pd.DataFrame(values).rename(columns=str), n_samples=200)

    @pytest.mark.parametrize(
        "view",
        [
            Draws.median,
            lambda draws: draws.interval([0.5, 0.9]),
            lambda draws: draws.aggregate("sum"),
            lambda draws: draws.aggregate(np.mean),
            lambda draws: [None for _ in draws],
            lambda draws: draws.probability(lambda path: path.iloc[0, 0] > 0),
        ],
    )
    def test_no_view_builds_all_paths(self, draws, view):
        tracemalloc.start()
        view(draws)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 150e6


class TestBadDraws:
    def test_shapes_and_cells(self):
        panel = to_panel(np.array([[np.nan], [np.nan], [0.0]]))
        with pytest.raises(ValueError, match=r"shape \(3, 1\).*\(S, 2\)"):
            Draws(panel, np.zeros((3, 1)), np.array([0, 1]))
        with pytest.raises(ValueError, match="at least 1 draw"):
            Draws(panel, np.zeros((0, 2)), np.array([0, 1]))
        for cells in ([1, 0], [0, 0], [0, 2]):
            with pytest.raises(ValueError, match="ascending flat indices of missing"):
                Draws(panel, np.zeros((3, 2)), np.array(cells))

    @pytest.mark.parametrize("alpha", [0, 1, -0.1, np.nan, [0.5, 1.5], [], [[0.1]]])
    def test_levels(self, alpha):
        draws = make_draws(gappy(5))
        with pytest.raises(ValueError, match=r"alpha.*0\.05"):
            draws.quantile(alpha)

    def test_coverages(self):
        draws = make_draws(gappy(5))
        with pytest.raises(ValueError, match=r"between 0 and 1.*got 90"):
            draws.interval(90)
        with pytest.raises(ValueError, match=r"between 0 and 100.*got 100"):
            draws.interval(level=100)
        with pytest.raises(ValueError, match="twice"):
            draws.interval([0.9, 0.9])

    def test_more_paths_than_draws(self):
        with pytest.raises(ValueError, match=r"between 1 and 9 .*got 10"):
            make_draws(gappy(5)).paths(10)
        with pytest.raises(ValueError, match="at least 2 samples"):
            make_draws(gappy(5), n_samples=1).std()

    def test_repr_says_how_large(self):
        text = repr(make_draws(np.array([[1.0, np.nan]] * 4)))
        assert text == "Draws(9 raw samples of 4 answered cells; 4 rows x 2 channels)"
