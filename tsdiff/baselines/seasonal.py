"""Seasonal naive: what was there one season before, with the spread of its errors."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from tsdiff.baselines.ahead import Seasonal
from tsdiff.baselines.strands import Strand
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_PRIOR = 4  # errors that the spread of the fit counts for
_MOST_SEASONS = 12  # that errors are measured over
_SHARE = 0.8  # of the errors that lies within their size
_SCORE = ndtri((1 + _SHARE) / 2)
_UNRELATED = 2.0  # variance of a change between unrelated values, in units of theirs


class SeasonalNaive(Seasonal):
    """The value one season before, with the spread of the errors that this makes.

    A cell is answered by the nearest value before it in the same phase of the season,
    k seasons away, and a cell that has none before it by the nearest one after it. Its
    variance is ``a + r * k``, with a and r fitted to the errors that the series shows
    between values k = 1, 2, ... 12 seasons apart: r is what each phase walks from
    season to season, a twice the noise about it. What all series of the fit show,
    relative to each one's variance, counts as four more errors. The size of errors is
    that which holds 80 % of them, as a normal law has it, so that a few far out don't
    widen all intervals. Paths are joint: a walk for each phase, and noise about it.
    Where a phase has no value at all, the nearest value of the series stands in, with
    the spread of a change between unrelated values.

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
    spread_ : ndarray, shape (n_channels, 12)
        Squared size of errors over 1, 2, ... 12 seasons, relative to the variance of
        their series; NaN where the data are too short.
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
                _relative_errors(panel, channel, period)
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
        noise, rate, stranger = self._rates(strand)
        seasons = np.abs(place - source)  # between rows of a phase lies one season
        return mean, np.sqrt(np.where(known, noise + rate * seasons, stranger))

    def _deviations(
        self, strand: Strand, n_samples: int, rng: np.random.Generator
    ) -> Floats:
        place, source = self._sources(strand)
        period, n_rows = self.periods_[strand.channel], len(strand.values)
        draw = rng.standard_normal((n_samples, 2 * n_rows + min(period, n_rows)))
        walk = draw[:, :n_rows].cumsum(axis=1)  # through one phase after the other
        own = draw[:, n_rows : 2 * n_rows]
        levels = draw[:, 2 * n_rows + strand.asked % period]
        noise, rate, stranger = self._rates(strand)
        away = np.sqrt(rate) * (walk[:, place] - walk[:, source])
        away += np.sqrt(noise / 2) * (own[:, place] - own[:, source])
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

    def _rates(self, strand: Strand) -> tuple[float, float, float]:
        """Variance at once, per season, and of a change between unrelated values."""
        error, count = _errors(strand.values, self.periods_[strand.channel])
        variance = float(np.nanvar(strand.values))
        if strand.observed.sum() < 2:
            variance = float(self.scale_[strand.channel] ** 2)
        usual = self.spread_[strand.channel] * variance
        prior = np.where(np.isnan(usual), 0, _PRIOR)
        total = count * error + prior * np.where(np.isnan(usual), 0, usual)
        weight = count + prior
        unrelated = _UNRELATED * variance
        if not weight.any():
            return unrelated, 0.0, unrelated
        return *_noise_and_rate(total / np.maximum(weight, 1), weight), unrelated


def _by_phase(n_rows: int, period: int) -> Ints:
    """Rows sorted by phase of the season, those of a phase in order of time."""
    return np.argsort(np.arange(n_rows) % period, kind="stable")


def _errors(values: Floats, period: int) -> tuple[Floats, Ints]:
    """Squared size of the changes over 1, 2, ... seasons, and their number."""
    error = np.zeros(_MOST_SEASONS)
    count = np.zeros(_MOST_SEASONS, dtype=np.int64)
    values = values[: np.flatnonzero(~np.isnan(values))[-1:].sum() + 1]
    n_seasons = max(len(values) // period // 2, 1)
    for k in range(1, min(_MOST_SEASONS, n_seasons) + 1):
        change = np.abs(values[k * period :] - values[: -k * period])
        change = change[~np.isnan(change)]
        if len(change):
            count[k - 1] = len(change)
            error[k - 1] = (np.quantile(change, _SHARE) / _SCORE) ** 2
    return error, count


def _noise_and_rate(error: Floats, weight: Any) -> tuple[float, float]:
    """Fit ``noise + rate * k`` to errors, neither below zero, by least squares.

    Errors over many seasons overlap and say less. One distance alone is taken for that
    of a walk.
    """
    k = np.arange(1.0, len(error) + 1)
    weight = weight / k**2
    total, square = weight.sum(), np.sum(weight * k**2)
    walk = float(np.sum(weight * k * error) / square)
    if np.count_nonzero(weight) < 2:
        return 0.0, walk
    center, level = np.sum(weight * k) / total, np.sum(weight * error) / total
    rate = np.sum(weight * (k - center) * error) / (square - total * center**2)
    if rate <= 0:
        return float(level), 0.0
    noise = level - rate * center
    return (float(noise), float(rate)) if noise > 0 else (0.0, walk)


def _relative_errors(panel: Panel, channel: int, period: int) -> Floats:
    """Errors relative to each series' variance, pooled, shape (_MOST_SEASONS,)."""
    total, count = np.zeros(_MOST_SEASONS), np.zeros(_MOST_SEASONS)
    for first, stop in pairwise(panel.bounds):
        values = panel.values[first:stop, channel]
        error, n = _errors(values, period)
        variance = np.nanvar(values) if n.any() else 0.0
        if variance > 0:
            total, count = total + n * error / variance, count + n
    return np.divide(total, count, out=np.full(_MOST_SEASONS, np.nan), where=count > 0)
