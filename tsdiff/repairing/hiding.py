"""Which observed cells to hide together, so that each is answered without its run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tsdiff.panel.frame import Panel

Mask = NDArray[np.bool_]

_PASSES = 4  # each hides a quarter of the cells to be answered


def passes(panel: Panel, length: int) -> Iterator[tuple[Mask, Mask]]:
    """Split the observed cells into passes of blocks of `length` rows.

    In blocks of several rows, half a block is hidden on either side as well: so a run
    of bad values has to be longer than a block before one of its cells is answered with
    one of its neighbours in sight. Blocks of different channels begin at different
    rows, so that a row is never hidden whole where there are several channels.

    Parameters
    ----------
    panel : Panel
    length : int

    Yields
    ------
    asked, hidden : ndarray of bool, shape (N, C)
        Cells to answer, each of them in one of the passes, and cells not to be shown.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> panel = to_panel(np.zeros((8, 1)))
    >>> for asked, hidden in passes(panel, 2):
    ...     print(np.flatnonzero(asked), np.flatnonzero(hidden))
    [0 1] [0 1 2 7]
    [2 3] [1 2 3 4]
    [4 5] [3 4 5 6]
    [6 7] [0 5 6 7]
    """
    margin, period = length // 2, _PASSES * length
    n_rows = np.diff(panel.bounds)
    row = np.arange(len(panel.values)) - np.repeat(panel.bounds[:-1], n_rows)
    n_channels = len(panel.channels)
    phase = np.arange(n_channels) * period // n_channels
    place = row[:, None] + phase  # (N, C)
    for number in range(_PASSES):
        since = (place - number * length + margin) % period
        hidden = (since < length + 2 * margin) & panel.observed
        asked = (since >= margin) & (since < margin + length) & hidden
        if asked.any():
            yield asked, hidden
