"""Brownian baselines: linear interpolation and the last value, with honest spread.

Both take a channel for a random walk in elapsed time. Interpolation conditions it on
the observed neighbours on both sides (a Brownian bridge), the last value on the one
before. How fast the walk spreads is learned from errors at observed cells that are
hidden as the data's own gaps hide theirs, so it is right on average for such gaps even
where the data are no random walk.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tsdiff.advice import advise
from tsdiff.baselines.contract import Baseline
from tsdiff.baselines.strands import Strand
from tsdiff.gaps import gap_lengths
from tsdiff.panel.frame import Panel
from tsdiff.validation import listing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_N_LENGTHS = 8  # lengths of gaps that stand for all of a channel's gaps
_LENGTHS_WITHOUT_GAPS = (1, 2, 4, 8, 16)
_MOST_ERRORS = 2**18  # per channel and length


class _Walk(Baseline):
    """A random walk, conditioned on observed neighbours."""

    _both_sides: ClassVar[bool]
    _by_rows = False

    def _learn(self, panel: Panel) -> None:
        sizes = gap_lengths(panel) if self._both_sides else _distances(panel)
        series = np.repeat(np.arange(len(panel.ids)), np.diff(panel.bounds))
        self.rate_ = np.zeros(len(panel.channels))
        unknown = []
        for channel, name in enumerate(panel.channels):
            seen = panel.observed[:, channel]
            track = panel.values[seen, channel], panel.elapsed[seen], series[seen]
            longest = int(np.bincount(track[2], minlength=1).max())
            if longest > 1:
                lengths = _typical(sizes[:, channel], longest)
                self.rate_[channel] = np.mean([self._rate(*track, n) for n in lengths])
            elif longest:
                unknown.append(name)
        if unknown:
            advise(
                f"Column(s) {listing(map(repr, unknown))} have a single value in each "
                "series, which shows no spread; their intervals will have no width."
            )

    def _rate(self, values: Floats, time: Floats, series: Ints, length: int) -> float:
        """Variance rate that the errors over gaps of one length speak for."""
        if self._both_sides and _starts(series, length + 1, length).size:
            return _bridge_rate(values, time, series, length)
        return _walk_rate(values, time, series, length)

    def _law(self, strand: Strand) -> tuple[Floats, Floats]:
        near, far, share = self._ends(strand)
        mean = (1 - share) * strand.values[near] + share * strand.values[far]
        distance = np.abs(strand.time[strand.asked] - strand.time[near])
        variance = self.rate_[strand.channel] * (1 - share) * distance
        return mean, np.sqrt(variance)

    def _deviations(
        self, strand: Strand, n_samples: int, rng: np.random.Generator
    ) -> Floats:
        """Brownian paths over the gaps, tied down where values are observed."""
        near, far, share = self._ends(strand)
        gap = ~strand.observed
        moves = gap.copy()  # rows that a path moves into: the gaps and where they end
        moves[1:] |= gap[:-1]
        length = np.diff(strand.time, prepend=strand.time[0])[moves]
        noise = rng.standard_normal((n_samples, len(length)))
        walk = np.zeros((n_samples, len(length) + 1))
        np.cumsum(noise * np.sqrt(length), axis=1, out=walk[:, 1:])
        place = np.cumsum(moves)  # of each row in the walk
        tie = walk[:, place[near]]
        free = walk[:, place[strand.asked]] - tie
        bridge = free - share * (walk[:, place[far]] - tie)
        return np.sqrt(self.rate_[strand.channel]) * bridge

    def _ends(self, strand: Strand) -> tuple[Ints, Ints, Floats]:
        """Observed rows that a cell hangs on, and how far it is from one to the other.

        Returns
        -------
        near, far : ndarray of int, shape (m,)
            The same row where the cell hangs on one only.
        share : ndarray, shape (m,)
            Way from `near` to `far` in [0, 1); 0 where they are the same.
        """
        before, after = strand.neighbours()
        near = np.where(before >= 0, before, after)
        both = (before >= 0) & (after >= 0) & self._both_sides
        far = np.where(both, after, near)
        width = strand.time[far] - strand.time[near]
        way = strand.time[strand.asked] - strand.time[near]
        share = np.divide(way, width, out=np.zeros(len(way)), where=both)
        return near, far, share


def _distances(panel: Panel) -> Ints:
    """Rows from each missing cell to the value before it; 0 where observed.

    In a gap at the start of a series they are counted from there, which gives the same
    numbers in another order.
    """
    missing = ~panel.observed
    count = missing.cumsum(axis=0)
    before = np.where(missing, 0, count)
    first = panel.bounds[:-1]
    before[first] = count[first] - missing[first]
    return (count - np.maximum.accumulate(before, axis=0)) * missing


def _typical(sizes: Ints, longest: int) -> list[int]:
    """Pick some sizes, each of which stands for the same number of missing cells."""
    missing = sizes[sizes > 0]
    typical = np.array(_LENGTHS_WITHOUT_GAPS)
    if len(missing):
        levels = (np.arange(_N_LENGTHS) + 0.5) / _N_LENGTHS
        typical = np.quantile(missing, levels, method="inverted_cdf")
    return np.clip(typical, 1, max(longest // 2 - 1, 1)).astype(int).tolist()


def _starts(series: Ints, reach: int, cost: int = 1) -> Ints:
    """Values from which another of the same series is `reach` further; not too many."""
    start = np.flatnonzero(series[reach:] == series[: max(len(series) - reach, 0)])
    return start[:: 1 + len(start) * cost // _MOST_ERRORS]


def _walk_rate(values: Floats, time: Floats, series: Ints, lag: int) -> float:
    """Mean squared change over a number of observed cells, per unit of time."""
    start = _starts(series, lag)
    change = values[start + lag] - values[start]
    return float(np.mean(change**2 / (time[start + lag] - time[start])))


def _bridge_rate(values: Floats, time: Floats, series: Ints, n_hidden: int) -> float:
    """Mean squared error of interpolation, per variance of a bridge of rate 1."""
    start = _starts(series, n_hidden + 1, n_hidden)[:, None]
    inner, stop = start + np.arange(1, n_hidden + 1), start + n_hidden + 1
    share = (time[inner] - time[start]) / (time[stop] - time[start])
    line = (1 - share) * values[start] + share * values[stop]
    error = values[inner] - line
    return float(np.mean(error**2 / (share * (time[stop] - time[inner]))))


class LinearInterpolation(_Walk):
    """Linear interpolation in elapsed time, with the spread of a Brownian bridge.

    Between two observed neighbours the answer is the straight line, and draws are
    Brownian bridges: at a fraction s of a gap of length d, the variance is
    ``rate * d * s * (1 - s)``. Before the first and after the last value of a series
    the answer is that value, and draws are random walks.

    Parameters
    ----------
    freq : str or int, optional
        Step of the time index, as pandas names it. Inferred by default.
    insert_absent : bool, default False
        Make rows of stamps that are absent from the grid of `freq`.
    max_gap : int or timedelta-like, optional
        Gaps longer than this stay NaN and are reported by a warning.
    random_state : int, Generator, RandomState or None, default None
        An int repeats draws at every call; None gives fresh ones.

    Attributes
    ----------
    rate_ : ndarray, shape (n_channels,)
        Variance of the walk per step: the mean squared error of interpolation at
        observed cells, hidden in gaps as long as the data's own, each divided by the
        variance of a bridge of rate 1. (With data that have no gaps: 1 to 16 rows.)
    center_, scale_ : ndarray, shape (n_channels,)
        Mean and spread of each channel, the answer for series without any value.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if `X` has names.

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Series([1.0, 2.0, 4.0, np.nan, 0.0], name="y")
    >>> LinearInterpolation().fit(y).transform(y).tolist()
    [1.0, 2.0, 4.0, 2.0, 0.0]
    """

    _both_sides = True


class LastValue(_Walk):
    """The last observation carried forward, with the spread of a random walk.

    The variance grows in proportion to the time since the last value. A gap before the
    first value of a series is filled by that value, backwards.

    Parameters
    ----------
    freq : str or int, optional
        Step of the time index, as pandas names it. Inferred by default.
    insert_absent : bool, default False
        Make rows of stamps that are absent from the grid of `freq`.
    max_gap : int or timedelta-like, optional
        Gaps longer than this stay NaN and are reported by a warning.
    random_state : int, Generator, RandomState or None, default None
        An int repeats draws at every call; None gives fresh ones.

    Attributes
    ----------
    rate_ : ndarray, shape (n_channels,)
        Variance of the walk per step: the mean squared change between observed cells,
        divided by the time between them, at distances like those in the data's own
        gaps. (With data that have no gaps: 1 to 16 rows.)
    center_, scale_ : ndarray, shape (n_channels,)
        Mean and spread of each channel, the answer for series without any value.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if `X` has names.

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Series([np.nan, 2.0, 4.0, np.nan, 0.0], name="y")
    >>> LastValue().fit(y).transform(y).tolist()
    [2.0, 2.0, 4.0, 4.0, 0.0]
    """

    _both_sides = False
