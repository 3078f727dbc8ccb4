"""Pictures of models against each other: scores by group, and differences of ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from tsdiff.backtesting.scoring import CRPS_LEVELS
from tsdiff.metrics import absolute_error, interval_score, pinball, squared_error
from tsdiff.plotting.chart import categories, curve, draw_chart, model_looks
from tsdiff.plotting.scored import Scored
from tsdiff.plotting.style import decimals, written
from tsdiff.validation import listing

Array = NDArray[np.float64]

_COVERAGE = 0.9  # of the interval whose score is drawn


def plot_scores(
    result: Any, by: str = "horizon", score: str = "crps", *, template: Any = None
) -> go.Figure:
    """Plot the mean score of each model by horizon, length of the gap, channel, ...

    Parameters
    ----------
    result : BacktestResult or DataFrame
        What a backtest returned, or its frame: columns ``model``, ``y`` and quantiles
        ``q-0.025``, ...
    by : str, default "horizon"
        A column of the frame: ``"gap_length"``, ``"distance"``, ``"channel"``, ...
        Integers other than horizons are binned by doubling: 1, 2-3, 4-7, ...
    score : {"crps", "mae", "rmse", "interval"}, default "crps"
        CRPS, the mean of twice the pinball loss over the levels k/20 (else over the
        levels there are); errors of the median; Winkler's score of the 90 % interval.
        In units of y; but where a group pools several series or channels of a
        BacktestResult, which knows their scales, in units of these.
    template : str or plotly template, optional
        Replaces tsdiff's own, of which there is a light (default) and a "dark" one.

    Returns
    -------
    plotly.graph_objects.Figure
        Works offline and sends no data anywhere.

    Raises
    ------
    TypeError
        `result` is no frame and has none.
    ValueError
        There is no column `by`, no such score, or not the quantiles for it.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"model": "a", "horizon": [1, 2], "y": [1.0, 9.0]})
    >>> plot_scores(frame.assign(**{"q-0.5": 0.0}), score="mae").data[0].y
    array([1., 9.])
    """
    if score not in _SCORES:
        raise ValueError(f"score is one of {listing(_SCORES)}, got {score!r}.")
    scored = Scored.of(result)
    name, loss_of = _SCORES[score]
    loss = loss_of(scored)
    labels, group = scored.groups(by)
    unit = ""
    if scored.scale is not None and _pooled(scored, group):
        loss = loss / scored.scale ** (2 if score == "rmse" else 1)
        unit = " in units of each series' spread"
    place, digits = categories(labels), decimals(loss)
    traces = []
    for model, look in zip(scored.models, model_looks(scored.models), strict=True):
        mine = scored.owned(model)
        count = np.bincount(group[mine], minlength=len(labels))
        total = np.bincount(group[mine], loss[mine], len(labels))
        mean = np.where(count, total / np.maximum(count, 1), np.nan)
        height = np.sqrt(mean) if score == "rmse" else mean
        said = [
            f"<b>{value}</b> over {n:,} cells"
            for value, n in zip(written(height, digits), count, strict=True)
        ]
        traces.append(curve(look, place, height, said))
    axes = by.replace("_", " "), name
    texts = f"{name} by {axes[0]}", f"Lower is better{unit}." + scored.note
    figure = draw_chart(traces, texts, axes, labels, template)
    return figure.update_yaxes(rangemode="tozero")


def quantile_crps(scored: Scored) -> Array:
    """CRPS of each cell from its quantiles, as `tsdiff.backtesting` takes it."""
    every = all(np.isclose(scored.levels, level).any() for level in CRPS_LEVELS)
    levels = CRPS_LEVELS if every else scored.levels
    total = np.zeros(len(scored.y))
    for level in levels:  # one at a time bounds memory
        total += pinball(scored.y, scored.level(level)[None], [level])[0]
    return 2 * total / len(levels)


def _pooled(scored: Scored, group: NDArray[np.int64]) -> bool:
    """Whether a group holds several series or channels."""
    strand = scored.table[["unique_id", "channel"]].assign(group=group)
    return bool(strand.drop_duplicates()["group"].duplicated().any())


def _interval(scored: Scored) -> Array:
    low, high = scored.level((1 - _COVERAGE) / 2), scored.level((1 + _COVERAGE) / 2)
    return interval_score(scored.y, low, high, _COVERAGE)


_SCORES: Mapping[str, tuple[str, Callable[[Scored], Array]]] = {
    "crps": ("CRPS", quantile_crps),
    "mae": ("MAE", lambda scored: absolute_error(scored.y, scored.level(0.5))),
    "rmse": ("RMSE", lambda scored: squared_error(scored.y, scored.level(0.5))),
    "interval": ("90 % interval score", _interval),
}
