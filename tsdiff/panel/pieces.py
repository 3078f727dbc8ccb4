"""Series in files: which rows they are, whose names they have, some of them drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows ``first:stop`` of a file: whole series, one after the other."""

    file: str
    first: int
    stop: int


@dataclass(frozen=True)
class Contents:
    """Which series a file holds.

    Attributes
    ----------
    ids : list of length n_series
        In the order of their rows.
    first : ndarray of int, shape (n_series + 1,)
        Series i is rows ``first[i]:first[i + 1]``.
    """

    ids: list[Any]
    first: Ints


def claim(owner: dict[Any, str], file: str, contents: Contents) -> None:
    """Note whose the ids of a file are.

    Parameters
    ----------
    owner : dict of id to str
        File of each id so far.
    file : str
    contents : Contents

    Raises
    ------
    ValueError
        If one is taken, naming it and both files; nothing is noted then.
    """
    taken = next((name for name in contents.ids if name in owner), None)
    if taken is not None:
        raise ValueError(
            f"series {taken!r} is in {owner[taken]} and again in {file}. Write "
            "each series into one file."
        )
    owner.update(dict.fromkeys(contents.ids, file))


def drawn(
    pieces: Sequence[Piece], n_rows: int, random_state: Any = 0
) -> tuple[list[Piece], Ints]:
    """Draw pieces of so many rows at random, but one at least; in their order.

    Returns
    -------
    some : list of Piece
    numbers : ndarray of int
        Of these among all.
    """
    length = np.array([piece.stop - piece.first for piece in pieces])
    order = np.random.default_rng(random_state).permutation(len(pieces))
    fits = np.cumsum(length[order]) <= n_rows
    fits[0] = True
    numbers = np.sort(order[fits])
    return [pieces[number] for number in numbers], numbers
