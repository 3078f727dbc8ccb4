"""Totals, means and extremes of periods, one per draw, without completing any frame.

Only the answered cells of a period differ between draws. So what is observed is
reduced once, the answered cells are reduced for all draws at once, and the quantiles of
a period are taken before the next ones are looked at: scratch memory is bounded.
Words: S samples, M answered cells, P periods, C channels; a group is one period of one
channel, numbered ``period * C + channel``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tsdiff.periods import Periods

if TYPE_CHECKING:
    from tsdiff.panel.frame import Panel

Array = NDArray[np.float64]

#: What reduces a stretch of one channel: (s, length) array and ``axis=1`` -> (s,).
Reducer = Callable[..., Array]

# Scratch arrays stay near this many float64 values (32 MB).
_BLOCK = 2**22

# name -> (how two parts of a period join, what an empty part counts as)
_UFUNCS: dict[str, tuple[np.ufunc, float]] = {
    "sum": (np.add, 0.0),
    "mean": (np.add, 0.0),
    "min": (np.minimum, np.inf),
    "max": (np.maximum, -np.inf),
}


@dataclass(frozen=True)
class _Groups:
    """The answered cells, sorted by the group they fall into."""

    cells: NDArray[np.int64]  # (M,) flat cell of the panel
    order: NDArray[np.int64]  # (M,) column of the samples
    number: NDArray[np.int64]  # (G,) groups with an answered cell
    bounds: NDArray[np.int64]  # (G + 1,) group g is cells[bounds[g]:bounds[g + 1]]


def _group(cells: NDArray[np.int64], periods: Periods, n_channels: int) -> _Groups:
    """Sort flat cells by period and channel."""
    row, channel = np.divmod(cells, n_channels)
    period = np.searchsorted(periods.bounds, row, side="right") - 1
    group = period * n_channels + channel
    order = np.argsort(group, kind="stable")
    number, first = np.unique(group[order], return_index=True)
    return _Groups(cells[order], order, number, np.append(first, len(cells)))


def aggregate_quantiles(
    panel: Panel,
    samples: Array,
    cells: NDArray[np.int64],
    periods: Periods,
    how: str | Reducer,
    levels: Array,
) -> Array:
    """Quantiles over the draws of every period's total (or mean, extreme, ...).

    Parameters
    ----------
    panel : Panel
    samples : ndarray of shape (S, M)
    cells : ndarray of int64, shape (M,)
    periods : Periods
    how : {"sum", "mean", "min", "max"} or callable
        A callable is called with an array of shape (s, length), s completed draws of
        one period of one channel, and ``axis=1``; it returns shape (s,).
    levels : ndarray of shape (K,)

    Returns
    -------
    ndarray of shape (K, P, C)
        NaN where a missing cell of the period was not answered.

    Raises
    ------
    ValueError
        An unknown `how`, or a callable that returns another shape.
    """
    n_channels = panel.values.shape[1]
    groups = _group(cells, periods, n_channels)
    if isinstance(how, str):
        fixed, blocks = _by_ufunc(panel, samples, groups, periods, how)
    else:
        fixed, blocks = _by_callable(panel, samples, groups, periods, how)
    answer = np.repeat(fixed.reshape(1, -1), len(levels), axis=0)  # (K, P * C)
    for numbers, totals in blocks:
        answer[:, numbers] = np.quantile(totals, levels, axis=0)
    return answer.reshape(len(levels), len(periods), n_channels)


Blocks = Iterator[tuple[NDArray[np.int64], Array]]


def _by_ufunc(
    panel: Panel, samples: Array, groups: _Groups, periods: Periods, how: str
) -> tuple[Array, Blocks]:
    """Reduce what is observed; yield blocks of groups with their (S, g) totals."""
    if how not in _UFUNCS:
        raise ValueError(
            f"how is one of {', '.join(_UFUNCS)} or a callable, got {how!r}."
        )
    ufunc, empty = _UFUNCS[how]
    n_rows = np.diff(periods.bounds) if how == "mean" else np.ones(len(periods))
    certain = panel.values.copy()
    np.put(certain, groups.cells, empty)
    fixed = ufunc.reduceat(certain, periods.bounds[:-1], axis=0)  # (P, C)
    n_channels = fixed.shape[1]

    def blocks() -> Blocks:
        for first, last in _runs(groups.bounds, len(samples)):
            number = groups.number[first:last]
            start = groups.bounds[first:last] - groups.bounds[first]
            order = groups.order[groups.bounds[first] : groups.bounds[last]]
            drawn = np.concatenate(
                [
                    ufunc.reduceat(samples[part][:, order], start, axis=1)
                    for part in _parts(len(samples), len(order))
                ]
            )
            total = ufunc(fixed.ravel()[number], drawn)
            yield number, total / n_rows[number // n_channels]

    return fixed / n_rows[:, None], blocks()


def _by_callable(
    panel: Panel, samples: Array, groups: _Groups, periods: Periods, how: Reducer
) -> tuple[Array, Blocks]:
    """Complete one period of one channel at a time and hand it to `how`."""
    n_channels = panel.values.shape[1]
    fixed = np.full((len(periods), n_channels), np.nan)
    for period, (first, last) in enumerate(pairwise(periods.bounds)):
        stretch = panel.values[first:last].T  # (C, length)
        whole = ~np.isnan(stretch).any(axis=1)
        if whole.any():
            fixed[period, whole] = _reduce(how, stretch[whole].copy())

    def blocks() -> Blocks:
        for g, number in enumerate(groups.number):
            period, channel = divmod(int(number), n_channels)
            first, last = periods.bounds[period : period + 2]
            inside = slice(*groups.bounds[g : g + 2])
            position = groups.cells[inside] // n_channels - first
            stretch = panel.values[first:last, channel]
            if np.isnan(stretch).sum() > len(position):
                continue  # not all of it is known or answered: stays NaN
            totals = []
            for part in _parts(len(samples), len(stretch)):
                drawn = samples[part][:, groups.order[inside]]
                paths = np.repeat(stretch[None], len(drawn), axis=0)
                paths[:, position] = drawn
                totals.append(_reduce(how, paths))
            yield groups.number[g : g + 1], np.concatenate(totals)[:, None]

    return fixed, blocks()


def _reduce(how: Reducer, paths: Array) -> Array:
    """Call the caller's reducer and check what comes back."""
    answer = np.asarray(how(paths, axis=1), dtype=np.float64)
    if answer.shape != paths.shape[:1]:
        raise ValueError(
            f"how returned shape {answer.shape} for an array of shape {paths.shape} "
            f"and axis=1; {paths.shape[:1]} is needed, one number per draw. Example: "
            "how=np.median, or how=lambda v, axis: (v < 70).mean(axis=axis)."
        )
    return answer


def _runs(bounds: NDArray[np.int64], n_samples: int) -> Iterator[tuple[int, int]]:
    """Cut groups into runs of about a block, each at least one group long."""
    budget, first, n_groups = max(1, _BLOCK // n_samples), 0, len(bounds) - 1
    while first < n_groups:
        last = int(np.searchsorted(bounds, bounds[first] + budget, side="right")) - 1
        last = max(last, first + 1)
        yield first, last
        first = last


def _parts(n_samples: int, length: int) -> Iterator[slice]:
    """Cut the samples so that a part times `length` fits a block."""
    size = max(1, _BLOCK // max(length, 1))
    for start in range(0, n_samples, size):
        yield slice(start, start + size)
