"""The picture of what is missing: where, for how long, together with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from tsdiff.missingness import co_missingness, count_gaps, little_test
from tsdiff.panel.frame import Panel, to_panel
from tsdiff.plotting.colors import BLUE, ORANGE
from tsdiff.plotting.sheet import describe, folded
from tsdiff.plotting.stamps import time_axis, written_dates
from tsdiff.plotting.style import ink, private, safe

Array = NDArray[np.float64]

_MOST_BINS, _MOST_STRIPES, _MOST_CHANNELS = 400, 40, 24
_MOST_ROWS, _MOST_PATTERNS = 5_000, 200  # of Little's test
_LONGEST = 14  # characters of a name beside a panel
# Pixels: a stripe; a panel of bars; a row of the last panel; above a panel; title.
_STRIPE, _BARS, _ROW, _SPACE, _TOP = 22, 130, 24, 84, 112


def plot_missingness(X: Any, *, template: Any = None) -> go.Figure:
    """Plot which cells are missing, how long gaps are, and what is missing together.

    Up to 40 stripes, a channel of a series each, show the share of missing cells in up
    to 400 spans of time; a single one is seen. Below stand the number of gaps of each
    length, and how often a channel (column) is missing where another one (row) is. The
    subtitle says whether Little's test finds that what is missing depends on values;
    see `tsdiff.missingness.little_test` for what it can't tell of time series.

    Parameters
    ----------
    X : DataFrame, Series, array or polars frame
        Rows are time, columns are channels, NaN is missing.
    template : str or plotly template, optional
        Replaces tsdiff's own, of which there is a light (default) and a "dark" one.

    Returns
    -------
    plotly.graph_objects.Figure
        Works offline and sends no data anywhere.

    Raises
    ------
    TypeError, ValueError
        `X` can't be used, naming column and row.

    Examples
    --------
    >>> X = np.array([[1.0], [np.nan], [3.0]])
    >>> plot_missingness(X).layout.title.text
    '33.3 % of 3 cells are missing'
    """
    panel = to_panel(X)
    missing = np.isnan(panel.values)
    names = [str(name) for name in panel.channels[:_MOST_CHANNELS]]
    stripes = _stripes(panel)
    panels = [_where(panel, stripes), _gaps(panel)]
    heights = [_STRIPE * len(stripes), _BARS]
    titles = ["Share missing", "Gaps by number of rows"]
    if len(names) > 1:
        panels.append(_together(panel, names, ink(template)))
        heights.append(_ROW * len(names))
        titles.append("Column missing where row is")
    lines = folded(_little(panel))
    top = _TOP + 16 * (len(lines) - 1)
    longest = max(map(len, [*(label for _, _, label in stripes), *names]))
    left = max(56, 14 + 7 * min(longest, _LONGEST))
    upright = 7 * min(max(map(len, names)), _LONGEST) if len(names) > 3 else 0
    figure = go.Figure(panels)
    figure.update_layout(
        height=top + sum(heights) + _SPACE * len(panels) + upright,
        margin={"t": top, "b": _SPACE + upright, "l": left, "r": 16},
        showlegend=False,
        hovermode="closest",
        bargap=0.1,
    )
    _place(figure, heights, titles)
    figure.update_layout(xaxis={"tickangle": 0, "nticks": 5})
    if len(panels) > 2:
        figure.update_layout(xaxis3_tickangle=90 if upright else 0)
    share = 100 * missing.mean()
    title = f"{share:.3g} % of {missing.size:,} cells are missing"
    describe(figure, title, "<br>".join(lines))
    figure.update_layout(title={"xref": "container", "pad": {"l": 16}})
    return private(figure, template)


def _place(figure: go.Figure, heights: Sequence[int], titles: Sequence[str]) -> None:
    """Stack the panels, the first one on top, each with axes of its own."""
    whole = sum(heights) + _SPACE * (len(heights) - 1)
    top = whole
    for number, (height, title) in enumerate(zip(heights, titles, strict=True), 1):
        ends = [max((top - height) / whole, 0.0), top / whole]
        key = "" if number == 1 else str(number)
        figure.update_layout(
            {
                f"xaxis{key}": {"anchor": f"y{key}", "showspikes": False},
                f"yaxis{key}": {"anchor": f"x{key}", "domain": ends},
            }
        )
        if number > 1:
            figure.update_layout({f"xaxis{key}": {"type": "category"}})
        if number != 2:
            axis = {"autorange": "reversed", "showgrid": False, "type": "category"}
            figure.update_layout({f"yaxis{key}": axis})
        figure.add_annotation(
            text=f"<b>{title}</b>",
            x=0.0,
            xref="paper",
            xanchor="left",
            y=ends[1],
            yref="paper",
            yanchor="bottom",
            showarrow=False,
        )
        top -= height + _SPACE


def _stripes(panel: Panel) -> list[tuple[int, int, str]]:
    """Series, channel and label of each stripe."""
    alone = len(panel.ids) == 1
    every = [
        (one, column, str(name) if alone else f"{panel.ids[one]} {name}")
        for one in range(len(panel.ids))
        for column, name in enumerate(panel.channels)
    ]
    return every[:_MOST_STRIPES]


def _where(panel: Panel, stripes: list[tuple[int, int, str]]) -> go.Heatmap:
    """Share of missing cells of each stripe in spans of time."""
    time = time_axis(panel.index)
    clock = time.astype("M8[us]").astype(float) if time.dtype.kind == "M" else time
    n_bins = min(len(np.unique(clock)), _MOST_BINS)
    first, last = clock.min(), clock.max()
    place = (clock - first) / max(last - first, 1e-300) * n_bins
    span = np.minimum(place.astype(np.int64), n_bins - 1)
    shares = np.full((len(stripes), n_bins), np.nan)
    for stripe, (one, column, _) in enumerate(stripes):
        rows = slice(*panel.bounds[one : one + 2])
        hidden = np.isnan(panel.values[rows, column]).astype(float)
        count = np.bincount(span[rows], minlength=n_bins)
        total = np.bincount(span[rows], hidden, n_bins)
        np.divide(total, count, out=shares[stripe], where=count > 0)
    x = np.linspace(first, last, n_bins)
    stamps = x.astype("M8[us]") if time.dtype.kind == "M" else x
    return go.Heatmap(
        x=written_dates(stamps),
        y=_labels([label for _, _, label in stripes]),
        z=shares,
        customdata=[[safe(label)] * n_bins for _, _, label in stripes],
        hovertemplate="%{customdata}<br>%{x}<br><b>%{z:.3p}</b> missing<extra></extra>",
        **_shades(),
    )


def _gaps(panel: Panel) -> go.Bar:
    """Count the gaps of each length, in bins that double."""
    lengths, counts = count_gaps(panel)
    power = np.log2(lengths).astype(np.int64)
    powers = np.unique(power)
    gaps = [int(counts[power == k].sum()) for k in powers]
    cells = [int((lengths[:, None] * counts)[power == k].sum()) for k in powers]
    labels = ["1" if k == 0 else f"{2**k}-{2 ** (k + 1) - 1}" for k in powers.tolist()]
    said = [
        f"<b>{gap:,}</b> gaps of {label} rows, {cell:,} cells"
        for gap, label, cell in zip(gaps, labels, cells, strict=True)
    ]
    return go.Bar(
        x=labels,
        y=gaps,
        hovertext=said,
        hovertemplate="%{hovertext}<extra></extra>",
        marker={"color": BLUE},
        xaxis="x2",
        yaxis="y2",
    )


def _together(panel: Panel, names: list[str], color: str) -> go.Heatmap:
    """How often the column's channel is missing where the row's channel is."""
    shares = co_missingness(panel)[: len(names), : len(names)]
    said = [
        [
            f"{safe(name)} is missing: <br>{safe(other)} is in <b>{share:.1%}</b> of it"
            if share == share
            else f"{safe(name)} is never missing"
            for other, share in zip(names, row, strict=True)
        ]
        for name, row in zip(names, shares, strict=True)
    ]
    return go.Heatmap(
        x=_labels(names),
        y=_labels(names),
        z=shares,
        customdata=said,
        hovertemplate="%{customdata}<extra></extra>",
        texttemplate="%{z:.0%}" if len(names) <= 8 else "",
        textfont={"color": color},
        xaxis="x3",
        yaxis="y3",
        **_shades(),
    )


def _labels(names: Sequence[str]) -> list[str]:
    """Short names that stay different from each other."""
    short: list[str] = []
    for name in names:
        label = safe(name, _LONGEST)
        short.append(label if label not in short else label + "\u200b" * len(short))
    return short


def _shades() -> dict[str, Any]:
    """Colours of shares: the least share is told from none."""
    red, green, blue = (int(ORANGE[k : k + 2], 16) for k in (1, 3, 5))
    color = f"rgba({red},{green},{blue}"
    return {
        "colorscale": [
            [0, "rgba(128,128,128,0.14)"],
            [1e-6, f"{color},0.35)"],
            [1, f"{color},1)"],
        ],
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "ygap": 2,
    }


def _little(panel: Panel) -> str:
    """Say what Little's test finds, and what it cannot know."""
    if not np.isnan(panel.values).any():
        return "Nothing is missing."
    step = -(-len(panel.values) // _MOST_ROWS)
    values = panel.values[::step]
    n_patterns = len(np.unique(np.isnan(values), axis=0))
    if n_patterns > _MOST_PATTERNS:
        return f"Little's test is left out: {n_patterns:,} patterns of missing cells."
    try:
        found = little_test(pd.DataFrame(values, columns=list(panel.channels)))
    except ValueError as reason:
        return f"Little's test does not apply. {safe(reason, 200)}"
    rows = "" if step == 1 else f" of every {step}th row"
    return (
        f"Missing completely at random? Little's test{rows}: p = {found.p_value:.2g} "
        f"(chi² {found.statistic:.1f}, {found.degrees} df). It takes rows for "
        "independent; of time series it rejects too often."
    )
