"""Pictures of a backtest as a reader meets them: labels, menus, slider, sizes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from tsdiff import plotting

LEVELS = np.sort(np.append(np.arange(1, 20) / 20, [0.025, 0.975]))
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script> %{y} $x$ " + "long " * 60
PARTS = [
    *(".gtitle", ".gtitle-subtitle", ".updatemenu-header", ".annotation-text"),
    *(".legend", ".xaxislayer-above", ".xtitle", ".slider-container", ".nsewdrag"),
]


def backtest(names=("good", "narrow"), n_series=1, seed=0):
    """Forecasts of a random walk from eight cutoffs, two channels."""
    rng = np.random.default_rng(seed)
    parts = []
    for one in range(n_series):
        for fold in range(4):
            cutoff = pd.Timestamp("2024-03-01") + pd.Timedelta(hours=12 * fold)
            for channel, level in (("load", 110.0), (EVIL, -70.0)):
                step = np.arange(1, 13)
                y = level + 1000 * one + rng.normal(size=12).cumsum().round(2)
                for model, sigma in zip(names, (1.0, 0.5), strict=True):
                    law = (
                        level
                        + 1000 * one
                        + sigma * np.outer(np.sqrt(step), ndtri(LEVELS))
                    )
                    keys = {
                        "unique_id": f"s{one}",
                        "ds": cutoff + pd.to_timedelta(step, "h"),
                    }
                    keys |= {"channel": channel, "cutoff": cutoff, "horizon": step}
                    columns = {f"q-{a:g}": law[:, k] for k, a in enumerate(LEVELS)}
                    parts.append(
                        pd.DataFrame(keys | {"model": model, "y": y} | columns)
                    )
    return pd.concat(parts, ignore_index=True)


FIGURES = {
    "reliability": plotting.plot_reliability,
    "pit": plotting.plot_pit,
    "coverage": lambda frame, **more: plotting.plot_coverage(frame, "channel", **more),
    "scores": plotting.plot_scores,
    "explorer": plotting.plot_backtest,
    "ranks": lambda frame, **more: plotting.plot_critical_differences(
        {name: k + 1 for k, name in enumerate(frame["model"].unique())}, 1.5, **more
    ),
}


def test_nothing_overlaps_at_any_size(show):
    frame = backtest((EVIL, "x" * 300))
    view = show(plotting.plot_reliability(frame))
    for kind, plot in FIGURES.items():
        view.change(plot(frame, template="dark"))
        assert view.page.locator("#tsdiff img").count() == 0
        for width in (400, 1000, 1600):
            view.resize(width)
            no_overlap(view, width, PARTS[: -1 if kind == "ranks" else None])


def test_labels_say_the_numbers_of_the_frame(show):
    frame = backtest()
    inside = frame["y"].between(frame["q-0.25"], frame["q-0.75"])
    share = inside.groupby(frame["model"]).mean()
    view = show(plotting.plot_reliability(frame))
    label = view.hover(0, 0.5, share["good"])
    for model in ("good", "narrow"):
        assert f"{model} : {100 * share[model]:.1f} % of 96" in label
    third = frame[(frame["horizon"] == 3) & (frame["model"] == "good")]
    error = (third["y"] - third["q-0.5"]).abs().mean()
    view.change(plotting.plot_scores(frame, score="mae"))
    label = view.hover(0, 2, error)  # the third
    assert label.startswith("3")
    assert f"good : {error:.4f} over 8 cells" in label


@pytest.fixture(scope="module")
def frame():
    return backtest(n_series=2)


def test_the_explorer_changes_what_is_drawn(show, frame):
    view = show(plotting.plot_backtest(frame), 1000, 900)
    top = "Math.max(...gd._fullData.find(t => t.name == 'truth' && t.yaxis == 'y').y)"

    def truth(series, fold):
        cutoff = frame["cutoff"].unique()[fold]
        part = frame[(frame["unique_id"] == series) & (frame["cutoff"] == cutoff)]
        return part.loc[part["channel"] == "load", "y"].max()

    assert view.run(top) == truth("s0", 0)
    slide(view, 2)
    assert view.run(top) == truth("s0", 2)
    view.choose(1, 2)  # a model
    shown = "gd._fullData.filter(t => t.visible === true).map(t => t.name)"
    assert set(view.run(shown)) == {"narrow", "truth"}
    view.choose(2, 1)  # the other series, from its first fold on
    assert view.run(top) == truth("s1", 0)
    slide(view, 3)
    assert view.run(top) == truth("s1", 3)
    assert set(view.run(shown)) == {"narrow", "truth"}
    view.choose(0, 1)  # a channel
    assert view.run("gd._fullLayout.yaxis2.visible") is False
    assert view.run("gd._fullLayout.yaxis.range[0]") > 900
    cell = frame.query("unique_id == 's1' and channel == 'load' and model == 'narrow'")
    cell = cell.iloc[3 * 12 + 5]
    label = view.hover(0, cell["ds"].isoformat(), cell["q-0.5"])
    assert f"median {cell['q-0.5']:,.2f}" in label
    assert f"90 %: {cell['q-0.05']:,.2f} to {cell['q-0.95']:,.2f}" in label
    assert f"truth {cell['y']:,.2f}" in label


def slide(view, step):
    """Click where a step of the slider stands."""
    rail = view.page.locator("#tsdiff .slider-rail-touch-rect")
    rail.scroll_into_view_if_needed()
    box = rail.bounding_box()
    x = box["x"] + 10 + (box["width"] - 20) * step / 3
    view.page.mouse.click(x, box["y"] + box["height"] / 2)
    view.page.wait_for_timeout(250)


def no_overlap(view, width, parts):
    boxes = view.page.locator(", ".join(f"#tsdiff {part}" for part in parts))
    found = boxes.evaluate_all(
        "all => all.map(e => ({...e.getBoundingClientRect().toJSON(),"
        " part: e.getAttribute('class')}))"
    )
    found = [box for box in found if box["height"] > 1]
    assert len(found) >= 3
    for i, one in enumerate(found):
        assert one["x"] >= 0, one
        assert one["x"] + one["width"] <= width, one
        for other in found[i + 1 :]:
            assert not overlap(one, other), (one, other)


def overlap(one, other):
    """Whether two boxes share more than a pixel in both directions."""
    across = min(one["x"] + one["width"], other["x"] + other["width"])
    across -= max(one["x"], other["x"])
    down = min(one["y"] + one["height"], other["y"] + other["height"])
    down -= max(one["y"], other["y"])
    return across > 1 and down > 1
