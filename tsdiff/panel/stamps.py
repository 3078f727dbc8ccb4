"""Time labels: what may be one, and the order they must be in."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tsdiff.validation import listing


def check_stamps(stamps: pd.Index) -> pd.Index:
    """Check that labels are points in time: dates, periods, durations or numbers.

    Parameters
    ----------
    stamps : pandas.Index of shape (n_rows,)
        The labels.

    Returns
    -------
    stamps : pandas.Index
        The same; dates kept by Arrow become a DatetimeIndex.

    Raises
    ------
    TypeError
        If they are text, mixed zones, or of any other kind.
    ValueError
        If one is missing (NaT, NaN).

    Examples
    --------
    >>> check_stamps(pd.RangeIndex(3))
    RangeIndex(start=0, stop=3, step=1)
    """
    missing = np.flatnonzero(stamps.isna())
    if len(missing):
        raise ValueError(
            f"The time index has no stamp (NaT) at row(s) {listing(missing)}. Give "
            "these rows a time, or drop them: X = X[X.index.notna()]."
        )
    if isinstance(stamps.dtype, pd.ArrowDtype) and stamps.dtype.kind == "M":
        stamps = pd.DatetimeIndex(stamps)
    dated = isinstance(stamps, pd.DatetimeIndex | pd.PeriodIndex | pd.TimedeltaIndex)
    if dated or getattr(stamps.dtype, "kind", "O") in "iuf":
        return stamps
    kind = pd.api.types.infer_dtype(stamps)
    if kind.startswith("date"):
        raise TypeError(
            f"The time index holds {kind} objects that share no one type: mixed time "
            "zones, aware and naive stamps together, or plain dates. Use X.index = "
            "pandas.to_datetime(X.index, utc=True), or without utc=True for dates."
        )
    raise TypeError(
        f"The index is no time: it holds {kind} ({stamps[0]!r}, ...). Use X.index = "
        "pandas.to_datetime(X.index), or X.reset_index(drop=True) if the rows are just "
        "numbered."
    )


def check_increasing(stamps: pd.Index, bounds: np.ndarray, ids: tuple) -> None:
    """Check that time runs forward in every series.

    Parameters
    ----------
    stamps : pandas.Index of shape (n_rows,)
        Time labels without gaps in the label itself (no NaT).
    bounds : ndarray of shape (n_series + 1,)
        Series i is rows ``bounds[i]:bounds[i + 1]``.
    ids : tuple
        Name of each series, for messages.

    Raises
    ------
    ValueError
        If stamps occur twice, run backwards or are not sorted.

    Examples
    --------
    >>> check_increasing(pd.RangeIndex(3), np.array([0, 3]), (None,))
    """
    changes = changes_within(stamp_numbers(stamps), bounds)
    if (changes > 0).all():
        return
    if (changes < 0).all():
        raise ValueError(
            "Time runs backwards: the newest row comes first. Use X = X.iloc[::-1] or "
            "X.sort_index()."
        )
    series = np.repeat(np.arange(len(ids)), np.diff(bounds))
    twice = pd.DataFrame({"series": series, "time": stamps}).duplicated().to_numpy()
    if twice.any():
        found = _places(np.flatnonzero(twice), series, stamps, ids)
        raise ValueError(
            f"Stamps occur more than once: {found}. Keep one row per stamp, e.g. X = "
            "X[~X.index.duplicated()] or a groupby mean. If these are local times when "
            "a clock went back, give the index its zone: X.index.tz_localize(zone, "
            "ambiguous='infer')."
        )
    found = _places(_inner(bounds)[changes < 0] + 1, series, stamps, ids)
    raise ValueError(
        f"The time index is not sorted; earlier than the row before: {found}. Use X = "
        "X.sort_index()."
    )


def changes_within(numbers: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Take differences between neighbouring rows of the same series.

    Parameters
    ----------
    numbers : ndarray of shape (n_rows,)
        One number per row.
    bounds : ndarray of shape (n_series + 1,)
        Series i is rows ``bounds[i]:bounds[i + 1]``.

    Returns
    -------
    changes : ndarray of shape (n_rows - n_series,)
        The differences, without those from one series to the next.

    Examples
    --------
    >>> changes_within(np.array([0, 1, 3, 0, 5]), np.array([0, 3, 5]))
    array([1, 2, 5])
    """
    return np.diff(numbers)[_inner(bounds)]


def _inner(bounds: np.ndarray) -> np.ndarray:
    """Rows that are followed by a row of the same series."""
    last = np.zeros(bounds[-1], dtype=bool)
    last[bounds[1:] - 1] = True
    return np.flatnonzero(~last)


def stamp_numbers(stamps: pd.Index) -> np.ndarray:
    """Read stamps as numbers in the unit of their own index; dates count in UTC.

    Parameters
    ----------
    stamps : pandas.Index of shape (n_rows,)
        Time labels.

    Returns
    -------
    numbers : ndarray of shape (n_rows,)
        int64, or float64 for time in fractions. Only their differences mean something,
        and only within this index: the unit differs between indexes.

    Examples
    --------
    >>> stamp_numbers(pd.period_range("1970-03", periods=2, freq="M"))
    array([2, 3])
    """
    whole = stamps.dtype.kind != "f"
    return stamps.astype("int64" if whole else "float64").to_numpy()


def _places(rows: np.ndarray, series: np.ndarray, stamps: pd.Index, ids: tuple) -> str:
    """Write which rows are meant: their time, and their series if there are many."""
    return listing(
        stamp if ids[i] is None else f"{stamp} of {ids[i]!r}"
        for i, stamp in zip(series[rows], stamps[rows], strict=True)
    )
