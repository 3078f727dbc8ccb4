"""Fits that are killed at random moments: each goes on, and ends as an unbroken one.

    make soak                       # 20 kills of each kind of fit, and more
    python tests/killed.py KILLS SEED

Fits run in forked processes, through the public face. Each is killed by SIGKILL and
begun again until it is through, and its weights are then those of a fit that was never
killed, bit for bit; then the next one begins.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import torch
from small import frame

from tsdiff import DiffusionForecaster, DiffusionImputer, checkpoints
from tsdiff.sealed import unseal

SIZES: dict[str, Any] = {"width": 16, "depth": 1, "window": 16, "max_epochs": 8}
SIZES |= {"batch_size": 1, "random_state": 0}
MOST_WRITES = 10  # before a kill
PATIENCE = 240.0  # seconds; processes are slow on a machine that is busy


def fitted(kind: str, path: Path | None) -> str:
    """Fit, and tell the digest of the weights."""
    make: Any = DiffusionImputer
    own = {}
    if kind == "forecaster":
        make, own = DiffusionForecaster, {"horizon": 3}
    model = make(checkpoint_path=path, **SIZES, **own).fit(frame())
    tensors = model.model_.network.state_dict().values()
    return hashlib.sha256(b"".join(t.numpy().tobytes() for t in tensors)).hexdigest()


class Killer:
    """Fits of one kind in processes of their own, and a folder for their checkpoint."""

    def __init__(self, kind: str, folder: Path, seed: int) -> None:
        self.kind, self.folder = kind, folder
        self.rng = np.random.default_rng(seed)
        self.path, self.said = folder / "fit", folder.with_suffix(".said")
        start = time.perf_counter()
        self.unbroken = fitted(kind, None)
        self.seconds = time.perf_counter() - start

    def begin(self) -> int:
        """Start a process that fits and tells its weights."""
        self.said.unlink(missing_ok=True)
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            self.said.write_text(fitted(self.kind, self.path), encoding="ascii")
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def wait(self) -> None:
        """Wait until the file was written some times, and a random while."""
        n_writes, seen = int(self.rng.integers(0, MOST_WRITES)), set()
        end = time.perf_counter() + PATIENCE
        while len(seen) < n_writes and not self.said.exists():
            assert time.perf_counter() < end, "the fit hangs"
            if self.path.exists():
                seen.add(self.path.stat().st_mtime_ns)
            time.sleep(0.001)
        time.sleep(float(self.rng.uniform(0, self.seconds / MOST_WRITES)))

    def step(self) -> int:
        """Step of the checkpoint, which is whole; -1 if there is none yet."""
        if not self.path.exists():
            return -1
        metadata, _ = unseal(self.path, "Checkpoint", checkpoints.FORMAT)
        return int(metadata["loop"]["history"]["n_steps"])

    def kill(self, n_kills: int) -> list[int]:
        """Kill fits some times, and let the last one end; tell the steps they had."""
        steps: list[int] = []
        ended = False
        while len(steps) < n_kills or not ended:
            pid = self.begin()
            if len(steps) < n_kills:
                try:
                    self.wait()
                finally:
                    os.kill(pid, signal.SIGKILL)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            ended = code != -signal.SIGKILL
            if ended:
                self.check(code)
            else:
                steps.append(self.step())
        return steps

    def check(self, code: int) -> None:
        """Check a fit that came through, and make room for another."""
        assert code == 0, f"the {self.kind} ended with {code}"
        assert self.said.read_text(encoding="ascii") == self.unbroken, "other weights"
        assert os.listdir(self.folder) == ["fit"], os.listdir(self.folder)
        self.path.unlink()


def main(n_kills: int, seed: int) -> None:
    """Kill fits of both kinds; print the step of the file that each kill left."""
    torch.set_num_threads(1)
    checkpoints._STEPS, checkpoints._MOST_TIME = 3, np.inf
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("imputer", "forecaster"):
            place = Path(folder) / kind
            place.mkdir()
            steps = Killer(kind, place, seed).kill(n_kills)
            print(f"{kind}: {len(steps)} kills, at steps {steps}", flush=True)
            assert max(steps) > 0, "no kill had anything to go on from"


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(*(numbers + [20, 0][len(numbers) :]))
