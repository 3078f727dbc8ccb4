"""What every score asks of its arrays, and how they are cut into bounded blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Scratch arrays stay near this many float64 values, whatever comes in: 1 MB, which
#: a core's cache holds.
BLOCK = 2**17


def alike(y: ArrayLike, **others: ArrayLike) -> list[NDArray[np.float64]]:
    """Return `y` and `others` as float64 arrays of one shape.

    Raises
    ------
    ValueError
        A shape differs; nothing is broadcast, because ``(n, 1)`` against ``(n,)``
        would silently score every cell against every other.
    """
    truth = np.asarray(y, dtype=np.float64)
    arrays = [truth]
    for name, other in others.items():
        array = np.asarray(other, dtype=np.float64)
        if array.shape != truth.shape:
            raise ValueError(
                f"{name} has shape {array.shape}, but {truth.shape} is needed: one "
                "value for each cell."
            )
        arrays.append(array)
    return arrays


def stacked(
    y: ArrayLike, **other: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return `y` of shape (...) as float64, and the one array of shape (n, ...).

    The array keeps its dtype if it is real: float32 samples of many cells would fill
    the memory as float64, and arithmetic with `y` makes float64 of them block by block.

    Raises
    ------
    ValueError
        The shapes do not fit, or n is 0.
    """
    ((name, given),) = other.items()
    truth = np.asarray(y, dtype=np.float64)
    array = np.asarray(given)
    if array.dtype.kind not in "fiu":
        array = array.astype(np.float64)
    if array.ndim != truth.ndim + 1 or array.shape[1:] != truth.shape:
        raise ValueError(
            f"{name} has shape {array.shape}, but (n, *y.shape) is needed, here "
            f"{('n', *truth.shape)}: {name} stand on the first axis."
        )
    if not len(array):
        raise ValueError(f"{name} is empty: at least one is needed for each cell.")
    return truth, array


def as_levels(levels: ArrayLike, n_expected: int) -> NDArray[np.float64]:
    """Return quantile levels as a float64 array of shape (n_expected,).

    Raises
    ------
    ValueError
        Their number is wrong, or one lies outside (0, 1).
    """
    array = np.asarray(levels, dtype=np.float64)
    if array.shape != (n_expected,):
        raise ValueError(
            f"levels has shape {array.shape}, but there are {n_expected} quantiles: "
            "give one level for each."
        )
    wrong = array[~((array > 0) & (array < 1))]
    if wrong.size:
        raise ValueError(
            f"Quantile levels lie between 0 and 1 (both excluded), got {wrong[0]:g}."
        )
    return array


def blocks(n_items: int, cost: int) -> Iterator[slice]:
    """Cut `n_items` of `cost` values each into slices of about `BLOCK` values."""
    size = max(1, BLOCK // max(cost, 1))
    for start in range(0, n_items, size):
        yield slice(start, start + size)


def count_pairs(n_samples: int, fair: bool) -> int:
    """Count the ordered pairs of draws that the spread term averages over."""
    if fair and n_samples < 2:
        raise ValueError(
            f"A fair score needs at least 2 samples, got {n_samples}. Draw more, or "
            "pass fair=False."
        )
    return n_samples * (n_samples - fair)


def rising(
    quantiles: NDArray[np.float64], levels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return `levels` if they rise, and each cell's `quantiles` (n, ...) never fall.

    Raises
    ------
    ValueError
        Naming the first level or cell where they do not.
    """
    wrong = np.flatnonzero(np.diff(levels) <= 0)
    if wrong.size:
        raise ValueError(
            f"levels must rise, but {levels[wrong[0] + 1]:g} follows "
            f"{levels[wrong[0]]:g}. Sort them, and the quantiles with them."
        )
    crossed = np.argwhere(np.diff(quantiles, axis=0) < 0)
    if len(crossed):
        lower, *cell = map(int, crossed[0])
        at = tuple(cell)
        low, high = quantiles[lower][at], quantiles[lower + 1][at]
        raise ValueError(
            f"Quantiles cross in {len(crossed)} place(s), the first in cell "
            f"{at}: {low:g} at level {levels[lower]:g}, {high:g} at level "
            f"{levels[lower + 1]:g}. Quantiles must not fall."
        )
    return levels


def spread(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Give each cell of an array of `shape` its own entry, without copying.

    Raises
    ------
    ValueError
        `array` does not broadcast to the shape.
    """
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(
            f"{name} has shape {array.shape}, which does not broadcast to {shape}, the "
            "shape of the cells. Give one entry for each cell, row or column."
        ) from None
