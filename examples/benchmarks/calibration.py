"""Do intervals hold what they promise, after `calibrate`? Five sets, all baselines.

*Gaps* (air quality, glucose of five people, ETTh1, WTI and S&P 500): the data are cut
into blocks of time, a series each; half of them, drawn at random, are for the fit, 30 %
for the calibration, 20 % for the test. Cells of the test blocks are hidden by the
data's own gaps, or by blocks of 12 rows on average where they have none, three times
over. *Forecasts* (NN5): models are fitted on all days but the last 224, calibrated on
three windows of 56 days that follow, and tested on the last 56 days.

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
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import binom

from tsdiff import DiffusionForecaster, DiffusionImputer, baselines, datasets, metrics
from tsdiff.calibrating.rehearsal import gap_starts

COVERAGES = (0.5, 0.8, 0.9, 0.95)
LEVELS = np.array([0.025, 0.05, 0.1, 0.25, 0.75, 0.9, 0.95, 0.975])
PARTS = {"fit": 0.5, "calibrate": 0.3, "test": 0.2}
RESULTS = Path(__file__).with_name("results")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """Data to fill: a table or a panel, and how it is cut and hidden.

    Attributes
    ----------
    data : DataFrame
    freq : str
    n_rows : int
        Of a block.
    pattern : str
        How cells are hidden, to calibrate and to test.
    n_repeats : int
        Draws of hidden cells in the test.
    """

    data: pd.DataFrame
    freq: str
    n_rows: int
    pattern: str
    n_repeats: int = 3


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
        Bin of the calibration; -1 if there is none.
    """

    truth: Floats
    quantiles: Floats
    unit: NDArray[np.int64]
    scale: Floats
    bin: NDArray[np.int64]


def air_quality() -> Case:
    """Twelve sensors with long outages of several together; one is nearly empty."""
    table = datasets.load_air_quality().drop(columns="NMHC(GT)")
    return Case(table, "h", 168, "own")


def glucose() -> Case:
    """Five people, 5 minutes; stamps are put on the grid, the first one counts."""
    long = datasets.load_cgm_subjects()
    long["ds"] = long["ds"].dt.round("5min")
    long = long.drop_duplicates(["unique_id", "ds"]).set_index("ds")
    people = {
        name: part[["glucose"]].astype(float).asfreq("5min")
        for name, part in long.groupby("unique_id")
    }
    return Case(pd.concat(people, names=["unique_id", "ds"]), "5min", 288, "own")


def etth1() -> Case:
    """Seven channels without a gap."""
    return Case(datasets.load_etth1(), "h", 336, "blocks", n_repeats=1)


def finance() -> Case:
    """Oil price and S&P 500 on business days, in logarithms, with their holidays."""
    index = datasets.load_market("sp500")[["Close"]].rename(columns={"Close": "sp500"})
    both = datasets.load_wti().join(index, how="inner").asfreq("B")
    return Case(np.log(both), "B", 65, "blocks", n_repeats=5)


CASES = {
    "air_quality": air_quality,
    "glucose": glucose,
    "etth1": etth1,
    "finance": finance,
}


def cut(case: Case, seed: int) -> dict[str, pd.DataFrame]:
    """Cut the data into blocks, and deal them out at random."""
    many = isinstance(case.data.index, pd.MultiIndex)
    parts = case.data.groupby(level=0) if many else [("all", case.data)]
    blocks = {}
    for name, part in parts:
        part = part.droplevel(0) if many else part
        for first in range(0, len(part) - case.n_rows + 1, case.n_rows):
            block = part.iloc[first : first + case.n_rows]
            if block.notna().any(axis=None):
                blocks[f"{name} {first:06d}"] = block
    rng = np.random.default_rng(seed)
    names = rng.permutation(list(blocks))
    edges = np.cumsum([0, *PARTS.values()]) * len(names)
    edges = np.round(edges).astype(int)
    return {
        part: pd.concat(
            {name: blocks[name] for name in sorted(names[a:b])},
            names=["unique_id", "ds"],
        )
        for part, a, b in zip(PARTS, edges[:-1], edges[1:], strict=True)
    }


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


def gap_answer(model: Any, case: Case, test: pd.DataFrame, scale: pd.Series) -> Answer:
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
        channel = cells % where.shape[1]
        outage = gap_starts(panel, cells)
        bins = np.full(len(cells), -1)
        if hasattr(model, "calibration_"):
            bins = model.calibration_.bins.number(*model._place(panel, cells))
        parts.append(
            (
                test.to_numpy(float)[where],
                answer,
                outage + repeat * len(where),
                scale.to_numpy()[channel],
                bins,
            )
        )
    return Answer(*map(np.concatenate, zip(*parts, strict=True)))


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


def run_case(name: str, models: Any, answers: Any) -> dict[str, Any]:
    """Score every model raw and calibrated.

    Parameters
    ----------
    name : str
    models : iterator of (str, fitted and calibrated model)
    answers : callable
        Makes an Answer of a model.
    """
    table: dict[str, Any] = {}
    bins: list[dict[str, Any]] = []
    for label, model in models:
        start = time.perf_counter()
        calibrated = answers(model)
        table[label] = {
            "raw": score(answers(model.raw())),
            "calibrated": score(calibrated),
        }
        if label == "tsdiff":
            own = model.calibration_
            used = np.flatnonzero(own.n_cells)
            report = model.calibration_report()["bin"].unique()[1:]
            bins = by_bin(calibrated, pd.Series(dict(zip(used, report, strict=True))))
        print(f"{name}: {label} scored in {time.perf_counter() - start:.0f} s")
    return {"models": table, "bins": bins}


def gap_models(
    case: Case, parts: dict[str, pd.DataFrame], options: argparse.Namespace
) -> Iterator[tuple[str, Any]]:
    """Fit and calibrate the gap fillers, one after the other."""
    for label, model in fillers(options.minutes, options.seed, case.freq).items():
        model.fit(parts["fit"])
        model.calibrate(parts["calibrate"], pattern=case.pattern, ratio=0.1)
        yield label, model


def run_gaps(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run one of the sets with gaps."""
    case = CASES[name]()
    parts = cut(case, options.seed)
    scale = parts["fit"].std()
    models = gap_models(case, parts, options)
    return run_case(name, models, lambda m: gap_answer(m, case, parts["test"], scale))


def run_nn5(options: argparse.Namespace) -> dict[str, Any]:
    """Run the forecasts."""
    h = 56
    cash = datasets.load_nn5()
    machines = pd.concat(
        {name: cash[[name]].set_axis(["cash"], axis=1) for name in cash},
        names=["unique_id", "ds"],
    )
    until = {
        part: machines.groupby(level=0, sort=False).head(len(cash) - rows)
        for part, rows in (("fit", 4 * h), ("calibrate", h))
    }
    truth = cash.to_numpy()[-h:].T.ravel()
    seen = ~np.isnan(truth)
    unit = np.repeat(np.arange(cash.shape[1]), h)[seen]
    scale = np.repeat(cash.std().to_numpy(), h)[seen]
    fixed = {"horizon": h, "random_state": options.seed}
    made = {
        "tsdiff": DiffusionForecaster(max_minutes=options.minutes, verbose=1, **fixed),
        "seasonal naive": baselines.SeasonalNaive(period=7, **fixed),
        "ETS": baselines.ETS(period=7, **fixed),
        "nearest windows": baselines.KNearestWindows(**fixed)
        if "horizon" in baselines.KNearestWindows().get_params()
        else None,
    }

    def models() -> Iterator[tuple[str, Any]]:
        for label, model in made.items():
            if model is not None:
                model.fit(until["fit"])
                model.calibrate(until["calibrate"], h=h, n_windows=3)
                yield label, model

    def answers(model: Any) -> Answer:
        frame = model.predict_quantiles(h, until["calibrate"], alpha=LEVELS)
        bins = np.full(len(truth), -1)
        if hasattr(model, "calibration_"):
            step = np.tile(np.arange(1, h + 1), cash.shape[1])
            bins = model.calibration_.bins.number(step, np.zeros_like(step))
        return Answer(truth[seen], frame.to_numpy(float)[seen], unit, scale, bins[seen])

    return run_case("nn5", models(), answers)


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
