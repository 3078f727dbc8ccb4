"""The picture of a forecast as a reader meets it: labels, menus, sizes, no network."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsdiff import plotting
from tsdiff.draws import Draws
from tsdiff.panel.frame import to_panel
from tsdiff.panel.future import future_rows

HOURS = pd.date_range("2024-03-01", periods=150, freq="h", name="time")
H = 24
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script> %{y} $x$ " + "long " * 60


def frame(names=("load", "wind"), seed=0):
    rng = np.random.default_rng(seed)
    level = np.array([110.0, -70.0])  # below zero, minus signs are seen
    walk = np.cumsum(rng.normal(size=(len(HOURS), 2)), axis=0)
    day = 6 * np.sin(2 * np.pi * np.arange(len(HOURS)) / 24)
    return pd.DataFrame((level + walk + day[:, None]).round(2), HOURS, list(names))


def forecast(history, seed=1):
    panel = future_rows(to_panel(history), H)
    last = history.groupby(level=0).last() if history.index.nlevels > 1 else history
    start = last.to_numpy()[-len(panel.ids) :]
    rng = np.random.default_rng(seed)
    walks = rng.normal(size=(60, len(panel.ids), H, 2)).cumsum(axis=2)
    samples = (start[:, None] + walks).reshape(60, -1)
    return Draws(panel, samples, np.arange(samples.shape[1]))


@pytest.fixture
def data():
    return frame()


@pytest.fixture
def figure(data):
    history = data.iloc[:-H]
    return plotting.plot_forecast(history, forecast(history), data)


def test_labels_say_what_was_and_what_may_come(show, data, figure):
    view = show(figure)
    history = data.iloc[:-H]
    draws = forecast(history)
    for row, name in enumerate(data.columns):
        stamp, value = history.index[-10], history[name].iloc[-10]
        label = view.hover(row, stamp.isoformat(), value)
        assert label.endswith(f"observed {value:.2f}")
        stamp = data.index[-7]
        median = draws.median().loc[stamp, name]
        label = view.hover(row, stamp.isoformat(), median)
        assert f"{stamp:%b} {stamp.day}, 2024, {stamp:%H:%M}" in label
        assert f"median {median:.2f}" in label
        assert f"truth {data.loc[stamp, name]:.2f}" in label
        bounds = draws.interval([0.5, 0.8, 0.95]).loc[stamp]
        for level in (50, 80, 95):
            low, high = bounds[f"{name}-lo-{level}"], bounds[f"{name}-hi-{level}"]
            assert f"{level} %: {low:.2f} to {high:.2f}" in label


def test_the_fan_is_in_order_and_starts_from_the_last_value(show, figure):
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
    assert len(asked) == H + 1
    low = [sides[f"{level} %"].loc[asked, "min"] for level in (95, 80, 50)]
    high = [sides[f"{level} %"].loc[asked, "max"] for level in (50, 80, 95)]
    ladder = np.stack([*low, sides["median"]["min"], *high])
    assert (np.diff(ladder, axis=0) >= 0).all()
    width = ladder[-1] - ladder[0]
    assert width[0] == 0
    assert width[1:].argmax() > H / 2


def test_choosing_a_series_and_a_channel(show):
    parts = {"a": frame(seed=1), "b": frame(seed=2) + 1000}
    data = pd.concat(parts, names=["unique_id", "ds"])
    view = show(plotting.plot_forecast(data, forecast(data)))
    view.choose(0, 1)
    view.choose(1, 1)
    assert view.run("gd._fullLayout.yaxis.range[0]") > 900
    shown = view.run("gd._fullData.filter(t => t.visible === true).map(t => t.yaxis)")
    assert set(shown) == {"y"}
    last = data.loc["b", "load"]
    label = view.hover(0, last.index[-5].isoformat(), last.iloc[-5])
    assert label.endswith(f"observed {last.iloc[-5]:,.2f}")


def test_no_button_uploads_the_data(show, figure):
    view = show(figure)
    view.page.mouse.move(400, 400)
    titles = view.page.locator(".modebar-btn").evaluate_all(
        "buttons => buttons.map(b => b.dataset.title)"
    )
    assert "Reset axes" in titles
    assert not [t for t in titles if "hare" in t or "loud" in t]


@pytest.mark.parametrize("width", [400, 800, 1600])
@pytest.mark.parametrize("names", [("load", "wind"), (EVIL, "x" * 300)])
def test_nothing_overlaps_at_any_size(show, width, names):
    data = frame(names)
    data = pd.concat({names[0]: data, "b": data}, names=["unique_id", "ds"])
    view = show(plotting.plot_forecast(data, forecast(data)), width, 900)
    parts = (
        ".gtitle, .gtitle-subtitle, .updatemenu-header, .annotation-text, .legend, "
        ".xaxislayer-above, .nsewdrag"
    )
    boxes = view.page.locator(", ".join(f"#tsdiff {p}" for p in parts.split(", ")))
    found = [boxes.nth(number).bounding_box() for number in range(boxes.count())]
    found = [box for box in found if box and box["height"] > 1]
    assert len(found) >= 10
    for i, one in enumerate(found):
        assert one["x"] >= 0
        assert one["x"] + one["width"] <= width
        assert not any(overlap(one, other) for other in found[i + 1 :])


def test_hostile_names_are_shown_as_text(show):
    data = frame((EVIL, "b"))
    view = show(plotting.plot_forecast(data, forecast(data)), own=True)
    title = view.page.locator("#tsdiff .annotation-text").first.text_content()
    assert title.startswith("<img src=x onerror=alert(1)>")
    assert view.page.locator("#tsdiff img").count() == 0


def overlap(one, other):
    """Whether two boxes share more than a pixel in both directions."""
    across = min(one["x"] + one["width"], other["x"] + other["width"])
    across -= max(one["x"], other["x"])
    down = min(one["y"] + one["height"], other["y"] + other["height"])
    down -= max(one["y"], other["y"])
    return across > 1 and down > 1
