"""From draws to the arrays of a picture: one strip per series and channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.bands import interval_alpha
from tsdiff.panel.frame import to_panel
from tsdiff.plotting.looks import HELD_OUT
from tsdiff.plotting.shapes import MAX_POINTS, broken, gap_rows, outline, pieces, thin
from tsdiff.plotting.stamps import time_axis, written_dates
from tsdiff.plotting.style import decimals, written

if TYPE_CHECKING:
    from tsdiff.draws import Draws

Array = NDArray[np.float64]
Data = dict[str, Any]


@dataclass(frozen=True)
class Strip:
    """One channel of one series.

    Attributes
    ----------
    time : ndarray of shape (n,)
        Dates without zone (wall clock) or numbers.
    given : ndarray of shape (n,)
        What the caller's frame holds, NaN where missing.
    observed, answered : ndarray of bool, shape (n,)
        What the draws were conditioned on, and what they answer.
    samples : ndarray of shape (S, m)
        Draws of the m answered cells.
    calibrated : bool, optional
        Whether draws follow calibrated laws, if labels are to say so.
    gaps : bool, default False
        Whether labels are to say how long the gap of a cell is.
    """

    time: NDArray
    given: Array
    observed: NDArray[np.bool_]
    answered: NDArray[np.bool_]
    samples: Array
    calibrated: bool | None = None
    gaps: bool = False

    def along(self, rows: NDArray[np.int64], answers: Array) -> Array:
        """Values at `rows`: (k, m) answers in gaps, the observed value elsewhere."""
        line = np.repeat(self.given[None], len(answers), axis=0)
        line[:, self.answered] = answers
        return line[:, rows]


def cut_strip(draws: Draws, given: Array, series: int, channel: int) -> Strip:
    """Cut one channel of one series out of the draws.

    Parameters
    ----------
    draws : Draws
    given : ndarray of shape (N, C)
        From `check_frame`.
    series, channel : int
        Positions in ``draws.panel.ids`` and ``draws.panel.channels``.

    Returns
    -------
    Strip
    """
    panel = draws.panel
    first, last = panel.bounds[series : series + 2]
    n_channels = len(panel.channels)
    span = slice(*np.searchsorted(draws.cells, [first * n_channels, last * n_channels]))
    row, owner = np.divmod(draws.cells[span], n_channels)
    mine = owner == channel
    answered = np.zeros(last - first, dtype=bool)
    answered[row[mine] - first] = True
    return Strip(
        time_axis(panel.index[first:last]),
        given[first:last, channel],
        ~np.isnan(panel.values[first:last, channel]),
        answered,
        draws.samples[:, span][:, mine],
        draws.calibrated,
        gaps=True,
    )


def quantiles(strip: Strip, coverage: Sequence[float]) -> Array:
    """Compute median and ends of the bands of each answered cell.

    Parameters
    ----------
    strip : Strip
    coverage : sequence of float
        Of the bands.

    Returns
    -------
    ndarray of shape (1 + 2 * len(coverage), m)
        Median, then low and high end of each band.
    """
    levels = np.concatenate([[0.5], interval_alpha(np.asarray(coverage))])
    return np.quantile(strip.samples, levels, axis=0)


def band_data(
    strip: Strip,
    coverage: Sequence[float],
    numbers: Array,
    n_paths: int = 0,
    truth_name: str = HELD_OUT,
    limit: int = MAX_POINTS,
) -> list[Data]:
    """Compute what the traces of a strip show, in the order they are drawn.

    Parameters
    ----------
    strip : Strip
    coverage : sequence of float
        Of the bands, widest first.
    numbers : ndarray of shape (1 + 2 * len(coverage), m)
        From `quantiles`.
    n_paths : int, default 0
    truth_name : str, default "held out"
        What the labels call the values that the model was not shown.
    limit : int, default 5000
        Points of a trace.

    Returns
    -------
    list of dict
        ``x``, ``y`` and, for the labels, ``text``: bands, paths, median, observed,
        truth, labels.
    """
    rows = gap_rows(strip.answered, strip.observed)
    numbers = strip.along(rows, numbers)
    piece = pieces(rows, strip.answered[rows])
    time = strip.time[rows]
    most, few = limit * 4 // 5, limit * 2 // 5
    kept = thin(piece, numbers[1], numbers[2], few)
    data = []
    for low, high in zip(numbers[1::2], numbers[2::2], strict=True):
        x, y = outline(piece[kept], time[kept], low[kept], high[kept])
        data.append({"x": x, "y": y})
    for path in strip.along(rows, strip.samples[:n_paths]):
        data.append(_line(piece, time, path, few))
    data.append(_line(piece, time, numbers[0], most))
    seen = np.flatnonzero(strip.observed)
    data.append(_line(pieces(seen), strip.time[seen], strip.given[seen], most))
    truth = np.flatnonzero(~strip.observed & ~np.isnan(strip.given))
    dots = truth[_thin_dots(strip.given[truth], limit)]
    data.append({"x": strip.time[dots], "y": strip.given[dots]})
    inside = strip.answered[rows]
    marks = rows[inside], numbers[:, inside]
    data.append(_labels(strip, coverage, *marks, truth_name, limit // 2))
    return [arrays | {"x": written_dates(arrays["x"])} for arrays in data]


def _line(piece: NDArray[np.int64], time: NDArray, y: Array, limit: int) -> Data:
    """Thin a line and lift the pen between its pieces, which adds a fourth at most."""
    kept = thin(piece, y, limit=limit)
    x, y = broken(piece[kept], time[kept], y[kept])
    return {"x": x, "y": y}


def _thin_dots(y: Array, limit: int) -> NDArray[np.int64]:
    return thin(np.zeros(len(y), dtype=np.int64), y, limit=limit)


def _labels(
    strip: Strip,
    coverage: Sequence[float],
    rows: NDArray[np.int64],
    numbers: Array,
    truth_name: str,
    limit: int,
) -> Data:
    """Say in words what stands at each time: one label, whatever is drawn there."""
    digits = decimals(strip.given)
    kept = _thin_dots(numbers[0], limit)
    rows, numbers = rows[kept], numbers[:, kept]
    of = {None: "", False: ", raw", True: ", calibrated"}[strip.calibrated]
    words = [f"median <b>{x}</b>{of}" for x in written(numbers[0], digits)]
    if strip.gaps:
        length = _gap_lengths(strip.observed)[rows]
        words = [
            f"{word}<br>gap of {n:,} row{'s' if n > 1 else ''}"
            for word, n in zip(words, length.tolist(), strict=True)
        ]
    for k in reversed(range(len(coverage))):
        ends = (written(numbers[2 * k + end], digits) for end in (1, 2))
        words = [
            f"{word}<br>{100 * coverage[k]:g} %: {low} to {high}"
            for word, low, high in zip(words, *ends, strict=True)
        ]
    held = written(strip.given[rows], digits)
    words = [
        word if out == "nan" else f"{word}<br>{truth_name} <b>{out}</b>"
        for word, out in zip(words, held, strict=True)
    ]
    seen = np.flatnonzero(strip.observed)
    seen = seen[_thin_dots(strip.given[seen], limit)]
    words += [f"observed <b>{x}</b>" for x in written(strip.given[seen], digits)]
    every = np.concatenate([rows, seen])
    y = np.concatenate([numbers[0], strip.given[seen]])
    order = np.argsort(every)
    text = np.array(words, dtype=object)[order]
    return {"x": strip.time[every[order]], "y": y[order], "text": text}


def _gap_lengths(observed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rows of the gap that each row lies in; 0 where observed."""
    missing = np.flatnonzero(~observed)
    piece = pieces(missing)
    length = np.zeros(len(observed), dtype=np.int64)
    length[missing] = np.bincount(piece)[piece] if len(piece) else 0
    return length


def check_frame(df: Any, draws: Draws) -> Array:
    """Check that a frame is the one the draws fill, and read its values.

    Parameters
    ----------
    df : DataFrame, Series, array or polars frame
        The data the draws were made for. It may hold more values than were shown to
        the model, a held-out truth, but no other ones.
    draws : Draws

    Returns
    -------
    ndarray of shape (N, C)
        Values of `df` in the rows of ``draws.panel``.

    Raises
    ------
    ValueError
        Channels, rows or observed values differ from what was drawn for.
    """
    panel = draws.panel
    given = to_panel(df, freq=panel.freq, insert_absent=panel.freq is not None)
    if given.channels != panel.channels:
        raise ValueError(
            f"df has the channels {list(given.channels)}, but the draws are of "
            f"{list(panel.channels)}. Pass the frame that was given to sample()."
        )
    if len(given.index) == len(panel.index) and given.index.equals(panel.index):
        values = given.values
    else:
        values = np.full(panel.values.shape, np.nan)
        place = panel.index.get_indexer(given.index)
        if (place < 0).any():
            alien = given.index[int(np.argmax(place < 0))]
            raise ValueError(
                f"df has a row {alien!r} that the draws lack. Pass the frame that was "
                "given to sample()."
            )
        values[place] = given.values
    differs = ~np.isnan(panel.values) & (values != panel.values)
    if differs.any():
        row, channel = np.argwhere(differs)[0]
        raise ValueError(
            f"df differs from what the draws were made for in column "
            f"{panel.channels[channel]!r}, row {panel.index[row]!r}: "
            f"{values[row, channel]:g} instead of {panel.values[row, channel]:g}. Pass "
            "the frame that was given to sample()."
        )
    return values
