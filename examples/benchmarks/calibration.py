"""Do intervals hold what they promise, after `calibrate`? Five sets, all baselines.

*Gaps* (air quality, glucose of five people, ETTh1, WTI and S&P 500): the data are cut
into blocks of time, a series each; half of them, drawn at random, are for the fit. The
others are dealt into five folds: each is the test once, with a calibration on the other
four. Cells of the test blocks are hidden by the data's own gaps, or by blocks of 12
rows on average where they have none, three times over. *Forecasts* (NN5): models are
fitted on all days but the last 224, four windows of 56 days; each of the last three
windows is the test once, with a calibration on the windows before it.

Every model, ours and the baselines, is scored raw and calibrated on the very same
cells: coverage of the central 50, 80, 90 and 95 % with the 99 % bounds of a binomial of
that many independent cells, and of that many independent gaps or forecasts (cells of
one gap are not independent: the truth lies between); and the interval score, mean over
the four and over channels in units of their spread, the measure of sharpness. Then our
coverage in every bin of the calibration with 300 cells or more.

    TSDIFF_DATA=... python examples/benchmarks/calibration.py --minutes 3

Needs the files of the benchmark in the folder TSDIFF_DATA; see `tsdiff.datasets`.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from gap_sets import CASES, N_FOLDS, Case, cut, joined
from numpy.typing import NDArray
from scipy.stats import binom

from tsdiff import DiffusionForecaster, DiffusionImputer, baselines, datasets, metrics
from tsdiff.calibrating.rehearsal import gap_starts
from tsdiff.calibration import Calibration

COVERAGES = (0.5, 0.8, 0.9, 0.95)
LEVELS = np.array([0.025, 0.05, 0.1, 0.25, 0.75, 0.9, 0.95, 0.975])
RESULTS = Path(__file__).with_name("results")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """Intervals of a model for the test cells.

    Attributes
    ----------
    truth : ndarray, shape (n,)
    quantiles : ndarray, shape (n, len(LEVELS))
    unit : ndarray of int, shape (n,)
        Gap or forecast of each cell.
    scale : ndarray, shape (n,)
        Spread of the cell's channel.
    bin : ndarray of int, shape (n,)
        Bin of a calibration on all that was held out.
    """

    truth: Floats
    quantiles: Floats
    unit: NDArray[np.int64]
    scale: Floats
    bin: NDArray[np.int64]


Pair = tuple[Answer, Answer]  # by the raw model, and by the calibrated one
Tests = list[Callable[[], Pair]]


def fillers(minutes: float, seed: int, freq: Any) -> dict[str, Any]:
    """Make the models that fill gaps."""
    fixed = {"random_state": seed, "freq": freq}
    return {
        "tsdiff": DiffusionImputer(max_minutes=minutes, verbose=1, **fixed),
        "linear": baselines.LinearInterpolation(**fixed),
        "last value": baselines.LastValue(**fixed),
        "Kalman smoother": baselines.KalmanSmoother(**fixed),
        "seasonal naive": baselines.ForecastFiller(baselines.SeasonalNaive(), **fixed),
        "decomposition": baselines.SeasonalDecomposition(**fixed),
        "nearest windows": baselines.KNearestWindows(**fixed),
    }


def gap_answer(
    model: Any, bins: Calibration, case: Case, test: pd.DataFrame, scale: pd.Series
) -> Answer:
    """Ask a fitted gap filler for hidden cells of the test blocks."""
    parts = []
    for repeat in range(case.n_repeats):
        gappy, hidden = datasets.make_gaps(
            test, case.pattern, ratio=0.1, random_state=1000 + repeat
        )
        where = hidden.to_numpy()
        frame = model.predict_quantiles(gappy, alpha=LEVELS, where=where)
        answer = frame.to_numpy(float).reshape(*where.shape, -1)[where]
        panel = model.schema_.read(model, gappy)
        cells = np.flatnonzero(where)
        parts.append(
            Answer(
                test.to_numpy(float)[where],
                answer,
                gap_starts(panel, cells) + repeat * len(where),
                scale.to_numpy()[cells % where.shape[1]],
                bins.bins.number(*model._place(panel, cells)),
            )
        )
    return merged(parts)


def merged(answers: list[Answer]) -> Answer:
    """Join answers, whose gaps or forecasts are all different ones."""
    first, parts = 0, []
    for answer in answers:
        parts.append(replace(answer, unit=answer.unit + first))
        first = int(parts[-1].unit.max()) + 1
    fields = (
        [getattr(part, name) for part in parts] for name in Answer.__annotations__
    )
    return Answer(*map(np.concatenate, fields))


def score(answer: Answer) -> dict[str, Any]:
    """Coverage with bounds, and mean interval score."""
    truth, quantiles = answer.truth, answer.quantiles
    n_cells, n_units = len(truth), len(np.unique(answer.unit))
    figures: dict[str, Any] = {"n_cells": n_cells, "n_units": n_units}
    scores = []
    for number, share in enumerate(COVERAGES[::-1]):
        low, high = quantiles[:, number], quantiles[:, -1 - number]
        inside = float(np.mean((low <= truth) & (truth <= high)))
        figures[f"coverage_{round(100 * share)}"] = inside
        for name, n in (("cells", n_cells), ("units", n_units)):
            ends = binom.ppf([0.005, 0.995], n, share) / n
            held = bool(ends[0] <= inside <= ends[1])
            figures[f"within_{name}_{round(100 * share)}"] = held
        scores.append(metrics.interval_score(truth, low, high, share) / answer.scale)
    figures["interval_score"] = float(np.mean(scores))
    return figures


def by_bin(answer: Answer, names: pd.Series) -> list[dict[str, Any]]:
    """Coverage in each bin of the calibration with 300 cells or more."""
    rows = []
    for number in np.unique(answer.bin):
        some = answer.bin == number
        if some.sum() >= 300:
            parts = (getattr(answer, f)[some] for f in Answer.__annotations__)
            figures = score(Answer(*parts))
            rows.append({"bin": names.get(number, str(number)), **figures})
    return rows


def run_case(name: str, models: Iterable[tuple[str, Any, Tests]]) -> dict[str, Any]:
    """Score every model raw and calibrated.

    Parameters
    ----------
    name : str
    models : iterable of (str, fitted and calibrated model, its tests)
        A test calibrates the model and makes an Answer by it or by its raw self.
    """
    table: dict[str, Any] = {}
    bins: list[dict[str, Any]] = []
    for label, model, tests in models:
        start = time.perf_counter()
        if label == "tsdiff":
            used = np.flatnonzero(model.calibration_.n_cells)
            words = model.calibration_report()["bin"].unique()[1:]
            names = pd.Series(dict(zip(used, words, strict=True)))
        raw, calibrated = zip(*(test() for test in tests), strict=True)
        calibrated = merged(list(calibrated))
        table[label] = {
            "raw": score(merged(list(raw))),
            "calibrated": score(calibrated),
        }
        if label == "tsdiff":
            bins = by_bin(calibrated, names)
        print(f"{name}: {label} scored in {time.perf_counter() - start:.0f} s")
    return {"models": table, "bins": bins}


def gap_models(
    case: Case, options: argparse.Namespace
) -> Iterator[tuple[str, Any, Tests]]:
    """Fit the gap fillers, one after the other, and say how to test them."""
    half, *folds = cut(case, options.seed)
    scale = half.std()
    settings: dict[str, Any] = {"pattern": case.pattern, "ratio": 0.1}
    for label, model in fillers(options.minutes, options.seed, case.freq).items():
        model.fit(half).calibrate(pd.concat(folds), **settings)
        bins = model.calibration_

        def test(
            out: int, model: Any = model, bins: Any = bins
        ) -> tuple[Answer, Answer]:
            others = [fold for k, fold in enumerate(folds) if k != out]
            model.calibrate(pd.concat(others), **settings)
            both = (model.raw(), model)
            raw, own = (gap_answer(m, bins, case, folds[out], scale) for m in both)
            return raw, own

        yield label, model, [partial(test, out) for out in range(N_FOLDS)]


def run_gaps(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run one of the sets with gaps."""
    return run_case(name, gap_models(CASES[name](), options))


def run_nn5(options: argparse.Namespace) -> dict[str, Any]:
    """Run the forecasts."""
    h, n_windows = 56, 4
    cash = datasets.load_nn5()
    machines = joined({name: cash[[name]].set_axis(["cash"], axis=1) for name in cash})
    scale = cash.std().to_numpy()

    def until(window: int) -> pd.DataFrame:
        """Take all rows before one of the windows."""
        rows = len(cash) - (n_windows - window) * h
        return machines.groupby(level=0, sort=False).head(rows)

    def test(model: Any, bins: Calibration, window: int) -> Pair:
        model.calibrate(until(window), h=h, n_windows=window)
        first = len(cash) - (n_windows - window) * h
        truth = cash.to_numpy()[first : first + h].T.ravel()
        seen = ~np.isnan(truth)
        step = np.tile(np.arange(1, h + 1), cash.shape[1])
        place = bins.bins.number(step, np.zeros_like(step))
        unit = np.repeat(np.arange(cash.shape[1]), h)
        spread = np.repeat(scale, h)
        frames = (
            m.predict_quantiles(h, until(window), alpha=LEVELS).to_numpy(float)
            for m in (model.raw(), model)
        )
        raw, own = (
            Answer(*(x[seen] for x in (truth, frame, unit, spread, place)))
            for frame in frames
        )
        return raw, own

    fixed = {"horizon": h, "random_state": options.seed}
    made = {
        "tsdiff": DiffusionForecaster(max_minutes=options.minutes, verbose=1, **fixed),
        "seasonal naive": baselines.SeasonalNaive(period=7, **fixed),
        "ETS": baselines.ETS(period=7, **fixed),
    }

    def models() -> Iterator[tuple[str, Any, Tests]]:
        for label, model in made.items():
            model.fit(until(0)).calibrate(machines, h=h, n_windows=n_windows)
            bins = model.calibration_
            tests = [partial(test, model, bins, w) for w in range(1, n_windows)]
            yield label, model, tests

    return run_case("nn5", models())


def show(name: str, result: dict[str, Any]) -> None:
    """Print the figures of a set."""
    rows = {
        (label, kind): {
            key: value for key, value in figures.items() if "within" not in key
        }
        for label, both in result["models"].items()
        for kind, figures in both.items()
    }
    print(f"\n{name}\n{pd.DataFrame(rows).T.round(4).to_string()}")
    ours = result["models"]["tsdiff"]["calibrated"]
    print({key: value for key, value in ours.items() if "within" in key})
    if result["bins"]:
        columns = ["bin", "n_cells", *(f"coverage_{round(100 * c)}" for c in COVERAGES)]
        print(pd.DataFrame(result["bins"])[columns].round(3).to_string(), flush=True)


def main() -> None:
    """Read the options, run, print and write the results."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, default=3, help="of each training")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument(
        "--sets", nargs="*", choices=[*CASES, "nn5"], default=[*CASES, "nn5"]
    )
    chosen = options.parse_args()
    RESULTS.mkdir(exist_ok=True)
    for name in chosen.sets:
        result = run_nn5(chosen) if name == "nn5" else run_gaps(name, chosen)
        show(name, result)
        result |= {
            "benchmark": f"calibration_{name}",
            "minutes": chosen.minutes,
            "seed": chosen.seed,
            "threads": torch.get_num_threads(),
            "machine": f"{platform.machine()}, CPU only",
            "date": date.today().isoformat(),
        }
        path = RESULTS / f"calibration_{name}.json"
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
