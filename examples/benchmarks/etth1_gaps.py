"""ETTh1 in windows of 48 hours: fill hidden cells, by the protocol of TSI-Bench.

The protocol is that of Du et al. (2024, TSI-Bench): seven channels in units of the
training months' mean and standard deviation; 14 months train, 5 are left for choices
(not used here), the next 5 are tested in windows that do not overlap, 10 or 50 % of
their cells hidden at random. One model answers both.

    TSDIFF_DATA=... python examples/benchmarks/etth1_gaps.py --minutes 10

Needs the files of the benchmark in the folder TSDIFF_DATA; see `tsdiff.datasets`.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
from pm25 import scores
from records import record

from tsdiff import DiffusionImputer, baselines
from tsdiff.datasets import load_etth1

N_HOURS = 48
SHARES = (0.1, 0.5)


def months(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Cut into 14 months, 5 and 5."""
    month = table.index.to_period("M")
    names = month.unique()
    spans = (names[:14], names[14:19], names[19:24])
    return tuple(table[month.isin(span)] for span in spans)


def windows(table: pd.DataFrame) -> pd.DataFrame:
    """Make a panel of windows that do not overlap."""
    starts = range(0, len(table) - N_HOURS + 1, N_HOURS)
    parts = {f"{start:06d}": table.iloc[start : start + N_HOURS] for start in starts}
    return pd.concat(parts, names=["unique_id", "time"])


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train once, answer both shares of hidden cells."""
    train, choose, test = months(load_etth1())
    center, scale = train.mean(), train.std(ddof=0)
    train = (train - center) / scale
    truth = windows(((choose if options.rehearse else test) - center) / scale)
    imputer = DiffusionImputer(
        window=N_HOURS,
        max_minutes=options.minutes,
        mask_mix={"random": 1.0},
        random_state=options.seed,
        verbose=1,
    )
    start = time.perf_counter()
    imputer.fit(train)
    minutes = (time.perf_counter() - start) / 60
    line = baselines.LinearInterpolation().fit(train)
    result: dict[str, Any] = {
        "minutes": minutes,
        "n_steps_trained": imputer.n_iter_,
        "n_windows": len(truth) // N_HOURS,
        "seed": options.seed,
    }
    for share in SHARES:
        hidden = np.random.default_rng(options.seed).random(truth.shape) < share
        shown = truth.mask(hidden)
        draws = imputer.sample(shown, n_samples=100, where=hidden)
        values = truth.to_numpy()[hidden]
        answer = line.transform(shown).to_numpy()[hidden]
        straight = float(np.abs(answer - values).mean())
        figures = scores(values, draws.samples) | {"mae_linear": straight}
        result[f"hidden_{round(100 * share)}"] = figures
    return result


def main() -> None:
    """Read the options, run, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10, help="of training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--rehearse", action="store_true", help="test on the months left for choices"
    )
    options = parser.parse_args()
    name = "etth1_gaps_rehearsal" if options.rehearse else "etth1_gaps"
    record(name, run(options))


if __name__ == "__main__":
    main()
