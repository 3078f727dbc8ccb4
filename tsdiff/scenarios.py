"""Scenarios: what the model answers if some cells were different, path by path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.draws import Draws
from tsdiff.parameters import read_seed
from tsdiff.validation import listing


@dataclass(frozen=True, eq=False, repr=False)
class Scenario:
    """Paired draws of the world as it is and of the edited one.

    Parameters
    ----------
    factual : Draws
        Given the data as they are.
    edited : Draws
        Given the edited data; path by path from the same noise.

    Raises
    ------
    ValueError
        If the two are of different rows, channels or numbers of samples.
    """

    factual: Draws
    edited: Draws

    def __post_init__(self) -> None:
        worlds = self.factual, self.edited
        before, after = (
            (len(draws), *draws.panel.values.shape, draws.panel.channels)
            for draws in worlds
        )
        first, second = (draws.panel.index for draws in worlds)
        if before != after or not first.equals(second):
            raise ValueError(
                f"The edited world has (samples, rows, columns) {after}, the factual "
                f"one {before}, or their rows have other labels: paths can't be "
                "paired. Copy the data and change values; NaN releases a cell."
            )

    @cached_property
    def difference(self) -> Draws:
        """Edited minus factual world, path by path.

        A cell that is missing in either world is an answered one: its value there is
        drawn, where it is known it is that value. Means, intervals, `aggregate` and
        `probability` are those of the difference.
        """
        values = self.edited.panel.values - self.factual.panel.values
        cells = np.flatnonzero(np.isnan(values))
        samples = _at(self.edited, cells) - _at(self.factual, cells)
        answered = ~np.isnan(samples).any(axis=0)
        return Draws(
            replace(self.factual.panel, values=values),
            samples[:, answered],
            cells[answered],
            self.factual.calibrated,
        )

    def __repr__(self) -> str:
        changed = self.difference.samples.any(axis=0).sum()
        changed += np.count_nonzero(np.nan_to_num(self.difference.panel.values))
        return f"Scenario({len(self.factual)} pairs of paths; {changed} cells differ)"


def scenario(
    model: Any,
    data: Any,
    edits: Any = None,
    *,
    h: int | None = None,
    X: Any = None,
    X_edits: Any = None,
    n_samples: int = 100,
    random_state: Any = None,
) -> Scenario:
    """Ask a model twice, with and without edits, from the same noise.

    Cells that are observed and not edited are the same in both worlds. As each pair of
    paths starts from common random numbers, what is left between them is due to the
    edits, and their mean difference has far less Monte-Carlo error than that of
    independent draws. Without edits it is exactly zero.

    Parameters
    ----------
    model : fitted imputer or forecaster
        One of this library: `sample` has to be repeatable by ``random_state``.
    data : DataFrame, Series, array or polars frame
        What `model.sample` takes: data with gaps, or the history of a forecast.
    edits : frame of the kind of `data`, or mapping, optional
        The edited data themselves, e.g. ``df.assign(rain=0.0)``; or, of a DataFrame,
        new values for columns by name: a number for all rows, or a Series whose labels
        are the rows to edit. NaN releases a cell: it is drawn in the edited world.
    h : int, optional
        Steps ahead, for a forecaster; the `horizon` of the fit by default.
    X : as `data`, optional
        Covariates, for a forecaster, with the rows to forecast.
    X_edits : as `edits`, optional
        Of the covariates.
    n_samples : int, default 100
    random_state : int, Generator, RandomState or None, default None
        Takes the place of the model's, if given.

    Returns
    -------
    Scenario
        ``factual``, ``edited`` and their ``difference``, all of them `Draws`.

    Raises
    ------
    TypeError, ValueError
        If edits are of another kind than what they edit or have other rows or columns,
        or as `model.sample`.

    Notes
    -----
    The model has learned what goes with what, not what causes what: the difference is
    that between two conditional laws. Its mean does not depend on how paths are paired.
    Its spread and intervals do: they are those of paths from the same noise.

    An observed cell stays at its value in the factual world. To compare what the model
    would say of it in both, hide it in `data` as well.

    Examples
    --------
    >>> from tsdiff.baselines import LinearInterpolation
    >>> y = pd.DataFrame({"y": [1.0, 2.0, np.nan, 4.0, 4.0]})
    >>> filler = LinearInterpolation(random_state=0).fit(y)
    >>> what_if = scenario(filler, y, {"y": pd.Series([6.0], index=[3])})
    >>> what_if
    Scenario(100 pairs of paths; 2 cells differ)
    >>> what_if.difference.mean()["y"].tolist()
    [0.0, 0.0, 1.0, 2.0, 0.0]
    """
    changed = _edited(data, edits, "edits")
    X_changed = _edited(X, X_edits, "X_edits")
    state = model.random_state if random_state is None else random_state
    options = {"n_samples": n_samples, "random_state": read_seed(state)}
    if hasattr(model, "transform"):
        if h is not None or X is not None:
            raise ValueError(
                "h and X are of forecasts, and this model fills gaps. Leave them out, "
                "or give a forecaster."
            )
        return Scenario(model.sample(data, **options), model.sample(changed, **options))
    factual = model.sample(h, data, X, **options)
    return Scenario(factual, model.sample(h, changed, X_changed, **options))


def _at(draws: Draws, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Draws at some cells, shape (S, n): known values where there are, else NaN."""
    known = draws.panel.values.reshape(-1)[cells]
    values = np.repeat(known[None], len(draws), axis=0)
    values[:, np.searchsorted(cells, draws.cells)] = draws.samples
    return values


def _edited(data: Any, edits: Any, name: str) -> Any:
    """Return the data as edited; those of the caller stay as they are."""
    if edits is None:
        return data
    if data is None:
        what = "X" if name == "X_edits" else "data"
        raise ValueError(f"{name} changes cells of {what}, which is not given.")
    if isinstance(edits, Mapping):
        return _by_name(data, edits, name)
    if type(edits) is not type(data):
        raise TypeError(
            f"{name} must be the edited data, a {type(data).__name__}, or a mapping of "
            f"column names to values; got a {type(edits).__name__}."
        )
    return edits


def _by_name(data: Any, edits: Mapping[Any, Any], name: str) -> pd.DataFrame:
    """Set columns, or labelled rows of them, of a copy."""
    if not isinstance(data, pd.DataFrame):
        raise TypeError(
            f"{name} by column name are of a pandas DataFrame, and the data are a "
            f"{type(data).__name__}. Give the edited data themselves."
        )
    unknown = [column for column in edits if column not in data.columns]
    if unknown:
        raise ValueError(
            f"{name} names {listing(map(repr, unknown))}, which the data don't have. "
            f"Their columns are {listing(map(repr, data.columns))}."
        )
    changed = data.copy()
    for column, values in edits.items():
        new = values if isinstance(values, pd.Series) else None
        rows = changed.index if new is None else new.index
        strange = rows.difference(changed.index)
        if len(strange):
            raise ValueError(
                f"{name}[{column!r}] has {len(strange)} label(s) that are no rows of "
                f"the data, the first {strange[0]!r}."
            )
        changed[column] = changed[column].astype(float)
        changed.loc[rows, column] = values if new is None else new.to_numpy(float)
    return changed
