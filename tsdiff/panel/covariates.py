"""Covariates: what of X runs beside the series, row by row, past and future."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
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
from tsdiff.panel.frame import Panel, to_panel
from tsdiff.validation import listing

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Covariates:
    """Columns of the X of a fit, and the channels that they become.

    Attributes
    ----------
    columns : tuple of str
    categories : tuple
        Of each column: its categories, or None if it holds numbers.
    known : tuple of bool or None
        Of each column: True if the fit had values of it behind the end of y, False if
        it had none there, None if X ended with y, so that nothing is told.
    named : bool
        Whether the columns' names came with the data.
    """

    columns: tuple[str, ...]
    categories: tuple[Categories, ...]
    known: tuple[bool | None, ...]
    named: bool

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels: a number is one, a category one each."""
        pairs = zip(self.columns, self.categories, strict=True)
        return tuple(name for pair in pairs for name in channel_names(*pair))

    @property
    def known_channels(self) -> tuple[bool | None, ...]:
        """What is known of the future of each channel."""
        triples = zip(self.columns, self.categories, self.known, strict=True)
        return tuple(k for n, c, k in triples for _ in channel_names(n, c))

    @property
    def known_columns(self) -> tuple[str, ...]:
        """Columns whose future is needed."""
        return tuple(n for n, k in zip(self.columns, self.known, strict=True) if k)

    @property
    def past_columns(self) -> tuple[str, ...]:
        """Columns that are of the past only."""
        pairs = zip(self.columns, self.known, strict=True)
        return tuple(name for name, known in pairs if known is False)

    def read(self, X: Any) -> Panel:
        """Read covariates, checking their columns against those of the fit.

        Parameters
        ----------
        X : DataFrame, Series, array or polars frame
            Columns in any order, if they have names.

        Returns
        -------
        Panel
            With the channels of the fit.

        Raises
        ------
        TypeError, ValueError
            If X can't be used, or columns are missing, new or of another kind.

        Warns
        -----
        UserWarning
            If there are categories that the fit has not seen.
        """
        texts, names = _texts(X)
        kinds = dict(zip(self.columns, self.categories, strict=True))
        found = {p: kinds.get(names[p]) or () for p in texts}
        raw = _read(coded(X, texts, found))
        order: Sequence[int] = range(len(self.columns))
        if self.named and names:
            self._check_names(raw.channels)
            for place, cells in texts.items():
                self._check_cells(names[place], cells)
            order = [raw.channels.index(name) for name in self.columns]
            self._check_kinds(raw, order, {names[p] for p in texts})
        if len(raw.channels) != len(self.columns):
            raise ValueError(
                f"X has {len(raw.channels)} column(s), that of the fit had "
                f"{len(self.columns)}: {listing(map(repr, self.columns))}."
            )
        return _expand(raw, order, self.categories, self.channels)

    def _check_names(self, names: tuple[str, ...]) -> None:
        absent = [name for name in self.columns if name not in names]
        new = [name for name in names if name not in self.columns]
        if absent:
            raise ValueError(
                f"X lacks column(s) {listing(map(repr, absent))} of the fit. Add them, "
                "as NaN where they are not known."
            )
        if new:
            raise ValueError(
                f"X has column(s) {listing(map(repr, new))} that the fit had not; it "
                f"had {listing(map(repr, self.columns))}. Drop them, or fit with them."
            )

    def _check_cells(self, name: str, cells: list[str | None]) -> None:
        kinds = dict(zip(self.columns, self.categories, strict=True))[name]
        if kinds is None:
            raise ValueError(
                f"Column {name!r} of X holds text, and numbers in the fit. Convert it, "
                "e.g. with pandas.to_numeric."
            )
        unknown = unknown_categories(cells, kinds)
        if unknown:
            advise(
                f"Column {name!r} of X holds categories that the fit had not: "
                f"{listing(map(repr, unknown))}; they count as none of those it had."
            )

    def _check_kinds(self, raw: Panel, order: Sequence[int], texts: set[str]) -> None:
        """Let a column of categories be numbers only if it is missing altogether."""
        for place, name, kinds in zip(
            order, self.columns, self.categories, strict=True
        ):
            if kinds is None or name in texts or np.isnan(raw.values[:, place]).all():
                continue
            raise ValueError(
                f"Column {name!r} of X holds numbers, and categories in the fit "
                f"({listing(map(repr, kinds))}). Give it the same kind: astype(str)."
            )


def learn_covariates(X: Any, targets: tuple[str, ...]) -> tuple[Covariates, Panel]:
    """Read the covariates of a fit and note what they are.

    Parameters
    ----------
    X : DataFrame, Series, array or polars frame
        Numbers, booleans, categories and text; NaN is missing.
    targets : tuple of str
        Names that are taken.

    Returns
    -------
    covariates : Covariates
        `known` is not told yet: see `told`.
    x : Panel
        Its channels.

    Raises
    ------
    TypeError, ValueError
        If X can't be used, has a name of a target, or too many categories.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"price": [1.0, 2.0], "shop": ["b", "a"]})
    >>> learn_covariates(X, ("y",))[1].values
    array([[1., 0., 1.],
           [2., 1., 0.]])
    """
    texts, names = _texts(X)
    found = {p: categories_of(names[p], cells) for p, cells in texts.items()}
    raw = _read(coded(X, texts, found))
    columns = raw.channels
    if not names:
        columns = tuple(f"X[{i}]" for i in range(len(raw.channels)))
    by_name = {names[p]: kinds for p, kinds in found.items()}
    covariates = Covariates(
        columns=columns,
        categories=tuple(by_name.get(name) for name in columns),
        known=(None,) * len(columns),
        named=bool(names),
    )
    channels = covariates.channels
    taken = [name for name in channels if name in targets]
    if taken:
        raise ValueError(
            f"Column(s) {listing(map(repr, taken))} of X have the name of a column of "
            "y. Rename or drop them: what is forecast can't be its own covariate."
        )
    if len(set(channels)) < len(channels):
        raise ValueError(
            f"The columns of X make channels of the same name: "
            f"{listing(map(repr, channels))}. Rename them."
        )
    order = range(len(columns))
    return covariates, _expand(raw, order, covariates.categories, channels)


def told(covariates: Covariates, x: Panel, ahead: Ints) -> Covariates:
    """Note of which columns the future is known.

    Parameters
    ----------
    covariates : Covariates
    x : Panel
    ahead : ndarray of int
        Its rows behind the end of y.

    Returns
    -------
    Covariates
    """
    if not len(ahead):
        return covariates
    seen = {
        name
        for name, column in zip(x.channels, x.observed[ahead].T, strict=True)
        if column.any()
    }
    known = tuple(
        not seen.isdisjoint(channel_names(name, kinds))
        for name, kinds in zip(covariates.columns, covariates.categories, strict=True)
    )
    return replace(covariates, known=known)


def with_covariates(
    panel: Panel, values: NDArray[np.float64], names: tuple[str, ...]
) -> Panel:
    """Put covariates behind the targets, as the engine reads them.

    Parameters
    ----------
    panel : Panel
    values : ndarray of shape (n_rows, n_covariates)
    names : tuple of str

    Returns
    -------
    Panel
        There is no way back from it to the caller's kind of container.
    """
    return replace(
        panel,
        values=np.concatenate([panel.values, values], axis=1),
        channels=(*panel.channels, *names),
    )


def _read(X: Any) -> Panel:
    """Read covariates as they are; their stamps need no regular step."""
    return to_panel(X, step=1.0, calendar=())


def _texts(X: Any) -> tuple[dict[int, list[str | None]], list[str]]:
    """Columns of text, and the names of all columns; none if they have none."""
    columns = getattr(X, "columns", None)
    if columns is not None:
        return text_columns(X), [str(name) for name in columns]
    name = getattr(X, "name", None)
    texts = text_columns(X)
    unnamed = name in (None, "") and not texts
    return texts, [] if unnamed else [str(name)]


def _expand(
    raw: Panel,
    order: Sequence[int],
    categories: tuple[Categories, ...],
    names: tuple[str, ...],
) -> Panel:
    """Turn coded columns into channels."""
    parts = [
        raw.values[:, [place]]
        if kinds is None
        else one_hot(raw.values[:, place], len(kinds))
        for place, kinds in zip(order, categories, strict=True)
    ]
    return replace(raw, values=np.concatenate(parts, axis=1), channels=names)
