"""The way from noise to the draws: it ends in what `sample` draws, and starts apart."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from small import frame, tiny

from tsdiff import DiffusionForecaster
from tsdiff.diffusion import flow
from tsdiff.panel.frame import to_panel
from tsdiff.trace import Trace


@pytest.fixture(scope="module")
def X():
    return frame()


@pytest.fixture(scope="module")
def imputer(X):
    return tiny().fit(X)


@pytest.fixture(scope="module")
def long(imputer, X):
    return imputer.trace(X, n_frames=17, n_samples=60)


def test_the_last_frame_is_what_is_drawn_bit_for_bit(imputer, X, long):
    drawn = imputer.sample(X, n_samples=60)
    np.testing.assert_array_equal(long[-1].samples, drawn.samples)
    np.testing.assert_array_equal(long.cells, drawn.cells)
    other = imputer.trace(X, n_frames=3, n_samples=60, random_state=1)
    assert (other[-1].samples != drawn.samples).any()


def test_the_first_frame_is_noise_in_the_scale_of_each_channel(X, long):
    """Its ranks are even, so mean and spread of 60 paths are those of the channel."""
    for column, name in enumerate(X):
        mine = long.frames[0][:, long.cells % 2 == column]
        assert mine.mean() == pytest.approx(X[name].mean(), abs=0.2 * X[name].std())
        assert mine.std() == pytest.approx(X[name].std(), rel=0.25)


def test_frames_lie_straight_between_the_steps_of_the_sampler(imputer, X, long):
    """Sixteen frames over eight steps: every other one lies halfway."""
    middle = (long.frames[:-2:2] + long.frames[2::2]) / 2
    np.testing.assert_allclose(long.frames[1::2], middle, atol=1e-12)
    coarse = imputer.trace(X, n_frames=9, n_samples=60)
    np.testing.assert_array_equal(long.frames[::2], coarse.frames)


def test_observed_cells_never_move(X, long):
    for draws in (long[0], long[8]):
        for completed in list(draws)[:3]:
            pd.testing.assert_frame_equal(completed.where(X.notna()), X)


def test_a_forecast_is_traced_over_the_rows_to_come():
    y = frame()["b"].interpolate()
    sizes = {"max_epochs": 1, "width": 8, "depth": 1, "window": 16, "random_state": 0}
    forecaster = DiffusionForecaster(horizon=4, **sizes).fit(y)
    found = forecaster.trace(3, n_frames=5, n_samples=10)
    drawn = forecaster.sample(3, n_samples=10)
    np.testing.assert_array_equal(found[-1].samples, drawn.samples)
    assert len(found) == 5
    pd.testing.assert_series_equal(found[-1].median(), drawn.median())
    with pytest.raises(ValueError, match="h=4 at most"):
        forecaster.trace(5)


def test_a_calibrated_estimator_ends_in_its_calibrated_draws(imputer, X, long):
    own = copy.copy(imputer).calibrate(frame() + 0.1, pattern="blocks", length=2)
    found = own.trace(X, n_frames=9, n_samples=60)
    np.testing.assert_array_equal(found[-1].samples, own.sample(X, 60).samples)
    assert (found[-1].samples != long[-1].samples).any()
    np.testing.assert_array_equal(found.frames[0], long.frames[0])
    assert found.calibrated
    assert not long.calibrated


def test_what_cannot_be_traced(imputer, X):
    with pytest.raises(ValueError, match="at least 2"):
        imputer.trace(X, n_frames=1)
    with pytest.raises(ValueError, match="n_samples"):
        imputer.trace(X, n_samples=0)
    with pytest.raises(ValueError, match=r"take .* GB"):
        imputer.trace(X, n_frames=10**6)
    filled = imputer.transform(X)
    assert imputer.trace(filled, n_frames=4).frames.shape == (4, 20, 0)


def test_walk_ends_where_sample_does():
    noise = torch.linspace(-1, 1, 5)
    path = flow.times(6)
    points = list(flow.walk(lambda z, t: z * np.cos(t), noise, path))
    assert len(points) == 7
    assert torch.equal(points[0], noise)
    assert torch.equal(points[-1], flow.sample(lambda z, t: z * np.cos(t), noise, path))


def test_frames_are_evenly_spread():
    panel = to_panel(np.array([[1.0], [np.nan]]))
    points = np.array([0.0, 4.0, 0.0]).reshape(3, 1, 1)
    found = Trace.between(panel, points, np.array([1]), 5)
    assert found.frames.ravel().tolist() == [0, 2, 4, 2, 0]
