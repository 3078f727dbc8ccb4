"""A chart: one panel in which every model is a curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from tsdiff.plotting.colors import GREY, PALETTE
from tsdiff.plotting.sheet import describe, folded, lay_out, legend_height
from tsdiff.plotting.style import private, safe

Array = NDArray[np.float64]

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star")
_DASHES = ("solid", "dash", "dot")
_LABELS = 300  # pixels of labels that stand side by side on a phone
_LONGEST_LABEL, _LONGEST_CATEGORY = 16, 100  # characters
_MOST_LABELS = 24  # twice as many as of numbers
_AXIS_TITLE = 22  # pixels


def model_looks(models: Sequence[Any]) -> list[dict[str, Any]]:
    """Colour, symbol and dash of each model, the same in all charts.

    Parameters
    ----------
    models : sequence
        Names, from anywhere.

    Returns
    -------
    list of dict
        Arguments of `plotly.graph_objects.Scatter`.

    Examples
    --------
    >>> [look["line"]["color"] for look in model_looks(["a", "b"])]
    ['#0072B2', '#D55E00']
    """
    looks = []
    for place, model in enumerate(models):
        color = PALETTE[place % len(PALETTE)]
        symbol = _SYMBOLS[place % len(_SYMBOLS)]
        dash = _DASHES[place // len(PALETTE) % len(_DASHES)]
        looks.append(
            {
                "name": safe(model),
                "legendgroup": safe(model),
                "line": {"color": color, "width": 1.8, "dash": dash},
                "marker": {"color": color, "symbol": symbol, "size": 7},
            }
        )
    return looks


def categories(groups: Sequence[str]) -> NDArray:
    """Place groups on the x axis: an array of their names, made harmless."""
    return np.array([safe(name, _LONGEST_CATEGORY) for name in groups], dtype=object)


def curve(look: dict[str, Any], x: Any, y: Array, text: list[str]) -> go.Scatter:
    """Draw a model's curve; `text` is what its label says at each point."""
    return go.Scatter(
        x=x, y=y, text=text, mode="lines+markers", hovertemplate="%{text}", **look
    )


def chance_area(x: Any, low: Array, high: Array) -> go.Scatter:
    """Fill the area in which chance alone can put a curve."""
    return go.Scatter(
        x=np.concatenate([x, x[::-1]]),
        y=np.concatenate([low, high[::-1]]),
        name="chance",
        showlegend=False,
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=GREY,
        hoverinfo="skip",
    )


def guide(x: Any, y: Any, color: str) -> go.Scatter:
    """Draw the dashed line on which a calibrated model would lie."""
    line = {"color": color, "width": 1, "dash": "dash"}
    look = {"mode": "lines", "line": line, "hoverinfo": "skip", "showlegend": False}
    return go.Scatter(x=x, y=y, name="nominal", **look)


def draw_chart(
    traces: Sequence[go.Scatter],
    texts: tuple[str, str],
    axes: tuple[str, str],
    groups: Sequence[str] | None = None,
    template: Any = None,
) -> go.Figure:
    """Draw curves over one axis, their names below it.

    Parameters
    ----------
    traces : sequence of plotly.graph_objects.Scatter
    texts : (str, str)
        Title and subtitle.
    axes : (str, str)
        Titles of the x and the y axis.
    groups : sequence of str, optional
        Names of the groups on the x axis, if it has no numbers.
    template : str or plotly template, optional

    Returns
    -------
    plotly.graph_objects.Figure
    """
    figure = go.Figure(traces)
    lines = folded(texts[1])
    names = [trace.name for trace in traces if trace.showlegend is not False]
    depth = 22
    if groups is not None:
        depth = _place_labels(figure, groups)
    ticks = depth + _AXIS_TITLE
    lay_out(figure, 1, 0, ticks + legend_height(names), len(lines))
    figure.update_xaxes(title={"text": axes[0], "standoff": 6}, showspikes=False)
    figure.update_yaxes(title={"text": axes[1], "standoff": 4})
    describe(figure, texts[0], "<br>".join(lines), ticks=ticks)
    return private(figure, template)


def _place_labels(figure: go.Figure, groups: Sequence[str]) -> int:
    """Write names of groups under an axis, upright if long; return their height."""
    most = _MOST_LABELS // 2 if all(name.isdigit() for name in groups) else _MOST_LABELS
    shown = range(0, len(groups), -(-len(groups) // most))
    longest = max(min(len(groups[k]), _LONGEST_LABEL) for k in shown)
    upright = (longest + 2) * 7 * len(shown) > _LABELS
    figure.update_xaxes(
        type="category",
        categoryorder="array",
        categoryarray=categories(groups),
        tickvals=categories(groups)[list(shown)],
        ticktext=[safe(groups[k], _LONGEST_LABEL) for k in shown],
        tickangle=90 if upright else 0,
        range=[-0.4, len(groups) - 0.6],
    )
    return 12 + 7 * longest if upright else 22
