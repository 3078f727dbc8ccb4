"""Pictures of forecasts: the end of the history, and the fan that goes on from it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tsdiff import plotting
from tsdiff.draws import Draws
from tsdiff.panel.frame import to_panel
from tsdiff.panel.future import future_rows

NAN = np.nan
HOURS = pd.date_range("2024-03-29", periods=72, freq="h", tz="Europe/Berlin")
H = 8
EVIL = "<img src=x onerror=alert(1)></script> %{y} $x^2$"


def frame(index=HOURS, names=("load", "wind"), seed=0):
    rng = np.random.default_rng(seed)
    values = (100 + np.cumsum(rng.normal(size=(len(index), len(names))), 0)).round(2)
    values[40:44, 0] = NAN
    return pd.DataFrame(values, index, list(names))


KINDS = {
    "series": frame()["load"],
    "numbers": frame(pd.RangeIndex(50)),
    "periods": frame(pd.period_range("2020-01", periods=50, freq="M")),
    "durations": frame(pd.timedelta_range("0h", periods=50, freq="15min")),
    "array": frame().to_numpy(),
    "cube": frame().to_numpy()[:60].reshape(2, 30, 2),
    "panel": pd.concat({1: frame(seed=1), 2: frame(seed=2)}, names=["unique_id", "ds"]),
}


def forecast(history, h=H, n_samples=40, seed=1):
    panel = future_rows(to_panel(history), h)
    rng = np.random.default_rng(seed)
    walks = rng.normal(size=(n_samples, *panel.values.shape)).cumsum(axis=1)
    samples = 100 + walks.reshape(n_samples, -1)
    return Draws(panel, samples, np.arange(samples.shape[1]))


def traces(figure, name, row=0):
    axis = "y" if row == 0 else f"y{row + 1}"
    return [t for t in figure.data if t.name == name and t.yaxis == axis]


def points(trace):
    """Finite points of a trace as a Series by time."""
    y = np.asarray(trace.y, dtype=float)
    return pd.Series(y[~np.isnan(y)], np.asarray(trace.x)[~np.isnan(y)])


def wall(stamps):
    return [f"{stamp.tz_localize(None):%Y-%m-%dT%H:%M}" for stamp in stamps]


class TestWhatIsDrawn:
    @pytest.fixture
    def history(self):
        return frame()

    @pytest.fixture
    def draws(self, history):
        return forecast(history)

    @pytest.fixture
    def figure(self, history, draws):
        return plotting.plot_forecast(history, draws)

    @pytest.mark.parametrize("row", [0, 1])
    def test_the_end_of_the_history_is_the_frame(self, figure, history, row):
        (observed,) = traces(figure, "observed", row)
        end = history.iloc[-48:, row].dropna()
        np.testing.assert_array_equal(points(observed), end)
        assert list(points(observed).index) == wall(end.index)

    def test_a_long_horizon_shows_more_of_it(self):
        history = frame(pd.date_range("2024-01-01", periods=200, freq="h"))
        figure = plotting.plot_forecast(history, forecast(history, h=30))
        (observed,) = traces(figure, "observed", 1)
        assert len(points(observed)) == 90

    @pytest.mark.parametrize("row", [0, 1])
    def test_median_and_bands_start_from_the_last_value(
        self, figure, history, draws, row
    ):
        name, last = history.columns[row], history.iloc[-1, row]
        (median,) = traces(figure, "median", row)
        expected = [last, *draws.median()[name]]
        np.testing.assert_allclose(points(median), expected)
        ahead = draws.panel.index
        assert list(points(median).index) == wall([history.index[-1], *ahead])
        for level in (50, 80, 95):
            (band,) = traces(figure, f"{level} %", row)
            sides = points(band).groupby(level=0).agg(["min", "max"])
            table = draws.interval(level / 100)
            low, high = table[f"{name}-lo-{level}"], table[f"{name}-hi-{level}"]
            np.testing.assert_allclose(sides["min"], [last, *low])
            np.testing.assert_allclose(sides["max"], [last, *high])

    def test_paths_are_the_first_draws(self, figure, history, draws):
        lines = traces(figure, "draws", 1)
        assert len(lines) == 5
        for line, path in zip(lines, draws, strict=False):
            expected = [history["wind"].iloc[-1], *path["wind"]]
            np.testing.assert_allclose(points(line), expected)

    def test_a_history_that_ends_missing_is_not_joined(self, history, draws):
        history.iloc[-2:, 0] = NAN
        figure = plotting.plot_forecast(history, draws)
        (median,) = traces(figure, "median")
        assert len(points(median)) == H

    def test_labels_say_the_numbers(self, figure, history, draws):
        (labels,) = traces(figure, "labels", 1)
        said = dict(zip(labels.x, labels.text, strict=True))
        ahead = wall(draws.panel.index)
        bounds = draws.interval(0.95)
        for row, stamp in enumerate(ahead):
            low, high = bounds[["wind-lo-95", "wind-hi-95"]].iloc[row]
            median = draws.median()["wind"].iloc[row]
            assert f"median <b>{median:.2f}</b>, raw<br>50 %" in said[stamp]
            assert said[stamp].endswith(f"95 %: {low:.2f} to {high:.2f}")
        last = wall(history.index[-1:])[0]
        assert said[last] == f"observed <b>{history['wind'].iloc[-1]:.2f}</b>"

    def test_title_and_legend(self, figure, history):
        assert figure.layout.title.text == "Forecast of 8 rows"
        subtitle = figure.layout.title.subtitle.text
        assert subtitle == "median and 50, 80, 95 % bands of 40 draws"
        listed = [trace.name for trace in figure.data if trace.showlegend]
        assert sorted(listed) == ["50 %", "80 %", "95 %", "draws", "median", "observed"]
        history.attrs["units"] = {"load": "MW"}
        labelled = plotting.plot_forecast(history, forecast(history, h=1))
        names = [note.text for note in labelled.layout.annotations]
        assert names == ["<b>load</b> (MW)", "<b>wind</b>"]
        assert labelled.layout.title.text == "Forecast of 1 row"

    def test_inputs_are_not_changed(self, history, draws):
        before, samples = history.copy(), draws.samples.copy()
        plotting.plot_forecast(history, draws, draws.mean())
        pd.testing.assert_frame_equal(history, before)
        np.testing.assert_array_equal(draws.samples, samples)


class TestTruth:
    def test_what_came_is_drawn_as_circles(self):
        everything = frame(pd.date_range("2024-01-01", periods=90, freq="h"))
        history, future = everything.iloc[:80], everything.iloc[80:85]
        draws = forecast(history)
        figures = [
            plotting.plot_forecast(history, draws, truth)
            for truth in (future, everything)  # other rows are passed over
        ]
        for figure, n_rows in zip(figures, (5, 8), strict=True):
            (circles,) = traces(figure, "truth", 1)
            assert circles.mode == "markers"
            expected = everything["wind"].iloc[80 : 80 + n_rows]
            np.testing.assert_array_equal(circles.y, expected)
            (labels,) = traces(figure, "labels", 1)
            text = f"truth <b>{expected.iloc[0]:.2f}</b>"
            assert sum(text in said for said in labels.text) == 1
        plain = plotting.plot_forecast(history, draws)
        for name in ("observed", "median", "95 %"):
            mine, theirs = traces(figures[0], name)[0], traces(plain, name)[0]
            np.testing.assert_array_equal(mine.y, theirs.y)
        assert "truth" not in {trace.name for trace in plain.data}

    def test_of_an_array_it_has_the_shape_of_the_forecast(self):
        values = frame(pd.RangeIndex(60)).to_numpy()
        draws = forecast(values[:52])
        figure = plotting.plot_forecast(values[:52], draws, values[52:])
        (circles,) = traces(figure, "truth", 1)
        np.testing.assert_array_equal(circles.y, values[52:, 1])
        assert list(circles.x) == list(range(52, 60))
        with pytest.raises(ValueError, match=r"truth has 7 rows in all, .* has 8"):
            plotting.plot_forecast(values[:52], draws, values[53:])

    def test_of_other_rows_it_is_refused(self):
        history = frame()
        with pytest.raises(ValueError, match="truth has no row of the forecast"):
            plotting.plot_forecast(history, forecast(history), history)
        draws = forecast(history)
        with pytest.raises(ValueError, match="truth has the channels 'load'"):
            plotting.plot_forecast(history, draws, history[["load"]])


class TestChoice:
    def test_series_are_chosen_by_a_menu(self):
        history = KINDS["panel"]
        draws = forecast(history)
        figure = plotting.plot_forecast(history, draws)
        alone = plotting.plot_forecast(history, draws, series=[2])
        channels, series = figure.layout.updatemenus
        assert [b.label for b in channels.buttons] == ["All channels", "load", "wind"]
        assert [b.label for b in series.buttons] == ["1", "2"]
        arrays, index = series.buttons[1].args
        assert list(index) == list(range(len(figure.data)))
        for values, trace in zip(arrays["y"], alone.data, strict=True):
            np.testing.assert_array_equal(np.array(values, float), trace.y)
        assert len(alone.layout.updatemenus) == 1
        json.loads(figure.to_json())

    def test_series_are_matched_by_name_whatever_their_order(self):
        history = KINDS["panel"]
        turned = pd.concat([history.loc[[2]], history.loc[[1]]])
        draws = forecast(history)
        mine = plotting.plot_forecast(history, draws, series=[2])
        theirs = plotting.plot_forecast(turned, draws, series=[2])
        for one, other in zip(mine.data, theirs.data, strict=True):
            np.testing.assert_array_equal(one.y, other.y)
        with pytest.raises(ValueError, match="history lacks the series 2 of"):
            plotting.plot_forecast(history.loc[[1]], draws)

    def test_channels_paths_and_coverage(self):
        history = frame()
        draws = forecast(history)
        figure = plotting.plot_forecast(
            history, draws, channels="wind", paths=1, coverage=0.6
        )
        names = [trace.name for trace in figure.data]
        assert names == ["60 %", "draws", "median", "observed", "labels"]
        assert not figure.layout.updatemenus
        for wrong in ({"channels": ["x"]}, {"series": ["x"]}, {"paths": -1}):
            with pytest.raises(ValueError, match=next(iter(wrong))):
                plotting.plot_forecast(history, draws, **wrong)

    def test_template_is_the_callers_if_given(self):
        history = frame()
        dark = plotting.plot_forecast(
            history, forecast(history), template="plotly_dark"
        )
        line = traces(dark, "observed")[0].line
        assert line.color == dark.layout.template.layout.font.color
        assert "sendChartToCloud" in dark.layout.modebar.remove


class TestHistory:
    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_goes_on_where_it_ends(self, kind):
        history = KINDS[kind]
        figure = plotting.plot_forecast(history, forecast(history))
        panel = to_panel(history)
        column = panel.values[slice(*panel.bounds[:2]), 0][-48:]
        (observed,), (median,) = traces(figure, "observed"), traces(figure, "median")
        np.testing.assert_array_equal(points(observed), column[~np.isnan(column)])
        assert len(points(median)) == H + 1
        assert points(median).index[0] == points(observed).index[-1]

    def test_polars(self):
        pl = pytest.importorskip("polars")
        data = frame().tz_convert(None)[["wind"]]
        table = pl.DataFrame({"when": data.index.to_numpy(), "wind": data["wind"]})
        mine = plotting.plot_forecast(table, forecast(table))
        theirs = plotting.plot_forecast(data, forecast(data))
        for one, other in zip(mine.data, theirs.data, strict=True):
            np.testing.assert_array_equal(one.x, other.x)
            np.testing.assert_array_equal(one.y, other.y)

    def test_one_that_goes_on_too_long_is_refused(self):
        history = frame()
        draws = forecast(history.iloc[:-3])
        with pytest.raises(ValueError, match="Pass the data up to there as history"):
            plotting.plot_forecast(history, draws)
        with pytest.raises(ValueError, match="history has the channels 'load'"):
            plotting.plot_forecast(history[["load"]], draws)

    def test_hostile_names_are_shown_as_text(self):
        data = frame(names=(EVIL, "x" * 500))
        parts = pd.concat({EVIL: data, "b": data}, names=["unique_id", "ds"])
        figure = plotting.plot_forecast(parts, forecast(parts))
        assert "<img" not in figure.to_html(include_plotlyjs=False)
        texts = [note.text for note in figure.layout.annotations]
        texts += [b.label for menu in figure.layout.updatemenus for b in menu.buttons]
        for text in texts:
            plain = text.replace("<b>", "").replace("</b>", "")
            assert not set(plain) & set("<>%$")
            assert len(plain) < 80
