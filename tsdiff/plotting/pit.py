"""The picture of where the truth falls within the answers: one histogram a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from tsdiff.plotting.bounds import binomial_bounds, design_effect
from tsdiff.plotting.chart import chance_area, guide, model_looks
from tsdiff.plotting.menus import axis_name
from tsdiff.plotting.scored import Scored
from tsdiff.plotting.sheet import TICKS, describe, folded, lay_out
from tsdiff.plotting.style import ink, private

Array = NDArray[np.float64]

_NOTE = (
    "Level: calibrated; heaped at the ends: too narrow; in the middle: too wide. Grey: "
    "99 % binomial bounds for independent cells (inner) and for the dependence found "
    "within windows and gaps (outer)."
)


def plot_pit(result: Any, *, template: Any = None) -> go.Figure:
    """Plot the histogram of the probability integral transform of each model.

    Its bins are the bands between neighbouring quantiles of the answer, and its height
    is the share of truths in a band over the share that belongs there: 1 everywhere if
    the model is calibrated. A truth that equals several quantiles counts in all bands
    between them (Czado, Gneiting and Held, 2009, Biometrics 65).

    Parameters
    ----------
    result : BacktestResult or DataFrame
        What a backtest returned, or its frame: columns ``model``, ``y`` and quantiles
        ``q-0.025``, ...
    template : str or plotly template, optional
        Replaces tsdiff's own, of which there is a light (default) and a "dark" one.

    Returns
    -------
    plotly.graph_objects.Figure
        A row for each model. Works offline and sends no data anywhere.

    Raises
    ------
    TypeError
        `result` is no frame and has none.
    ValueError
        A column is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"model": "a", "y": [1.0, 3.0], "q-0.5": 2.0})
    >>> plot_pit(frame).data[-1].y
    (1, 1)
    """
    scored = Scored.of(result)
    edges = np.concatenate([[0.0], scored.levels, [1.0]])
    width, block = np.diff(edges), scored.blocks()
    shares = band_shares(scored, edges)  # (K + 1, n)
    models = scored.models
    traces: list[Any] = []
    for row, (model, look) in enumerate(zip(models, model_looks(models), strict=True)):
        mine = scored.owned(model)
        part = shares[:, mine]
        effect = np.array([design_effect(hits, block[mine]) for hits in part])
        drawn = [
            _bounds(edges, part.shape[1] / effect),
            _bounds(edges, part.shape[1]),
            _bars(edges, part.mean(axis=1) / width, look),
            guide([0, 1], [1, 1], ink(template)),
        ]
        traces += [trace.update(yaxis=axis_name(row)) for trace in drawn]
    figure = go.Figure(traces)
    lines = folded(_NOTE + scored.note)
    lay_out(figure, len(models), 0, TICKS, len(lines))
    names = [str(model) for model in models]
    describe(figure, "Where the truth falls (PIT)", "<br>".join(lines), names)
    figure.update_xaxes(range=[0, 1], tickformat=".0%", showspikes=False)
    figure.update_yaxes(rangemode="tozero")
    figure.update_layout(showlegend=False)
    return private(figure, template)


def band_shares(scored: Scored, edges: Array) -> Array:
    """Share of each cell's truth that falls into each band between quantiles.

    Parameters
    ----------
    scored : Scored
    edges : ndarray of shape (K + 2,)
        Levels with 0 and 1 around them.

    Returns
    -------
    ndarray of shape (K + 1, n)
        Sums to 1 over the bands. 0 or 1, but for truths that equal a quantile.
    """
    below = np.count_nonzero(scored.quantiles < scored.y, axis=0)
    upto = np.count_nonzero(scored.quantiles <= scored.y, axis=0)
    band = np.arange(len(edges) - 1)[:, None]
    inside = (band >= below) & (band <= upto)
    weight = np.where(inside, np.diff(edges)[:, None], 0.0)
    return weight / weight.sum(axis=0)


def _bounds(edges: Array, n: Array | float) -> go.Scatter:
    """Area in which chance puts the bars; steps at the edges of the bands."""
    width = np.diff(edges)
    low, high = binomial_bounds(width, n)
    steps = np.repeat(edges, 2)[1:-1]
    return chance_area(steps, np.repeat(low / width, 2), np.repeat(high / width, 2))


def _bars(edges: Array, height: Array, look: dict[str, Any]) -> go.Bar:
    """One bar a band, as wide as it."""
    middle, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    said = [
        f"between {100 * low:g} % and {100 * high:g} %: <b>{value:.2f}</b> times its "
        "share"
        for low, high, value in zip(edges[:-1], edges[1:], height, strict=True)
    ]
    return go.Bar(
        x=middle,
        y=height.tolist(),
        width=width,
        name=look["name"],
        marker={"color": look["line"]["color"], "opacity": 0.75, "line": {"width": 0}},
        hovertext=said,
        hovertemplate="%{hovertext}<extra></extra>",
    )
