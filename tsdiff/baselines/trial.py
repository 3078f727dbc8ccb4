"""Trials of a baseline: observed cells hidden in gaps like the data's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from tsdiff.holdout import hide
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SHARE = 0.9  # of the errors of trials that lies within the interval of that name
_RATIO = 0.1
_MEAN_LENGTH = 6.0  # rows of a gap in data that have none
_RANGES = 6  # of gap lengths, or of distances
_FEWEST_ERRORS = 20  # in a range
_MOST_TRIALS, _ENOUGH = 8, 2_000  # hidden cells of a channel


def trials(panel: Panel, most: int = _MOST_TRIALS) -> Iterator[tuple[Panel, Mask]]:
    """Hide about a tenth of the observed cells, as gaps of the data hide them.

    It is done again until each channel has lost 2,000 cells on average.

    Parameters
    ----------
    panel : Panel
    most : int, default 8
        Times, at most.

    Yields
    ------
    shown : Panel
        Without the hidden cells.
    hidden : ndarray of bool, shape (N, C)
        Some are. Nothing is yielded if the data are too few.
    """
    n_hidden = 0
    for seed in range(most):
        hidden = _hidden(panel, seed)
        if hidden is None or n_hidden >= _ENOUGH * len(panel.channels):
            return
        n_hidden += int(hidden.sum())
        yield replace(panel, values=np.where(hidden, np.nan, panel.values)), hidden


def _hidden(panel: Panel, seed: int) -> Mask | None:
    """Cells to hide; None if too few are left."""
    for pattern in ("own", "blocks"):
        rng = np.random.default_rng(seed)
        try:
            hidden = hide(panel, pattern, rng, ratio=_RATIO, length=_MEAN_LENGTH)
        except ValueError:  # no gaps to lend, or too few cells to hide any
            continue
        rest = (panel.observed & ~hidden).sum(axis=0)
        if (2 * rest >= panel.observed.sum(axis=0)).all():
            return hidden
    return None


def honest_factor(error: Floats, spread: Floats) -> float:
    """Find what a spread has to be multiplied by to be right about errors.

    Central 90 % intervals of normal laws then hold 90 % of them. So a few errors far
    out don't widen all intervals, as they would by their squares.

    Parameters
    ----------
    error, spread : ndarray, shape (n,)
        Absolute errors, and the standard deviations claimed for them.

    Returns
    -------
    float
        1 if there is no spread to correct.

    Examples
    --------
    >>> error = np.abs(np.random.default_rng(0).normal(scale=3, size=100_000))
    >>> round(honest_factor(error, np.full(100_000, 2.0)), 2)
    1.5
    """
    known = spread > 0
    if not known.any():
        return 1.0
    ratio = np.quantile(error[known] / spread[known], _SHARE)
    return float(ratio / ndtri((1 + _SHARE) / 2))


def factors_by_reach(errors: Floats) -> Floats:
    """Find by what a spread has to be multiplied in a few ranges of reach.

    Parameters
    ----------
    errors : ndarray, shape (3, n)
        Length of the gap, or distance; absolute error; standard deviation claimed.

    Returns
    -------
    ndarray, shape (2, n_ranges)
        Geometric mean of the reach, ascending, and factor; 1 and 1 without errors.

    Examples
    --------
    >>> near, far = np.array([[1.0], [1.0], [1.0]]), np.array([[9.0], [2.0], [1.0]])
    >>> table = factors_by_reach(np.hstack([near.repeat(99, 1), far.repeat(99, 1)]))
    >>> table.round(2).tolist()
    [[1.0, 9.0], [0.61, 1.22]]
    """
    reach, error, spread = errors
    if not len(reach):
        return np.ones((2, 1))
    n_ranges = int(np.clip(len(reach) // _FEWEST_ERRORS, 1, _RANGES))
    edges = np.quantile(reach, np.arange(1, n_ranges) / n_ranges)
    number = np.searchsorted(np.unique(edges), reach, side="right")
    table = [
        (np.exp(np.log(reach[here]).mean()), honest_factor(error[here], spread[here]))
        for here in (number == each for each in np.unique(number))
    ]
    return np.transpose(table)


def factor_at(reach: Floats, table: Floats) -> Floats:
    """Read a table of `factors_by_reach`: linear in the logarithm, flat at its ends.

    Parameters
    ----------
    reach : ndarray, shape (n,)
    table : ndarray, shape (2, n_ranges)

    Returns
    -------
    ndarray, shape (n,)
    """
    return np.interp(np.log(reach), np.log(table[0]), table[1])
