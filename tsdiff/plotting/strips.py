"""From draws to the arrays of a picture: one strip per series and channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.bands import interval_alpha
from tsdiff.plotting.shapes import MAX_POINTS, broken, gap_rows, outline, pieces, thin

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
    """

    time: NDArray
    given: Array
    observed: NDArray[np.bool_]
    answered: NDArray[np.bool_]
    samples: Array

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
    )


def strip_data(strip: Strip, coverage: Sequence[float], n_paths: int) -> list[Data]:
    """Compute what the traces of a strip show, in the order they are drawn.

    Parameters
    ----------
    strip : Strip
    coverage : sequence of float
        Of the bands, widest first.
    n_paths : int

    Returns
    -------
    list of dict
        ``x``, ``y`` and, for the answers, ``customdata`` (ends of the bands): bands,
        paths, median, observed, answers, held-out truth.
    """
    levels = np.concatenate([[0.5], interval_alpha(np.asarray(coverage))])
    rows = gap_rows(strip.answered, strip.observed)
    numbers = strip.along(rows, np.quantile(strip.samples, levels, axis=0))
    piece = pieces(rows, strip.answered[rows])
    time = strip.time[rows]
    few = thin(piece, numbers[1], numbers[2], MAX_POINTS * 2 // 5)
    data = []
    for low, high in zip(numbers[1::2], numbers[2::2], strict=True):
        x, y = outline(piece[few], time[few], low[few], high[few])
        data.append({"x": x, "y": y})
    paths = strip.along(rows, strip.samples[:n_paths])
    data += [_line(piece, time, path) for path in (*paths, numbers[0])]
    seen = np.flatnonzero(strip.observed)
    data.append(_line(pieces(seen), strip.time[seen], strip.given[seen]))
    data.append(_answers(strip, rows, numbers))
    truth = np.flatnonzero(~strip.observed & ~np.isnan(strip.given))
    data.append(_dots(strip.time[truth], strip.given[truth]))
    return data


def _line(piece: NDArray[np.int64], time: NDArray, y: Array) -> Data:
    """Thin a line and lift the pen between its pieces."""
    kept = thin(piece, y, limit=MAX_POINTS * 4 // 5)
    x, y = broken(piece[kept], time[kept], y[kept])
    return {"x": x, "y": y}


def _dots(time: NDArray, y: Array) -> Data:
    kept = thin(np.zeros(len(y), dtype=np.int64), y)
    return {"x": time[kept], "y": y[kept]}


def _answers(strip: Strip, rows: NDArray[np.int64], numbers: Array) -> Data:
    """Medians of the answered cells, with the ends of their bands for the label."""
    inside = strip.answered[rows]
    median, ends = numbers[0, inside], numbers[1:, inside].T
    kept = thin(np.zeros(len(median), dtype=np.int64), median)
    time = strip.time[rows[inside]]
    return {"x": time[kept], "y": median[kept], "customdata": ends[kept]}


def time_axis(stamps: pd.Index) -> NDArray:
    """Turn labels of rows into numbers or dates that a browser can place.

    Parameters
    ----------
    stamps : pandas.Index of length n
        With several levels, the last one is time.

    Returns
    -------
    ndarray of shape (n,)
        Dates as the wall clock shows them, start of a period, seconds of a duration,
        or the numbers themselves.

    Examples
    --------
    >>> time_axis(pd.PeriodIndex(["2024-02"], freq="M")).astype(str).tolist()
    ['2024-02-01T00:00:00.000000']
    """
    stamps = stamps.get_level_values(-1)
    if isinstance(stamps, pd.PeriodIndex):
        stamps = stamps.to_timestamp()
    if isinstance(stamps, pd.DatetimeIndex):
        return stamps.tz_localize(None).to_numpy()
    if isinstance(stamps, pd.TimedeltaIndex):
        return stamps.total_seconds().to_numpy()
    return stamps.to_numpy()


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
    from tsdiff.panel.frame import to_panel

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
            raise ValueError(
                f"df has a row {given.index[np.argmax(place < 0)]!r} that the draws "
                "lack. Pass the frame that was given to sample()."
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
