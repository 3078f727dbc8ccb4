"""Intervals that keep their coverage in a stream, whatever the stream does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri
from sklearn.utils.validation import check_is_fitted

from tsdiff.bands import as_coverage, band_frame, interval_suffixes
from tsdiff.calibration.laws import GRID_LEVELS, LARGEST_SCORE, look_up, score
from tsdiff.forecasting import Forecaster
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass
class Tracker:
    """Thresholds that too few or too many misses move, so that their share is right.

    A score above its threshold is a miss. After each score the threshold moves by
    ``rate * (miss - share)``: quantile tracking (Angelopoulos, Candes and Tibshirani,
    2023, NeurIPS, on the adaptive conformal inference of Gibbs and Candes, 2021,
    NeurIPS). Scores lie within ``LARGEST_SCORE`` on both sides of zero and a threshold
    beyond that covers all, or nothing. So whatever the scores are, chosen by an
    adversary or not, after T of them

        ``|share of misses - share| <= (2 * LARGEST_SCORE + rate) / (rate * T)``,

    and with ``rate * (1 + d)`` in place of the last ``rate`` if the truth comes d
    scores late.

    Parameters
    ----------
    threshold : ndarray
        Of the first scores.
    share : float
        Of misses.
    rate : float

    Examples
    --------
    >>> tracker = Tracker(np.zeros(1), share=0.1, rate=1.0)
    >>> misses = [tracker.update(np.array([min(t / 999, 8.0)])) for t in range(1000)]
    >>> float(np.mean(misses).round(2))  # the scores drift all the time
    0.1
    """

    threshold: Floats
    share: float
    rate: float

    def update(self, scores: Floats, issued: Floats | None = None) -> Floats:
        """Learn from scores; NaN are not known.

        Parameters
        ----------
        scores : ndarray, of the shape of `threshold` or with more axes before
            The mean of what misses over the leading axes counts.
        issued : ndarray, optional
            Thresholds at the time of the forecast; those of now by default.

        Returns
        -------
        ndarray
            1.0 where a score was a miss, NaN where unknown.
        """
        limit = self.threshold if issued is None else issued
        far = np.abs(limit) >= LARGEST_SCORE
        beyond = np.where(far, np.copysign(np.inf, limit), limit)
        known = ~np.isnan(scores)
        miss = np.where(known, scores > beyond, np.nan)
        leading = tuple(range(scores.ndim - self.threshold.ndim))
        count = known.sum(axis=leading)
        mean = np.where(known, miss, 0.0).sum(axis=leading) / np.maximum(count, 1)
        moved = self.threshold + self.rate * (mean - self.share)
        self.threshold = np.where(count > 0, moved, self.threshold)
        return miss


@dataclass(frozen=True)
class _Issued:
    """A forecast that waits for its truth."""

    future: Panel
    table: Floats  # (len(GRID), n_series, h, C) law of each cell
    limits: tuple[Floats, Floats]  # thresholds (h, C) of the lower and upper end


class AdaptiveIntervals:
    """Forecast intervals that learn from every truth that comes in.

    Both ends of the interval are raised and lowered, step by step ahead and channel by
    channel, such that each misses as often as it should in the long run, by `Tracker`:
    also where the data drift away from those of the fit. They move in normal scores of
    the forecaster's law, so they stay as wide or narrow as it is sure.

    Parameters
    ----------
    forecaster : fitted forecaster
        Calibrated or not; never changed.
    coverage : float, default 0.9
    rate : float, default 0.05
        How far a miss moves an end, in normal scores. A larger one follows drift sooner
        and makes widths less steady.

    Attributes
    ----------
    thresholds_ : ndarray, shape (2, h, C)
        Normal scores of the lower and the upper end.
    n_scored_, n_covered_ : int
        Cells whose truth has come in, and those inside their interval.

    Examples
    --------
    >>> from tsdiff.baselines import SeasonalNaive
    >>> days = pd.date_range("2024-01-01", periods=120)
    >>> y = pd.Series(np.random.default_rng(0).standard_normal(120), days, name="y")
    >>> stream = AdaptiveIntervals(SeasonalNaive(horizon=1, period=7).fit(y[:60]))
    >>> for t in range(60, 119):
    ...     band = stream.predict_interval(y=y[:t])
    ...     stream = stream.update(y[t : t + 1])
    >>> stream.n_scored_, list(band.columns)
    (59, ['y-lo-90', 'y-hi-90'])
    """

    def __init__(
        self, forecaster: Forecaster, coverage: float = 0.9, *, rate: float = 0.05
    ) -> None:
        check_is_fitted(forecaster, "schema_")
        shares = as_coverage(coverage)
        if len(shares) > 1:
            raise ValueError(f"coverage is one number here, got {coverage!r}.")
        if not 0 < rate < np.inf:
            raise ValueError(f"rate must be a positive number, got {rate!r}.")
        self.forecaster, self.coverage, self.rate = forecaster, float(shares[0]), rate
        self.n_scored_ = self.n_covered_ = 0
        self._waiting: list[_Issued] = []
        share, n_channels = (1 - self.coverage) / 2, len(forecaster.schema_.channels)
        start = np.full((0, n_channels), float(ndtri(1 - share)))
        self._ends = [Tracker(start.copy(), share, rate) for _ in range(2)]

    @property
    def thresholds_(self) -> Floats:
        """Normal scores of the lower and the upper end, shape (2, h, C)."""
        return np.stack([-self._ends[0].threshold, self._ends[1].threshold])

    def predict_interval(
        self, h: int | None = None, y: Any = None, X: Any = None, *, static: Any = None
    ) -> Any:
        """Give intervals of the next rows, to be compared with what comes.

        Parameters
        ----------
        h, y, X, static
            As in `predict` of the forecaster.

        Returns
        -------
        frame of the kind of `y`
            Columns ``name-lo-90``, ``name-hi-90``; infinite where misses came so often
            that no end was far enough. Ends that have moved past each other are put in
            order: the interval then holds more than it has to.

        Raises
        ------
        TypeError, ValueError
            As `predict` of the forecaster.
        """
        asked = self.forecaster._ask(h, y, X, static)
        n_series, n_channels = len(asked.frame.ids), asked.frame.values.shape[1]
        flat = self.forecaster._answer(asked.panel, asked.cells, GRID_LEVELS)
        table = flat.reshape(len(flat), n_series, -1, n_channels)
        self._grow(table.shape[2])
        n_steps = table.shape[2]
        limits = tuple(end.threshold[:n_steps].copy() for end in self._ends)
        issued = _Issued(asked.frame, table, (limits[0], limits[1]))
        self._waiting.append(issued)
        suffixes = interval_suffixes(np.array([self.coverage]))
        ends = _ends(flat, -limits[0], limits[1], n_series)
        cells = np.arange(flat.shape[1])
        return band_frame(asked.frame, cells, ends, suffixes, calibrated=True)

    def update(self, truth: Any) -> AdaptiveIntervals:
        """Learn from rows that were forecast before.

        Parameters
        ----------
        truth : as `y` in `fit` of the forecaster
            New rows, matched with forecasts by their labels; NaN where unknown. Rows
            that were not forecast, and those learned from before, are left out.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If they have no labels or other columns.
        """
        if not isinstance(truth, pd.DataFrame | pd.Series):
            raise TypeError(
                f"truth is a {type(truth).__name__}, whose rows have no labels to find "
                "their forecasts by. Give a DataFrame or a Series."
            )
        new = truth.to_frame() if isinstance(truth, pd.Series) else truth
        names, schema = tuple(map(str, new.columns)), self.forecaster.schema_
        if len(names) != len(schema.channels) or (
            schema.named and names != schema.channels
        ):
            raise ValueError(
                f"truth has the columns {names}, the forecasts {schema.channels}. Give "
                "the same."
            )
        left = (self._learn(issued, new) for issued in self._waiting)
        self._waiting = [issued for issued in left if issued is not None]
        return self

    def _learn(self, issued: _Issued, new: pd.DataFrame) -> _Issued | None:
        """Score one forecast by new rows; None if nothing of it waits any more."""
        shape = issued.table.shape[1:]
        rows = new.index.get_indexer(issued.future.index)
        if (rows < 0).all():
            return issued
        values = new.to_numpy(dtype=np.float64, na_value=np.nan)[rows]
        values = np.where(rows[:, None] < 0, np.nan, values).reshape(shape)
        done = np.isnan(issued.table[0])
        values = np.where(done, np.nan, values)
        flat = issued.table.reshape(len(issued.table), -1)
        z = score(flat, values.reshape(1, -1), np.full((1, 1), 0.5))
        z = np.where(np.isnan(values), np.nan, z.reshape(shape))
        missed = np.zeros(shape)
        for end, sign, limit in zip(self._ends, (-1, 1), issued.limits, strict=True):
            n_steps, whole = shape[1], end.threshold
            part = Tracker(whole[:n_steps], end.share, end.rate)
            missed += np.nan_to_num(part.update(sign * z, limit))
            end.threshold = np.concatenate([part.threshold, whole[n_steps:]])
        known = ~np.isnan(z)
        self.n_scored_ += int(known.sum())
        self.n_covered_ += int((known & (missed == 0)).sum())
        come = (rows.reshape(shape[:2]) >= 0)[:, :, None] | done
        if come.all():
            return None
        table = np.where(come, np.nan, issued.table)
        return replace(issued, table=table)

    def _grow(self, n_steps: int) -> None:
        """Let steps further ahead start where the last one is."""
        for end in self._ends:
            more = n_steps - len(end.threshold)
            if more > 0:
                start = np.full(end.threshold.shape[1], float(ndtri(1 - end.share)))
                last = end.threshold[-1] if len(end.threshold) else start
                end.threshold = np.vstack([end.threshold, np.tile(last, (more, 1))])


def _ends(flat: Floats, low: Floats, high: Floats, n_series: int) -> Floats:
    """Values at thresholds of shape (h, C), for all series, shape (2, M)."""
    scores = np.stack([np.tile(limit.ravel(), n_series) for limit in (low, high)])
    values = look_up(flat, np.clip(scores, -LARGEST_SCORE, LARGEST_SCORE))
    far = (np.abs(scores) >= LARGEST_SCORE) & ~np.isnan(values)
    return np.sort(np.where(far, np.copysign(np.inf, scores), values), axis=0)
