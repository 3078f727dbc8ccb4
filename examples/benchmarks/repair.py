"""Faults found in real data: tsdiff's repair against the usual detectors.

Spikes, flat-lines and unit errors are planted into each channel, half a percent of its
observed cells each (`plant` says how). Every method is fitted on the data with the
faults in them and scores every observed cell. The figure is average precision, of each
kind of fault (against the cells without one) and of all.

Real data have faults of their own: 6 or more equal values in a row, such as ETTh1 has
in all channels at once, are not scored where nothing was planted, as nobody knows
whether a sensor was stuck there.

Each rival gets the best of its settings on the very cells it is scored on: Hampel's
filter of four widths; one-step prediction errors and smoothed disturbances of the
structural model that `baselines.KalmanSmoother` chooses, by statsmodels; scikit-learn's
isolation forest on rows, and on each channel's values beside their neighbours.

    TSDIFF_DATA=... python examples/benchmarks/repair.py --minutes 3

Needs the files of the benchmark in the folder TSDIFF_DATA, but for ``--sets glucose``;
see `tsdiff.datasets`.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from glucose import one_patient
from numpy.typing import NDArray
from records import record
from sensors import air_quality, etth1
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score

from tsdiff import DiffusionImputer, baselines, repair

SETS = {"glucose": one_patient, "air_quality": air_quality, "etth1": etth1}
KINDS = ("spike", "flat", "unit")
SHARE = 0.005  # of the observed cells of a channel, for each kind

Floats = NDArray[np.float64]


def plant(data: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, NDArray[Any]]:
    """Plant faults that don't overlap.

    - "spike": one cell, off by 1 to 4 standard deviations of its channel;
    - "flat": 6 to 24 rows that repeat the first value;
    - "unit": 6 to 24 rows times 10, by 10, or as degrees Fahrenheit of Celsius.

    Returns
    -------
    faulty : DataFrame
    kind : ndarray of int, shape (N, C)
        0, or 1 + the place of the kind in `KINDS`.
    """
    rng = np.random.default_rng(seed)
    values = data.to_numpy(float).copy()
    kind = np.zeros(values.shape, dtype=int)
    convert = (lambda x: 10 * x, lambda x: x / 10, lambda x: 1.8 * x + 32)
    for column, label in zip(values.T, kind.T, strict=True):
        spread, budget = np.nanstd(column), SHARE * np.isfinite(column).sum()
        for number in range(len(KINDS)):
            while (label == number + 1).sum() < budget:
                length = 1 if number == 0 else int(rng.integers(6, 25))
                rows = slice(
                    start := int(rng.integers(1, len(column) - 25)), start + length
                )
                around = slice(start - 1, start + length + 1)
                if label[around].any() or np.isnan(column[rows]).any():
                    continue
                if number == 0:
                    column[rows] += rng.choice([-1, 1]) * rng.uniform(1, 4) * spread
                elif number == 1:
                    column[rows] = column[start]
                else:
                    column[rows] = convert[rng.integers(3)](column[rows])
                label[rows] = number + 1
    return pd.DataFrame(values, data.index, data.columns), kind


def stuck(data: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark cells in runs of equal values as long as planted flat-lines."""
    run = data.diff().ne(0).cumsum()
    length = pd.DataFrame(
        {name: run[name].map(run[name].value_counts()) for name in run}
    )
    return length.to_numpy() >= 6


def hampel(data: pd.DataFrame) -> Iterator[tuple[str, Floats]]:
    """Distance to the running median, in running median absolute deviations."""
    values = data.to_numpy(float)
    floor = 0.01 * np.nanstd(values, axis=0)
    for half in (3, 6, 12, 24):
        ends = np.pad(values, ((half, half), (0, 0)), constant_values=np.nan)
        near = np.lib.stride_tricks.sliding_window_view(ends, 2 * half + 1, axis=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # where nothing is near
            middle = np.nanmedian(near, axis=2)
            spread = np.nanmedian(np.abs(near - middle[:, :, None]), axis=2)
        away = np.abs(values - middle) / (1.4826 * spread + floor)
        yield f"{2 * half + 1} rows", away


def kalman(data: pd.DataFrame) -> Iterator[tuple[str, Floats]]:
    """Standardised residuals of a structural model of each channel."""
    smoother = baselines.KalmanSmoother().fit(data)
    ahead, auxiliary = np.full((2, *data.shape), np.nan)
    for channel, structure in enumerate(smoother.structures_):
        values = data.iloc[:, channel].to_numpy(float)
        model = structure.model(values)
        result = model.ssm.smooth()
        ahead[:, channel] = np.abs(result.standardized_forecasts_error[0])
        noise = result.smoothed_measurement_disturbance[0]
        known = result.smoothed_measurement_disturbance_cov[0, 0]
        spread = np.sqrt(np.maximum(model["obs_cov"][0, 0] - known, 1e-12))
        auxiliary[:, channel] = np.abs(noise) / spread
    yield "one step ahead", ahead
    yield "smoothed disturbance", auxiliary


def forest(data: pd.DataFrame) -> Iterator[tuple[str, Floats]]:
    """Isolation forests, which take no missing values: medians stand in for them."""
    filled = data.fillna(data.median())
    options = {"n_estimators": 300, "random_state": 0}
    rows = -IsolationForest(**options).fit(filled).score_samples(filled)
    yield "rows", np.repeat(rows[:, None], data.shape[1], axis=1)
    cells = np.empty(data.shape)
    for channel, name in enumerate(data):
        y = data[name].interpolate(limit_direction="both")
        table = np.stack(
            [y, *(y - y.shift(k, fill_value=0) for k in (-2, -1, 1, 2))], axis=1
        )
        fitted = IsolationForest(**options).fit(table)
        cells[:, channel] = -fitted.score_samples(table)
    yield "neighbours", cells


RIVALS: dict[str, Callable[[pd.DataFrame], Iterator[tuple[str, Floats]]]] = {
    "Hampel": hampel,
    "Kalman": kalman,
    "isolation forest": forest,
}


def precision(
    score: Floats, kind: NDArray[Any], seen: NDArray[Any]
) -> dict[str, float]:
    """Average precision of each kind of fault, and of all."""
    score, kind = np.nan_to_num(score[seen], nan=0.0), kind[seen]
    answer = {"all": float(average_precision_score(kind > 0, score))}
    for number, name in enumerate(KINDS):
        some = (kind == 0) | (kind == number + 1)
        answer[name] = float(average_precision_score(kind[some] > 0, score[some]))
    return answer


def run(name: str, minutes: float, seed: int) -> dict[str, Any]:
    """Plant, fit, score and print."""
    original = SETS[name]()
    data, kind = plant(original, seed)
    seen = data.notna().to_numpy() & (~stuck(original) | (kind > 0))
    table: dict[str, Any] = {}
    for rival, method in RIVALS.items():
        tried = {how: precision(s, kind, seen) for how, s in method(data)}
        best = max(tried, key=lambda how: tried[how]["all"])
        table[rival] = tried[best] | {"setting": best}
    fitted = DiffusionImputer(max_minutes=minutes, random_state=seed).fit(data)
    start = time.perf_counter()
    found = repair(fitted, data)
    seconds = time.perf_counter() - start
    table["tsdiff"] = precision(-np.log(found.tail + 1e-300), kind, seen)
    print(f"\n{name}: {seen.sum():,} cells, {(kind > 0).sum()} faulty, {seconds:.0f} s")
    print(
        pd.DataFrame(table).T.to_string(float_format=lambda x: f"{x:.3f}"), flush=True
    )
    return {
        "n_cells": int(seen.sum()),
        "n_faulty": {k: int((kind == i + 1).sum()) for i, k in enumerate(KINDS)},
        "average_precision": table,
        "seconds": round(seconds, 1),
    }


def main() -> None:
    """Read the options, run and write the results."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, default=3, help="of training")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--sets", nargs="*", choices=SETS, default=list(SETS))
    chosen = options.parse_args()
    budget = {"minutes": chosen.minutes, "seed": chosen.seed}
    for name in chosen.sets:
        result = run(name, chosen.minutes, chosen.seed)
        record(f"repair_{name}", {**budget, **result})


if __name__ == "__main__":
    main()
