"""Two models on the same cells: how much one is better, and whether it is chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.backtesting.grouping import By, quarters
from tsdiff.backtesting.scoring import cell_loss, level_columns
from tsdiff.significance import block_bootstrap, verdict
from tsdiff.validation import listing

Floats = NDArray[np.float64]

_ENOUGH_SERIES = 5  # to speak of other series than these
_THINGS = {
    "gap_length": "gaps",
    "horizon": "steps ahead",
    "distance": "distances to the nearest value",
}
_UNITS = {"day": 86400.0, "hour": 3600.0, "minute": 60.0, "second": 1.0}


def paired(frame: pd.DataFrame, levels: Floats, model: str, other: str) -> pd.DataFrame:
    """Find the cells that two models have answered.

    Parameters
    ----------
    frame : DataFrame
        Of a BacktestResult.
    levels : ndarray of shape (K,)
    model, other : str

    Returns
    -------
    DataFrame
        What the cells are, and columns "ours" and "theirs" with the losses; the name of
        the loss in ``attrs["loss"]``.

    Raises
    ------
    ValueError
        If there are none.
    """
    keys = [
        name
        for name in frame.columns
        if name not in {"model", "y", *level_columns(levels)}
    ]
    sides, name = [], ""
    for side, chosen in (("ours", model), ("theirs", other)):
        cells = frame[frame["model"] == chosen]
        name, loss = cell_loss(cells, levels)
        sides.append(cells[keys].assign(**{side: loss}).dropna(subset=[side]))
    pair = sides[0].merge(sides[1], on=keys, validate="one_to_one")
    if not len(pair):
        raise ValueError(f"{model!r} and {other!r} have answered no cell in common.")
    pair.attrs["loss"] = name
    return pair


def compare_groups(
    cells: pd.DataFrame, loss: pd.DataFrame, labels: Mapping[str, pd.Categorical]
) -> pd.DataFrame:
    """Mean losses of each group, and the p-value of their difference.

    Parameters
    ----------
    cells : DataFrame
        What the cells are.
    loss : DataFrame
        Columns "ours" and "theirs".
    labels : mapping of str to Categorical
        Groups of each cell.

    Returns
    -------
    DataFrame
        Columns n, ours, theirs, change, p_value.
    """
    keys: list[Any] = [pd.Series(part, name=name) for name, part in labels.items()]
    keys = keys or [pd.Series("all", index=loss.index, name="cells")]
    grouped = loss.groupby(keys, observed=True)
    table = grouped.mean()
    table.insert(0, "n", grouped.size())
    table["change"] = table["ours"] / table["theirs"] - 1
    table["p_value"] = [
        _p_value(cells.loc[part.index], part["ours"] - part["theirs"])
        for _, part in grouped
    ]
    return table


def _p_value(cells: pd.DataFrame, difference: pd.Series) -> float:
    """Two-sided p-value for other times, and for other series if there are many."""
    many = cells["unique_id"].nunique() >= _ENOUGH_SERIES
    if cells["ds"].nunique() < 2 and not many:
        return float("nan")
    found = block_bootstrap(
        difference.to_numpy(),
        cells["unique_id"].to_numpy() if many else None,
        cells["ds"].to_numpy(),
        rng=np.random.default_rng(0),
    )
    return found.p_value


def steps_of(cells: pd.DataFrame, by: By) -> tuple[str, Any]:
    """Column of numbers that a sentence goes along, and the edges of its bins.

    Raises
    ------
    ValueError
        If it is none of those.
    """
    if by is None:
        by = "gap_length" if "gap_length" in cells else "horizon"
    names = [by] if isinstance(by, str) else list(by)
    known = [name for name in _THINGS if name in cells]
    if len(names) != 1 or names[0] not in known:
        raise ValueError(
            f"by={by!r} is no column that a sentence can go along; there are "
            f"{listing(map(repr, known))}. See compare(by=...) for others."
        )
    given = by[names[0]] if isinstance(by, Mapping) else None
    return names[0], quarters(cells[names[0]]) if given is None else given


def say(
    cells: pd.DataFrame,
    loss: pd.DataFrame,
    labels: Mapping[str, pd.Categorical],
    names: tuple[str, str],
    step: pd.Timedelta | None,
) -> str:
    """Put a comparison along one column, or of all cells, into a sentence."""
    table = compare_groups(cells, loss, labels)
    p_values = table["p_value"].fillna(1).to_numpy()
    score = "CRPS" if cells.attrs["loss"] == "crps" else "pinball loss"
    ours, theirs = (loss[side].to_numpy() for side in ("ours", "theirs"))
    if not labels:
        return verdict(ours, theirs, p_values, names=names, words=(score, "cells"))
    ((column, label),) = labels.items()
    last = cells[column].groupby(pd.Series(label), observed=True).max()
    ends = last.to_numpy()[:-1]
    return verdict(
        ours,
        theirs,
        p_values,
        group=label.codes,
        edges=[_length(end, step) for end in ends],
        names=names,
        words=(score, _THINGS[column]),
    )


def _length(n_rows: float, step: pd.Timedelta | None) -> str:
    """Say a number of rows as time, if a row is some."""
    if step is None:
        return f"{n_rows:g} row{'s' if n_rows != 1 else ''}"
    seconds = n_rows * step.total_seconds()
    name = next((name for name, s in _UNITS.items() if seconds >= s), "second")
    amount = f"{seconds / _UNITS[name]:.3g}"
    return f"{amount} {name}{'s' if amount != '1' else ''}"
