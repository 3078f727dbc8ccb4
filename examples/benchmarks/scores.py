"""Scores of forecasts, window by window, and the paired test between two models.

A figure is always the sum of the windows' losses over the sum of their sizes, so that
models are compared on the very same windows, pair by pair.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from forecasting import DECILES, Floats, Score, Task, quantiles, repeat_season
from scipy.special import stdtr

from tsdiff import metrics


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


def diebold_mariano(
    loss: Floats, other: Floats, n_overlapping: int = 1
) -> tuple[float, float]:
    """Test whether two models' losses on the same windows differ in the mean.

    The statistic of Diebold & Mariano with the correction for few windows of Harvey,
    Leybourne & Newbold, against Student's t; two-sided. For windows that don't overlap
    it is the paired t-test. Where the truncated sum of autocovariances is not positive,
    Bartlett's weights replace it.

    Parameters
    ----------
    loss, other : ndarray of shape (W,)
        In order of time, where there is one.
    n_overlapping : int, default 1
        How many windows in a row share future rows with the first of them:
        autocovariances of the differences up to this lag (excluded) count. In the
        papers, where windows are one step apart, it is the steps ahead.

    Returns
    -------
    statistic : float
        Negative if `loss` is the lower one.
    p_value : float

    References
    ----------
    Diebold & Mariano, Comparing predictive accuracy, JBES 1995; Harvey, Leybourne &
    Newbold, Testing the equality of prediction mean squared errors, IJF 1997.

    Examples
    --------
    >>> statistic, p_value = diebold_mariano(np.r_[1.0, 2, 3, 4], np.r_[2.0, 3, 5, 5])
    >>> round(statistic, 6), round(p_value, 4)
    (-5.0, 0.0154)
    """
    difference = loss - other
    n, h = len(difference), min(n_overlapping, len(difference) - 1)
    error = difference - difference.mean()
    covariance = np.array([error[k:] @ error[: n - k] / n for k in range(h)])
    weight = np.r_[1.0, np.full(h - 1, 2.0)]
    if weight @ covariance <= 0:
        weight *= 1 - np.arange(h) / h
    variance = weight @ covariance / n
    if variance <= 0:
        return 0.0, 1.0
    correction = (n + 1 - 2 * h + h * (h - 1) / n) / n
    statistic = difference.mean() * np.sqrt(correction / variance)
    return float(statistic), float(2 * stdtr(n - 1, -abs(statistic)))


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
    statistic, p_value = diebold_mariano(left, right, n_overlapping)
    return {
        "n_windows": int(both.sum()),
        "crps_tsdiff": float(left.mean()),
        "crps_other": float(right.mean()),
        "gain": float(1 - left.mean() / right.mean()),
        "statistic": statistic,
        "p_value": p_value,
    }
