"""Gaps of real data by their length: tsdiff against every baseline, paired.

`imputation_backtest` hides the same cells from all models: as the data's own gaps, in
blocks of rows, or single cells at random. Each model is fitted on the data without
them. Scores are CRPS over the 19 levels, in units of each channel's mean absolute
deviation where there are several; p-values are of a paired bootstrap over blocks of
time, corrected for the number of bins. See sensors.py, finance.py and glucose.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from records import record

from tsdiff import DiffusionImputer, baselines, imputation_backtest


@dataclass(frozen=True)
class Gaps:
    """A table to hide cells of, and how.

    Attributes
    ----------
    load : callable
        Gives the table.
    pattern : {"own", "blocks", "random"}
    edges : list of int
        Upper edges of the bins of gap lengths, in rows.
    length : float
        Mean rows of a block.
    """

    load: Callable[[], pd.DataFrame]
    pattern: str
    edges: list[int]
    length: float = 12


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


def run(gaps: Gaps, options: argparse.Namespace) -> dict[str, Any]:
    """Hide, fill, score and compare."""
    result = imputation_backtest(
        models(options.minutes, options.seed),
        gaps.load(),
        pattern=gaps.pattern,
        length=gaps.length,
        n_repeats=options.repeats,
        refit=False,
        verbose=1,
        random_state=options.seed,
    )
    by = {"gap_length": gaps.edges}
    scores = result.scores(by)
    print(scores["crps"].unstack(0).round(4).to_string())
    print(result.scores()[["n", "crps", "mae", "coverage_90"]].round(4).to_string())
    others = [other for other in result.models if other != "tsdiff"]
    return {
        "pattern": gaps.pattern,
        "minutes": options.minutes,
        "repeats": options.repeats,
        "seed": options.seed,
        "unit": scores["unit"].iloc[0],
        "n": scores.loc["tsdiff", "n"].astype(int).to_dict(),
        "crps": {m: scores.loc[m, "crps"].to_dict() for m in result.models},
        "all": result.scores()[["n", "crps", "mae", "coverage_90"]].T.to_dict(),
        "verdicts": {o: result.verdict("tsdiff", o, by) for o in others},
        "failures": result.failures.to_dict("records"),
    }


def main(doc: str, sets: Mapping[str, Gaps]) -> None:
    """Read the options; run, print and write the results of each set."""
    options = argparse.ArgumentParser(description=doc.splitlines()[0])
    options.add_argument("--minutes", type=float, default=3, help="of training")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--repeats", type=int, default=2)
    options.add_argument("--sets", nargs="*", choices=sets, default=list(sets))
    chosen = options.parse_args()
    for name in chosen.sets:
        record(f"gaps_{name}", run(sets[name], chosen))
