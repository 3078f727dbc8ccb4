"""The laws of made series are exact: against oracles, enumeration and their truth."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scoringrules
from scipy import stats

from tsdiff import datasets


def smoothed(values, persistence, noise):
    """Return statsmodels' Kalman smoother of x[t] and its joint covariance at lag 1."""
    from statsmodels.tsa.statespace.mlemodel import MLEModel

    model = MLEModel(values, k_states=1, k_posdef=1)
    model["design"] = [[1.0]]
    model["selection"] = [[1.0]]
    model["transition"] = [[persistence]]
    model["state_cov"] = [[1 - persistence**2 if persistence < 1 else 0.01]]
    model["obs_cov"] = [[noise**2]]
    model.initialize_known(np.zeros(1), np.eye(1))
    return model.ssm.smooth()


@pytest.mark.parametrize("persistence", [0.5, 0.95, 1.0])
@pytest.mark.parametrize("kind", ["mcar", "blocks"])
def test_gaussian_posterior_is_the_kalman_smoother(persistence, kind):
    data = datasets.make_linear_gaussian(
        n_series=2, n_times=150, persistence=persistence, kind=kind, random_state=4
    )
    for series in range(2):
        shown = data.values[series, :, 0]
        oracle = smoothed(shown, persistence, data.noise)
        mean, covariance = data.posterior(series)
        hole = np.flatnonzero(np.isnan(shown))
        np.testing.assert_allclose(mean, oracle.smoothed_state[0, hole], atol=1e-9)
        variance = oracle.smoothed_state_cov[0, 0, hole] + data.noise**2
        np.testing.assert_allclose(np.diag(covariance), variance, atol=1e-9)
        lag_one = oracle.smoothed_state_autocov[0, 0]
        pair = np.flatnonzero(np.diff(hole) == 1)
        assert len(pair)
        np.testing.assert_allclose(
            covariance[pair, pair + 1], lag_one[hole[pair]], atol=1e-9
        )


def test_gaussian_truth_is_standard_under_its_own_posterior():
    data = datasets.make_linear_gaussian(
        n_series=60, n_times=60, n_channels=3, noise=0.5, random_state=7
    )
    whitened, totals = [], []
    for series in range(60):
        mean, covariance = data.posterior(series)
        miss = data.truth[series][np.isnan(data.values[series])] - mean
        if not len(miss):
            continue
        whitened.append(np.linalg.solve(np.linalg.cholesky(covariance), miss))
        totals.append(miss.sum() / np.sqrt(covariance.sum()))
    assert stats.kstest(np.concatenate(whitened), "norm").pvalue > 0.01
    assert stats.kstest(totals, "norm").pvalue > 0.01


def test_switch_weights_equal_enumeration_of_all_paths():
    data = datasets.make_switching(
        n_series=3, n_times=7, noise=1.5, missing=0.4, kind="mcar", random_state=2
    )
    paths = np.array(list(itertools.product((0, 1), repeat=7)))
    move = np.where(np.diff(paths, axis=1) == 0, data.stay, 1 - data.stay)
    prior = 0.5 * move.prod(axis=1)
    for series in range(3):
        shown = data.values[series, :, 0]
        density = stats.norm.pdf(shown, np.array(data.levels)[paths], data.noise)
        joint = prior * np.where(np.isnan(shown), 1.0, density).prod(axis=1)
        upper = (joint[:, None] * paths).sum(0) / joint.sum()
        np.testing.assert_allclose(data.state_probability()[series, :, 1], upper)


def test_switch_far_from_its_levels_does_not_underflow():
    data = datasets.make_switching(n_times=50)
    far = replace(data, values=data.values + 1e3)
    assert np.isfinite(far.state_probability()).all()


def test_mixture_law_agrees_with_its_oracles():
    law = datasets.make_switching(n_times=300, noise=0.5).posterior()
    assert ((law.weights.min(axis=1) > 0.1).sum()) > 10  # truly two modes
    levels = np.linspace(0.05, 0.95, 19)
    np.testing.assert_allclose(
        law.cdf(law.quantile(levels)), np.tile(levels[:, None], len(law.weights))
    )
    np.testing.assert_array_equal(law.quantile(0.5), law.quantile([0.5])[0])
    y = np.linspace(-3, 3, len(law.weights))
    means = np.tile(law.means, (len(y), 1))
    oracle = scoringrules.crps_mixnorm(
        y, means, np.full_like(means, law.sd), law.weights
    )
    np.testing.assert_allclose(law.crps(y), oracle, atol=1e-12)
    draws = law.sample(20_000, np.random.default_rng(0))
    assert draws.shape == (20_000, len(y))
    np.testing.assert_allclose(draws.mean(0), law.mean(), atol=0.08)
    share = (draws <= law.quantile(0.3)).mean(0)
    np.testing.assert_allclose(share, 0.3, atol=0.02)


def test_switch_truth_is_uniform_under_its_own_law():
    data = datasets.make_switching(n_series=40, n_times=200, random_state=3)
    levels = data.posterior().cdf(data.hidden_truth)
    assert stats.kstest(levels, "uniform").pvalue > 0.01


def test_count_law_agrees_with_its_oracles():
    law = datasets.make_counts(n_times=300).posterior()
    counts = np.arange(6.0)[:, None]
    poisson = stats.poisson.cdf(counts, law.rate)
    np.testing.assert_allclose(law.cdf(counts), 0.3 + 0.7 * poisson)
    assert (law.cdf(np.full(len(law.rate), -1.0)) == 0).all()
    quantile = law.quantile([0.2, 0.5, 0.9])
    oracle = stats.poisson.ppf(
        np.maximum((np.array([[0.2], [0.5], [0.9]]) - 0.3) / 0.7, 0), law.rate
    )
    np.testing.assert_array_equal(quantile, np.maximum(oracle, 0))
    np.testing.assert_array_equal(law.quantile(0.5), quantile[1])
    rng = np.random.default_rng(0)
    y = law.sample(1, rng)[0]
    draws = law.sample(20_000, rng)
    np.testing.assert_allclose(draws.mean(0), law.mean(), rtol=0.05)
    oracle = scoringrules.crps_ensemble(y, draws.T)
    np.testing.assert_allclose(law.crps(y), oracle, rtol=0.06, atol=0.03)


def test_counts_have_the_zeros_and_the_rate_they_claim():
    data = datasets.make_counts(n_series=20, n_times=500, slope=0.0, random_state=1)
    counts = data.truth[:, :, 0]
    assert abs((counts == 0).mean() - (0.3 + 0.7 * np.exp(-4))) < 0.02
    assert abs(counts.mean() - 2.8) < 0.1
    assert not np.isnan(data.values[:, :, 1]).any()
    law = data.posterior()
    assert (law.rate == 4).all()
    # No other forecast of these counts scores better than the law itself.
    truth = data.hidden_truth
    for rate, zeros in ((5.0, 0.3), (3.2, 0.3), (4.0, 0.2), (4.0, 0.4)):
        rival = datasets.ZeroInflatedPoisson(np.full(len(truth), rate), zeros)
        assert law.crps(truth).mean() < rival.crps(truth).mean()


def test_frame_holds_the_values_in_the_order_of_the_cells():
    for n_series in (1, 3):
        data = datasets.make_linear_gaussian(n_series, 40, 2)
        frame = data.frame()
        flat = frame.to_numpy().ravel()
        np.testing.assert_array_equal(np.flatnonzero(np.isnan(flat)), data.cells)
        np.testing.assert_array_equal(flat, data.values.ravel())
        assert frame.index.nlevels == min(n_series, 2)


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (datasets.make_linear_gaussian, {"persistence": 1.1}, "persistence lies in"),
        (datasets.make_linear_gaussian, {"noise": 0.0}, "standard deviation above 0"),
        (datasets.make_switching, {"stay": 1.0}, "stay lies strictly between"),
        (datasets.make_switching, {"noise": -1.0}, "standard deviation above 0"),
        (datasets.make_counts, {"rate": 0.0}, "rate is above 0"),
        (datasets.make_counts, {"zeros": 1.0}, "zeros in"),
    ],
)
def test_laws_that_do_not_exist_are_refused(make, options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_levels_outside_0_and_1_are_refused():
    law = datasets.make_switching().posterior()
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        law.quantile([0.1, 1.0])
