"""The picture of a backtest: what each model said, fold by fold, and what came."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import chain
from typing import Any

import plotly.graph_objects as go

from tsdiff.bands import as_coverage
from tsdiff.plotting.chart import model_looks
from tsdiff.plotting.colors import sheer
from tsdiff.plotting.controls import (
    SLIDER_HEIGHT,
    owners_menu,
    rows_menu,
    slided_series_menu,
    slider,
)
from tsdiff.plotting.folds import TRUTH, Folds
from tsdiff.plotting.looks import Look, trace_looks
from tsdiff.plotting.menus import axis_name
from tsdiff.plotting.page import MOST_CHANNELS, chosen_series, most_points, positions
from tsdiff.plotting.scored import Scored
from tsdiff.plotting.sheet import TICKS, describe, folded, lay_out, legend_height
from tsdiff.plotting.style import ink, private


def plot_backtest(
    result: Any,
    data: Any = None,
    *,
    channels: Iterable[str] | None = None,
    series: Iterable[Hashable] | None = None,
    coverage: float | Iterable[float] = 0.9,
    template: Any = None,
) -> go.Figure:
    """Plot what models answered in a backtest, with a slider over cutoffs or repeats.

    Each channel has a row: truth, and median and bands of each model. Menus choose a
    channel, a model and, with several series, the series; choosing a series goes back
    to its first fold. Up to 24 folds, evenly spread, are on the slider.

    Parameters
    ----------
    result : BacktestResult or DataFrame
        What a backtest returned, or its frame: columns ``unique_id``, ``ds``,
        ``channel``, ``cutoff`` or ``repeat``, ``model``, ``y`` and quantiles.
    data : DataFrame, Series, array or polars frame, optional
        What the backtest was run on, drawn around the scored cells: three horizons
        before a forecast; the whole series around hidden cells.
    channels : iterable of str, optional
        Names of the channels to draw; by default the first 8.
    series : iterable of hashable, optional
        Ids of the series to choose from; by default the first ones, as many as make
        24 rows in all.
    coverage : float or iterable of float, default 0.9
        Of the bands; their ends and the median are levels of the frame.
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
        A column, channel, series or level is missing, or `data` lacks scored rows.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"model": "a", "ds": [3, 4], "cutoff": 2, "y": [1.0, 9.0]})
    >>> frame = frame.assign(**{"q-0.05": 0.0, "q-0.5": 1.0, "q-0.95": 2.0})
    >>> plot_backtest(frame).layout.title.text
    'Backtest: 1 model, 1 cutoff'
    """
    scored = Scored.of(result)
    bands = sorted(as_coverage(coverage).tolist(), reverse=True)
    folds = Folds.of(scored, data, bands)
    rows = positions(folds.channels, channels, "channels", MOST_CHANNELS)
    chosen = chosen_series(folds.ids, series, len(rows))
    names = [folds.channels[row] for row in rows]
    ids = [folds.ids[one] for one in chosen]
    limit = folds.limit(len(ids) * len(names))
    drawn = [
        [
            [folds.draw(one, fold, name, bands, limit) for name in names]
            for fold in folds.folds
        ]
        for one in ids
    ]
    longest = max(most_points(strips) for one in drawn for strips in one)
    looks = _looks(scored.models, bands, longest, ink(template))
    frames = [[list(chain(*strips)) for strips in one] for one in drawn]
    figure = _figure(looks, frames, folds, names, ids)
    n_models, n_folds = len(scored.models), folds.n_folds
    title = f"Backtest: {n_models} model{'s'[: n_models > 1]}, {n_folds} {folds.kind}"
    levels = ", ".join(f"{100 * share:g}" for share in reversed(bands))
    note = f"Median and {levels} % band of each model.{scored.note}"
    if n_folds > len(folds.folds):
        note += f" {len(folds.folds)} of the {folds.kind}s are shown."
    lines = folded(note)
    describe(
        figure,
        title + "s"[: n_folds > 1],
        "<br>".join(lines),
        [str(name) for name in names],
        ticks=TICKS + SLIDER_HEIGHT,
    )
    return private(figure, template)


def _looks(
    models: list[Any], bands: list[float], n_points: int, color: str
) -> list[tuple[Look, int | None]]:
    """Look and owner of each trace of a row, in the order of `Folds.draw`."""
    *mine, observed, truth, labels = trace_looks(bands, 0, n_points, color, TRUTH)
    observed |= {"hoverinfo": "y"}
    truth |= {"marker": truth["marker"] | {"color": color}}
    looks: list[tuple[Look, int | None]] = [(observed, None)]
    for owner, look in enumerate(model_looks(models)):
        name = {"name": look["name"], "legendgroup": look["legendgroup"]}
        for place, band in enumerate(mine[:-1]):
            fill = sheer(look["line"]["color"], place)
            looks.append(
                (band | name | {"fillcolor": fill, "showlegend": False}, owner)
            )
        marker = mine[-1]["marker"] | {
            key: look["marker"][key] for key in ("color", "symbol")
        }
        looks.append(
            (mine[-1] | name | {"line": look["line"], "marker": marker}, owner)
        )
        said = {"hovertemplate": "%{text}", "showlegend": False}
        looks.append((labels | name | said, owner))
    return [*looks, (truth, None)]


def _figure(
    looks: list[tuple[Look, int | None]],
    frames: list[list[list[dict[str, Any]]]],
    folds: Folds,
    names: list[Any],
    ids: list[Any],
) -> go.Figure:
    """Draw the first fold of the first series, and the controls for the others."""
    place = [(row, *look) for row in range(len(names)) for look in looks]
    traces = [
        go.Scatter(
            look | arrays,
            yaxis=axis_name(row),
            showlegend=row == 0 and look.get("showlegend", True),
        )
        for (row, look, _), arrays in zip(place, frames[0][0], strict=True)
    ]
    models, labels = folds.scored.models, folds.labels()
    many = [len(names) > 1, len(models) > 1, len(ids) > 1]
    figure = go.Figure(traces)
    entries = ["observed", TRUTH, *map(str, models)]
    below = TICKS + SLIDER_HEIGHT + legend_height(entries)
    domains = lay_out(figure, len(names), sum(many), below)
    menus = []
    if many[0]:
        menus.append(rows_menu([str(name) for name in names], domains))
    if many[1]:
        owners = [owner for _, _, owner in place]
        menus.append(owners_menu("All models", models, owners, len(menus)))
    if many[2]:
        menus.append(slided_series_menu(ids, labels, frames, len(menus)))
    figure.update_layout(
        updatemenus=menus,
        sliders=[slider(labels, frames[0], f"{folds.kind} ", TICKS - 8)],
    )
    return figure
