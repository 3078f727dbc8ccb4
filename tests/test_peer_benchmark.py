"""The benchmark of imputers side by side: hand-over, scores and pairing."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsdiff import metrics

BENCHMARKS = Path(__file__).parents[1] / "examples" / "benchmarks"
OTHER = """
import sys
import numpy as np
task = np.load(sys.argv[2])
levels, n_cells = task["levels"], task["hidden"].sum()
assert np.isnan(task["shown"][task["hidden"]]).all()
np.testing.assert_allclose(np.nanstd(task["windows"], axis=(0, 1)), 1)
quantiles = np.repeat(levels[:, None], n_cells, axis=1)
parts = {"train_seconds": 6, "answer_seconds": 2, "trained": sys.argv[4], "version": ""}
np.savez(sys.argv[3], quantiles=quantiles, **parts)
"""


@pytest.fixture
def load(monkeypatch):
    """Import a file of the benchmarks as a run of them does."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.fixture
def task(load):
    """Four windows of five hours, two channels, a fourth of the cells hidden."""
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-01-01", periods=70, freq="h", name="time")
    table = pd.DataFrame(rng.normal(3, 2, (70, 2)), index, columns=["a", "b"])
    truth = table[50:]
    hidden = pd.DataFrame(rng.random((20, 2)) < 0.25, truth.index, truth.columns)
    hidden.iloc[::5, 0] = True  # a cell of each window
    sets = load("peer_sets")
    parts = sets.shuffled(table[:50], truth, truth.mask(hidden), hidden, 5, seed=0)
    return sets.PeerTask("small", **parts)


def laws(load, task, seed=1):
    """Quantiles of all hidden cells, from random draws."""
    draws = np.random.default_rng(seed).normal(3, 2, (50, task.hidden.sum()))
    return np.quantile(draws, load("peers").LEVELS, axis=0)


def as_answer(quantiles):
    parts = {"train_seconds": 1.0, "answer_seconds": 2.0, "trained": "", "version": ""}
    return {"quantiles": quantiles, **parts}


def test_windows_keep_their_stamps_and_cells_in_any_order(task):
    shown = task.shown.to_numpy().reshape(task.truth.shape)
    np.testing.assert_array_equal(shown, np.where(task.hidden, np.nan, task.truth))
    first = task.part(0, 1)
    assert first.index[0][1] == pd.Timestamp("2024-01-03 02:00") + pd.Timedelta(
        5 * task.order[0], "h"
    )
    assert task.first(2).shown.equals(task.part(0, 2))


def test_peers_train_on_no_row_that_chooses_their_weights(task):
    assert len(task.windows) == 41  # of 45 rows, one after the other
    assert len(task.checked) == 1  # of the last five
    assert not np.isin(task.checked, task.windows).any()
    assert np.isnan(task.checked_shown).any()


def test_figures_are_pooled_over_the_windows_that_were_answered(load, task):
    peers, quantiles = load("peers"), laws(load, task)
    truth = task.truth[task.hidden]
    whole = peers.figures(task, as_answer(quantiles))
    assert whole["crps"] == pytest.approx(
        metrics.crps_quantiles(truth, quantiles, peers.LEVELS)
    )
    assert whole["mae"] == pytest.approx(np.abs(truth - quantiles[9]).mean())
    inside = (truth >= quantiles[0]) & (truth <= quantiles[-1])
    assert whole["coverage_90"] == pytest.approx(inside.mean())
    cut = peers.cell_bounds(task)[3]
    part = np.where(np.arange(len(truth)) < cut, quantiles, np.nan)
    found = peers.figures(task, as_answer(part))
    assert found["n_windows"] == 3
    assert found["crps"] == pytest.approx(
        metrics.crps_quantiles(truth[:cut], quantiles[:, :cut], peers.LEVELS)
    )
    assert found["answer_seconds_per_window"] == pytest.approx(2 / 3)


def test_pairs_are_of_the_same_windows_and_in_order_of_time(load, task):
    peers, ours, other = load("peers"), laws(load, task), laws(load, task, seed=2)
    other[:, peers.cell_bounds(task)[3] :] = np.nan
    found = peers.paired(task, as_answer(ours), as_answer(other))
    assert found["n_windows"] == 3
    first = task.first(3)
    cells = slice(0, int(first.hidden.sum()))
    for name, quantiles in (("tsdiff", ours), ("other", other)):
        same = peers.figures(first, as_answer(quantiles[:, cells]))
        assert found[f"crps_{name}"] == pytest.approx(same["crps"])
        assert found[f"mae_{name}"] == pytest.approx(same["mae"])
    sums = peers.losses(task, ours)
    assert sums["count"].tolist() == [
        task.hidden[task.order == place].sum() for place in range(4)
    ]


def test_a_model_without_spread_scores_its_normalised_error(load, task):
    peers, truth = load("peers"), task.truth[task.hidden]
    points = np.repeat(laws(load, task)[9:10], 19, axis=0)
    found = peers.figures(task, as_answer(points))
    assert found["crps"] == pytest.approx(found["mae"] / np.abs(truth).mean())
    assert found["coverage_90"] is None


def test_answers_come_back_in_units_of_the_data_and_are_kept(load, task, tmp_path):
    other, peers = tmp_path / "other", load("peers")
    other.write_text(f"#!{sys.executable}{OTHER}")
    other.chmod(0o755)
    options = argparse.Namespace(
        python=other, minutes=1, answer_minutes=1, seed=0, kept=tmp_path / "kept"
    )
    found = peers.answered("SAITS", task, options)
    rows = task.windows.reshape(-1, 2)
    channel = np.nonzero(task.hidden)[2]
    np.testing.assert_allclose(
        found["quantiles"],
        rows.mean(axis=0)[channel] + rows.std(axis=0)[channel] * peers.LEVELS[:, None],
    )
    assert found["trained"] == "SAITS"
    other.unlink()
    kept = peers.answered("SAITS", task, options)
    np.testing.assert_array_equal(kept["quantiles"], found["quantiles"])


def test_tables_learn_from_as_much_as_time_allows(load):
    fitted = []

    class Slow:
        def fit(self, rows):
            fitted.append(len(rows))
            return self

    _, share = load("peers").grown(Slow, np.zeros((64, 1, 1)), seconds=60)
    assert share == 1
    assert fitted == [2, 4, 8, 16, 32, 64]
    _, share = load("peers").grown(Slow, np.zeros((64, 1, 1)), seconds=0)
    assert share == 1 / 32
