"""Faults 71 to 76 of the list in docs/faults.md: processes and files."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from faults import Case, weights
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn import clone
from small import frame

from tsdiff import backtest
from tsdiff.baselines import SeasonalNaive

FORK = """
import os, sys, warnings
sys.path.insert(0, "tests")
import torch
from faults import fitted_pair, frame

torch.set_num_threads(2)
models = fitted_pair()
torch.ones(2**20).exp()  # large enough to begin torch's pool of threads
warnings.simplefilter("ignore", DeprecationWarning)  # of forks where threads run
child = os.fork()
if child == 0:
    torch.ones(2**20).exp()  # would wait for threads that are not there
    models["imputer"].transform(frame())
    models["forecaster"].predict()
    models["imputer"].fit(frame())
    os._exit(0)
_, status = os.waitpid(child, 0)
assert torch.get_num_threads() == 2
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on Windows")
def test_fault_71_fork_after_a_fit() -> None:
    """The child answers and fits on one thread; it does not wait for threads gone."""
    run = [sys.executable, "-c", FORK]
    root = Path(__file__).parents[1]
    with subprocess.Popen(run, cwd=root, start_new_session=True) as parent:
        try:
            assert parent.wait(timeout=90) == 0
        finally:  # a child that hangs is none that stays
            if parent.poll() is None:
                os.killpg(parent.pid, signal.SIGKILL)


def test_fault_72_threads_that_answer_at_once(case: Case) -> None:
    """Each gets the answers of one thread alone."""

    def both(_: int) -> tuple[pd.DataFrame, np.ndarray]:
        return case.point(case.fitted, frame()), case.draws(case.fitted, frame(), 9)

    expected = both(0)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(both, range(4)))
    for point, draws in answers:
        pd.testing.assert_frame_equal(point, expected[0])
        np.testing.assert_array_equal(draws, expected[1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fault_72_threads_that_fit_at_once(dtype: torch.dtype, case: Case) -> None:
    """Each gets the weights of one thread alone, whatever the caller's dtype."""
    alone = [weights(case.new(random_state=seed).fit(frame())) for seed in range(2)]
    assert case.fitted.model_.network.config.dropout  # so that generators matter
    torch.random.default_generator.manual_seed(5)
    before = torch.random.get_rng_state()
    torch.set_default_dtype(dtype)
    try:
        with ThreadPoolExecutor(2) as pool:
            jobs = pool.map(lambda s: case.new(random_state=s).fit(frame()), range(2))
            fitted = [weights(model) for model in jobs]
        assert torch.get_default_dtype() == dtype
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert fitted == alone


COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "deepcopy": copy.deepcopy,
    "clone": lambda model: clone(model).fit(frame()),
}


@pytest.mark.parametrize("name", COPIES)
def test_fault_73_copies(name: str, case: Case) -> None:
    """Copies answer alike and share nothing; a clone fits alike."""
    twin, expected = COPIES[name](case.fitted), case.draws(case.fitted, frame())
    np.testing.assert_array_equal(case.draws(twin, frame()), expected)
    twin.fit(frame() + 5)
    np.testing.assert_array_equal(case.draws(case.fitted, frame()), expected)


def _fitted(model: Any) -> Any:
    torch.set_num_threads(1)
    return model.fit(frame())


def test_fault_73_workers_of_joblib(case: Case) -> None:
    """They fit to the same weights, sent there and back by pickle."""
    jobs = [joblib.delayed(_fitted)(clone(case.fitted)) for _ in range(2)]
    models = joblib.Parallel(n_jobs=2)(jobs)
    assert {weights(model) for model in models} == {weights(case.fitted)}


#: From a whole file to a damaged one, and what is said of it.
DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "is no model file, or damaged"),
    "truncated": (lambda whole: whole[: len(whole) // 3], "its tensors take"),
    "last byte": (lambda whole: whole[:-1], "its tensors take"),
    "bit of the weights": (
        lambda whole: whole[:-9] + bytes([whole[-9] ^ 4]) + whole[-8:],
        "SHA-256 is not the one stated",
    ),
    "more behind it": (lambda whole: whole + b"more", "its tensors take"),
    "newer format": (
        lambda whole: whole.replace(rb"{\"format\": 1", rb"{\"format\": 9"),
        "has format 9, this version.*Install a newer tsdiff",
    ),
    "10 GB header": (
        lambda whole: (10 * 2**30).to_bytes(8, "little") + whole[8:],
        "is no model file, or damaged",
    ),
    "path in a name": (
        lambda whole: whole.replace(b"encoder.", b"../../.."),
        "SHA-256 is not the one stated",
    ),
    "pickle": (lambda _: pickle.dumps({"a": 1}), "is no model file, or damaged"),
    "zip": (lambda _: b"PK\x03\x04 a zip", "is no model file, or damaged"),
    "text": (lambda _: b"text", "is no model file, or damaged"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_fault_74_damaged_files(name: str, case: Case, tmp_path: Path) -> None:
    """An error says what is wrong with the file; nothing in it is run or half-built."""
    change, message = DAMAGES[name]
    path = tmp_path / "model"
    case.fitted.save(path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=message) as caught:
        type(case.fitted).load(path)
    assert str(path) in str(caught.value)


def test_fault_74_files_that_are_none(
    case: Case, pair: dict[str, Any], tmp_path: Path
) -> None:
    """No file, a folder and another class are an error; a link is what it points to."""
    path, link = tmp_path / "model", tmp_path / "link"
    case.fitted.save(path)
    link.symlink_to(path)
    loaded = type(case.fitted).load(link)
    expected = case.draws(case.fitted, frame())
    np.testing.assert_array_equal(case.draws(loaded, frame()), expected)
    (other,) = (model for name, model in pair.items() if name != case.name)
    with pytest.raises(ValueError, match=r"holds a .*, not a .*Load it with the class"):
        type(other).load(path)
    path.unlink()
    for nothing in (path, link, tmp_path):
        with pytest.raises(FileNotFoundError, match="There is no file"):
            type(case.fitted).load(nothing)


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without it")
def test_fault_75_ranks_of_a_distributed_run(case: Case) -> None:
    """A fit is one process: inside a distributed run it waits for no other rank."""
    torch.distributed.init_process_group(
        "gloo", store=torch.distributed.HashStore(), rank=0, world_size=1
    )
    try:
        model = case.new(max_epochs=2).fit(frame())
    finally:
        torch.distributed.destroy_process_group()
    assert weights(model) == weights(case.fitted)


def test_fault_76_a_worker_killed_amid_its_work(tmp_path: Path) -> None:
    """The backtest raises; begun again, it does what is not done, to equal ends."""
    killed = tmp_path / "killed"

    class Mortal(SeasonalNaive):
        def fit(self, y: Any, X: Any = None, *, static: Any = None) -> Any:
            if len(y) == 36 and not killed.exists():
                killed.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().fit(y, X, static=static)

    y = pd.DataFrame({"b": np.sin(np.arange(40.0) ** 1.3)})
    ask = {"h": 2, "n_windows": 4, "step_size": 1}
    models = {"a": Mortal(period=6, horizon=2)}
    run = {**ask, "n_jobs": 2, "folder": tmp_path / "kept"}
    with pytest.raises(TerminatedWorkerError):
        backtest(models, y, **run)
    assert killed.exists()
    frames = [backtest(models, y, **more).frame for more in (run, ask)]
    pd.testing.assert_frame_equal(*frames)
