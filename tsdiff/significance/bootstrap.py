"""Paired bootstrap of a mean loss difference over series and blocks of time.

Words: n cells of N series at T times; B slow waves of time; R resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from tsdiff.significance.blocks import automatic_block_length
from tsdiff.significance.paired import slow_waves

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK = 2**20  # scratch arrays stay near this many float64 values (8 MB)
_LARGEST = 2**27  # cells of the table of series and times (1 GB)


@dataclass(frozen=True)
class BootstrapTest:
    """Mean difference of paired losses, and whether chance explains it.

    Attributes
    ----------
    mean : float
        Of the differences over all cells.
    standard_error : float
        Of the mean, with its dependence over time and within series.
    p_value : float
        Two-sided, for a true mean of 0.
    lower, upper : float
        Confidence interval of the mean. It leaves out 0 exactly if ``p_value`` is at
        most 1 minus its confidence.
    block_length : int
        Times of a block.
    """

    mean: float
    standard_error: float
    p_value: float
    lower: float
    upper: float
    block_length: int


def block_bootstrap(
    difference: ArrayLike,
    series: ArrayLike | None = None,
    time: ArrayLike | None = None,
    *,
    block_length: int | None = None,
    n_resamples: int = 1999,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
) -> BootstrapTest:
    """Test whether a mean loss difference is 0, for other times and other series.

    Series are resampled whole, times in blocks that go round the end, all series at
    once: what happens at one time to many series is one event, not many. The
    statistic is the mean over its standard error, and its law under "no difference"
    is that of the resamples, centred, each over a standard error of its own
    (studentised). The variance adds that of the time effects, from the slowest waves of
    the differences summed over series, to that of the series' own means beyond what
    their cells explain. So a level of 5 % holds for differences that depend on each
    other along time and over series. Few times bear few waves: the p-value is never
    below that of Student's t with as many degrees of freedom.

    Parameters
    ----------
    difference : array_like of shape (n,)
        Loss of one model minus that of the other, cell by cell.
    series : array_like of shape (n,), optional
        Label of each cell's series: the verdict is about series like these. By default
        the verdict is about these very series, at other times.
    time : array_like of shape (n,), optional
        Time of each cell (stamp, cutoff or number); distinct times count as equally
        spaced. By default the order of the cells, unless `series` are given: then
        series are resampled alone, as independent ones.
    block_length : int, optional
        Times of a block; by default that of `automatic_block_length` for the
        differences summed over series.
    n_resamples : int, default 1999
    confidence : float, default 0.95
        Of the interval of the mean.
    rng : numpy.random.Generator, optional
        Fresh resamples by default.

    Returns
    -------
    BootstrapTest
        Equal losses everywhere have the p-value 1.

    Raises
    ------
    ValueError
        Shapes do not fit, a difference or label is missing, there are fewer than 2
        series or times in all, too few resamples for the confidence, or the block
        length is no whole number of the times.

    Notes
    -----
    Few times, such as 5 cutoffs, or 3 series hardly ever reject: pass the stamps of the
    cells as `time`, rather than the cutoffs they were forecast at.

    References
    ----------
    Künsch, The jackknife and the bootstrap for general stationary observations, Annals
    of Statistics 1989; Götze & Künsch, Second-order correctness of the blockwise
    bootstrap, Annals of Statistics 1996; Owen, The pigeonhole bootstrap, Annals of
    Applied Statistics 2007; Cameron, Gelbach & Miller, Robust inference with multiway
    clustering, JBES 2011.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = block_bootstrap(rng.normal(-0.5, 1, size=200), rng=rng)
    >>> found.p_value, found.upper < 0
    (0.0005, True)
    """
    cells = _check_cells(difference)
    last = int((1 - confidence) * (n_resamples + 1) + 1e-9)
    if not 0 < confidence < 1 or last < 1:
        raise ValueError(
            f"{n_resamples} resamples give no interval of confidence {confidence}. "
            "Ask for a confidence between 0 and 1, and at least confidence / "
            "(1 - confidence) resamples."
        )
    total, count = _table(cells, series, time)
    mean = float(cells.mean())
    centred = total - mean * count  # (N, T)
    length = _block_length(block_length, centred.sum(axis=0))
    waves = np.sqrt(count.shape[1]) * slow_waves(count.shape[1])
    waves = np.c_[np.ones(len(waves)), waves]
    error = float(np.sqrt(_variance(centred @ waves))) / len(cells)
    if error == 0:  # always the same: certain, whatever it is
        p_value = 1.0 if mean == 0 else 1 / (n_resamples + 1)
        return BootstrapTest(mean, error, p_value, mean, mean, length)
    draw = _resampler(centred, count, waves, length, rng or np.random.default_rng())
    size = max(1, _BLOCK // centred.size)
    parts = range(0, n_resamples, size)
    null = np.concatenate([draw(min(size, n_resamples - part)) for part in parts])
    freedom = waves.shape[1] - 1 if count.shape[1] > 1 else np.inf
    ratio = abs(mean) / error
    rarity = (1 + np.count_nonzero(null >= ratio)) / (n_resamples + 1)
    p_value = float(max(rarity, 2 * stdtr(freedom, -ratio)))
    critical = max(np.sort(null)[-last], stdtrit(freedom, (1 + confidence) / 2))
    low, high = (float(mean + sign * critical * error) for sign in (-1, 1))
    return BootstrapTest(mean, error, p_value, low, high, length)


def _check_cells(difference: ArrayLike) -> Floats:
    """Check differences: one dimension, none missing."""
    cells = np.asarray(difference, dtype=float)
    if cells.ndim != 1:
        raise ValueError(
            f"difference has shape {cells.shape}, one dimension is needed: one value "
            "for each cell, with the cell's series and time beside it."
        )
    missing = np.flatnonzero(np.isnan(cells))
    if missing.size:
        raise ValueError(
            f"difference is missing in {missing.size} cell(s), the first at "
            f"{missing[0]}. Leave out cells that one of the models did not answer."
        )
    return cells


def _block_length(given: int | None, along: Floats) -> int:
    """Check the length of blocks, or choose it by the differences along time."""
    if given is None:
        return automatic_block_length(along)
    if given != int(given) or not 1 <= given <= len(along):
        raise ValueError(
            f"block_length must be a whole number of times, from 1 to the {len(along)} "
            f"there are, got {given!r}."
        )
    return int(given)


def _table(
    cells: Floats, series: ArrayLike | None, time: ArrayLike | None
) -> tuple[Floats, Floats]:
    """Sum and count the cells of each series at each time: two arrays (N, T)."""
    if time is None and series is None:
        time = np.arange(len(cells))
    row, n_series = _number("series", series, len(cells))
    column, n_times = _number("time", time, len(cells))
    if max(n_series, n_times) < 2:
        raise ValueError(
            f"{len(cells)} cell(s) of {n_series} series at {n_times} time(s) tell "
            "nothing about others: at least 2 series or times are needed."
        )
    if n_series * n_times > _LARGEST:
        raise ValueError(
            f"A table of {n_series} series and {n_times} times is too large. Pass "
            "coarser times, such as days or cutoffs."
        )
    place, size = row * n_times + column, n_series * n_times
    total = np.bincount(place, cells, size)
    count = np.bincount(place, np.ones(len(cells)), size)
    shape = (n_series, n_times)
    return total.astype(float).reshape(shape), count.astype(float).reshape(shape)


def _number(name: str, labels: ArrayLike | None, n_cells: int) -> tuple[Ints, int]:
    """Give cells the number of their label, in order; without labels all are 0."""
    if labels is None:
        return np.zeros(n_cells, dtype=np.int64), 1
    array = np.asarray(labels)
    if array.shape != (n_cells,):
        raise ValueError(
            f"{name} has shape {array.shape}, {(n_cells,)} is needed: a label for each "
            "cell."
        )
    number, distinct = pd.factorize(array, sort=True)
    if (number < 0).any():
        raise ValueError(
            f"{name} has no label for {(number < 0).sum()} cell(s), the first at "
            f"{np.argmax(number < 0)}."
        )
    return number, len(distinct)


def _resampler(
    centred: Floats,
    count: Floats,
    waves: Floats,
    length: int,
    rng: np.random.Generator,
) -> Callable[[int], Floats]:
    """Make a function that draws absolute statistics of centred resamples."""
    n_series, n_times = centred.shape
    n_blocks = -(-n_times // length)

    def draw(size: int) -> Floats:
        start = rng.integers(n_times, size=(size, n_blocks, 1))
        times = ((start + np.arange(length)) % n_times).reshape(size, -1)[:, :n_times]
        rows = rng.integers(n_series, size=(size, n_series, 1))
        value, cells = (
            np.take_along_axis((table[:, times] @ waves).swapaxes(0, 1), rows, axis=1)
            for table in (centred, count)
        )  # (size, N, 1 + B)
        n_cells = cells[..., 0].sum(axis=1)
        total = np.where(n_cells > 0, value[..., 0].sum(axis=1), np.inf)
        shift = np.where(n_cells > 0, total, 0.0) / np.maximum(n_cells, 1)
        error = np.sqrt(_variance(value - shift[:, None, None] * cells))
        known = error > 0  # without variation a resample proves nothing: most extreme
        return np.where(known, np.abs(total) / np.where(known, error, 1.0), np.inf)

    return draw


def _variance(products: Floats) -> Floats:
    """Variance of the sum of all cells by each series' products with `waves`.

    The first product is the series' sum. The others each estimate the variance: summed
    over series first, that along time; of single series, the part of it that the cells
    of a series make up. What the sums of series vary beyond that part is theirs.

    Parameters
    ----------
    products : ndarray of shape (..., N, 1 + B)

    Returns
    -------
    ndarray of shape (...)
    """
    n_series = products.shape[-2]
    own, wave = products[..., 0], products[..., 1:]
    along = (wave.sum(axis=-2) ** 2).mean(axis=-1)
    if n_series == 1:
        return along
    within = (wave**2).sum(axis=-2).mean(axis=-1)
    between = (own**2).sum(axis=-1) * n_series / (n_series - 1)
    return along + np.maximum(between - within, 0)
