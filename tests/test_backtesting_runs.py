"""Runs that go on after a kill, or on more processes, end with the same numbers."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from backtested import SIZES, Constant, filling, looking_ahead, waves
from sklearn.base import clone

from tsdiff import DiffusionImputer, backtest, imputation_backtest
from tsdiff.backtesting.models import describe, fresh
from tsdiff.baselines import ForecastFiller, LinearInterpolation, SeasonalNaive
from tsdiff.parallel import one_thread

Y = waves(40)[["b"]]

#: Is killed while the third window is fitted, unless it was killed before.
SCRIPT = """
import os, signal, sys
from pathlib import Path
import numpy as np, pandas as pd
from tsdiff import backtest
from tsdiff.baselines import SeasonalNaive

class Mortal(SeasonalNaive):
    def fit(self, y, X=None, *, static=None):
        folder = Path(sys.argv[1])
        if len(y) == 36 and not (folder.parent / "killed").exists():
            (folder.parent / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        (folder.parent / "fits").open("a").write("x")
        return super().fit(y, X, static=static)

y = pd.DataFrame({"b": np.sin(np.arange(40.0) ** 1.3)})
models = {"a": Mortal(period=6, horizon=2), "b": SeasonalNaive(period=5)}
result = backtest(models, y, h=2, n_windows=4, step_size=1, folder=sys.argv[1])
result.frame.to_csv(sys.argv[2])
"""


def test_a_run_that_was_killed_goes_on_and_ends_with_the_same_numbers(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(SCRIPT)

    def run():
        command = [sys.executable, script, tmp_path / "kept", tmp_path / "result.csv"]
        return subprocess.run(command, cwd=Path(__file__).parents[1], check=False)

    assert run().returncode == -signal.SIGKILL
    assert len(list((tmp_path / "kept").glob("*.npz"))) == 1  # the window before
    assert run().returncode == 0
    assert len((tmp_path / "fits").read_text()) == 4  # none was done twice
    y = pd.DataFrame({"b": np.sin(np.arange(40.0) ** 1.3)})
    models = {"a": SeasonalNaive(period=6, horizon=2), "b": SeasonalNaive(period=5)}
    whole = backtest(models, y, h=2, n_windows=4, step_size=1)
    whole.frame.to_csv(tmp_path / "whole.csv")
    broken = (tmp_path / "result.csv").read_bytes()
    assert broken == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_processes_give_the_same_numbers_bit_for_bit():
    X = waves(80)
    models = {"linear": LinearInterpolation(), "tsdiff": filling(random_state=None)}
    one, two = (
        imputation_backtest(
            models, X, pattern="blocks", n_repeats=2, refit=False, n_jobs=n_jobs
        )
        for n_jobs in (1, 2)
    )
    pd.testing.assert_frame_equal(two.frame, one.frame, check_exact=True)


def test_a_finished_run_is_read_not_done_again(tmp_path, capsys):
    models = {"m": Constant(2.0)}
    result = backtest(models, Y, h=2, n_windows=3, folder=tmp_path)
    Constant.fit, kept = None, Constant.fit
    try:
        again = backtest(models, Y, h=2, n_windows=3, folder=tmp_path, verbose=1)
    finally:
        Constant.fit = kept
    pd.testing.assert_frame_equal(again.frame, result.frame)
    assert "3/3" in capsys.readouterr().err


def test_verbose_0_is_silent(capsys):
    backtest({"m": Constant()}, Y, h=2, n_windows=2)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"h": 3}, "another run: h was 2, is 3, step was 2, is 3"),
        ({"models": {"m": Constant(5.0)}}, "models.m.value was 0.0, is 5.0"),
        ({"models": {"n": Constant()}}, "models.m was .*, is None, models.n was None"),
        ({"y": Y + 1}, "data.y was "),
        ({"levels": [0.5]}, "levels was "),
        ({"random_state": 1}, "seed was 0, is 1"),
    ],
)
def test_a_folder_of_another_run_is_refused_saying_what_differs(
    tmp_path, changes, message
):
    asked: dict[str, Any] = {"models": {"m": Constant()}, "y": Y, "h": 2}
    backtest(**asked, folder=tmp_path)
    with pytest.raises(ValueError, match=message):
        backtest(**asked | changes, folder=tmp_path)


def test_other_folders_and_damaged_files_are_refused(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").touch()
    with pytest.raises(ValueError, match="holds other files and no run"):
        backtest({"m": Constant()}, Y, h=2, folder=tmp_path / "other")
    folder = tmp_path / "kept"
    backtest({"m": Constant()}, Y, h=2, folder=folder)
    file = next(folder.glob("*.npz"))
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"is damaged .* Delete it"):
        backtest({"m": Constant()}, Y, h=2, folder=folder)


def test_failures_are_done_again_not_kept(tmp_path):
    models = {"bad": Constant(fails_at=38), "good": Constant()}
    for _ in range(2):
        with pytest.warns(UserWarning, match="38 rows are unlucky"):
            result = backtest(models, Y, h=2, folder=tmp_path)
        assert len(result.failures) == 1


def test_seeds_come_from_what_a_job_is_and_generators_stay_as_they_are():
    model = DiffusionImputer(**SIZES)
    assert fresh(model, 0, 1).random_state == fresh(clone(model), 0, 1).random_state
    assert fresh(model, 0, 1).random_state != fresh(model, 0, 2).random_state
    assert fresh(filling(random_state=7), 0).random_state == 7
    rng = np.random.default_rng(3)
    seeds = {fresh(LinearInterpolation(random_state=rng), k).random_state for k in "ab"}
    assert len(seeds) == 1
    assert rng.random() == np.random.default_rng(3).random()
    nested = ForecastFiller(SeasonalNaive(), random_state=1)
    assert isinstance(fresh(nested, 0).forecaster.random_state, int)
    assert model.random_state is None


def test_models_are_told_apart_by_all_their_parameters():
    a = ForecastFiller(SeasonalNaive(period=5), max_gap=pd.Timedelta("2h"))
    same = ForecastFiller(SeasonalNaive(period=5), max_gap=pd.Timedelta("2h"))
    other = ForecastFiller(SeasonalNaive(period=6), max_gap=pd.Timedelta("2h"))
    assert describe(a) == describe(same) != describe(other)
    frames = [pd.DataFrame({"a": [1.0, value]}) for value in (2, 2, 3)]
    assert describe(frames[0]) == describe(frames[1]) != describe(frames[2])
    assert describe([np.float64(1), {2}, len]) == [1.0, [2], "builtins.len"]


def test_a_job_computes_on_one_thread_and_gives_the_others_back():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert torch.get_num_threads() == before


def test_a_fitted_model_is_known_again_in_another_call(tmp_path):
    fitted = looking_ahead(random_state=0).fit(Y[:-8])
    asked = {"h": 2, "n_windows": 2, "refit": False, "folder": tmp_path}
    first = backtest({"m": fitted}, Y, **asked)
    again = backtest({"m": fitted}, Y, **asked)
    pd.testing.assert_frame_equal(first.frame, again.frame)
    assert len(list(tmp_path.glob("*.npz"))) == 1
