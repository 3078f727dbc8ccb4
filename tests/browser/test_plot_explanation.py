"""The picture of an explanation as a reader meets it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_plot_backtest import EVIL, PARTS, no_overlap

from tsdiff import explain, plotting
from tsdiff.baselines import KalmanSmoother

HOURS = pd.date_range("2024-03-01", periods=120, freq="h", name="time")


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(120, 2)).cumsum(axis=0).round(2)
    X = pd.DataFrame(values, HOURS, ["glucose", "heart rate"])
    X.iloc[50:60, 0] = np.nan
    return explain(KalmanSmoother().fit(X), X, (HOURS[54], "glucose"), block=6)


def test_labels_menu_sizes_and_grounds(show, found):
    view = show(plotting.plot_explanation(found))
    own = found.frame[found.frame["channel"] == "glucose"].reset_index(drop=True)
    block = own.loc[own["width_change"].idxmin()]
    middle = block["start"] + (block["stop"] - block["start"]) / 2
    said = view.hover(0, f"{middle:%Y-%m-%dT%H:%M}", block["width_change"])
    assert f"{block['shift']:+.4f}" in said
    assert f"{block['width_change']:+.4f}" in said
    assert f"{block['n_cells']} observed" in said
    view.choose(0, 2)
    assert view.run("gd._fullLayout.yaxis.visible") is False
    assert view.run("gd._fullLayout.yaxis2.visible") is True
    names = {"channel": {"glucose": EVIL, "heart rate": "x" * 300}}
    evil = replace(found, frame=found.frame.replace(names), channel=EVIL)
    for shown, template in ((found, None), (evil, "dark")):
        view.change(plotting.plot_explanation(shown, template=template))
        assert view.page.locator("#tsdiff img").count() == 0
        for width in (400, 900, 1600):
            view.resize(width)
            no_overlap(view, width, PARTS)
