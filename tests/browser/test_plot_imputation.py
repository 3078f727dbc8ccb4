"""The picture of filled gaps as a reader meets it: labels, menus, sizes, no network."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsdiff import plotting
from tsdiff.draws import Draws
from tsdiff.panel.frame import to_panel

HOURS = pd.date_range("2024-03-01", periods=120, freq="h", name="time")
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script> %{y} $x$ " + "long " * 60


def frame(names=("glucose", "heart rate"), seed=0):
    rng = np.random.default_rng(seed)
    level = np.array([110.0, -70.0])  # below zero, minus signs are seen
    values = (level + np.cumsum(rng.normal(size=(120, 2)), axis=0)).round(2)
    values[20:40, 0] = values[60, 0] = values[70:90, 1] = np.nan
    return pd.DataFrame(values, HOURS, list(names))


def drawn(data, seed=1):
    panel = to_panel(data)
    cells = np.flatnonzero(np.isnan(panel.values))
    middle = pd.DataFrame(panel.values).ffill().to_numpy().ravel()[cells]
    rng = np.random.default_rng(seed)
    return Draws(panel, rng.normal(middle, 3, (60, len(cells))), cells)


@pytest.fixture
def data():
    return frame()


@pytest.fixture
def draws(data):
    return drawn(data)


@pytest.fixture
def figure(data, draws):
    return plotting.plot_imputation(data, draws)


def visible_rows(view):
    axes = view.run("gd._fullData.filter(t => t.visible === true).map(t => t.yaxis)")
    return set(axes)


class TestLabels:
    @pytest.mark.parametrize("row", [0, 1])
    @pytest.mark.parametrize("chosen", [False, True])
    def test_labels_say_the_frames_numbers(
        self, show, figure, data, draws, row, chosen
    ):
        """Also when the other row is hidden and could lie over this one."""
        view = show(figure)
        if chosen:
            view.choose(0, 1 + row)
        name = data.columns[row]
        seen = data[name].dropna()
        stamp, value = seen.index[50], seen.iloc[50]
        label = view.hover(row, stamp.isoformat(), value)
        assert label.endswith(f"observed {value:.2f}")
        assert f"{stamp:%b} {stamp.day}, 2024, {stamp:%H:%M}" in label

        stamp = data.index[data[name].isna()][5]
        median = draws.median().loc[stamp, name]
        bounds = draws.interval([0.5, 0.8, 0.95]).loc[stamp]
        label = view.hover(row, stamp.isoformat(), median)
        assert f"median {median:.2f}, rawgap of 20 rows" in label
        for level in (50, 80, 95):
            low, high = bounds[f"{name}-lo-{level}"], bounds[f"{name}-hi-{level}"]
            assert f"{level} %: {low:.2f} to {high:.2f}" in label
        assert "observed" not in label


class TestMenus:
    def test_choosing_a_channel(self, show, figure):
        view = show(figure)
        assert visible_rows(view) == {"y", "y2"}
        heights = "[gd._fullLayout.yaxis, gd._fullLayout.yaxis2].map(a => a._length)"
        small = view.run(heights)
        view.choose(0, 2)
        assert visible_rows(view) == {"y2"}
        assert view.run(heights)[1] > 2 * small[1]
        assert view.run("gd._fullLayout.yaxis.visible") is False
        assert view.page.locator("#tsdiff .annotation-text").all_text_contents() == [
            "heart rate"
        ]
        legend = view.page.locator("#tsdiff .legendtext").all_text_contents()
        assert legend == ["observed", "median", "50 %", "80 %", "95 %", "draws"]
        view.choose(0, 0)
        assert visible_rows(view) == {"y", "y2"}
        assert view.run(heights) == small

    def test_choosing_a_series_exchanges_the_numbers(self, show):
        parts = {"a": frame(seed=1), "b": frame(seed=2) + 1000}
        data = pd.concat(parts, names=["unique_id", "ds"])
        view = show(plotting.plot_imputation(data, drawn(data)))
        view.choose(0, 1)
        view.choose(1, 1)
        top = "Math.max(...gd._fullData.find(t => t.name == 'observed').y)"
        assert view.run(top) == data.loc["b", "glucose"].max()
        assert view.run("gd._fullLayout.yaxis.range[0]") > 900
        assert visible_rows(view) == {"y"}  # the channel stays chosen
        seen = data.loc["b", "glucose"].dropna()
        label = view.hover(0, seen.index[45].isoformat(), seen.iloc[45])
        assert label.endswith(f"observed {seen.iloc[45]:,.2f}")

    def test_the_legend_switches_a_kind_in_all_rows(self, show, figure):
        view = show(figure)
        view.page.locator("#tsdiff .legendtoggle").last.click()
        view.page.wait_for_timeout(600)  # a second click would be a double one
        hidden = view.run(
            "gd._fullData.filter(t => t.visible !== true).map(t => [t.name, t.yaxis])"
        )
        assert {tuple(pair) for pair in hidden} == {("draws", "y"), ("draws", "y2")}
        assert len(hidden) == 10


class TestBands:
    def test_what_the_browser_holds_is_in_order(self, show, figure):
        """Low <= median <= high, and each band inside the next wider one."""
        view = show(figure)
        held = view.run(
            "gd._fullData.filter(t => t.yaxis == 'y')"
            ".map(t => ({name: t.name, x: Array.from(t.x), y: Array.from(t.y)}))"
        )
        sides = {}
        for trace in held:
            y = pd.Series(trace["y"], trace["x"], dtype=float).dropna()
            sides.setdefault(trace["name"], y.groupby(level=0).agg(["min", "max"]))
        asked = sides["median"].index
        assert len(asked) == 21 + 4  # answered cells and the neighbours of two gaps
        low = [sides[f"{level} %"].loc[asked, "min"] for level in (95, 80, 50)]
        high = [sides[f"{level} %"].loc[asked, "max"] for level in (50, 80, 95)]
        ladder = np.stack([*low, sides["median"]["min"], *high])
        assert (np.diff(ladder, axis=0) >= 0).all()
        assert (ladder[-1] > ladder[0]).sum() == 21


class TestPage:
    def test_no_button_uploads_the_data(self, show, figure):
        view = show(figure)
        view.page.mouse.move(400, 400)
        titles = view.page.locator(".modebar-btn").evaluate_all(
            "buttons => buttons.map(b => b.dataset.title)"
        )
        assert "Reset axes" in titles
        assert not [t for t in titles if "hare" in t or "loud" in t]

    @pytest.mark.parametrize("width", [400, 800, 1600])
    @pytest.mark.parametrize("names", [("glucose", "heart rate"), (EVIL, "x" * 300)])
    def test_nothing_overlaps_at_any_size(self, show, width, names):
        data = frame(names)
        data = pd.concat({names[0]: data, "b": data}, names=["unique_id", "ds"])
        view = show(plotting.plot_imputation(data, drawn(data)), width, 900)
        parts = (
            ".gtitle, .gtitle-subtitle, .updatemenu-header, .annotation-text, .legend, "
            ".xaxislayer-above, .nsewdrag"
        )
        boxes = view.page.locator(", ".join(f"#tsdiff {p}" for p in parts.split(", ")))
        found = {}
        for number in range(boxes.count()):
            box = boxes.nth(number).bounding_box()
            if box and box["height"] > 1:
                what = boxes.nth(number).get_attribute("class")
                found[f"{what} {number}"] = box
        assert len(found) >= 10
        for box in found.values():
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        names_of = list(found)
        for i, one in enumerate(names_of):
            for other in names_of[i + 1 :]:
                assert not overlap(found[one], found[other]), (one, other)

    def test_hostile_names_are_shown_as_text(self, show):
        data = frame((EVIL, "b"))
        view = show(plotting.plot_imputation(data, drawn(data)), own=True)
        title = view.page.locator("#tsdiff .annotation-text").first.text_content()
        assert title.startswith("<img src=x onerror=alert(1)>")
        view.choose(0, 1)
        shown = view.page.locator("#tsdiff .updatemenu-header text").text_content()
        assert shown.startswith("<img src=x onerror=alert(1)>")
        assert view.page.locator("#tsdiff img").count() == 0

    def test_long_data_stay_light(self, show):
        index = pd.date_range("2024-01-01", periods=100_000, freq="min")
        values = np.random.default_rng(0).normal(110, 9, (100_000, 2))
        values[::7, 0] = values[30_000:60_000, 1] = np.nan
        data = pd.DataFrame(values, index, ["glucose", "heart rate"])
        view = show(plotting.plot_imputation(data, drawn(data)))
        assert view.run("Math.max(...gd._fullData.map(t => t.x.length))") <= 5_000
        assert view.run("gd.querySelectorAll('.point').length") <= 4 * 800


def overlap(one, other):
    """Whether two boxes share more than a pixel in both directions."""
    across = min(one["x"] + one["width"], other["x"] + other["width"])
    across -= max(one["x"], other["x"])
    down = min(one["y"] + one["height"], other["y"] + other["height"])
    down -= max(one["y"], other["y"])
    return across > 1 and down > 1
