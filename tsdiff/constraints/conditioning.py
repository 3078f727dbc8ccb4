"""An ensemble of paths, conditioned: on linear constraints, and on bounds.

Words: S paths of M cells; k rows of a linear system.
"""

from __future__ import annotations

from collections.abc import Iterator
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.special import ndtr

from tsdiff.constraints.compiling import Linear

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ROWS_AT_ONCE = 64
_SPANS, _LEAST_REACH = 2, 12.0  # of dependence: spans of a row of the system; steps
_ANCHORS, _FAR = 128, 256.0  # cells that memory is measured at; steps
_FEW = 8  # paths within bounds, from which their law can still be read off
_RIDGE = 1e-9


def condition(samples: Floats, system: Linear, place: Floats, std: Floats) -> Floats:
    """Move paths to where the linear constraints hold, as Bayes' rule does.

    Matheron's rule with the paths' own covariance: each path is moved by what it misses
    the constraints by, as far as cells and constraints vary together. For normal laws
    the paths are draws of the conditional law, up to the error of the covariance, which
    is tapered over time for that reason, as far as the paths' own memory reaches
    (Gaspari and Cohn, 1999, QJRMS 125).

    Parameters
    ----------
    samples : ndarray, shape (S, M)
    system : Linear
        k rows.
    place : ndarray, shape (M,)
        Of each cell in time, in steps; ascending. Series lie far apart.
    std : ndarray, shape (k,)
        Of normal errors of the right side; 0 where it is exact.

    Returns
    -------
    ndarray, shape (S, M)
        Near the constraints; the taper leaves a little, see `projection`.
    """
    off = samples - samples.mean(axis=0)
    sums = samples @ system.rows.T  # (S, k)
    spread = sums - sums.mean(axis=0)
    weight = abs(system.rows)
    centre = (weight @ place) / np.asarray(weight.sum(axis=1)).ravel()
    reach = _SPANS * _longest(system, place) + _reach(off, place)
    order = np.argsort(centre, kind="stable")
    centre, spread = centre[order], spread[:, order]
    seed = crc32(samples.tobytes())  # other draws, other errors
    error = np.random.default_rng(seed).standard_normal(sums.shape) * std
    missed = system.target + error - sums
    square = _covariance(spread, centre, reach) + sparse.diags_array(std[order] ** 2)
    pull = splu(sparse.csc_array(square)).solve(missed[:, order].T)  # (k, S)
    answer = samples.copy()
    for some in _slices(len(centre)):
        ends = centre[some][[0, -1]] + np.array([-reach, reach])
        near = slice(*np.searchsorted(place, ends))
        across = off[:, near].T @ spread[:, some] / (len(samples) - 1)
        across *= _taper(np.abs(place[near, None] - centre[some]) / reach)
        answer[:, near] += (across @ pull[some]).T
    return answer


def _reach(off: Floats, place: Floats) -> float:
    """Find the steps beyond which correlations are more chance than memory.

    Memory is the mean distance of cells, weighted by their squared correlation, less
    what few paths add to it by chance. The more paths, the further they can tell.
    """
    n_paths = len(off)
    chance = 1 / (n_paths - 1)
    unit = off / np.maximum(np.linalg.norm(off, axis=0), np.finfo(float).tiny)
    weight = moment = 0.0
    for anchor in np.unique(np.linspace(0, len(place) - 1, _ANCHORS).astype(int)):
        near = slice(*np.searchsorted(place, place[anchor] + [-_FAR, _FAR]))
        alike = (unit[:, anchor] @ unit[:, near]) ** 2 - chance
        weight += alike.sum()
        moment += alike @ np.abs(place[near] - place[anchor])
    memory = max(moment, 0.0) / max(weight, 1.0)
    return float(np.clip(0.8 * np.cbrt(n_paths) * memory, _LEAST_REACH, n_paths / 2))


def _longest(system: Linear, place: Floats) -> float:
    """Largest distance between two cells of a row."""
    cells = place[system.rows.indices]
    first = system.rows.indptr[:-1]
    return float(
        (np.maximum.reduceat(cells, first) - np.minimum.reduceat(cells, first)).max()
    )


def _slices(n: int) -> Iterator[slice]:
    for first in range(0, n, _ROWS_AT_ONCE):
        yield slice(first, min(first + _ROWS_AT_ONCE, n))


def _covariance(spread: Floats, centre: Floats, reach: float) -> sparse.csc_array:
    """Tapered covariance of the k sums, sparse."""
    blocks = []
    for some in _slices(len(centre)):
        ends = centre[some][[0, -1]] + np.array([-reach, reach])
        near = np.arange(*np.searchsorted(centre, ends))
        block = spread[:, some].T @ spread[:, near] / (len(spread) - 1)
        block *= _taper(np.abs(centre[some][:, None] - centre[near]) / reach)
        row = np.repeat(np.arange(some.start, some.stop), len(near))
        column = np.tile(near, block.shape[0])
        blocks.append((block.ravel(), row, column))
    value, row, column = (np.concatenate(part) for part in zip(*blocks, strict=True))
    k = len(centre)
    matrix = sparse.csc_array((value, (row, column)), shape=(k, k))
    size = matrix.diagonal()
    ridge = _RIDGE * size + 1e-12 * max(float(size.max()), 1e-300)
    return sparse.csc_array(matrix + sparse.diags_array(ridge))


def _taper(distance: Floats) -> Floats:
    """Compactly supported correlation: 1 at distance 0, 0 from distance 1 on."""
    x = 2 * distance
    inner = 1 - 5 / 3 * x**2 + 5 / 8 * x**3 + x**4 / 2 - x**5 / 4
    with np.errstate(divide="ignore", invalid="ignore"):
        outer = 4 - 5 * x + 5 / 3 * x**2 + 5 / 8 * x**3 - x**4 / 2 + x**5 / 12
        outer -= 2 / (3 * x)
    return np.where(x <= 1, inner, np.where(x < 2, np.maximum(outer, 0), 0.0))


def truncate(samples: Floats, low: Floats, high: Floats) -> Floats:
    """Cut each cell's law off at its bounds; ranks, and so dependence, stay.

    The part of the law within the bounds is read off the paths that are there. Where
    these are too few it is the tail of a normal law with the paths' mean and spread.

    Parameters
    ----------
    samples : ndarray, shape (S, M)
    low, high : ndarray, shape (M,)

    Returns
    -------
    ndarray, shape (S, M)
        Cells all of whose paths are within are left as they are.
    """
    beyond = np.flatnonzero(((samples < low) | (samples > high)).any(axis=0))
    if not len(beyond):
        return samples
    answer = samples.copy()
    x, low, high = samples[:, beyond], low[beyond], high[beyond]
    rank = np.argsort(np.argsort(x, axis=0, kind="stable"), axis=0)
    level = (rank + 0.5) / len(x)
    n_inside = ((x >= low) & (x <= high)).sum(axis=0)
    some = n_inside >= _FEW
    answer[:, beyond[some]] = _within(x[:, some], low[some], high[some], level[:, some])
    rest = ~some
    if rest.any():
        answer[:, beyond[rest]] = _tail(
            x[:, rest], low[rest], high[rest], level[:, rest]
        )
    return answer


def _within(x: Floats, low: Floats, high: Floats, level: Floats) -> Floats:
    """Quantiles of the paths that are within bounds."""
    ordered = np.sort(x, axis=0)
    n_below = (x < low).sum(axis=0)
    n_above = (x > high).sum(axis=0)
    count = len(x) - n_below - n_above
    last = n_below + count - 1
    column = np.arange(x.shape[1])
    first_value, last_value = ordered[n_below, column], ordered[last, column]
    start = np.where(n_below > 0, low, first_value)
    end = np.where(n_above > 0, high, last_value)
    at = level * count - 0.5
    left = np.floor(at).astype(np.int64)
    taken = np.take_along_axis(ordered, np.clip(left + n_below, n_below, last), axis=0)
    then = np.take_along_axis(ordered, np.clip(left + 1 + n_below, 0, last), axis=0)
    taken = np.where(left < 0, start, taken)
    then = np.where(left + 1 >= count, end, then)
    return np.clip(taken + (at - left) * (then - taken), low, high)


def _tail(x: Floats, low: Floats, high: Floats, level: Floats) -> Floats:
    """Quantiles of a normal law between bounds, far out if need be."""
    from scipy.stats import truncnorm

    mean, sd = x.mean(axis=0), x.std(axis=0, ddof=1)
    reach = np.where(np.isfinite(high - low), high - low, np.abs(mean) + 1)
    sd = np.maximum(sd, 1e-9 * reach + np.finfo(float).tiny)
    ends = (low - mean) / sd, (high - mean) / sd
    middle = ndtr(ends[1]) - ndtr(ends[0]) > 0  # else scipy's far tail takes over
    law = truncnorm(*ends, loc=mean, scale=sd)
    answer = np.asarray(law.ppf(level))
    nearest = np.where(ends[0] > 0, low, high)
    answer = np.where(np.isfinite(answer) | middle, answer, nearest)
    return np.clip(answer, low, high)
