"""Seasonal naive: what was there one season before, with the spread of its errors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tsdiff.baselines.ahead import Seasonal
from tsdiff.baselines.strands import Strand
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_PRIOR = 4  # seasonal changes that the spread of the fit counts for
_UNRELATED = 2.0  # variance of a change between unrelated values, in units of theirs


class SeasonalNaive(Seasonal):
    """The value one season before, with the spread of a seasonal random walk.

    A cell is answered by the nearest value before it in the same phase of the season,
    k seasons away, and a cell that has none before it by the nearest one after it. The
    variance is k times that of the errors which this rule makes at the observed cells
    of the series, divided by their own k; those of all series of the fit, relative to
    each one's variance, count as four more. Paths are joint: each phase walks by itself
    from season to season. Where a phase has no value at all, the nearest value of the
    series stands in, with the spread of a change between unrelated values.

    Stamps absent from an even grid count as missing values. Stamps that lie on no grid
    count as evenly spaced, with a warning.

    Parameters
    ----------
    horizon : int, optional
        Steps ahead that are answered unless `h` is given.
    period : int, optional
        Rows of a season; 1 carries the last value forward. By default a day for steps
        of minutes and hours, a week for days, a year for weeks, months and quarters;
        where the frequency says nothing, the first high peak of the autocorrelation.
    freq : str or int, optional
        Step of the time index, as pandas names it. Inferred by default.
    insert_absent : bool, default False
        Make rows of stamps that are absent from the grid of `freq`.
    random_state : int, Generator, RandomState or None, default None
        An int repeats draws at every call; None gives fresh ones.

    Attributes
    ----------
    periods_ : tuple of int, length n_channels
        Rows of a season of each channel.
    spread_ : ndarray, shape (n_channels,)
        Mean squared change over one season, relative to the variance of its series.
    center_, scale_ : ndarray, shape (n_channels,)
        Mean and spread of each channel, the answer for series without any value.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if `y` has names.

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Series([1.0, 5.0, 2.0, 6.0], name="y")
    >>> SeasonalNaive(period=2).fit(y).predict(h=3).tolist()
    [2.0, 6.0, 2.0]
    """

    def _learn(self, panel: Panel) -> None:
        super()._learn(panel)
        self.spread_ = np.array(
            [
                _relative_spread(panel, channel, period)
                for channel, period in enumerate(self.periods_)
            ]
        )

    def _law(self, strand: Strand) -> tuple[Floats, Floats]:
        place, source = self._sources(strand)
        rows = _by_phase(len(strand.values), self.periods_[strand.channel])
        before, after = strand.neighbours()
        nearest = np.where(before >= 0, before, after)
        known = source >= 0
        mean = strand.values[np.where(known, rows[source], nearest)]
        rate, stranger = self._rates(strand)
        seasons = np.abs(place - source)  # between rows of a phase lies one season
        return mean, np.sqrt(np.where(known, rate * seasons, stranger))

    def _deviations(
        self, strand: Strand, n_samples: int, rng: np.random.Generator
    ) -> Floats:
        place, source = self._sources(strand)
        period, n_rows = self.periods_[strand.channel], len(strand.values)
        noise = rng.standard_normal((n_samples, n_rows + min(period, n_rows)))
        walk = noise[:, :n_rows].cumsum(axis=1)  # through one phase after the other
        levels = noise[:, n_rows + strand.asked % period]
        rate, stranger = self._rates(strand)
        away = np.sqrt(rate) * (walk[:, place] - walk[:, source])
        return np.where(source >= 0, away, np.sqrt(stranger) * levels)

    def _sources(self, strand: Strand) -> tuple[Ints, Ints]:
        """Places of the rows asked for and of their sources among rows by phase.

        Returns
        -------
        place, source : ndarray of int, shape (m,)
            A source is -1 where the phase has no value.
        """
        period, n_rows = self.periods_[strand.channel], len(strand.values)
        rows = _by_phase(n_rows, period)
        seen, phase, every = strand.observed[rows], rows % period, np.arange(n_rows)
        before = np.maximum.accumulate(np.where(seen, every, -1))
        before[before < np.searchsorted(phase, phase)] = -1
        after = np.minimum.accumulate(np.where(seen, every, n_rows)[::-1])[::-1].copy()
        after[after >= np.searchsorted(phase, phase, side="right")] = -1
        place = np.argsort(rows)[strand.asked]
        return place, np.where(before >= 0, before, after)[place]

    def _rates(self, strand: Strand) -> tuple[float, float]:
        """Variance per season, and that of a change between unrelated values."""
        total, count = _seasonal_errors(strand.values, self.periods_[strand.channel])
        variance = float(np.nanvar(strand.values))
        if strand.observed.sum() < 2:
            variance = float(self.scale_[strand.channel] ** 2)
        prior = _PRIOR * self.spread_[strand.channel] * variance
        return (total + prior) / (count + _PRIOR), _UNRELATED * variance


def _by_phase(n_rows: int, period: int) -> Ints:
    """Rows sorted by phase of the season, those of a phase in order of time."""
    return np.argsort(np.arange(n_rows) % period, kind="stable")


def _seasonal_errors(values: Floats, period: int) -> tuple[float, int]:
    """Sum of the squared errors of the rule per season between, and their number."""
    rows = _by_phase(len(values), period)
    rows = rows[~np.isnan(values[rows])]
    same = np.diff(rows % period) == 0
    error, seasons = np.diff(values[rows])[same], np.diff(rows)[same] // period
    return float(np.sum(error**2 / seasons)), int(same.sum())


def _relative_spread(panel: Panel, channel: int, period: int) -> float:
    """Mean of the squared errors of the rule, relative to each series' variance."""
    total, count = 0.0, 0
    for first, stop in pairwise(panel.bounds):
        values = panel.values[first:stop, channel]
        error, n = _seasonal_errors(values, period)
        variance = np.nanvar(values) if n else 0.0
        if variance > 0:
            total, count = total + error / variance, count + n
    return total / count if count else _UNRELATED
