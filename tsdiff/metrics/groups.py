"""Means of unreduced scores, over all cells or by any grouping of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tsdiff.metrics.arrays import spread


@dataclass(frozen=True)
class Grouped:
    """Mean scores of G groups of cells.

    Attributes
    ----------
    keys : dict of str to ndarray of shape (G,)
        Label of each group in each grouping; groups in order of their labels, the first
        grouping slowest, or in the order that was asked for.
    mean : ndarray of shape (G,)
        NaN for a group without a scored cell.
    count : ndarray of int, shape (G,)
        Scored cells.
    standard_error : ndarray of shape (G,)
        Of the mean, were the cells independent; NaN below two cells. Neighbouring cells
        rarely are: `tsdiff.significance.block_bootstrap` knows.
    """

    keys: dict[str, NDArray[Any]]
    mean: NDArray[np.float64]
    count: NDArray[np.int64]
    standard_error: NDArray[np.float64]


def grouped(
    score: ArrayLike,
    by: Mapping[str, ArrayLike] | None = None,
    *,
    weights: ArrayLike | None = None,
    where: ArrayLike | None = None,
    groups: Sequence[Any] | None = None,
) -> Grouped:
    """Mean of an unreduced score by series, horizon, gap length, channel, cutoff ...

    Cells that score NaN are left out.

    Parameters
    ----------
    score : array_like of shape (...)
        From any unreduced score of `tsdiff.metrics`.
    by : mapping of str to array_like, optional
        Labels of the cells in one grouping or several, each array broadcasting to the
        shape of the score: numbers, texts or stamps. None: one group.
    weights : array_like, optional
        Weight of each cell, 0 or above, broadcasting likewise; 1 by default.
    where : array_like of bool, optional
        Cells that count, broadcasting likewise; all by default.
    groups : sequence, optional
        Labels of the groups to answer, tuples if there are several groupings. By
        default, every combination of labels that occurs.

    Returns
    -------
    Grouped

    Raises
    ------
    ValueError
        Shapes do not fit, a label is missing, a weight is below 0 or missing, or one of
        the `groups` asked for has no scored cell.

    Examples
    --------
    >>> score = np.array([[1.0, 3.0, 5.0], [2.0, np.nan, 9.0]])  # 2 series, 3 steps
    >>> by_step = grouped(score, {"horizon": [1, 2, 3]})
    >>> by_step.mean, by_step.count
    (array([1.5, 3. , 7. ]), array([2, 1, 2]))
    >>> grouped(score, {"series": [["a"], ["b"]]}, groups=["b"]).mean
    array([5.5])
    """
    value = np.asarray(score, dtype=np.float64)
    code, keys = _number_groups(dict(by or {}), value.shape)
    weight = np.ones(()) if weights is None else np.asarray(weights, dtype=np.float64)
    weight = spread("weights", weight, value.shape)
    if not (weight >= 0).all():  # NaN is caught as well
        raise ValueError(
            f"A weight must be 0 or above, got {weight[~(weight >= 0)][0]:g}."
        )
    known = ~np.isnan(value) & (weight > 0)
    if where is not None:
        known &= spread("where", np.asarray(where, dtype=bool), value.shape)
    n_groups = len(next(iter(keys.values()))) if keys else 1
    found = Grouped(keys, *_means(value[known], weight[known], code[known], n_groups))
    return found if groups is None else _pick(found, groups)


def _means(
    value: NDArray[np.float64],
    weight: NDArray[np.float64],
    code: NDArray[np.int64],
    n_groups: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Weighted mean, count and standard error of each group."""
    count = np.bincount(code, minlength=n_groups)
    total = np.bincount(code, weight, n_groups)
    total[count == 0] = np.nan
    mean = np.bincount(code, weight * value, n_groups) / total
    error = weight * (value - mean[code])
    unbiased = count / np.where(count < 2, np.nan, count - 1)
    square = np.bincount(code, error**2, n_groups) * unbiased
    return mean, count, np.sqrt(square) / total


def _number_groups(
    by: dict[str, ArrayLike], shape: tuple[int, ...]
) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
    """Give each cell the number of its group, and each group its labels."""
    if not by:
        return np.zeros(shape, dtype=np.int64), {}
    codes, labels = [], []
    for name, given in by.items():
        label = np.asarray(given)
        number, distinct = pd.factorize(label.reshape(-1), sort=True)
        if (number < 0).any():
            raise ValueError(
                f"{name!r} has no label for {(number < 0).sum()} of its {label.size} "
                "entries. Give one to each, or leave the cells out with `where`."
            )
        codes.append(spread(repr(name), number.reshape(label.shape), shape))
        labels.append(np.asarray(distinct))
    sizes = tuple(map(len, labels))
    if not all(sizes):  # no cell at all
        return np.zeros(shape, dtype=np.int64), dict(zip(by, labels, strict=True))
    flat = np.ravel_multi_index(tuple(codes), sizes)
    present, code = np.unique(flat, return_inverse=True)
    places = np.unravel_index(present, sizes)
    keys = zip(by, labels, places, strict=True)
    return code.reshape(shape), {name: label[at] for name, label, at in keys}


def _pick(found: Grouped, groups: Sequence[Any]) -> Grouped:
    """Take the groups that were asked for; each must have a scored cell."""
    single = len(found.keys) == 1
    rows = zip(*found.keys.values(), strict=True)
    place = {row[0] if single else tuple(row): at for at, row in enumerate(rows)}
    empty = [
        group for group in groups if group not in place or not found.count[place[group]]
    ]
    if empty:
        raise ValueError(
            f"No scored cell in group(s) {', '.join(map(repr, empty))} of "
            f"{' x '.join(map(repr, found.keys)) or 'no grouping'}. Ask for groups "
            "that have some, or leave `groups` out."
        )
    at = np.array([place[group] for group in groups], dtype=np.int64)
    return Grouped(
        {name: label[at] for name, label in found.keys.items()},
        found.mean[at],
        found.count[at],
        found.standard_error[at],
    )
