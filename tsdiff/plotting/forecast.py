"""The picture of a forecast: the end of the history, and the fan of what may come."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from tsdiff.bands import as_coverage
from tsdiff.panel.frame import Panel
from tsdiff.panel.layout import ArrayLayout
from tsdiff.plotting.page import (
    MOST_CHANNELS,
    check_paths,
    chosen_series,
    draw_page,
    positions,
    summary,
)
from tsdiff.plotting.past import Past, read_like
from tsdiff.plotting.sheet import describe
from tsdiff.plotting.strips import cut_strip
from tsdiff.plotting.style import ink, private

if TYPE_CHECKING:
    from tsdiff.draws import Draws

_TRUTH = "truth"  # what the values that came are called


def plot_forecast(
    history: Any,
    draws: Draws,
    truth: Any = None,
    *,
    channels: Iterable[str] | None = None,
    series: Iterable[Hashable] | None = None,
    paths: int = 5,
    coverage: float | Iterable[float] = (0.5, 0.8, 0.95),
    template: Any = None,
) -> go.Figure:
    """Plot a forecast behind the end of its history.

    Each channel has a row: the end of the history, three times as many rows as were
    forecast and 48 at least, and from there median, nested bands and some paths. Menus
    choose a channel and, with several series, the series. Traces of more than 5,000
    points are thinned so that every extreme stays; the figure's HTML page holds all of
    them, and shows those that there is room for wherever one zooms in.

    Parameters
    ----------
    history : DataFrame, Series, array or polars frame
        The data that were forecast. If it is a pandas object,
        ``history.attrs["units"]``, a dict of channel to unit, labels the rows.
    draws : Draws
        What ``sample`` of a forecaster returned.
    truth : as `history`, optional
        What came, drawn as open circles: rows of the same labels as the forecast's;
        other rows are passed over. An array has the forecast's shape.
    channels : iterable of str, optional
        Names of the columns to draw; by default the first 8.
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
        `history` or `truth` have other channels, series or rows than the forecast, a
        channel or series is unknown, or `paths` or a coverage is out of range.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsdiff.draws import Draws
    >>> from tsdiff.panel.frame import to_panel
    >>> future = pd.Series(np.nan, pd.RangeIndex(3, 5), name="y")
    >>> samples = np.array([[4.0, 5.0], [4.5, 6.0]])
    >>> draws = Draws(to_panel(future), samples, np.arange(2))
    >>> plot_forecast(pd.Series([1.0, 2.0, 3.0], name="y"), draws).layout.title.text
    'Forecast of 2 rows'
    """
    bands = sorted(as_coverage(coverage).tolist(), reverse=True)
    n_paths = check_paths(paths, len(draws))
    panel = draws.panel
    horizon = int(np.diff(panel.bounds).max())
    past = Past.of(history, panel)
    came = _read_truth(truth, panel)
    shown = positions(panel.channels, channels, "channels", MOST_CHANNELS)
    chosen = chosen_series(panel.ids, series, len(shown))
    strips = [
        [
            past.before(cut_strip(draws, came, one, channel), one, channel)
            for channel in shown
        ]
        for one in chosen
    ]
    names = [panel.channels[channel] for channel in shown]
    ids = [panel.ids[one] for one in chosen]
    figure = draw_page(strips, bands, n_paths, names, ids, ink(template), _TRUTH)
    title = f"Forecast of {horizon:,} row{'s' if horizon != 1 else ''}"
    units = getattr(history, "attrs", {}).get("units", {})
    describe(figure, title, summary(len(draws), bands), names, units)
    return private(figure, template)


def _read_truth(truth: Any, future: Panel) -> NDArray[np.float64]:
    """Values of the truth in the rows of the forecast, NaN where there is none."""
    values = np.full(future.values.shape, np.nan)
    if truth is None:
        return values
    panel = read_like(truth, future, "truth")
    if isinstance(panel.layout, ArrayLayout):
        if panel.values.shape != values.shape:
            raise ValueError(
                f"truth has {len(panel.values)} rows in all, but the forecast has "
                f"{len(values)}. An array has no labels, so they have to be the same."
            )
        return panel.values
    place = panel.index.get_indexer(future.index)
    if (place < 0).all():
        raise ValueError(
            f"truth has no row of the forecast, which is of {future.index[0]} to "
            f"{future.index[-1]}; it has {panel.index[0]} to {panel.index[-1]}."
        )
    values[place >= 0] = panel.values[place[place >= 0]]
    return values
