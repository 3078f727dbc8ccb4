"""Support: how far the fit, and the data around a missing cell, bear out its answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.advice import advise
from tsdiff.gaps import sides
from tsdiff.panel.frame import Panel
from tsdiff.panel.scaling import Scaler
from tsdiff.validation import listing

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_OTHERS_ALONE = 0.5  # support of a cell around which only other channels are shown
_MOST_NAMED = 5


def support_scores(
    panel: Panel, scaler: Scaler, window: int, horizon: int | None = None
) -> Floats:
    """Score how well each missing cell is borne out, from 0 (not at all) to 1.

    The score is a product of four parts:

    - *gap*: 1 for gaps of up to half a window (or the horizon, if that is longer), from
      there falling evenly to 0 for gaps as long as the window. A gap is as long as its
      rows; one that is open at an end of the series is counted from the last value
      seen up to the cell, so a forecast has the support of a shorter one.
    - *fit*: 0 if the channel held no value in the fit.
    - *range*: mean over the values of the channel that are shown nearby of 1 / (1 + e),
      where e is how far a value lies outside the range of the fit, in units of that
      range: 1/2 for a value that is one range away.
    - *context*: 1 if a value of the channel is shown nearby, 1/2 if only other channels
      are, 0 if nothing is.

    Nearby are the rows of the series that a window can hold together with the cell.

    Parameters
    ----------
    panel : Panel
    scaler : Scaler
        Of the fit.
    window : int
        Rows that the model sees at once.
    horizon : int, optional
        Rows ahead that the fit prepared for.

    Returns
    -------
    ndarray of float, shape (N, C)
        1 where observed.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> from tsdiff.panel.scaling import fit_scaler
    >>> y = np.array([[1.0], [2.0], [np.nan], [np.nan], [np.nan], [3.0]])
    >>> panel = to_panel(y)
    >>> support_scores(panel, fit_scaler(panel), window=4).ravel()
    array([1. , 1. , 0.5, 0.5, 0.5, 1. ])
    """
    seen = panel.observed
    count = _nearby(panel, seen, window)
    outside = _nearby(panel, _outside(panel, scaler), window)
    whole = min(max(window / 2, horizon or 0), window - 1)
    of_gap = np.clip((window - _lengths(panel)) / (window - whole), 0, 1)
    of_range = np.clip(1 - outside / np.maximum(count, 1), 0, 1)
    others = np.where(count.any(axis=1, keepdims=True), _OTHERS_ALONE, 0.0)
    of_context = np.where(count > 0, 1.0, others)
    return np.where(seen, 1.0, of_gap * _in_fit(scaler) * of_range * of_context)


def _lengths(panel: Panel) -> Floats:
    """Count the rows of the gap of each cell, open ones up to the cell."""
    since, until = sides(panel)
    closed, opened = since + until - 1, np.minimum(since, until)
    length = np.diff(panel.bounds)
    whole = np.repeat(length, length)[:, None]  # of channels without a value
    return np.where(
        np.isfinite(closed), closed, np.where(np.isfinite(opened), opened, whole)
    )


def _in_fit(scaler: Scaler) -> Mask:
    """Whether each channel held a value in the fit.

    One without has scale 1; the scale of a constant one is no power of two.
    """
    return (scaler.low < scaler.high) | (scaler.scale != 1)


def _outside(panel: Panel, scaler: Scaler) -> Floats:
    """Shortfall e / (1 + e) of values that lie e ranges outside that of the fit."""
    # a quarter, lest differences of the largest numbers overflow
    values, low, high = panel.values / 4, scaler.low / 4, scaler.high / 4
    distance = np.maximum(values - high, low - values)
    far = distance > 0  # not so of NaN
    distance = np.where(far, distance, 0.0)
    return distance / np.where(far, distance + (high - low), 1.0)


def _nearby(panel: Panel, numbers: NDArray[Any], window: int) -> Floats:
    """Sum over the rows of the series that a window can hold together with each."""
    n_rows, length = len(numbers), np.diff(panel.bounds)
    row = np.arange(n_rows)
    start = np.maximum(row - window + 1, np.repeat(panel.bounds[:-1], length))
    stop = np.minimum(row + window, np.repeat(panel.bounds[1:], length))
    total = np.zeros((n_rows + 1, numbers.shape[1]))
    np.cumsum(numbers, axis=0, out=total[1:])
    return total[stop] - total[start]


def report_unsupported(panel: Panel, cells: NDArray[np.int64], abstain: float) -> None:
    """Warn of cells that stay as they are: how many, of each column, from which row.

    Parameters
    ----------
    panel : Panel
    cells : ndarray of int, shape (n,)
        Ascending flat indices, one at least.
    abstain : float

    Warns
    -----
    UserWarning
    """
    row, channel = np.divmod(cells, len(panel.channels))
    columns, first, count = np.unique(channel, return_index=True, return_counts=True)
    index = panel.index
    some = [
        f"{panel.channels[column]!r} from {index[row[k]]} ({n} cell(s))"
        for column, k, n in zip(columns, first, count, strict=True)
    ][:_MOST_NAMED]
    rest = len(columns) - len(some)
    advise(
        f"{len(cells)} missing cell(s) with less support than abstain={abstain!r} stay "
        f"NaN: {listing(some)}{f' and {rest} more column(s)' if rest else ''}."
    )


def only(kept: Mask, numbers: NDArray[Any]) -> NDArray[Any]:
    """Keep some of the cells of numbers of shape (..., M); all of them without a copy.

    Examples
    --------
    >>> only(np.array([True, False]), np.array([[1, 2], [3, 4]]))
    array([[1],
           [3]])
    """
    return numbers if kept.all() else numbers[..., kept]
