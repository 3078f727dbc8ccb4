"""The picture of an explanation: what each block of cells did to an answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from tsdiff.explaining import Explanation
from tsdiff.plotting.colors import BLUE, ORANGE
from tsdiff.plotting.controls import rows_menu
from tsdiff.plotting.menus import axis_name
from tsdiff.plotting.page import MOST_CHANNELS
from tsdiff.plotting.sheet import describe, folded, lay_out
from tsdiff.plotting.stamps import time_axis, written_dates
from tsdiff.plotting.style import decimals, ink, private, safe, written

_SHIFT, _WIDTH = "shift of the median", "change of the interval's width"
_LONGEST = 22  # characters of a name in the title, so that it fits on a phone
_MARGIN = 1.15  # of the axis, beyond the largest effect


def plot_explanation(explanation: Explanation, *, template: Any = None) -> go.Figure:
    """Plot what each block of observed cells did to the answer of one cell.

    Each channel has a row, those with the largest effects first and 8 at most, all on
    one scale. Bars show by how much the median moved as the block was shown, points by
    how much the interval became wider (below zero: narrower). A dotted line stands at
    the cell.

    Parameters
    ----------
    explanation : Explanation
        From `tsdiff.explain`.
    template : str or plotly template, optional
        Replaces tsdiff's own, of which there is a light (default) and a "dark" one.

    Returns
    -------
    plotly.graph_objects.Figure
        Works offline and sends no data anywhere.

    Raises
    ------
    ValueError
        No cell was observed within reach.

    Examples
    --------
    >>> from tsdiff import explain
    >>> from tsdiff.baselines import LinearInterpolation
    >>> y = pd.DataFrame({"y": [1.0, 2.0, np.nan, 4.0, 4.0]})
    >>> filler = LinearInterpolation().fit(y)
    >>> plot_explanation(explain(filler, y, (2, "y"), block=1)).layout.title.text
    'What moved y'
    """
    table = explanation.frame
    if table.empty:
        raise ValueError(
            f"No cell is observed within reach of {explanation.row}, so nothing moved "
            "its answer. Ask with a larger reach."
        )
    most = table[["shift", "width_change"]].abs().max(axis=1)
    order = most.groupby(table["channel"], sort=False).max()
    names = list(order.sort_values(ascending=False, kind="stable").index)
    names = names[:MOST_CHANNELS]
    digits = decimals(np.append(explanation.panel.values.ravel(), explanation.median))
    traces = []
    for row, name in enumerate(names):
        own = table[table["channel"] == name]
        traces += _draw(explanation, own, row, digits, ink(template))
    figure = go.Figure(traces)
    lines = folded(_said(explanation, len(order) - len(names), digits))
    domains = lay_out(figure, len(names), int(len(names) > 1), n_lines=len(lines))
    if len(names) > 1:
        figure.layout.updatemenus += (rows_menu(names, domains),)
    title = f"What moved {safe(explanation.channel, _LONGEST)}"
    describe(figure, title, "<br>".join(lines), names)
    end = float(most.max()) * _MARGIN or 1.0
    figure.update_yaxes(range=[-end, end])
    figure.update_layout(bargap=0, barmode="overlay")
    here = written_dates(time_axis(explanation.panel.stamps)[[explanation.place]])[0]
    look = {"color": ink(template), "width": 1, "dash": "dot"}
    figure.add_shape(type="line", x0=here, x1=here, y0=0, y1=1, yref="paper", line=look)
    return private(figure, template)


def _draw(
    explanation: Explanation,
    own: pd.DataFrame,
    row: int,
    digits: int | None,
    color: str,
) -> list[go.Scatter | go.Bar]:
    """Draw the blocks of one channel: bars, and the points that bear the labels."""
    middle, width = _places(explanation, own)
    shift, change = own["shift"].to_numpy(), own["width_change"].to_numpy()
    place: dict[str, Any] = {"xaxis": "x", "yaxis": axis_name(row), "x": middle}
    text = [
        f"{start} to {stop}, {n} observed<br>median <b>{moved}</b><br>width {wider}"
        for start, stop, n, moved, wider in zip(
            own["start"],
            own["stop"],
            own["n_cells"],
            _signed(shift, digits),
            _signed(change, digits),
            strict=True,
        )
    ]
    bars = go.Bar(
        y=shift,
        width=width,
        marker={"color": BLUE, "line": {"width": 0}},
        opacity=0.8,
        name=_SHIFT,
        legendgroup=_SHIFT,
        showlegend=row == 0,
        hoverinfo="skip",
        **place,
    )
    points = go.Scatter(
        y=change,
        text=text,
        mode="markers",
        marker={
            "color": ORANGE,
            "size": 6,
            "symbol": "diamond",
            "line": {"color": color, "width": 0.5},
        },
        name=_WIDTH,
        legendgroup=_WIDTH,
        showlegend=row == 0,
        hovertemplate="%{text}<extra></extra>",
        **place,
    )
    return [bars, points]


def _places(
    explanation: Explanation, own: pd.DataFrame
) -> tuple[NDArray, NDArray[np.float64]]:
    """Middle of each block on the axis of time, and its width there."""
    every = time_axis(explanation.panel.stamps)
    dated = every.dtype.kind == "M"
    ends = [time_axis(pd.Index(own[side])) for side in ("start", "stop")]
    if dated:
        every, *ends = (part.astype("M8[ms]").astype(float) for part in (every, *ends))
    step = float(np.median(np.diff(every))) if len(every) > 1 else 1.0
    middle = (ends[0] + ends[1]) / 2
    if dated:
        middle = written_dates(np.rint(middle).astype("int64").astype("M8[ms]"))
    return middle, ends[1] - ends[0] + step


def _signed(values: NDArray[np.float64], digits: int | None) -> list[str]:
    """Write numbers with their sign; exact zeros are told from small effects."""
    words = written(np.abs(values), None if digits is None else digits + 1)
    signs = np.where(values > 0, "+", np.where(values < 0, "-", ""))
    return [
        f"{sign}{word}" if sign else "unmoved"
        for sign, word in zip(signs, words, strict=True)
    ]


def _said(explanation: Explanation, n_left_out: int, digits: int | None) -> str:
    """Say the answer, how it was found, and what it cost."""
    numbers = (explanation.median, explanation.low, explanation.high)
    median, low, high = written(numbers, digits)
    kind = "calibrated" if explanation.calibrated else "raw"
    rest = f" {n_left_out} channels are left out." if n_left_out else ""
    return (
        f"At {safe(explanation.row)}: {median}, {100 * explanation.coverage:g} % "
        f"interval {low} to {high} ({kind}). Each block was hidden in turn: "
        f"{explanation.n_answers:,} answers. Effects do not add up.{rest}"
    )
