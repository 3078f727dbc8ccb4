"""Options of the forecasting benchmarks, and their results on screen and in a file."""

from __future__ import annotations

import argparse
import json
import platform
import resource
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from forecasting import MODELS, Floats, Score, Task
from scores import compare

RESULTS = Path(__file__).with_name("results")


def parser(doc: str, minutes: float) -> argparse.ArgumentParser:
    """Options that all forecasting benchmarks have."""
    options = argparse.ArgumentParser(description=doc.splitlines()[0])
    options.add_argument("--minutes", type=float, default=minutes, help="of training")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--models", nargs="*", choices=MODELS, default=list(MODELS))
    options.add_argument(
        "--peers",
        metavar="PYTHON",
        help="interpreter that has statsforecast; see peers_statsforecast.py",
    )
    options.add_argument(
        "--peer-minutes", type=float, default=30, help="of processor time for each peer"
    )
    return options


def report(
    task: Task,
    scores: Mapping[str, Score],
    options: argparse.Namespace,
    size: Floats | None = None,
    n_overlapping: int = 1,
    **facts: Any,
) -> None:
    """Print the figures; if tsdiff ran, write ``results/{name}.json``.

    Parameters
    ----------
    task : Task
    scores : mapping of str to Score
    options : Namespace
    size : ndarray of shape (W,), optional
        What the losses are divided by; by default the windows' sums of |truth|.
    n_overlapping : int, default 1
        See `tsdiff.significance.diebold_mariano`.
    **facts
        More that the file should say.
    """
    size = task.sizes if size is None else size
    paired = {
        name: compare(scores["tsdiff"].loss, score.loss, size, n_overlapping)
        for name, score in scores.items()
        if "tsdiff" in scores and name != "tsdiff" and not np.isnan(score.loss).all()
    }
    result = {
        "benchmark": task.name,
        "n_windows": len(task.truth),
        "horizon": task.horizon,
        "n_channels": task.truth.shape[2],
        "season": task.season,
        "short_season": task.short_season,
        "short_history": task.short_history,
        "minutes": options.minutes,
        "seed": options.seed,
        **facts,
        "models": {name: score.figures for name, score in scores.items()},
        "paired": paired,
        "peak_memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "threads": torch.get_num_threads(),
        "machine": f"{platform.machine()}, CPU only",
        "date": date.today().isoformat(),
    }
    for title, table in (("", result["models"]), ("tsdiff against", paired)):
        if table:
            print(title)
            print(pd.DataFrame(table).T.round(5).to_string(na_rep=""))
    if "tsdiff" in scores:  # else the file of an earlier run stays
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{task.name}.json"
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(f"written to {path}")
