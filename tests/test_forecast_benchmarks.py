"""The forecasting benchmarks score and test as their papers say."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsdiff import metrics

BENCHMARKS = Path(__file__).parents[1] / "examples" / "benchmarks"


@pytest.fixture
def load(monkeypatch):
    """Import a file of the benchmarks as a run of them does."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def small_task(load, truth, n_history=6, season=3):
    """Task of two channels whose histories count up from 0."""
    days = pd.date_range("2024-01-01", periods=n_history, name="ds")
    values = np.arange(2.0 * n_history).reshape(-1, 2)
    part = pd.DataFrame(values, days, columns=["a", "b"])
    forecasting = load("forecasting")
    history = forecasting.stack({f"w{i}": part + i for i in range(len(truth))})
    return forecasting.Task("small", history, truth, season, season, n_history)


# --- the paired test --------------------------------------------------------------


def test_windows_without_an_answer_are_left_out_of_both_models(load):
    ours, other = np.array([1.0, 2, 9, 4]), np.array([2.0, 2, np.nan, 5])
    found = load("scores").compare(ours, other, np.array([5.0, 5, 1000, 10]))
    assert found["n_windows"] == 3
    assert found["crps_tsdiff"] == pytest.approx(7 / 20)
    assert found["crps_other"] == pytest.approx(9 / 20)


# --- scores -----------------------------------------------------------------------


def test_losses_of_windows_add_up_to_the_pooled_figure(load):
    scores, rng = load("scores"), np.random.default_rng(3)
    truth = rng.normal(size=(4, 5, 2))
    truth[1, 2, 0] = np.nan
    task = small_task(load, truth)
    levels = load("forecasting").DECILES
    answer = np.sort(rng.normal(size=(9, 4, 5, 2)), axis=0)
    score = scores.quantile_score(task, answer, levels)
    expected = metrics.crps_quantiles(truth, answer, levels)
    assert score.figures["crps"] == pytest.approx(expected)
    assert score.loss.sum() / task.sizes.sum() == pytest.approx(expected)
    assert score.figures["coverage_80"] == pytest.approx(
        np.nanmean(metrics.coverage(truth, answer[0], answer[-1]))
    )


def test_an_unfinished_window_has_no_loss_and_no_part_in_the_figures(load):
    truth = np.ones((3, 2, 2))
    answer = np.full((9, 3, 2, 2), 1.5)
    answer[:, 1, 0, 0] = np.nan
    levels = load("forecasting").DECILES
    score = load("scores").quantile_score(small_task(load, truth), answer, levels)
    assert np.isnan(score.loss).tolist() == [False, True, False]
    assert score.figures["crps"] == pytest.approx(0.5)


def test_quantiles_of_samples_are_those_of_gluonts(load):
    paths = np.random.default_rng(4).permutation(100.0 * np.arange(100))[:, None]
    found = load("scores").gluonts_quantiles(paths, load("forecasting").DECILES)
    expected = [10, 20, 30, 40, 50, 59, 69, 79, 89]  # round(99 q)
    assert (found[:, 0] / 100).tolist() == expected


def test_qice_is_0_if_each_decile_holds_a_tenth_and_18_if_one_holds_all(load):
    etth1 = load("etth1")
    paths = np.broadcast_to(np.arange(101.0)[:, None, None, None], (101, 1, 10, 1))
    spread = (5.0 + 10 * np.arange(10)).reshape(1, 10, 1)
    assert etth1.score_ensembles([(spread, paths)]).figures["qice"] == 0
    heaped = etth1.score_ensembles([(np.full((1, 10, 1), -1.0), paths)])
    assert heaped.figures["qice"] == pytest.approx(18)
    assert heaped.figures["coverage_90"] == 0


def test_blocks_of_windows_score_as_all_at_once(load, monkeypatch):
    etth1, rng = load("etth1"), np.random.default_rng(5)
    task = small_task(load, rng.normal(size=(5, 4, 2)))
    paths = rng.normal(size=(20, 5, 4, 2))
    monkeypatch.setattr(etth1, "BLOCK", 2)
    blocks = list(etth1.blocks(task))
    assert [list(block.windows) for block in blocks] == [
        ["w0", "w1"],
        ["w2", "w3"],
        ["w4"],
    ]
    cut = [paths[:, 0:2], paths[:, 2:4], paths[:, 4:5]]
    truths = [block.truth for block in blocks]
    apart = etth1.score_ensembles(zip(truths, cut, strict=True))
    whole = etth1.score_ensembles([(task.truth, paths)])
    np.testing.assert_allclose(apart.loss, whole.loss)
    assert apart.figures == pytest.approx(whole.figures)


# --- windows and answers ----------------------------------------------------------


class Counter:
    """Answers each cell by a number that tells window, row, channel and level."""

    def predict_quantiles(self, h, y, *, alpha):
        ids = y.index.get_level_values(0).unique()
        index = pd.MultiIndex.from_product([ids, range(h)])
        window, row = np.divmod(np.arange(len(index)), h)
        columns = {
            f"{name}-q-{level:g}": 1000 * window + 100 * row + 10 * channel + level
            for channel, name in enumerate(y)
            for level in alpha
        }
        return pd.DataFrame(columns, index)


def test_answers_stand_by_level_window_row_and_channel(load):
    task = small_task(load, np.zeros((3, 4, 2)))
    found = load("forecasting").quantiles(Counter(), task, np.array([0.1, 0.9]))
    assert found.shape == (2, 3, 4, 2)
    assert found[1, 2, 3, 1] == 2310.9
    assert found[0, 1, 0, 1] == 1010.1


def test_the_last_season_is_repeated_and_its_gaps_take_the_season_before(load):
    task = small_task(load, np.zeros((1, 5, 2)))
    task.history.iloc[4, 0] = np.nan  # then the value three rows before
    found = load("forecasting").repeat_season(task)
    assert found[0, :, 0].tolist() == [6, 2, 10, 6, 2]
    assert found[0, :, 1].tolist() == [7, 9, 11, 7, 9]


def test_gaps_are_filled_by_the_median_of_their_phase(load):
    gaps = np.array([1.0, 20, 3, np.nan, 5, np.nan])
    complete = load("forecasting_peers").complete
    assert complete(gaps, 2).tolist() == [1, 20, 3, 20, 5, 20]
    assert complete(np.full(2, np.nan), 2).tolist() == [0, 0]


@pytest.mark.parametrize(
    "ends",
    [
        ["2016-03-13 01:00", "2016-03-13 02:00", "2016-03-13 04:00"],
        ["2016-11-06 03:00", "2016-11-06 02:00", "2016-11-06 02:00"],
    ],
    ids=["spring", "autumn"],
)
def test_local_hours_become_real_ones_when_the_clock_changes(load, monkeypatch, ends):
    pjm = load("pjm")
    table = pd.DataFrame({"MW": [1.0, 2, 3]}, pd.DatetimeIndex(ends))
    monkeypatch.setattr(pjm, "load_pjm", lambda _: table)
    hours = pjm.hourly("AEP")
    assert len(hours) == 3
    assert hours.notna().all()
    assert (np.diff(hours.index.tz_convert("UTC")) == np.timedelta64(1, "h")).all()
