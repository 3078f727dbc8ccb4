"""Columns of categories: found, read as text, and turned into columns of 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.validation import listing

MOST_CATEGORIES = 30
Categories = tuple[str, ...] | None
_UNKNOWN = -1.0


def text_columns(X: Any) -> dict[int, list[str | None]]:
    """Read the columns of a frame that hold categories or text.

    Parameters
    ----------
    X : DataFrame, Series, polars frame or array
        An array has none.

    Returns
    -------
    dict of int to list
        By place of the column: the category of each row, None where it is missing.

    Examples
    --------
    >>> text_columns(pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None]}))
    {1: ['x', None]}
    """
    if isinstance(X, pd.Series):
        X = X.to_frame()
    if isinstance(X, pd.DataFrame):
        columns = (X.iloc[:, place] for place in range(X.shape[1]))
        return {
            place: [None if pd.isna(cell) else str(cell) for cell in column]
            for place, column in enumerate(columns)
            if _is_text(column)
        }
    known = nw.from_native(X, pass_through=True, allow_series=True)
    if isinstance(known, nw.Series):
        known = known.to_frame()
    if not isinstance(known, nw.DataFrame):
        return {}
    kinds = (nw.String, nw.Categorical, nw.Enum)
    return {
        place: [None if c is None else str(c) for c in known[name].to_list()]
        for place, (name, dtype) in enumerate(known.schema.items())
        if isinstance(dtype, kinds) or dtype in (nw.String, nw.Categorical)
    }


def _is_text(column: pd.Series) -> bool:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return True
    if column.dtype == object:
        return pd.api.types.infer_dtype(column, skipna=True) == "string"
    return pd.api.types.is_string_dtype(column.dtype)


def categories_of(name: str, cells: Sequence[str | None]) -> tuple[str, ...]:
    """Categories of a column of a fit, sorted.

    Parameters
    ----------
    name : str
    cells : sequence of str or None

    Returns
    -------
    tuple of str

    Raises
    ------
    ValueError
        If there are more than 30.

    Examples
    --------
    >>> categories_of("shop", ["b", None, "a", "b"])
    ('a', 'b')
    """
    found = sorted({cell for cell in cells if cell is not None})
    if len(found) > MOST_CATEGORIES:
        raise ValueError(
            f"Column {name!r} has {len(found)} categories: {listing(found)}; at most "
            f"{MOST_CATEGORIES} can be used. Join the rare ones, or give numbers."
        )
    return tuple(found)


def coded(X: Any, columns: dict[int, list[str | None]], kinds: dict) -> Any:
    """Replace columns of text by the number of their category.

    Parameters
    ----------
    X : DataFrame, Series or polars frame
    columns : dict
        From `text_columns`.
    kinds : dict of int to tuple of str
        Categories by place of the column.

    Returns
    -------
    frame of the same kind
        `X` itself is not touched. NaN where missing, -1 for a category not known.
    """
    if not columns:
        return X
    if isinstance(X, pd.Series):
        X = X.to_frame()
    codes = {place: _codes(cells, kinds[place]) for place, cells in columns.items()}
    if isinstance(X, pd.DataFrame):
        frame = X.copy(deep=False)
        for place, numbers in codes.items():
            frame.isetitem(place, numbers)
        return frame
    known: Any = nw.from_native(X, allow_series=True)
    table = known.to_frame() if isinstance(known, nw.Series) else known
    names = table.columns
    series = [
        nw.new_series(names[place], numbers, nw.Float64(), backend=table.implementation)
        for place, numbers in codes.items()
    ]
    return table.with_columns(*series).to_native()


def _codes(cells: Sequence[str | None], kinds: Sequence[str]) -> NDArray[np.float64]:
    number: dict[str | None, float] = {kind: float(i) for i, kind in enumerate(kinds)}
    number[None] = np.nan
    return np.array([number.get(cell, _UNKNOWN) for cell in cells], dtype=np.float64)


def unknown_categories(cells: Sequence[str | None], kinds: Sequence[str]) -> list[str]:
    """Categories that are not among those of the fit, sorted."""
    return sorted({cell for cell in cells if cell is not None} - set(kinds))


def one_hot(codes: NDArray[np.float64], n_categories: int) -> NDArray[np.float64]:
    """Columns of 0 and 1, a column a category; NaN where the code is missing.

    Examples
    --------
    >>> one_hot(np.array([1.0, np.nan, -1.0]), 2)
    array([[ 0.,  1.],
           [nan, nan],
           [ 0.,  0.]])
    """
    columns = (codes[:, None] == np.arange(n_categories)).astype(np.float64)
    columns[np.isnan(codes)] = np.nan
    return columns


def channel_names(name: str, kinds: Categories) -> list[str]:
    """Names of the channels that a column becomes.

    Examples
    --------
    >>> channel_names("shop", ("a", "b")), channel_names("price", None)
    (['shop=a', 'shop=b'], ['price'])
    """
    return [name] if kinds is None else [f"{name}={kind}" for kind in kinds]
