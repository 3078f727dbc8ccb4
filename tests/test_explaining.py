"""What moved an answer: the exact regression, and nothing from out of sight."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from exact import Exact
from small import NAN, frame, tiny

from tsdiff import explain, plotting
from tsdiff.baselines import ETS
from tsdiff.datasets import make_linear_gaussian

EVIL = "<img src=x onerror=alert(1)></script> %{y} $x^2$"


class ExactOfEach(Exact):
    """The exact law of each of many series, which are independent."""

    def _quantiles(self, panel, cells, levels):
        edges = panel.bounds * len(panel.channels)
        answer = np.empty((len(levels), len(cells)))
        for first, stop in pairwise(edges):
            values = panel.values.ravel()[first:stop].reshape(-1, len(panel.channels))
            mine = (cells >= first) & (cells < stop)
            own = type("Own", (), {"values": values})
            answer[:, mine] = super()._quantiles(own, cells[mine] - first, levels)
        return answer


@pytest.fixture(scope="module")
def law():
    return make_linear_gaussian(n_times=24, n_channels=2, random_state=5)


def cell_of(X, flat):
    row, channel = divmod(int(flat), X.shape[1])
    return X.index[row], X.columns[channel]


def test_effects_are_those_of_the_regression_on_the_observed_cells(law):
    """Leaving cell i out moves the mean by w[i] times what the others miss it by."""
    X, target = law.frame(), law.cells[0]
    found = explain(ExactOfEach.of(law), X, cell_of(X, target), block=1, reach=24)
    shown = law.values.ravel()
    seen = np.flatnonzero(~np.isnan(shown))
    joint = law.covariance
    weights = np.linalg.solve(joint[np.ix_(seen, seen)], joint[seen, target])
    precision = np.linalg.inv(joint[np.ix_(seen, seen)])
    missed = precision @ shown[seen] / np.diag(precision)  # x[i] - E[x[i] | others]
    gained = weights**2 / np.diag(precision)  # of the variance
    variance = joint[target, target] - weights @ joint[seen, target]
    width = 2 * 1.6448536 * (np.sqrt(variance) - np.sqrt(variance + gained))
    order = np.lexsort((seen // 2, seen % 2))  # channel by channel
    np.testing.assert_allclose(found.frame["shift"], (weights * missed)[order])
    np.testing.assert_allclose(found.frame["width_change"], width[order], atol=1e-6)
    assert found.n_answers == len(seen) + 1
    assert (found.frame["n_cells"] == 1).all()


def test_a_block_is_left_out_as_if_it_were_missing(law):
    X, (row, name) = law.frame(), cell_of(law.frame(), law.cells[2])
    model = ExactOfEach.of(law)
    found = explain(model, X, (row, name), block=4, reach=9, coverage=0.5)
    before = model.predict_quantiles(X, alpha=[0.25, 0.5, 0.75])
    for block in found.frame.itertuples():
        assert block.n_cells == X.loc[block.start : block.stop, block.channel].count()
        without = X.copy()
        without.loc[block.start : block.stop, block.channel] = NAN
        after = model.predict_quantiles(without, alpha=[0.25, 0.5, 0.75])
        low, middle, high = (before.loc[row] - after.loc[row])[
            [f"{name}-q-{q}" for q in (0.25, 0.5, 0.75)]
        ]
        assert block.shift == pytest.approx(middle)
        assert block.width_change == pytest.approx(high - low)
    near = X.index[max(X.index.get_loc(row) - 9, 0)]
    assert found.frame["start"].min() >= near


@pytest.fixture(scope="module")
def fitted():
    return tiny(max_epochs=4).fit(frame())


def test_what_the_window_does_not_see_has_no_effect_at_all(fitted):
    X = frame()
    found = explain(fitted, X, (X.index[9], "a"), block=2, reach=60)
    far = found.frame["start"] > X.index[9 + 16]
    near = ~far & (found.frame["stop"] < X.index[14])
    assert far.sum() > 10
    assert (found.frame.loc[far, ["shift", "width_change"]] == 0).all(axis=None)
    assert (found.frame.loc[near, "shift"] != 0).all()
    answer = fitted.predict_interval(X).loc[X.index[9]]
    assert found.median == pytest.approx(fitted.transform(X).loc[X.index[9], "a"])
    assert [found.low, found.high] == pytest.approx(
        answer[["a-lo-90", "a-hi-90"]].to_list()
    )
    assert len(explain(fitted, X, (X.index[9], "a")).frame) < 2 * 26


def test_one_batch_is_the_same_as_many(fitted, monkeypatch):
    X = frame()
    whole = explain(fitted, X, (X.index[9], "a"), block=3).frame
    monkeypatch.setattr("tsdiff.explaining._MOST_NUMBERS", 3 * X.size)
    parts = explain(fitted, X, (X.index[9], "a"), block=3).frame
    pd.testing.assert_frame_equal(whole, parts, atol=1e-5)


def test_of_many_series_one_is_asked_about(fitted):
    X = frame()
    both = pd.concat({"s": X, "t": X + 0.3}, names=["unique_id", "ds"])
    one = explain(fitted, X, (X.index[9], "a"), block=4).frame
    other = explain(fitted, both, (("s", X.index[9]), "a"), block=4).frame
    pd.testing.assert_frame_equal(one, other, atol=1e-5)


def test_a_forecast_is_moved_by_the_end_of_its_history():
    y = frame().interpolate()
    model = ETS(horizon=3, random_state=0).fit(y)
    stamp = model.predict(3).index[2]
    found = explain(model, y, (stamp, "a"), h=3, block=1, reach=8)
    assert found.median == pytest.approx(model.predict(3)["a"].iloc[2])
    own = found.frame[found.frame["channel"] == "a"]
    assert own["shift"].iloc[-1] != 0
    assert (found.frame["stop"] <= y.index[-1]).all()


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ((frame().index[0], "a"), "not answered: it is observed"),
        ((frame().index[9], "z"), "no column 'z'; there are 'a', 'b'"),
        (("2030-01-01", "a"), "is that of 0 rows"),
        (("2024-03-04", "a"), "is that of 24 rows"),
    ],
)
def test_cells_that_have_no_answer_are_refused(fitted, cell, complaint):
    with pytest.raises(ValueError, match=complaint):
        explain(fitted, frame(), cell)


def test_other_arguments_that_make_no_sense(fitted):
    X = frame()
    with pytest.raises(TypeError, match="cell is a pair"):
        explain(fitted, X, "a")
    with pytest.raises(ValueError, match="h and X are of forecasts"):
        explain(fitted, X, (X.index[9], "a"), h=3)
    with pytest.raises(ValueError, match="block must be a whole number"):
        explain(fitted, X, (X.index[9], "a"), block=0)
    with pytest.raises(ValueError, match="one interval"):
        explain(fitted, X, (X.index[9], "a"), coverage=[0.5, 0.9])


@pytest.fixture(scope="module")
def found(fitted):
    return explain(fitted, frame(), (frame().index[9], "a"), block=4)


class TestPicture:
    def test_bars_and_labels_are_the_frames_numbers(self, found):
        figure = plotting.plot_explanation(found)
        bars = {trace.yaxis: trace for trace in figure.data if trace.type == "bar"}
        points = {trace.yaxis: trace for trace in figure.data if trace.type != "bar"}
        names = [note.text[3:-4] for note in figure.layout.annotations]
        for row, name in enumerate(names):
            own = found.frame[found.frame["channel"] == name]
            axis = "y" if row == 0 else f"y{row + 1}"
            np.testing.assert_array_equal(bars[axis].y, own["shift"])
            np.testing.assert_array_equal(points[axis].y, own["width_change"])
            middle = own["start"] + (own["stop"] - own["start"]) / 2
            assert list(pd.to_datetime(bars[axis].x)) == list(middle)
            hours = (own["stop"] - own["start"]) / pd.Timedelta("1h") + 1
            np.testing.assert_allclose(np.array(bars[axis].width) / 3.6e6, hours)
        subtitle = figure.layout.title.subtitle.text.replace("<br>", " ")
        assert f"{found.n_answers} answers" in subtitle
        assert "(raw)" in subtitle

    def test_hostile_names_are_text_and_nothing_is_uploaded(self, found):
        table = found.frame.assign(channel=EVIL)
        evil = replace(found, frame=table, channel=EVIL, row=EVIL)
        figure = plotting.plot_explanation(evil, template="dark")
        assert "<img" not in figure.to_html(include_plotlyjs=False)
        assert "sendChartToCloud" in figure.layout.modebar.remove

    def test_nothing_in_reach_is_refused(self, found):
        with pytest.raises(ValueError, match="nothing moved"):
            plotting.plot_explanation(replace(found, frame=found.frame.iloc[:0]))
