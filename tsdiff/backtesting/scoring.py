"""Scores of the cells of a backtest, and their means by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff import metrics
from tsdiff.bands import quantile_suffixes

Floats = NDArray[np.float64]

#: Levels that the CRPS is taken of.
CRPS_LEVELS = np.arange(1, 20) / 20
_COVERAGES = (0.5, 0.8, 0.9, 0.95)


def level_columns(levels: Sequence[float] | Floats) -> list[str]:
    """Names of the columns of quantiles.

    Examples
    --------
    >>> level_columns([0.05, 0.5])
    ['q-0.05', 'q-0.5']
    """
    return [suffix.removeprefix("-") for suffix in quantile_suffixes(levels)]


def cell_loss(frame: pd.DataFrame, levels: Floats) -> tuple[str, Floats]:
    """Score the quantiles of each cell by one number.

    Parameters
    ----------
    frame : DataFrame
        Columns ``y`` and those of the levels.
    levels : ndarray of shape (K,)

    Returns
    -------
    name : str
        "crps" if the levels k/20 are there, whose mean of twice the pinball loss it
        is; else "pinball", the same of the levels there are.
    loss : ndarray of shape (N,)
        In units of y.
    """
    every = all(np.isclose(levels, level).any() for level in CRPS_LEVELS)
    chosen = CRPS_LEVELS if every else levels
    truth, total = frame["y"].to_numpy(), np.zeros(len(frame))
    for level, name in zip(chosen, level_columns(chosen), strict=True):
        quantile = frame[name].to_numpy()[None]  # one level at a time bounds memory
        total += 2 * metrics.pinball(truth, quantile, [level])[0]
    return ("crps" if every else "pinball"), total / len(chosen)


def cell_scores(frame: pd.DataFrame, levels: Floats, scale: Floats) -> pd.DataFrame:
    """Score each cell.

    Parameters
    ----------
    frame : DataFrame
        Columns ``y`` and those of the levels.
    levels : ndarray of shape (K,)
    scale : ndarray of shape (N,)
        What errors are divided by.

    Returns
    -------
    DataFrame
        The loss, absolute, squared and signed error of the median, and for each central
        interval that the levels hold: whether it covers, its width, its score.
    """
    name, loss = cell_loss(frame, levels)
    truth = frame["y"].to_numpy()
    scores = {name: loss / scale}
    column = dict(zip(np.round(levels, 9), level_columns(levels), strict=True))
    if 0.5 in column:
        median = frame[column[0.5]].to_numpy()
        scores["mae"] = metrics.absolute_error(truth, median) / scale
        scores["rmse"] = metrics.squared_error(truth, median) / scale**2
        scores["bias"] = (median - truth) / scale
    for share in _COVERAGES:
        ends = [column.get(round((1 + side * share) / 2, 9)) for side in (-1, 1)]
        if None in ends:
            continue
        low, high = (frame[end].to_numpy() for end in ends)
        percent = f"{100 * share:g}"
        scores[f"coverage_{percent}"] = metrics.coverage(truth, low, high)
        scores[f"width_{percent}"] = metrics.interval_width(low, high) / scale
        fine = metrics.interval_score(truth, low, high, share)
        scores[f"interval_score_{percent}"] = fine / scale
    return pd.DataFrame(scores)


def mean_scores(
    scores: pd.DataFrame, models: pd.Series, labels: Mapping[str, pd.Categorical]
) -> pd.DataFrame:
    """Average cell scores by model and group.

    Parameters
    ----------
    scores : DataFrame
        From `cell_scores`.
    models : Series
        Model of each cell.
    labels : mapping of str to Categorical
        Groups of each cell.

    Returns
    -------
    DataFrame
        Indexed by model and groups; the first column, ``n``, counts answered cells.
    """
    kinds = pd.Categorical(models, categories=models.unique(), ordered=True)
    keys = [pd.Series(kinds, name="model")]
    keys += [pd.Series(label, name=name) for name, label in labels.items()]
    grouped = scores.groupby(keys, observed=True)
    table = grouped.mean()
    if "rmse" in table:
        table["rmse"] = np.sqrt(table["rmse"])
    table.insert(0, "n", grouped[scores.columns[0]].count())
    return table
