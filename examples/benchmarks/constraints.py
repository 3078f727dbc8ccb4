"""Do true daily totals help? Air quality with its own outages, with and without them.

The twelve sensors are cut into weeks; a random half is for the fit. In the others cells
are hidden by the data's own gaps. Of each channel and day whose cells were all recorded
before, the total is taken for known, as from a meter that only reports by the day. The
same 200 joint paths are scored raw and conditioned on these totals: CRPS in units of
each channel's spread, over all hidden cells and over those of the days with a known
total; paired by week. Also the seconds that conditioning takes beside those of
sampling, and how many times the processor time of plain sampling a call of `sample`
takes with constraints, for 20 and 100 paths.

    TSDIFF_DATA=... python examples/benchmarks/constraints.py --minutes 3

Needs the file of the benchmark in the folder TSDIFF_DATA; see `tsdiff.datasets`.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
from gap_sets import air_quality, cut
from records import record

from tsdiff import DiffusionImputer, constraints, datasets, metrics, significance
from tsdiff.draws import Draws

N_SAMPLES = 200


def known_totals(truth: pd.DataFrame, hidden: pd.DataFrame) -> list[Any]:
    """State the totals of the days with hidden cells that were recorded in full."""
    day = pd.Grouper(level="ds", freq="D")
    stated = []
    for name in truth:
        groups = [pd.Grouper(level=0), day]
        total = truth[name].groupby(groups).agg(lambda y: y.sum(skipna=False))
        some = hidden[name].groupby(groups).any() & total.notna()
        if some.any():
            stated.append(constraints.total("D", total[some], name))
    return stated


def mark_known(truth: pd.DataFrame, hidden: pd.DataFrame) -> pd.DataFrame:
    """Mark hidden cells whose day has a known total."""
    stamps = truth.index.get_level_values("ds").floor("D")
    keys = [truth.index.get_level_values(0), stamps]
    complete = truth.notna().groupby(keys).transform("all")
    return hidden & complete


def losses(draws: Draws, truth: pd.DataFrame, scale: pd.Series) -> np.ndarray:
    """CRPS of each answered cell, in units of its channel's spread."""
    known = truth.to_numpy().ravel()[draws.cells]
    unit = scale.to_numpy()[draws.cells % truth.shape[1]]
    return metrics.crps(known, draws.samples) / unit


def cost(imputer: DiffusionImputer, known: Any, n_samples: int, **question: Any) -> Any:
    """Processor time of sampling with constraints, in that of sampling without."""
    seconds = []
    for constraint in (None, known):
        start = time.process_time()
        imputer.sample(n_samples=n_samples, constraints=constraint, **question)
        seconds.append(time.process_time() - start)
    return round(seconds[1] / seconds[0], 2)


def run(minutes: float, seed: int) -> dict[str, Any]:
    """Fit, hide, sample, condition and compare."""
    half, *folds = cut(air_quality(), seed)
    imputer = DiffusionImputer(max_minutes=minutes, random_state=seed, freq="h")
    imputer.fit(half)
    test = pd.concat(folds)
    gappy, hidden = datasets.make_gaps(test, "own", ratio=0.1, random_state=seed)
    start = time.perf_counter()
    question = {"X": gappy, "where": hidden.to_numpy()}
    draws = imputer.sample(n_samples=N_SAMPLES, **question)
    sampled = time.perf_counter()
    stated = known_totals(test, hidden)
    steered = constraints.steer(draws, stated)
    seconds = time.perf_counter() - sampled
    told = mark_known(test, hidden).to_numpy().ravel()[draws.cells]
    week = test.index.codes[0][draws.cells // test.shape[1]]
    free, given = (losses(d, test, half.std()) for d in (draws, steered))
    result: dict[str, Any] = {
        "seconds_sampling": round(sampled - start, 2),
        "seconds_conditioning": round(seconds, 2),
        "n_totals": int(sum(len(one.values) for one in stated)),
        "cost": {str(n): cost(imputer, stated, n, **question) for n in (20, 100)},
    }
    for name, some in (("all", np.ones_like(told)), ("told", told)):
        difference = significance.block_bootstrap(
            (given - free)[some], series=week[some], rng=np.random.default_rng(0)
        )
        result[name] = {
            "n_cells": int(some.sum()),
            "crps": float(free[some].mean()),
            "crps_given_totals": float(given[some].mean()),
            "p_value": float(difference.p_value),
        }
    return result


def main() -> None:
    """Read the options, run, print and write the results."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, default=3, help="of training")
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    budget = {"minutes": chosen.minutes, "seed": chosen.seed}
    result = run(chosen.minutes, chosen.seed)
    record("constraints_air_quality", {**budget, **result})


if __name__ == "__main__":
    main()
