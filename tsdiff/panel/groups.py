"""Groups of series that are worked on together, so that memory has a bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tsdiff.panel.frame import Panel
from tsdiff.panel.future import relaid

Ints = NDArray[np.int64]

#: Series in a group, if nothing else is asked for.
TOGETHER = 2000
_MOST_ROWS = 2_000_000  # in a group, else a worker needs more than a GiB


def group_edges(length: Ints, together: int) -> list[int]:
    """Cut series, in their order, into groups of so many; fewer where they are long.

    Parameters
    ----------
    length : ndarray of int, shape (n_series,)
        Rows of each.
    together : int

    Returns
    -------
    list of int
        Group i is series ``edges[i]:edges[i + 1]``, one at least.

    Examples
    --------
    >>> group_edges(np.array([9, 9, 9, 3_000_000, 9]), 2)
    [0, 2, 3, 4, 5]
    """
    end = np.append(0, np.cumsum(length))
    edges = [0]
    while edges[-1] < len(length):
        first = edges[-1]
        fits = np.searchsorted(end, end[first] + _MOST_ROWS, side="right") - 1
        edges.append(max(first + 1, min(first + together, int(fits))))
    return edges


def group_of(panel: Panel, first: int, stop: int) -> Panel:
    """Take the series ``first:stop`` of a panel.

    Parameters
    ----------
    panel : Panel
    first, stop : int

    Returns
    -------
    Panel
        It answers in the caller's kind, with rows in its own order.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> group_of(to_panel(np.zeros((5, 3, 1))), 2, 4).bounds.tolist()
    [0, 3, 6]
    """
    if (first, stop) == (0, len(panel.ids)):
        return panel
    rows = slice(panel.bounds[first], panel.bounds[stop])
    return replace(
        panel,
        values=panel.values[rows],
        bounds=panel.bounds[first : stop + 1] - panel.bounds[first],
        ids=panel.ids[first:stop],
        elapsed=panel.elapsed[rows],
        calendar=panel.calendar[rows],
        layout=relaid(panel.layout, panel.index[rows], stop - first),
    )
