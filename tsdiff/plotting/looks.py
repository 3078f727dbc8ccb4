"""Styles of the traces of a filled gap, in the order in which they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tsdiff.plotting.colors import BLUE, GREEN, ORANGE, band_color

Look = dict[str, Any]

#: Name of the traces that the legend leaves out: they draw nothing.
UNLISTED = "labels"
#: Name of values that the model was not shown.
HELD_OUT = "held out"
_MOST_MARKERS = 800  # of those in view: each is an element of the page
_CROWDED = 400  # points of a trace, from which on they are drawn small


def trace_looks(
    coverage: Sequence[float],
    n_paths: int,
    n_points: int,
    ink: str,
    truth: str = HELD_OUT,
) -> list[Look]:
    """Style each trace of one channel.

    Parameters
    ----------
    coverage : sequence of float
        Of the bands, widest first.
    n_paths : int
    n_points : int
        Points of a trace; many are drawn small.
    ink : str
        Colour of what was observed.
    truth : str, default "held out"
        Name of what the model was not shown.

    Returns
    -------
    list of dict
        Arguments of `plotly.graph_objects.Scatter`: bands, paths, median, observed,
        truth, labels.
    """
    size = 2.5 if n_points > _CROWDED else 4
    return [
        *(_band(place, share, ink) for place, share in enumerate(coverage)),
        *(_line("draws", 40, ORANGE, 0.7) | {"opacity": 0.45} for _ in range(n_paths)),
        _line("median", 20, BLUE, 1.8, size),
        _line("observed", 10, ink, 0.8, size),
        _line(truth, 50, GREEN, 1, size + 1)
        | {"mode": "markers", "marker_symbol": "circle-open"},
        _entry(UNLISTED, 60)
        | {
            "mode": "none",
            "hoveron": "points",
            "hovertemplate": "%{text}<extra></extra>",
            "hoverinfo": "text",
        },
    ]


def _entry(name: str, rank: int) -> Look:
    """Traces of one name are one entry of the legend."""
    return {"name": name, "legendgroup": name, "legendrank": rank}


def _line(
    name: str, rank: int, color: str, width: float, size: float | None = None
) -> Look:
    """Draw a line, with points if they have a size; the labels speak for it."""
    look: Look = {"mode": "lines", "line": {"color": color, "width": width}}
    if size is not None:
        look["mode"] = "lines+markers"
        look["marker"] = {"color": color, "size": size, "maxdisplayed": _MOST_MARKERS}
    return look | {"hoverinfo": "skip"} | _entry(name, rank)


def _band(place: int, share: float, ink: str) -> Look:
    """Fill a band; a narrower one lies on the wider ones."""
    color = band_color(place, ink)
    return _line(f"{100 * share:g} %", 35 - place, color, 0) | {
        "fill": "toself",
        "fillcolor": color,
    }
