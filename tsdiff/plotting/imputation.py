"""The picture of filled gaps: what was seen, what is likely, how sure it is."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from tsdiff.bands import as_coverage
from tsdiff.plotting.menus import channel_menu, series_menu
from tsdiff.plotting.strips import check_frame, cut_strip, strip_data
from tsdiff.plotting.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    number_format,
    private,
    safe,
)

if TYPE_CHECKING:
    from tsdiff.draws import Draws

Trace = dict[str, Any]

_MOST_CHANNELS = 8  # shown unless asked for by name
_MOST_SERIES = 12
_TOP, _BOTTOM, _MENU = 76, 96, 44  # pixels: title; time axis and legend; menus
_ROW, _SINGLE, _SPACE = 190, 340, 34  # pixels: height of a row; space between two


@dataclass(frozen=True)
class _Choice:
    """What is drawn: positions in the panel, bands from the widest to the narrowest."""

    series: list[int]
    channels: list[int]
    coverage: list[float]
    n_paths: int


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
        not shown are drawn as open circles: the truth of a hold-out.
    draws : Draws
        What ``sample`` returned.
    channels : iterable of str, optional
        Names of the columns to draw; by default the first 8 that have gaps (the first
        8 if none has).
    series : iterable of hashable, optional
        Ids of the series to choose from; the first 12 by default.
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
        `df` is not what the draws were made for, or a channel or series is unknown.

    Examples
    --------
    >>> from tsdiff.draws import Draws
    >>> from tsdiff.panel.frame import to_panel
    >>> data = np.array([[1.0], [np.nan], [3.0]])
    >>> draws = Draws(to_panel(data), np.array([[1.5], [2.0], [4.0]]), np.array([1]))
    >>> figure = plot_imputation(data, draws)
    >>> figure.layout.title.text
    '1 missing value filled'
    """
    given = check_frame(df, draws)
    shares = sorted(as_coverage(coverage).tolist(), reverse=True)
    choice = _Choice(
        _positions(draws.panel.ids, series, "series", _MOST_SERIES),
        _choose_channels(draws, channels),
        shares,
        _check_paths(paths, len(draws)),
    )
    data = {
        one: [
            strip_data(cut_strip(draws, given, one, channel), shares, choice.n_paths)
            for channel in choice.channels
        ]
        for one in choice.series
    }
    figure = go.Figure(_traces(draws, choice, given, data[choice.series[0]]))
    _lay_out(figure, draws, choice)
    _add_menus(figure, draws, choice, data)
    return private(figure, template)


def _check_paths(paths: int, n_samples: int) -> int:
    if isinstance(paths, bool) or not isinstance(paths, int | np.integer) or paths < 0:
        raise ValueError(f"paths is a number of draws, 0 or more; got {paths!r}.")
    return min(int(paths), n_samples)


def _positions(
    known: Sequence[Any], asked: Iterable[Any] | None, what: str, most: int
) -> list[int]:
    """Where the names asked for stand among the known ones."""
    if asked is None:
        return list(range(min(len(known), most)))
    place = {name: position for position, name in enumerate(known)}
    names = [asked] if isinstance(asked, str) else list(asked)
    unknown = [name for name in names if name not in place]
    if unknown or not names:
        found = ", ".join(repr(name) for name in known[:5])
        raise ValueError(
            f"{what}={names!r} holds no known name; there are {len(known)}: {found}"
            f"{', ...' if len(known) > 5 else ''}."
            if not unknown
            else f"Unknown {what} {unknown[0]!r}; there are {len(known)}: {found}"
            f"{', ...' if len(known) > 5 else ''}."
        )
    return [place[name] for name in dict.fromkeys(names)]


def _choose_channels(draws: Draws, asked: Iterable[str] | None) -> list[int]:
    """Those asked for; else the first ones that have gaps."""
    known = draws.panel.channels
    if asked is not None:
        return _positions(known, asked, "channels", len(known))
    filled = np.unique(draws.cells % len(known)).tolist()
    return (filled or list(range(len(known))))[:_MOST_CHANNELS]


def _traces(
    draws: Draws, choice: _Choice, given: np.ndarray, data: list[list[Trace]]
) -> list[go.Scatter]:
    """One trace for each array of each channel, in the order of `strip_data`."""
    traces = []
    for row, channel in enumerate(choice.channels):
        digits = number_format(given[:, channel])
        looks = _looks(choice, digits, dense=len(data[row][-3]["x"]) > 400)
        axis = {"yaxis": "y" if row == 0 else f"y{row + 1}", "xaxis": "x"}
        for look, arrays in zip(looks, data[row], strict=True):
            first = look.pop("in_legend") and row == 0
            traces.append(go.Scatter(**look, **arrays, **axis, showlegend=first))
    return traces


def _looks(choice: _Choice, digits: str, dense: bool) -> list[Trace]:
    """Styles of a channel's traces, in the order of `strip_data`."""
    line = {"mode": "lines", "hoverinfo": "skip", "legendgroup": "median"}
    size = 2.5 if dense else 5
    looks = [
        {
            "name": f"{100 * share:g} % band",
            "mode": "lines",
            "fill": "toself",
            "fillcolor": _shade(place, len(choice.coverage)),
            "line": {"width": 0},
            "hoverinfo": "skip",
            "legendgroup": f"band {share:g}",
            "legendrank": 30 - place,
            "in_legend": True,
        }
        for place, share in enumerate(choice.coverage)
    ]
    looks += [
        {
            "name": "draws",
            "mode": "lines",
            "line": {"color": ORANGE, "width": 0.8},
            "opacity": 0.55,
            "hoverinfo": "skip",
            "legendgroup": "draws",
            "legendrank": 40,
            "in_legend": number == 0,
        }
        for number in range(choice.n_paths)
    ]
    looks.append(
        line
        | {
            "name": "median",
            "line": {"color": BLUE, "width": 1.8},
            "legendrank": 20,
            "in_legend": True,
        }
    )
    looks.append(
        {
            "name": "observed",
            "mode": "lines+markers",
            "line": {"color": INK, "width": 1},
            "marker": {"color": INK, "size": size},
            "hovertemplate": f"observed <b>%{{y:{digits}}}</b><extra></extra>",
            "legendgroup": "observed",
            "legendrank": 10,
            "in_legend": True,
        }
    )
    looks.append(
        {
            "name": "median",
            "mode": "markers",
            "marker": {"color": BLUE, "size": size},
            "hovertemplate": _label(choice.coverage, digits),
            "legendgroup": "median",
            "in_legend": False,
        }
    )
    looks.append(
        {
            "name": "held-out truth",
            "mode": "markers",
            "marker": {"color": GREEN, "size": size + 1, "symbol": "circle-open"},
            "hovertemplate": f"held out <b>%{{y:{digits}}}</b><extra></extra>",
            "legendgroup": "truth",
            "legendrank": 50,
            "in_legend": True,
        }
    )
    return looks


def _shade(place: int, n_bands: int) -> str:
    """Blue that adds up: the narrowest band lies on the wider ones."""
    return f"rgba(0, 114, 178, {0.13 + 0.09 * place / max(n_bands - 1, 1):.3f})"


def _label(coverage: Sequence[float], digits: str) -> str:
    """Hover text of an answer: the median, then the bands from the narrowest."""
    text = f"median <b>%{{y:{digits}}}</b>"
    for place in reversed(range(len(coverage))):
        low, high = 2 * place, 2 * place + 1
        text += (
            f"<br>{100 * coverage[place]:g} % %{{customdata[{low}]:{digits}}} to "
            f"%{{customdata[{high}]:{digits}}}"
        )
    return text + "<extra></extra>"
