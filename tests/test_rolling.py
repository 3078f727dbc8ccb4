"""Beyond the horizon paths go on from their own draws, and their spread grows."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tsdiff import DiffusionForecaster
from tsdiff.rolling import draw, quantiles

HORIZON = 4


@pytest.fixture(scope="module")
def walk():
    """Two random walks, and a model that looks four steps ahead."""
    rng = np.random.default_rng(0)
    y = pd.DataFrame(rng.normal(size=(400, 2)).cumsum(axis=0), columns=["a", "b"])
    model = DiffusionForecaster(
        horizon=HORIZON, window=24, width=32, depth=2, max_epochs=40, random_state=0
    )
    return model.fit(y), y


@pytest.fixture(scope="module")
def draws(walk):
    model, _ = walk
    return model.sample(h=4 * HORIZON, n_samples=400)


def test_the_first_horizon_is_answered_as_if_no_more_had_been_asked(walk, draws):
    model, _ = walk
    near = model.sample(h=HORIZON, n_samples=400)
    n = near.samples.shape[1]
    assert np.allclose(draws.samples[:, :n], near.samples, atol=1e-4)
    far = model.predict_quantiles(h=4 * HORIZON, alpha=[0.1, 0.9]).iloc[:HORIZON]
    pd.testing.assert_frame_equal(
        far, model.predict_quantiles(h=HORIZON, alpha=[0.1, 0.9]), atol=1e-5
    )


def test_spread_of_a_random_walk_grows_like_the_root_of_the_distance(draws):
    spread = draws.samples.reshape(400, -1, 2).std(axis=0).mean(axis=1)
    growth = spread[-1] / spread[HORIZON - 1]
    assert growth == pytest.approx(2, rel=0.25)  # sqrt(16 / 4)
    assert (np.diff(spread[:: HORIZON - 1]) > 0).all()


def test_paths_do_not_jump_where_one_horizon_meets_the_next(draws):
    steps = np.diff(draws.samples.reshape(400, -1, 2), axis=1).std(axis=0).mean(axis=1)
    at_seams = steps[HORIZON - 1 :: HORIZON]
    inside = np.delete(steps, np.s_[HORIZON - 1 :: HORIZON])
    assert at_seams.mean() < 1.5 * inside.mean()


def test_quantiles_beyond_the_horizon_are_those_of_paths(walk, draws):
    model, _ = walk
    levels = [0.1, 0.5, 0.9]
    closed = model.predict_quantiles(h=4 * HORIZON, alpha=levels).to_numpy()
    closed = closed.reshape(-1, 2, 3)[HORIZON:]
    sampled = np.quantile(draws.samples, levels, axis=0).T.reshape(-1, 2, 3)[HORIZON:]
    width = (sampled[..., 2] - sampled[..., 0])[..., None]
    assert (np.abs(closed - sampled) < 0.25 * width).all()


def extended(y, n_rows):
    """A panel of two series with rows of NaN behind each."""
    y = y.reset_index(drop=True)
    more = pd.DataFrame(np.nan, range(len(y), len(y) + n_rows), y.columns)
    one = pd.concat([y, more])
    return pd.concat({"s": one, "t": one + 3.0}, names=["unique_id", "ds"])


def test_a_series_is_rolled_alike_alone_and_beside_others(walk):
    model, y = walk
    many = extended(y.iloc[-40:], 10)
    panel = model.schema_.read(model, many)
    alone = model.schema_.read(model, many.loc[["t"]])
    answers = []
    for some in (panel, alone):
        cells = np.flatnonzero(np.isnan(some.values))
        answers.append(draw(model.model_, some, cells, 50, 0, 8))
    assert np.allclose(answers[0][:, 20:], answers[1], atol=1e-4)


def test_cells_asked_for_one_by_one_are_those_asked_for_together(walk):
    model, y = walk
    panel = model.schema_.read(model, extended(y.iloc[-40:], 10))
    cells = np.flatnonzero(np.isnan(panel.values))
    every = draw(model.model_, panel, cells, 50, 0, 8)
    few = draw(model.model_, panel, cells[7:9], 50, 0, 8)
    assert np.allclose(every[:, 7:9], few, atol=1e-5)
    levels = np.array([0.25, 0.75])
    assert np.allclose(
        quantiles(model.model_, panel, cells, levels, 8)[:, [3, 15]],
        quantiles(model.model_, panel, cells[[3, 15]], levels, 8),
        atol=1e-5,
    )


def test_a_model_without_a_horizon_answers_in_one_go(walk):
    model, y = walk
    panel = model.schema_.read(model, extended(y.iloc[-40:], 10))
    cells = np.flatnonzero(np.isnan(panel.values))
    plain = dataclasses.replace(model.model_, horizon=None)
    assert np.isfinite(draw(plain, panel, cells, 10, 0, 8)).all()
