"""Pictures of a backtest say the numbers of its frame, and what chance alone does."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri
from scipy.stats import binom

from tsdiff import plotting
from tsdiff.backtesting.result import BacktestResult
from tsdiff.bands import quantile_suffixes
from tsdiff.plotting.bounds import binomial_bounds, design_effect
from tsdiff.plotting.scored import Scored
from tsdiff.significance import nemenyi

LEVELS = np.sort(np.append(np.arange(1, 20) / 20, [0.025, 0.975]))
EVIL = "<img src=x onerror=alert(1)></script> %{y} $x^2$"


def scored_frame(keys, sigmas=None, seed=0):
    """Standard normal truth; each model answers a normal law of its own sigma."""
    sigmas = sigmas or {"good": 1.0, "narrow": 0.5}
    y = np.random.default_rng(seed).normal(size=len(keys))
    parts = []
    for model, sigma in sigmas.items():
        part = keys.assign(model=model, y=y)
        names = [suffix.lstrip("-") for suffix in quantile_suffixes(LEVELS)]
        parts.append(
            part.assign(**dict(zip(names, sigma * ndtri(LEVELS), strict=True)))
        )
    return pd.concat(parts, ignore_index=True)


def forecasts(n_cutoffs=20, h=4, channels=("load", "wind"), **more):
    grid = pd.MultiIndex.from_product(
        [["s"], range(n_cutoffs), range(1, h + 1), channels],
        names=["unique_id", "fold", "horizon", "channel"],
    ).to_frame(index=False)
    start = pd.Timestamp("2024-03-01")
    grid["cutoff"] = start + pd.to_timedelta(h * grid.pop("fold"), "h")
    grid["ds"] = grid["cutoff"] + pd.to_timedelta(grid["horizon"], "h")
    return scored_frame(grid, **more)


def gaps(lengths=(1, 2, 3, 5, 9), n_repeats=3, **more):
    rows = []
    for repeat in range(n_repeats):
        start = pd.Timestamp("2024-03-01")
        for length in lengths:
            for k in range(length):
                distance = min(k, length - 1 - k) + 1
                ds = start + pd.Timedelta(hours=k)
                rows.append((0, ds, "a", repeat, length, distance))
            start += pd.Timedelta(hours=length + 2)
    names = ["unique_id", "ds", "channel", "repeat", "gap_length", "distance"]
    return scored_frame(pd.DataFrame(rows, columns=names), **more)


def curves(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def points(trace):
    y = np.asarray(trace.y, dtype=float)
    return y[~np.isnan(y)]


def share_inside(frame, model, coverage):
    part = frame[frame["model"] == model]
    low, high = (1 - coverage) / 2, (1 + coverage) / 2
    return part["y"].between(part[f"q-{low:g}"], part[f"q-{high:g}"])


class TestReliability:
    def test_points_are_the_shares_of_the_frame(self):
        frame = forecasts()
        for model in ("good", "narrow"):
            (curve,) = curves(plotting.plot_reliability(frame), model)
            np.testing.assert_allclose(curve.x, [*np.arange(1, 10) / 10, 0.95])
            expected = [share_inside(frame, model, c).mean() for c in curve.x.round(3)]
            np.testing.assert_allclose(curve.y, expected)
            assert curve.text[4] == f"{100 * expected[4]:.1f} % of {len(frame) // 2}"

    def test_takes_whatever_holds_a_frame(self):
        class Result:
            frame = forecasts()

        one, other = map(plotting.plot_reliability, (Result(), Result.frame))
        assert one.to_json() == other.to_json()

    def test_areas_are_binomial_and_widen_with_dependence(self):
        frame = forecasts(sigmas={"good": 1.0})
        wide, narrow = curves(plotting.plot_reliability(frame), "chance")
        n, nominal = len(frame), np.append(np.arange(1, 10) / 10, 0.95)
        expected = binom.ppf([[0.005], [0.995]], n, nominal) / n
        np.testing.assert_allclose(narrow.y, [*expected[0], *expected[1][::-1]])
        repeated = frame.loc[frame.index.repeat(9)]  # each cell nine times: one ninth
        wide, narrow = curves(plotting.plot_reliability(repeated), "chance")
        half = len(nominal)
        ends = [np.asarray(trace.y) for trace in (wide, narrow)]
        width = [y[::-1][:half] - y[:half] for y in ends]
        assert 2 < np.median(width[0] / width[1]) < 4


class TestPit:
    def test_heights_are_shares_over_widths(self):
        frame = forecasts(n_cutoffs=200)
        figure = plotting.plot_pit(frame)
        edges = np.concatenate([[0], LEVELS, [1]])
        for model in ("good", "narrow"):
            (bars,) = curves(figure, model)
            part = frame[frame["model"] == model]
            bounds = np.concatenate(
                [[-np.inf], part.filter(like="q-").iloc[0], [np.inf]]
            )
            count = np.histogram(part["y"], bounds)[0]
            np.testing.assert_allclose(bars.y, count / len(part) / np.diff(edges))
            np.testing.assert_allclose(bars.width, np.diff(edges))
        narrow = np.asarray(curves(figure, "narrow")[0].y)
        assert narrow[[0, -1]].min() > 5  # heaped at both ends

    def test_a_truth_on_the_edge_belongs_to_both_sides(self):
        frame = pd.DataFrame({"model": "a", "y": [2.0], "q-0.2": 2.0, "q-0.6": 2.0})
        (bars,) = curves(plotting.plot_pit(frame), "a")
        np.testing.assert_allclose(bars.y, [1, 1, 1])


class TestByGroup:
    def test_coverage_by_length_of_the_gap(self):
        frame = gaps(n_repeats=30)
        figure = plotting.plot_coverage(frame, "gap_length", 0.8)
        (curve,) = curves(figure, "narrow")
        assert list(curve.x) == ["1", "2-3", "4-7", "8-15"]
        part = frame[frame["model"] == "narrow"]
        inside = share_inside(frame, "narrow", 0.8)
        bins = pd.cut(part["gap_length"], [0, 1, 3, 7, 15])
        np.testing.assert_allclose(curve.y, inside.groupby(bins, observed=True).mean())
        assert curve.text[1].endswith(" % of 150")

    @pytest.mark.parametrize("score", ["crps", "mae", "rmse", "interval"])
    def test_scores_by_horizon(self, score):
        frame = forecasts()
        (curve,) = curves(plotting.plot_scores(frame, score=score), "good")
        assert list(curve.x) == ["1", "2", "3", "4"]
        part = frame[(frame["model"] == "good") & (frame["horizon"] == 3)]
        y, q = part["y"].to_numpy(), part.filter(like="q-").to_numpy()
        if score == "crps":  # over the levels k/20
            below, levels = (y[:, None] - q)[:, 1:-1], LEVELS[1:-1]
            loss = np.maximum(levels * below, (levels - 1) * below)
            expected = 2 * loss.mean()
        elif score == "interval":
            low, high = part["q-0.05"], part["q-0.95"]
            miss = (low - y).clip(0) + (y - high).clip(0)
            expected = (high - low + 20 * miss).mean()
        else:
            error = np.abs(y - part["q-0.5"])
            expected = error.mean() if score == "mae" else np.sqrt((error**2).mean())
        assert curve.y[2] == pytest.approx(expected)

    def test_crps_of_a_standard_normal(self):
        frame = forecasts(n_cutoffs=2_000, sigmas={"good": 1.0})
        (curve,) = curves(plotting.plot_scores(frame, "channel"), "good")
        np.testing.assert_allclose(curve.y, 1 / np.sqrt(np.pi), rtol=0.05)

    def test_pooled_scores_are_those_of_the_result(self):
        frame = forecasts().assign(y=lambda table: table["y"] * 3)
        strands = pd.MultiIndex.from_product([["s"], ["load", "wind"]])
        result = BacktestResult(
            frame, LEVELS, pd.DataFrame(), pd.Series([2.0, 5.0], strands)
        )
        for score in ("crps", "mae", "rmse"):
            for by in ("horizon", "channel"):
                figure = plotting.plot_scores(result, by, score)
                table = result.scores(by)[score]
                for model in ("good", "narrow"):
                    (curve,) = curves(figure, model)
                    np.testing.assert_allclose(curve.y, table[model])

    def test_what_cannot_be_grouped_is_refused(self):
        frame = forecasts()
        with pytest.raises(ValueError, match=r"'gap_length'; it has 'unique_id'"):
            plotting.plot_coverage(frame, "gap_length")
        with pytest.raises(ValueError, match=r"level 0\.15;|level 0\.015;"):
            plotting.plot_coverage(frame, coverage=0.97)
        with pytest.raises(ValueError, match=r"crps.*got 'nll'"):
            plotting.plot_scores(frame, score="nll")
        many = frame.assign(unique_id=np.arange(len(frame)))
        with pytest.raises(ValueError, match="320 values, more than 60"):
            plotting.plot_scores(many, "unique_id")


RANKS = {"a": 1.5, "b": 1.0, "c": 2.6, "d": 3.9}


class TestCriticalDifferences:
    def test_bars_join_what_lies_within_the_difference(self):
        figure = plotting.plot_critical_differences(RANKS, 1.15)
        bars = [t for t in figure.data if t.line.width == 5]
        joined = [(bar.x[0] + 0.04, bar.x[1] - 0.04) for bar in bars]
        np.testing.assert_allclose(joined, [(1.0, 1.5), (1.5, 2.6)])
        said = [t.text for t in figure.data if t.text]
        assert said[0] == "b: mean rank <b>1.000</b>"
        hooks = [t.x[0] for t in figure.data if t.text]
        assert hooks == sorted(RANKS.values())

    def test_a_backtest_is_ranked_over_series_and_channels(self):
        sigmas = {"good": 1.0, "narrow": 0.3, "wide": 6.0}
        names = tuple("abcdefgh")
        frame = forecasts(channels=names, sigmas=sigmas)
        figure = plotting.plot_critical_differences(frame)
        losses = [
            np.asarray(curves(plotting.plot_scores(frame, "channel"), model)[0].y)
            for model in sigmas
        ]
        found = nemenyi(np.stack(losses, axis=1))
        said = f"critical difference {found.critical_difference:.2f}"
        assert said in figure.layout.title.subtitle.text
        hooks = [trace.x[0] for trace in figure.data if trace.text]
        np.testing.assert_allclose(hooks, np.sort(found.mean_ranks))
        with pytest.raises(ValueError, match="need a critical_difference"):
            plotting.plot_critical_differences(RANKS)

    def test_what_is_no_rank_is_refused(self):
        with pytest.raises(ValueError, match="two models"):
            plotting.plot_critical_differences({"a": 1.0}, 1)
        with pytest.raises(ValueError, match="'a' is 0"):
            plotting.plot_critical_differences({"a": 0, "b": 1.5}, 1)
        with pytest.raises(ValueError, match="above 0"):
            plotting.plot_critical_differences({"a": 1, "b": 2}, 0)


class TestExplorer:
    @staticmethod
    def step(figure, number):
        """Arrays of each trace once the slider is moved."""
        arrays, index = figure.layout.sliders[0].steps[number].args
        assert list(index) == list(range(len(figure.data)))
        return arrays

    def test_each_step_shows_the_numbers_of_its_fold(self):
        frame = forecasts(n_cutoffs=5)
        figure = plotting.plot_backtest(frame, coverage=0.8)
        assert figure.layout.title.text == "Backtest: 2 models, 5 cutoffs"
        cutoffs = frame["cutoff"].unique()
        for number, cutoff in enumerate(cutoffs):
            arrays = self.step(figure, number)
            fold = frame[(frame["cutoff"] == cutoff) & (frame["channel"] == "wind")]
            for k, trace in enumerate(figure.data):
                if trace.yaxis != "y2" or trace.name == "observed":
                    continue
                part = (
                    fold if trace.name == "truth" else fold[fold["model"] == trace.name]
                )
                if trace.name == "truth":
                    np.testing.assert_allclose(arrays["y"][k], part["y"][:4])
                elif trace.fill:
                    low, high = part["q-0.1"], part["q-0.9"][::-1]
                    np.testing.assert_allclose(arrays["y"][k], [*low, *high])
                elif trace.mode == "none":
                    for text, y in zip(arrays["text"][k], part["y"], strict=True):
                        said = text.partition("truth <b>")[2].removesuffix("</b>")
                        assert float(said) == pytest.approx(y, abs=1e-3)
                else:
                    np.testing.assert_allclose(arrays["y"][k], part["q-0.5"])
                assert arrays["x"][k][0] == f"{part['ds'].iloc[0]:%Y-%m-%dT%H:%M}"
        first = self.step(figure, 0)
        assert [list(t.y) for t in figure.data] == [list(y) for y in first["y"]]

    def test_series_put_their_own_steps_into_the_slider(self):
        one = forecasts(n_cutoffs=3)
        frame = pd.concat([one, one.assign(unique_id="t", y=one["y"] + 100)])
        figure = plotting.plot_backtest(frame)
        alone = plotting.plot_backtest(frame[frame["unique_id"] == "t"])
        _, model, series = figure.layout.updatemenus
        assert [b.label for b in model.buttons] == ["All models", "good", "narrow"]
        assert [b.label for b in series.buttons] == ["s", "t"]
        arrays, layout, _ = series.buttons[1].args
        assert layout["sliders[0].active"] == 0
        steps = [step["args"] for step in layout["sliders[0].steps"]]
        assert steps == [[self.step(alone, k), steps[k][1]] for k in range(3)]
        assert arrays == steps[0][0]

    def test_a_model_that_failed_on_a_fold_is_blank_there(self):
        frame = forecasts(n_cutoffs=3)
        last = frame["cutoff"].max()
        part = frame[~((frame["model"] == "narrow") & (frame["cutoff"] == last))]
        figure = plotting.plot_backtest(part)
        arrays = self.step(figure, 2)
        for trace, y in zip(figure.data, arrays["y"], strict=True):
            empty = trace.name == "narrow" or trace.name == "observed"
            assert (len(y) == 0) == empty

    def test_data_are_drawn_around_hidden_cells(self):
        frame = gaps(sigmas={"good": 1.0})
        data = frame[frame["repeat"] == 0].set_index("ds")["y"].asfreq("h")
        data = data.fillna(7.0).rename("a").to_frame()
        figure = plotting.plot_backtest(frame, data)
        (observed,) = curves(figure, "observed")
        assert set(points(observed)) == {7.0}
        band = next(t for t in figure.data if t.fill)
        assert 7.0 in band.y  # it starts from the observed neighbours
        with pytest.raises(ValueError, match="lacks rows"):
            plotting.plot_backtest(frame, data.iloc[:5])
        with pytest.raises(ValueError, match="channel 'a'"):
            plotting.plot_backtest(frame, data.rename(columns={"a": "b"}))

    def test_many_folds_are_thinned_and_said(self):
        figure = plotting.plot_backtest(forecasts(n_cutoffs=60, h=1))
        assert len(figure.layout.sliders[0].steps) == 24
        said = figure.layout.title.subtitle.text.replace("<br>", " ")
        assert said.endswith("24 of the cutoffs are shown.")


class TestChance:
    def test_design_effect_of_known_blocks(self):
        """Blocks of m equal cells weigh as one: the effect is m; 1 if independent."""
        rng = np.random.default_rng(0)
        block = np.arange(4_000) // 8
        same = np.repeat(rng.random(500) < 0.3, 8).astype(float)
        alone = (rng.random(4_000) < 0.3).astype(float)
        assert design_effect(same, block) == pytest.approx(8, rel=0.02)
        assert design_effect(alone, block) < 1.25
        assert design_effect(np.ones(8), block[:8]) == 1

    def test_bounds_hold_99_percent(self):
        low, high = binomial_bounds(np.array([0.9]), 200.9)
        inside = binom.cdf(high * 200, 200, 0.9) - binom.cdf(low * 200 - 1, 200, 0.9)
        assert 0.99 <= inside[0] < 0.996

    def test_a_gap_is_a_block_and_so_is_a_window(self):
        frame = gaps(sigmas={"good": 1.0})
        shuffled = frame.sample(frac=1, random_state=0)
        block = Scored.of(shuffled).blocks()
        own = shuffled.groupby(block)[["repeat", "gap_length"]].nunique()
        assert (own == 1).all(axis=None)
        assert len(own) == 15
        assert len(np.unique(Scored.of(forecasts()).blocks())) == 40


class TestFrames:
    def test_cells_without_an_answer_are_counted(self):
        frame = forecasts()
        frame.loc[:9, "q-0.5"] = np.nan
        figure = plotting.plot_scores(frame)
        assert "10 cells without an answer" in figure.layout.title.subtitle.text
        before = frame.copy()
        plotting.plot_pit(frame)
        pd.testing.assert_frame_equal(frame, before)

    def test_other_frames_are_refused(self):
        frame = forecasts()
        with pytest.raises(TypeError, match="list"):
            plotting.plot_pit([1.0])
        with pytest.raises(ValueError, match="lacks model; it has"):
            plotting.plot_pit(frame.drop(columns="model"))
        with pytest.raises(ValueError, match="quantiles"):
            plotting.plot_pit(frame[["model", "y"]])
        with pytest.raises(ValueError, match="'q-low' does not name"):
            plotting.plot_pit(frame.rename(columns={"q-0.05": "q-low"}))
        with pytest.raises(ValueError, match="no cell"):
            plotting.plot_pit(frame.assign(y=np.nan))
        with pytest.raises(ValueError, match="no two quantiles"):
            plotting.plot_reliability(frame[["model", "y", "q-0.5"]])

    @pytest.mark.parametrize("template", [None, "dark", "plotly_dark"])
    def test_hostile_names_and_no_upload(self, template):
        frame = forecasts(sigmas={EVIL: 1.0, "b": 2.0}, channels=(EVIL, "x" * 300))
        figures = [
            plotting.plot_reliability(frame, template=template),
            plotting.plot_pit(frame, template=template),
            plotting.plot_coverage(frame, "channel", template=template),
            plotting.plot_scores(frame, "channel", template=template),
            plotting.plot_backtest(frame, template=template),
            plotting.plot_critical_differences({EVIL: 1, "b": 2}, 1, template=template),
        ]
        for figure in figures:
            page = json.dumps(figure.to_plotly_json(), default=list)
            assert "<img" not in page
            assert "%{y} $" not in page
            assert "sendChartToCloud" in figure.layout.modebar.remove
