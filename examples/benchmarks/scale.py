"""What a million series cost: seconds and bytes of `tsdiff.fan_out`, measured.

Makes a Parquet folder of hourly readings of many meters (a daily wave, noise, levels
that differ), fits one model on a sample of them, and asks it for 90 % intervals of the
next 24 hours of all: in one process, through joblib's loky and through dask's
LocalCluster, two workers each; then again with one worker killed by SIGKILL in the
middle. All frames must be identical. Each run is a process of its own; memory is the
largest sum over all of its processes (proportional set size, every half second).

    python examples/benchmarks/scale.py            # 100,000 series of 200 hours
    python examples/benchmarks/scale.py --gib 5    # fit and forecast 5 GiB on disk

Needs pyarrow, and dask's `distributed` for its part.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from tsdiff import DiffusionForecaster, FanOut, ParquetPanel, fan_out
from tsdiff.fanout.shards import Plan
from tsdiff.fanout.work import rows_used
from tsdiff.parallel import one_thread

SMALL = {"width": 16, "depth": 1, "window": 48, "patch_length": 4}
HORIZON, METHOD, MIB = 24, "predict_interval", 2**20


def write_meters(folder: Path, n_series: int, n_times: int, n_files: int) -> None:
    """Write the panel, a file at a time."""
    folder.mkdir(parents=True)
    hours = pd.date_range("2024-01-01", periods=n_times, freq="h")
    for number, some in enumerate(np.array_split(np.arange(n_series), n_files)):
        rng = np.random.default_rng(number)
        phase = rng.uniform(0, 2 * np.pi, (len(some), 1))
        wave = 2 + np.sin(2 * np.pi * np.arange(n_times) / 24 + phase)
        level = rng.gamma(2, 1, (len(some), 1))
        values = level * wave + rng.normal(scale=0.2, size=wave.shape)
        names = [f"meter-{i:07d}" for i in some]
        columns = {
            "unique_id": np.repeat(names, n_times),
            "ds": np.tile(hours, len(some)),
            "kwh": values.ravel(),
        }
        pd.DataFrame(columns).to_parquet(folder / f"{number:04d}.parquet", index=False)


def answer(backend: str, model: str, panel: str, folder: str) -> None:
    """Answer in this process, and in those that the backend has."""
    import joblib

    ask = (model, METHOD, panel)
    if backend == "dask":
        from distributed import Client, LocalCluster

        options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
        with (
            LocalCluster(**options) as cluster,
            Client(cluster),
            joblib.parallel_config("dask"),
        ):
            fan_out(*ask, folder=folder)
        return
    with joblib.parallel_config("loky"):
        fan_out(*ask, folder=folder, n_jobs=2 if backend == "loky" else 1)


def family(root: int) -> list[int]:
    """Process and all that it has started."""
    parent = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parent[int(stat.parent.name)] = int(fields[1])
    found = [root]
    for pid in found:
        found += [child for child, of in parent.items() if of == pid]
    return found


def memory(pids: list[int]) -> float:
    """MiB that processes hold, what they share counted once."""
    total = 0
    for pid in pids:
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                total += int(line.split()[1]) if line.startswith("Pss:") else 0
        except OSError:
            continue
    return total / 1024


def busiest(pids: list[int]) -> int:
    """Process that has computed most: a worker."""

    def used(pid: int) -> int:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return -1
        return int(fields[11]) + int(fields[12])

    return max(pids, key=used)


def run(backend: str, kill: bool, *paths: Path) -> dict[str, Any]:
    """Answer in a process of its own, and watch it."""
    command = [sys.executable, __file__, "--answer", backend, *map(str, paths)]
    folder, began, peak, killed = paths[-1], time.monotonic(), 0.0, False
    before = os.times()
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            pids = family(process.pid)
            peak = max(peak, memory(pids))
            if kill and not killed and len(list(folder.glob("parts/part*"))) >= 5:
                os.kill(busiest(pids[1:]), signal.SIGKILL)
                killed = True
            time.sleep(0.5)
    if process.returncode or killed != kill:
        raise SystemExit(f"{backend} ended with {process.returncode}")
    after = os.times()
    computed = after.children_user + after.children_system
    computed -= before.children_user + before.children_system
    name = f"{backend}, a worker killed" if kill else backend
    return {
        "run": name,
        "seconds": time.monotonic() - began,
        "cpu_seconds": computed,
        "peak_mib": peak,
    }


def spent_alone(model: Any, panel: ParquetPanel, n_series: int) -> dict[str, float]:
    """Seconds of a processor for one series: of the model, and of reading it."""
    plan = Plan()
    plan.look_through(panel, 2000)
    shards = plan.shards[: max(n_series // 2000, 1)]
    n = sum(shard.n_series for shard in shards)
    seconds = {"read": 0.0, "model": 0.0}
    with one_thread():
        for shard in shards:
            began = time.process_time()
            frame = panel.read(shard.pieces, rows_used(model))
            read = time.process_time()
            model.predict_interval(y=frame)
            seconds["read"] += (read - began) / n
            seconds["model"] += (time.process_time() - read) / n
    return seconds


def fitted(panel: ParquetPanel, n_rows: int, **sizes: Any) -> DiffusionForecaster:
    """Fit on whole series drawn at random."""
    model = DiffusionForecaster(horizon=HORIZON, random_state=0, **sizes)
    return model.fit(panel.sample(n_rows))


def compare(home: Path, arguments: argparse.Namespace) -> None:
    """Answer in every way, and print what it took."""
    panel = ParquetPanel(home / "meters")
    n = arguments.series
    write_meters(home / "meters", n, arguments.points, max(n // 10_000, 3))
    model = fitted(panel, 400 * arguments.points, max_epochs=2, **SMALL)
    model.save(home / "model.tsdiff")
    ways = [(name, kill) for kill in (False, True) for name in arguments.backends]
    ways = [way for way in ways if way != ("sequential", True)]
    table, first = [], None
    for number, (backend, kill) in enumerate(ways):
        folder = home / f"answers-{number}"
        table.append(run(backend, kill, home / "model.tsdiff", home / "meters", folder))
        frame = FanOut(folder).read()
        first = frame if first is None else first
        pd.testing.assert_frame_equal(frame, first, check_exact=True)
        table[-1]["identical"] = True
        print(json.dumps(table[-1]), flush=True)
    n_bytes = sum(path.stat().st_size for path in (folder / "parts").iterdir())
    print_table(table, n)
    usual = fitted(panel, 400 * arguments.points, max_epochs=1)
    for name, one in (("small", model), ("default", usual)):
        spent = spent_alone(one, panel, min(n, arguments.alone))
        print_arithmetic(name, spent, table[0]["cpu_seconds"] / n, n_bytes / n)


def print_table(table: list[dict[str, Any]], n: int) -> None:
    """Print what the runs took."""
    print(f"\n| {n:,} series | wall s | processor s | peak MiB | frames |")
    print("|---|---|---|---|---|")
    for row in table:
        print(
            f"| {row['run']} | {row['seconds']:.0f} | {row['cpu_seconds']:.0f} | "
            f"{row['peak_mib']:.0f} | identical |"
        )


def print_arithmetic(
    name: str, spent: dict[str, float], whole: float, n_bytes: float
) -> None:
    """Print what a series costs, and a million of them."""
    print(
        f"\n{name}: {1e3 * spent['model']:.2f} ms of the model and "
        f"{1e3 * spent['read']:.3f} ms of reading a series, {n_bytes:.0f} bytes of "
        f"answer; a million: {1e3 * spent['model'] * 1000 / 3600:.2f} core-hours"
    )
    if name == "small":
        seam = whole - spent["model"]
        print(
            f"whole run in one process: {1e3 * whole:.2f} ms a series, of which "
            f"the seam (start-up, planning, reading, writing) takes "
            f"{1e3 * seam:.3f} ms: {100 * seam / spent['model']:.1f} % of the model's"
        )


def fit_on_disk(panel: str, path: str, minutes: float) -> None:
    """Fit on all series of files in this process."""
    began, spent = time.monotonic(), time.process_time()
    model = DiffusionForecaster(horizon=HORIZON, random_state=0, max_minutes=minutes)
    model.fit(ParquetPanel(panel)).save(path)
    print(
        f"{model.n_iter_} steps in {model.history_['seconds'].iloc[-1]:.0f} s, all in "
        f"{time.monotonic() - began:.0f} s ({time.process_time() - spent:.0f} s of a "
        f"processor); skill {model.skill_['skill']:.2f}",
        flush=True,
    )


def larger_than_memory(home: Path, arguments: argparse.Namespace) -> None:
    """Fit on a panel on disk, and forecast all of it."""
    n_times = 8760
    n_series = int(arguments.gib * 2**30 / 8 / n_times)  # noise does not compress
    write_meters(home / "meters", n_series, n_times, max(n_series // 500, 3))
    size = sum(path.stat().st_size for path in (home / "meters").iterdir())
    print(
        f"{n_series:,} series x {n_times:,} hours: {size / 2**30:.2f} GiB", flush=True
    )
    command = [
        sys.executable,
        __file__,
        "--fit",
        home / "meters",
        home / "model.tsdiff",
    ]
    command += ["--minutes", str(arguments.minutes)]
    began, peak = time.monotonic(), 0.0
    with subprocess.Popen([str(part) for part in command]) as process:
        while process.poll() is None:
            peak = max(peak, memory(family(process.pid)))
            time.sleep(0.5)
    if process.returncode:
        raise SystemExit("the fit failed")
    print(f"fit: {time.monotonic() - began:.0f} s, at most {peak:.0f} MiB", flush=True)
    row = run(
        arguments.backends[-1],
        False,
        home / "model.tsdiff",
        home / "meters",
        home / "answers",
    )
    frames = list(FanOut(home / "answers"))
    assert sum(map(len, frames)) == n_series * HORIZON
    print_table([row], n_series)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--alone", type=int, default=4000)
    parser.add_argument("--backends", nargs="+", default=["sequential", "loky", "dask"])
    parser.add_argument("--gib", type=float)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--answer", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--fit", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.answer:
        answer(*arguments.answer)
    elif arguments.fit:
        fit_on_disk(*arguments.fit, arguments.minutes)
    else:
        with TemporaryDirectory() as folder:
            work = larger_than_memory if arguments.gib else compare
            work(Path(folder), arguments)


if __name__ == "__main__":
    main()
