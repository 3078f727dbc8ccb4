"""What is missing, and noise becoming data, as a reader meets them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from test_plot_backtest import EVIL, PARTS, no_overlap, slide

from tsdiff import plotting
from tsdiff.panel.frame import to_panel
from tsdiff.trace import Trace


def holed(names=("glucose", "insulin", "rate"), n=500):
    t = np.arange(n)[:, None]
    X = np.sin(t / [8, 11, 30]) * [20, 1, 5] + [110, 5, -70]
    X = pd.DataFrame(
        X.round(2), pd.date_range("2024", periods=n, freq="h"), list(names)
    )
    X.iloc[n // 5 : n // 2, 0] = X.iloc[n // 3 : n - 9, 1] = X.iloc[20:-20, 2] = np.nan
    return X


def traced(X, n_frames=60):
    panel = to_panel(X)
    cells = np.flatnonzero(np.isnan(panel.values))
    rng = np.random.default_rng(0)
    points = rng.normal(size=(9, 20, len(cells))) * np.linspace(5, 1, 9)[:, None, None]
    points += X.mean().to_numpy()[cells % 3]
    return Trace.between(panel, points, cells, n_frames)


def median(view, row):
    axis = "y" if row == 0 else f"y{row + 1}"
    own = f"t => t[0].trace.name == 'median' && t[0].trace.yaxis == '{axis}'"
    return np.array(view.run(f"gd.calcdata.find({own}).map(p => p.y)"), dtype=float)


def test_slider_and_play_change_what_is_drawn(show):
    X = holed(n=60)
    trace = traced(X, n_frames=4)
    view = show(plotting.plot_denoising(trace), 1000, 1100)
    gap = X["glucose"].isna()
    for step in (0, 2):
        if step:
            slide(view, step)
        expected = trace[step].median()["glucose"]
        np.testing.assert_allclose(median(view, 0)[1:-1], expected[gap], rtol=1e-6)
    stamp = X.index[gap][4]
    label = view.hover(0, stamp.isoformat(), expected[stamp])
    assert f"median {expected[stamp]:.5g}" in label
    view.page.locator("#tsdiff .updatemenu-button", has_text="Play").click()
    view.page.wait_for_function(
        "document.getElementById('tsdiff')._fullLayout.sliders[0].active === 3"
    )
    expected = trace[3].median()["glucose"][gap]
    np.testing.assert_allclose(median(view, 0)[1:-1], expected, rtol=1e-6)
    view.choose(0, 2)  # a channel: the frame stays
    assert view.run("gd._fullLayout.yaxis.visible") is False
    np.testing.assert_allclose(median(view, 0)[1:-1], expected, rtol=1e-6)


def test_nothing_overlaps_at_any_size(show):
    X = holed((EVIL, "x" * 300, "b"), n=60)
    view = show(plotting.plot_missingness(X))
    for figure in (
        plotting.plot_missingness(X, template="dark"),
        plotting.plot_denoising(traced(X, n_frames=4), template="dark"),
    ):
        view.change(figure)
        assert view.page.locator("#tsdiff img").count() == 0
        for width in (400, 1000, 1600):
            view.resize(width)
            no_overlap(view, width, PARTS)


def test_labels_of_missingness_say_shares(show):
    X = holed()
    view = show(plotting.plot_missingness(X))
    label = view.hover(0, X.index[120].isoformat(), 0)
    assert "glucose" in label
    assert "100% missing" in label
