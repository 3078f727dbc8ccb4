"""PM2.5 at 36 stations of Beijing: fill block gaps, by CSDI's protocol.

The protocol is that of Tashiro et al. (2021, NeurIPS): one year, hourly; months 3, 6,
9 and 12 are tested in windows of 36 hours that do not overlap, the last one of a month
aligned to its end and scored where it is new; the benchmark's artificial gaps are
hidden; 100 samples, 19 quantile levels, pooled, in micrograms per cubic metre. The
other eight months train, and choose the weights.

    TSDIFF_DATA=... python examples/benchmarks/pm25.py --minutes 30
    TSDIFF_DATA=... python examples/benchmarks/pm25.py --rehearse --minutes 5

``--rehearse`` tests on months 2 and 8, with the gaps of the months before, and trains
on the six that are left: width, depth and the mix of masks were chosen there. Training
lends no window the gaps of another: those of the months that CSDI may not lend could
not be left out. Needs the files of the benchmark in the folder TSDIFF_DATA; see
`tsdiff.datasets`.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
from records import record

from tsdiff import DiffusionImputer, baselines, metrics
from tsdiff.datasets import load_pm25

N_HOURS = 36
TESTED = (3, 6, 9, 12)
REHEARSED = {2: 1, 8: 7}  # and whose gaps they have: the test's are of such months
SETTINGS: dict[str, Any] = {
    "width": 64,
    "depth": 3,
    "mask_mix": {"random": 0.5, "blocks": 0.5},
}


def by_month(table: pd.DataFrame, months: tuple[int, ...]) -> pd.DataFrame:
    """Make a panel of months, a series each."""
    parts = {f"{m:02d}": table[table.index.month == m] for m in months}
    return pd.concat(parts, names=["unique_id", "time"])


def windows(panel: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Cut months into windows; and say which rows are scored: (rows,)."""
    parts, new = {}, []
    for month, table in panel.groupby(level=0):
        starts = list(range(0, len(table) - N_HOURS + 1, N_HOURS))
        overlap = np.zeros(len(starts) + 1, int)
        if starts[-1] + N_HOURS < len(table):
            overlap[len(starts)] = starts[-1] + 2 * N_HOURS - len(table)
            starts.append(len(table) - N_HOURS)
        for number, start in enumerate(starts):
            part = table.droplevel(0).iloc[start : start + N_HOURS]
            parts[f"{month} {number:02d}"] = part
            new.append(np.arange(N_HOURS) >= overlap[number])
    return pd.concat(parts, names=["unique_id", "time"]), np.concatenate(new)


def with_gaps(ground: pd.DataFrame, lenders: dict[int, int]) -> pd.DataFrame:
    """Hide in some months what is missing in others, row by row."""
    shown = ground.copy()
    for month, lender in lenders.items():
        rows = np.flatnonzero(ground.index.month == month)
        gaps = ground[ground.index.month == lender].isna().to_numpy()
        n_rows = min(len(rows), len(gaps))
        part = ground.iloc[rows[:n_rows]]
        shown.iloc[rows[:n_rows]] = part.mask(gaps[:n_rows])
    return shown


def scores(truth: np.ndarray, samples: np.ndarray) -> dict[str, float]:
    """CRPS, errors and coverage of the pooled hidden cells."""
    quantile = np.quantile(samples, metrics.LEVELS_19, axis=0)
    median = np.quantile(samples, 0.5, axis=0, method="lower")  # as torch.median
    report = {
        "crps": metrics.crps_quantiles(truth, quantile, metrics.LEVELS_19),
        "mae": float(metrics.absolute_error(truth, median).mean()),
        "rmse": float(np.sqrt(metrics.squared_error(truth, median).mean())),
    }
    for share in (0.5, 0.8, 0.9):
        ends = np.quantile(samples, [(1 - share) / 2, (1 + share) / 2], axis=0)
        inside = metrics.coverage(truth, *ends)
        report[f"coverage_{round(100 * share)}"] = float(inside.mean())
    return report


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train on some months, fill the gaps of the others, and score."""
    tested = tuple(REHEARSED) if options.rehearse else TESTED
    trained = tuple(m for m in range(1, 13) if m not in {*TESTED, *tested})
    ground = load_pm25("ground")
    lent = with_gaps(ground, REHEARSED) if options.rehearse else None
    missing = load_pm25("missing") if lent is None else lent
    shown, new = windows(by_month(missing, tested))
    truth, _ = windows(by_month(ground, tested))
    hidden = (truth.notna() & shown.isna()).to_numpy() & new[:, None]
    imputer = DiffusionImputer(
        window=N_HOURS,
        max_minutes=options.minutes,
        **SETTINGS,
        random_state=options.seed,
        verbose=1,
    )
    start = time.perf_counter()
    imputer.fit(by_month(ground, trained))
    fitted = time.perf_counter()
    draws = imputer.sample(shown, n_samples=100, where=hidden)
    sampled = time.perf_counter()
    line = baselines.LinearInterpolation().fit(by_month(ground, trained))
    answer = line.transform(shown).to_numpy()[hidden]
    values = truth.to_numpy()[hidden]
    return {
        "tested_months": list(tested),
        **scores(values, draws.samples),
        "mae_linear": float(np.nanmean(np.abs(answer - values))),
        "n_cells": int(hidden.sum()),
        "n_windows": len(shown) // N_HOURS,
        "train_minutes": (fitted - start) / 60,
        "n_steps_trained": imputer.n_iter_,
        "sample_ms_per_window": 1e3 * (sampled - fitted) / (len(shown) // N_HOURS),
        "seed": options.seed,
    }


def main() -> None:
    """Read the options, run, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30, help="of training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rehearse", action="store_true")
    options = parser.parse_args()
    record("pm25_rehearsal" if options.rehearse else "pm25", run(options))


if __name__ == "__main__":
    main()
