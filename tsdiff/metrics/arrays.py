"""What every score asks of its arrays, and how they are cut into bounded blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Scratch arrays stay below this many float64 values (32 MB), whatever comes in.
BLOCK = 2**22


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
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return `y` of shape (...) and the one array of shape (n, ...) as float64.

    Raises
    ------
    ValueError
        The shapes do not fit, or n is 0.
    """
    ((name, given),) = other.items()
    truth = np.asarray(y, dtype=np.float64)
    array = np.asarray(given, dtype=np.float64)
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
    """Cut `n_items` of `cost` values each into slices of at most `BLOCK` values."""
    size = max(1, BLOCK // max(cost, 1))
    for start in range(0, n_items, size):
        yield slice(start, start + size)
