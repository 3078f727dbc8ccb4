"""The page of a figure: rows of channels one below the other, menus, title, legend."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import plotly.graph_objects as go

from tsdiff.plotting.looks import UNLISTED, Look
from tsdiff.plotting.menus import (
    MENU_HEIGHT,
    axis_name,
    channel_menu,
    rows_domains,
    series_menu,
)
from tsdiff.plotting.strips import Data
from tsdiff.plotting.style import safe
from tsdiff.validation import listing

#: Channels drawn unless asked for by name.
MOST_CHANNELS = 8
_MOST_ROWS = 24  # over all series, unless asked for: a page holds them all
# Pixels: buttons, title and first row's name; time axis and legend; the axis alone.
_TOP, _BOTTOM, _TICKS = 106, 112, 44
_ROW, _ONLY_ROW, _SPACE = 170, 330, 34  # pixels: a row; the only one; between two


def positions(
    known: Sequence[Any], asked: Iterable[Any] | None, what: str, most: int
) -> list[int]:
    """Find names among the known ones; the first ones if none are asked for.

    Parameters
    ----------
    known : sequence
    asked : iterable or str, optional
    what : {"channels", "series"}
        For the message.
    most : int
        How many, if none are asked for.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If a name is unknown, or no name is given.

    Examples
    --------
    >>> positions(("a", "b", "c"), ["c", "a"], "channels", 8)
    [2, 0]
    """
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


def chosen_series(
    known: Sequence[Hashable], asked: Iterable[Hashable] | None, n_channels: int
) -> list[int]:
    """Find the series asked for; else the first ones, as many as a page holds.

    Parameters
    ----------
    known : sequence of hashable
    asked : iterable of hashable, optional
    n_channels : int
        Rows that each of them takes.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If a series is unknown.

    Examples
    --------
    >>> len(chosen_series(range(100), None, 3))
    8
    """
    return positions(known, asked, "series", max(_MOST_ROWS // n_channels, 2))


def check_paths(paths: int, n_draws: int) -> int:
    """Check how many draws to show as lines.

    Parameters
    ----------
    paths, n_draws : int

    Returns
    -------
    int
        No more than there are.

    Raises
    ------
    ValueError
        If it is below 0.

    Examples
    --------
    >>> check_paths(5, 3)
    3
    """
    if paths < 0:
        raise ValueError(f"paths is a number of draws, 0 or more; got {paths}.")
    return min(paths, n_draws)


def most_points(strips: Sequence[list[Data]]) -> int:
    """Count the points of the longest trace, over the series that share a look."""
    return max(len(arrays["x"]) for traces in strips for arrays in traces)


def draw_page(
    looks: list[list[Look]],
    data: list[list[list[Data]]],
    names: list[str],
    ids: list[Hashable],
) -> go.Figure:
    """Draw the first series; leave out what no series and no channel has.

    Parameters
    ----------
    looks : list over rows of lists over traces
    data : list over series of lists over rows of lists over traces
        Arrays of `tsdiff.plotting.strips.strip_data`.
    names : list of str
        Of the rows.
    ids : list of hashable
        Of the series.

    Returns
    -------
    plotly.graph_objects.Figure
        With menus, without title and legend.
    """
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


def describe(
    figure: go.Figure,
    title: str,
    subtitle: str,
    names: list[str],
    units: dict[str, str],
) -> None:
    """Write title, names of the rows and the legend into a figure.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        From `draw_page`, changed in place.
    title, subtitle : str
    names : list of str
        Of the rows.
    units : dict of str to str
        Of the rows that have one.
    """
    figure.update_layout(
        title={
            "text": title,
            "subtitle": {"text": subtitle},
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


def summary(n_draws: int, bands: Sequence[float]) -> str:
    """Say what is drawn, for the subtitle.

    Parameters
    ----------
    n_draws : int
    bands : sequence of float
        Coverage, widest first.

    Returns
    -------
    str

    Examples
    --------
    >>> summary(1000, [0.95, 0.5])
    'median and 50, 95 % bands of 1,000 draws'
    """
    levels = ", ".join(f"{100 * share:g}" for share in reversed(bands))
    return f"median and {levels} % bands of {n_draws:,} draws"
