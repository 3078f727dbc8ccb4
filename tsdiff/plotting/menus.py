"""Menus of a figure: one chooses a channel, another exchanges the series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.plotting.colors import INK
from tsdiff.plotting.looks import UNLISTED
from tsdiff.plotting.style import safe

Menu = dict[str, Any]

# A hidden row still catches the mouse where it lies: less than a pixel is left of it.
_AWAY = (0.0, 0.001)
_LONGEST = 30  # characters of a menu's entry, so that it fits on a phone
MENU_HEIGHT = 42  # pixels, with the space below


def rows_domains(n_rows: int, space: float) -> list[tuple[float, float]]:
    """Share the height among rows, the first one on top.

    Parameters
    ----------
    n_rows : int
    space : float
        Between two rows, as a share of the height.

    Returns
    -------
    list of (float, float)
        Bottom and top of each row.

    Examples
    --------
    >>> rows_domains(2, 0.2)
    [(0.6, 1.0), (0.0, 0.4)]
    """
    height = (1 - space * (n_rows - 1)) / n_rows
    tops = [1 - row * (height + space) for row in range(n_rows)]
    return [(round(max(top - height, 0.0), 6), round(top, 6)) for top in tops]


def channel_menu(
    names: Sequence[str],
    rows: Sequence[int],
    entries: Sequence[str],
    domains: Sequence[tuple[float, float]],
) -> Menu:
    """Build the menu that shows all channels or one of them at full height.

    Parameters
    ----------
    names : sequence of str of length n_rows
        Channels, as they came.
    rows : sequence of int
        Row of each trace.
    entries : sequence of str
        Name of each trace; one of each stands in the legend, `UNLISTED` excepted.
    domains : sequence of (float, float)
        From `rows_domains`.

    Returns
    -------
    dict
        An entry of ``layout.updatemenus``.
    """
    everything = range(len(names))
    buttons = [_button("All channels", everything, rows, entries, domains)]
    buttons += [
        _button(name, [row], rows, entries, [(0.0, 1.0)])
        for row, name in enumerate(names)
    ]
    return place_menu(buttons, above=0)


def _button(
    label: str,
    shown: Sequence[int],
    rows: Sequence[int],
    entries: Sequence[str],
    domains: Sequence[tuple[float, float]],
) -> Menu:
    """Show some rows, hide the others with their axes and titles."""
    visible = [row in shown for row in rows]
    seen: set[str] = set()
    legend = []
    for entry, on in zip(entries, visible, strict=True):
        legend.append(on and entry not in {*seen, UNLISTED})
        seen |= {entry} if on else set()
    layout = shown_rows(shown, max(rows) + 1, domains)
    return {
        "label": safe(label, _LONGEST),
        "method": "update",
        "args": [{"visible": visible, "showlegend": legend}, layout],
    }


def shown_rows(
    shown: Sequence[int], n_rows: int, domains: Sequence[tuple[float, float]]
) -> Menu:
    """List the changes of the layout that show some rows and hide the others.

    Parameters
    ----------
    shown : sequence of int
    n_rows : int
    domains : sequence of (float, float)
        Bottom and top of each row shown.

    Returns
    -------
    dict
        Axes and titles of the rows.
    """
    layout: Menu = {}
    place = dict(zip(shown, domains, strict=True))
    for row in range(n_rows):
        axis = axis_name(row, "yaxis")
        layout[f"{axis}.visible"] = row in shown
        layout[f"{axis}.domain"] = place.get(row, _AWAY)
        layout[f"annotations[{row}].visible"] = row in shown
    return layout


def series_menu(ids: Sequence[Any], data: Sequence[Sequence[Menu]], above: int) -> Menu:
    """Build the menu that puts another series' arrays into the traces.

    Parameters
    ----------
    ids : sequence of length n_series
        Ids of the series.
    data : sequence of sequences of dict
        For each series the arrays of every trace, from
        `tsdiff.plotting.strips.band_data`.
    above : int
        How many menus stand below.

    Returns
    -------
    dict
        An entry of ``layout.updatemenus``.
    """
    buttons = [
        {
            "label": safe(name, _LONGEST),
            "method": "restyle",
            "args": [exchanged(traces), list(range(len(traces)))],
        }
        for name, traces in zip(ids, data, strict=True)
    ]
    return place_menu(buttons, above)


def exchanged(traces: Sequence[Menu]) -> Menu:
    """Take the arrays of every trace as a button puts them in.

    Parameters
    ----------
    traces : sequence of dict
        ``x``, ``y`` and perhaps ``text`` of every trace.

    Returns
    -------
    dict
    """
    return {
        key: [_plain(arrays.get(key)) for arrays in traces]
        for key in ("x", "y", "text")
    }


def _plain(array: NDArray | None) -> list | None:
    """Turn an array into what JSON holds; a missing number is null."""
    if array is None:
        return None
    plain = array.astype(object)
    if array.dtype.kind == "f":
        plain[np.isnan(array)] = None
    return plain.tolist()


def place_menu(buttons: list[Menu], above: int) -> Menu:
    """Put a menu over the plot, above the name of the first row and other menus.

    Parameters
    ----------
    buttons : list of dict
    above : int
        How many menus stand below.

    Returns
    -------
    dict
        An entry of ``layout.updatemenus``.
    """
    return {
        "buttons": buttons,
        "type": "dropdown",
        "showactive": True,
        "x": 0.0,
        "xanchor": "left",
        "y": 1.0,
        "yanchor": "bottom",
        "pad": {"b": 26 + above * MENU_HEIGHT, "t": 0, "l": 0, "r": 0},
        "bgcolor": "white",
        "bordercolor": "#c4c4c4",
        "font": {"size": 12, "color": INK},
    }


def axis_name(row: int, kind: str = "y") -> str:
    """Name the axis of a row as plotly does: y, y2, y3, ...

    Parameters
    ----------
    row : int
        From 0.
    kind : {"y", "yaxis"}

    Returns
    -------
    str

    Examples
    --------
    >>> axis_name(0), axis_name(1, "yaxis")
    ('y', 'yaxis2')
    """
    return kind if row == 0 else f"{kind}{row + 1}"
