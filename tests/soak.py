"""Random operations for a while: nothing is lost, nothing hangs, memory stays.

    make soak                       # 10 minutes
    python tests/soak.py MINUTES SEED
    python tests/soak.py MINUTES SEED MIB   # the control: lose so much by operation

Fits, answers, files, pickles, threads, forks, processes that are killed while they fit
or save, and fits that go on from there: in random order, from a seed that is printed.
After each operation the models at hand must answer as they did, bit for bit. An
operation that takes longer than two minutes ends the run with all stacks; memory in use
may grow by a tenth after the first quarter, and by 0.25 MiB an operation.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

# Torch keeps what it has compiled for each shape it meets, up to 1,024 of a kind: some
# hundred MiB, which fill for as long as fits are random. A few are full from the start.
os.environ |= {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64", "LRU_CACHE_CAPACITY": "64"}

import numpy as np
from small import frame, same

from tsdiff import DiffusionForecaster, DiffusionImputer, checkpoints

LIMIT = 120  # seconds of one operation
GROWTH, EACH = 1.1, 0.25  # of memory after the first quarter; MiB an operation
TINY: dict[str, Any] = {"window": 16, "width": 8, "depth": 1, "max_epochs": 1}

LONG = {"max_epochs": 10, "batch_size": 1}  # 40 steps


def answer(model: Any) -> bytes:
    """Draw from a model: what it has to say, to the bit."""
    if isinstance(model, DiffusionImputer):
        return model.sample(frame(), 5, random_state=1).samples.tobytes()
    return model.sample(4, frame(), n_samples=5, random_state=1).samples.tobytes()


def fit(seed: int, kind: type, **more: Any) -> Any:
    """Fit a small model."""
    sizes = TINY | ({"horizon": 4} if kind is DiffusionForecaster else {})
    return kind(random_state=seed, **sizes | more).fit(frame())


def memory() -> float:
    """Resident memory of this process in MiB, less what it holds but has freed."""
    gc.collect()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def child(work: Callable[[], Any]) -> int:
    """Start a forked process for some work, which is never waited for in it."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid


class Soak:
    """A folder with model files, models at hand, and what they answer."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.rng = folder, np.random.default_rng(seed)
        self.models = [fit(0, DiffusionImputer), fit(0, DiffusionForecaster)]
        self.said = [answer(model) for model in self.models]
        self.unbroken = [answer(fit(5, type(model), **LONG)) for model in self.models]
        self.paths = [folder / f"{k}.tsdiff" for k in range(2)]
        for model, path in zip(self.models, self.paths, strict=True):
            model.save(path)

    def check(self) -> None:
        """Check that models and files say what they said."""
        for model, path, said in zip(self.models, self.paths, self.said, strict=True):
            assert answer(model) == said, "a model at hand answers otherwise"
            assert answer(type(model).load(path)) == said, f"{path} answers otherwise"
        assert len(list(self.folder.iterdir())) == 2, "files are left over"

    def refit(self) -> None:
        """Another fit takes the place of one."""
        k = int(self.rng.integers(2))
        self.models[k] = fit(int(self.rng.integers(1000)), type(self.models[k]))
        self.said[k] = answer(self.models[k])
        self.models[k].save(self.paths[k])

    def ask(self) -> None:
        """Every answer, and the data stay as they are."""
        X, before = frame(), frame()
        filled = self.models[0].transform(X)
        self.models[0].predict_interval(X)
        self.models[1].predict(3, X)
        same(X, before)
        assert np.isfinite(filled.to_numpy()).all()

    def pickled(self) -> None:
        """A pickled copy answers alike."""
        for model, said in zip(self.models, self.said, strict=True):
            assert answer(pickle.loads(pickle.dumps(model))) == said

    def threads(self) -> None:
        """Threads answer alike at once."""
        with ThreadPoolExecutor(4) as pool:
            for model, said in zip(self.models, self.said, strict=True):
                assert set(pool.map(answer, [model] * 6)) == {said}

    def forks(self) -> None:
        """A forked process answers, and ends."""
        context = multiprocessing.get_context("fork")
        with context.Pool(2) as pool:
            assert pool.map(answer, [self.models[0]] * 3) == [self.said[0]] * 3

    def killed_while_fitting(self) -> None:
        """A killed fit leaves everything as it was, and goes on from its checkpoint."""
        k = int(self.rng.integers(2))
        path, kind = self.folder / "fit", type(self.models[k])
        for _ in range(int(self.rng.integers(1, 4))):
            self._kill(lambda: fit(5, kind, checkpoint_path=path, **LONG))
        model = fit(5, kind, checkpoint_path=path, **LONG)
        assert answer(model) == self.unbroken[k], "a killed fit ends otherwise"
        path.unlink()

    def killed_while_saving(self) -> None:
        """A killed save leaves the old file or the new one, whole."""
        model = self.models[0]
        self._kill(lambda: [model.save(self.paths[0]) for _ in range(200)])
        for part in self.folder.glob("*.part*"):
            part.unlink()  # of the process that was killed; nobody else writes here
        for part in self.folder.iterdir():
            if part not in self.paths:
                part.unlink()

    def _kill(self, work: Callable[[], Any]) -> None:
        pid = child(work)
        time.sleep(float(self.rng.uniform(0, 1)))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def interrupted(self) -> None:
        """Ctrl-C in a fit is raised, and the estimator is whole or as before."""
        imputer = DiffusionImputer(random_state=0, **TINY | {"max_epochs": 500})
        signal.setitimer(signal.ITIMER_REAL, float(self.rng.uniform(0.05, 1.5)))
        try:
            imputer.fit(frame())
        except KeyboardInterrupt:
            if hasattr(imputer, "schema_"):
                answer(imputer)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def interrupt(*_: Any) -> None:
    """Act as Ctrl-C does."""
    raise KeyboardInterrupt


def run(minutes: float, seed: int, lost: float = 0.0) -> None:
    """Do random operations until the time is over; print what was done."""
    signal.signal(signal.SIGALRM, interrupt)
    checkpoints._STEPS, checkpoints._MOST_TIME = 3, np.inf
    start, counts = time.monotonic(), Counter[str]()
    first, n_first, leak = 0.0, 0, []
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(Path(folder), seed)
        names = [n for n in vars(Soak) if not n.startswith("_") and n != "check"]
        while (spent := time.monotonic() - start) < 60 * minutes:
            name = str(soak.rng.choice(names))
            faulthandler.dump_traceback_later(LIMIT, exit=True)
            getattr(soak, name)()
            soak.check()
            faulthandler.cancel_dump_traceback_later()
            counts[name] += 1
            leak.append(np.ones(int(lost * 2**17)))
            if not first and spent > 15 * minutes:
                first, n_first = memory(), len(leak)
    now, n_last = memory(), len(leak)
    each = (now - first) / max(n_last - n_first, 1)
    print(f"{n_last} operations: {dict(counts)}")
    print(f"memory {now:.0f} MiB, {now / first - 1:+.1%} since the first quarter,")
    print(f"{each:+.3f} MiB an operation")
    assert now < GROWTH * first, "memory grows"
    assert each < EACH, "memory grows with each operation"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    chosen = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 10_000
    print(f"seed {chosen}", flush=True)
    lost = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    run(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0, chosen, lost)
