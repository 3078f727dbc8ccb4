"""Scores of AutoETS and AutoARIMA on a benchmark's windows, run apart or kept.

They run in an environment of their own (see `peers_statsforecast`) and take long, so
their scores are kept in ``results/{name}_peers.json``; a run without
``--peers`` takes them from there, if they are for the same windows.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from forecasting import Floats, Score, Task
from results import RESULTS

Scorer = Callable[[Task, Floats, Floats], Score]


def peer_scores(
    task: Task, levels: Floats, scorer: Scorer, options: argparse.Namespace
) -> dict[str, Score]:
    """Score the peers, freshly or as kept; without either say that they are left out.

    Parameters
    ----------
    task : Task
    levels : ndarray of shape (K,)
    scorer : callable
        Makes a Score of a task, quantiles (K, W, H, C) and levels.
    options : Namespace
        With `peers` and `peer_minutes`.

    Returns
    -------
    dict of str to Score
    """
    protocol = {
        "windows": [str(task.windows[0]), str(task.windows[-1]), len(task.windows)],
        "horizon": task.horizon,
        "short_season": task.short_season,
        "short_history": task.short_history,
        "levels": [round(float(level), 6) for level in levels],
    }
    path = RESULTS / f"{task.name}_peers.json"
    if options.peers:
        kept = {"protocol": protocol, **ask(task, levels, scorer, options)}
        path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    elif path.exists():
        kept = json.loads(path.read_text(encoding="utf-8"))
        print(f"AutoETS and AutoARIMA: as kept in {path.name} of {kept['date']}")
    else:
        print("AutoETS and AutoARIMA are left out: give --peers an interpreter")
        return {}
    if kept["protocol"] != protocol:
        print("AutoETS and AutoARIMA are left out: those kept are for other windows")
        return {}
    return {
        name: Score(np.array(item["loss"], dtype=float), item["figures"])
        for name, item in kept["models"].items()
    }


def ask(
    task: Task, levels: Floats, scorer: Scorer, options: argparse.Namespace
) -> dict[str, Any]:
    """Run the peers in their environment and score their answers."""
    strands = [y[-task.short_history :] for y in task.strands()]
    strands = [complete(y, task.short_season) for y in strands]
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder, "strands.npz"), Path(folder, "answers.npz")
        np.savez(
            question,
            values=np.concatenate(strands),
            bounds=np.cumsum([0, *map(len, strands)]),
            horizon=task.horizon,
            season=task.short_season,
            alpha=levels,
            minutes=options.peer_minutes,
        )
        script = Path(__file__).with_name("peers_statsforecast.py")
        subprocess.run([options.peers, script, question, answer], check=True)
        with np.load(answer) as file:
            found = dict(file)
    seconds = {name: float(found.pop(f"{name} seconds")) for name in peers_in(found)}
    return {
        "models": {
            name: kept(task, found[name], levels, scorer, seconds[name])
            for name in seconds
        },
        "statsforecast": str(found["version"]),
        "machine": f"{platform.machine()}, one thread",
        "date": date.today().isoformat(),
    }


def peers_in(found: dict[str, Any]) -> list[str]:
    """Names of the models in a file of answers."""
    return [name for name in found if f"{name} seconds" in found]


def kept(
    task: Task, answers: Floats, levels: Floats, scorer: Scorer, seconds: float
) -> dict[str, Any]:
    """Score answers (W * C, K, H) for the file; unfinished windows have no loss."""
    n_windows, horizon, n_channels = task.truth.shape
    shape = (n_windows, n_channels, len(levels), horizon)
    score = scorer(task, answers.reshape(shape).transpose(2, 0, 3, 1), levels)
    figures = {
        **score.figures,
        "n_answered": int(np.isfinite(score.loss).sum()),
        "answer_seconds": seconds,
    }
    losses = [None if np.isnan(x) else float(f"{x:.8g}") for x in score.loss]
    return {"figures": figures, "loss": losses}


def complete(values: Floats, season: int) -> Floats:
    """Fill gaps by the median of the season's phase, for models that can't read gaps.

    It is the rule of the archive's version of NN5 "without missing values". A phase
    without a value takes the median of all, a series without any 0.
    """
    series = pd.Series(values)
    phase = np.arange(len(values)) % season
    medians = series.groupby(phase).transform("median").fillna(series.dropna().median())
    return series.fillna(medians).fillna(0.0).to_numpy()
