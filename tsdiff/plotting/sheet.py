"""The sheet of a figure: rows above one time axis, margins, title, legend."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from tsdiff.plotting.menus import MENU_HEIGHT, axis_name, rows_domains
from tsdiff.plotting.style import safe

#: Pixels below the plot, for the labels of its axis.
TICKS = 44
# Pixels: buttons, title and first row's name; the legend; a line of the subtitle.
_TOP, _LEGEND, _LINE = 106, 68, 16
_ROW, _ONLY_ROW, _SPACE = 170, 330, 34  # pixels: a row; the only one; between two
_NARROW = 52  # characters of a subtitle that a phone shows on one line


def lay_out(
    figure: go.Figure,
    n_rows: int,
    n_menus: int = 0,
    below: int = TICKS + _LEGEND,
    n_lines: int = 1,
) -> list[tuple[float, float]]:
    """Give a figure its height, margins and axes.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Changed in place.
    n_rows : int
        One below the other, above one x axis.
    n_menus : int, default 0
        Above the rows.
    below : int, default 112
        Pixels below the rows, for labels of the axis, slider and legend.
    n_lines : int, default 1
        Of the subtitle.

    Returns
    -------
    list of (float, float)
        Bottom and top of each row as shares of the height.
    """
    top = _TOP + MENU_HEIGHT * n_menus + _LINE * (n_lines - 1)
    body = _ONLY_ROW if n_rows == 1 else n_rows * _ROW + (n_rows - 1) * _SPACE
    domains = rows_domains(n_rows, _SPACE / body)
    figure.update_layout(
        height=top + body + below,
        margin={"t": top, "b": below, "l": 56, "r": 16},
        xaxis={"anchor": "free", "position": 0.0, "domain": (0.0, 1.0)},
    )
    for row, domain in enumerate(domains):
        axis = {"domain": domain, "anchor": "x", "nticks": 6}
        figure.update_layout({axis_name(row, "yaxis"): axis})
    return domains


def describe(
    figure: go.Figure,
    title: str,
    subtitle: str,
    names: Iterable[str] = (),
    units: Mapping[str, str] | None = None,
    ticks: int = TICKS,
) -> None:
    """Write title, names of the rows and the legend into a figure.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        From `lay_out`, changed in place.
    title, subtitle : str
    names : iterable of str
        Of the rows.
    units : mapping of str to str, optional
        Of the rows that have one.
    ticks : int, default 44
        Pixels between the rows and the legend.
    """
    place: dict[str, Any] = {"x": 0.0, "xref": "paper"}
    over = {"y": 1.0, "yref": "container", "yanchor": "top", "pad": {"t": 30}}
    figure.update_layout(
        title={"text": title, "subtitle": {"text": subtitle}} | place | over,
        legend={
            "orientation": "h",
            "x": 0.0,
            "y": (figure.layout.margin.b - ticks) / figure.layout.height,
            "yref": "container",
            "yanchor": "top",
            "traceorder": "normal",
            "itemwidth": 30,
        },
    )
    for row, name in enumerate(names):
        unit = f" ({safe(units[name])})" if units and name in units else ""
        figure.add_annotation(
            text=f"<b>{safe(name)}</b>{unit}",
            xanchor="left",
            y=1.0,
            yref=f"{axis_name(row)} domain",
            yanchor="bottom",
            showarrow=False,
            **place,
        )


def folded(text: str) -> list[str]:
    """Fold a subtitle into lines that a phone shows whole.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Examples
    --------
    >>> folded("short")
    ['short']
    """
    return textwrap.wrap(text, _NARROW)


def legend_height(names: Sequence[str]) -> int:
    """Count the pixels that the legend takes on a phone, whose columns are alike.

    Parameters
    ----------
    names : sequence of str
        Entries.

    Returns
    -------
    int

    Examples
    --------
    >>> legend_height(["linear", "kalman"])
    43
    """
    width = 44 + 7 * max((len(str(name)) for name in names), default=0)
    columns = max(330 // width, 1)
    return 24 + 19 * -(-len(names) // columns)
