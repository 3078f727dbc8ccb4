"""Effort by need: as many steps and paths as the answer takes, and no more.

Single cells follow their laws whatever the effort. What joint paths are asked for and
have an error of, by few paths and by few steps, are quantities of several cells: here,
totals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.advice import advise
from tsdiff.gaps import gap_numbers
from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_effort
from tsdiff.support import only

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Error that is let pass by default, in units of the spread of what is asked.
TOLERANCE = 0.1
#: Quantiles of the totals whose error is looked at.
LEVELS = (0.05, 0.5, 0.95)
#: Numbers of steps that "auto" tries, in turn.
STEPS = (2, 4, 8, 16, 32)
#: Numbers of paths that "auto" draws at least and at most.
FEWEST, MOST = 100, 2000

_GROUP = 50  # paths that estimate a quantile once; the engine's groups are as large
_MOST_GAPS = 4096  # whose totals are looked at
_MOST_NUMBERS = 2**27  # 1 GiB of float64


def enough_steps(totals: Callable[[int], Floats]) -> int:
    """Find the fewest steps whose doubling changes the law of totals but little.

    Parameters
    ----------
    totals : callable
        From a number of steps to totals of paths from the same noise, shape (S, G).

    Returns
    -------
    int
        The first of `STEPS` that, doubled, moves the 5 %, 50 % and 95 % quantiles by
        less than `TOLERANCE` of the spread, in the mean over totals and levels; the
        last one if there is none, with a warning.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal((50, 30))
    >>> enough_steps(lambda n_steps: (1 + 1 / n_steps**2) * noise)
    4
    """
    before, change = totals(STEPS[0]), math.inf
    for n_steps, twice in pairwise(STEPS):
        after = totals(twice)
        moved = np.abs(_quantiles(after) - _quantiles(before)).mean()
        spread = after.std(axis=0).mean()
        if moved <= TOLERANCE * spread:
            return n_steps
        before, change = after, moved / spread
    advise(
        f'n_steps="auto": from {STEPS[-2]} to {STEPS[-1]} steps the quantiles of '
        f"totals still move by {100 * change:.0f} % of their spread. "
        f"{STEPS[-1]} are taken; train longer, or give a larger number."
    )
    return STEPS[-1]


def asked_samples(n_samples: Any, tolerance: Any, known: bool) -> int | None:
    """Check what is said of the number of paths; None is "auto".

    Parameters
    ----------
    n_samples, tolerance : object
    known : bool
        Whether constraints hold for the paths.

    Returns
    -------
    int or None

    Raises
    ------
    ValueError
        If one can't be used, or they don't go together.

    Examples
    --------
    >>> asked_samples(100, None, True), asked_samples("auto", 0.05, False)
    (100, None)
    """
    number = check_effort("n_samples", n_samples)
    if number is None and known:
        raise ValueError(
            'n_samples="auto" knows the error of paths that nothing else is known of. '
            "With constraints or obs_std give a number of paths."
        )
    if number is not None and tolerance is not None:
        raise ValueError(
            f"tolerance={tolerance!r} says when enough paths are drawn, but n_samples="
            f'{number} are asked for. Leave it out, or give n_samples="auto".'
        )
    check_tolerance(tolerance)
    return number


def enough_paths(
    samples: Floats,
    draw: Callable[[int], Floats],
    panel: Panel,
    cells: Ints,
    tolerance: float | None,
) -> Floats:
    """Draw more paths until the totals of gaps are known well enough.

    Parameters
    ----------
    samples : ndarray, shape (S, M)
    draw : callable
        From a number of paths to them; the first ones are those of `samples`.
    panel : Panel
    cells : ndarray of int, shape (M,)
    tolerance : float, optional
        Largest `totals_error`; `TOLERANCE` by default.

    Returns
    -------
    ndarray, shape (at most `MOST`, M)

    Warns
    -----
    UserWarning
        If that many are not enough.
    """
    most = min(MOST, _MOST_NUMBERS // max(len(cells), 1) // _GROUP * _GROUP)
    allowed, some = check_tolerance(tolerance), _some(panel, cells)
    while (error := _error(samples, panel, cells, some)) > allowed:
        n_drawn = len(samples)
        if n_drawn >= most:
            advise(
                f'n_samples="auto": with {n_drawn:,} paths the quantiles of totals '
                f"have an error of {100 * error:.1f} % of their spread, more than the "
                f"{100 * allowed:g} % asked for. Give a larger tolerance, or a number."
            )
            break
        needed = math.ceil(n_drawn / _GROUP * (error / allowed) ** 2) * _GROUP
        samples = draw(min(max(needed, n_drawn + _GROUP), most))
    return samples


def _some(panel: Panel, cells: Ints) -> NDArray[np.bool_]:
    """Mark the cells of 4,096 gaps at most, of (M,): they bound the memory."""
    number = gap_numbers(panel).reshape(-1)[cells]
    gaps = np.unique(number)
    return np.isin(number, gaps[:: max(-(-len(gaps) // _MOST_GAPS), 1)])


def _error(
    samples: Floats, panel: Panel, cells: Ints, some: NDArray[np.bool_]
) -> float:
    """Monte-Carlo error of the totals of the gaps of some cells."""
    return totals_error(gap_totals(only(some, samples), panel, cells[some]))


def check_tolerance(tolerance: Any) -> float:
    """Check a positive number; None is `TOLERANCE`.

    Examples
    --------
    >>> check_tolerance(None), check_tolerance(0.02)
    (0.1, 0.02)
    """
    if tolerance is None:
        return TOLERANCE
    number = isinstance(tolerance, Real) and not isinstance(tolerance, bool)
    if not number or not 0 < float(tolerance) < math.inf:
        raise ValueError(
            "tolerance must be a positive number, the error of quantiles of totals in "
            f"units of their spread, got {tolerance!r}."
        )
    return float(tolerance)


def gap_totals(samples: Floats, panel: Panel, cells: Ints) -> Floats:
    """Sum over the cells of each gap: a run of missing cells of a channel.

    Parameters
    ----------
    samples : ndarray, shape (S, M)
    panel : Panel
    cells : ndarray of int, shape (M,)

    Returns
    -------
    ndarray, shape (S, G)

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> panel = to_panel(np.array([[np.nan, 1], [np.nan, 1], [2, 1], [np.nan, 1.0]]))
    >>> gap_totals(np.array([[1.0, 2.0, 4.0]]), panel, np.array([0, 2, 6]))
    array([[3., 4.]])
    """
    return sums(samples, gap_numbers(panel).reshape(-1)[cells])


def sums(samples: Floats, number: Ints) -> Floats:
    """Sum over cells of the same number: (S, M) -> (S, G), numbers ascending.

    Examples
    --------
    >>> sums(np.array([[1.0, 2.0, 4.0]]), np.array([7, 3, 7]))
    array([[2., 5.]])
    """
    order = np.argsort(number, kind="stable")
    first = np.flatnonzero(np.diff(number[order], prepend=-1))
    answer = np.empty((len(samples), len(first)))
    for start in range(0, len(samples), _GROUP):
        some = slice(start, start + _GROUP)
        answer[some] = np.add.reduceat(samples[some][:, order], first, axis=1)
    return answer


def totals_error(totals: Floats) -> float:
    """Monte-Carlo error of the 5 %, 50 % and 95 % quantiles of totals.

    It is told by how much the quantiles of groups of paths differ, so that draws that
    are spread more evenly than independent ones get their due.

    Parameters
    ----------
    totals : ndarray, shape (S, G)
        2 at least of each; those without spread don't count.

    Returns
    -------
    float
        Standard error in units of each total's spread: root of the mean square over
        levels and totals. For independent normal draws about ``1.9 / sqrt(S)``.

    Examples
    --------
    >>> totals = np.random.default_rng(0).standard_normal((400, 500))
    >>> round(totals_error(totals), 2)
    0.08
    """
    totals = totals[:, np.ptp(totals, axis=0) > 0]
    if not totals.size:
        return 0.0
    n_groups = max(len(totals) // _GROUP, 2)
    size = len(totals) // n_groups
    groups = totals[: n_groups * size].reshape(n_groups, size, -1)
    each = np.stack([_quantiles(group) for group in groups])  # (groups, levels, G)
    error = each.var(axis=0, ddof=1) / n_groups
    return float(np.sqrt((error / totals.var(axis=0)).mean()))


def _quantiles(totals: Floats) -> Floats:
    """Quantiles of totals of shape (S, G), (levels, G)."""
    return np.quantile(totals, LEVELS, axis=0)
