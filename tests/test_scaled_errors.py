"""Errors in units of a naive forecast's, bias and sMAPE against naive loops."""

from __future__ import annotations

import numpy as np
import pytest

from tsdiff import metrics


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_scaled_errors_are_those_of_sktimes_formulas(rng):
    history, y, point = rng.normal(size=30), rng.normal(size=6), rng.normal(size=6)
    naive = [history[t] - history[t - 4] for t in range(4, 30)]
    mase = np.mean(np.abs(y - point)) / np.mean(np.abs(naive))
    rmsse = np.sqrt(np.mean((y - point) ** 2) / np.mean(np.square(naive)))
    scale = metrics.naive_scale(history, season=4)
    error = metrics.absolute_scaled_error(y, point, scale)
    np.testing.assert_allclose(error.mean(), mase)
    root = metrics.naive_scale(history, season=4, squared=True)
    error = metrics.squared_scaled_error(y, point, root)
    np.testing.assert_allclose(np.sqrt(error.mean()), rmsse)


@pytest.mark.parametrize("squared", [False, True])
def test_naive_scale_against_a_loop_with_holes(rng, squared):
    history = rng.normal(size=(40, 3))
    history[rng.random(history.shape) < 0.3] = np.nan
    history[:, 2] = np.nan
    found = metrics.naive_scale(history, season=7, squared=squared)
    for channel in range(2):
        series = history[:, channel]
        pairs = [series[t] - series[t - 7] for t in range(7, 40)]
        known = [pair for pair in pairs if not np.isnan(pair)]
        expected = np.mean(np.abs(known))
        if squared:
            expected = np.sqrt(np.mean(np.square(known)))
        np.testing.assert_allclose(found[channel], expected)
    assert np.isnan(found[2])


def test_the_naive_forecast_scores_one_on_its_own_history(rng):
    walk = rng.normal(size=(50, 2)).cumsum(axis=0)
    scale = metrics.naive_scale(walk)
    error = metrics.absolute_scaled_error(walk[1:], walk[:-1], scale)
    np.testing.assert_allclose(error.mean(axis=0), 1)


def test_scaled_errors_have_no_unit(rng):
    history, y, point = rng.normal(size=(3, 20))
    for error, squared in (
        (metrics.absolute_scaled_error, False),
        (metrics.squared_scaled_error, True),
    ):
        scale = metrics.naive_scale(history, squared=squared)
        other = metrics.naive_scale(-9 * history + 4, squared=squared)
        moved = error(-9 * y + 4, -9 * point + 4, other)
        np.testing.assert_allclose(moved, error(y, point, scale))


def test_bias_and_smape(rng):
    y, point = rng.normal(size=(2, 4, 5))
    bias, smape = metrics.bias(y, point), metrics.smape(y, point)
    for at in np.ndindex(y.shape):
        error = point[at] - y[at]
        np.testing.assert_array_equal(bias[at], error)
        share = 2 * abs(error) / (abs(point[at]) + abs(y[at]))
        np.testing.assert_allclose(smape[at], share)
    assert metrics.smape([0.0, 5.0, -2.0], [0.0, 0.0, 2.0]).tolist() == [0, 2, 2]


def test_bad_scales_are_named():
    y = np.ones((3, 2))
    with pytest.raises(ValueError, match=r"2 cell\(s\) is 0.*first at \(1, 0\): 0"):
        metrics.absolute_scaled_error(y, y, [[1.0], [0.0], [2.0]])
    with pytest.raises(ValueError, match=r"scale has shape \(3,\)"):
        metrics.squared_scaled_error(y, y, np.ones(3))
    with pytest.raises(ValueError, match=r"scale has shape \(2, 1\)"):
        metrics.squared_scaled_error(np.ones(2), np.ones(2), np.ones((2, 1)))
    for season in (0, 3, 1.5):
        with pytest.raises(ValueError, match=r"below the 3 of the history"):
            metrics.naive_scale(y, season=season)
