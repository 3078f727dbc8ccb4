"""A long series as a reader zooms in: the page shows all that there is room for."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tsdiff import plotting
from tsdiff.draws import Draws
from tsdiff.panel.frame import to_panel
from tsdiff.plotting.strips import band_data, cut_strip, quantiles

N = 20_000
STAMPS = pd.date_range("2024-03-01", periods=N, freq="min", name="ds")
EVIL = "<img src=x onerror=alert(1)></script> %{y} $x$"
COVERAGE = [0.9, 0.5]
LOOKS = ["90 %", "50 %", "draws", "median", "observed", "held out", "labels"]
SPIKE, LOW_SPIKE = 7_001, 7_003  # rows; the lower one hides behind the other
ZOOM, ELSEWHERE = slice(6_900, 7_100), slice(15_000, 15_200)


def frame(seed):
    """Walks to two decimals, and counts, whose medians are ties."""
    rng = np.random.default_rng(seed)
    walk = 1e4 * seed + np.cumsum(rng.normal(size=N)).round(2)
    counts = rng.integers(0, 300, N).astype(float)
    X = pd.DataFrame({EVIL: walk, "counts": counts}, STAMPS)
    X.loc[STAMPS[SPIKE], EVIL] += 500
    X.loc[STAMPS[LOW_SPIKE], EVIL] += 400
    for start in range(40, N, 97):
        X.iloc[start : start + 12] = np.nan
    return X


@pytest.fixture(scope="module")
def truth():
    return pd.concat({"a": frame(1), "b": frame(2)}, names=["unique_id", "ds"])


@pytest.fixture(scope="module")
def draws(truth):
    rng = np.random.default_rng(0)
    data = truth.where(rng.uniform(size=truth.shape) > 0.02)  # some are held out
    panel = to_panel(data)
    cells = np.flatnonzero(np.isnan(panel.values))
    middle = data.ffill().to_numpy().ravel()[cells]
    samples = middle + rng.integers(-40, 40, (20, len(cells)))
    return Draws(panel, samples, cells, calibrated=True)


@pytest.fixture(scope="module")
def view(opened, truth, draws, tmp_path_factory):
    file = tmp_path_factory.mktemp("zoom") / "page.html"
    figure = plotting.plot_imputation(truth, draws, coverage=COVERAGE, paths=1)
    figure.write_html(file, include_plotlyjs=True, div_id="tsdiff")
    shown = opened.visit(file, 1000, 900)
    drawn_anew(shown, lambda: None, "gd.data.some(t => t.x.length > 2000)")
    yield shown
    opened.check()


def drawn_anew(view, act, until="gd.redrawn"):
    """Do something, and wait until the page has drawn other points."""
    if view.page.locator("#tsdiff .main-svg").count():
        view.run("(gd.redrawn = false, gd.once('plotly_redraw', () => gd.redrawn = 1))")
    act()
    ready = f"() => {{ const gd = document.getElementById('tsdiff'); return {until}; }}"
    view.page.wait_for_function(ready)


def zoom(view, rows):
    """Show some rows, other ones than before, as dragging does."""
    ends = [stamp.isoformat() for stamp in STAMPS[rows][[0, -1]]]
    script = f"void Plotly.relayout(gd, {{'xaxis.range': {json.dumps(ends)}}})"
    drawn_anew(view, lambda: view.run(script))


def shown(view, row, first, last):
    """Arrays of a row's traces within a part of the time axis."""
    axis = "y" if row == 0 else f"y{row + 1}"
    held = view.run(
        f"gd.data.filter(t => t.yaxis == '{axis}').map(t => "
        "({name: t.name, x: t.x, y: t.y, text: t.text}))"
    )
    for trace in held:
        x = pd.to_datetime(np.array(trace["x"]), format="ISO8601")
        inside = (x >= first) & (x <= last)
        y = np.array(trace["y"], dtype=float)[inside]
        text = trace["text"] and np.array(trace["text"], dtype=object)[inside]
        yield trace["name"], x[inside], y, text


def expected(draws, truth, series, channel):
    """All points of all traces, as Python computes them when nothing is thinned."""
    strip = cut_strip(draws, truth.to_numpy(), series, channel)
    known = quantiles(strip, COVERAGE)
    return band_data(strip, COVERAGE, known, 1, limit=10**9)


def check_rows(view, draws, truth, series, row, rows):
    first, last = STAMPS[rows][[0, -1]]
    pairs = zip(
        shown(view, row, first, last),
        expected(draws, truth, series, row),
        strict=True,
    )
    for (name, x, y, text), whole in pairs:
        stamps = pd.to_datetime(whole["x"], format="ISO8601")
        inside = (stamps >= first) & (stamps <= last)
        if not name.endswith("%"):  # a band that is cut at the edge closes elsewhere
            np.testing.assert_array_equal(x, stamps[inside])
            np.testing.assert_allclose(y, whole["y"][inside], rtol=0, atol=1e-4)
        else:
            both = [
                pd.Series(values, at).dropna().groupby(level=0).agg(["min", "max"])
                for values, at in ((y, x), (whole["y"][inside], stamps[inside]))
            ]
            np.testing.assert_allclose(*both, rtol=0, atol=1e-4)
        if name in ("observed", "held out"):
            np.testing.assert_array_equal(y, whole["y"][inside])  # to the last bit
        if name == "labels":
            assert text.tolist() == whole["text"][inside].tolist()


def test_zoomed_in_every_row_is_there(view, draws, truth):
    """Points, gaps, and what the labels say."""
    zoom(view, ZOOM)
    assert view.run("gd.data.filter(t => t.yaxis == 'y').map(t => t.name)") == LOOKS
    check_rows(view, draws, truth, 0, 0, ZOOM)
    check_rows(view, draws, truth, 0, 1, ZOOM)
    stamp = STAMPS[ZOOM][70]
    value = draws.median().loc[("a", stamp), EVIL]
    label = view.hover(0, stamp.isoformat(), value)
    assert f"{stamp:%H:%M}" in label
    seen = draws.panel.values[ZOOM][70, 0]
    assert not np.isnan(seen)
    assert label.endswith(f"observed {seen:,.2f}")


def test_another_series_is_shown_where_one_has_zoomed_to(view, draws, truth):
    zoom(view, ELSEWHERE)
    drawn_anew(view, lambda: view.choose(1, 1))
    check_rows(view, draws, truth, 1, 0, ELSEWHERE)
    drawn_anew(view, lambda: view.choose(1, 1))  # the same again
    check_rows(view, draws, truth, 1, 1, ELSEWHERE)
    drawn_anew(view, lambda: view.choose(1, 0))
    check_rows(view, draws, truth, 0, 0, ELSEWHERE)


def test_a_spike_between_drawn_points_appears(view, draws):
    whole = draws.panel.values[:N, 0]
    script = "void Plotly.relayout(gd, {'xaxis.autorange': true})"
    zoom(view, slice(200, 400))
    drawn_anew(view, lambda: view.run(script))
    tops = {}
    for rows in (slice(0, N), slice(SPIKE - 300, SPIKE + 300)):
        if rows.stop < N:
            zoom(view, rows)
        traces = {name: y for name, _, y, _ in shown(view, 0, *STAMPS[[0, -1]])}
        tops[rows.stop] = set(traces["observed"].tolist())
        assert len(tops[rows.stop]) <= 4_000
        assert whole[SPIKE] in tops[rows.stop]
        assert np.nanmin(traces["observed"]) == np.nanmin(whole)
    assert whole[LOW_SPIKE] not in tops[N]
    assert whole[LOW_SPIKE] in tops[SPIKE + 300]


def test_a_wider_window_shows_more(view):
    zoom(view, slice(600, 800))
    script = "void Plotly.relayout(gd, {'xaxis.autorange': true})"
    drawn_anew(view, lambda: view.run(script))
    count = "gd.data.find(t => t.name == 'observed').x.length"
    found = []
    for width in (400, 1000):
        drawn_anew(view, lambda width=width: view.resize(width))
        found.append(view.run(count))
    assert found[1] > 1.5 * found[0]


def test_hostile_names_stay_text(view):
    titles = view.page.locator("#tsdiff .annotation-text")
    assert titles.first.text_content().startswith("<img src=x onerror=alert(1)>")
    assert view.page.locator("img").count() == 0
