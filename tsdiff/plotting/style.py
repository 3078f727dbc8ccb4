"""The look of tsdiff's figures: template, safe names, readable numbers."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from tsdiff.plotting.colors import INK

_FONT = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
)
# Ground, ground of labels, grid, lines, text.
_LIGHT = "white", "rgba(255,255,255,0.94)", "#ececec", "#c4c4c4", INK
_DARK = "#15181c", "rgba(30,34,40,0.94)", "#2a2f36", "#59616b", "#e4e7eb"
_LONGEST_NAME = 40  # characters; a longer one is cut in titles and menus


def default_template(dark: bool = False) -> go.layout.Template:
    """Plain ground, thin grey grid, one shared hover label per time.

    Parameters
    ----------
    dark : bool, default False

    Returns
    -------
    plotly.graph_objects.layout.Template

    Examples
    --------
    >>> default_template().layout.paper_bgcolor
    'white'
    """
    ground, label, grid, line, text = _DARK if dark else _LIGHT
    axis = {
        "gridcolor": grid,
        "linecolor": line,
        "showline": True,
        "tickcolor": line,
        "ticks": "outside",
        "ticklen": 4,
        "zeroline": False,
    }
    spike = {
        "showspikes": True,
        "spikemode": "across",
        "spikethickness": 1,
        "spikedash": "solid",
        "spikecolor": line,
    }
    return go.layout.Template(
        layout={
            "paper_bgcolor": ground,
            "plot_bgcolor": ground,
            "font": {"family": _FONT, "size": 12, "color": text},
            "title": {"font": {"size": 17}},
            "hoverlabel": {"bgcolor": label, "bordercolor": line},
            "hovermode": "x unified",
            "xaxis": axis | spike,
            "yaxis": axis,
        }
    )


def as_template(template: Any = None) -> Any:
    """Tsdiff's own template if none or "dark" is asked for, else the caller's.

    Parameters
    ----------
    template : str or plotly template, optional

    Returns
    -------
    str or plotly.graph_objects.layout.Template
    """
    if template is None or template == "dark":
        return default_template(dark=template is not None)
    return template


def private(figure: go.Figure, template: Any = None) -> go.Figure:
    """Apply a template and take the button away that would upload the figure's data.

    Plotly 7 shows "Share chart", which sends the data to a server, by default. The
    setting is kept in the figure, so that it also holds for saved HTML.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        Changed in place.
    template : str or plotly template, optional
        From `as_template`.

    Returns
    -------
    plotly.graph_objects.Figure
        The same figure.

    Examples
    --------
    >>> private(go.Figure()).layout.modebar.remove
    ('sendChartToCloud', 'select2d', 'lasso2d')
    """
    remove = ["sendChartToCloud", "select2d", "lasso2d"]
    figure.update_layout(
        template=as_template(template),
        modebar_remove=remove,
    )
    return figure


def safe(name: object, longest: int = _LONGEST_NAME) -> str:
    """Make a name harmless where plotly reads markup, templates or formulas.

    Parameters
    ----------
    name : object
        Column name or series id, from anywhere.
    longest : int, default 40
        Longer names are cut.

    Returns
    -------
    str
        Shows as the name itself, on one line.

    Examples
    --------
    >>> safe("<b>CO2</b> %{y} $x$")
    '&lt;b&gt;CO2&lt;/b&gt; &#37;{y} &#36;x&#36;'
    """
    text = " ".join(str(name).split()) or "(no name)"
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    text = html.escape(text, quote=False)
    return text.replace("%", "&#37;").replace("$", "&#36;")


def ink(template: Any = None) -> str:
    """Colour of observed data that can be seen on a template's ground.

    Parameters
    ----------
    template : str or plotly template, optional

    Returns
    -------
    str
        The colour of the template's text; near black for tsdiff's own.

    Examples
    --------
    >>> ink(), ink("plotly_dark")
    ('#333333', '#f2f5fa')
    """
    figure = go.Figure(layout={"template": as_template(template)})
    return figure.layout.template.layout.font.color or INK


def decimals(values: NDArray[np.float64]) -> int | None:
    """Count the decimals to write: all of data with few, else 5 digits of their range.

    Parameters
    ----------
    values : ndarray
        NaN is ignored.

    Returns
    -------
    int or None
        None for extreme scales, to be written with powers of ten.

    Examples
    --------
    >>> decimals(np.array([100.25, 180.0])), decimals(np.array([1e-9, 2e-9]))
    (2, None)
    """
    finite = values[np.isfinite(values)]
    largest = np.abs(finite).max(initial=0)
    spread = max(np.ptp(finite), largest * 1e-2) if finite.size else 1.0
    if not 1e-6 < spread < 1e9 or largest > 1e12:
        return None
    few = max(0, 2 - int(np.floor(np.log10(spread))))
    exact = (d for d in range(few, few + 4) if (finite == finite.round(d)).all())
    return next(exact, few + 2)


def written(values: Iterable[float], digits: int | None) -> list[str]:
    """Write numbers for people.

    Parameters
    ----------
    values : iterable of float
    digits : int or None
        From `decimals`.

    Returns
    -------
    list of str

    Examples
    --------
    >>> written([-1234.5], 2), written([1.5e-9], None)
    (['-1,234.50'], ['1.5e-09'])
    """
    form = ".6g" if digits is None else f",.{digits}f"
    return [format(value, form) for value in values]
