"""Joint draws: how good the flow is by itself, and what dependence is worth.

Paths of `sample` keep the ranks of the flow's draws and take their values from the
closed-form law of each cell (the head). Here the flow's own draws, *raw*, are scored
beside that head and as many draws of it (*sample*): CRPS of cells at 19 levels, share
inside the 90 % intervals, for several numbers of steps. Then joint paths are scored
beside independent draws of the same values, each cell's shuffled over the paths: energy
score of each window's hidden cells, CRPS of their total, and the paired test over
windows.

Sets: the first test stays of a fold of PhysioNet 2012, hidden as CSDI hides (see
``physionet.py``); ETTh1 in windows of 48 hours, of the months 20 to 24, after a fit on
the first 14, hidden in blocks of 12 hours on average. Units of standard deviations.

    TSDIFF_DATA=... python examples/benchmarks/joint.py --set physionet --minutes 5

Needs the files of the benchmark in the folder TSDIFF_DATA; see `tsdiff.datasets`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import physionet
from records import record

from tsdiff import DiffusionImputer, answering, metrics, significance
from tsdiff.datasets import load_etth1, make_gaps

N_SAMPLES, N_HOURS = 100, 48
STEPS = (4, 8, 16)
DEFAULT = 8
SHARES = (0.1, 0.5, 0.9)


def etth1() -> tuple[np.ndarray, np.ndarray]:
    """Values to fit on, a single series, and windows to test on, in z-units."""
    table = load_etth1()
    month = table.index.to_period("M")
    names = month.unique()
    train, test = table[month < names[14]], table[month >= names[19]]
    test = ((test - train.mean()) / train.std(ddof=0)).to_numpy()
    test = test[: len(test) // N_HOURS * N_HOURS].reshape(-1, N_HOURS, test.shape[1])
    return ((train - train.mean()) / train.std(ddof=0)).to_numpy()[None], test


def fit(options: argparse.Namespace) -> DiffusionImputer:
    """Fit on the stays or months outside of the test, or take the fit of a file."""
    path = None if options.model is None else Path(options.model)
    if path is not None and path.exists():
        return DiffusionImputer.load(path)
    if options.set == "physionet":
        options.missing, options.steps = SHARES, DEFAULT
        imputer, _ = physionet.fit(options)
    else:
        mix = {"random": 0.5, "blocks": 0.5}
        settings = {"window": N_HOURS, "mask_mix": mix, "verbose": 1}
        imputer = DiffusionImputer(
            max_minutes=options.minutes, random_state=options.seed, **settings
        )
        imputer.fit(etth1()[0])
        if path is not None:
            imputer.save(path)
    return imputer


def hidden_of(options: argparse.Namespace, share: float) -> tuple[Any, Any]:
    """Windows of the test, (W, T, C), and their hidden cells."""
    if options.set == "physionet":
        task = physionet.protocol(share, options.fold)
        some = task["test"][: options.windows]
        return task["values"][some], task["hidden"][some]
    truth = etth1()[1][: options.windows]
    rng = np.random.default_rng(options.seed)
    _, hidden = make_gaps(truth, "blocks", ratio=share, random_state=rng)
    return truth, hidden


def cells_scored(truth: np.ndarray, quantile: np.ndarray) -> dict[str, float]:
    """CRPS and coverage of cells, of quantiles at 19 levels."""
    levels = metrics.LEVELS_19
    inside = metrics.coverage(truth, quantile[0], quantile[-1])
    return {
        "crps": metrics.crps_quantiles(truth, quantile, levels),
        "coverage_90": float(inside.mean()),
    }


def windows_scored(
    truth: np.ndarray, samples: np.ndarray, window: np.ndarray
) -> dict[str, np.ndarray]:
    """Energy score and CRPS of the total of each window, each of shape (W,)."""
    number = np.unique(window, return_inverse=True)[1]
    n_windows = int(number.max()) + 1
    total = physionet.totals(samples, number, n_windows)
    true_total = physionet.totals(truth[None], number, n_windows)[0]
    energy = [
        metrics.energy_score(truth[number == w], samples[:, number == w])
        for w in range(n_windows)
    ]
    return {
        "energy_score": np.array(energy),
        "total_crps": metrics.crps(true_total, total),
    }


def paired(joint: dict[str, np.ndarray], apart: dict[str, np.ndarray]) -> dict:
    """Compare joint with independent draws, window by window."""
    report = {}
    for name, ours in joint.items():
        other = apart[name]
        _, p_value = significance.diebold_mariano(ours, other)
        report[name] = {
            "joint": float(ours.mean()),
            "independent": float(other.mean()),
            "gain": float(1 - ours.mean() / other.mean()),
            "p_value": p_value,
        }
    return report


def evaluate(
    imputer: DiffusionImputer, options: argparse.Namespace, share: float
) -> dict[str, Any]:
    """Score head, raw and joint draws of the cells hidden at one share."""
    values, hidden = hidden_of(options, share)
    truth, window = values[hidden], np.nonzero(hidden)[0]
    panel, cells = imputer._read(np.where(hidden, np.nan, values), hidden)
    levels = metrics.LEVELS_19
    head = cells_scored(truth, imputer._quantiles(panel, cells, levels))
    report: dict[str, Any] = {"n_cells": len(cells), "head": head}
    rng = np.random.default_rng(options.seed)

    def draw(n_steps: int, raw: bool) -> np.ndarray:
        asked = (N_SAMPLES, options.seed, n_steps, raw)
        return answering.draw(imputer.model_, panel, cells, *asked)

    joint = draw(DEFAULT, raw=False)
    spread = cells_scored(truth, np.quantile(joint, levels, axis=0))
    for n_steps in STEPS:
        start = time.perf_counter()
        samples = draw(n_steps, raw=True)
        figures = cells_scored(truth, np.quantile(samples, levels, axis=0))
        figures["against_head"] = figures["crps"] / head["crps"] - 1
        figures["against_sample"] = figures["crps"] / spread["crps"] - 1
        figures["seconds"] = time.perf_counter() - start
        scored = windows_scored(truth, samples, window)
        figures |= {name: float(score.mean()) for name, score in scored.items()}
        report[f"raw_{n_steps}_steps"] = figures
    apart = rng.permuted(joint, axis=0)
    scored = [windows_scored(truth, samples, window) for samples in (joint, apart)]
    return {**report, "sample": spread, **paired(*scored)}


def main() -> None:
    """Read the options, run, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", choices=("physionet", "etth1"), default="physionet")
    parser.add_argument("--minutes", type=float, default=5, help="of training")
    parser.add_argument("--windows", type=int, default=100, help="that are tested")
    parser.add_argument("--model", help="file to take the fit from, or to keep it in")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fold", type=int, default=0, choices=range(5))
    options = parser.parse_args()
    imputer = fit(options)
    result = {}
    for share in SHARES:
        result[f"hidden_{round(100 * share)}"] = evaluate(imputer, options, share)
        print(share, result, flush=True)
    budget = {"minutes": options.minutes, "n_steps_trained": imputer.n_iter_}
    budget |= {"fold": options.fold} if options.set == "physionet" else {}
    record(f"joint_{options.set}", {**budget, "n_windows": options.windows, **result})


if __name__ == "__main__":
    main()
