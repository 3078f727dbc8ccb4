"""From constraints to rows of a linear system."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from tsdiff.constraints.cells import channel_number
from tsdiff.constraints.kinds import (
    Constraint,
    Equality,
    Relation,
    Total,
)
from tsdiff.panel.frame import Panel
from tsdiff.periods import periods_of
from tsdiff.validation import listing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

#: Linear constraints hold within this, in units of a channel's scale.
TOLERANCE = 1e-7


@dataclass(frozen=True)
class Linear:
    """Rows of a linear system of cells.

    Attributes
    ----------
    rows : csr_array, shape (k, M)
    target : ndarray, shape (k,)
    words : list of str, length k
    """

    rows: sparse.csr_array
    target: Floats
    words: list[str]

    def __len__(self) -> int:
        return len(self.target)


def linear(panel: Panel, constraints: Sequence[Constraint]) -> Linear:
    """Collect the linear constraints, over all cells of a panel."""
    parts = [part for one in constraints for part in _rows(panel, one)]
    if not parts:
        return Linear(sparse.csr_array((0, panel.values.size)), np.empty(0), [])
    rows = sparse.csr_array(sparse.vstack([part.rows for part in parts]))
    words = [text for part in parts for text in part.words]
    return Linear(rows, np.concatenate([part.target for part in parts]), words)


def _rows(panel: Panel, constraint: Constraint) -> Iterator[Linear]:
    if isinstance(constraint, Total):
        yield _total(panel, constraint)
    elif isinstance(constraint, Relation):
        yield _relation(panel, constraint)
    elif isinstance(constraint, Equality):
        if constraint.A.shape[1] != panel.values.size:
            raise ValueError(
                f"equality has weights of {constraint.A.shape[1]} cells, but the frame "
                f"that is answered has {panel.values.shape} = {panel.values.size}."
            )
        words = [f"row {k} of equality" for k in range(len(constraint.b))]
        yield Linear(sparse.csr_array(constraint.A), constraint.b, words)


def _total(panel: Panel, constraint: Total) -> Linear:
    n_channels = len(panel.channels)
    if constraint.channel is None and n_channels > 1:
        raise ValueError(
            f"{constraint.words} needs the channel, one of "
            f"{listing(map(repr, panel.channels))}."
        )
    channel = constraint.channel or panel.channels[0]
    column = channel_number(panel, channel, constraint.words)
    periods = periods_of(panel, constraint.freq)
    labels = constraint.values.index
    index = periods.index
    if isinstance(index, pd.PeriodIndex) and not isinstance(labels, pd.PeriodIndex):
        index = index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex):
        labels = pd.DatetimeIndex(labels)
    place = index.get_indexer(labels)
    if (place < 0).any():
        raise ValueError(
            f"{constraint.words} has a value for {labels[place < 0][0]}, which is no "
            f"period of these rows; theirs are {listing(map(str, index))}."
        )
    first, last = periods.bounds[place], periods.bounds[place + 1]
    length = last - first
    number = np.repeat(np.arange(len(place)), length)
    row = np.arange(len(number)) - np.repeat(np.cumsum(length) - length - first, length)
    cell = row * n_channels + column
    shape = (len(place), panel.values.size)
    rows = sparse.csr_array((np.ones(len(cell)), (number, cell)), shape=shape)
    words = [f"{constraint.words} at {label}" for label in labels]
    return Linear(rows, constraint.values.to_numpy(), words)


def _relation(panel: Panel, constraint: Relation) -> Linear:
    columns = [
        channel_number(panel, name, constraint.words) for name in constraint.weights
    ]
    n_rows, n_channels = panel.values.shape
    weights = np.zeros(n_channels)
    weights[columns] = list(constraint.weights.values())
    rows = sparse.kron(sparse.eye_array(n_rows), weights[None])
    words = [f"{constraint.words} at {label}" for label in panel.index]
    return Linear(sparse.csr_array(rows), np.full(n_rows, constraint.value), words)


def reduced(panel: Panel, cells: Ints, system: Linear, scale: Floats) -> Linear:
    """Move what is known to the right: a system of the answered cells alone.

    Raises
    ------
    ValueError
        If a row needs a cell that is missing and not answered, or holds none that is
        answered and is not met.
    """
    values = panel.values.ravel()
    answered = np.zeros(len(values), dtype=bool)
    answered[cells] = True
    lost = np.isnan(values) & ~answered
    touched = abs(system.rows) @ lost.astype(float) > 0
    if touched.any():
        row = int(np.flatnonzero(touched)[0])
        raise ValueError(
            f"{system.words[row]} holds a cell that is missing and not answered "
            "(max_gap, abstain or where leave it out)."
        )
    known = np.where(np.isnan(values), 0.0, values)
    target = system.target - system.rows @ known
    rows = sparse.csr_array(system.rows[:, cells])
    rows.eliminate_zeros()
    free = np.diff(rows.indptr) > 0
    size = np.abs(system.rows) @ scale + np.abs(system.target)
    unmet = ~free & (np.abs(target) > 1e-9 * size + TOLERANCE * scale.min())
    if unmet.any():
        row = int(np.flatnonzero(unmet)[0])
        raise ValueError(
            f"{system.words[row]} asks for {system.target[row]:g}, but no cell of it "
            "is missing and the observed ones give "
            f"{system.target[row] - target[row]:g}. Leave it out, or hide the cells "
            "that may be wrong."
        )
    words = [text for text, used in zip(system.words, free, strict=True) if used]
    return Linear(sparse.csr_array(rows[free]), target[free], words)
