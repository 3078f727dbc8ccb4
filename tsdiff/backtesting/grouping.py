"""Groups of scored cells: by the values of columns, numbers in bins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tsdiff.validation import listing

By = str | Sequence[str] | Mapping[str, Any] | None

#: Columns whose numbers are put into bins where no edges are given.
_BINNED = ("gap_length", "distance")
_N_BINS = 4


def group_labels(cells: pd.DataFrame, by: By) -> dict[str, pd.Categorical]:
    """Label each scored cell by its groups.

    Parameters
    ----------
    cells : DataFrame
        The columns that say what a cell is.
    by : str, list of str, mapping or None
        Columns. "gap_length" and "distance" are put into four bins with about as many
        cells each; a mapping gives the upper edges of bins, or None for those:
        ``{"gap_length": [3, 12]}`` is up to 3, above 3 up to 12, above 12.

    Returns
    -------
    dict of str to Categorical
        For each column, in order; labels of bins are text such as "4-12".

    Raises
    ------
    ValueError
        If there is no such column, listing those there are, edges don't ascend, or a
        bin has no cell.

    Examples
    --------
    >>> cells = pd.DataFrame({"gap_length": [1, 2, 5, 9]})
    >>> list(group_labels(cells, {"gap_length": [2]})["gap_length"])
    ['1-2', '1-2', '5-9', '5-9']
    """
    if by is None:
        return {}
    names = [by] if isinstance(by, str) else list(by)
    edges = dict(by) if isinstance(by, Mapping) else {}
    unknown = [name for name in names if name not in cells.columns]
    if unknown:
        raise ValueError(
            f"by={listing(map(repr, unknown))} is no column of the result; there are "
            f"{listing(map(repr, cells.columns), 20)}."
        )
    labels = {}
    for name in names:
        column = cells[name]
        if edges.get(name) is not None:
            labels[name] = _binned(name, column, _as_edges(name, edges[name]))
        elif name in _BINNED and column.nunique() > _N_BINS:
            labels[name] = _binned(name, column, quarters(column))
        else:
            labels[name] = pd.Categorical(column)
    return labels


def quarters(column: pd.Series) -> np.ndarray:
    """Upper ends of bins with about as many cells each, that of the last left out.

    Examples
    --------
    >>> quarters(pd.Series([1, 1, 2, 3, 4, 5, 6, 9])).tolist()
    [1, 3, 5]
    """
    shares = np.arange(1, _N_BINS) / _N_BINS
    found = np.quantile(column, shares, method="inverted_cdf")
    return np.unique(found[found < column.max()])


def _as_edges(name: str, given: Any) -> np.ndarray:
    edges = np.asarray(given, dtype=np.float64)
    if edges.ndim != 1 or not len(edges) or not (np.diff(edges) > 0).all():
        raise ValueError(
            f"The edges of {name!r} are a list of ascending numbers, such as [3, 12]; "
            f"got {given!r}."
        )
    return edges


def _binned(name: str, column: pd.Series, edges: np.ndarray) -> pd.Categorical:
    """Bins with the edges as their upper ends, named after the values they hold."""
    values = column.to_numpy(dtype=np.float64)
    code = np.searchsorted(edges, values, side="left")
    labels = []
    for number in range(len(edges) + 1):
        inside = values[code == number]
        if not len(inside):
            low = edges[number - 1] if number else -np.inf
            high = edges[number] if number < len(edges) else np.inf
            raise ValueError(
                f"No scored cell has {name} above {low:g} and up to {high:g}; they "
                f"run from {values.min():g} to {values.max():g}. Choose other edges."
            )
        low, high = inside.min(), inside.max()
        labels.append(f"{low:g}" if low == high else f"{low:g}-{high:g}")
    return pd.Categorical(np.array(labels)[code], categories=labels, ordered=True)
