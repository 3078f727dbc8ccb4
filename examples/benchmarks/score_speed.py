"""How fast, and in how much memory, samples are scored.

``python examples/benchmarks/score_speed.py`` scores a million cells with 100 float32
samples each, and prints how many a second, how many a second of one core (the figure to
trust on a busy machine), and how much memory scoring added to what the samples take.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tsdiff import metrics


def peak() -> float:
    """Highest memory of the process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, score: Callable[..., Any], *args: Any) -> None:
    """Time one score; print its speed and what it added to the peak of memory."""
    before, start, busy = peak(), time.perf_counter(), time.process_time()
    score(*args)
    millions = args[0].size / 1e6
    wall = millions / (time.perf_counter() - start)
    cpu = millions / (time.process_time() - busy)
    print(f"{name:22}{wall:8.2f}{cpu:14.2f}{peak() - before:8.0f} MB")


def main() -> None:
    """Make cells, score them."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--cells", type=int, default=1_000_000)
    options.add_argument("--samples", type=int, default=100)
    chosen = options.parse_args()
    rng = np.random.default_rng(0)
    y = rng.normal(size=chosen.cells)
    shape = (chosen.samples, chosen.cells)
    samples = rng.standard_normal(shape, dtype=np.float32)
    print(f"{chosen.cells} cells x {chosen.samples} samples, {peak():.0f} MB")
    print(f"{'million cells':22}{'/s':>8}{'/core-second':>14}{'added':>11}")
    measure("crps", metrics.crps, y, samples)
    measure("pit", metrics.pit, y, samples)
    vectors = y.reshape(-1, 10), samples.reshape(chosen.samples, -1, 10)
    measure("energy score of 10", metrics.energy_score, *vectors)
    measure("variogram score of 10", metrics.variogram_score, *vectors)
    score = metrics.absolute_error(y, samples[0])
    measure("grouped", metrics.grouped, score, {"horizon": np.arange(y.size) % 24})


if __name__ == "__main__":
    main()
