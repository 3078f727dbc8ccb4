"""The picture of filled gaps: what was seen, what is likely, how sure it is."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from tsdiff.bands import as_coverage
from tsdiff.plotting.page import (
    MOST_CHANNELS,
    check_paths,
    chosen_series,
    draw_page,
    positions,
    summary,
)
from tsdiff.plotting.sheet import describe
from tsdiff.plotting.strips import check_frame, cut_strip
from tsdiff.plotting.style import ink, private

if TYPE_CHECKING:
    from tsdiff.draws import Draws


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
    so that every extreme stays; the figure's HTML page holds all of them, and shows
    those that there is room for wherever one zooms in.

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
        Replaces tsdiff's own, of which there is a light (default) and a "dark" one.

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
    n_paths = check_paths(paths, len(draws))
    shown = _channels(draws, channels)
    chosen = chosen_series(draws.panel.ids, series, len(shown))
    strips = [
        [cut_strip(draws, given, one, channel) for channel in shown] for one in chosen
    ]
    names = [draws.panel.channels[channel] for channel in shown]
    ids = [draws.panel.ids[one] for one in chosen]
    figure = draw_page(strips, bands, n_paths, names, ids, ink(template))
    n_cells = len(draws.cells)
    title = f"{n_cells:,} missing value{'s' if n_cells != 1 else ''} filled"
    units = getattr(df, "attrs", {}).get("units", {})
    describe(figure, title, summary(len(draws), bands), names, units)
    return private(figure, template)


def _channels(draws: Draws, asked: Iterable[str] | None) -> list[int]:
    """Find the channels asked for; else the first ones that have gaps."""
    known = draws.panel.channels
    if asked is not None:
        return positions(known, asked, "channels", len(known))
    filled = np.unique(draws.cells % len(known)).tolist()
    return (filled or list(range(len(known))))[:MOST_CHANNELS]
