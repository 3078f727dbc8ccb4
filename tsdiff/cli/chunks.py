"""A long table in overlapping chunks, that are answered as the whole would be."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pandas as pd

from tsdiff.cli.table import Piece, Table

_ROWS = 2**15  # of a chunk: bounds memory, whatever the table
_WINDOWS = 4  # to either side of a chunk


def chunk_sizes(n_steps: int, max_gap: Any = None, step: Any = None) -> tuple[int, int]:
    """Rows of a chunk, and rows that are read besides to either side of it.

    Both are multiples of half a window, so that the windows over a chunk lie where
    those over the whole table would: a cell is answered by the same window, which sees
    the same. The rows besides are four windows, and more than `max_gap`; the last value
    before a window and the first behind it are seen if they are that close.

    Parameters
    ----------
    n_steps : int
        Length of a window.
    max_gap : int or timedelta-like, optional
    step : Timedelta or number, optional
        Median time between rows, to count `max_gap` in rows.

    Returns
    -------
    n_rows, reach : int

    Examples
    --------
    >>> chunk_sizes(64)
    (32768, 256)
    >>> chunk_sizes(64, "1D", pd.Timedelta("1min"))
    (32768, 1472)
    """
    stride = max(n_steps // 2, 1)
    reach = _WINDOWS * n_steps
    if max_gap is not None:
        rows = max_gap if isinstance(max_gap, int) else pd.Timedelta(max_gap) / step
        reach = max(reach, math.ceil(rows) + 1)
    reach = -(-reach // stride) * stride
    n_rows = max(_ROWS // stride * stride, reach)
    return n_rows, reach


def overlapping(
    pieces: Iterable[Piece], n_rows: int, reach: int
) -> Iterator[tuple[Piece, slice]]:
    """Go through a table in chunks.

    Parameters
    ----------
    pieces : iterable of Piece
        In order; their sizes don't matter.
    n_rows, reach : int
        From `chunk_sizes`.

    Yields
    ------
    piece : Piece
        A chunk and what is seen besides.
    core : slice
        Rows of the chunk; each row of the table is in one.
    """
    held, first = None, 0
    for piece in pieces:
        held = piece if held is None else held.joined(piece)
        while len(held.raw) > first + n_rows + reach:
            stop = first + n_rows
            yield held.rows(0, stop + reach), slice(first, stop)
            kept = max(stop - reach, 0)
            held, first = held.rows(kept), stop - kept
    if held is not None:
        yield held, slice(first, None)


def whole(table: Table) -> Piece:
    """Read all rows of a table."""
    parts = list(table.pieces(_ROWS))
    raw = pd.concat([part.raw for part in parts], ignore_index=True)
    return Piece(raw, pd.concat([part.values for part in parts]))


def leading(table: Table, n_rows: int) -> pd.DataFrame:
    """Read the first rows of a table; of many series, whole ones, one at least."""
    if table.series is None:
        return next(table.pieces(n_rows)).values
    return _whole_series(whole(table).values, n_rows)


def to_fit(table: Table, n_rows: int, tell: Callable[[str], None]) -> pd.DataFrame:
    """Read the first rows of a table to fit on, and tell how many they are."""
    values = leading(table, n_rows)
    tell(f"fits on the first {len(values):,} rows.")
    return values


def trailing(table: Table, n_rows: int) -> pd.DataFrame:
    """Read the last rows of a table; of many series, the last ones of each."""
    if table.series is not None:
        values = whole(table).values
        n_each = max(n_rows // values.index.get_level_values(0).nunique(), 1)
        return values.groupby(level=0, sort=False).tail(n_each)
    last: deque[pd.DataFrame] = deque()
    n_held = 0
    for piece in table.pieces(min(_ROWS, n_rows)):
        last.append(piece.values)
        n_held += len(piece.values)
        while n_held - len(last[0]) >= n_rows:
            n_held -= len(last.popleft())
    return pd.concat(list(last)).iloc[-n_rows:]


def _whole_series(values: pd.DataFrame, n_rows: int) -> pd.DataFrame:
    names = values.index.get_level_values(0)
    counts = pd.Series(names).value_counts(sort=False)
    kept = counts.index[(counts.cumsum() <= n_rows).to_numpy()]
    chosen = kept if len(kept) else counts.index[:1]
    return values[names.isin(chosen)]
