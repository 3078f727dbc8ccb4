"""Against laws known exactly: what a short fit must get right, and independence can't.

Each model is fitted once on series of a made-up law and answers other series of the
same law; the bounds were set for the budgets given here.
"""

import numpy as np
import pytest

from tsdiff import DiffusionImputer, metrics
from tsdiff.datasets import make_counts, make_linear_gaussian, make_switching

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
FIT = {"width": 32, "depth": 2, "batch_size": 32, "max_epochs": 16, "random_state": 0}


def linear_gaussian(n_series, seed):
    return make_linear_gaussian(
        n_series, 24, persistence=0.9, noise=0.3, missing=0.3, random_state=seed
    )


@pytest.fixture(scope="module")
def imputer():
    return DiffusionImputer(**FIT).fit(linear_gaussian(600, 0).values)


@pytest.fixture(scope="module")
def gaussian(imputer):
    """Draws of 60 new series, the exact posterior beside them."""
    asked = linear_gaussian(60, 1)
    draws = imputer.sample(asked.values, 100)
    series = asked.cells // asked.values[0].size
    exact = [asked.posterior(s) for s in range(60)]
    return draws.samples, series, exact


def test_single_cells_agree_with_the_kalman_posterior(gaussian):
    samples, _, exact = gaussian
    mean = np.concatenate([m for m, _ in exact])
    spread = np.concatenate([np.sqrt(np.diag(c)) for _, c in exact])
    error = (samples.mean(0) - mean) / spread
    assert np.sqrt((error**2).mean()) < 0.3  # of the posterior's own spread
    assert samples.std(0).mean() / spread.mean() == pytest.approx(1, abs=0.08)
    low, high = np.quantile(samples, [0.05, 0.95], axis=0)
    assert np.sqrt((((low - mean) / spread + 1.645) ** 2).mean()) < 0.4
    assert np.sqrt((((high - mean) / spread - 1.645) ** 2).mean()) < 0.4


@pytest.mark.long
@pytest.mark.parametrize("std", [0.3, 1.0])
def test_noisy_cells_agree_with_the_kalman_smoother_with_that_noise(imputer, std):
    asked = linear_gaussian(60, 1)
    noise = std * np.random.default_rng(0).normal(size=asked.values.shape)
    noisy = asked.values + noise  # every cell: the network is shown nothing at all
    draws = imputer.sample(noisy, 200, obs_std=std)
    y, prior = noisy[..., 0], asked.covariance
    mean, spread = np.empty((2, *y.shape))
    for s, seen in enumerate(~np.isnan(y)):
        inner = prior[np.ix_(seen, seen)] + std**2 * np.eye(seen.sum())
        gain = prior[:, seen] @ np.linalg.inv(inner)
        mean[s] = gain @ y[s, seen]
        spread[s] = np.sqrt(np.diag(prior - gain @ prior[seen]))
    error = (draws.samples.mean(0) - mean.ravel()) / spread.ravel()
    assert np.sqrt((error**2).mean()) < 0.35  # of the posterior's own spread
    assert (draws.samples.std(0) / spread.ravel()).mean() == pytest.approx(1, abs=0.15)


def spread_of_totals(samples, series, exact):
    """Spread of each series' total over its gaps, in units of the exact one."""
    ratio = []
    for s in np.unique(series):
        covariance = exact[s][1]
        if len(covariance) >= 3:
            total = samples[:, series == s].sum(1)
            ratio.append(total.std() / np.sqrt(covariance.sum()))
    return np.mean(ratio)


def test_totals_agree_with_the_kalman_posterior(gaussian):
    assert spread_of_totals(*gaussian) == pytest.approx(1, abs=0.15)


def test_independent_draws_of_the_same_marginals_fail_on_totals(gaussian):
    samples, series, exact = gaussian
    independent = np.random.default_rng(0).permuted(samples, axis=0)
    assert spread_of_totals(independent, series, exact) < 0.7


@pytest.mark.long
def test_paths_are_as_rough_as_the_data_and_no_rougher():
    """A second-order autoregression is smooth; paths through its gaps are too."""
    noise = np.random.default_rng(0).normal(size=(300, 120))
    y = np.zeros((300, 120))
    for t in range(2, 120):
        y[:, t] = 1.9 * y[:, t - 1] - 0.92 * y[:, t - 2] + noise[:, t]
    truth = y[:, 72:, None]  # past the start
    imputer = DiffusionImputer(**FIT | {"max_epochs": 8}).fit(truth[:260])
    asked = truth[260:].copy()
    asked[:, 18:30] = np.nan
    paths = imputer.sample(asked, 100).samples.reshape(100, 40, 12)
    step = np.abs(np.diff(paths, axis=2)).mean()
    exact = np.abs(np.diff(truth[260:, 18:30, 0], axis=1)).mean()
    assert step == pytest.approx(exact, rel=0.25)
    apart = np.abs(np.diff(np.random.default_rng(0).permuted(paths, axis=0), axis=2))
    assert apart.mean() > 1.2 * step


@pytest.mark.long
def test_a_hidden_switch_has_two_modes():
    values = make_switching(600, 32, random_state=0).values
    imputer = DiffusionImputer(**FIT | {"max_epochs": 23}).fit(values)
    asked = make_switching(100, 32, random_state=1)
    law = asked.posterior()
    samples = imputer.sample(asked.values, 50).samples
    exact = law.crps(asked.hidden_truth).mean()
    assert metrics.crps(asked.hidden_truth, samples).mean() < 1.05 * exact
    # as much mass on each side of the valley as there is, cell by cell
    upper = 1 - law.cdf(np.zeros(len(asked.cells)))
    assert np.abs((samples > 0).mean(0) - upper).mean() < 0.1
    # of cells that may well be in either state few draws lie in the valley between
    open_ = (upper > 0.3) & (upper < 0.7)
    valley = np.abs(samples[:, open_]) < 1
    assert valley.mean() < 0.2
    quantiles = imputer.predict_quantiles(asked.values, [0.2, 0.8]).reshape(-1, 2)
    ends = quantiles[asked.cells][open_]
    assert (ends[:, 0] < -1).mean() > 0.7
    assert (ends[:, 1] > 1).mean() > 0.7


@pytest.mark.long
def test_zeros_among_counts_stay_zeros():
    imputer = DiffusionImputer(**FIT | {"max_epochs": 18})
    imputer.fit(make_counts(600, 32, random_state=0).values)
    asked = make_counts(60, 32, random_state=1)
    law = asked.posterior()
    samples = imputer.sample(asked.values, 50).samples
    exact = law.crps(asked.hidden_truth).mean()
    assert metrics.crps(asked.hidden_truth, samples).mean() < 1.05 * exact
    zeros = law.cdf(np.zeros(len(asked.cells))).mean()
    assert (samples == 0).mean() == pytest.approx(zeros, abs=0.1)
    assert (samples == np.round(samples)).all()
    assert samples.min() == 0
