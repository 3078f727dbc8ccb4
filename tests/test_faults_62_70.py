"""Faults 62 to 70 of the list in docs/faults.md: training."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from faults import Case, weights
from sklearn.exceptions import ConvergenceWarning
from small import frame, same

from tsdiff.diffusion import device, training


def failing(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, at: Callable[[int], bool]
) -> list[int]:
    """Let the loss raise at some of its calls; returns the sizes of all batches."""
    losses, sizes = training.losses, []

    def fail(network: Any, batch: Any, *more: Any) -> Any:
        sizes.append(len(batch.truth))
        if at(len(sizes)):
            raise error
        return losses(network, batch, *more)

    monkeypatch.setattr(training, "losses", fail)
    return sizes


def test_fault_62_a_loss_that_is_not_finite(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps are skipped; after some in a row the best weights stay, with a warning."""
    losses = training.losses

    def broken(*arguments: Any) -> Any:
        crps, *others = losses(*arguments)
        return crps * torch.nan, *others

    monkeypatch.setattr(training, "losses", broken)
    model = case.new(max_epochs=20)
    with pytest.warns(ConvergenceWarning, match="Lower learning_rate") as caught:
        model.fit(frame())
    assert caught[0].filename == __file__
    assert model.n_iter_ < 20
    case.answer(model, frame())


def test_fault_63_exploding_weights(case: Case) -> None:
    """Answers stay finite even after a learning rate of a million."""
    model = case.new(learning_rate=1e6, max_epochs=40)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(frame())
    case.answer(model, frame())


def test_fault_64_a_fit_interrupted_by_the_user(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KeyboardInterrupt is raised again; the best weights are kept and it says so."""
    failing(monkeypatch, KeyboardInterrupt(), lambda call: call == 4)
    model = case.new(max_epochs=9, batch_size=8)
    with pytest.raises(KeyboardInterrupt, match="stopped at step 3"):
        model.fit(frame())
    assert model.interrupted_ is True
    assert model.n_iter_ == 3
    case.answer(model, frame())
    monkeypatch.undo()
    model.set_params(warm_start=True, max_epochs=1).fit(frame())
    assert model.interrupted_ is False


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on Windows")
def test_fault_65_a_process_killed_while_it_saves(case: Case, tmp_path: Path) -> None:
    """A file is the old one or the new one, whenever the process that saves is killed.

    Files are written beside the old one, forced to the disk and renamed.
    """
    path = tmp_path / "model"
    case.fitted.save(path)
    whole = path.read_bytes()
    for wait in (0.001, 0.004, 0.012):
        child = os.fork()
        if child == 0:
            while True:
                case.fitted.save(path)
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert path.read_bytes() == whole
        type(case.fitted).load(path)


@pytest.mark.slow
@pytest.mark.timeout(300)  # a machine that is busy gives the processes little time
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on Windows")
def test_fault_65_a_process_killed_while_it_fits() -> None:
    """With a checkpoint, `fit` goes on from it, to the same weights, bit for bit.

    `python tests/killed.py` kills more often.
    """
    script = Path(__file__).with_name("killed.py")
    run = [sys.executable, "-W", "ignore", str(script), "2"]
    with subprocess.Popen(
        run, stdout=subprocess.PIPE, start_new_session=True
    ) as parent:
        try:
            said, _ = parent.communicate(timeout=280)
        finally:
            if parent.poll() is None:
                os.killpg(parent.pid, signal.SIGKILL)
    assert parent.returncode == 0
    assert said.count(b"2 kills") == 2


def test_fault_66_a_full_disk(case: Case, tmp_path: Path) -> None:
    """An error; the old file stays as it was, and nothing is left beside it."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "model"
    case.fitted.save(path)
    old = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(old) // 2, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            case.fitted.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


NO_MEMORY = [
    MemoryError("Unable to allocate 9.31 GiB"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    torch.OutOfMemoryError("Tried to allocate 9.31 GiB"),
]


@pytest.mark.parametrize("error", NO_MEMORY, ids=lambda error: type(error).__name__)
def test_fault_67_out_of_memory(
    error: Exception, pair: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fit begins again with half the batch, down to 1, and one warning says so."""
    name = "imputer" if isinstance(error, MemoryError) else "forecaster"
    case = Case(name, pair[name])
    sizes = failing(monkeypatch, error, lambda _: sizes[-1] > 2)
    model = case.new(batch_size=8)
    with pytest.warns(UserWarning, match="memory at batch_size=8.*batch_size=2") as one:
        model.fit(frame())
    assert len(one) == 1
    assert sizes[:3] == [8, 4, 2]
    monkeypatch.undo()
    assert weights(model) == weights(case.new(batch_size=2).fit(frame()))
    sizes = failing(monkeypatch, error, lambda _: True)
    before = weights(model)
    with pytest.raises(MemoryError, match=r"even with batch_size=1.*shorter window"):
        model.fit(frame())
    assert weights(model) == before


def test_fault_67_errors_that_are_not_of_memory(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any other error is raised at once, and the earlier fit stays as it was."""
    model = case.new().fit(frame())
    before, expected = sorted(vars(model)), case.point(model, frame())
    sizes = failing(monkeypatch, RuntimeError("broken"), lambda _: True)
    with pytest.raises(RuntimeError, match="broken"):
        model.fit(frame().assign(c=1.0))
    assert len(sizes) == 1
    assert sorted(vars(model)) == before
    same(case.point(model, frame()), expected)


def test_fault_68_devices_that_are_not_there(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in fit and in use lists those that are there."""
    monkeypatch.setattr(device, "_devices", lambda: ["cpu"])
    for name in ("cuda", "cuda:1", "mps"):
        late = copy.copy(case.fitted).set_params(device=name)
        for ask in (case.new(device=name).fit, lambda X, m=late: case.draws(m, X)):
            message = f"device='{name}' is not here: .* finds 'cpu'. Give"
            with pytest.raises(ValueError, match=message):
                ask(frame())


def default_dtype() -> AbstractContextManager:
    torch.set_default_dtype(torch.float64)
    return nullcontext()


def deterministic() -> AbstractContextManager:
    torch.use_deterministic_algorithms(True)
    return nullcontext()


def anomalies() -> AbstractContextManager:
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"):
        return torch.autograd.detect_anomaly()


CONTEXTS: dict[str, Callable[[], AbstractContextManager]] = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "device": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "dtype": default_dtype,
    "deterministic": deterministic,
    "anomalies": anomalies,
}


@pytest.fixture(scope="module")
def expected(pair: dict[str, Any]) -> dict[str, bytes]:
    return {k: weights(Case(k, v).new().fit(frame())) for k, v in pair.items()}


@pytest.mark.parametrize("name", CONTEXTS)
def test_fault_69_settings_of_torch(
    name: str, case: Case, expected: dict[str, bytes]
) -> None:
    """Settings and contexts of the caller change no weight and no answer, and stay."""
    point = case.point(case.fitted, frame())
    try:
        with CONTEXTS[name]():
            before = torch.get_default_dtype(), torch.is_inference_mode_enabled()
            model = case.new().fit(frame())
            again = case.point(case.fitted, frame())
            now = torch.get_default_dtype(), torch.is_inference_mode_enabled()
            assert now == before
    finally:
        torch.set_default_dtype(torch.float32)
        torch.use_deterministic_algorithms(False)
    assert weights(model) == expected[case.name]
    same(again, point)


class Gone:
    """A terminal that was closed."""

    encoding = "utf-8"

    def write(self, _: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    def flush(self) -> None:
        self.write("")


def test_fault_70_progress_or_warnings_that_raise(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal that is gone ends no fit; a warning made an error leaves it fitted."""
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", Gone())
        with pytest.warns(UserWarning, match="can't be written .*Broken pipe"):
            model = case.new(verbose=1, max_epochs=2).fit(frame())
    assert weights(model) == weights(case.fitted)
    losses = training.losses
    monkeypatch.setattr(
        training, "losses", lambda *given: [part * torch.nan for part in losses(*given)]
    )
    model = case.new(max_epochs=100)
    with pytest.raises(ConvergenceWarning, match="not finite"):  # warnings are errors
        model.fit(frame())
    assert np.isfinite(case.draws(model, frame())).all()
