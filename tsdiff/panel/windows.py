"""Windows of a panel: drawn for training, laid out to cover a series in use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsdiff.panel.frame import Panel

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Cover:
    """Overlapping windows over every series, and who answers which row.

    Attributes
    ----------
    start : ndarray of int, shape (W,)
        First row of each window, in the order of the rows.
    series : ndarray of int, shape (W,)
        Series of each window; a window never leaves its series.
    owner : ndarray of int, shape (N,)
        For each row the window in which it lies most central.
    """

    start: Ints
    series: Ints
    owner: Ints


def n_windows(bounds: Ints, n_steps: int) -> Ints:
    """Count the windows that overlap by half and cover each series.

    Parameters
    ----------
    bounds : ndarray of int, shape (n_series + 1,)
    n_steps : int

    Returns
    -------
    ndarray of int, shape (n_series,)
    """
    stride = max(n_steps // 2, 1)
    beyond = np.maximum(np.diff(bounds) - n_steps, 0)
    return 1 + np.ceil(beyond / stride).astype(np.int64)


def cover(panel: Panel, n_steps: int, ahead: Ints | int = 0) -> Cover:
    """Cover every series by windows that overlap by half.

    Parameters
    ----------
    panel : Panel
    n_steps : int
        Length of a window; series shorter than that get one window, that ends with
        them.
    ahead : ndarray of int, shape (n_series,), or int, default 0
        Last rows of each series that lie ahead of its data: the window that ends with
        the series answers them all, at most `n_steps`.

    Returns
    -------
    Cover
    """
    length, count = np.diff(panel.bounds), n_windows(panel.bounds, n_steps)
    stride = max(n_steps // 2, 1)
    series = np.repeat(np.arange(len(length)), count)
    first = np.cumsum(count) - count  # first window of each series
    number = np.arange(len(series)) - first[series]
    offset = np.minimum(number * stride, length[series] - n_steps)
    row = np.arange(len(panel.values)) - np.repeat(panel.bounds[:-1], length)
    row_series = np.repeat(np.arange(len(length)), length)
    nearest = np.rint((row - (n_steps - 1) / 2) / stride).astype(np.int64)
    nearest = np.clip(nearest, 0, count[row_series] - 1)
    # the last window is pushed back to end with its series: it may be the nearer one
    last = count[row_series] - 1
    middle = (n_steps - 1) / 2
    end = np.maximum(length[row_series] - n_steps, 0) + middle
    away = np.abs(row - np.minimum(nearest * stride, end - middle) - middle)
    forecast = row >= (length - ahead)[row_series]
    nearest = np.where((np.abs(row - end) < away) | forecast, last, nearest)
    return Cover(panel.bounds[series] + offset, series, first[row_series] + nearest)


def rows_of(
    panel: Panel, start: Ints, series: Ints, n_steps: int
) -> tuple[Ints, NDArray[np.bool_]]:
    """Row of each step of windows, and whether the series reaches that far.

    Parameters
    ----------
    panel : Panel
    start, series : ndarray of int, shape (B,)
        First row and series of each window; it may start before the series.
    n_steps : int

    Returns
    -------
    rows : ndarray of int, shape (B, T)
        Beyond the series the nearest of its rows, for which `inside` is False.
    inside : ndarray of bool, shape (B, T)
    """
    rows = start[:, None] + np.arange(n_steps)
    first, last = panel.bounds[series, None], panel.bounds[series + 1, None] - 1
    nearest = np.clip(rows, first, last)
    return nearest, nearest == rows


@dataclass(frozen=True)
class Windows:
    """Windows of a panel as arrays.

    Attributes
    ----------
    values : ndarray of float32, shape (B, T, C)
        Scaled, NaN where missing or beyond the end of the series.
    elapsed : ndarray of float32, shape (B, T)
        Time since the first step of the window.
    features : ndarray of float32, shape (B, T, F)
        Calendar.
    edges : ndarray of float32, shape (B, 2, C)
        Last value observed before the window and first one after it; 0 if there is
        none.
    away : ndarray of float32, shape (B, 2, C)
        Their distance from the first and the last step; infinite if there is none.
    rows : ndarray of int, shape (B, T)
    inside : ndarray of bool, shape (B, T)
    """

    values: NDArray[np.float32]
    elapsed: NDArray[np.float32]
    features: NDArray[np.float32]
    edges: NDArray[np.float32]
    away: NDArray[np.float32]
    rows: Ints
    inside: NDArray[np.bool_]


class Scene:
    """A panel in scaled units, from which windows are gathered.

    Parameters
    ----------
    panel : Panel
    scaled : ndarray of float32, shape (N, C)
        Its values in scaled units, NaN where missing.
    """

    def __init__(self, panel: Panel, scaled: NDArray[np.float32]) -> None:
        self.panel, self.scaled = panel, scaled
        row = np.arange(len(scaled), dtype=np.int32)[:, None]
        seen = ~np.isnan(scaled)
        # last observed row up to each row, and first one from it; whatever the series
        self._last = np.maximum.accumulate(np.where(seen, row, -1), axis=0)
        turned = np.where(seen, row, len(scaled))[::-1]
        self._next = np.minimum.accumulate(turned, axis=0)[::-1]

    def take(self, start: Ints, series: Ints, n_steps: int) -> Windows:
        """Gather windows.

        Parameters
        ----------
        start, series : ndarray of int, shape (B,)
            First row and series of each window.
        n_steps : int

        Returns
        -------
        Windows
        """
        panel = self.panel
        first, stop = panel.bounds[series], panel.bounds[series + 1]
        rows, inside = rows_of(panel, start, series, n_steps)
        values = np.where(inside[:, :, None], self.scaled[rows], np.float32(np.nan))
        # the clock goes on beyond both ends of the series
        clock = panel.elapsed[rows] + (start[:, None] + np.arange(n_steps) - rows)
        elapsed = clock - clock[:, :1]
        features = np.where(inside[:, :, None], panel.calendar[rows], np.float32(0))
        last = self._last[np.maximum(start - 1, 0)]  # (B, C)
        next_ = self._next[np.minimum(rows[:, -1] + 1, len(self._next) - 1)]
        found = np.stack(
            [
                (last >= first[:, None]) & (start > first)[:, None],
                (next_ < stop[:, None]) & (next_ > rows[:, -1:]),
            ],
            axis=1,
        )
        at = np.where(found, np.stack([last, next_], axis=1), first[:, None, None])
        ends = panel.elapsed[rows[:, [0, -1]]][:, :, None]  # (B, 2, 1)
        away = np.where(found, np.abs(panel.elapsed[at] - ends), np.inf)
        edges = np.take_along_axis(self.scaled, at.reshape(-1, at.shape[2]), axis=0)
        edges = np.where(found, edges.reshape(at.shape), np.float32(0))
        return Windows(
            values,
            elapsed.astype(np.float32),
            features,
            edges,
            away.astype(np.float32),
            rows,
            inside,
        )


def random_starts(
    bounds: Ints, n_steps: int, size: int, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Draw windows for training, every row about equally often.

    Parameters
    ----------
    bounds : ndarray of int, shape (n_series + 1,)
        Series i is rows ``bounds[i]:bounds[i + 1]``.
    n_steps : int
    size : int
        Number of windows.
    rng : Generator

    Returns
    -------
    start, series : ndarray of int, shape (size,)
    """
    length = np.diff(bounds)
    weight = np.cumsum(length, dtype=float)
    drawn = rng.random(size) * weight[-1]
    series = np.searchsorted(weight, drawn, side="right")
    free = length[series] - n_steps  # below zero: the window starts before the series
    # drawn from a little beyond both ends, so that the end rows are seen as often
    reach = np.clip(free, 0, n_steps // 2)
    offset = rng.integers(-reach, np.maximum(free, 0) + reach + 1)
    return bounds[series] + np.minimum(np.maximum(offset, 0), free), series
