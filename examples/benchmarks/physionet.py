"""PhysioNet 2012: impute hidden vital signs, by CSDI's protocol.

The protocol is that of Tashiro et al. (2021, NeurIPS) to the letter: 4,000 stays, 48
hours, 35 variables; hidden cells, split and scaling by their seeds; scores on the 800
test stays, 100 samples, 19 quantile levels, pooled, in units of each variable's
standard deviation. Of the other stays 2,800 train and 400 choose the weights.

    TSDIFF_DATA=... python examples/benchmarks/physionet.py --missing 0.1 --minutes 10

``--steps`` of the flow matter to scores of totals and to the energy score, whereas
those of single cells come from the head: two steps are enough for these, and faster.
Needs the files of the benchmark in the folder TSDIFF_DATA; see
`tsdiff.datasets`.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from pm25 import scores as marginal_scores
from records import record

from tsdiff import DiffusionImputer, metrics
from tsdiff.datasets import load_physionet2012

SEED = 1  # CSDI's default


def protocol(missing: float, fold: int) -> dict[str, Any]:
    """Scaled values, hidden cells and split, drawn as CSDI draws them."""
    values, _ = load_physionet2012()
    observed = ~np.isnan(values)
    rng = np.random.RandomState(SEED)
    shown = observed.copy()
    for stay in shown:  # one stream over all stays, in order: it can't be vectorised
        flat = stay.reshape(-1)
        cells = np.flatnonzero(flat)
        flat[rng.choice(cells, int(len(cells) * missing), replace=False)] = False
    mean = np.nanmean(values, axis=(0, 1))
    scaled = (values - mean) / np.nanstd(values, axis=(0, 1))
    order = np.arange(len(values))
    np.random.RandomState(SEED).shuffle(order)
    first, last = int(fold * 0.2 * len(order)), int((fold + 1) * 0.2 * len(order))
    rest = np.delete(order, np.arange(first, last))
    np.random.RandomState(SEED).shuffle(rest)
    return {
        "values": scaled,
        "hidden": observed & ~shown,
        "test": order[first:last],
        "rest": rest,
    }


def totals(samples: np.ndarray, window: np.ndarray, n_windows: int) -> np.ndarray:
    """Sum over the hidden cells of each window: (S, M) -> (S, n_windows)."""
    order = np.concatenate([[0], np.cumsum(np.bincount(window, minlength=n_windows))])
    running = np.cumsum(np.pad(samples, ((0, 0), (1, 0))), axis=1)
    return running[:, order[1:]] - running[:, order[:-1]]


def energy(truth: np.ndarray, samples: np.ndarray, window: np.ndarray) -> float:
    """Mean energy score of the windows' hidden cells as vectors."""
    scores = [
        metrics.energy_score(truth[window == w], samples[:, window == w])
        for w in np.unique(window)
    ]
    return float(np.mean(scores))


def scores(truth: np.ndarray, samples: np.ndarray, window: np.ndarray) -> dict:
    """All scores of the pooled hidden cells."""
    report = marginal_scores(truth, samples)
    n_windows = int(window.max()) + 1
    rng = np.random.default_rng(SEED)
    independent = rng.permuted(samples, axis=0)  # same marginals, no dependence
    truths = totals(truth[None], window, n_windows)[0]
    for name, draws in (("joint", samples), ("independent", independent)):
        total = metrics.crps(truths, totals(draws, window, n_windows))
        report[f"total_crps_{name}"] = float(total.mean())
        report[f"energy_score_{name}"] = energy(truth, draws, window)
    report["total_gain"] = (
        1 - report["total_crps_joint"] / report["total_crps_independent"]
    )
    return report


def fit(options: argparse.Namespace) -> tuple[DiffusionImputer, float]:
    """Fit on the stays outside of the fold.

    What is hidden in the test stays plays no part, so one model serves all shares.
    """
    task = protocol(options.missing[0], options.fold)
    imputer = DiffusionImputer(
        max_minutes=options.minutes,
        mask_mix={"random": 1.0},
        validation_fraction=400 / len(task["rest"]),
        n_steps=options.steps,
        random_state=options.seed,
        verbose=1,
    )
    start = time.perf_counter()
    imputer.fit(task["values"][task["rest"]])
    minutes = (time.perf_counter() - start) / 60
    if options.model is not None:
        imputer.save(options.model)
    return imputer, minutes


def evaluate(
    imputer: DiffusionImputer, missing: float, options: argparse.Namespace
) -> dict[str, Any]:
    """Answer the hidden cells of the test stays and score the answers."""
    task = protocol(missing, options.fold)
    truth = task["values"][task["test"]]
    hidden = task["hidden"][task["test"]]
    shown = np.where(hidden, np.nan, truth)
    start = time.perf_counter()
    draws = imputer.sample(shown, n_samples=100, where=hidden)
    sampled = time.perf_counter()
    imputer.predict_interval(shown, where=hidden)
    answered = time.perf_counter()
    window = np.nonzero(hidden)[0]
    return {
        **scores(truth[hidden], draws.samples, window),
        "n_cells": int(hidden.sum()),
        "sample_ms_per_window": 1e3 * (sampled - start) / len(truth),
        "interval_ms_per_window": 1e3 * (answered - sampled) / len(truth),
    }


def main() -> None:
    """Read the options, run, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--missing", type=float, default=[0.1], nargs="+")
    parser.add_argument("--minutes", type=float, default=10, help="of training")
    parser.add_argument("--model", help="file to keep the fit in")
    parser.add_argument("--steps", type=int, default=8, help="of the flow")
    parser.add_argument("--fold", type=int, default=0, choices=range(5))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    imputer, minutes = fit(options)
    for missing in options.missing:
        result = {
            "benchmark": "physionet2012",
            "missing": missing,
            "fold": options.fold,
            "seed": options.seed,
            **evaluate(imputer, missing, options),
            "train_minutes": minutes,
            "n_steps_trained": imputer.n_iter_,
            "n_steps_sampled": options.steps,
        }
        record(f"physionet_{round(100 * missing)}_fold{options.fold}", result)


if __name__ == "__main__":
    main()
