"""One fit for any question, against a law that is known exactly.

No model that is made for one question can do better on it than the exact law.
"""

import dataclasses

import numpy as np
import pytest

from tsdiff import DiffusionImputer, metrics
from tsdiff.datasets import make_linear_gaussian

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
FIT = {"width": 32, "depth": 2, "batch_size": 32, "max_epochs": 24, "random_state": 0}
N_TIMES, HORIZON, N_SAMPLES = 24, 6, 64


def series(part):
    """Some of 450 series of one law, of two channels that move together, with holes."""
    data = make_linear_gaussian(
        450, N_TIMES, 2, persistence=0.9, missing=0.15, random_state=0
    )
    return dataclasses.replace(data, values=data.values[part], truth=data.truth[part])


TRAIN = series(slice(400)).values


@pytest.fixture(scope="module")
def gaps():
    return series(slice(400, None))


@pytest.fixture(scope="module")
def ahead(gaps):
    """The same series with their last six steps unknown."""
    values = gaps.values.copy()
    values[:, -HORIZON:] = np.nan
    return dataclasses.replace(gaps, values=values)


@pytest.fixture(scope="module")
def any_question():
    return DiffusionImputer(**FIT).fit(TRAIN)


def loss(samples, truth, mean, spread):
    """CRPS of draws in units of that of as many draws of the exact normal laws."""
    noise = np.random.default_rng(0).standard_normal(samples.shape)
    exact = metrics.crps(truth, mean + spread * noise).mean()
    return metrics.crps(truth, samples).mean() / exact


def test_one_fit_fills_as_well_as_any_could(any_question, gaps):
    samples = any_question.sample(gaps.values, N_SAMPLES).samples
    laws = [gaps.posterior(number) for number in range(len(gaps.values))]
    mean = np.concatenate([m for m, _ in laws])
    spread = np.concatenate([np.sqrt(np.diag(c)) for _, c in laws])
    assert loss(samples, gaps.hidden_truth, mean, spread) < 1.03


@pytest.fixture(scope="module")
def draws(any_question, ahead):
    """Forecasts of the last steps, shape (S, n_series, HORIZON, 2)."""
    forecaster, history = (
        any_question.as_forecaster(HORIZON),
        ahead.values[:, :-HORIZON],
    )
    samples = forecaster.sample(y=history, n_samples=N_SAMPLES).samples
    return samples.reshape(N_SAMPLES, -1, HORIZON, 2)


def exact_ahead(ahead, number):
    """Mean and covariance of the forecast of one series."""
    mean, covariance = ahead.posterior(number)
    step = np.argwhere(np.isnan(ahead.values[number]))[:, 0]
    future = step >= N_TIMES - HORIZON
    return mean[future], covariance[np.ix_(future, future)]


def test_one_fit_forecasts_as_well_as_any_could_by_the_exact_law(draws, ahead):
    laws = [exact_ahead(ahead, number) for number in range(len(ahead.values))]
    mean = np.array([m for m, _ in laws])
    spread = np.array([np.sqrt(np.diag(c)) for _, c in laws])
    flat = draws.reshape(*draws.shape[:2], -1)
    error = (flat.mean(0) - mean) / spread
    assert np.sqrt((error**2).mean()) < 0.35  # of the exact law's own spread
    assert (flat.std(0) / spread).mean() == pytest.approx(1, abs=0.1)
    truth = ahead.truth[:, -HORIZON:].reshape(len(ahead.truth), -1)
    assert loss(flat, truth, mean, spread) < 1.03


def ratio_of_totals(draws, ahead):
    """Spread of totals over channels and steps, in units of the exact one."""
    totals = draws.sum((2, 3)).std(0)
    exact = [np.sqrt(exact_ahead(ahead, n)[1].sum()) for n in range(len(totals))]
    return (totals / exact).mean()


def test_totals_over_channels_and_steps_are_joint(draws, ahead):
    assert ratio_of_totals(draws, ahead) == pytest.approx(1, abs=0.15)
    independent = np.random.default_rng(0).permuted(draws, axis=0)
    assert ratio_of_totals(independent, ahead) < 0.7
    truth = ahead.truth[:, -HORIZON:].sum((1, 2))
    joint, apart = (
        metrics.crps(truth, d.sum((2, 3))).mean() for d in (draws, independent)
    )
    assert joint < 0.97 * apart
