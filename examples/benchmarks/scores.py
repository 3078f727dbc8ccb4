"""Scores of forecasts, window by window, and the paired test between two models.

A figure is always the sum of the windows' losses over the sum of their sizes, so that
models are compared on the very same windows, pair by pair.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from forecasting import DECILES, Floats, Score, Task, quantiles, repeat_season

from tsdiff import metrics, significance


def gluonts_quantiles(paths: Floats, levels: Floats) -> Floats:
    """Quantiles of samples (S, ...) as GluonTS takes them: the nearest one by rank."""
    place = np.round((len(paths) - 1) * levels).astype(int)
    return np.sort(paths, axis=0)[place]


def quantile_score(task: Task, answer: Floats, levels: Floats) -> Score:
    """Weighted quantile loss of quantiles (K, W, H, C), and coverage of 80 %.

    The figure is that of `tsdiff.metrics.crps_quantiles`: twice the pinball loss, mean
    over the levels, over the sum of the absolute truth; both pooled over all cells.
    """
    loss = 2 * metrics.pinball(task.truth, answer, levels).mean(axis=0)
    loss = np.where(np.isnan(task.truth), 0.0, loss).sum(axis=(1, 2))
    low, high = (answer[int(np.argmin(abs(levels - end)))] for end in (0.1, 0.9))
    inside = metrics.coverage(task.truth, low, high)
    figures = {
        "crps": pooled(loss, task.sizes),
        "coverage_80": float(np.nanmean(inside)),
    }
    return Score(loss, figures)


def score_deciles(model: Any, task: Task) -> Score:
    """Score the 9 deciles of a fitted model."""
    return quantile_score(task, quantiles(model, task, DECILES), DECILES)


def score_points(task: Task) -> Score:
    """Score the seasonal naive forecast without spread, as published tables do."""
    points = np.repeat(repeat_season(task)[None], len(DECILES), axis=0)
    score = quantile_score(task, points, DECILES)
    return Score(score.loss, {"crps": score.figures["crps"]})


def pooled(loss: Floats, size: Floats) -> float:
    """Loss per size over the windows that were answered."""
    answered = ~np.isnan(loss)
    if not answered.any():
        return float("nan")
    return float(loss[answered].sum() / size[answered].sum())


def compare(
    ours: Floats, other: Floats, size: Floats, n_overlapping: int = 1
) -> dict[str, float]:
    """Compare two models on the windows that both answered.

    Losses are divided by the mean size of a window, so that the mean difference is the
    difference of the figures.
    """
    both = ~np.isnan(ours) & ~np.isnan(other)
    unit = size[both].mean()
    left, right = ours[both] / unit, other[both] / unit
    statistic, p_value = significance.diebold_mariano(left, right, n_overlapping)
    return {
        "n_windows": int(both.sum()),
        "crps_tsdiff": float(left.mean()),
        "crps_other": float(right.mean()),
        "gain": float(1 - left.mean() / right.mean()),
        "statistic": statistic,
        "p_value": p_value,
    }
