"""AutoETS and AutoARIMA of statsforecast, run by an interpreter of their own.

They are no dependency of tsdiff: make them an environment and name its interpreter.

    python -m venv peers && peers/bin/pip install statsforecast
    python examples/benchmarks/m4_hourly.py --peers peers/bin/python

A benchmark writes a file of strands (single histories without gaps) and calls

    peers/bin/python peers_statsforecast.py strands.npz answers.npz

which answers each strand by its quantiles. Strands are taken in a shuffled order, so
that what is finished when time is up is a fair sample of them; the rest stays NaN.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import statsforecast
from statsforecast.models import AutoARIMA, AutoETS


def quantiles(model: Any, history: np.ndarray, horizon: int, alpha: np.ndarray) -> Any:
    """Quantiles of one strand from central intervals, shape (K, H).

    The median is the point forecast, about which the intervals are symmetric (but for
    models with multiplicative errors, whose intervals are simulated).
    """
    percent = sorted({round(abs(200 * a - 100), 6) for a in alpha} - {0.0})
    answer = model.forecast(y=history, h=horizon, level=percent)
    rows = []
    for a in alpha:
        side, level = ("lo" if a < 0.5 else "hi"), round(abs(200 * a - 100), 6)
        rows.append(answer[f"{side}-{level}"] if level else answer["mean"])
    return np.stack(rows)


def run(make: Callable[[], Any], task: Any, seconds: float) -> np.ndarray:
    """Answer strands until so much processor time is spent: (n_strands, K, H)."""
    bounds, horizon, alpha = task["bounds"], int(task["horizon"]), task["alpha"]
    n_strands = len(bounds) - 1
    answers = np.full((n_strands, len(alpha), horizon), np.nan)
    start = time.process_time()
    for n_done, i in enumerate(np.random.default_rng(0).permutation(n_strands)):
        if time.process_time() - start > seconds:
            print(f"time is up after {n_done} of {n_strands} strands", flush=True)
            break
        history = task["values"][bounds[i] : bounds[i + 1]]
        try:
            answers[i] = quantiles(make(), history, horizon, alpha)
        except (ValueError, ZeroDivisionError, np.linalg.LinAlgError) as error:
            print(f"strand {i}: {type(error).__name__}: {error}", flush=True)
    return answers


def main() -> None:
    """Read the strands, run the two models, write their answers."""
    warnings.simplefilter("ignore")
    with np.load(sys.argv[1]) as task_file:
        task = dict(task_file)
    season = int(task["season"])
    makers: dict[str, Callable[[], Any]] = {
        "AutoETS": lambda: AutoETS(season_length=season),
        # approximation: as R's auto.arima does for long or seasonal series
        "AutoARIMA": lambda: AutoARIMA(season_length=season, approximation=True),
    }
    answers = {}
    for name, make in makers.items():
        make().forecast(y=task["values"][:100], h=1)  # compiles, where it has to
        start = time.process_time()
        answers[name] = run(make, task, 60 * float(task["minutes"]))
        answers[f"{name} seconds"] = np.array(time.process_time() - start)
        print(f"{name}: {answers[f'{name} seconds']:.0f} s", flush=True)
    np.savez(sys.argv[2], version=np.array(statsforecast.__version__), **answers)


if __name__ == "__main__":
    main()
