"""Pictures of calibration: whether intervals cover what they claim, and where not."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from tsdiff.plotting.bounds import binomial_bounds, design_effect
from tsdiff.plotting.chart import (
    categories,
    chance_area,
    curve,
    draw_chart,
    guide,
    model_looks,
)
from tsdiff.plotting.scored import Scored
from tsdiff.plotting.style import ink

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

_CHANCE = (
    "Grey: 99 % binomial bounds if all cells were independent (inner), and with "
    "the dependence found within windows and gaps (outer)."
)


def plot_reliability(result: Any, *, template: Any = None) -> go.Figure:
    """Plot what intervals cover against what they claim to cover.

    A calibrated model lies on the diagonal: below it, its intervals are too narrow.
    Two areas show how far chance alone moves it. The inner one is binomial, for
    independent cells; but cells of one window or gap are right or wrong together, and
    so the outer one counts as many cells as weigh the same (design effect over blocks;
    blocks are taken to be independent of each other). Both are means over the models.

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
        Works offline and sends no data anywhere.

    Raises
    ------
    TypeError
        `result` is no frame and has none.
    ValueError
        A column is missing, or no two levels make an interval.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> frame = pd.DataFrame({"model": "a", "y": rng.uniform(size=200)})
    >>> frame = frame.assign(**{"q-0.25": 0.25, "q-0.75": 0.75})
    >>> plot_reliability(frame).data[-1].y.round(2)
    array([0.47])
    """
    scored = Scored.of(result)
    nominal = scored.coverages()
    if not len(nominal):
        raise ValueError(
            "The frame has no two quantiles that make an interval, as 'q-0.05' and "
            f"'q-0.95' do; its levels are {scored.levels.tolist()}."
        )
    hits = np.stack([scored.hits(share) for share in nominal])  # (L, n)
    traces = _chance_areas(scored, hits, nominal, nominal)
    traces.append(guide([0, 1], [0, 1], ink(template)))
    for model, look in zip(scored.models, model_looks(scored.models), strict=True):
        mine = hits[:, scored.owned(model)]
        said = [
            f"{100 * share:.1f} % of {mine.shape[1]:,}" for share in mine.mean(axis=1)
        ]
        traces.append(curve(look, nominal, mine.mean(axis=1), said))
    texts = "Reliability of intervals", _CHANCE + scored.note
    figure = draw_chart(traces, texts, ("claimed", "covered"), template=template)
    figure.update_xaxes(range=[0, 1], dtick=0.2, tickformat=".0%")
    return figure.update_yaxes(range=[0, 1.02], tickformat=".0%")


def plot_coverage(
    result: Any,
    by: str = "horizon",
    coverage: float = 0.9,
    *,
    template: Any = None,
) -> go.Figure:
    """Plot what intervals cover by length of the gap, horizon, channel, ...

    Parameters
    ----------
    result : BacktestResult or DataFrame
        What a backtest returned, or its frame.
    by : str, default "horizon"
        A column of the frame: ``"gap_length"``, ``"distance"``, ``"channel"``, ...
        Integers other than horizons are binned by doubling: 1, 2-3, 4-7, ...
    coverage : float, default 0.9
        Of the central interval; both its ends are levels of the frame.
    template : str or plotly template, optional
        Replaces tsdiff's own, of which there is a light (default) and a "dark" one.

    Returns
    -------
    plotly.graph_objects.Figure
        With the areas of `plot_reliability`, group by group.

    Raises
    ------
    TypeError
        `result` is no frame and has none.
    ValueError
        There is no column `by`, or no quantiles for `coverage`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"model": "a", "horizon": [1, 2], "y": [1.0, 9.0]})
    >>> frame = frame.assign(**{"q-0.05": 0.0, "q-0.95": 2.0})
    >>> plot_coverage(frame).data[-1].y
    array([1., 0.])
    """
    scored = Scored.of(result)
    hits = scored.hits(coverage)
    labels, group = scored.groups(by)
    place = categories(labels)
    inside = np.stack([np.where(group == k, hits, np.nan) for k in range(len(labels))])
    traces = _chance_areas(scored, inside, np.full(len(labels), coverage), place)
    traces.append(guide(place, [coverage] * len(labels), ink(template)))
    for model, look in zip(scored.models, model_looks(scored.models), strict=True):
        mine = scored.owned(model)
        count = np.bincount(group[mine], minlength=len(labels))
        share = np.bincount(group[mine], hits[mine], len(labels)) / np.maximum(count, 1)
        said = [f"{100 * s:.1f} % of {n:,}" for s, n in zip(share, count, strict=True)]
        traces.append(curve(look, place, np.where(count, share, np.nan), said))
    title = f"Coverage of {100 * coverage:g} % intervals"
    axes = by.replace("_", " "), "covered"
    figure = draw_chart(traces, (title, _CHANCE + scored.note), axes, labels, template)
    return figure.update_yaxes(tickformat=".0%")


def _chance_areas(
    scored: Scored, hits: Array, nominal: Array, x: Array
) -> list[go.Scatter]:
    """Areas of chance for rows of hits, shape (L, n), NaN where a cell is no part."""
    block = scored.blocks()
    owned = [scored.owned(model) for model in scored.models]
    count, effect = np.ones((2, len(hits), len(owned)))
    for row, values in enumerate(hits):
        for column, mine in enumerate(owned):
            part = mine & ~np.isnan(values)
            count[row, column] = part.sum()
            if part.any():
                effect[row, column] = design_effect(values[part], block[part])
    n = count.mean(axis=1)
    weighed = n / effect.mean(axis=1)
    wide = chance_area(x, *binomial_bounds(nominal, weighed))
    return [wide, chance_area(x, *binomial_bounds(nominal, n))]
