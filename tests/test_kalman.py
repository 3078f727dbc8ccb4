"""The Kalman smoother: exact joint laws, and parameters found from data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri
from sklearn.utils.estimator_checks import parametrize_with_checks

from tsdiff import datasets
from tsdiff.baselines import KalmanSmoother, kalman
from tsdiff.baselines.kalman import SPECIFICATIONS, Structure
from tsdiff.baselines.statespace import deviations, moments


@parametrize_with_checks([KalmanSmoother(random_state=0)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_kalman_keeps_sklearns_contract(estimator, check, monkeypatch):
    """The contract knows nothing of structures: the two quickest stand for all."""
    few = {name: SPECIFICATIONS[name] for name in ("local level", "smooth trend")}
    monkeypatch.setattr(kalman, "SPECIFICATIONS", few)
    check(estimator)


def walk(n_rows, rate=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return np.sqrt(rate) * rng.standard_normal(n_rows).cumsum()


def check_covariance(samples, expected):
    """Each entry within five standard errors of a normal sample's covariance."""
    found = np.cov(samples.T)
    scale = np.outer(np.diag(expected), np.diag(expected))
    error = np.sqrt((scale + expected**2) / len(samples))
    assert (np.abs(found - expected) < 5 * error).all()


PARAMS = {
    "local level": (0.3, 0.2),
    "smooth trend": (0.3, 0.01),
    "local linear trend": (0.3, 0.1, 0.01),
    "constant + AR(1)": (0.3, 0.4, 0.8),
    "constant + AR(2)": (0.3, 0.2, 1.4, -0.5),
}


def dense_law(ssm, values):
    """Condition the joint normal law of all rows, unrolled from the matrices."""
    n_rows, k = len(values), ssm.k_states
    blocks = np.zeros((n_rows, n_rows, k, k))
    shock = ssm["selection"] @ ssm["state_cov"] @ ssm["selection"].T
    blocks[0, 0] = ssm.filter().predicted_state_cov[:, :, 0]
    for t in range(1, n_rows):
        blocks[t, t] = ssm["transition"] @ blocks[t - 1, t - 1] @ ssm["transition"].T
        blocks[t, t] += shock
    for t in range(n_rows):
        for s in range(t + 1, n_rows):
            blocks[s, t] = ssm["transition"] @ blocks[s - 1, t]
            blocks[t, s] = blocks[s, t].T
    z = ssm["design"][0]
    joint = np.einsum("i,tsij,j->ts", z, blocks, z)
    joint += ssm["obs_cov"][0, 0] * np.eye(n_rows)
    hole = np.isnan(values)
    across = joint[np.ix_(~hole, hole)]
    gain = np.linalg.solve(joint[np.ix_(~hole, ~hole)], across)
    return gain.T @ values[~hole], joint[np.ix_(hole, hole)] - gain.T @ across


@pytest.mark.parametrize("name", [*SPECIFICATIONS, "local level with a season"])
def test_every_structure_has_its_exact_joint_law(name):
    values = walk(40) / 4
    values[[0, 1, 10, 11, 12, 20, 38, 39]] = np.nan
    if name in SPECIFICATIONS:
        model = Structure(name, PARAMS[name], 0.0, 1.0).model(values)
    else:
        params = (0.3, 0.2, 0.01)
        model = Structure("local level", params, 0.0, 1.0, period=6).model(values)
    mean, covariance = dense_law(model.ssm, values)
    hole = np.isnan(values)
    smoothed, variance = moments(model)
    digits = 1e-4 if name in SPECIFICATIONS else 2e-3  # diffuse starts: 1e6
    np.testing.assert_allclose(smoothed[hole], mean, atol=digits)
    np.testing.assert_allclose(variance[hole], np.diag(covariance), rtol=digits)
    samples = deviations(model, 20_000, np.random.default_rng(0))[:, hole]
    check_covariance(samples, covariance)
    assert (np.abs(samples.mean(0)) < 5 * np.sqrt(variance[hole] / 20_000)).all()


def test_smoother_agrees_with_the_posterior_when_parameters_are_known():
    data = datasets.make_linear_gaussian(n_times=150, random_state=1)
    mean, covariance = data.posterior()
    params = (data.noise**2, 1 - 0.9**2, 0.9)
    model = Structure("constant + AR(1)", params, 0.0, 1.0).model(data.values[0, :, 0])
    # No constant here, and a factor of variance 1.
    model.ssm.initialize_known(np.zeros(2), np.diag([0.0, 1.0]))
    smoothed, variance = moments(model)
    np.testing.assert_allclose(smoothed[data.cells], mean, atol=1e-9)
    np.testing.assert_allclose(variance[data.cells], np.diag(covariance), atol=1e-9)
    samples = deviations(model, 20_000, np.random.default_rng(0))[:, data.cells]
    check_covariance(samples, covariance)
    total = covariance.sum()
    assert samples.sum(1).var() == pytest.approx(total, rel=5 * np.sqrt(2 / 20_000))


def test_fitted_smoother_comes_close_to_the_posterior():
    data = datasets.make_linear_gaussian(n_times=3000, random_state=1)
    mean, covariance = data.posterior()
    frame = data.frame()
    model = KalmanSmoother(random_state=0).fit(frame)
    assert model.structures_[0].name == "constant + AR(1)"
    _, _, persistence = model.structures_[0].params
    assert persistence == pytest.approx(0.9, abs=0.03)
    found = model.transform(frame).to_numpy().ravel()[data.cells]
    ends = model.predict_interval(frame, 0.9).to_numpy()[data.cells]
    sd = (ends[:, 1] - ends[:, 0]) / (2 * ndtri(0.95))
    exact = np.sqrt(np.diag(covariance))
    assert np.sqrt(np.mean((found - mean) ** 2)) < 0.05 * exact.mean()
    np.testing.assert_allclose(sd, exact, rtol=0.08)
    totals = model.sample(frame, 400).samples.sum(1)
    error = np.sqrt(covariance.sum())
    assert totals.std() == pytest.approx(error, rel=0.15)
    independent = np.sqrt(np.sum(exact**2))
    assert independent < 0.75 * error  # so independent cells would have failed


def test_a_season_is_taken_where_there_is_one_and_bridges_gaps():
    t, rng = np.arange(300), np.random.default_rng(3)
    wave = 3 * np.sin(2 * np.pi * t / 24) + np.cos(2 * np.pi * t / 8)
    y = wave + 0.3 * rng.standard_normal(300)
    frame = pd.DataFrame({"wave": y, "walk": walk(300)})
    frame.iloc[200:220, 0] = np.nan
    model = KalmanSmoother(period=24, random_state=0).fit(frame)
    assert [structure.period for structure in model.structures_] == [24, 0]
    filled = model.transform(frame)["wave"].to_numpy()[200:220]
    assert np.abs(filled - wave[200:220]).max() < 0.4
    ends = model.predict_interval(frame, 0.9).to_numpy()[200:220]
    assert 0.9 < (ends[:, 1] - ends[:, 0]).mean() / (2 * ndtri(0.95) * 0.3) < 1.5


def test_likelihood_chooses_the_structure_that_made_the_data():
    level = walk(1500, rate=0.04) + 0.3 * np.random.default_rng(5).standard_normal(1500)
    noise = np.random.default_rng(6).standard_normal(1500)
    trend = walk(1500, rate=1e-4).cumsum() + 0.3 * noise
    frame = pd.DataFrame({"level": level, "trend": trend})
    found = [structure.name for structure in KalmanSmoother().fit(frame).structures_]
    assert found == ["local level", "smooth trend"]


def test_series_of_few_values_are_answered_within_what_the_channel_does():
    t, rng = np.arange(1200), np.random.default_rng(3)
    wave = np.sin(2 * np.pi * t / 24) + np.cos(2 * np.pi * t / 12)
    wave += 0.1 * rng.standard_normal(1200)
    trend = walk(1200, rate=1e-4).cumsum()
    values = np.column_stack([wave, trend])
    model = KalmanSmoother(period=24).fit(values)
    assert [one.period for one in model.structures_] == [24, 0]
    assert model.structures_[1].name == "smooth trend"
    windows = values.reshape(25, 48, 2)
    shown = np.full_like(windows, np.nan)
    shown[:, [20, 21]] = windows[:, [20, 21]]
    hidden = np.isnan(shown)
    ends = model.predict_interval(shown, 0.9)
    low, high = ends[..., 0::2], ends[..., 1::2]
    inside = ((low <= windows) & (windows <= high)).mean(axis=(0, 1), where=hidden)
    assert (inside >= 0.85).all()
    assert np.ptp(ends[..., :2], axis=2).max() < 5 * np.ptp(wave)  # was 2,000 times
