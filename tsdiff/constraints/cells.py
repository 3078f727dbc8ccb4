"""Names and places of cells, for whoever states and whoever reads constraints."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsdiff.panel.frame import Panel
from tsdiff.validation import listing


def channel_number(panel: Panel, channel: str, words: str) -> int:
    """Find a channel.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if channel not in panel.channels:
        raise ValueError(
            f"{words} names column {channel!r}; the columns are "
            f"{listing(map(repr, panel.channels))}."
        )
    return panel.channels.index(channel)


def marked(panel: Panel, channel: str | None, words: str) -> NDArray[np.bool_]:
    """Mark the cells of a channel, or all, shape (N * C,)."""
    where = np.zeros(panel.values.shape, dtype=bool)
    column = slice(None) if channel is None else channel_number(panel, channel, words)
    where[:, column] = True
    return where.ravel()


def at_cell(panel: Panel, cell: int) -> str:
    """Say where a cell is."""
    row, column = divmod(int(cell), len(panel.channels))
    return f"in column {panel.channels[column]!r} at {panel.index[row]}"


def places(panel: Panel, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Row of each cell; series lie far apart."""
    row = cells // len(panel.channels)
    series = np.searchsorted(panel.bounds, row, side="right") - 1
    return row + 10.0 * len(panel.values) * series
