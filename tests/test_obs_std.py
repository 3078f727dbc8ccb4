"""Noisy observations: the posterior may move them, as the Kalman smoother does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from exact import Exact
from scipy.special import ndtr
from small import NAN, frame, same

from tsdiff import DiffusionForecaster, constraints
from tsdiff.baselines import LinearInterpolation, SeasonalNaive
from tsdiff.datasets import make_linear_gaussian


def smoothed(data, Y, std):
    """Exact mean and spread of all cells given noisy values (N * C,)."""
    y, s = Y.to_numpy().ravel(), std.ravel()
    seen = ~np.isnan(y)
    across = data.covariance[:, seen]
    inner = data.covariance[np.ix_(seen, seen)] + np.diag(s[seen] ** 2)
    gain = across @ np.linalg.inv(inner)
    spread = np.sqrt(np.diag(data.covariance - gain @ across.T).clip(0))
    return gain @ y[seen], spread


@pytest.mark.parametrize("which", ["one channel", "every cell", "some cells"])
def test_answers_agree_with_the_kalman_smoother_with_that_noise(which):
    data = make_linear_gaussian(n_times=96, n_channels=2, missing=0.2, random_state=0)
    X, rng = data.frame(), np.random.default_rng(0)
    std = np.zeros(X.shape)
    if which == "one channel":
        std[:, 0] = 0.5
    elif which == "every cell":
        std[:] = 0.5
    else:
        std = np.where(rng.random(X.shape) < 0.3, 0.8, 0.0)
    Y = X + std * rng.normal(size=X.shape)
    draws = Exact.of(data).sample(Y, 1000, obs_std=std)
    mean, spread = smoothed(data, Y, std)
    noisy = np.flatnonzero((Y.isna().to_numpy() | (std > 0)).ravel())
    np.testing.assert_array_equal(draws.cells, noisy)
    error = (draws.samples.mean(0) - mean[noisy]) / spread[noisy]
    assert np.sqrt((error**2).mean()) < 0.14  # it falls as the root of the draws
    ratio = draws.samples.std(0) / spread[noisy]
    assert ratio.mean() == pytest.approx(1, abs=0.03)
    moved = (Y.to_numpy().ravel() - mean)[noisy] / spread[noisy]
    assert np.sqrt(np.nanmean(moved**2)) > 0.5  # what is seen is not the answer
    exact = draws.median().to_numpy()[(std == 0) & Y.notna()]
    np.testing.assert_array_equal(exact, Y.to_numpy()[(std == 0) & Y.notna()])


def test_no_noise_is_exact_to_the_bit():
    X = frame()
    filler = LinearInterpolation(random_state=0).fit(X)
    plain = filler.sample(X, 200)
    for none in (0, {"a": 0.0}, np.zeros(X.shape)):
        draws = filler.sample(X, 200, obs_std=none)
        np.testing.assert_array_equal(draws.samples, plain.samples)
        same(filler.transform(X, obs_std=none), plain.median())


def test_the_more_noise_the_less_a_value_counts():
    X = pd.DataFrame({"y": [1.0, 1.0, 5.0, 1.0, 1.0]})
    walk = np.random.default_rng(0).normal(size=200).cumsum()
    filler = LinearInterpolation(random_state=0).fit(pd.DataFrame({"y": walk}))
    middle = []
    for s in (0.01, 1.0, 100.0):
        std = np.where(np.arange(5)[:, None] == 2, s, 0.0)
        middle.append(filler.transform(X, obs_std=std).iloc[2, 0])
    assert middle[0] == pytest.approx(5, abs=0.1)
    assert 1.2 < middle[1] < 4.8
    assert middle[2] == pytest.approx(1, abs=0.3)


def test_totals_and_noisy_values_go_together():
    hours = pd.date_range("2024-01-01", periods=48, freq="h")
    X = pd.DataFrame({"y": np.sin(np.arange(48) / 4)}, hours)
    filler = LinearInterpolation(random_state=0).fit(X)
    total = constraints.total("D", {"2024-01-01": 3.0, "2024-01-02": 4.0})
    draws = filler.sample(X, 200, obs_std=0.3, constraints=total)
    sums = draws.paths()[..., 0].reshape(200, 2, 24).sum(2)
    np.testing.assert_allclose(sums, np.tile([3.0, 4.0], (200, 1)), atol=1e-9)


@pytest.mark.parametrize(
    ("obs_std", "message"),
    [
        (-1.0, "finite and not negative; it is -1.0 in column 'a'"),
        (NAN, "finite and not negative"),
        ({"w": 1.0}, "names column 'w'"),
        (np.ones(3), r"got shape \(3,\)"),
    ],
)
def test_noise_that_is_none_is_refused(obs_std, message):
    X = frame()
    filler = LinearInterpolation(random_state=0).fit(X)
    with pytest.raises(ValueError, match=message):
        filler.sample(X, obs_std=obs_std)


@pytest.mark.parametrize("obs_std", [True, "a", ["a"]])
def test_noise_is_a_number(obs_std):
    X = frame()
    filler = LinearInterpolation(random_state=0).fit(X)
    with pytest.raises(TypeError, match="obs_std is a number"):
        filler.sample(X, obs_std=obs_std)


def test_errors_are_others_for_other_draws():
    X = frame()
    filler = LinearInterpolation(random_state=0).fit(X)
    first, second = (
        filler.sample(X, 200, obs_std=0.5, random_state=seed) for seed in (0, 1)
    )
    off = [draws.samples - draws.samples.mean(0) for draws in (first, second)]
    alike = [np.corrcoef(a, b)[0, 1] for a, b in zip(off[0].T, off[1].T, strict=True)]
    assert abs(np.mean(alike)) < 0.05


# --- forecasts ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def walk():
    """A random walk whose last 4 values have errors, and their sd."""
    rng = np.random.default_rng(3)
    y = pd.DataFrame({"y": rng.normal(size=80).cumsum()})
    std = np.where(np.arange(80)[:, None] < 76, 0.0, [[1.5]])
    return y + std * rng.normal(size=y.shape), std


def test_forecasts_agree_with_the_kalman_filter_with_that_noise(walk):
    y, std = walk
    model = SeasonalNaive(horizon=3, period=1, random_state=0).fit(y.iloc[:76])
    ends = model.predict_quantiles(1, y, alpha=[0.5, ndtr(1.0)]).to_numpy()[0]
    step = ends[1] - ends[0]  # of the walk, as it was learned
    prior = step**2 * np.minimum.outer(np.arange(1, 8), np.arange(1, 8))
    gain = prior[:, :4] @ np.linalg.inv(prior[:4, :4] + 1.5**2 * np.eye(4))
    last = y.iloc[75, 0]
    mean = last + gain @ (y.iloc[76:, 0] - last)
    spread = np.sqrt(np.diag(prior - gain @ prior[:4]))
    draws = model.sample(3, y, n_samples=2000, obs_std=std)
    error = (draws.samples.mean(0) - mean[4:]) / spread[4:]
    assert np.abs(error).max() < 0.12
    np.testing.assert_allclose(draws.samples.std(0) / spread[4:], 1, atol=0.06)
    assert draws.given == ("obs_std",)
    point = model.predict(3, y, obs_std=std)
    np.testing.assert_allclose(point["y"], mean[4:], atol=0.3 * spread[4:].max())
    bands = model.predict_interval(3, y, coverage=0.9, obs_std=std)
    drawn = model.sample(3, y, n_samples=200, obs_std=std)
    pd.testing.assert_frame_equal(bands, drawn.interval(0.9))


def test_no_noise_changes_no_forecast(walk):
    y, std = walk
    model = SeasonalNaive(horizon=3, period=1, random_state=0).fit(y)
    plain = model.sample(n_samples=200)
    for none in (0.0, {"y": 0}, np.zeros(std.shape)):
        draws = model.sample(n_samples=200, obs_std=none)
        np.testing.assert_array_equal(draws.samples, plain.samples)


def test_a_network_forecasts_from_noisy_latest_values(walk):
    y = walk[0]
    sizes = {"max_epochs": 1, "width": 16, "depth": 1, "window": 16, "random_state": 0}
    model = DiffusionForecaster(horizon=3, **sizes).fit(y)
    off = y.copy()
    off.iloc[-1] += 30
    last = np.where(np.arange(80)[:, None] == 79, [[20.0]], 0.0)
    fooled, told = model.predict(3, off), model.predict(3, off, obs_std=last)
    off_by = [np.abs(answer["y"] - y.iloc[-2, 0]) for answer in (told, fooled)]
    assert (off_by[0] < 0.5 * off_by[1]).all()


def test_noise_of_a_history_is_checked(walk):
    y, std = walk
    model = SeasonalNaive(horizon=3, period=1, random_state=0).fit(y)
    with pytest.raises(ValueError, match=r"it is -1.5 in column 'y' at 76"):
        model.sample(3, y, obs_std=-std)
    with pytest.raises(ValueError, match=r"as the data, \(80, 1\); got shape \(3, 1\)"):
        model.predict(3, y, obs_std=np.ones((3, 1)))
    model = SeasonalNaive(horizon=3, period=1, random_state=0).fit(y.iloc[:50])
    model.calibrate(y, h=3, step_size=1)
    with pytest.raises(ValueError, match=r"Ask raw\(\)"):
        model.sample(3, y, obs_std=std)
    assert len(model.raw().sample(3, y, obs_std=std)) == 100
