"""Whole numbers, and values in order: what comes last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsdiff.constraints.compiling import Linear
from tsdiff.constraints.consistency import components
from tsdiff.constraints.kinds import Monotone
from tsdiff.constraints.limits import Limits
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


def round_to_whole(
    samples: Floats, system: Linear, limits: Limits, whole: Mask
) -> Floats:
    """Round cells to whole numbers, and keep totals.

    Parameters
    ----------
    samples : ndarray, shape (S, M)
    system : Linear
    limits : Limits
        With whole numbers as ends.
    whole : ndarray of bool, shape (M,)

    Returns
    -------
    ndarray, shape (S, M)

    Raises
    ------
    ValueError
        If rows are no totals of whole numbers.
    """
    answer = samples.copy()
    low, high = limits.low[whole], limits.high[whole]
    answer[:, whole] = np.clip(np.round(samples[:, whole]), low, high)
    for rows in components(system.rows):
        part = system.rows[rows]
        cells = part.indices
        if not whole[cells].any():
            continue
        weight, target = part.data, system.target[rows] / part.data[0]
        plain = len(rows) == 1 and (weight == weight[0]).all() and whole[cells].all()
        if not plain or abs(target[0] - round(target[0])) > 1e-6:
            raise ValueError(
                f"integer() goes with totals of whole numbers, each of cells of its "
                f"own; {system.words[rows[0]]} is not one."
            )
        ends = limits.low[cells], limits.high[cells]
        answer[:, cells] = _apportioned(samples[:, cells], round(target[0]), *ends)
    return answer


def _apportioned(x: Floats, total: int, low: Floats, high: Floats) -> Floats:
    """Round values that sum to a whole number by the largest remainders."""
    floor = np.clip(np.floor(x + 1e-9), low, high)
    for _ in range(x.shape[1] + 1):
        left = np.rint(total - floor.sum(axis=1)).astype(int)
        if not left.any():
            return floor
        sign = np.sign(left)[:, None]
        remainder = sign * (x - floor)
        open_ = np.where(sign > 0, floor < high, floor > low)
        order = np.argsort(np.where(open_, -remainder, np.inf), axis=1, kind="stable")
        rank = np.argsort(order, axis=1)
        floor = floor + sign * ((rank < np.abs(left)[:, None]) & open_)
    raise ValueError("integer() and a total leave no whole numbers within the bounds.")


def put_in_order(
    samples: Floats, panel: Panel, cells: Ints, one: Monotone, system: Linear
) -> Floats:
    """Put each path's values of a gap in order.

    Parameters
    ----------
    samples : ndarray, shape (S, M)
    panel : Panel
    cells : ndarray of int, shape (M,)
    one : Monotone
    system : Linear

    Returns
    -------
    ndarray, shape (S, M)

    Raises
    ------
    ValueError
        If a total is over a part of a gap.
    """
    n_channels = len(panel.channels)
    column = panel.channels.index(one.channel)
    position = np.flatnonzero(cells % n_channels == column)
    row = cells[position] // n_channels
    series = np.searchsorted(panel.bounds, row, side="right") - 1
    seen = np.cumsum(panel.observed[:, column])[row]  # the same through a gap
    changes = (np.diff(seen) != 0) | (np.diff(series) != 0)
    gap = np.concatenate([[0], np.cumsum(changes)]) if len(row) else row
    _check_totals(system, position, gap, one)
    values = samples[:, position] if one.increasing else -samples[:, position]
    number = np.broadcast_to(gap, values.shape)
    path = np.broadcast_to(np.arange(len(values))[:, None], values.shape)
    order = np.lexsort((values.ravel(), number.ravel(), path.ravel()))
    ordered = values.ravel()[order].reshape(values.shape)
    answer = samples.copy()
    answer[:, position] = ordered if one.increasing else -ordered
    return answer


def _check_totals(system: Linear, position: Ints, gap: Ints, one: Monotone) -> None:
    """Refuse rows that change when the values of a gap change places."""
    if not len(system) or not len(gap):
        return
    weight = system.rows[:, position].toarray()
    first = np.flatnonzero(np.concatenate([[True], np.diff(gap) != 0]))
    largest = np.maximum.reduceat(weight, first, axis=1)
    least = np.minimum.reduceat(weight, first, axis=1)
    partly = np.flatnonzero((largest != least).any(axis=1))
    if len(partly):
        raise ValueError(
            f"{one.words} and {system.words[partly[0]]} can't be met together: it is a "
            "total over a part of a gap."
        )
