"""Imputers side by side: same windows, same hidden cells, same minutes of training.

tsdiff against PyPOTS' CSDI, SAITS, Transformer, iTransformer and BRITS, scikit-learn's
IterativeImputer and KNNImputer (a row with those beside it), a Kalman smoother and
linear interpolation. Sets: peer_sets.py; the peers' settings: peers_pypots.py.

    TSDIFF_DATA=... python examples/benchmarks/peers.py --set air_quality --minutes 3 \
        --python pypots/bin/python

Each model has ``--minutes`` of CPU time of one thread to train; for that, the clock of
tsdiff's budget is set to CPU time. scikit-learn's imputers learn from as much of the
data as time allows, the Kalman smoother and lines take what they need. Each has
``--answer-minutes`` to answer; CSDI's 100 samples take so long that it answers some of
the windows, a random few, and others are compared with it on those.

CRPS over 19 levels as CSDI pools it, from 100 samples; that of a model without spread
is its absolute error over the mean absolute value. p-values are of a paired t-test over
windows, or, where windows are neighbours in time and at least 20, of its version for
unknown dependence. Each answer is kept as it comes, in the folder ``--kept``: a run
that was cut goes on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from peer_sets import SETS, PeerTask
from records import record
from scores import compare
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer

from tsdiff import DiffusionImputer, baselines, metrics

LEVELS = np.arange(1, 20) / 20
N_SAMPLES = 100
CHUNK = 20  # windows that are answered together
FEW = 20  # windows, for a test that allows for dependence
FILLERS: dict[str, Callable[[], Any]] = {
    "linear": baselines.LinearInterpolation,
    "Kalman": baselines.KalmanSmoother,
    "IterativeImputer": lambda **more: baselines.SklearnImputer(
        IterativeImputer(), lags=1, **more
    ),
    "KNNImputer": lambda **more: baselines.SklearnImputer(KNNImputer(), lags=1, **more),
}
GROWING = ("IterativeImputer", "KNNImputer")
PEERS = ("SAITS", "Transformer", "iTransformer", "BRITS", "CSDI")
MODELS = ("tsdiff", *FILLERS, *PEERS)
Answer = dict[str, Any]


def fill(name: str, task: PeerTask, options: argparse.Namespace) -> Answer:
    """Train one of our models or of scikit-learn's, and ask it."""
    seconds = 60 * options.minutes
    start, trained = time.process_time(), "all of the data"
    if name == "tsdiff":
        imputer = DiffusionImputer(
            window=task.truth.shape[1],
            max_minutes=options.minutes,
            random_state=options.seed,
            **task.settings,
        )
        with mock.patch("time.perf_counter", time.process_time):
            model = imputer.fit(task.train)
        trained = f"{model.n_iter_} steps"
    elif name in GROWING:
        make = FILLERS[name]
        model, share = grown(lambda: make(random_state=0), task.train, seconds)
        trained = f"{share:.0%} of the data"
    else:
        model = FILLERS[name](random_state=options.seed).fit(task.train)
    fitted = time.process_time()
    quantiles = ask(model, task, 60 * options.answer_minutes)
    return {
        "quantiles": quantiles,
        "train_seconds": fitted - start,
        "answer_seconds": time.process_time() - fitted,
        "trained": trained,
        "version": "",
    }


def grown(make: Callable[[], Any], train: Any, seconds: float) -> tuple[Any, float]:
    """Fit on twice as many rows each time, as long as the next fit may be in time.

    Times are taken to grow threefold, between linearly and by the square.
    """
    start, share = time.process_time(), 1 / 32
    while True:
        begin = time.process_time()
        n = round(share * len(train))
        model = make().fit(train.iloc[:n] if hasattr(train, "iloc") else train[:n])
        now = time.process_time()
        if share == 1 or now - start + 3 * (now - begin) > seconds:
            return model, share
        share *= 2


def ask(model: Any, task: PeerTask, seconds: float) -> np.ndarray:
    """Quantiles of the hidden cells, (n_levels, n_cells), until time is up."""
    bounds = cell_bounds(task)
    found = np.full((len(LEVELS), bounds[-1]), np.nan)
    start = time.process_time()
    for first in range(0, len(task.truth), CHUNK):
        if time.process_time() - start > seconds:
            break
        stop = min(first + CHUNK, len(task.truth))
        hidden = task.hidden[first:stop]
        shown = task.part(first, stop)
        where = hidden.reshape(shown.shape)
        draws = model.sample(shown, n_samples=N_SAMPLES, where=where)
        found[:, bounds[first] : bounds[stop]] = np.quantile(
            draws.samples, LEVELS, axis=0
        )
    return found


def cell_bounds(task: PeerTask) -> np.ndarray:
    """Where the hidden cells of each window begin, and the last ones end: (W + 1,)."""
    return np.concatenate([[0], np.cumsum(task.hidden.sum(axis=(1, 2)))])


def ask_peer(name: str, task: PeerTask, options: argparse.Namespace) -> Answer:
    """Let the other interpreter train and ask a model, in units of the spread."""
    known = task.windows.reshape(-1, task.windows.shape[2])
    center, scale = np.nanmean(known, axis=0), np.nanstd(known, axis=0)
    shown = np.asarray(task.shown).reshape(task.truth.shape)
    arrays = {"windows": task.windows, "shown": shown, "checked": task.checked}
    arrays["checked_shown"] = task.checked_shown
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder, "question.npz"), Path(folder, "answer.npz")
        np.savez(
            question,
            **{key: (values - center) / scale for key, values in arrays.items()},
            hidden=task.hidden,
            lent=task.lent,
            levels=LEVELS,
            minutes=options.minutes,
            answer_minutes=options.answer_minutes,
            seed=options.seed,
        )
        script = Path(__file__).with_name("peers_pypots.py")
        one = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [options.python, script, question, answer, name]
        subprocess.run(command, check=True, env=one)
        with np.load(answer) as file:
            found = {key: value[()] for key, value in file.items()}
    channel = np.nonzero(task.hidden)[2]
    found["quantiles"] = center[channel] + scale[channel] * found["quantiles"]
    return found


def losses(task: PeerTask, quantiles: np.ndarray) -> dict[str, np.ndarray]:
    """Add up each window, in order of time: (W,); NaN for those without an answer."""
    truth, window = task.truth[task.hidden], np.nonzero(task.hidden)[0]
    error = quantiles[len(LEVELS) // 2] - truth
    cells = {
        "loss": 2 * metrics.pinball(truth, quantiles, LEVELS).mean(axis=0),
        "error": np.abs(error),
        "square": error**2,
        "inside": np.abs(truth - quantiles[[0, -1]]).sum(axis=0)
        <= np.abs(quantiles[-1] - quantiles[0]) * (1 + 1e-9),
        "size": np.abs(truth),
        "count": np.ones(len(truth)),
    }
    place = np.argsort(task.order)
    sums = {
        key: np.bincount(window, values, minlength=len(task.truth))[place]
        for key, values in cells.items()
    }
    silent = np.isnan(sums["loss"]) | (sums["count"] == 0)
    return {key: np.where(silent, np.nan, values) for key, values in sums.items()}


def figures(task: PeerTask, answer: Answer) -> dict[str, Any]:
    """All figures of a model, over the windows that it answered."""
    sums = losses(task, answer["quantiles"])
    total = {key: float(np.nansum(values)) for key, values in sums.items()}
    spread = np.nanmax(np.ptp(answer["quantiles"], axis=0)) > 0
    n_answered = int(np.isfinite(sums["loss"]).sum())
    return {
        "crps": total["loss"] / total["size"],
        "mae": total["error"] / total["count"],
        "rmse": float(np.sqrt(total["square"] / total["count"])),
        "coverage_90": total["inside"] / total["count"] if spread else None,
        "n_windows": n_answered,
        "train_seconds": float(answer["train_seconds"]),
        "trained": str(answer["trained"]),
        "answer_seconds_per_window": float(answer["answer_seconds"]) / n_answered,
    }


def paired(task: PeerTask, ours: Answer, other: Answer) -> dict[str, Any]:
    """Compare with tsdiff on the windows that both answered."""
    left, right = (losses(task, answer["quantiles"]) for answer in (ours, other))
    both = np.isfinite(left["loss"]) & np.isfinite(right["loss"])
    if both.sum() < 2:
        return {"n_windows": int(both.sum())}
    near = task.name != "physionet" and both.sum() >= FEW
    found = compare(
        *(sums["loss"][both] for sums in (left, right)),
        left["size"][both],
        n_overlapping=None if near else 1,
    )
    count = left["count"][both].sum()
    for name, sums in (("tsdiff", left), ("other", right)):
        found[f"mae_{name}"] = float(sums["error"][both].sum() / count)
    return found


def summary(
    task: PeerTask, answers: dict[str, Answer], options: argparse.Namespace
) -> dict[str, Any]:
    """Make the file of results."""
    models = {name: figures(task, answer) for name, answer in answers.items()}
    result = {
        "minutes": options.minutes,
        "answer_minutes": options.answer_minutes,
        "seed": options.seed,
        "n_windows": int(task.hidden.any(axis=(1, 2)).sum()),
        "n_cells": int(task.hidden.sum()),
        "versions": sorted({str(a["version"]) for a in answers.values()} - {""}),
        "models": models,
    }
    if "tsdiff" in answers:
        result["paired"] = {
            name: paired(task, answers["tsdiff"], answer)
            for name, answer in answers.items()
            if name != "tsdiff"
        }
    if {"tsdiff", "CSDI"} <= set(models):
        seconds = [models[m]["answer_seconds_per_window"] for m in ("CSDI", "tsdiff")]
        result["times_faster_than_csdi"] = seconds[0] / seconds[1]
        print(f"sampling {seconds[0] / seconds[1]:.0f} times faster than CSDI")
    return result


def answered(name: str, task: PeerTask, options: argparse.Namespace) -> Answer | None:
    """Take a model's answers as kept, or ask it and keep them; None without PyPOTS."""
    parts = [task.name, len(task.truth), options.minutes, options.answer_minutes]
    label = "_".join(f"{part}" for part in [*parts, options.seed, name])
    path = options.kept / f"{label}.npz"
    if not path.exists():
        if name in PEERS and not options.python:
            print(f"{name} is left out: give --python an interpreter with PyPOTS")
            return None
        print(f"{name} ...", flush=True)
        found = (ask_peer if name in PEERS else fill)(name, task, options)
        options.kept.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".half.npz")
        np.savez(half, **found)
        half.replace(path)
    with np.load(path) as file:
        found = {key: value[()] for key, value in file.items()}
    print(name, figures(task, found), flush=True)
    return found


def main() -> None:
    """Read the options; ask all models, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", choices=SETS, required=True)
    parser.add_argument("--minutes", type=float, default=10, help="of training")
    parser.add_argument("--answer-minutes", type=float, default=15)
    parser.add_argument("--models", nargs="*", choices=MODELS, default=list(MODELS))
    parser.add_argument("--python", help="interpreter that has PyPOTS")
    parser.add_argument("--windows", type=int, help="only so many, to try things out")
    parser.add_argument("--seed", type=int, default=0)
    kept = Path(tempfile.gettempdir(), "tsdiff_peers")
    parser.add_argument("--kept", type=Path, default=kept, help="folder of answers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    task = SETS[options.set](options.seed)
    if options.windows:
        task = task.first(options.windows)
    found = {name: answered(name, task, options) for name in options.models}
    answers = {name: answer for name, answer in found.items() if answer is not None}
    trial = "_trial" if options.windows else ""
    record(f"peers_{task.name}{trial}", summary(task, answers, options))


if __name__ == "__main__":
    main()
