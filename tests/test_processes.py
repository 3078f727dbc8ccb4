"""Threads, forks and workers: the answers of one process, and never a hang."""

from __future__ import annotations

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
from small import frame, tiny

from tsdiff import DiffusionForecaster, DiffusionImputer

ROOT = Path(__file__).parents[1]


def imputer(seed: int = 0) -> DiffusionImputer:
    return tiny(max_epochs=2, random_state=seed)


def forecaster(seed: int = 0) -> DiffusionForecaster:
    sizes = {"window": 16, "width": 8, "depth": 1, "max_epochs": 2}
    return DiffusionForecaster(horizon=3, random_state=seed, **sizes)


def weights(model: Any) -> bytes:
    state = model.model_.network.state_dict()
    return b"".join(tensor.numpy().tobytes() for tensor in state.values())


KINDS = pytest.mark.parametrize("make", [imputer, forecaster])


@KINDS
def test_fits_in_threads_are_those_of_one_after_the_other(
    make: Callable[[int], Any],
) -> None:
    alone = [make(seed).fit(frame()) for seed in range(2)]
    assert alone[0].model_.network.config.dropout  # so that generators matter
    torch.random.default_generator.manual_seed(5)
    before = torch.random.get_rng_state()
    with ThreadPoolExecutor(2) as pool:
        fitted = list(pool.map(lambda seed: make(seed).fit(frame()), range(2)))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert list(map(weights, fitted)) == list(map(weights, alone))


def test_threads_share_a_default_dtype_of_the_caller() -> None:
    expected = weights(imputer().fit(frame()))
    torch.set_default_dtype(torch.float64)
    try:
        with ThreadPoolExecutor(3) as pool:
            fitted = list(pool.map(lambda _: imputer().fit(frame()), range(3)))
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert {weights(model) for model in fitted} == {expected}


@KINDS
def test_threads_answer_at_once_as_one_would(make: Callable[[], Any]) -> None:
    model = make().fit(frame())
    ask = model.transform if make is imputer else model.predict
    data = {"X" if make is imputer else "y": frame()}

    def both(_: int) -> tuple[pd.DataFrame, np.ndarray]:
        return ask(**data), model.sample(**data, n_samples=9).samples

    expected = both(0)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(both, range(4)))
    for filled, samples in answers:
        pd.testing.assert_frame_equal(filled, expected[0])
        np.testing.assert_array_equal(samples, expected[1])


FORK = """
import os, sys, warnings
sys.path.insert(0, "tests")
import torch
from test_processes import forecaster, frame, imputer

torch.set_num_threads(2)
model, other = imputer().fit(frame()), forecaster().fit(frame())
torch.ones(2**20).exp()  # large enough to begin torch's pool of threads
warnings.simplefilter("ignore", DeprecationWarning)  # of forks where threads run
child = os.fork()
if child == 0:
    torch.ones(2**20).exp()  # would wait for threads that are not there
    model.transform(frame())
    other.predict()
    model.fit(frame())
    os._exit(0)
_, status = os.waitpid(child, 0)
assert torch.get_num_threads() == 2
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(sys, "getdlopenflags"), reason="no fork on Windows")
def test_a_fork_after_a_fit_answers_and_fits() -> None:
    run = [sys.executable, "-c", FORK]
    with subprocess.Popen(run, cwd=ROOT, start_new_session=True) as parent:
        try:
            assert parent.wait(timeout=90) == 0
        finally:  # a child that hangs is none that stays
            if parent.poll() is None:
                os.killpg(parent.pid, signal.SIGKILL)


@KINDS
def test_workers_of_joblib_fit_and_answer(make: Callable[[int], Any]) -> None:
    expected = make(1).fit(frame())
    # pickled by joblib as its users' estimators are, there fitted and back
    jobs = joblib.Parallel(n_jobs=2)(joblib.delayed(_fitted)(make(1)) for _ in range(2))
    assert {weights(model) for model in jobs} == {weights(expected)}
    twin = pickle.loads(pickle.dumps(expected))
    assert weights(twin) == weights(expected)


def _fitted(model: Any) -> Any:
    torch.set_num_threads(1)
    return model.fit(frame())
