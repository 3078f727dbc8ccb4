"""Seconds and memory against rows, window, channels, samples and steps.

Each line is a fit of a few optimiser steps and a call of `sample` or
`predict_interval` in a process of its own, so that peak memory is its own. A slope is
that of a straight line through logarithms: 1 is linear, 2 quadratic.

    python examples/benchmarks/scaling.py
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
from records import record

from tsdiff import DiffusionImputer

#: Sizes where nothing is varied, and what is varied.
USUAL = {"rows": 2048, "window": 96, "channels": 8, "samples": 20, "steps": 8}
VARIED = {
    "rows": (2048, 4096, 8192, 16384),
    "window": (64, 128, 256, 512),
    "channels": (4, 8, 16, 32, 64, 128),
    "samples": (20, 40, 80, 160),
    "steps": (4, 8, 16, 32),
}
WIDE = {"rows": 4096, "window": 168, "channels": 300, "samples": 10, "steps": 8}
N_TRAINING_STEPS = 12


def walks(n_rows: int, n_channels: int) -> np.ndarray:
    """Add up a few common walks and noise, with gaps of about 12 rows."""
    rng = np.random.default_rng(0)
    common = rng.standard_normal((n_rows, 4)).cumsum(0) / 30
    values = common @ rng.standard_normal((4, n_channels))
    values += 0.3 * rng.standard_normal(values.shape)
    starts = rng.random(values.shape) < 0.01
    starts[0] = False
    gap = np.zeros(values.shape, dtype=bool)
    for ahead in range(12):  # rows of a gap
        gap[ahead:] |= starts[: n_rows - ahead]
    return np.where(gap, np.nan, values)


def measure(sizes: dict[str, int]) -> dict[str, float]:
    """Fit for a few steps, answer, and time both."""
    data = walks(sizes["rows"], sizes["channels"])
    per_epoch = -(-sizes["rows"] // sizes["window"])
    batch = max(min(per_epoch, 2700 // (sizes["window"] + sizes["channels"])), 4)
    epochs = max(round(N_TRAINING_STEPS * batch / per_epoch), 1)
    imputer = DiffusionImputer(
        window=sizes["window"],
        patch_length=1,
        width=128,
        depth=4,
        batch_size=batch,
        max_epochs=epochs,
        n_steps=sizes["steps"],
        random_state=0,
    )
    DiffusionImputer(max_epochs=1, window=16, width=16).fit(data[:256])  # warm up
    start = time.perf_counter()
    imputer.fit(data)
    fitted = time.perf_counter()
    draws = imputer.sample(data, n_samples=sizes["samples"])
    sampled = time.perf_counter()
    imputer.predict_interval(data)
    answered = time.perf_counter()
    spent = imputer.history_["seconds"]
    return {
        "fit_seconds": fitted - start,
        "train_windows_per_second": imputer.n_iter_ * batch / float(spent.iloc[-1]),
        "sample_seconds": sampled - fitted,
        "interval_seconds": answered - sampled,
        "n_draws": float(draws.samples.size),
        "peak_memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def alone(sizes: dict[str, int]) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--sizes", json.dumps(sizes)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {**sizes, **json.loads(done.stdout.splitlines()[-1])}


def slopes(table: pd.DataFrame, name: str) -> dict[str, float]:
    """Slopes on a log-log plot, of the upper half of the sizes."""
    upper = table.iloc[-3:]
    size = np.log(upper[name].to_numpy(float))
    return {
        figure: float(np.polyfit(size, np.log(upper[figure].to_numpy(float)), 1)[0])
        for figure in ("sample_seconds", "interval_seconds", "peak_memory_gib")
    } | {
        "seconds_per_training_window": float(
            -np.polyfit(size, np.log(upper["train_windows_per_second"]), 1)[0]
        )
    }


def main() -> None:
    """Measure every size, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=json.loads, help="measure these alone")
    options = parser.parse_args()
    if options.sizes:
        print(json.dumps(measure(options.sizes)))
        return
    result: dict[str, Any] = {"usual": USUAL}
    for name, sizes in VARIED.items():
        rows = [alone({**USUAL, name: size}) for size in sizes]
        table = pd.DataFrame(rows)
        print(f"\n{name}\n{table.round(3).to_string(index=False)}", flush=True)
        result[name] = {"runs": rows, "slopes": slopes(table, name)}
    result["wide"] = alone(WIDE)
    record("scaling", result)


if __name__ == "__main__":
    main()
