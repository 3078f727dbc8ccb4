"""The film of an answer: noise becomes data between the observed points."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from tsdiff.bands import as_coverage, interval_alpha
from tsdiff.plotting.controls import SLIDER_HEIGHT, film_slider, play_buttons, rows_menu
from tsdiff.plotting.looks import trace_looks
from tsdiff.plotting.menus import axis_name
from tsdiff.plotting.page import MOST_CHANNELS, check_paths, positions
from tsdiff.plotting.past import Past
from tsdiff.plotting.shapes import gap_rows, outline, pieces, thin
from tsdiff.plotting.sheet import TICKS, describe, lay_out, legend_height
from tsdiff.plotting.stamps import written_dates
from tsdiff.plotting.strips import Strip, cut_strip
from tsdiff.plotting.style import ink, private

if TYPE_CHECKING:
    from tsdiff.trace import Trace

Array = NDArray[np.float64]
Moving = tuple[NDArray, Array]  # stamps of a trace, and its heights frame by frame

_MOST_NUMBERS = 600_000  # heights in all frames: 3 MB


def plot_denoising(
    trace: Trace,
    history: Any = None,
    *,
    channels: Iterable[str] | None = None,
    series: Hashable = None,
    paths: int = 4,
    coverage: float | Iterable[float] = (0.5, 0.95),
    template: Any = None,
) -> go.Figure:
    """Plot how noise becomes data: a film of paths and bands, observed points fixed.

    A button plays the film, a slider goes through its frames; a menu chooses a channel.
    Plotly also plays it, slowly, when the page opens, unless the page is written by
    ``write_html(..., auto_play=False)``.

    Parameters
    ----------
    trace : Trace
        What ``trace`` of an estimator returned.
    history : as the estimator's data, optional
        What was forecast, drawn before a forecast as `plot_forecast` does.
    channels : iterable of str, optional
        Names of the columns to draw; by default the first 8 that move.
    series : hashable, optional
        Id of the series to draw; by default the first one that moves.
    paths : int, default 4
        How many of the samples to show as lines.
    coverage : float or iterable of float, default (0.5, 0.95)
        Of the bands.
    template : str or plotly template, optional
        Replaces tsdiff's own, of which there is a light (default) and a "dark" one.

    Returns
    -------
    plotly.graph_objects.Figure
        Starts at the noise. Works offline and sends no data anywhere.

    Raises
    ------
    ValueError
        Nothing moves, a channel or series is unknown, `history` does not fit, or
        `paths` or a coverage is out of range.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> from tsdiff.trace import Trace
    >>> panel = to_panel(np.array([[1.0], [np.nan], [3.0]]))
    >>> frames = np.array([[[-5.0], [7.0]], [[1.5], [2.5]]])
    >>> plot_denoising(Trace(panel, frames, np.array([1]))).layout.title.text
    'From noise to data in 2 frames'
    """
    bands = sorted(as_coverage(coverage).tolist(), reverse=True)
    n_paths = check_paths(paths, trace.frames.shape[1])
    one, shown = _chosen(trace, series, channels)
    past = None if history is None else Past.of(history, trace.panel)
    names = [trace.panel.channels[channel] for channel in shown]
    n_lines = 2 * len(bands) + 1 + n_paths
    limit = max(_MOST_NUMBERS // (len(trace) * len(names) * n_lines), 50)
    figure = go.Figure()
    films, spans = [], []
    for row, channel in enumerate(shown):
        strip = cut_strip(trace[-1], trace.panel.values, one, channel)
        answers = _answers(trace, one, channel)
        if past is not None:
            strip = past.before(strip, one, channel)
        film = _film(strip, answers, bands, n_paths, limit)
        looks = trace_looks(bands, n_paths, len(strip.time), ink(template))
        _draw_row(figure, row, looks, film, strip)
        films.append(film)
        values = [strip.given, *(heights for _, heights in film)]
        spans.append((min(map(np.nanmin, values)), max(map(np.nanmax, values))))
    moving = [k for k, drawn in enumerate(figure.data) if drawn.name != "observed"]
    figure.frames = _frames(len(trace), films, moving)
    _finish(figure, names, spans)
    levels = ", ".join(f"{100 * share:g}" for share in reversed(bands))
    note = f"{n_paths} of {trace.frames.shape[1]} paths, median and {levels} % bands"
    title = f"From noise to data in {len(trace)} frames"
    describe(figure, title, note, [str(n) for n in names], ticks=TICKS + SLIDER_HEIGHT)
    return private(figure, template)


def _chosen(trace: Trace, series: Any, channels: Any) -> tuple[int, list[int]]:
    """Find the series and the channels to draw."""
    panel = trace.panel
    if not len(trace.cells):
        raise ValueError("Nothing moves: the trace has no missing cell.")
    row, channel = np.divmod(trace.cells, len(panel.channels))
    owner = np.searchsorted(panel.bounds, row, side="right") - 1
    one = int(owner[0])
    if series is not None:
        (one,) = positions(panel.ids, [series], "series", 1)
    moving = np.unique(channel[owner == one]).tolist()
    if not moving:
        raise ValueError(f"Nothing moves in series {panel.ids[one]!r}.")
    if channels is None:
        return one, moving[:MOST_CHANNELS]
    shown = positions(panel.channels, channels, "channels", MOST_CHANNELS)
    still = [panel.channels[k] for k in shown if k not in moving]
    if still:
        raise ValueError(f"Nothing moves in channel {still[0]!r}.")
    return one, shown


def _answers(trace: Trace, one: int, channel: int) -> Array:
    """Cut the samples of a channel of a series out of all frames: (F, S, m)."""
    panel = trace.panel
    row, owner = np.divmod(trace.cells, len(panel.channels))
    first, stop = panel.bounds[one : one + 2]
    return trace.frames[:, :, (owner == channel) & (row >= first) & (row < stop)]


def _film(
    strip: Strip, answers: Array, bands: Sequence[float], n_paths: int, limit: int
) -> list[Moving]:
    """Compute what moves in a row, at the same points always: bands, paths, median."""
    levels = [0.5, *interval_alpha(np.asarray(bands))]
    numbers = np.quantile(answers, levels, axis=1)  # (L, F, m)
    rows = gap_rows(strip.answered, strip.observed)
    piece = pieces(rows, strip.answered[rows])
    n_frames = len(answers)

    def along(values: Array) -> Array:  # (F, m) -> (F, K)
        return strip.along(rows, values)

    last = along(numbers[0])[-1]
    kept = thin(piece, last, limit=limit)
    piece, time = piece[kept], strip.time[rows][kept]
    median, *ends = (along(values)[:, kept] for values in numbers)
    film = []
    for low, high in zip(ends[::2], ends[1::2], strict=True):
        outlines = [outline(piece, time, low[k], high[k]) for k in range(n_frames)]
        film.append((outlines[0][0], np.stack([heights for _, heights in outlines])))
    for path in range(n_paths):
        film.append(_line(piece, time, along(answers[:, path])[:, kept]))
    film.append(_line(piece, time, median))
    return film


def _line(piece: NDArray[np.int64], time: NDArray, heights: Array) -> Moving:
    """Lift the pen between the pieces of a line, in all frames at once."""
    border = np.flatnonzero(np.diff(piece)) + 1
    lifted = np.insert(heights, border, np.nan, axis=1)
    return np.insert(time, border, time[border - 1]), lifted


def _draw_row(
    figure: go.Figure, row: int, looks: list[Any], film: list[Moving], strip: Strip
) -> None:
    """Draw the first frame of a row, and its observed points."""
    *moving, observed, _, _ = looks
    seen = np.flatnonzero(strip.observed)
    said = {"hovertemplate": "%{fullData.name} <b>%{y:.5~g}</b><extra></extra>"}
    place = {"yaxis": axis_name(row)}
    listed: set[str] = set()
    for look, (time, heights) in zip(moving, film, strict=True):
        if look["name"] == "median":
            look = look | {"hoverinfo": None} | said
        figure.add_trace(
            go.Scatter(
                x=written_dates(time),
                y=heights[0].astype(np.float32),
                showlegend=row == 0 and look["name"] not in listed,
                **look,
                **place,
            )
        )
        listed.add(look["name"])
    piece = pieces(seen)
    time, heights = _line(piece, strip.time[seen], strip.given[None, seen])
    figure.add_trace(
        go.Scatter(
            x=written_dates(time),
            y=heights[0],
            showlegend=row == 0,
            **observed | {"hoverinfo": None} | said,
            **place,
        )
    )


def _frames(
    n_frames: int, films: list[list[Moving]], moving: list[int]
) -> list[go.Frame]:
    """Heights of what moves, frame by frame; all else stays."""
    lines = [heights.astype(np.float32) for film in films for _, heights in film]
    return [
        go.Frame(
            name=str(k),
            data=[go.Scatter(y=heights[k]) for heights in lines],
            traces=moving,
        )
        for k in range(n_frames)
    ]


def _finish(
    figure: go.Figure, names: Sequence[Any], spans: Sequence[tuple[float, float]]
) -> None:
    """Fix the axes, so that only the data move, and add the controls."""
    entries = list(dict.fromkeys(drawn.name for drawn in figure.data))
    many = len(names) > 1
    below = TICKS + SLIDER_HEIGHT + legend_height(entries)
    domains = lay_out(figure, len(names), 1 + many, below)
    for row, (low, high) in enumerate(spans):
        edge = 0.05 * (high - low) or 1.0
        axis = {"range": [low - edge, high + edge]}
        figure.update_layout({axis_name(row, "yaxis"): axis})
    menus = [rows_menu([str(name) for name in names], domains)] if many else []
    menus.append(play_buttons(len(menus)))
    n_frames = len(figure.frames)
    labels = [f"{100 * k / (n_frames - 1):.0f} %" for k in range(n_frames)]
    sliders = [film_slider(labels, "way from noise to data: ", TICKS - 8)]
    figure.update_layout(updatemenus=menus, sliders=sliders)
