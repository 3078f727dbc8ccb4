"""Which missing cells are answered: all, those asked for, none in gaps too long."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.panel.frame import Panel
from tsdiff.validation import listing

_MOST_NAMED = 5


def gap_lengths(panel: Panel) -> NDArray[np.int64]:
    """Length in rows of the gap that each cell lies in; 0 where observed.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    ndarray of int, shape (N, C)

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> gap_lengths(to_panel(np.array([[1.0], [np.nan], [np.nan]]))).ravel()
    array([0, 2, 2])
    """
    number = _gap_numbers(panel)
    lengths = np.bincount(number[number >= 0], minlength=1)
    return np.where(number >= 0, lengths[number], 0)


def _gap_numbers(panel: Panel) -> NDArray[np.int64]:
    """Number of the gap of each cell, channel by channel; -1 where observed."""
    missing = np.isnan(panel.values)
    starts = missing.copy()
    starts[1:] &= ~missing[:-1]
    first = panel.bounds[:-1][np.diff(panel.bounds) > 0]
    starts[first] = missing[first]  # a gap ends with its series
    number = np.cumsum(starts.T.ravel()).reshape(missing.T.shape).T - 1
    return np.where(missing, number, -1)


def cells_to_answer(
    panel: Panel, max_gap: int | str | pd.Timedelta | None, where: Any = None
) -> NDArray[np.int64]:
    """Missing cells to answer, as ascending flat indices.

    Parameters
    ----------
    panel : Panel
    max_gap : int, timedelta-like or None
        Longest gap that is answered, in rows or in time.
    where : array-like of bool, shape (n_rows, n_channels), optional
        Only these cells.

    Returns
    -------
    ndarray of int, shape (M,)

    Raises
    ------
    ValueError
        If `where` has another shape or marks an observed cell.
    """
    asked = np.isnan(panel.values)
    if where is not None:
        asked &= _read_where(panel, where)
    if max_gap is not None:
        long = gap_lengths(panel) > _in_rows(panel, max_gap)
        if (long & asked).any():
            _report(panel, long & asked, max_gap)
        asked &= ~long
    return np.flatnonzero(asked)


def _read_where(panel: Panel, where: Any) -> NDArray[np.bool_]:
    marked = np.asarray(where)
    if marked.dtype != bool:
        raise ValueError(
            f"where must hold booleans, got dtype {marked.dtype}. Mark the cells to "
            "answer by True, e.g. where=X.isna()."
        )
    if marked.size != panel.values.size:
        raise ValueError(
            f"where has shape {marked.shape}, but the data have "
            f"{panel.values.shape}: one boolean per cell is needed."
        )
    marked = marked.reshape(panel.values.shape)
    rows = panel.layout.rows
    marked = marked if rows is None else marked[np.argsort(rows)]
    wrong = np.argwhere(marked & panel.observed)
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"where marks {len(wrong)} cell(s) that are observed, the first in column "
            f"{panel.channels[column]!r}, row {panel.index[row]!r}. Set them to NaN in "
            "X to have them answered."
        )
    return marked


def _in_rows(panel: Panel, max_gap: int | str | pd.Timedelta) -> float:
    """Longest gap in rows."""
    if isinstance(max_gap, int | np.integer):
        return float(max_gap)
    stamps = panel.stamps
    if isinstance(stamps, pd.PeriodIndex):
        stamps = stamps.to_timestamp()
    if not isinstance(stamps, pd.DatetimeIndex | pd.TimedeltaIndex):
        raise ValueError(
            f"max_gap={max_gap!r} is a time, but the rows are numbered. Give it as a "
            "number of rows, or give X a DatetimeIndex."
        )
    inner = np.delete(np.asarray(stamps[1:] - stamps[:-1]), panel.bounds[1:-1] - 1)
    step = pd.Timedelta(np.median(inner)) if len(inner) else pd.Timedelta(1, "D")
    return pd.Timedelta(max_gap) / step


def _report(
    panel: Panel, skipped: NDArray[np.bool_], max_gap: int | str | pd.Timedelta
) -> None:
    number = np.where(skipped, _gap_numbers(panel), -1)
    rows, columns = np.nonzero(skipped)
    _, first, length = np.unique(
        number[rows, columns], return_index=True, return_counts=True
    )
    some = [
        f"{panel.channels[columns[k]]!r} from {panel.index[rows[k]]} ({n} rows)"
        for k, n in zip(first[:_MOST_NAMED], length[:_MOST_NAMED], strict=True)
    ]
    warnings.warn(
        f"{len(first)} gap(s) longer than max_gap={max_gap!r} stay NaN: "
        f"{listing(some)}.",
        UserWarning,
        stacklevel=5,
    )
