"""From constraints to numbers: rows of a linear system, and limits of cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from tsdiff.constraints.kinds import (
    Bounds,
    Constraint,
    Equality,
    Integer,
    Monotone,
    Near,
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

    def beside(self, other: Linear) -> Linear:
        """Put the rows of another system below."""
        rows = sparse.csr_array(sparse.vstack([self.rows, other.rows]))
        target = np.concatenate([self.target, other.target])
        return Linear(rows, target, self.words + other.words)

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True)
class Limits:
    """Least and largest values of cells, and which constraint (its number) set them.

    Attributes
    ----------
    low, high : ndarray, shape (n,)
    low_by, high_by : ndarray of int, shape (n,)
    """

    low: Floats
    high: Floats
    low_by: Ints
    high_by: Ints

    @classmethod
    def none(cls, n: int) -> Limits:
        """Leave n cells free."""
        by = np.full((2, n), -1)
        return cls(np.full(n, -np.inf), np.full(n, np.inf), *by)

    def tighten(self, where: Mask, low: Floats, high: Floats, number: int) -> None:
        """Take the tighter limits where marked, in place."""
        up, down = where & (low > self.low), where & (high < self.high)
        self.low[up], self.low_by[up] = np.broadcast_to(low, up.shape)[up], number
        self.high[down] = np.broadcast_to(high, down.shape)[down]
        self.high_by[down] = number


def channel_number(panel: Panel, channel: str, words: str) -> int:
    """Find a channel.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if channel not in panel.channels:
        raise ValueError(
            f"{words} names column {channel!r}; the columns are "
            f"{listing(map(repr, panel.channels))}."
        )
    return panel.channels.index(channel)


def marked(panel: Panel, channel: str | None, words: str) -> Mask:
    """Mark the cells of a channel, or all, shape (N * C,)."""
    where = np.zeros(panel.values.shape, dtype=bool)
    column = slice(None) if channel is None else channel_number(panel, channel, words)
    where[:, column] = True
    return where.ravel()


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


def hints(cells: Ints, constraints: Sequence[Constraint]) -> tuple[Linear, Floats]:
    """Rows of single answered cells that are known up to errors, and their sd."""
    where: list[Ints] = [np.empty(0, dtype=np.int64)]
    value, std = [np.empty(0)], [np.empty(0)]
    for one in constraints:
        if isinstance(one, Near):
            given = one.values.ravel()[cells]
            some = np.flatnonzero(~np.isnan(given))
            where.append(some)
            value.append(given[some])
            std.append(one.std.ravel()[cells[some]])
    place = np.concatenate(where)
    number = np.arange(len(place))
    shape = (len(place), len(cells))
    rows = sparse.csr_array((np.ones(len(place)), (number, place)), shape=shape)
    words = ["a noisy observation"] * len(place)
    return Linear(rows, np.concatenate(value), words), np.concatenate(std)


def limits(panel: Panel, constraints: Sequence[Constraint]) -> Limits:
    """Limits of all cells of a panel, (N * C,).

    Raises
    ------
    ValueError
        If two constraints leave a cell nothing, or an observed cell lies beyond.
    """
    answer = Limits.none(panel.values.size)
    for number, one in enumerate(constraints):
        if isinstance(one, Bounds):
            where = marked(panel, one.channel, one.words)
            ends = np.array(one.low), np.array(one.high)
            _check_observed(panel, where, one)
            answer.tighten(where, *ends, number)
        elif isinstance(one, Monotone):
            answer.tighten(*_between(panel, one), number)
    for number, one in enumerate(constraints):
        if isinstance(one, Integer):
            where = marked(panel, one.channel, one.words)
            answer.tighten(where, np.ceil(answer.low), np.floor(answer.high), number)
    empty = np.flatnonzero(answer.low > answer.high)
    if len(empty):
        cell = empty[0]
        pair = {answer.low_by[cell], answer.high_by[cell]} - {-1}
        raise ValueError(
            f"{listing(constraints[k].words for k in sorted(pair))} contradict each "
            f"other {_at(panel, cell)}: values from {answer.low[cell]:g} to "
            f"{answer.high[cell]:g} are none."
        )
    return answer


def _check_observed(panel: Panel, where: Mask, one: Bounds) -> None:
    values = panel.values.ravel()
    beyond = np.flatnonzero(where & ((values < one.low) | (values > one.high)))
    if len(beyond):
        raise ValueError(
            f"{one.words} contradicts the observed value {values[beyond[0]]:g} "
            f"{_at(panel, beyond[0])}; observed cells are never altered."
        )


def _between(panel: Panel, one: Monotone) -> tuple[Mask, Floats, Floats]:
    """Mark the missing cells of a channel, between their neighbours' values."""
    column = channel_number(panel, one.channel, one.words)
    sign = 1 if one.increasing else -1
    values = sign * panel.values[:, column]
    series = np.repeat(np.arange(len(panel.ids)), np.diff(panel.bounds))
    known = pd.Series(values).groupby(series)
    before, after = known.ffill().to_numpy(), known.bfill().to_numpy()
    wrong = np.flatnonzero(before > after)
    seen = pd.Series(values).dropna()
    falls = seen.groupby(series[seen.index]).diff() < 0
    if falls.any() or len(wrong):
        row = int(seen.index[falls][0]) if falls.any() else int(wrong[0])
        raise ValueError(
            f"{one.words} contradicts the observed values: there is a step the other "
            f"way {_at(panel, row * len(panel.channels) + column)}."
        )
    low = np.nan_to_num(before, nan=-np.inf, neginf=-np.inf)
    high = np.nan_to_num(after, nan=np.inf, posinf=np.inf)
    ends = (low, high) if sign > 0 else (-high, -low)
    shape = panel.values.shape
    where = np.zeros(shape, dtype=bool)
    where[:, column] = np.isnan(values)
    full = [np.zeros(shape), np.zeros(shape)]
    for part, end in zip(full, ends, strict=True):
        part[:, column] = end
    return where.ravel(), full[0].ravel(), full[1].ravel()


def whole(panel: Panel, constraints: Sequence[Constraint]) -> Mask:
    """Mark the cells that are whole numbers, (N * C,)."""
    where = np.zeros(panel.values.size, dtype=bool)
    for one in constraints:
        if isinstance(one, Integer):
            where |= marked(panel, one.channel, one.words)
    return where


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


def _at(panel: Panel, cell: int) -> str:
    row, column = divmod(int(cell), len(panel.channels))
    return f"in column {panel.channels[column]!r} at {panel.index[row]}"
