"""Means of scores by groups, against pandas and a naive loop."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsdiff.metrics import grouped


@pytest.fixture
def cells():
    """Scores of 6 series, 5 steps, 2 channels, some missing; weights and a mask."""
    rng = np.random.default_rng(3)
    score = rng.exponential(size=(6, 5, 2))
    score[rng.random(score.shape) < 0.2] = np.nan
    return score, rng.random(score.shape), rng.random(score.shape) < 0.7


KEYS = {
    "series": np.array(list("bbaacc"))[:, None, None],
    "horizon": np.arange(1, 6)[:, None],
    "channel": np.array(["x", "y"]),
}


@pytest.mark.parametrize("names", [["series"], ["horizon", "channel"], list(KEYS)])
def test_groups_are_those_of_pandas(cells, names):
    score, _, where = cells
    by = {name: KEYS[name] for name in names}
    found = grouped(score, by, where=where)
    columns = {k: np.broadcast_to(v, score.shape).ravel() for k, v in by.items()}
    frame = pd.DataFrame(columns | {"score": np.where(where, score, np.nan).ravel()})
    expected = frame.groupby(names)["score"].agg(["mean", "count", "sem"]).reset_index()
    for name in names:
        assert found.keys[name].tolist() == expected[name].tolist()
    np.testing.assert_allclose(found.mean, expected["mean"])
    np.testing.assert_array_equal(found.count, expected["count"])
    np.testing.assert_allclose(found.standard_error, expected["sem"])


def test_weights_against_a_loop(cells):
    score, weights, where = cells
    found = grouped(score, {"horizon": KEYS["horizon"]}, weights=weights, where=where)
    for step in range(5):
        some = where[:, step] & ~np.isnan(score[:, step])
        s, w = score[:, step][some], weights[:, step][some]
        mean = sum(w * s) / sum(w)
        error = np.sqrt(sum((w * (s - mean)) ** 2) * len(s) / (len(s) - 1)) / sum(w)
        np.testing.assert_allclose(found.mean[step], mean)
        np.testing.assert_allclose(found.standard_error[step], error)
        assert found.count[step] == len(s)


def test_a_weight_of_zero_is_a_mask_and_doubling_all_changes_nothing(cells):
    score, weights, where = cells
    by = {"series": KEYS["series"]}
    masked = grouped(score, by, weights=weights, where=where)
    zeroed = grouped(score, by, weights=2 * weights * where)
    for name in ("mean", "count", "standard_error"):
        np.testing.assert_allclose(getattr(zeroed, name), getattr(masked, name))


def test_without_groups_it_is_the_mean_of_all(cells):
    found = grouped(cells[0])
    assert found.keys == {}
    np.testing.assert_allclose(found.mean, [np.nanmean(cells[0])])


def test_stamps_are_labels_and_a_group_of_nothing_is_not_hidden():
    cutoff = pd.date_range("2024-01-01", periods=2).to_numpy()
    found = grouped([[1.0, 3.0], [np.nan, np.nan]], {"cutoff": cutoff[:, None]})
    assert found.keys["cutoff"].tolist() == cutoff.tolist()
    assert found.count.tolist() == [2, 0]
    np.testing.assert_array_equal(found.mean, [2.0, np.nan])
    assert np.isnan(found.standard_error[1])


def test_groups_asked_for_come_in_that_order(cells):
    by = {"horizon": KEYS["horizon"], "channel": KEYS["channel"]}
    every = grouped(cells[0], by)
    some = grouped(cells[0], by, groups=[(4, "y"), (1, "x")])
    assert some.keys["horizon"].tolist() == [4, 1]
    assert some.mean.tolist() == [every.mean[7], every.mean[0]]


def test_groups_without_cells_are_named():
    score, by = [1.0, np.nan], {"gap_length": [3, 8]}
    with pytest.raises(ValueError, match=r"No scored cell in group\(s\) 8, 12 of 'gap"):
        grouped(score, by, groups=[3, 8, 12])


def test_bad_input_is_named():
    score = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"'step' has shape \(2,\).*\(2, 3\)"):
        grouped(score, {"step": [1, 2]})
    with pytest.raises(ValueError, match="'step' has no label for 1 of its 3"):
        grouped(score, {"step": [1, np.nan, 2]})
    for wrong in (-1.0, np.nan):
        with pytest.raises(ValueError, match="weight must be 0 or above"):
            grouped(score, weights=[1, wrong, 1])
    with pytest.raises(ValueError, match=r"where has shape \(4,\)"):
        grouped(score, where=np.ones(4, dtype=bool))
