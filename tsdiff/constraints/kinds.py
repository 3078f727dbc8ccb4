"""The kinds of constraints, as a user states them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.validation import listing

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Constraint:
    """Something known of the cells to answer; made by the functions of this package.

    Attributes
    ----------
    words : str
        As it is named in messages.
    """

    words: str


@dataclass(frozen=True, eq=False)
class Bounds(Constraint):
    """Least and largest value."""

    low: float
    high: float
    channel: str | None


@dataclass(frozen=True, eq=False)
class Integer(Constraint):
    """Whole numbers."""

    channel: str | None


@dataclass(frozen=True, eq=False)
class Monotone(Constraint):
    """Rising or falling through each gap."""

    channel: str
    increasing: bool


@dataclass(frozen=True, eq=False)
class Total(Constraint):
    """Sums over calendar periods."""

    freq: str | None
    values: pd.Series
    channel: str | None


@dataclass(frozen=True, eq=False)
class Equality(Constraint):
    """Weighted sums of cells, whatever they are."""

    A: Floats
    b: Floats


@dataclass(frozen=True, eq=False)
class Relation(Constraint):
    """A weighted sum over channels, the same at every time."""

    weights: Mapping[str, float]
    value: float


@dataclass(frozen=True, eq=False)
class Reward(Constraint):
    """A preference among paths."""

    fn: Callable[[Any], Any]
    weight: float


def bounds(
    low: float | None = None, high: float | None = None, channel: str | None = None
) -> Constraint:
    """Keep values between a least and a largest one.

    The law of a cell is cut off at the bounds and fills what is left (truncation): it
    is not clipped, so no mass piles up there.

    Parameters
    ----------
    low, high : float, optional
        In units of the data; at least one of them.
    channel : str, optional
        All by default.

    Raises
    ------
    ValueError
        If both are left out, one is NaN, or low is above high.
    """
    if low is None and high is None:
        raise ValueError("bounds needs low, high or both.")
    ends = -np.inf if low is None else float(low), np.inf if high is None else high
    if not ends[0] <= ends[1]:
        raise ValueError(f"bounds needs low <= high, got low={low} and high={high}.")
    words = f"bounds({ends[0]:g}, {ends[1]:g}{_of(channel)})"
    return Bounds(words, float(ends[0]), float(ends[1]), channel)


def nonnegative(channel: str | None = None) -> Constraint:
    """Keep values at zero or above; see `bounds`."""
    words = f"nonnegative({'' if channel is None else repr(channel)})"
    return Bounds(words, 0.0, np.inf, channel)


def integer(channel: str | None = None) -> Constraint:
    """Answer in whole numbers: that which a draw is nearest to.

    Together with totals the largest remainders are rounded up, so that both hold.
    """
    return Integer(f"integer({'' if channel is None else repr(channel)})", channel)


def monotone(channel: str, *, increasing: bool = True) -> Constraint:
    """Let values rise (or fall) through each gap, from one neighbour to the other.

    Each path's values in a gap, cut to the range of the gap's neighbours, are put in
    order (Chernozhukov, Fernandez-Val and Galichon, 2010, Econometrica 78), so totals
    over whole gaps stay. With ``increasing=False`` they fall.
    """
    words = f"monotone({channel!r}, increasing={increasing})"
    return Monotone(words, channel, bool(increasing))


def total(freq: str | None, values: Any, channel: str | None = None) -> Constraint:
    """Fix sums over calendar periods: known daily or monthly totals.

    Parameters
    ----------
    freq : str or None
        Pandas alias of the periods ("D", "MS", ...), cut and labelled as by
        ``DataFrame.resample``; None for one total per series.
    values : Series or mapping
        Total by label of the period, for as many periods as are known; of panels by
        (unique_id, label). A number, if there is but one period.
    channel : str, optional
        Needed if there are several.

    Raises
    ------
    ValueError
        If there is no total, or one is not finite.
    """
    known = pd.Series([values]) if np.isscalar(values) else pd.Series(values)
    known = known.astype(float)
    if not len(known) or not np.isfinite(known).all():
        bad = known.index[~np.isfinite(known)]
        what = f"{known[bad[0]]} for {bad[0]}" if len(bad) else "no value"
        raise ValueError(f"total needs finite values by period, got {what}.")
    return Total(f"total({freq!r}{_of(channel)})", freq, known, channel)


def equality(A: Any, b: Any) -> Constraint:
    """Fix weighted sums of cells: ``A @ values.ravel() == b``.

    Parameters
    ----------
    A : array-like, shape (k, n_rows * n_channels) or (k, n_rows, n_channels)
        Weights of the cells of the frame that is answered: row by row, in its order.
    b : array-like, shape (k,)

    Raises
    ------
    ValueError
        If shapes don't fit, a number is not finite, or a row of A is zero.
    """
    right = np.atleast_1d(np.asarray(b, dtype=float))
    left = np.asarray(A, dtype=float).reshape(len(right), -1)
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        raise ValueError("equality needs finite numbers in A and b.")
    if not left.any(axis=1).all():
        row = int(np.flatnonzero(~left.any(axis=1))[0])
        raise ValueError(f"Row {row} of A is zero: it says nothing of any cell.")
    return Equality("equality", left, right)


def relation(weights: Mapping[str, float], value: float = 0.0) -> Constraint:
    """Fix a weighted sum of channels at every time, e.g. parts that make a whole.

    Parameters
    ----------
    weights : mapping of str to float
        ``{"whole": 1, "heating": -1, "light": -1}``: the whole is the sum of both.
    value : float, default 0
        Of the weighted sum.

    Raises
    ------
    ValueError
        If a number is not finite or all weights are zero.
    """
    numbers = np.array([*weights.values(), value], dtype=float)
    if not np.isfinite(numbers).all() or not numbers[:-1].any():
        raise ValueError(
            f"relation needs finite weights that are not all zero, got {weights}."
        )
    words = f"relation({listing(map(repr, weights))})"
    return Relation(words, dict(weights), float(value))


def reward(fn: Callable[[Any], Any], weight: float = 1.0) -> Constraint:
    """Prefer some paths: the law is tilted by ``exp(weight * fn(path))``.

    The paths are moved together by an ensemble Kalman-Bucy flow (Bergemann and Reich,
    2010, QJRMS 136) from the law to the tilted one; for normal laws and quadratic
    rewards it is exact, else an approximation.

    Parameters
    ----------
    fn : callable
        Gets a torch tensor of shape (n_samples, n_rows, n_channels), all paths with the
        known cells, in units of the data; returns a tensor of shape (n_samples,) that
        torch can differentiate.
    weight : float, default 1
        Above 0.

    Raises
    ------
    ValueError
        If weight is not above 0.
    """
    if not (np.isfinite(weight) and weight > 0):
        raise ValueError(f"weight must be a finite number above 0, got {weight}.")
    name = getattr(fn, "__name__", type(fn).__name__)
    return Reward(f"reward({name}, {weight:g})", fn, float(weight))


def avoid(scenario: Any, weight: float = 1.0, scale: float = 1.0) -> Constraint:
    """Push paths away from a scenario; the opposite of a `reward` for being near it.

    Parameters
    ----------
    scenario : array-like, shape (n_rows, n_channels)
        Of the frame that is answered; NaN where nothing is to be avoided.
    weight : float, default 1
        Paths on the scenario are ``exp(weight)`` times less likely than they were.
    scale : float, default 1
        Root mean square distance, in units of the data, within which paths are near.

    Returns
    -------
    Constraint
    """
    values = np.asarray(scenario, dtype=float)
    named = ~np.isnan(values)
    if not named.any():
        raise ValueError("avoid needs a scenario with at least one value.")
    if not (np.isfinite(scale) and scale > 0):
        raise ValueError(f"scale must be a finite number above 0, got {scale}.")
    target = np.where(named, values, 0.0).reshape(len(values), -1)

    def avoided(paths: Any) -> Any:
        import torch

        if paths.shape[1:] != target.shape:
            raise ValueError(
                f"avoid has a scenario of shape {target.shape}, but the frame that is "
                f"answered has {tuple(paths.shape[1:])}."
            )
        mask = torch.from_numpy(named.reshape(target.shape))
        off = ((paths - torch.from_numpy(target)) ** 2 * mask).sum((1, 2)) / mask.sum()
        return -torch.exp(-0.5 * off / scale**2)

    return reward(avoided, weight)


def _of(channel: str | None) -> str:
    return "" if channel is None else f", {channel!r}"
