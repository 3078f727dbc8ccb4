"""Two worlds from the same noise: nothing edited, nothing differs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from backtested import H, looking_ahead, waves
from exact import Exact
from small import HOURS, NAN, frame, tiny

from tsdiff import DiffusionImputer, scenario
from tsdiff.datasets import make_linear_gaussian


@pytest.fixture(scope="module")
def imputer():
    return tiny(max_epochs=4).fit(frame())


@pytest.fixture(scope="module")
def law():
    return make_linear_gaussian(n_times=60, n_channels=2, random_state=5)


def test_edits_that_change_nothing_make_no_difference(imputer):
    X = frame()
    kept = {"a": pd.Series(X["a"].iloc[:5])}
    for edits in (None, X.copy(), kept, {}):
        world = scenario(imputer, X, edits, n_samples=8)
        assert (world.difference.samples == 0).all()
        assert (world.difference.mean() == 0).all(axis=None)
        expected = imputer.sample(X, 8).samples
        np.testing.assert_array_equal(world.factual.samples, expected)


def test_the_mean_difference_is_the_regression_coefficient(law):
    model, X = Exact.of(law), law.frame()
    seen = np.flatnonzero(~np.isnan(law.values.ravel()))
    joint = law.covariance
    gain = np.linalg.solve(joint[np.ix_(seen, seen)], joint[np.ix_(seen, law.cells)])
    strongest = np.abs(gain).max(axis=1).argmax()
    edited = seen[strongest]
    row, channel = divmod(edited, 2)
    step = pd.Series([X.iloc[row, channel] + 3.0], index=[X.index[row]])
    world = scenario(model, X, {X.columns[channel]: step}, n_samples=5)
    effect = world.difference.mean().to_numpy().ravel()
    np.testing.assert_allclose(effect[law.cells], 3 * gain[strongest], atol=1e-9)
    assert effect[edited] == pytest.approx(3)
    np.testing.assert_array_equal(effect[np.setdiff1d(seen, edited)], 0)


@pytest.mark.long
def test_a_fitted_model_finds_the_regression_coefficient():
    def made(n_series, seed):
        return make_linear_gaussian(n_series, 16, noise=0.3, random_state=seed)

    fitted = DiffusionImputer(
        width=16, depth=1, batch_size=32, max_epochs=16, random_state=0
    ).fit(made(200, 0).values)
    law = made(1, 0)
    X = np.random.default_rng(1).multivariate_normal(np.zeros(16), law.covariance, 200)
    X = X[:, :, None]
    X[:, 8] = NAN
    edited = X.copy()
    edited[:, 7] += 0.5
    world = scenario(fitted, X, edited, n_samples=50)
    joint, others = law.covariance, np.delete(np.arange(16), 8)
    exact = np.linalg.solve(joint[np.ix_(others, others)], joint[others, 8])[7] / 2
    assert world.difference.mean()[:, 8].mean() == pytest.approx(exact, rel=0.2)


def test_pairs_vary_less_than_independent_draws(imputer, law):
    X = frame()
    edits = X.copy()
    edits.iloc[33, 0] = NAN  # released, and its neighbour lifted
    edits.iloc[34, 0] += 0.3
    for model, data, changed in (
        (imputer, X, edits),
        (Exact.of(law), law.frame(), law.frame() + 0.1),
    ):
        world = scenario(model, data, changed, n_samples=100)
        other = model.sample(changed, 100, random_state=9)
        both = np.intersect1d(world.factual.cells, other.cells)
        alone = other.samples[:, np.searchsorted(other.cells, both)]
        pairs = world.factual.samples[:, np.searchsorted(world.factual.cells, both)]
        independent = (alone - pairs).var(0)
        place = np.searchsorted(world.difference.cells, both)
        assert world.difference.samples[:, place].var(0).sum() < independent.sum() / 2


def test_released_and_given_cells_are_compared_with_what_they_were(imputer):
    X = frame()
    released = scenario(imputer, X, {"a": pd.Series([NAN], [HOURS[20]])}, n_samples=9)
    cell = 20 * 2
    where = released.difference.cells == cell
    drawn = released.edited.samples[:, released.edited.cells == cell]
    change = released.difference.samples[:, where]
    np.testing.assert_array_equal(change, drawn - X.iloc[20, 0])
    given = scenario(imputer, X, {"a": pd.Series([0.5], [HOURS[9]])}, n_samples=9)
    where = given.difference.cells == 9 * 2
    was = given.factual.samples[:, given.factual.cells == 9 * 2]
    np.testing.assert_array_equal(given.difference.samples[:, where], 0.5 - was)
    band = given.difference.interval(0.8)
    assert (band["a-lo-80"] <= band["a-hi-80"]).all()
    assert band.index.equals(X.index)


def test_forecasts_answer_to_edits_of_history_and_covariates():
    y = waves()
    X = pd.DataFrame({"z": np.cos(np.arange(len(y) + H) / 4)})
    X.index = pd.date_range(y.index[0], periods=len(X), freq="h")
    model = looking_ahead(random_state=0).fit(y, X)
    options = {"X": X, "n_samples": 60}
    same = scenario(model, y, **options)
    assert (same.difference.samples == 0).all()
    lifted = scenario(model, y, {"a": y["a"].iloc[-3:] + 1}, **options)
    assert lifted.difference.mean()["a"].iloc[0] > 0
    warm = scenario(model, y, X_edits={"z": 2.0}, **options)
    assert warm.difference.samples.any()
    assert len(warm.difference.mean()) == H


def test_edits_that_cannot_be_made_are_refused(imputer):
    X = frame()
    before = X.copy()
    for edits, message in (
        ({"c": 1.0}, "names 'c', which the data don't have"),
        ({"a": pd.Series([1.0], [HOURS[0] - HOURS.freq])}, "no rows of"),
        (X.iloc[1:], "paths can't be paired"),
    ):
        with pytest.raises(ValueError, match=message):
            scenario(imputer, X, edits)
    with pytest.raises(TypeError, match="must be the edited data, a DataFrame"):
        scenario(imputer, X, X.to_numpy())
    with pytest.raises(TypeError, match="by column name are of a pandas DataFrame"):
        scenario(imputer, X.to_numpy(), {"a": 1.0})
    with pytest.raises(ValueError, match="X_edits changes cells of X"):
        scenario(imputer, X, X_edits={"a": 1.0})
    with pytest.raises(ValueError, match="h and X are of forecasts"):
        scenario(imputer, X, h=3)
    pd.testing.assert_frame_equal(X, before)
