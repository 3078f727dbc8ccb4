"""Least and largest values of cells, whole numbers, and who asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.constraints.cells import at_cell, channel_number, marked
from tsdiff.constraints.kinds import Bounds, Constraint, Integer, Monotone
from tsdiff.panel.frame import Panel
from tsdiff.validation import listing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


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
            f"other {at_cell(panel, cell)}: values from {answer.low[cell]:g} to "
            f"{answer.high[cell]:g} are none."
        )
    return answer


def _check_observed(panel: Panel, where: Mask, one: Bounds) -> None:
    values = panel.values.ravel()
    beyond = np.flatnonzero(where & ((values < one.low) | (values > one.high)))
    if len(beyond):
        raise ValueError(
            f"{one.words} contradicts the observed value {values[beyond[0]]:g} "
            f"{at_cell(panel, beyond[0])}; observed cells are never altered."
        )


def _between(panel: Panel, one: Monotone) -> tuple[Mask, Floats, Floats]:
    """Mark the missing cells of a channel, between their neighbours' values."""
    column = channel_number(panel, one.channel, one.words)
    sign = 1 if one.increasing else -1
    values = sign * panel.values[:, column]
    series = np.repeat(np.arange(len(panel.ids)), np.diff(panel.bounds))
    known = pd.Series(values).groupby(series)
    before, after = known.ffill().to_numpy(), known.bfill().to_numpy()
    seen = pd.Series(values).dropna()
    falls = seen.groupby(series[seen.index]).diff() < 0
    if falls.any():
        row = int(seen.index[falls][0])
        raise ValueError(
            f"{one.words} contradicts the observed values: there is a step the other "
            f"way {at_cell(panel, row * len(panel.channels) + column)}."
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
