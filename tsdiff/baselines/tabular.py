"""Imputers of scikit-learn, shown each row with its neighbours in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri
from sklearn.base import clone

from tsdiff.baselines.contract import Filler, channel_moments
from tsdiff.baselines.evenly import evenly, moved
from tsdiff.baselines.paths import autoregressive
from tsdiff.baselines.strands import generator, strands
from tsdiff.baselines.trial import factor_at, factors_by_reach, trials
from tsdiff.gaps import gap_lengths
from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_count

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MOST_TRIALS = 2  # each costs a fit of the imputer
_MOST_MEMORY = 0.99  # correlation of neighbouring errors
_BLOCK = 2**21  # numbers in one scratch array, 16 MB


class SklearnImputer(Filler):
    """An imputer of scikit-learn, such as KNNImputer or IterativeImputer.

    Its table has a row for each row of the data: the channels, and all channels `lags`
    rows before and behind, as it knows nothing of time by itself. Series are put into
    units of their own level and spread before. Its answer is the median.

    It claims no spread, so that is measured: in up to two trials, observed cells are
    hidden in gaps as long as the data's own and with their co-missingness, a copy of
    the imputer is fitted without them, and intervals are normal, with the spread that
    holds 90 % of its errors, for each range of gap lengths. Paths deviate from the
    median by an AR(1) whose memory is the correlation of neighbouring errors; channels
    and series are independent, and paths are not tied to the values beside the gap:
    such imputers don't promise to join them.

    An imputer that draws (`sample_posterior=True`) is set not to: its draws are those
    of each row alone. Stamps absent from an even grid count as missing values. Stamps
    on no grid count as evenly spaced, with a warning.

    Parameters
    ----------
    imputer : transformer
        Any that returns its table filled. Not changed; `fit` lets copies learn.
    lags : int or sequence of int, default 2
        Rows before and behind that a row is shown with: this many, or these.
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
    imputer_ : fitted copy of `imputer`
    spread_ : list of ndarray, shape (2, n_ranges), length n_channels
        Gap lengths, and the standard deviation of errors there relative to that of the
        series; 1 where nothing could be tried.
    memory_ : ndarray, shape (n_channels,)
        Correlation of the errors of neighbouring rows.
    center_, scale_ : ndarray, shape (n_channels,)
        Mean and spread of each channel, the answer for series without any value.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if `X` has names.

    Examples
    --------
    >>> from sklearn.impute import KNNImputer
    >>> y = pd.Series([0.0, 2.0, 5.0, 1.0] * 10, name="y")
    >>> y[18] = np.nan
    >>> filled = SklearnImputer(KNNImputer(n_neighbors=3)).fit(y).transform(y)
    >>> float(filled[18].round(6))
    5.0
    """

    def __init__(
        self,
        imputer: Any,
        *,
        lags: int | Sequence[int] = 2,
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
        self.imputer = imputer
        self.lags = lags

    def _learn_law(self, panel: Panel) -> None:
        for lag in [self.lags] if isinstance(self.lags, int) else self.lags:
            check_count("lags", lag)
        self.center_, self.scale_ = channel_moments(panel)
        even, _ = evenly(panel)
        n_channels = len(panel.channels)
        errors: list[list[Floats]] = [[np.zeros((3, 0))] for _ in range(n_channels)]
        product, square = np.zeros(n_channels), np.zeros(n_channels)
        for shown, hidden in trials(even, _MOST_TRIALS):
            self._fit_imputer(shown)
            _, scale = self._units(shown)
            error = np.where(hidden, self._filled(shown) - even.values, np.nan)
            error /= np.where(scale > 0, scale, 1.0)
            length = gap_lengths(shown).astype(float)
            for channel in range(n_channels):
                here, own = hidden[:, channel], error[:, channel]
                size = np.abs(own[here])
                parts = length[here, channel], size, np.ones(len(size))
                errors[channel].append(np.stack(parts))
                pair = own[1:] * own[:-1]
                product[channel] += np.nansum(pair)
                both = ~np.isnan(pair)
                square[channel] += np.sum(own[1:][both] ** 2 + own[:-1][both] ** 2) / 2
        memory = product / np.where(square > 0, square, 1.0)
        self.memory_ = np.clip(memory, 0, _MOST_MEMORY)
        self.spread_ = [factors_by_reach(np.concatenate(e, axis=1)) for e in errors]
        self._fit_imputer(even)

    def _fit_imputer(self, even: Panel) -> None:
        """Let a copy of the imputer learn the table of a panel."""
        table = self._table(even)
        low, high = (end(table, axis=0) for end in (np.fmin.reduce, np.fmax.reduce))
        self._columns = np.flatnonzero(
            high > low
        )  # there is nothing to learn of others
        self.imputer_ = clone(self.imputer)
        known = self.imputer_.get_params()
        if known.get("sample_posterior"):
            self.imputer_.set_params(sample_posterior=False)
        if "random_state" in known and known["random_state"] is None:
            self.imputer_.set_params(random_state=0)
        if len(self._columns):
            self.imputer_.fit(table[:, self._columns])

    def _table(self, even: Panel) -> Floats:
        """Channels of each row, then those of the rows before and behind it."""
        lags = range(1, self.lags + 1) if isinstance(self.lags, int) else self.lags
        center, scale = self._units(even)
        values = (even.values - center) / np.where(scale > 0, scale, 1.0)
        series = np.repeat(np.arange(len(even.ids)), np.diff(even.bounds))
        parts = [values]
        for lag in (sign * lag for lag in lags for sign in (1, -1)):
            row = np.arange(len(values)) - lag
            inside = (row >= 0) & (row < len(values))
            row = np.where(inside, row, 0)
            inside &= series[row] == series
            parts.append(np.where(inside[:, None], values[row], np.nan))
        return np.concatenate(parts, axis=1)

    def _units(self, even: Panel) -> tuple[Floats, Floats]:
        """Level and spread of each series at its rows, (N, C); else the channel's."""
        count = np.add.reduceat(even.observed, even.bounds[:-1], axis=0, dtype=int)
        rows = np.repeat(np.arange(len(even.ids)), np.diff(even.bounds))

        def mean(x: Floats) -> Floats:
            total = np.add.reduceat(np.where(even.observed, x, 0), even.bounds[:-1])
            return (total / np.maximum(count, 1))[rows]

        center = np.where(count[rows] > 0, mean(even.values), self.center_)
        square = mean((even.values - center) ** 2)
        return center, np.where(count[rows] > 1, np.sqrt(square), self.scale_)

    def _filled(self, even: Panel) -> Floats:
        """Answer of the imputer for all cells, (N, C), in the units of the data."""
        center, scale = self._units(even)
        if not len(self._columns):
            return center
        table = self._table(even)
        filled: Any = np.asarray(self.imputer_.transform(table[:, self._columns]))
        n_rows, n_columns = len(table), len(self._columns)
        if filled.shape != (n_rows, n_columns) or not np.isfinite(filled).all():
            raise ValueError(
                f"{type(self.imputer).__name__} answers a table of shape "
                f"{(n_rows, n_columns)} by one of shape {filled.shape} with "
                f"{int((~np.isfinite(filled)).sum())} missing value(s). It has to fill "
                "its table and keep its columns (no indicators)."
            )
        values = np.zeros_like(even.values)
        own = self._columns[self._columns < len(even.channels)]
        values[:, own] = filled[:, : len(own)]
        return center + scale * values

    def _law(self, even: Panel) -> tuple[Floats, Floats]:
        """Median and standard deviation of all cells, (N, C), as if none were seen."""
        center, scale = self._units(even)
        length = np.maximum(gap_lengths(even), 1).astype(float)
        sd = np.stack(
            [factor_at(length[:, c], table) for c, table in enumerate(self.spread_)],
            axis=1,
        )
        values = np.add.reduceat(even.observed, even.bounds[:-1], axis=0, dtype=int)
        seen = np.repeat(values > 0, np.diff(even.bounds), axis=0)
        return (
            np.where(seen, self._filled(even), center),
            np.where(seen, sd * scale, scale),
        )

    def _quantiles(self, panel: Panel, cells: Ints, levels: Floats) -> Floats:
        even, place = evenly(panel)
        cells = moved(cells, place, len(panel.channels))
        mean, sd = (part.ravel()[cells] for part in self._law(even))
        return mean + sd * ndtri(levels)[:, None]

    def _samples(self, panel: Panel, cells: Ints, n_samples: int, seed: int) -> Floats:
        even, place = evenly(panel)
        cells = moved(cells, place, len(panel.channels))
        mean, sd = (part.ravel()[cells] for part in self._law(even))
        samples = np.empty((n_samples, len(cells)))
        for strand in strands(even, cells):
            own = panel.ids[strand.series], panel.channels[strand.channel]
            rng = generator(seed, *own)
            size = max(_BLOCK // len(strand.values), 1)
            memory = float(self.memory_[strand.channel])
            for first in range(0, n_samples, size):
                some = samples[first : first + size]
                if strand.observed.any():
                    path = autoregressive(len(some), len(strand.values), memory, rng)
                    path = path[:, strand.asked]
                else:
                    path = rng.standard_normal((len(some), 1))
                some[:, strand.place] = mean[strand.place] + sd[strand.place] * path
        return samples
