"""Static features: what is told of a series as a whole, a row a series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.advice import advise
from tsdiff.panel.categories import (
    Categories,
    categories_of,
    channel_names,
    coded,
    one_hot,
    text_columns,
    unknown_categories,
)
from tsdiff.panel.frame import Panel
from tsdiff.validation import check_columns, check_finite, float_column, listing

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Statics:
    """Columns of the static features of a fit, and the scaling of numbers.

    Attributes
    ----------
    columns : tuple of str
    categories : tuple
        Of each column: its categories, or None if it holds numbers.
    center, scale : tuple of float
        Mean and standard deviation in the fit; 0 and 1 for categories.
    gappy : tuple of bool
        Whether values were missing in the fit: a flag then says which are.
    """

    columns: tuple[str, ...]
    categories: tuple[Categories, ...]
    center: tuple[float, ...]
    scale: tuple[float, ...]
    gappy: tuple[bool, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, as they stand in `Panel.calendar_names`."""
        triples = zip(self.columns, self.categories, self.gappy, strict=True)
        return tuple(
            f"static:{name}"
            for column, kinds, gappy in triples
            for name in channel_names(column, kinds) + [f"{column} missing"] * gappy
        )

    def read(self, static: Any, ids: tuple) -> Array:
        """Read the features of series, a row each.

        Parameters
        ----------
        static : DataFrame or Series
            Indexed by the names of the series.
        ids : tuple
            Series asked for, in the order of the answer.

        Returns
        -------
        ndarray of shape (n_series, n_features)

        Raises
        ------
        TypeError, ValueError
            If it is no such table, or lacks series or columns.

        Warns
        -----
        UserWarning
            If there are categories that the fit has not seen.
        """
        table = _rows(static, ids)
        absent = [name for name in self.columns if name not in table.columns]
        if absent:
            raise ValueError(
                f"static lacks column(s) {listing(map(repr, absent))} of the fit. Add "
                "them, as NaN where they are not known."
            )
        table = table[list(self.columns)]
        values = _codes(table, dict(zip(self.columns, self.categories, strict=True)))
        parts = []
        for place, kinds in enumerate(self.categories):
            column, missing = values[:, place], np.isnan(values[:, [place]])
            if kinds is None:
                scaled = (column - self.center[place]) / self.scale[place]
                parts.append(scaled[:, None])
            else:
                parts.append(one_hot(column, len(kinds)))
            if self.gappy[place]:
                parts.append(missing.astype(np.float64))
        return np.nan_to_num(np.concatenate(parts, axis=1), nan=0.0)


def learn_statics(static: Any, ids: tuple) -> tuple[Statics, Array]:
    """Read the static features of a fit and note their scaling.

    Parameters
    ----------
    static : DataFrame or Series
        Indexed by the names of the series, a row each; rows of other series are left
        aside.
    ids : tuple
        Series of the fit.

    Returns
    -------
    statics : Statics
    features : ndarray of shape (n_series, n_features)

    Raises
    ------
    TypeError, ValueError
        If it is no such table, a series occurs twice or not at all, or a column has
        too many categories.

    Examples
    --------
    >>> static = pd.DataFrame({"size": [1.0, 3.0], "town": ["x", "y"]}, ["a", "b"])
    >>> statics, features = learn_statics(static, ("a", "b"))
    >>> statics.names, features.tolist()[0]
    (('static:size', 'static:town=x', 'static:town=y'), [-1.0, 1.0, 0.0])
    """
    table = _rows(static, ids)
    texts = text_columns(table)
    columns = check_columns(table.columns)
    kinds = {columns[p]: categories_of(columns[p], c) for p, c in texts.items()}
    values = _codes(table, {name: kinds.get(name) for name in columns})
    count = np.maximum((~np.isnan(values)).sum(axis=0), 1)
    center = np.nansum(values, axis=0) / count
    scale = np.sqrt(np.nansum((values - center) ** 2, axis=0) / count)
    for place in texts:
        center[place], scale[place] = 0.0, 1.0
    scale = np.where(scale > 0, scale, 1.0)
    statics = Statics(
        columns=columns,
        categories=tuple(kinds.get(name) for name in columns),
        center=tuple(center.tolist()),
        scale=tuple(scale.tolist()),
        gappy=tuple(bool(np.isnan(column).any()) for column in values.T),
    )
    return statics, statics.read(table, ids)


def with_statics(panel: Panel, features: Array, names: tuple[str, ...]) -> Panel:
    """Put static features behind the calendar, the same in all rows of a series.

    Parameters
    ----------
    panel : Panel
    features : ndarray of shape (n_series, n_features)
    names : tuple of str

    Returns
    -------
    Panel
    """
    rows = np.repeat(features.astype(np.float32), np.diff(panel.bounds), axis=0)
    return replace(
        panel,
        calendar=np.concatenate([panel.calendar, rows], axis=1),
        calendar_names=(*panel.calendar_names, *names),
    )


def _rows(static: Any, ids: tuple) -> pd.DataFrame:
    """Rows of the series asked for, in their order."""
    if isinstance(static, pd.Series):
        static = static.to_frame("x0" if static.name is None else static.name)
    if not isinstance(static, pd.DataFrame):
        raise TypeError(
            f"static must be a pandas DataFrame or Series, not "
            f"{type(static).__name__}, indexed by the names of the series."
        )
    if not static.shape[1]:
        raise ValueError("static has no columns. Leave it out, or add some.")
    if ids == (None,):  # a single series has no name
        if len(static) != 1:
            raise ValueError(
                f"static has {len(static)} rows, and y is a single series: give one "
                "row, or y a MultiIndex (unique_id, ds)."
            )
        return static
    twice = static.index[static.index.duplicated()].unique()
    if len(twice):
        raise ValueError(
            f"static has several rows of series {listing(map(repr, twice))}. Keep one "
            "row per series."
        )
    place = static.index.get_indexer(pd.Index(list(ids)))
    absent = [name for name, row in zip(ids, place, strict=True) if row < 0]
    if absent:
        raise ValueError(
            f"static has no row of series {listing(map(repr, absent))}. Index it by "
            "the names of the series, and add these."
        )
    return static.iloc[place]


def _codes(table: pd.DataFrame, kinds: dict[str, Categories]) -> Array:
    """Numbers of a table, categories as their codes."""
    texts = text_columns(table)
    names = [str(name) for name in table.columns]
    found: dict[int, tuple[str, ...]] = {}
    for place, cells in texts.items():
        known = kinds[names[place]]
        if known is None:
            raise ValueError(
                f"Column {names[place]!r} of static holds text, and numbers in the "
                "fit. Convert it, e.g. with pandas.to_numeric."
            )
        unknown = unknown_categories(cells, known)
        if unknown:
            advise(
                f"Column {names[place]!r} of static holds categories that the fit had "
                f"not: {listing(map(repr, unknown))}; they count as none of those."
            )
        found[place] = known
    numbers = coded(table, texts, found)
    values = np.stack(
        [float_column(name, numbers.iloc[:, i]) for i, name in enumerate(names)], axis=1
    )
    check_finite(values, names, table.index)
    return values
