"""The picture of a sensitivity analysis as a reader meets it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_plot_backtest import EVIL, PARTS, no_overlap

from tsdiff import plotting, sensitivity
from tsdiff.baselines import LinearInterpolation
from tsdiff.plotting.style import decimals, written


@pytest.fixture(scope="module")
def result():
    """Whose mean of which a third is missing is above zero until they are shifted."""
    y = pd.DataFrame({"y": np.random.default_rng(0).normal(0.4, 1, 90)})
    y.iloc[20:50] = np.nan
    draws = LinearInterpolation(random_state=0).fit(y).sample(y, 20)
    return sensitivity(draws, "y ~ 1")


def test_labels_lines_and_sizes(show, result):
    view = show(plotting.plot_tipping_point(result))
    term = result.frame["term"].iloc[-1]
    table = result.frame[result.frame["term"] == term].reset_index(drop=True)
    row = table.iloc[3]
    ends = table[result.ends].to_numpy()
    said = view.hover(0, float(row["shift"]), float(row["estimate"]))
    numbers = written([row["estimate"], *row[result.ends]], decimals(ends.ravel()))
    assert "{} ({} to {})".format(*numbers) in said
    assert f"p = {row['p_value']:.2g}" in said
    points = result.tipping_points.loc[term].dropna()
    assert len(points)
    lines = view.run("gd._fullLayout.shapes.map(s => [s.x0, s.x1])")
    np.testing.assert_allclose(lines, np.stack([points, points], axis=1))
    texts = view.page.locator("#tsdiff .annotation-text").all_text_contents()
    assert texts == [f"{point:+.2f}" for point in points]
    table = result.frame.replace({"term": {term: EVIL}})
    evil = replace(result, frame=table, channels=(EVIL,))
    for shown, template in ((result, None), (evil, "dark")):
        view.change(plotting.plot_tipping_point(shown, template=template))
        assert view.page.locator("#tsdiff img").count() == 0
        for width in (400, 1000, 1600):
            view.resize(width)
            no_overlap(view, width, PARTS)
