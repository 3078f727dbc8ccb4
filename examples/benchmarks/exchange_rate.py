"""Exchange rates of 8 currencies, 30 weekdays ahead: GluonTS' exchange_rate_nips.

5 windows of 30 rows follow the 6,071 of training; each may look at all rows before it.
The protocol of TimeGrad and TSDiff: 100 joint paths, whose quantiles are taken as
GluonTS takes them. Scores: CRPS (mean weighted quantile loss, pooled) of 19 levels and
of the 9 deciles, which are not interchangeable, and CRPS-sum, the same of the sum over
the currencies, of which every path has one. Marginals alone have no sum: for AutoETS
and AutoARIMA it is that of independent normal laws, which is what they claim.

    TSDIFF_DATA=... python examples/benchmarks/exchange_rate.py --minutes 5

Published CRPS of 9 deciles (Kollovieh et al., TSDiff, NeurIPS 2023): seasonal naive
0.011, DeepAR 0.011, CSDI 0.033, TSDiff 0.011, TFT 0.007. Five windows are few: mind the
p-values. Needs the file of the benchmark in the folder TSDIFF_DATA; see
`tsdiff.datasets`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from forecasting import (
    DECILES,
    LEVELS,
    Floats,
    Score,
    Task,
    fit_and_score,
    repeat_season,
    samples,
    stack,
)
from forecasting_peers import peer_scores
from results import parser, report
from scipy.special import ndtri
from scores import gluonts_quantiles, quantile_score

from tsdiff import metrics
from tsdiff.datasets import load_exchange_rate

N_TRAIN, N_WINDOWS, HORIZON = 6071, 5, 30
SEASON = 5  # GluonTS' for weekdays
SHORT = 520  # two years


def protocol() -> tuple[Task, pd.DataFrame]:
    """Windows, and the rows before the first of them, for the fit."""
    rates = load_exchange_rate()
    starts = N_TRAIN + HORIZON * np.arange(N_WINDOWS)
    history = stack({f"window{n}": rates.iloc[:i] for n, i in enumerate(starts)})
    truth = np.stack([rates.to_numpy()[i : i + HORIZON] for i in starts])
    task = Task("exchange_rate", history, truth, SEASON, SEASON, SHORT)
    return task, rates.iloc[:N_TRAIN]


def full_score(task: Task, at_levels: Floats, deciles: Floats, sums: Floats) -> Score:
    """Score quantiles of cells (19 and 9, W, H, C) and of their sums (19, W, H, 1)."""
    score = quantile_score(task, at_levels, LEVELS)
    total = task.truth.sum(axis=2, keepdims=True)
    figures = {
        "crps_19": score.figures["crps"],
        "crps_9": metrics.crps_quantiles(task.truth, deciles, DECILES),
        "crps_sum_19": metrics.crps_quantiles(total, sums, LEVELS),
        "coverage_80": score.figures["coverage_80"],
    }
    return Score(score.loss, figures)


def score_paths(task: Task, paths: Floats) -> Score:
    """Score joint paths (S, W, H, C)."""
    total = paths.sum(axis=3, keepdims=True)
    at_levels, deciles = (gluonts_quantiles(paths, q) for q in (LEVELS, DECILES))
    return full_score(task, at_levels, deciles, gluonts_quantiles(total, LEVELS))


def score_model(model: Any, task: Task) -> Score:
    """Score 100 paths of a fitted model."""
    return score_paths(task, samples(model, task, 100))


def score_marginals(task: Task, answer: Floats, levels: Floats) -> Score:
    """Score quantiles (19, W, H, C) of channels that are taken as independent."""
    if np.isnan(answer).any():
        return quantile_score(task, answer, levels)
    deciles = answer[1::2]
    spread = (deciles[-1] - deciles[0]) / (2 * ndtri(0.9))
    spread = np.sqrt((spread**2).sum(axis=2, keepdims=True))
    median = deciles[4].sum(axis=2, keepdims=True)
    sums = median + spread * ndtri(levels)[:, None, None, None]
    return full_score(task, answer, deciles, sums)


def main() -> None:
    """Read the options, run, print and write the results."""
    options = parser(__doc__, minutes=5).parse_args()
    task, train = protocol()
    _, scores = fit_and_score(task, train, score_model, options)
    walk = replace(task, season=1)
    scores["seasonal_naive_point"] = score_paths(task, repeat_season(task)[None])
    scores["last_value_point"] = score_paths(task, repeat_season(walk)[None])
    scores |= peer_scores(task, LEVELS, score_marginals, options)
    report(task, scores, options, n_samples=100, levels=LEVELS.tolist())


if __name__ == "__main__":
    main()
