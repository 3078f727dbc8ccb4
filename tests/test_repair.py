"""Observed cells that the others don't bear out: scores are tail probabilities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from exact import Exact
from scipy import stats
from small import NAN, frame, same, tiny

from tsdiff import repair
from tsdiff.baselines import KalmanSmoother, LinearInterpolation
from tsdiff.datasets import make_linear_gaussian
from tsdiff.panel.frame import to_panel
from tsdiff.repairing.hiding import passes
from tsdiff.repairing.looks import combined
from tsdiff.repairing.repeats import attained, repeats, tail

# --- parts ----------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 2, 6, 24])
def test_every_cell_is_asked_once_with_its_neighbours_hidden(length):
    values = np.zeros((90, 3))
    values[10:14, 1] = NAN
    table = pd.DataFrame(values, pd.MultiIndex.from_product([["u", "v"], range(45)]))
    panel = to_panel(table)
    times = np.zeros(values.shape, dtype=int)
    for asked, hidden in passes(panel, length):
        times += asked
        row, channel = np.nonzero(asked)
        series = row // 45
        for step in range(-(length // 2), length // 2 + 1):
            near = np.clip(row + step, series * 45, series * 45 + 44)
            assert (hidden | ~panel.observed)[near, channel].all()
        assert not (hidden & ~panel.observed).any()
    np.testing.assert_array_equal(times, panel.observed)


def test_runs_of_repeats_have_the_tail_of_two_geometric_numbers():
    rng = np.random.default_rng(0)
    again = rng.random(200_000) < 0.4
    values = np.cumsum(~again).astype(float)  # fresh values, some of them repeated
    length, rate = repeats(to_panel(values[:, None]))
    for n in (1, 2, 4, 7):
        share = (length >= n).mean()
        assert tail(np.array(float(n)), np.array(0.4)) == pytest.approx(share, abs=5e-3)
    np.testing.assert_allclose(rate, 0.4, atol=0.25)
    level = rng.random(20_000)
    runs = tail(length[:20_000, 0], np.full(20_000, 0.4))
    expected = [(runs <= u).mean() for u in level[:200]]
    np.testing.assert_allclose(
        attained(level, np.full(20_000, 0.4))[:200], expected, atol=0.03
    )


def test_a_value_that_comes_back_often_may_stay_long():
    rng = np.random.default_rng(1)
    rain = np.where(np.sin(np.arange(2000) / 30) > 0.5, rng.random(2000), 0.0)
    rain[500:520] = rain[np.flatnonzero(rain)[5]]  # stuck while it rained
    length, rate = repeats(to_panel(rain[:, None]))
    odd = tail(length, rate)[:, 0]
    assert odd[500:520].max() < 1e-6
    assert np.median(odd[rain == 0]) > 0.05


@pytest.mark.parametrize("alike", [0.0, 0.6, 0.95])
def test_the_oddest_of_correlated_looks_is_uniform(alike):
    rng = np.random.default_rng(0)
    joint = np.full((3, 3), alike) + (1 - alike) * np.eye(3)
    scores = rng.multivariate_normal(np.zeros(3), joint, 20_000).T
    answer = combined(scores)
    assert stats.kstest(answer, "uniform").statistic < 1.63 / np.sqrt(20_000)
    for level in (1e-3, 1e-2):  # and in the tail
        share = (answer < level).mean()
        assert abs(share - level) < 3.5 * np.sqrt(level / 20_000)


# --- scores ---------------------------------------------------------------------------


def test_scores_of_clean_data_are_uniform():
    scores = []
    for seed in range(3):
        data = make_linear_gaussian(
            n_times=300, n_channels=2, noise=0.2, missing=0.05, random_state=seed
        )
        found = repair(Exact.of(data), data.frame()).scores().to_numpy()
        assert (np.isnan(found) == np.isnan(data.values[0])).all()
        scores.append(found[~np.isnan(found)])
    together = np.concatenate(scores)
    statistic = stats.kstest(together, "uniform").statistic
    assert statistic < 1.63 / np.sqrt(len(together))  # 1 % of independent cells


def test_faults_are_found_and_mended_and_nothing_else_is_touched():
    data = make_linear_gaussian(
        n_times=300, n_channels=2, noise=0.2, missing=0.01, random_state=2
    )
    model, X = Exact.of(data), data.frame()
    bad = X.copy()
    bad.iloc[20:30, 0] = bad.iloc[20, 0]
    bad.iloc[60, 1] += 3
    bad.iloc[100:112, 0] = 10 * X.iloc[100:112, 0] + 10
    bad.iloc[150:158] = X.iloc[150:158, ::-1].to_numpy() + np.array([-5, 5])
    wrong = (bad != X) & X.notna()
    wrong.iloc[20, 0] = True
    before = bad.copy()
    found = repair(model, bad)
    same(bad, before)
    odd = found.scores() < 1e-3
    assert (odd & wrong).sum().sum() >= 0.95 * wrong.sum().sum()
    assert (odd & ~wrong).sum().sum() <= 3
    mended = found.repaired(1e-3)
    pd.testing.assert_frame_equal(mended.where(~odd), bad.where(~odd))
    error = (mended - X).where(odd & wrong).abs()
    assert error.median().max() < 1
    table = found.flagged(1e-3)
    assert len(table) == odd.sum().sum()
    assert table["score"].is_monotonic_increasing
    assert (table["lo-90"] <= table["proposal"]).all()
    assert (table["proposal"] <= table["hi-90"]).all()


def test_a_fit_to_faulty_data_finds_them():
    rng = np.random.default_rng(0)
    wave = np.sin(np.arange(400) / 9) + 0.05 * rng.normal(size=400)
    X = pd.DataFrame({"y": wave, "z": 20 + 3 * wave + 0.1 * rng.normal(size=400)})
    X.iloc[100, 0] += 1.5
    X.iloc[200:210, 1] = X.iloc[200, 1]
    X.iloc[300:308, 1] /= 10
    found = repair(KalmanSmoother().fit(X), X)
    odd = found.scores().to_numpy() < 1e-4
    assert odd[100, 0]
    assert odd[200:210, 1].all()
    assert odd[300:308, 1].all()
    assert odd.sum() <= 22


def test_a_network_answers_in_the_kind_of_the_caller():
    imputer = tiny().fit(frame())
    X = frame()
    found = repair(imputer, X, lengths=(1, 4))
    assert found.scores().index.equals(X.index)
    assert (found.scores().isna() == X.isna()).all(axis=None)
    same(found.repaired(1e-9), X)
    series = X["a"].rename("y")
    kept = repair(LinearInterpolation().fit(series), series).repaired(1e-12)
    same(kept, series)
    X = X + 0.1 * np.random.default_rng(0).normal(size=X.shape)
    many = pd.concat({"u": X, "v": X}, names=["unique_id", "ds"])
    many.iloc[75, 0] = 40.0
    table = repair(LinearInterpolation().fit(many), many).flagged(1e-3)
    assert table.loc[0, ["unique_id", "channel", "value"]].tolist() == ["v", "a", 40.0]
    assert "113 observed" in repr(repair(imputer, X, lengths=[1]))


def test_questions_that_cannot_be_answered_are_refused():
    X = frame()
    model = LinearInterpolation().fit(X)
    with pytest.raises(ValueError, match="lengths is empty"):
        repair(model, X, lengths=())
    with pytest.raises(ValueError, match="lengths must be a whole number"):
        repair(model, X, lengths=(0,))
    with pytest.raises(ValueError, match="alpha is a tail probability"):
        repair(model, X).repaired(1.0)
    with pytest.raises(ValueError, match="feature names should match"):
        repair(model, X[["b", "a"]])
