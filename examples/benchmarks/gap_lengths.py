"""Gaps of real data by their length: tsdiff against every baseline, paired.

`imputation_backtest` hides the same cells from all models: as the data's own gaps, or
in blocks of 12 rows on average where there are none. Each model is fitted on the data
without them. Scores are CRPS over the 19 levels, in units of each channel's mean
absolute deviation where there are several; p-values are of a paired bootstrap over
blocks of time, corrected for the number of bins.

    TSDIFF_DATA=... python examples/benchmarks/gap_lengths.py --minutes 3

Needs the files of the benchmark in the folder TSDIFF_DATA, but for ``--sets glucose``;
see `tsdiff.datasets`.
"""

from __future__ import annotations

import argparse
import json
import platform
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from tsdiff import DiffusionImputer, baselines, datasets, imputation_backtest

RESULTS = Path(__file__).with_name("results")

#: Data, how they are hidden, and upper edges of the bins of gap lengths in rows.
SETS: dict[str, tuple[str, list[int]]] = {
    "glucose": ("blocks", [3, 12, 36]),
    "finance": ("blocks", [3, 12]),
    "air_quality": ("own", [3, 24]),
    "etth1": ("blocks", [3, 12, 36]),
}


def load(name: str) -> pd.DataFrame:
    """Load the data of a set."""
    if name == "glucose":  # both columns are of one sensor: the other would tell
        return datasets.load_glucose()[["glucose"]]
    if name == "air_quality":
        return datasets.load_air_quality().drop(columns="NMHC(GT)")
    if name == "etth1":
        return datasets.load_etth1().iloc[:8640]
    index = datasets.load_market("sp500")[["Close"]].rename(columns={"Close": "sp500"})
    return np.log(datasets.load_wti().join(index, how="inner").asfreq("B"))


def models(minutes: float, seed: int) -> dict[str, Any]:
    """Make the models, ours in its default configuration."""
    fixed = {"random_state": seed}
    return {
        "tsdiff": DiffusionImputer(max_minutes=minutes, **fixed),
        "linear": baselines.LinearInterpolation(**fixed),
        "last value": baselines.LastValue(**fixed),
        "Kalman": baselines.KalmanSmoother(**fixed),
        "seasonal naive": baselines.ForecastFiller(baselines.SeasonalNaive(), **fixed),
        "decomposition": baselines.SeasonalDecomposition(**fixed),
        "nearest windows": baselines.KNearestWindows(**fixed),
    }


def run(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Hide, fill, score and compare."""
    pattern, edges = SETS[name]
    result = imputation_backtest(
        models(options.minutes, options.seed),
        load(name),
        pattern=pattern,
        n_repeats=options.repeats,
        refit=False,
        verbose=1,
        random_state=options.seed,
    )
    by = {"gap_length": edges}
    scores = result.scores(by)
    print(f"\n{name}\n{scores['crps'].unstack(0).round(4).to_string()}")
    print(result.scores()[["n", "crps", "mae", "coverage_90"]].round(4).to_string())
    others = [other for other in result.models if other != "tsdiff"]
    verdicts = {other: result.verdict("tsdiff", other, by) for other in others}
    print(*verdicts.values(), sep="\n", flush=True)
    return {
        "pattern": pattern,
        "unit": scores["unit"].iloc[0],
        "n": scores.loc["tsdiff", "n"].astype(int).to_dict(),
        "crps": {m: scores.loc[m, "crps"].to_dict() for m in result.models},
        "all": result.scores()[["n", "crps", "mae", "coverage_90"]].T.to_dict(),
        "verdicts": verdicts,
        "failures": result.failures.to_dict("records"),
    }


def main() -> None:
    """Read the options, run, print and write the results."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, default=3, help="of training")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--repeats", type=int, default=2)
    options.add_argument("--sets", nargs="*", choices=SETS, default=list(SETS))
    chosen = options.parse_args()
    RESULTS.mkdir(exist_ok=True)
    for name in chosen.sets:
        result = run(name, chosen) | {
            "benchmark": f"gaps_{name}",
            "minutes": chosen.minutes,
            "repeats": chosen.repeats,
            "seed": chosen.seed,
            "threads": torch.get_num_threads(),
            "machine": f"{platform.machine()}, CPU only",
            "date": date.today().isoformat(),
        }
        path = RESULTS / f"gaps_{name}.json"
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
