"""Seasonal decomposition: gaps filled by trend, season and a remainder with memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.baselines.contract import Baseline
from tsdiff.baselines.decomposition import decompose
from tsdiff.baselines.paths import autoregressive
from tsdiff.baselines.seasons import season_lengths
from tsdiff.baselines.strands import Strand, strands
from tsdiff.baselines.trial import factor_at, factors_by_reach, trials
from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_count

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FEWEST_VALUES = 4  # fewer show no spread
_MOST_MEMORY = 0.999  # correlation of neighbouring remainders
_MOST_TRIED = 20_000  # hidden cells of a channel
_MOST_SERIES, _CUTS = 40, 8  # that trials ahead take part of, each cut so often in all


@dataclass(frozen=True)
class Parts:
    """A series split into what is expected and how it deviates.

    Attributes
    ----------
    level : ndarray, shape (T,)
        Trend and season.
    rest : ndarray, shape (T,)
        Remainder, NaN where missing.
    memory : float
        Correlation of neighbouring remainders.
    sd : float
        Their standard deviation.
    """

    level: Floats
    rest: Floats
    memory: float
    sd: float


class SeasonalDecomposition(Baseline):
    """Trend and season, interpolated, with an autoregressive remainder between.

    A series is split into trend, season and remainder by local regressions as in STL,
    with bisquare weights against outliers; they leave missing values out, so nothing is
    interpolated before. The season may change from one to the next. The remainder is an
    AR(1): in a gap its law is that of an AR(1) which is tied to the remainders on both
    sides (a bridge), behind the last value one that is tied to it alone. The trend goes
    straight through long gaps and stays level before the first and behind the last
    value.

    Spread is measured: observed cells are hidden in gaps as long as the data's own, the
    rest is decomposed anew, and standard deviations are multiplied by a factor, for
    each range of gap lengths, so that central 90 % intervals hold 90 % of these cells.
    For values before the first and behind the last the ends of series are hidden, and
    the factor goes by the distance, as far as two seasons (constant from there on).

    Stamps absent from an even grid count as missing values. Stamps on no grid count as
    evenly spaced, with a warning.

    Parameters
    ----------
    period : int, optional
        Rows of a season; 1 for none. By default a day for steps of minutes and hours, a
        week for days, a year for weeks, months and quarters; where the frequency says
        nothing, the first high peak of the autocorrelation.
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
    periods_ : tuple of int, length n_channels
        Rows of a season of each channel.
    inside_, outside_ : list of ndarray, length n_channels
        Gap lengths and factors of the spread there, of shape (2, n_bins); distances
        from the ends of a series and factors.
    center_, scale_ : ndarray, shape (n_channels,)
        Mean and spread of each channel, the answer for series without any value.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if `X` has names.

    See Also
    --------
    FillForecaster : looks ahead by it.

    Examples
    --------
    >>> y = pd.Series([0.0, 2.0, 5.0, 1.0] * 10, name="y")
    >>> y[17:20] = np.nan
    >>> SeasonalDecomposition(period=4).fit(y).transform(y)[17:20].round(6).tolist()
    [2.0, 5.0, 1.0]
    """

    def __init__(
        self,
        *,
        period: int | None = None,
        freq: str | int | None = None,
        insert_absent: bool = False,
        max_gap: int | str | pd.Timedelta | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            freq=freq,
            insert_absent=insert_absent,
            max_gap=max_gap,
            random_state=random_state,
        )
        self.period = period

    def _learn(self, panel: Panel) -> None:
        if self.period is not None:
            check_count("period", self.period)
        self.periods_ = season_lengths(panel, self.period)
        n_channels = len(panel.channels)
        inner: list[list[Floats]] = [[np.zeros((3, 0))] for _ in range(n_channels)]
        outer: list[list[Floats]] = [[np.zeros((3, 0))] for _ in range(n_channels)]
        for shown, hidden in trials(panel):
            cells = np.flatnonzero(hidden)
            cells = cells[:: 1 + len(cells) // (n_channels * _MOST_TRIED)]
            for strand in strands(shown, cells):
                if not strand.observed.any():
                    continue
                first = panel.bounds[strand.series]
                truth = panel.values[first + strand.asked, strand.channel]
                _, inside = _reach(strand)
                errors = self._errors(strand, truth)
                inner[strand.channel].append(errors[:, inside])
                outer[strand.channel].append(errors[:, ~inside])
        for strand, truth in self._cut(panel):
            outer[strand.channel].append(self._errors(strand, truth))
        self.inside_ = [
            factors_by_reach(np.concatenate(errors, axis=1)) for errors in inner
        ]
        self.outside_ = [
            factors_by_reach(np.concatenate(errors, axis=1)) for errors in outer
        ]

    def _cut(self, panel: Panel) -> Iterator[tuple[Strand, Floats]]:
        """Cut the ends off some series, up to two seasons, and ask for them."""
        n_series = len(panel.ids)
        chosen = np.linspace(0, n_series - 1, min(n_series, _MOST_SERIES)).astype(int)
        for channel, period in enumerate(self.periods_):
            for series in chosen:
                first, stop = panel.bounds[series : series + 2]
                values = panel.values[first:stop, channel]
                length = min(max(2 * period, 8), len(values) // 4)
                n_cuts = max(_CUTS // len(chosen), 1)
                for stop in np.linspace(len(values) / 2, len(values), n_cuts + 1)[1:]:
                    yield from _ends(values[: int(stop)], length, int(series), channel)

    def _errors(self, strand: Strand, truth: Floats) -> Floats:
        """Reach, absolute error and claimed spread of hidden cells, shape (3, m)."""
        parts = self._parts(strand)
        mean, unit = _bridged(strand, parts)
        reach, _ = _reach(strand)
        return np.stack([reach, np.abs(truth - mean), parts.sd * unit])

    def _law(self, strand: Strand) -> tuple[Floats, Floats]:
        parts = self._parts(strand)
        mean, unit = _bridged(strand, parts)
        return mean, parts.sd * unit * self._factor(strand)

    def _deviations(
        self, strand: Strand, n_samples: int, rng: np.random.Generator
    ) -> Floats:
        parts = self._parts(strand)
        before, after = strand.neighbours()
        behind, ahead, _ = _shares(strand, parts.memory)
        path = autoregressive(n_samples, len(strand.values), parts.memory, rng)
        tied = behind * path[:, before] + ahead * path[:, after]
        return parts.sd * self._factor(strand) * (path[:, strand.asked] - tied)

    def _factor(self, strand: Strand) -> Floats:
        """Give what the spread of each cell asked for is multiplied by."""
        reach, inside = _reach(strand)
        inner = factor_at(reach, self.inside_[strand.channel])
        return np.where(inside, inner, factor_at(reach, self.outside_[strand.channel]))

    def _parts(self, strand: Strand) -> Parts:
        """Split a series that has a value."""
        level = np.add(*decompose(strand.values, self.periods_[strand.channel]))
        rest = strand.values - level
        if strand.observed.sum() < _FEWEST_VALUES:
            return Parts(level, rest, 0.0, float(self.scale_[strand.channel]))
        pair = rest[1:] * rest[:-1]
        both = ~np.isnan(pair)
        size = np.sqrt(np.sum(rest[1:][both] ** 2) * np.sum(rest[:-1][both] ** 2))
        memory = np.clip(np.sum(pair[both]) / size, 0, _MOST_MEMORY) if size else 0.0
        return Parts(level, rest, float(memory), float(np.sqrt(np.nanmean(rest**2))))


def _bridged(strand: Strand, parts: Parts) -> tuple[Floats, Floats]:
    """Mean of the cells asked for, and their spread in units of the remainder's."""
    before, after = strand.neighbours()
    behind, ahead, variance = _shares(strand, parts.memory)
    rest = np.where(np.isnan(parts.rest), 0.0, parts.rest)
    mean = parts.level[strand.asked] + behind * rest[before] + ahead * rest[after]
    return mean, np.sqrt(variance)


def _shares(strand: Strand, memory: float) -> tuple[Floats, Floats, Floats]:
    """Weights of the remainders before and after each cell, and the variance left.

    Of an AR(1) with unit variance, given its neighbours.
    """
    before, after = strand.neighbours()
    near = np.where(before >= 0, memory ** np.abs(strand.asked - before), 0)
    far = np.where(after >= 0, memory ** np.abs(after - strand.asked), 0)
    rest = 1 - (near * far) ** 2
    behind, ahead = near * (1 - far**2) / rest, far * (1 - near**2) / rest
    return behind, ahead, (1 - near**2) * (1 - far**2) / rest


def _reach(strand: Strand) -> tuple[Floats, NDArray[np.bool_]]:
    """Length of the gap of each cell, or its distance from the one end; and which."""
    before, after = strand.neighbours()
    inside = (before >= 0) & (after >= 0)
    distance = np.where(before >= 0, strand.asked - before, after - strand.asked)
    return np.where(inside, after - before - 1, distance).astype(float), inside


def _ends(
    values: Floats, length: int, series: int, channel: int
) -> Iterator[tuple[Strand, Floats]]:
    """Hide the last values of a series that shows enough before; and what they were."""
    shown = values.copy()
    shown[len(values) - length :] = np.nan
    asked = np.flatnonzero(~np.isnan(values) & np.isnan(shown))
    if len(asked) and (~np.isnan(shown)).sum() >= _FEWEST_VALUES:
        time, place = np.arange(float(len(values))), np.arange(len(asked))
        yield Strand(shown, time, asked, place, series, channel), values[asked]
