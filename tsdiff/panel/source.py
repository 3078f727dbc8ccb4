"""Readers: each kind of container as a float array, row labels and channel names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.sparse import issparse

from tsdiff.panel.layout import ArrayLayout, Layout, NarwhalsLayout, PandasLayout
from tsdiff.validation import (
    check_columns,
    check_kind,
    check_shape,
    float_column,
    listing,
)


@dataclass(frozen=True)
class Source:
    """The caller's data as given: in their order, with their labels, not yet checked.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_channels)
        An own copy in float64; NaN is missing.
    channels : tuple of str
        Name of each column.
    layout : Layout
        How to answer in the same kind, row for row.
    """

    values: np.ndarray
    channels: tuple[str, ...]
    layout: Layout


def read_source(X: Any) -> Source:
    """Read any container the library accepts.

    Parameters
    ----------
    X : DataFrame, Series, array-like, or a frame that narwhals knows
        Rows are time, columns are channels.

    Returns
    -------
    source : Source
        Values, labels and the way back.

    Raises
    ------
    TypeError
        If the container is lazy, sparse or masked, or a column is no number.
    ValueError
        If it is empty, ragged, or has text or complex numbers.

    Examples
    --------
    >>> read_source([[1, 2], [3, None]]).values
    array([[ 1.,  2.],
           [ 3., nan]])
    """
    if isinstance(X, pd.DataFrame):
        return _read_frame(X, X.columns, is_series=False)
    if isinstance(X, pd.Series):
        columns = pd.Index([X.name], dtype=object, tupleize_cols=False)
        return _read_frame(X.to_frame(), columns, is_series=True)
    if issparse(X):
        raise TypeError(
            "Sparse data was passed for X, but dense data is required. Use X.toarray()."
        )
    if isinstance(X, np.ma.MaskedArray):
        raise TypeError(
            "X is a masked array, whose mask would be lost. Mark missing cells by NaN: "
            "X.astype(float).filled(numpy.nan)."
        )
    known = nw.from_native(X, pass_through=True, allow_series=True)
    if isinstance(known, nw.LazyFrame):
        raise TypeError("X is a lazy frame; the data are needed. Use X.collect().")
    if isinstance(known, nw.Series):
        return _read_narwhals(known.to_frame(), is_series=True)
    if isinstance(known, nw.DataFrame):
        return _read_narwhals(known, is_series=False)
    return _read_array(X)


def _read_frame(frame: pd.DataFrame, columns: pd.Index, is_series: bool) -> Source:
    """Read pandas; plain floats in one go, other kinds column by column."""
    check_shape(frame.shape)
    unnamed = is_series and columns[0] is None
    channels = ("x0",) if unnamed else check_columns(columns)
    if all(isinstance(d, np.dtype) and d.kind == "f" for d in frame.dtypes):
        values = _as_float64(frame.to_numpy())
    else:
        values = _stack(
            float_column(name, frame.iloc[:, i]) for i, name in enumerate(channels)
        )
    dtypes = tuple(_answer_dtype(dtype) for dtype in frame.dtypes)
    layout = PandasLayout(frame.index, None, columns, dtypes, is_series)
    return Source(values, channels, layout)


def _read_array(X: Any) -> Source:
    """Read whatever numpy makes a table, or a stack of tables, of."""
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise ValueError(
            f"X is no table: its rows differ in length or kind ({error}). Give a 2-D "
            "array, a DataFrame, or for series of unequal length a MultiIndex frame."
        ) from None
    check_shape(array.shape)
    table = array.reshape(-1, array.shape[-1])
    channels = tuple(f"x{i}" for i in range(table.shape[1]))
    if table.dtype == object:
        columns = (pd.Series(column) for column in table.T)
        values = _stack(map(float_column, channels, columns))
    else:
        check_kind(channels[0], table.dtype)
        values = _as_float64(table)
    index: pd.Index = pd.RangeIndex(len(table))
    if array.ndim == 3:
        index = pd.MultiIndex.from_product(
            [range(size) for size in array.shape[:2]], names=["unique_id", "ds"]
        )
    dtype = _answer_dtype(array.dtype)
    return Source(values, channels, ArrayLayout(index, None, array.shape, dtype))


def _read_narwhals(frame: nw.DataFrame, is_series: bool) -> Source:
    """Read a frame of another library; its one column of dates is the time."""
    schema = dict(frame.schema)
    dated = [k for k, dtype in schema.items() if dtype in (nw.Date, nw.Datetime)]
    if len(dated) > 1:
        raise TypeError(
            f"{len(dated)} columns hold dates: {listing(map(repr, dated))}. One can be "
            "the time; convert the others to numbers, or drop them."
        )
    names = [name for name in schema if name not in dated]
    check_shape((len(frame), len(names)))
    values = _stack(_narwhals_column(name, frame[name]) for name in names)
    index: pd.Index = pd.RangeIndex(len(frame))
    time = None
    if dated:
        name = dated[0]
        time = (name, list(schema).index(name), schema[name])
        index = _narwhals_stamps(frame[name], schema[name])
    dtypes = tuple(
        schema[k] if schema[k] in (nw.Float32, nw.Float64) else nw.Float64()
        for k in names
    )
    channels = ("x0",) if is_series and names == [""] else tuple(names)
    layout = NarwhalsLayout(
        index, None, tuple(names), dtypes, time, frame.implementation, is_series
    )
    return Source(values, channels, layout)


def _narwhals_column(name: str, column: nw.Series) -> np.ndarray:
    dtype = column.dtype
    if dtype == nw.String:
        check_kind(name, np.dtype("U1"))
    if not dtype.is_numeric() and dtype != nw.Boolean:
        raise TypeError(
            f"Column {name!r} has dtype {dtype}, which is not a number. Convert it to "
            "numbers, or drop it."
        )
    return column.cast(nw.Float64()).to_numpy()


def _narwhals_stamps(column: nw.Series, dtype: Any) -> pd.DatetimeIndex:
    zone = getattr(dtype, "time_zone", None)
    if zone is not None:  # numpy has no zones: pass through UTC
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    stamps = pd.DatetimeIndex(column.to_numpy())
    return stamps if zone is None else stamps.tz_localize("UTC").tz_convert(zone)


def _stack(columns: Any) -> np.ndarray:
    return np.ascontiguousarray(np.stack(list(columns), axis=1))


def _as_float64(table: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # what does not fit is inf, reported as such
        return np.array(table, dtype=np.float64, order="C", copy=True)


def _answer_dtype(dtype: Any) -> Any:
    """Floating kind that holds the answer of a column: itself if it is one."""
    if isinstance(dtype, np.dtype):
        kept = dtype.kind == "f" and dtype.itemsize <= 8
        return dtype if kept else np.dtype(np.float64)
    if pd.api.types.is_float_dtype(dtype):
        return dtype
    if isinstance(dtype, pd.ArrowDtype):
        return pd.array([0.5], dtype="double[pyarrow]").dtype
    return pd.Float64Dtype()
