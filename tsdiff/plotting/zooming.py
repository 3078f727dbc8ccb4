"""Figures whose pages hold all points, and thin them to what is on screen."""

from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio
from plotly.io.base_renderers import BrowserRenderer

from tsdiff.plotting.packed import Whole
from tsdiff.plotting.thinning import SCRIPT


class ThinnedFigure(go.Figure):
    """A figure that shows some of its points; zooming in a page of it shows them all.

    Pages are what `to_html` and `write_html` make, and what `show` opens in a browser.
    Everything else (notebooks, images, JSON, copies and pickles of the figure) has the
    points that are drawn at first. ``plotly.graph_objects.Figure(figure)`` is the
    figure without the others, for small pages.
    """

    _whole: Whole | None = None

    def to_html(self, *args: Any, **kwargs: Any) -> str:
        """Write a page, as plotly does, with all points in it."""
        page: str = super().to_html(*args, **self._with_script(kwargs))
        return page

    def write_html(self, *args: Any, **kwargs: Any) -> None:
        """Write a page to a file, as plotly does, with all points in it."""
        super().write_html(*args, **self._with_script(kwargs))

    def show(self, *args: Any, **kwargs: Any) -> None:
        """Show it, as plotly does; in a browser with all points in it."""
        names = (args or (kwargs.get("renderer"),))[0] or pio.renderers.default
        known = [pio.renderers[name] for name in names.split("+")] if names else []
        if known and all(isinstance(one, BrowserRenderer) for one in known):
            kwargs = self._with_script(kwargs)
        super().show(*args, **kwargs)

    def _with_script(self, options: dict[str, Any]) -> dict[str, Any]:
        """Add the points and what draws them to plotly's options of a page."""
        whole = all_points(self)
        if whole is None:
            return options
        given = options.get("post_script") or []
        scripts = [given] if isinstance(given, str) else list(given)
        place = "document.getElementById('{plot_id}')"
        mine = f"{SCRIPT}\nthinToScreen({place}, {harmless(whole)});"
        return options | {"post_script": [*scripts, mine]}


def held(traces: list[go.Scatter], whole: Whole) -> go.Figure:
    """Make a figure of traces, which holds all points if they are thinned."""
    if not whole.is_thinned():
        return go.Figure(traces)
    figure = ThinnedFigure(traces)
    figure._whole = whole
    return figure


def all_points(figure: go.Figure) -> dict[str, Any] | None:
    """Pack all points of a figure for its page; None if it shows them already.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure

    Returns
    -------
    dict or None
    """
    whole = getattr(figure, "_whole", None)
    return None if whole is None else whole.packed()


def harmless(value: Any) -> str:
    r"""Write JSON that no markup can break out of.

    Parameters
    ----------
    value : object

    Returns
    -------
    str

    Examples
    --------
    >>> harmless({"a": "</script>"})
    '{"a":"\\u003c/script\\u003e"}'
    """
    written = json.dumps(value, separators=(",", ":"))
    for sign in "<>&":
        written = written.replace(sign, f"\\u{ord(sign):04x}")
    return written
