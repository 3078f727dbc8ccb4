"""Kills, broken files, wrong questions: all named, nothing lost, nothing halved."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from meters import Mortal, T, Y, parts, same, write

from tsdiff import FanOut, ParquetPanel, fan_out, parallel
from tsdiff.baselines import SeasonalNaive
from tsdiff.fanout import pool

pytest.importorskip("pyarrow")
NAIVE = SeasonalNaive(period=6, horizon=2).fit(Y)
WHOLE = NAIVE.predict(y=Y)
HERE = Path(__file__).parent


@pytest.fixture
def mortal(tmp_path):
    return Mortal(mark=str(tmp_path / "killed")).fit(Y)


@pytest.fixture
def importable(monkeypatch):
    """Let workers import what stands here."""
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("importable")
@pytest.mark.filterwarnings("ignore:A worker stopped while some jobs")
def test_a_killed_worker_of_loky_costs_nothing_but_time(mortal, tmp_path):
    asked = {"folder": tmp_path / "a", "shard_size": 16, "n_jobs": 2}
    same(fan_out(mortal, "predict", Y, **asked).read(), WHOLE, check_exact=True)
    assert (tmp_path / "killed").exists()
    assert not list((tmp_path / "a" / "parts").glob(".*"))


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("importable")
@pytest.mark.filterwarnings("ignore")
def test_a_killed_worker_of_dask_costs_nothing_but_time(mortal, tmp_path):
    distributed = pytest.importorskip("distributed")
    alone = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    asked = {"folder": tmp_path / "a", "shard_size": 16}
    with (
        distributed.LocalCluster(**alone) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):
        ahead = fan_out(mortal, "predict", Y, **asked)
    same(ahead.read(), WHOLE, check_exact=True)
    assert (tmp_path / "killed").exists()


@pytest.mark.long
def test_a_run_that_is_killed_goes_on_where_it_was(mortal, tmp_path):
    script = """
import sys
from meters import Mortal, Y
from tsdiff import fan_out
model = Mortal(mark=sys.argv[2]).fit(Y)
fan_out(model, "predict", Y, folder=sys.argv[1], shard_size=16)
"""
    path = os.pathsep.join([str(HERE), str(HERE.parent), *sys.path])
    run = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "a", tmp_path / "killed"],
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert run.returncode == -signal.SIGKILL
    assert FanOut(tmp_path / "a").state == "running"
    before = parts(tmp_path / "a")
    assert list(before) == ["part-000000.parquet"]
    (tmp_path / "a" / "parts" / ".part-000001.parquet.ab12.part").write_text("half")
    ahead = fan_out(mortal, "predict", Y, folder=tmp_path / "a", shard_size=16)
    same(ahead.read(), WHOLE, check_exact=True)
    after = parts(tmp_path / "a")
    assert before.items() <= after.items()
    assert len(after) == 12
    assert repr(ahead).endswith("done, 12 of 12 shards, 0 failed)")


def test_a_shard_that_kills_every_worker_is_named_and_the_others_are_answered(
    tmp_path, monkeypatch
):
    class BrokenProcessPool(Exception):
        pass

    def deadly(function, items, n_jobs):
        for task in sorted(items, key=lambda task: task.number == 1):
            if task.number == 1 or (task.number > 5 and n_jobs != 2):
                raise BrokenProcessPool  # the others are killed beside it
            yield function(task)

    monkeypatch.setattr(pool, "as_completed", deadly)
    asked = {"folder": tmp_path, "shard_size": 16}
    ahead = fan_out(NAIVE, "predict", Y, on_error="collect", **asked)
    assert list(ahead.failed) == ["shard 1 ('m16' to 'm31')"]
    assert "its worker was killed" in ahead.failed["shard 1 ('m16' to 'm31')"]
    rest = [name for name in Y.index.unique(0) if name not in Y.index.unique(0)[16:32]]
    same(ahead.read(), WHOLE.loc[rest], check_exact=True)


def test_a_backend_without_generators_is_asked_for_a_list(monkeypatch):
    class Plain(parallel.Parallel):
        def __init__(self, n_jobs=None, return_as="list", **options):
            if return_as != "list":
                raise ValueError("Backend ray does not support return_as=...")
            super().__init__(n_jobs, **options)

    monkeypatch.setattr(parallel, "Parallel", Plain)
    assert list(parallel.as_completed(abs, [-1, -2], 1)) == [1, 2]


def other(y: pd.DataFrame) -> pd.DataFrame:
    return y.reset_index().rename(columns={"kwh": "gas"})


BROKEN = {
    "repeated": (lambda _: Y.iloc[: 3 * T], "series 'm0' is in 0.parquet and again in"),
    "apart": (
        lambda y: pd.concat([y, y.iloc[:2]]),
        "series 'm64' lie apart, at rows 0",
    ),
    "schema": (other, "1.parquet has other columns than 0.parquet: '.*'"),
    "id": (
        lambda y: y.reset_index(drop=True),
        "1.parquet: column.s. 'unique_id', 'ds'",
    ),
    "nameless": (lambda y: y.reset_index().replace("m70", None), "row 360: the series"),
}


@pytest.mark.parametrize("fault", [*BROKEN, "short", "text", "hollow"])
def test_a_broken_file_is_named_the_rest_answered_and_it_once_it_is_mended(
    fault, tmp_path
):
    files = write(tmp_path / "meters")
    broken = files / "1.parquet"
    whole = broken.read_bytes()
    said = "1.parquet is no Parquet file, or was cut short"
    if fault in BROKEN:
        spoil, said = BROKEN[fault]
        spoiled = spoil(Y.iloc[64 * T : 128 * T])
        flat = spoiled.reset_index() if spoiled.index.nlevels == 2 else spoiled
        flat.to_parquet(broken, index=False)
    elif fault == "hollow":  # its end is there, and what it speaks of is not
        n_end = 8 + int.from_bytes(whole[-8:-4], "little")
        broken.write_bytes(bytes(len(whole) - n_end) + whole[-n_end:])
        said = "1.parquet: "
    else:
        broken.write_bytes(whole[:-9] if fault == "short" else b"id;kwh")
    asked = {"folder": tmp_path / "a", "shard_size": 32}
    with pytest.raises(ValueError, match=said):
        fan_out(NAIVE, "predict", files, **asked)
    assert not parts(tmp_path / "a")
    ahead = fan_out(NAIVE, "predict", files, on_error="collect", **asked)
    assert list(ahead.failed) == ["1.parquet"]
    assert (ahead.state, len(ahead.paths)) == ("failed", 4)
    before = parts(tmp_path / "a")
    broken.write_bytes(whole)
    ahead = fan_out(NAIVE, "predict", files, **asked)
    assert before.items() <= parts(tmp_path / "a").items()
    same(ahead.read().loc[list(Y.index.unique(0))], WHOLE, check_exact=True)


def test_files_that_change_under_a_run_are_refused(tmp_path):
    files = write(tmp_path / "meters")
    fan_out(NAIVE, "predict", files, folder=tmp_path / "a")
    write(tmp_path / "others", Y * 2)
    shutil.copy(tmp_path / "others" / "2.parquet", files / "2.parquet")
    with pytest.raises(ValueError, match=r"2.parquet has changed since the run began"):
        fan_out(NAIVE, "predict", files, folder=tmp_path / "a")
    (files / "2.parquet").unlink()
    with pytest.raises(ValueError, match="or is gone"):
        fan_out(NAIVE, "predict", files, folder=tmp_path / "a")


def test_a_shard_that_fails_is_named_with_its_series_and_the_others_are_kept(tmp_path):
    y = Y.copy()
    y.iloc[70 * T + 3] = np.inf
    asked = {"folder": tmp_path, "shard_size": 32}
    with pytest.raises(RuntimeError, match=r"1 of 6 .*'m64' to 'm95'.*series 'm70'"):
        fan_out(NAIVE, "predict", y, **asked)
    assert len(parts(tmp_path)) == 5
    ahead = fan_out(NAIVE, "predict", y, on_error="collect", **asked)
    assert [name[:7] for name in ahead.failed] == ["shard 2"]
    rest = [name for name in Y.index.unique(0) if name not in Y.index.unique(0)[64:96]]
    same(ahead.read(), WHOLE.loc[rest], check_exact=True)


def test_rows_beside_the_series_that_are_missing_or_others_are_told(tmp_path):
    asked = {"folder": tmp_path / "a", "shard_size": 64}
    with pytest.raises(ValueError, match=r"X has no rows of series 'm100'\. Add"):
        fan_out(NAIVE, "predict", Y, X=Y.drop("m100", level=0), **asked)
    files = write(tmp_path / "x")
    asked |= {"folder": tmp_path / "b", "X": ParquetPanel(files)}
    with pytest.raises(RuntimeError, match="3 of 3 shards failed"):  # it can't use X
        fan_out(NAIVE, "predict", Y, **asked)
    write(tmp_path / "others", Y * 2)
    shutil.copy(tmp_path / "others" / "2.parquet", files / "2.parquet")
    with pytest.raises(ValueError, match=r"holds another run: beside.X was"):
        fan_out(NAIVE, "predict", Y, **asked)


def test_a_part_that_was_damaged_is_answered_again(tmp_path):
    asked = {"folder": tmp_path, "shard_size": 32}
    ahead = fan_out(NAIVE, "predict", Y, **asked)
    ahead.paths[2].write_bytes(ahead.paths[2].read_bytes()[:-20])
    same(fan_out(NAIVE, "predict", Y, **asked).read(), WHOLE, check_exact=True)
    shutil.copy(ahead.paths[0], ahead.paths[1])
    with pytest.raises(ValueError, match=r"part-000001.*answers another question"):
        fan_out(NAIVE, "predict", Y, **asked)


@pytest.mark.parametrize(
    ("method", "panel", "asked"),
    [
        ("predict", Y, {"h": 3}),
        ("predict_interval", Y, {}),
        ("predict", Y * 2, {}),
        ("predict", Y, {"shard_size": 100}),
    ],
)
def test_a_folder_of_another_question_is_refused(method, panel, asked, tmp_path):
    fan_out(NAIVE, "predict", Y.iloc[: 5 * T], folder=tmp_path)
    with pytest.raises(ValueError, match="holds another run"):
        fan_out(NAIVE, method, panel, folder=tmp_path, **asked)


@pytest.mark.parametrize(
    ("model", "method", "panel", "asked", "said"),
    [
        (NAIVE, "guess", Y, {}, "method='guess' can't be asked of a SeasonalNaive"),
        (NAIVE, "predict", Y.loc["m3"], {}, "The panel is one series"),
        (NAIVE, "predict", Y.set_axis([1], axis=1), {}, "are not all text"),
        (NAIVE, "predict", np.zeros((3, 4)), {}, r"shape \(3, 4\)"),
        (NAIVE, "predict", [1.0], {}, "The panel is a list"),
        (NAIVE, "predict", Y, {"y": Y}, "y= can't be given"),
        (NAIVE, "predict", Y, {"static": [1.0]}, "static must be a pandas"),
        (NAIVE, "predict", Y, {"X": "nowhere"}, "There is no Parquet file at .*now"),
        (NAIVE, "predict", Y, {"hours": 2}, "unexpected keyword argument 'hours'"),
        (NAIVE, "predict", Y, {"n_jobs": 0}, "n_jobs must be a whole number"),
        (NAIVE, "predict", Y, {"shard_size": 0}, "shard_size must be"),
        (NAIVE, "predict", Y, {"on_error": "skip"}, "on_error must be"),
        (NAIVE, "predict", "nowhere", {}, "There is no Parquet file at .*nowhere"),
        (NAIVE, "predict", "nowhere.npy", {}, "There is no file .*nowhere.npy"),
        ("no.tsdiff", "predict", Y, {}, "There is no file .*no.tsdiff"),
        (__file__, "predict", Y, {}, "is no model file, or damaged"),
        (7, "predict", Y, {}, "The model is a int"),
    ],
)
def test_what_can_not_be_meant_is_refused_before_anything_is_written(
    model, method, panel, asked, said, tmp_path
):
    folder = tmp_path / "a"
    with pytest.raises((TypeError, ValueError, FileNotFoundError), match=said):
        fan_out(model, method, panel, folder=folder, **asked)
    assert not folder.exists()


def test_without_pyarrow_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'tsdiff\[parquet\]'"):
        fan_out(NAIVE, "predict", Y, folder=tmp_path)
