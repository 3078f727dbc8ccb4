"""Ctrl-C in a run of many series, and backends that are not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pytest
from meters import Y, parts, same

from tsdiff import FanOut, fan_out
from tsdiff.baselines import SeasonalNaive

pytest.importorskip("pyarrow")
HERE = Path(__file__).parent


class Interrupted(SeasonalNaive):
    """Is interrupted, as by Ctrl-C, when it is asked for series m30."""

    def predict(self, h=None, y=None, X=None, **options):
        if "m30" in y.index.unique(0):
            raise KeyboardInterrupt
        return super().predict(h, y, X, **options)


def test_a_run_that_is_interrupted_goes_on_where_it_was(tmp_path, monkeypatch):
    model = Interrupted(period=6, horizon=2).fit(Y)
    asked = {"folder": tmp_path, "shard_size": 16}
    with pytest.raises(KeyboardInterrupt):
        fan_out(model, "predict", Y, **asked)
    assert FanOut(tmp_path).state == "running"
    before = parts(tmp_path)
    assert list(before) == ["part-000000.parquet"]
    monkeypatch.delattr(Interrupted, "predict")
    whole = model.predict(y=Y)
    same(fan_out(model, "predict", Y, **asked).read(), whole, check_exact=True)
    assert before.items() <= parts(tmp_path).items()


SCRIPT = """
import sys, time
from pathlib import Path
from meters import Y
from tsdiff import fan_out
from tsdiff.baselines import SeasonalNaive

class Slow(SeasonalNaive):
    def predict(self, h=None, y=None, X=None, **options):
        name = y.index[0][0]
        (Path(sys.argv[1]) / name).touch()
        time.sleep(0 if name == "m0" else 600)
        return super().predict(h, y, X, **options)

model = Slow(period=6, horizon=2).fit(Y)
fan_out(model, "predict", Y, folder=sys.argv[1] + "/a", shard_size=16, n_jobs=2)
"""


@pytest.mark.long
@pytest.mark.timeout(300)
def test_an_interrupt_ends_all_workers_and_leaves_nothing_half_written(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    path = os.pathsep.join([str(HERE), str(HERE.parent), *sys.path])
    with subprocess.Popen(
        [sys.executable, script, tmp_path],
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        try:
            until(lambda: len(list(tmp_path.glob("m*"))) == 3)
            until(lambda: parts(tmp_path / "a"))
            os.killpg(run.pid, signal.SIGINT)  # as a terminal does
            _, said = run.communicate(timeout=60)
            assert run.returncode
            assert "KeyboardInterrupt" in said
            until(lambda: not alive(run.pid))
        finally:
            if alive(run.pid):
                os.killpg(run.pid, signal.SIGKILL)
    assert list(parts(tmp_path / "a")) == ["part-000000.parquet"]
    assert FanOut(tmp_path / "a").state == "running"


def until(done: Callable[[], Any], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.2)


def alive(group: int) -> bool:
    """Tell whether a process of a group is there."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("backend", ["ray", "dask"])
def test_a_backend_that_is_not_there_is_told_before_anything_is_written(
    backend, tmp_path, monkeypatch
):
    for name in ("ray", "dask", "distributed", "joblib._dask"):
        monkeypatch.setitem(sys.modules, name, None)
    model, folder = SeasonalNaive(period=6, horizon=2).fit(Y), tmp_path / "a"
    with (
        pytest.raises((ValueError, ImportError), match=rf"(?i){backend}"),
        joblib.parallel_config(backend),
    ):
        fan_out(model, "predict", Y, folder=folder)
    assert not folder.exists()
