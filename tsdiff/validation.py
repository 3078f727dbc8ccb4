"""Checks at the border: each raises with cause, finding and remedy; none repairs."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

_RESHAPE = (
    "Reshape your data either using array.reshape(-1, 1) if your data has a single "
    "feature or array.reshape(1, -1) if it contains a single sample."
)
_TEXT = "text is not read as numbers. Convert it first, e.g. with pandas.to_numeric"


def listing(items: Iterable[Any], limit: int = 5) -> str:
    """Write the first few items of a list for an error message.

    Parameters
    ----------
    items : iterable
        What was found.
    limit : int, default=5
        How many to write out.

    Returns
    -------
    text : str
        The items, separated by commas, and how many were left off.

    Examples
    --------
    >>> listing(range(7), limit=3)
    '0, 1, 2 and 4 more'
    """
    found = list(items)
    text = ", ".join(str(item) for item in found[:limit])
    rest = len(found) - limit
    return f"{text} and {rest} more" if rest > 0 else text


def check_shape(shape: Sequence[int]) -> None:
    """Demand two or three dimensions, a row and a column, in scikit-learn's words.

    Parameters
    ----------
    shape : sequence of int
        Shape of the data: (n_rows, n_channels) or (n_series, n_times, n_channels).

    Raises
    ------
    ValueError
        If there are no rows, no columns, or more than three dimensions.

    Examples
    --------
    >>> check_shape((10, 2))
    """
    shape = tuple(shape)
    if len(shape) < 2:
        kind = "scalar" if not shape else "1D"
        raise ValueError(f"Expected 2D array, got {kind} array instead. {_RESHAPE}")
    if len(shape) > 3:
        raise ValueError(
            f"Found array with dim {len(shape)}, while dim <= 3 is required: "
            "(n_rows, n_channels), or (n_series, n_times, n_channels) for many series."
        )
    for size, what in ((np.prod(shape[:-1]), "sample(s)"), (shape[-1], "feature(s)")):
        if size == 0:
            raise ValueError(
                f"Found array with 0 {what} (shape={shape}) while a minimum of 1 is "
                "required."
            )


def check_columns(columns: pd.Index) -> tuple[str, ...]:
    """Check the column names of a frame and return them as channel names.

    Parameters
    ----------
    columns : pandas.Index
        Names of the columns: all text, or all of one other kind.

    Returns
    -------
    channels : tuple of str
        One name per column.

    Raises
    ------
    TypeError
        If text and other names are mixed (scikit-learn's rule).
    ValueError
        If a name occurs twice, or the columns have several levels.

    Examples
    --------
    >>> check_columns(pd.Index(["glucose", "insulin"]))
    ('glucose', 'insulin')
    """
    if isinstance(columns, pd.MultiIndex):
        raise ValueError(
            f"The columns have {columns.nlevels} levels, one is needed. Flatten them, "
            "e.g. X.columns = ['-'.join(map(str, c)) for c in X.columns]."
        )
    kinds = sorted({type(name).__name__ for name in columns})
    if len(kinds) > 1 and any(isinstance(name, str) for name in columns):
        raise TypeError(
            "Feature names are only supported if all input features have string names, "
            f"but your input has {kinds} as feature name / column name types. If you "
            "want feature names to be stored and validated, you must convert them all "
            "to strings, by using X.columns = X.columns.astype(str) for example."
        )
    channels = tuple(str(name) for name in columns)
    twice = pd.Index(channels)
    twice = twice[twice.duplicated()].unique()
    if len(twice):
        raise ValueError(
            f"Column names occur more than once: {listing(map(repr, twice))}. Rename "
            "or drop them, e.g. X = X.loc[:, ~X.columns.duplicated()]."
        )
    return channels


def check_kind(name: str, dtype: Any) -> None:
    """Refuse a column whose kind is not a number.

    Parameters
    ----------
    name : str
        Name of the column.
    dtype : numpy.dtype or pandas ExtensionDtype
        Its kind; object is let through, its cells are checked by `float_column`.

    Raises
    ------
    TypeError
        If it holds dates, durations, categories, intervals or is sparse.
    ValueError
        If it holds complex numbers or text.

    Examples
    --------
    >>> check_kind("glucose", np.dtype("float32"))
    """
    if isinstance(dtype, pd.CategoricalDtype):
        raise TypeError(
            f"Column {name!r} is categorical ({dtype.categories.dtype} categories). "
            "Convert it to numbers (astype(float), or one column per category by "
            "pandas.get_dummies), or drop it."
        )
    if isinstance(dtype, pd.SparseDtype):
        raise TypeError(
            f"Column {name!r} is sparse ({dtype}), but dense data is required. Use "
            "X.sparse.to_dense()."
        )
    if pd.api.types.is_complex_dtype(dtype):
        raise ValueError(
            f"Complex data not supported: column {name!r} has dtype {dtype}. Give the "
            "real and the imaginary part as two columns."
        )
    if pd.api.types.is_object_dtype(dtype) or pd.api.types.is_bool_dtype(dtype):
        return
    if pd.api.types.is_string_dtype(dtype) or getattr(dtype, "kind", "") in "US":
        raise ValueError(f"Column {name!r} holds text ({dtype}); {_TEXT}.")
    if not pd.api.types.is_numeric_dtype(dtype):
        raise TypeError(
            f"Column {name!r} has dtype {dtype}, which is not a number. If it is the "
            f"time, make it the index (X.set_index({name!r})); otherwise convert or "
            "drop it."
        )


def float_column(name: str, column: pd.Series) -> np.ndarray:
    """Read one column as float64, with NaN where a value is missing.

    Parameters
    ----------
    name : str
        Name of the column, for messages.
    column : pandas.Series
        Numbers of any kind: numpy, nullable, Arrow, or objects that are real numbers,
        None, NaN or ``pandas.NA``.

    Returns
    -------
    values : ndarray of shape (n_rows,)
        A copy in float64.

    Raises
    ------
    TypeError
        If the column or a cell holds something that is no number.
    ValueError
        If the column or a cell holds text or a complex number.

    Examples
    --------
    >>> float_column("a", pd.Series([1, None, 3], dtype=object))
    array([ 1., nan,  3.])
    """
    check_kind(name, column.dtype)
    if column.dtype == object:
        _check_cells(name, column)
    try:
        with np.errstate(over="ignore"):  # what does not fit is inf, reported as such
            return column.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    except OverflowError:  # an int of Python, of any size
        raise ValueError(
            f"Column {name!r} holds a whole number too large for dtype('float64'). "
            "Give it in another unit, or as NaN."
        ) from None


def check_finite(values: np.ndarray, channels: Sequence[str], rows: Any) -> None:
    """Refuse infinite values, naming the first one.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_channels)
        The data; NaN is missing and allowed.
    channels : sequence of str
        Names of the columns.
    rows : indexable
        Label of each row.

    Raises
    ------
    ValueError
        If a value is infinite, or too large for float64.

    Examples
    --------
    >>> check_finite(np.array([[1.0], [np.nan]]), ["a"], [0, 1])
    """
    infinite = np.isinf(values)
    if not infinite.any():
        return
    row, column = np.argwhere(infinite)[0]
    raise ValueError(
        "Input X contains infinity or a value too large for dtype('float64'): column "
        f"{channels[column]!r}, row {rows[row]}, value {values[row, column]} "
        f"({infinite.sum()} in all). Replace it by NaN if it means missing, or by a "
        "number."
    )


def _check_cells(name: str, column: pd.Series) -> None:
    """Look at the cells of an object column, one by one only if something is wrong."""
    kinds = {"floating", "integer", "mixed-integer-float", "boolean", "empty"}
    if pd.api.types.infer_dtype(column, skipna=True) in kinds:
        return
    missing = column.isna().to_numpy()
    for row, cell in enumerate(column.to_numpy()):
        where = f"column {name!r}, row {column.index[row]}, value {cell!r}"
        if isinstance(cell, (str, bytes)):
            raise ValueError(f"Found text in {where}; {_TEXT}.")
        if isinstance(cell, numbers.Complex) and not isinstance(cell, numbers.Real):
            raise ValueError(f"Complex data not supported: {where}. Give real numbers.")
        if missing[row] or isinstance(cell, (numbers.Real, np.bool_, Decimal)):
            continue
        raise TypeError(
            f"float() argument must be a string or a real number, not "
            f"{type(cell).__name__!r}: {where}. Give numbers, or NaN for missing."
        )
