"""The picture of filled gaps: what was seen, what is likely, how sure it is."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from tsdiff.bands import as_coverage
from tsdiff.plotting.looks import UNLISTED, Look, trace_looks
from tsdiff.plotting.menus import (
    MENU_HEIGHT,
    axis_name,
    channel_menu,
    rows_domains,
    series_menu,
)
from tsdiff.plotting.strips import Data, check_frame, cut_strip, strip_data
from tsdiff.plotting.style import ink, private, safe
from tsdiff.validation import listing

if TYPE_CHECKING:
    from tsdiff.draws import Draws

_MOST_CHANNELS = 8  # drawn unless asked for by name
_MOST_ROWS = 24  # over all series, unless asked for: a page holds them all
# Pixels: buttons, title and first row's name; time axis and legend; the axis alone.
_TOP, _BOTTOM, _TICKS = 106, 112, 44
_ROW, _ONLY_ROW, _SPACE = 170, 330, 34  # pixels: a row; the only one; between two


def plot_imputation(
    df: Any,
    draws: Draws,
    *,
    channels: Iterable[str] | None = None,
    series: Iterable[Hashable] | None = None,
    paths: int = 5,
    coverage: float | Iterable[float] = (0.5, 0.8, 0.95),
    template: Any = None,
) -> go.Figure:
    """Plot a frame with its gaps filled.

    Each channel has a row: observed points, and in the gaps the median, nested bands
    and some paths, which start from the observed neighbours. Menus choose a channel
    and, with several series, the series. Traces of more than 5,000 points are thinned
    so that every extreme stays.

    Parameters
    ----------
    df : DataFrame, Series, array or polars frame
        The data that were given to ``sample``. Values that `df` has and the model was
        not shown are drawn as open circles: the truth of a hold-out. If it is a pandas
        object, ``df.attrs["units"]``, a dict of channel to unit, labels the rows.
    draws : Draws
        What ``sample`` returned.
    channels : iterable of str, optional
        Names of the columns to draw; by default the first 8 that have gaps (the first
        8 if none has).
    series : iterable of hashable, optional
        Ids of the series to choose from; by default the first ones, as many as make
        24 rows in all.
    paths : int, default 5
        How many of the draws to show as lines.
    coverage : float or iterable of float, default (0.5, 0.8, 0.95)
        Of the bands.
    template : str or plotly template, optional
        Replaces tsdiff's own.

    Returns
    -------
    plotly.graph_objects.Figure
        Works offline and sends no data anywhere.

    Raises
    ------
    ValueError
        `df` is not what the draws were made for, a channel or series is unknown, or
        `paths` or a coverage is out of range.

    Examples
    --------
    >>> from tsdiff.draws import Draws
    >>> from tsdiff.panel.frame import to_panel
    >>> data = np.array([[1.0], [np.nan], [3.0]])
    >>> draws = Draws(to_panel(data), np.array([[1.5], [2.0], [4.0]]), np.array([1]))
    >>> plot_imputation(data, draws).layout.title.text
    '1 missing value filled'
    """
    given = check_frame(df, draws)
    bands = sorted(as_coverage(coverage).tolist(), reverse=True)
    if paths < 0:
        raise ValueError(f"paths is a number of draws, 0 or more; got {paths}.")
    n_paths = min(paths, len(draws))
    shown = _channels(draws, channels)
    most = max(_MOST_ROWS // len(shown), 2)
    chosen = _positions(draws.panel.ids, series, "series", most)
    data = [
        [
            strip_data(cut_strip(draws, given, one, channel), bands, n_paths)
            for channel in shown
        ]
        for one in chosen
    ]
    looks = [
        trace_looks(bands, n_paths, _size(strips), ink(template))
        for strips in zip(*data, strict=True)
    ]
    names = [draws.panel.channels[channel] for channel in shown]
    ids = [draws.panel.ids[one] for one in chosen]
    figure = _draw(looks, data, names, ids)
    _describe(figure, draws, bands, getattr(df, "attrs", {}).get("units", {}), names)
    return private(figure, template)


def _positions(
    known: Sequence[Any], asked: Iterable[Any] | None, what: str, most: int
) -> list[int]:
    """Find names among the known ones; the first ones if none are asked for."""
    if asked is None:
        return list(range(min(len(known), most)))
    names = [asked] if isinstance(asked, str) else list(asked)
    place = {name: position for position, name in enumerate(known)}
    unknown = [name for name in names if name not in place]
    if unknown or not names:
        raise ValueError(
            f"{what} {listing(map(repr, unknown)) or '[]'} cannot be drawn; there are "
            f"{listing(map(repr, known))}."
        )
    return [place[name] for name in dict.fromkeys(names)]


def _channels(draws: Draws, asked: Iterable[str] | None) -> list[int]:
    """Find the channels asked for; else the first ones that have gaps."""
    known = draws.panel.channels
    if asked is not None:
        return _positions(known, asked, "channels", len(known))
    filled = np.unique(draws.cells % len(known)).tolist()
    return (filled or list(range(len(known))))[:_MOST_CHANNELS]


def _size(strips: Sequence[list[Data]]) -> int:
    """Most points of any trace, over the series that share a look."""
    return max(len(arrays["x"]) for traces in strips for arrays in traces)


def _draw(
    looks: list[list[Look]],
    data: list[list[list[Data]]],
    names: list[str],
    ids: list[Hashable],
) -> go.Figure:
    """Draw the first series; leave out what no series and no channel has."""
    n_rows, n_looks = len(looks), len(looks[0])
    used = [
        k
        for k in range(n_looks)
        if any(len(strip[k]["x"]) for strips in data for strip in strips)
    ]
    place = [(row, k) for row in range(n_rows) for k in used]
    flat = [[strips[row][k] for row, k in place] for strips in data]
    entries = [looks[row][k]["name"] for row, k in place]
    traces = [
        go.Scatter(
            **looks[row][k],
            **arrays,
            xaxis="x",
            yaxis=axis_name(row),
            showlegend=entries[number] not in {*entries[:number], UNLISTED},
        )
        for number, ((row, k), arrays) in enumerate(zip(place, flat[0], strict=True))
    ]
    menus = [len(names) > 1, len(ids) > 1]
    top = _TOP + MENU_HEIGHT * sum(menus)
    body = _ONLY_ROW if n_rows == 1 else n_rows * _ROW + (n_rows - 1) * _SPACE
    domains = rows_domains(n_rows, _SPACE / body)
    figure = go.Figure(traces)
    figure.update_layout(
        height=top + body + _BOTTOM,
        margin={"t": top, "b": _BOTTOM, "l": 56, "r": 16},
        **_axes(domains),
    )
    owner = [row for row, _ in place]
    if menus[0]:
        figure.layout.updatemenus += (channel_menu(names, owner, entries, domains),)
    if menus[1]:
        figure.layout.updatemenus += (series_menu(ids, flat, above=menus[0]),)
    return figure


def _axes(domains: list[tuple[float, float]]) -> dict[str, Any]:
    """One time axis at the bottom, shared by all rows; a value axis for each row."""
    axes: dict[str, Any] = {
        axis_name(row, "yaxis"): {"domain": domain, "anchor": "x", "nticks": 6}
        for row, domain in enumerate(domains)
    }
    axes["xaxis"] = {"anchor": "free", "position": 0.0, "domain": (0.0, 1.0)}
    return axes


def _describe(
    figure: go.Figure,
    draws: Draws,
    bands: list[float],
    units: dict[str, str],
    names: list[str],
) -> None:
    """Write title, names of the rows and the legend."""
    n_cells = len(draws.cells)
    levels = ", ".join(f"{100 * share:g}" for share in reversed(bands))
    plural = "s" if n_cells != 1 else ""
    figure.update_layout(
        title={
            "text": f"{n_cells:,} missing value{plural} filled",
            "subtitle": {
                "text": f"median and {levels} % bands of {len(draws):,} draws"
            },
            "x": 0.0,
            "xref": "paper",
            "y": 1.0,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 30},
        },
        legend={
            "orientation": "h",
            "x": 0.0,
            "y": (_BOTTOM - _TICKS) / figure.layout.height,
            "yref": "container",
            "yanchor": "top",
            "traceorder": "normal",
            "itemwidth": 30,
        },
    )
    for row, name in enumerate(names):
        unit = f" ({safe(units[name])})" if name in units else ""
        figure.add_annotation(
            text=f"<b>{safe(name)}</b>{unit}",
            x=0.0,
            xref="paper",
            xanchor="left",
            y=1.0,
            yref=f"{axis_name(row)} domain",
            yanchor="bottom",
            showarrow=False,
        )
