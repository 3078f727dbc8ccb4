"""Strands: one channel of one series, which univariate baselines answer alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Strand:
    """One channel of one series with cells to answer.

    Attributes
    ----------
    values : ndarray, shape (T,)
        NaN is missing.
    time : ndarray, shape (T,)
        Elapsed time in steps of the fit.
    asked : ndarray of int, shape (m,)
        Rows to answer, ascending.
    place : ndarray of int, shape (m,)
        Where their answers stand among those of all cells.
    series, channel : int
        Position in the panel.
    """

    values: Floats
    time: Floats
    asked: Ints
    place: Ints
    series: int
    channel: int

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Whether each row has a value, shape (T,)."""
        return ~np.isnan(self.values)

    def neighbours(self) -> tuple[Ints, Ints]:
        """Last observed row before and first one after each row asked for.

        Returns
        -------
        before, after : ndarray of int, shape (m,)
            -1 where there is none.
        """
        rows = np.flatnonzero(self.observed)
        padded = np.concatenate([[-1], rows, [-1]])
        position = np.searchsorted(rows, self.asked)
        return padded[position], padded[position + 1]


def strands(panel: Panel, cells: Ints) -> Iterator[Strand]:
    """Sort cells by series and channel.

    Parameters
    ----------
    panel : Panel
    cells : ndarray of int, shape (M,)
        Flat indices into ``panel.values``, ascending.

    Yields
    ------
    Strand
        Only those with cells to answer.
    """
    row, channel = np.divmod(cells, len(panel.channels))
    series = np.searchsorted(panel.bounds, row, side="right") - 1
    key = series * len(panel.channels) + channel
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    for place in np.split(order, starts[1:]):
        if not len(place):
            continue
        one, column = int(series[place[0]]), int(channel[place[0]])
        first, stop = panel.bounds[one], panel.bounds[one + 1]
        yield Strand(
            values=panel.values[first:stop, column],
            time=panel.elapsed[first:stop],
            asked=row[place] - first,
            place=place,
            series=one,
            channel=column,
        )


def generator(seed: int, series: Any, channel: str) -> np.random.Generator:
    """Make the generator of a strand, the same whatever else is asked for.

    Parameters
    ----------
    seed : int
    series : hashable
        Id of the series.
    channel : str

    Returns
    -------
    numpy.random.Generator

    Examples
    --------
    >>> bool(generator(0, "a", "x").random() == generator(0, "a", "x").random())
    True
    """
    key = repr((seed, series, channel)).encode()
    digest = hashlib.blake2b(key, digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))
