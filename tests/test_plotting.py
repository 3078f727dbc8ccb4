"""Pictures: what is drawn is what was drawn, thinned without losing an extreme."""

from __future__ import annotations

import base64
import json
import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from tsdiff import plotting
from tsdiff.draws import Draws
from tsdiff.gaps import gap_lengths
from tsdiff.panel.frame import to_panel
from tsdiff.plotting import shapes, style
from tsdiff.plotting.packed import pack_strip
from tsdiff.plotting.strips import cut_strip, quantiles
from tsdiff.reporting.pictures import picture

HOURS = pd.date_range("2024-03-30", periods=72, freq="h", tz="Europe/Berlin")
EVIL = "<img src=x onerror=alert(1)></script> %{y} $x^2$"


def holes(values, seed=3):
    """Values with blocks of missing ones, each channel its own."""
    rng = np.random.default_rng(seed)
    values = np.array(values)
    for channel in range(values.shape[1]):
        for start in rng.integers(0, len(values), max(len(values) // 24, 1)):
            values[start : start + rng.integers(1, 9), channel] = np.nan
    return values


def full(n_rows, n_channels=2, seed=0):
    rng = np.random.default_rng(seed)
    return (100 + np.cumsum(rng.normal(size=(n_rows, n_channels)), axis=0)).round(2)


def frame(index=HOURS, names=("glucose", "heart rate"), seed=0):
    values = holes(full(len(index), len(names), seed))
    return pd.DataFrame(values, index, list(names))


KINDS = {
    "series": frame()["glucose"],
    "numbers": frame(pd.RangeIndex(50)),
    "periods": frame(pd.period_range("2020-01", periods=50, freq="M")),
    "durations": frame(pd.timedelta_range("0h", periods=50, freq="15min")),
    "irregular": frame(HOURS.delete([3, 4, 11, 30])),
    "array": holes(full(40)),
    "cube": holes(full(48)).reshape(4, 12, 2),
    "panel": pd.concat({1: frame(seed=1), 2: frame(seed=2)}, names=["unique_id", "ds"]),
}


def drawn(data, n_samples=40, unanswered=0, seed=1):
    panel = to_panel(data)
    cells = np.flatnonzero(np.isnan(panel.values))
    cells = cells[: len(cells) - unanswered]
    rng = np.random.default_rng(seed)
    middle = np.nanmean(panel.values) + rng.normal(size=len(cells))
    return Draws(panel, middle + 3 * rng.normal(size=(n_samples, len(cells))), cells)


def traces(figure, name, row=0):
    axis = "y" if row == 0 else f"y{row + 1}"
    return [t for t in figure.data if t.name == name and t.yaxis == axis]


def points(trace):
    """Finite points of a trace as a Series by time."""
    y = np.asarray(trace.y, dtype=float)
    x = np.asarray(trace.x)
    return pd.Series(y[~np.isnan(y)], x[~np.isnan(y)])


def ends(trace):
    """Low and high side of each piece of a band, as the outline goes round."""
    x, y = np.asarray(trace.x), np.asarray(trace.y, dtype=float)
    for piece in np.split(np.arange(len(y)), np.flatnonzero(np.isnan(y))):
        inner = piece[~np.isnan(y[piece])]
        half = len(inner) // 2
        assert len(inner) == 2 * half
        forth, back = inner[:half], inner[half:][::-1]
        np.testing.assert_array_equal(x[forth], x[back])
        yield x[forth], y[forth], y[back]


class TestWhatIsDrawn:
    @pytest.fixture
    def data(self):
        return frame()

    @pytest.fixture
    def draws(self, data):
        return drawn(data)

    @pytest.fixture
    def figure(self, data, draws):
        return plotting.plot_imputation(data, draws)

    @pytest.mark.parametrize("row", [0, 1])
    def test_observed_points_are_the_frame(self, figure, data, row):
        (observed,) = traces(figure, "observed", row)
        np.testing.assert_array_equal(points(observed), data.iloc[:, row].dropna())

    @pytest.mark.parametrize("row", [0, 1])
    def test_median_is_that_of_the_draws_and_meets_its_neighbours(
        self, figure, data, draws, row
    ):
        (line,) = traces(figure, "median", row)
        hole = data.iloc[:, row].isna()
        beside = hole | (
            hole.shift(1, fill_value=False) | hole.shift(-1, fill_value=False)
        )
        expected = draws.median().iloc[:, row][beside]
        np.testing.assert_allclose(points(line), expected)
        wall = expected.index.tz_localize(None)
        assert list(pd.to_datetime(points(line).index)) == list(wall)

    @pytest.mark.parametrize("row", [0, 1])
    def test_bands_are_the_intervals_nested_and_pinched_at_neighbours(
        self, figure, data, draws, row
    ):
        name = data.columns[row]
        widths = {}
        for level in (50, 80, 95):
            (band,) = traces(figure, f"{level} %", row)
            sides = [np.concatenate(side) for side in zip(*ends(band), strict=True)]
            table = draws.interval(level / 100)
            table.index = table.index.tz_localize(None)
            rows = table.loc[pd.to_datetime(sides[0])]
            np.testing.assert_allclose(sides[1], rows[f"{name}-lo-{level}"])
            np.testing.assert_allclose(sides[2], rows[f"{name}-hi-{level}"])
            widths[level] = sides[2] - sides[1]
        inside = widths[50] > 0
        assert (widths[80] >= widths[50]).all()
        assert (widths[95] >= widths[80]).all()
        assert inside.sum() == data[name].isna().sum()
        assert (widths[95][~inside] == 0).all()

    def test_paths_are_the_first_draws(self, figure, draws, data):
        assert len(traces(figure, "draws")) == 5
        hole = data["glucose"].isna().to_numpy()
        for line, path in zip(traces(figure, "draws"), draws, strict=False):
            expected = path["glucose"].to_numpy()[hole]
            assert set(expected) <= set(points(line))

    def test_labels_say_the_numbers_of_the_frame(self, figure, draws, data):
        (labels,) = traces(figure, "labels", 1)
        text = dict(zip(labels.x, labels.text, strict=True))
        assert len(text) == len(data)
        name = "heart rate"
        bounds = draws.interval([0.5, 0.95])[[f"{name}-lo-95", f"{name}-hi-95"]]
        gap = gap_lengths(draws.panel)[:, 1]
        for row, stamp in enumerate(data.index.tz_localize(None)):
            said = text[f"{stamp:%Y-%m-%dT%H:%M}"]
            if np.isnan(data[name].iloc[row]):
                low, high = bounds.iloc[row]
                assert f"median <b>{draws.median()[name].iloc[row]:.2f}</b>" in said
                assert said.endswith(f"95 %: {low:.2f} to {high:.2f}")
                assert f"</b>, raw<br>gap of {gap[row]} row" in said
            else:
                assert said == f"observed <b>{data[name].iloc[row]:.2f}</b>"

    def test_labels_say_whether_laws_are_calibrated(self, data, draws):
        figure = plotting.plot_imputation(data, replace(draws, calibrated=True))
        (labels,) = traces(figure, "labels", 1)
        n_cells = int(data["heart rate"].isna().sum())
        assert sum("</b>, calibrated<br>" in said for said in labels.text) == n_cells
        assert not any("raw" in said for said in labels.text)

    def test_title_counts_and_legend_lists_each_thing_once(self, figure, draws):
        assert figure.layout.title.text == f"{len(draws.cells)} missing values filled"
        listed = [trace.name for trace in figure.data if trace.showlegend]
        assert sorted(listed) == ["50 %", "80 %", "95 %", "draws", "median", "observed"]

    def test_a_held_out_truth_is_shown_as_circles(self, data, draws):
        truth = data.where(data.notna(), 77.77)
        figure = plotting.plot_imputation(truth, draws)
        (circles,) = traces(figure, "held out")
        assert len(circles.y) == data["glucose"].isna().sum()
        assert set(circles.y) == {77.77}
        (labels,) = traces(figure, "labels")
        held = sum("held out <b>77.77</b>" in said for said in labels.text)
        assert held == len(circles.y)
        # the model was not shown it, so nothing else changes
        other = plotting.plot_imputation(data, draws)
        for name in ("observed", "median", "95 %"):
            mine, theirs = traces(figure, name), traces(other, name)
            np.testing.assert_array_equal(mine[0].y, theirs[0].y)

    def test_units_label_the_rows(self, data, draws):
        data.attrs["units"] = {"glucose": "mg/dL"}
        figure = plotting.plot_imputation(data, draws)
        titles = [note.text for note in figure.layout.annotations]
        assert titles == ["<b>glucose</b> (mg/dL)", "<b>heart rate</b>"]

    def test_unanswered_cells_stay_blank(self, data):
        figure = plotting.plot_imputation(data, drawn(data, unanswered=2))
        blank = data.stack(future_stack=True).isna()
        row, name = blank[blank].index[-1]
        stamp = f"{row.tz_localize(None):%Y-%m-%dT%H:%M}"
        for trace in figure.data:
            if trace.yaxis == ("y" if name == "glucose" else "y2"):
                assert stamp not in points(trace).index

    def test_nothing_missing_draws_what_was_seen(self):
        data = frame().interpolate().bfill()
        figure = plotting.plot_imputation(data, drawn(data))
        assert figure.layout.title.text == "0 missing values filled"
        assert {trace.name for trace in figure.data} == {"observed", "labels"}

    def test_inputs_are_not_changed(self, data, draws):
        before, samples = data.copy(), draws.samples.copy()
        plotting.plot_imputation(data, draws)
        pd.testing.assert_frame_equal(data, before)
        np.testing.assert_array_equal(draws.samples, samples)


class TestChoice:
    def test_coverage_paths_and_channels(self):
        data = frame()
        figure = plotting.plot_imputation(
            data, drawn(data), channels=["heart rate"], paths=2, coverage=[0.6]
        )
        names = [trace.name for trace in figure.data]
        assert names == ["60 %", "draws", "draws", "median", "observed", "labels"]
        assert figure.layout.annotations[0].text == "<b>heart rate</b>"
        assert not figure.layout.updatemenus
        none = plotting.plot_imputation(data, drawn(data), paths=0)
        assert "draws" not in {trace.name for trace in none.data}

    def test_channels_with_gaps_come_first_and_not_too_many(self):
        wide = pd.DataFrame(full(60, 30)).rename(columns=lambda i: f"c{i}")
        wide.iloc[5:9, 10:25] = np.nan
        figure = plotting.plot_imputation(wide, drawn(wide))
        titles = [note.text for note in figure.layout.annotations]
        assert titles == [f"<b>c{i}</b>" for i in range(10, 18)]

    def test_unknown_names(self):
        data = frame()
        draws = drawn(data)
        with pytest.raises(ValueError, match=r"channels 'insulin'.*'glucose'"):
            plotting.plot_imputation(data, draws, channels=["insulin"])
        with pytest.raises(ValueError, match="series 'a'"):
            plotting.plot_imputation(data, draws, series="a")
        with pytest.raises(ValueError, match="paths"):
            plotting.plot_imputation(data, draws, paths=-1)
        with pytest.raises(ValueError, match="coverage"):
            plotting.plot_imputation(data, draws, coverage=90)

    def test_template_is_the_callers_if_given(self):
        data = frame()
        mine = plotting.plot_imputation(data, drawn(data))
        dark = plotting.plot_imputation(data, drawn(data), template="plotly_dark")
        assert mine.layout.template.layout.plot_bgcolor == "white"
        assert dark.layout.template.layout.plot_bgcolor != "white"
        light = traces(dark, "observed")[0].line.color
        assert light == dark.layout.template.layout.font.color
        assert "sendChartToCloud" in dark.layout.modebar.remove


class TestMenus:
    def test_choosing_a_channel_shows_its_traces_and_axis_only(self):
        data = frame(names=("a", "b", "c"))
        figure = plotting.plot_imputation(data, drawn(data))
        (menu,) = figure.layout.updatemenus
        labels = [button.label for button in menu.buttons]
        assert labels == ["All channels", "a", "b", "c"]
        restyle, relayout = menu.buttons[2].args
        shown = [
            t.yaxis for t, on in zip(figure.data, restyle["visible"], strict=True) if on
        ]
        assert set(shown) == {"y2"}
        listed = [
            t.name
            for t, on in zip(figure.data, restyle["showlegend"], strict=True)
            if on
        ]
        assert len(set(listed)) == len(listed) == 6
        assert [relayout[f"yaxis{k}.visible"] for k in ("", 2, 3)] == [
            False,
            True,
            False,
        ]
        assert tuple(relayout["yaxis2.domain"]) == (0.0, 1.0)
        everything, back = menu.buttons[0].args
        assert all(everything["visible"])
        for axis in ("yaxis", "yaxis2", "yaxis3"):
            assert tuple(back[f"{axis}.domain"]) == figure.layout[axis].domain

    def test_choosing_a_series_puts_its_numbers_in(self):
        parts = {"a": frame(seed=1), "b": frame(seed=2)}
        data = pd.concat(parts, names=["unique_id", "ds"])
        draws = drawn(data)
        figure = plotting.plot_imputation(data, draws)
        alone = plotting.plot_imputation(data, draws, series=["b"])
        series = figure.layout.updatemenus[1]
        assert [button.label for button in series.buttons] == ["a", "b"]
        arrays, index = series.buttons[1].args
        assert list(index) == list(range(len(figure.data)))
        for key in ("x", "y", "text"):
            for values, trace in zip(arrays[key], alone.data, strict=True):
                theirs = trace[key]
                if theirs is None:
                    assert values is None
                    continue
                plain = np.asarray(theirs).tolist()
                assert list(values) == [None if v != v else v for v in plain]
        first = figure.layout.updatemenus[1].buttons[0].args[0]["y"]
        np.testing.assert_array_equal(
            np.array(first[0], dtype=float), np.asarray(figure.data[0].y)
        )
        json.loads(figure.to_json())  # the menus' arrays are JSON as well


class TestKinds:
    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_is_drawn(self, kind):
        data = KINDS[kind]
        draws = drawn(data)
        figure = plotting.plot_imputation(data, draws)
        first, last = draws.panel.bounds[:2]
        column = draws.panel.values[first:last, 0]
        (observed,) = traces(figure, "observed")
        np.testing.assert_array_equal(points(observed), column[~np.isnan(column)])

    def test_polars(self):
        pl = pytest.importorskip("polars")
        data = frame().tz_localize(None)
        table = {"when": data.index.to_numpy(), "glucose": data["glucose"].to_numpy()}
        polars = pl.DataFrame(table, nan_to_null=True)
        mine = plotting.plot_imputation(polars, drawn(polars))
        theirs = plotting.plot_imputation(data[["glucose"]], drawn(data[["glucose"]]))
        for one, other in zip(mine.data, theirs.data, strict=True):
            np.testing.assert_array_equal(one.x, other.x)
            np.testing.assert_array_equal(one.y, other.y)

    def test_rows_added_for_absent_stamps(self):
        data = frame(HOURS.tz_localize(None)).drop(
            index=pd.Timestamp("2024-03-31 05:00")
        )
        panel = to_panel(data, freq="h", insert_absent=True)
        cells = np.flatnonzero(np.isnan(panel.values))
        draws = Draws(panel, np.full((3, len(cells)), 100.0), cells)
        figure = plotting.plot_imputation(data, draws)
        (median,) = traces(figure, "median")
        assert points(median)["2024-03-31T05:00"] == 100


class TestConsistency:
    def test_another_frame_is_refused(self):
        data = frame()
        draws = drawn(data)
        changed = data.copy()
        at = np.flatnonzero(data["heart rate"].notna())[3]
        changed.iloc[at, 1] = -1.0
        with pytest.raises(
            ValueError, match=r"'heart rate', row Timestamp.*-1 instead of"
        ):
            plotting.plot_imputation(changed, draws)
        with pytest.raises(ValueError, match=r"channels \['glucose'\]"):
            plotting.plot_imputation(data[["glucose"]], draws)
        later = data.set_axis(data.index + pd.Timedelta(hours=1))
        with pytest.raises(ValueError, match=r"row Timestamp.*lack"):
            plotting.plot_imputation(later, draws)
        with pytest.raises(ValueError, match="differs"):
            plotting.plot_imputation(data.iloc[:40], draws)


class TestPrivacyAndNames:
    def test_no_button_uploads_the_data(self):
        data = frame()
        figure = plotting.plot_imputation(data, drawn(data))
        assert "sendChartToCloud" in figure.layout.modebar.remove
        again = go.Figure(json.loads(figure.to_json()))
        assert "sendChartToCloud" in again.layout.modebar.remove

    def test_hostile_names_are_text(self):
        data = frame(names=(EVIL, "x" * 500))
        parts = pd.concat({EVIL: data, "b": data}, names=["unique_id", "ds"])
        page = plotting.plot_imputation(parts, drawn(parts)).to_html(
            include_plotlyjs=False
        )
        assert "<img" not in page
        figure = plotting.plot_imputation(parts, drawn(parts))
        texts = [note.text for note in figure.layout.annotations]
        texts += [b.label for menu in figure.layout.updatemenus for b in menu.buttons]
        for text in texts:
            plain = text.replace("<b>", "").replace("</b>", "")
            assert not set(plain) & set("<>%$")
            assert len(plain) < 80

    @pytest.mark.parametrize(
        ("values", "digits", "said"),
        [
            ([98.0, 104.0, 151.0], 1, "98.0"),
            ([0.5, 0.25, 1.0], 3, "0.500"),
            ([1 / 3, 80.0, 100.0], 3, "0.333"),
            ([1e-9, 2e-9], None, "1e-09"),
            ([1e300, 0.0], None, "1e+300"),
            ([-1234.5, 5000.0], 1, "-1,234.5"),
            ([np.nan, np.nan], 2, "nan"),
            ([0.0, 0.0], None, "0"),
            ([7.5, 7.5], 4, "7.5000"),
        ],
    )
    def test_numbers_are_written_with_the_digits_of_the_data(
        self, values, digits, said
    ):
        found = style.decimals(np.array(values))
        assert style.written(values[:1], found) == [said]
        assert found == digits


class TestThinning:
    def test_long_traces_are_thinned_and_keep_every_extreme(self):
        index = pd.date_range("2024-01-01", periods=60_000, freq="min")
        values = full(60_000, 1)
        values[30_000:42_000] = np.nan
        values[777], values[50_001] = 5_000, -5_000
        data = pd.DataFrame(values, index, ["flow"])
        panel = to_panel(data)
        cells = np.flatnonzero(np.isnan(panel.values))
        samples = np.random.default_rng(0).normal(size=(20, len(cells)))
        samples[3, 6_000] = 9_999.0  # of a path that is drawn
        draws = Draws(panel, samples, cells)
        figure = plotting.plot_imputation(data, draws)
        assert all(len(trace.x) <= 5_000 for trace in figure.data)
        (observed,), lines = traces(figure, "observed"), traces(figure, "draws")
        assert points(observed).max() == 5_000
        assert points(observed).min() == -5_000
        assert points(lines[3]).max() == 9_999
        (band,) = traces(figure, "95 %")
        table = draws.interval(0.95)
        hole = data["flow"].isna()
        low, high = (np.concatenate(s) for s in list(zip(*ends(band), strict=True))[1:])
        gap = slice(1, -1)  # ends are the observed neighbours
        assert low[gap].min() == pytest.approx(table["flow-lo-95"][hole].min())
        assert high[gap].max() == pytest.approx(table["flow-hi-95"][hole].max())

    def test_short_traces_keep_every_answer(self):
        data = frame(pd.RangeIndex(3_000))
        figure = plotting.plot_imputation(data, drawn(data))
        (labels,) = traces(figure, "labels")
        asked = data["glucose"].isna().sum()
        assert sum("median" in text for text in labels.text) == asked

    @pytest.mark.parametrize("n_pieces", [1, 40, 3_000])
    @pytest.mark.parametrize("limit", [60, 500])
    def test_min_max(self, n_pieces, limit):
        rng = np.random.default_rng(n_pieces)
        piece = np.sort(rng.integers(0, n_pieces, 6_000))
        y = rng.normal(size=6_000)
        kept = shapes.thin(piece, y, y + 1, limit)
        assert len(kept) <= limit * 1.25
        assert (np.diff(kept) > 0).all()
        assert {y.argmin(), y.argmax()} <= set(kept)
        ends_of = np.flatnonzero(np.diff(piece, prepend=-1))
        if len(ends_of) <= limit // 4:
            assert set(ends_of) <= set(kept)

    def test_a_step_of_the_bins_is_never_lost(self):
        """Each bin keeps its own lowest and highest point."""
        y = np.tile([0.0, 5.0, -5.0, 0.0, 0.0, 0.0, 0.0, 0.0], 500)
        kept = shapes.thin(np.zeros(4_000, dtype=int), y, limit=1_000)
        assert (y[kept] == 5).sum() >= 490
        assert (y[kept] == -5).sum() >= 490


class TestWholePages:
    """What a page holds of a figure that is thinned."""

    @staticmethod
    def unpacked(text, kind):
        return np.frombuffer(base64.b64decode(text), kind)

    def stamps(self, packed, n):
        if "f8" in packed:
            return self.unpacked(packed["f8"], "<f8")
        first = np.array(packed["first"])
        run = np.repeat(np.arange(len(first)), np.diff(first, append=n))
        start, step = np.array(packed["start"]), np.array(packed["step"])
        return start[run] + (np.arange(n) - first[run]) * step[run]

    @pytest.mark.parametrize("kind", ["DST", "hours", "numbers", "uneven"])
    @pytest.mark.parametrize("given", ["f4", "f8"])
    def test_packing_loses_nothing(self, kind, given):
        n = 500
        index = {
            "DST": pd.date_range("2024-03-20", periods=n, freq="h", tz="Europe/Berlin"),
            "hours": pd.date_range("1969-12-30", periods=n, freq="h"),
            "numbers": pd.RangeIndex(5, 5 + 3 * n, 3),
            "uneven": pd.Index(np.cumsum(np.random.default_rng(0).uniform(1, 2, n))),
        }[kind]
        data = frame(index, ["y"])
        data = (8 * data).round() / 8 if given == "f4" else data
        draws = drawn(data)
        strip = cut_strip(draws, to_panel(data).values, 0, 0)
        numbers = quantiles(strip, [0.9])
        packed = json.loads(json.dumps(pack_strip(strip, numbers, 2)))
        np.testing.assert_array_equal(
            self.unpacked(packed["given"][given], f"<{given}"), data["y"]
        )
        time = index.tz_localize(None) if kind == "DST" else index
        known = (
            time.to_numpy().astype("M8[ms]").astype(float) if packed["dates"] else time
        )
        np.testing.assert_array_equal(self.stamps(packed["time"], n), known)
        assert ("f8" in packed["time"]) == (kind == "uneven")
        state = self.unpacked(packed["state"], "u1")
        np.testing.assert_array_equal(state == 1, data["y"].notna())
        np.testing.assert_array_equal(state == 2, data["y"].isna())
        answers = self.unpacked(packed["answers"], "<f4").reshape(5, -1)
        expected = np.concatenate([numbers, draws.samples[:2]])
        off = np.abs(packed["middle"] + answers.astype(float) - expected).max()
        assert off <= np.ptp(expected) * 2.0**-23

    def test_pages_hold_all_points_and_other_forms_do_not(self):
        data = frame(pd.RangeIndex(12_000), ["y"])
        figure = plotting.plot_imputation(data, drawn(data))
        mark = "thinToScreen(document"
        assert mark in figure.to_html(include_plotlyjs=False)
        page = figure.to_html(include_plotlyjs=False, post_script="mine();")
        assert mark in page
        assert "mine();" in page
        for other in (go.Figure(figure), pickle.loads(pickle.dumps(figure))):
            assert other == figure
            assert mark not in other.to_html(include_plotlyjs=False)
        short = plotting.plot_imputation(data.iloc[:900], drawn(data.iloc[:900]))
        assert type(short) is go.Figure

    def test_only_a_browser_is_shown_all_points(self, monkeypatch):
        data = frame(pd.RangeIndex(12_000), ["y"])
        figure = plotting.plot_imputation(data, drawn(data))
        asked = []
        monkeypatch.setattr(
            "plotly.io.show", lambda *_, **options: asked.append(options)
        )
        figure.show("browser")
        figure.show(renderer="notebook")
        assert ["post_script" in options for options in asked] == [True, False]

    def test_a_report_holds_them_as_data(self):
        data = frame(pd.RangeIndex(12_000), [EVIL])
        markup = picture(partial(plotting.plot_imputation, data, drawn(data)), None)
        _, held = markup.split("<script type='application/json'>")
        assert json.loads(held.split("</script>")[0])["whole"]["strips"]
