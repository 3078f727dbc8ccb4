"""The page of a figure: rows of channels one below the other, and their menus."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import plotly.graph_objects as go

from tsdiff.plotting.looks import HELD_OUT, UNLISTED, Look, trace_looks
from tsdiff.plotting.menus import axis_name, channel_menu, series_menu
from tsdiff.plotting.packed import Whole
from tsdiff.plotting.sheet import lay_out
from tsdiff.plotting.strips import Data, Strip, band_data, quantiles
from tsdiff.plotting.zooming import held
from tsdiff.validation import listing

#: Channels drawn unless asked for by name.
MOST_CHANNELS = 8
_MOST_ROWS = 24  # over all series, unless asked for: a page holds them all


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
    strips: list[list[Strip]],
    bands: Sequence[float],
    n_paths: int,
    names: list[str],
    ids: list[Hashable],
    color: str,
    truth: str = HELD_OUT,
) -> go.Figure:
    """Draw the first series; leave out what no series and no channel has.

    Parameters
    ----------
    strips : list over series of lists over rows of Strip
    bands : sequence of float
        Coverage, widest first.
    n_paths : int
    names : list of str
        Of the rows.
    ids : list of hashable
        Of the series.
    color : str
        Of what was observed.
    truth : str, default "held out"
        What the values are called that the model was not shown.

    Returns
    -------
    plotly.graph_objects.Figure
        With menus, without title and legend. If it is thinned, it holds all points.
    """
    numbers = [[quantiles(strip, bands) for strip in row] for row in strips]
    data = [
        [
            band_data(strip, bands, known, n_paths, truth)
            for strip, known in zip(*rows, strict=True)
        ]
        for rows in zip(strips, numbers, strict=True)
    ]
    looks = [
        trace_looks(bands, n_paths, most_points(drawn), color, truth)
        for drawn in zip(*data, strict=True)
    ]
    menu = int(len(names) > 1) if len(ids) > 1 else None
    whole = Whole(strips, numbers, bands, n_paths, truth, menu)
    return _figure(looks, data, names, ids, whole)


def _figure(
    looks: list[list[Look]],
    data: list[list[list[Data]]],
    names: list[str],
    ids: list[Hashable],
    whole: Whole,
) -> go.Figure:
    """Draw traces, by their looks and arrays, and the menus."""
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
            uid=f"r{row}t{k}",
            xaxis="x",
            yaxis=axis_name(row),
            showlegend=entries[number] not in {*entries[:number], UNLISTED},
        )
        for number, ((row, k), arrays) in enumerate(zip(place, flat[0], strict=True))
    ]
    menus = [len(names) > 1, len(ids) > 1]
    figure = held(traces, whole)
    domains = lay_out(figure, n_rows, sum(menus))
    owner = [row for row, _ in place]
    if menus[0]:
        figure.layout.updatemenus += (channel_menu(names, owner, entries, domains),)
    if menus[1]:
        figure.layout.updatemenus += (series_menu(ids, flat, above=menus[0]),)
    return figure


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
