"""A comparison of two models by groups, in a plain sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_FINDINGS = {-1: ("better", "than"), 1: ("worse", "than"), 0: ("no different", "from")}


@dataclass(frozen=True)
class _Stretch:
    """Groups `first` to `last`, one after the other, with the same finding."""

    first: int
    last: int
    finding: int
    note: str

    def place(self, edges: Sequence[str]) -> str:
        """Say where it lies, if not everywhere."""
        if self.first == 0:
            return f"up to {edges[self.last]}" if self.last < len(edges) else ""
        if self.last == len(edges):
            return f"over {edges[self.first - 1]}"
        return f"between {edges[self.first - 1]} and {edges[self.last]}"


def holm(p_values: ArrayLike) -> Floats:
    """Correct p-values for having asked several questions.

    Parameters
    ----------
    p_values : array_like of shape (G,)

    Returns
    -------
    ndarray of shape (G,)
        Rejecting those at most alpha, the probability of any false rejection is at most
        alpha, however the questions depend on each other.

    Raises
    ------
    ValueError
        A p-value is missing or does not lie between 0 and 1.

    References
    ----------
    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal
    of Statistics 1979.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    given = np.asarray(p_values, dtype=float)
    wrong = np.flatnonzero(~((given >= 0) & (given <= 1)))
    if given.ndim != 1 or wrong.size:
        at = (
            f"p-value {wrong[0]} is {given.flat[wrong[0]]}" if wrong.size else "several"
        )
        raise ValueError(
            f"p-values lie between 0 and 1 and stand in one dimension, got {at}."
        )
    order = np.argsort(given, kind="stable")
    raised = given[order] * np.arange(len(given), 0, -1)
    corrected = np.empty(len(given))
    corrected[order] = np.minimum(np.maximum.accumulate(raised), 1)
    return corrected


def verdict(
    loss: ArrayLike,
    other: ArrayLike,
    p_values: ArrayLike,
    *,
    group: ArrayLike | None = None,
    edges: Sequence[str] = (),
    names: tuple[str, str] = ("the model", "the other"),
    words: tuple[str, str] = ("CRPS", "gaps"),
    alpha: float = 0.05,
) -> str:
    """Say in a sentence where a model is better than another, and where it is worse.

    Parameters
    ----------
    loss, other : array_like of shape (n,)
        Losses of the model and of the other on the same cells, lower is better.
    p_values : array_like of shape (G,)
        Of the difference in each group, as from `block_bootstrap`; they are corrected
        here by `holm`.
    group : array_like of int, shape (n,), optional
        Group of each cell, 0 to G - 1, in order of the quantity; all one by default.
    edges : sequence of str of length G - 1
        Values between neighbouring groups, with unit: ``["1 hour", "3 hours"]``.
    names : tuple of str
        The two models.
    words : tuple of str, default ("CRPS", "gaps")
        What is scored, and what the groups are bins of ("gaps", "steps ahead").
    alpha : float, default 0.05
        Corrected p-values up to this are differences.

    Returns
    -------
    str
        Neighbouring groups with the same finding are one stretch; its percentage is the
        change of the mean loss over its cells, its p the largest of its corrected ones.

    Raises
    ------
    ValueError
        Shapes or numbers don't fit, a loss is missing, or a group has no cell.

    Examples
    --------
    >>> loss, other = np.array([1.0, 0.9, 1.6]), np.array([1.0, 1.0, 2.0])
    >>> bins = {"group": [0, 1, 2], "edges": ["1 hour", "3 hours"]}
    >>> names = ("tsdiff", "linear interpolation")
    >>> print(verdict(loss, other, [0.9, 0.3, 0.0005], **bins, names=names))
    tsdiff is better than linear interpolation for gaps over 3 hours (CRPS -20 %, \
p = 0.002); no different below
    """
    ours, theirs, corrected, number = _check(loss, other, p_values, group, edges)
    size = np.bincount(number, minlength=len(corrected))
    means = [np.bincount(number, part, len(size)) / size for part in (ours, theirs)]
    findings = np.where(corrected <= alpha, np.sign(means[0] - means[1]), 0).astype(int)
    stretches = []
    for finding, places in groupby(range(len(size)), key=lambda at: findings[at]):
        first, *rest = places
        last = rest[-1] if rest else first
        inside = (first <= number) & (number <= last)
        change = _change(ours[inside].mean(), theirs[inside].mean())
        largest = corrected[first : last + 1].max()
        chance = "p < 0.001" if largest < 0.001 else f"p = {largest:.1g}"
        note = f" ({words[0]} {change}, {chance})" if finding else ""
        stretches.append(_Stretch(first, last, finding, note))
    return _sentence(stretches, edges, names, words[1])


def _sentence(
    stretches: Sequence[_Stretch],
    edges: Sequence[str],
    names: tuple[str, str],
    things: str,
) -> str:
    """Say what was found: where it is better first, then where worse, then the rest."""
    clauses: list[str] = []
    for finding, (word, link) in _FINDINGS.items():
        found = [part for part in stretches if part.finding == finding]
        if not found:
            continue
        places = [part.place(edges) for part in found]
        if clauses and len(stretches) == 2:
            places = ["below" if found[0].first == 0 else "above"]
        notes = [part.note for part in found]
        where = _and([a + b for a, b in zip(places, notes, strict=True)])
        if clauses:
            clauses.append(f"{word} {where}")
        elif len(stretches) == 1:
            span = f" for all {things}" if edges else ""
            clauses.append(f"{names[0]} is {word} {link} {names[1]}{span}{where}")
        else:
            start = f"{names[0]} is {word} {link} {names[1]} for {things}"
            clauses.append(f"{start} {where}")
    return "; ".join(clauses)


def _and(parts: Sequence[str]) -> str:
    """Join words: "a", "a and b", "a, b and c"."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def _change(ours: float, theirs: float) -> str:
    """Write the change of a loss: in percent where it has a zero, else as it is."""
    if theirs <= 0:
        return f"{ours - theirs:+.2g}"
    percent = 100 * (ours / theirs - 1)
    return f"{percent:+.0f} %" if abs(percent) >= 1 else f"{percent:+.1g} %"


def _check(
    loss: ArrayLike,
    other: ArrayLike,
    p_values: ArrayLike,
    group: ArrayLike | None,
    edges: Sequence[str],
) -> tuple[Floats, Floats, Floats, NDArray[Any]]:
    """Check what `verdict` is given; correct the p-values."""
    ours, theirs = np.asarray(loss, dtype=float), np.asarray(other, dtype=float)
    number = np.zeros(len(ours), dtype=int) if group is None else np.asarray(group)
    if ours.ndim != 1 or not ours.shape == theirs.shape == number.shape:
        raise ValueError(
            "loss, other and group must have one entry for each cell, got shapes "
            f"{ours.shape}, {theirs.shape} and {number.shape}."
        )
    if np.isnan(ours + theirs).any():
        raise ValueError(
            f"{np.isnan(ours + theirs).sum()} cell(s) have no loss of one of the "
            "models. Leave them out of both."
        )
    corrected = holm(p_values)
    if len(corrected) != len(edges) + 1:
        raise ValueError(
            f"{len(edges)} edges make {len(edges) + 1} groups, but there are "
            f"{len(corrected)} p-values."
        )
    if number.size and not 0 <= number.min() <= number.max() < len(corrected):
        raise ValueError(
            f"group must hold numbers from 0 to {len(corrected) - 1}, got "
            f"{number.min()} to {number.max()}."
        )
    empty = np.setdiff1d(np.arange(len(corrected)), number)
    if empty.size:
        raise ValueError(f"Group(s) {', '.join(map(str, empty))} have no cell.")
    return ours, theirs, corrected, number
