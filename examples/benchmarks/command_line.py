"""Memory and seconds of ``tsdiff impute`` on a CSV of 2,000,000 rows and 5 columns.

Writes such a file (a reading a second: daily waves, noise, 3 % of the cells in gaps of
1 to 60 rows), fills it by the command line in a process of its own, and prints the
seconds and the most memory that it held, as the kernel counted it (ru_maxrss).

    python examples/benchmarks/command_line.py --minutes 1
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

COLUMNS = ("flow", "pressure", "level", "power", "quality")
DAY = 86_400  # rows


def write_readings(path: Path, n_rows: int) -> None:
    """Write the file, 200,000 rows at a time."""
    rng = np.random.default_rng(0)
    for first in range(0, n_rows, 200_000):
        row = np.arange(first, min(first + 200_000, n_rows))
        index = pd.Timestamp("2024-01-01") + pd.to_timedelta(row, unit="s")
        walk = np.cumsum(rng.normal(scale=0.02, size=(len(row), len(COLUMNS))), axis=0)
        wave = np.sin(2 * np.pi * row[:, None] / DAY + np.arange(len(COLUMNS)))
        values = 50 + 10 * wave + walk + rng.normal(scale=0.1, size=walk.shape)
        for column in values.T:
            starts = rng.choice(len(row), size=len(row) // 1000, replace=False)
            lengths = rng.integers(1, 61, len(starts))
            for start, length in zip(starts, lengths, strict=True):
                column[start : start + length] = np.nan
        part = pd.DataFrame(values.round(3), index, columns=COLUMNS)
        part.to_csv(path, mode="a", header=first == 0, index_label="time")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--minutes", type=float, default=1.0)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        given, filled = Path(folder) / "readings.csv", Path(folder) / "filled.csv"
        write_readings(given, arguments.rows)
        command = [sys.executable, "-m", "tsdiff", "impute", str(given)]
        command += ["-o", str(filled), "--interval", "0.9"]
        command += ["--minutes", str(arguments.minutes)]
        began = time.monotonic()
        subprocess.run(command, check=True)
        seconds = time.monotonic() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        with filled.open(encoding="utf-8") as file:
            n_lines = sum(1 for _ in file)
        size = given.stat().st_size / 2**20
    assert n_lines == arguments.rows + 1
    print(
        f"{arguments.rows:,} rows x {len(COLUMNS)} columns ({size:.0f} MiB): "
        f"{seconds:.0f} s, of these {60 * arguments.minutes:.0f} s of training; "
        f"at most {peak:.2f} GiB of memory"
    )


if __name__ == "__main__":
    main()
