"""Bins of cells by one or two numbers, each with enough to learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A bin has so many cells at least, of so many gaps or forecasts: cells of one of these
# go astray together, and a bin of few would be corrected by chance.
_CELLS, _UNITS = 300, 40
_MOST_FIRST, _MOST_SECOND = 6, 3


@dataclass(frozen=True, eq=False)
class Bins:
    """Bins by a first number and, within each of these, by a second one.

    Attributes
    ----------
    first : ndarray, shape (n_first - 1,)
        Largest first number of each bin but the last, ascending.
    second : ndarray, shape (n_first, n_second - 1)
        Largest second number of each bin within; infinite where there are fewer.

    Raises
    ------
    ValueError
        If edges are out of order, or their numbers don't fit.

    Examples
    --------
    >>> bins = Bins(np.array([3.0]), np.array([[1.0], [np.inf]]))
    >>> bins.number(np.array([1, 1, 9]), np.array([1, 2, 5]))
    array([0, 1, 2])
    """

    first: Floats
    second: Floats

    def __post_init__(self) -> None:
        fitting = self.first.ndim == 1 and self.second.ndim == 2
        if not fitting or len(self.second) != len(self.first) + 1:
            raise ValueError("the bins of its calibration don't fit together")
        rising = (np.diff(self.first) > 0).all() and np.isfinite(self.first).all()
        known = np.nan_to_num(self.second, posinf=np.finfo(float).max)
        if not rising or np.isnan(self.second).any() or (np.diff(known) < 0).any():
            raise ValueError("the bins of its calibration are out of order")

    def __len__(self) -> int:
        return self.second.shape[0] * (self.second.shape[1] + 1)

    @classmethod
    def of(cls, first: NDArray, second: NDArray, unit: Ints) -> Bins:
        """Choose bins of n cells with about as many in each, and enough of them.

        Parameters
        ----------
        first, second : ndarray, shape (n,)
        unit : ndarray of int, shape (n,)
            Gap or forecast of each cell.

        Returns
        -------
        Bins
        """
        first, second = first.astype(float), second.astype(float)
        edges = _edges(first, unit, _MOST_FIRST)
        number = np.searchsorted(edges, first)
        inner = [
            _edges(second[number == k], unit[number == k], _MOST_SECOND)
            for k in range(len(edges) + 1)
        ]
        most = max(map(len, inner))
        filled = [np.append(e, np.full(most - len(e), np.inf)) for e in inner]
        return cls(edges, np.stack(filled))

    def number(self, first: NDArray, second: NDArray) -> Ints:
        """Find the bin of each cell, shape (M,).

        Parameters
        ----------
        first, second : ndarray, shape (M,)

        Returns
        -------
        ndarray of int, shape (M,)
        """
        outer = np.searchsorted(self.first, first)
        inner = np.zeros(len(outer), dtype=np.int64)
        for k in range(self.second.shape[1]):
            inner += second > self.second[outer, k]
        return outer * (self.second.shape[1] + 1) + inner

    def ranges(self) -> list[tuple[tuple[float, float], tuple[float, float]]]:
        """Give the numbers of each bin: from (not included) and to (included)."""
        n_inner = self.second.shape[1] + 1
        outer = [-np.inf, *self.first, np.inf]
        return [
            (
                (outer[i], outer[i + 1]),
                tuple([-np.inf, *self.second[i], np.inf][k : k + 2]),
            )
            for i in range(len(self.second))
            for k in range(n_inner)
        ]


def _edges(x: Floats, unit: Ints, most: int) -> Floats:
    """Choose largest numbers of all bins but the last one."""
    n_bins = int(np.clip(len(x) // _CELLS, 1, most))
    if n_bins == 1:
        return np.empty(0)
    kept: list[float] = []
    levels = np.arange(1, n_bins) / n_bins
    for edge in np.unique(np.quantile(x, levels, method="inverted_cdf")):
        inside = (x <= edge) & (x > (kept[-1] if kept else -np.inf))
        if _enough(unit[inside]) and _enough(unit[x > edge]):
            kept.append(float(edge))
    return np.array(kept)


def _enough(unit: Ints) -> bool:
    """Whether the cells of these units can be a bin."""
    return len(unit) >= _CELLS and len(np.unique(unit)) >= _UNITS
