"""What a fit remembers of its rows: enough to know them again, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tsdiff.panel.frame import Panel

_RUN = 6  # rows in a row that are told apart from all others
_DISTINCT = 4  # of them, at least: six zeros are nobody's mark
_MOST = 2**14  # hashes kept, the smallest ones: 128 KB

Hashes = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """Hashes of runs of rows; of many rows a random sample of them.

    Attributes
    ----------
    hashes : ndarray of uint64
        Ascending. One for each run of six rows with their stamps, if they have any, of
        which four at least are different.

    Raises
    ------
    ValueError
        If they are out of order, or of another kind.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> panel = to_panel(np.arange(30.0)[:, None] ** 2)
    >>> mark = Fingerprint.of(panel)
    >>> [int(mark.seen(X).sum()) for X in (panel, to_panel(-panel.values))]
    [25, 0]
    """

    hashes: Hashes

    def __post_init__(self) -> None:
        fine = self.hashes.dtype == np.uint64 and self.hashes.ndim == 1
        if not fine or (np.diff(self.hashes) == 0).any():
            raise ValueError("the fingerprint of its data is damaged")
        if (self.hashes[1:] < self.hashes[:-1]).any():
            raise ValueError("the fingerprint of its data is out of order")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fingerprint):
            return NotImplemented
        return np.array_equal(self.hashes, other.hashes)

    @classmethod
    def of(cls, panel: Panel) -> Fingerprint:
        """Take the fingerprint of a panel."""
        hashes, usable = _runs(panel)
        return cls(np.unique(hashes[usable])[:_MOST])

    def with_others(self, other: Fingerprint | None) -> Fingerprint:
        """Put the marks of two sets of rows together."""
        if other is None:
            return self
        return Fingerprint(np.union1d(self.hashes, other.hashes)[:_MOST])

    def seen(self, panel: Panel) -> NDArray[np.bool_]:
        """Mark the rows with which a run of known rows ends, shape (N,)."""
        hashes, usable = _runs(panel)
        known = np.isin(hashes, self.hashes) & usable
        return np.concatenate([np.zeros(len(panel.values) - len(known), bool), known])


def _runs(panel: Panel) -> tuple[Hashes, NDArray[np.bool_]]:
    """Hash each run of rows, and say which runs are usable; by their last rows."""
    if len(panel.values) < _RUN:
        return np.empty(0, np.uint64), np.empty(0, bool)
    values = np.where(panel.observed, panel.values + 0.0, 0.0)  # one zero, not two
    cells: Any = pd.util.hash_array(values.ravel()).reshape(values.shape)
    cells = np.where(panel.observed, cells, np.uint64(0))
    weight = 2 * pd.util.hash_array(np.arange(cells.shape[1])) + np.uint64(1)
    row: Any = (cells * weight).sum(axis=1, dtype=np.uint64)
    parts = np.sort(sliding_window_view(row, _RUN), axis=1)
    distinct = (np.diff(parts, axis=1) != 0).sum(axis=1) + 1
    start = np.arange(len(parts))
    series = np.searchsorted(panel.bounds, np.arange(len(row)), side="right")
    whole = series[start] == series[start + _RUN - 1]
    stamps: Any = panel.stamps
    if isinstance(stamps, pd.DatetimeIndex | pd.PeriodIndex | pd.TimedeltaIndex):
        if isinstance(stamps, pd.DatetimeIndex | pd.TimedeltaIndex):
            stamps = stamps.as_unit("us")  # nanoseconds end in 2262
        row = row + pd.util.hash_array(stamps.asi8)
    order = 2 * pd.util.hash_array(np.arange(_RUN) + 1000) + np.uint64(1)
    hashes = (sliding_window_view(row, _RUN) * order).sum(axis=1, dtype=np.uint64)
    return hashes, whole & (distinct >= _DISTINCT)
