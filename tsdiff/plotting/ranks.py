"""The critical-difference diagram: mean ranks of models, and which ones are alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from tsdiff.plotting.colors import PALETTE
from tsdiff.plotting.comparison import quantile_crps
from tsdiff.plotting.scored import Scored
from tsdiff.plotting.sheet import describe
from tsdiff.plotting.style import ink, private, safe
from tsdiff.significance import nemenyi

Array = NDArray[np.float64]

_LONGEST = 12  # characters of a model's name
_STEP, _ABOVE, _TITLE = 36, 46, 96  # pixels: a model; ruler and bar; title
_BAR = 12  # pixels between two bars


def plot_critical_differences(
    ranks: Any,
    critical_difference: float | None = None,
    *,
    template: Any = None,
) -> go.Figure:
    """Plot mean ranks of models, and join those that do not differ significantly.

    Demsar's diagram (2006, JMLR 7): the better a model the further left it hangs; the
    bar on top shows the critical difference; models under one thick line lie within it.

    Parameters
    ----------
    ranks : mapping or Series of model to float, BacktestResult or DataFrame
        Mean ranks, 1 the best; at least two models. Or what a backtest returned, or
        its frame: then models are ranked by their mean CRPS on each channel of each
        series, by `tsdiff.significance.nemenyi` at 5 %.
    critical_difference : float, optional
        Of mean ranks, above 0; Nemenyi's for a backtest.
    template : str or plotly template, optional
        Replaces tsdiff's own, of which there is a light (default) and a "dark" one.

    Returns
    -------
    plotly.graph_objects.Figure
        Works offline and sends no data anywhere.

    Raises
    ------
    ValueError
        No difference is given for mean ranks, too few models or series to rank them,
        a rank outside of 1 to their number, or a difference that is not above 0.

    Examples
    --------
    >>> figure = plot_critical_differences({"a": 1.2, "b": 1.9, "c": 2.9}, 0.9)
    >>> figure.layout.title.text
    'Mean ranks of 3 models'
    """
    if critical_difference is None:
        ranks, critical_difference = _rank(ranks)
    place = pd.Series(dict(ranks), dtype=float).sort_values(kind="stable")
    _check(place, critical_difference)
    rank = np.array(place.tolist(), dtype=np.float64)
    n = len(place)
    color = ink(template)
    bars = cliques(rank, critical_difference)
    left = (n + 1) // 2
    below = 16 + _BAR * len(bars)
    depth = max(left, n - left)
    figure = go.Figure()
    for k, (first, last) in enumerate(bars):
        x, y = [rank[first] - 0.04, rank[last] + 0.04], -10.0 - _BAR * k
        figure.add_trace(_stroke(x, [y, y], PALETTE[0], 5))
    for k, (model, value) in enumerate(place.items()):
        line = k if k < left else n - 1 - k
        y, end = -float(below + _STEP * line), 1.0 if k < left else float(n)
        said = f"{safe(model)}: mean rank <b>{value:.3f}</b>"
        hook = _stroke([value, value, end], [0.0, y, y], color, 1.2)
        figure.add_trace(hook.update(text=said, hovertemplate="%{text}<extra></extra>"))
        name = f"{safe(model, _LONGEST)}<br>{value:.2f}"
        _name(figure, name, end, y, k < left)
    _ruler(figure, critical_difference, n, color)
    margin = 18 + 7 * min(max(len(str(model)) for model in place.index), _LONGEST)
    figure.update_layout(
        height=_TITLE + _ABOVE + below + _STEP * depth,
        margin={"t": _TITLE, "b": 8, "l": margin, "r": margin},
        showlegend=False,
        hovermode="closest",
    )
    note = f"Thick: not told apart (critical difference {critical_difference:.2f})."
    describe(figure, f"Mean ranks of {n} models", note)
    figure.update_layout(title={"xref": "container", "pad": {"l": 16}})
    figure.update_xaxes(range=[0.9, n + 0.1], visible=False)
    figure.update_yaxes(range=[-below - _STEP * depth, _ABOVE], visible=False)
    return private(figure, template)


def _rank(result: Any) -> tuple[pd.Series, float]:
    """Rank the models of a backtest over its series and channels."""
    if isinstance(result, Mapping | pd.Series):
        raise ValueError(
            "Mean ranks need a critical_difference, as nemenyi() gives it. Or pass "
            "what a backtest returned."
        )
    scored = Scored.of(result)
    names = ["unique_id", "channel"]
    keys = [scored.table[name] for name in names if name in scored.table]
    keys = keys or [pd.Series(0, scored.table.index)]
    loss = pd.Series(quantile_crps(scored), scored.table.index)
    table = loss.groupby([*keys, scored.table["model"]], sort=False).mean().unstack()
    found = nemenyi(table)
    return pd.Series(found.mean_ranks, table.columns), found.critical_difference


def cliques(rank: Array, difference: float) -> list[tuple[int, int]]:
    """Find the largest runs of models that lie within a difference of each other.

    Parameters
    ----------
    rank : ndarray of shape (n,)
        Ascending.
    difference : float

    Returns
    -------
    list of (int, int)
        First and last model of each run of at least two, none inside another.

    Examples
    --------
    >>> cliques(np.array([1.0, 1.5, 2.2, 4.0]), 1.0)
    [(0, 1), (1, 2)]
    """
    last = np.searchsorted(rank, rank + difference * (1 + 1e-9), side="right") - 1
    runs = []
    reached = 0
    for first, end in enumerate(last.tolist()):
        if end > first and end > reached:
            runs.append((first, end))
            reached = end
    return runs


def _check(place: pd.Series, difference: float) -> None:
    """Check ranks and critical difference."""
    if len(place) < 2:
        raise ValueError(f"Ranks of at least two models are needed, got {len(place)}.")
    wrong = place[~place.between(1, len(place))]
    if len(wrong):
        raise ValueError(
            f"The mean rank of {wrong.index[0]!r} is {wrong.iloc[0]:g}; ranks of "
            f"{len(place)} models lie between 1 and {len(place)}."
        )
    if not 0 < difference < np.inf:
        raise ValueError(
            f"critical_difference must be a number above 0, got {difference!r}."
        )


def _stroke(x: list[float], y: list[float], color: str, width: float) -> go.Scatter:
    line = {"color": color, "width": width}
    return go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip")


def _name(figure: go.Figure, text: str, x: float, y: float, left: bool) -> None:
    """Write a model's name at the outer end of its line."""
    figure.add_annotation(
        text=text,
        x=x,
        y=y,
        xanchor="right" if left else "left",
        align="right" if left else "left",
        xshift=-4 if left else 4,
        showarrow=False,
    )


def _ruler(figure: go.Figure, difference: float, n: int, color: str) -> None:
    """Draw the axis of ranks, and above it the critical difference."""
    figure.add_trace(_stroke([1.0, float(n)], [0.0, 0.0], color, 1.2))
    for rank in range(1, n + 1):
        figure.add_trace(_stroke([rank, rank], [0.0, 5.0], color, 1.2))
        figure.add_annotation(text=str(rank), x=rank, y=13, showarrow=False)
    x = [1.0, 1.0, 1.0, 1 + difference, 1 + difference, 1 + difference]
    y = [28.0, 36.0, 32.0, 32.0, 28.0, 36.0]
    figure.add_trace(_stroke(x, y, color, 1.2))
