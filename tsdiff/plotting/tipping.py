"""Picture of a sensitivity analysis: where the conclusion tips."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from tsdiff.plotting.chart import curve, draw_chart, guide, model_looks
from tsdiff.plotting.colors import sheer
from tsdiff.plotting.style import decimals, ink, safe, written
from tsdiff.shifting import Sensitivity
from tsdiff.validation import listing

_LONGEST = 20  # characters of a term that stand behind "Sensitivity of" on a phone


def plot_tipping_point(
    result: Sensitivity, term: str | None = None, *, template: Any = None
) -> go.Figure:
    """Plot estimate and interval against the shift of the imputed values.

    Dotted lines stand where the conclusion becomes another one: where the interval
    begins or ceases to hold the null.

    Parameters
    ----------
    result : Sensitivity
        From `tsdiff.sensitivity`.
    term : str, optional
        Which of its terms; by default the last one.
    template : str or plotly template, optional
        Replaces tsdiff's own, of which there is a light (default) and a "dark" one.

    Returns
    -------
    plotly.graph_objects.Figure
        Works offline and sends no data anywhere.

    Raises
    ------
    ValueError
        There is no such term.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsdiff import sensitivity
    >>> from tsdiff.baselines import LinearInterpolation
    >>> y = pd.DataFrame({"y": np.random.default_rng(0).normal(0.4, 1, 90)})
    >>> y.iloc[20:50] = np.nan
    >>> draws = LinearInterpolation(random_state=0).fit(y).sample(y, 20)
    >>> figure = plot_tipping_point(sensitivity(draws, "y ~ 1", [-1, 0, 1]))
    >>> figure.data[-1].name
    'Intercept'
    """
    terms = list(dict.fromkeys(result.frame["term"]))
    chosen = terms[-1] if term is None else term
    if chosen not in terms:
        raise ValueError(
            f"term={term!r} is none of the analysis; they are "
            f"{listing(map(repr, terms))}."
        )
    table = result.frame[result.frame["term"] == chosen]
    shift, middle = table["shift"].to_numpy(), table["estimate"].to_numpy()
    low, high = table[result.ends].to_numpy().T
    (look,) = model_looks([chosen])
    text = [
        f"{estimate} ({start} to {stop}), p = {p:.2g}"
        for estimate, start, stop, p in zip(
            *(
                written(part, decimals(np.r_[low, high]))
                for part in (middle, low, high)
            ),
            table["p_value"],
            strict=True,
        )
    ]
    colour = ink(template)
    traces = [
        _band(shift, low, high, look["line"]["color"]),
        guide(shift, np.full(len(shift), result.null), colour),
        curve(look, shift, middle, text),
    ]
    points = result.tipping_points.loc[chosen].dropna()
    figure = draw_chart(
        traces,
        (f"Sensitivity of {safe(chosen, _LONGEST)}", _said(result, points)),
        ("shift of imputed values, standard deviations", safe(chosen)),
        template=template,
    )
    for point in points:
        figure.add_vline(
            x=point,
            line={"dash": "dot", "width": 1.5, "color": colour},
            annotation={
                "text": f"{point:+.2f}",
                "yanchor": "bottom",
                "xanchor": "center",
            },
            annotation_position="top",
        )
    return figure


def _band(shift: Any, low: Any, high: Any, color: str) -> go.Scatter:
    return go.Scatter(
        x=np.concatenate([shift, shift[::-1]]),
        y=np.concatenate([low, high[::-1]]),
        name="interval",
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=sheer(color, 1),
        hoverinfo="skip",
        showlegend=False,
    )


def _said(result: Sensitivity, points: Any) -> str:
    """Say the finding in words."""
    where = " and ".join(f"{point:+.2f}" for point in points)
    found = f"tips at {where} sd" if where else "does not tip in this range"
    return (
        f"{100 * result.coverage:g} % interval, imputed values of "
        f"{listing(map(safe, result.channels), 3)} shifted; the conclusion against "
        f"{result.null:g} {found}."
    )
