"""Draws: joint samples of the answered cells of a frame, and every view of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.aggregation import Reducer, aggregate_quantiles
from tsdiff.bands import (
    as_alpha,
    as_coverage,
    band_frame,
    interval_alpha,
    interval_suffixes,
    long_frame,
    quantile_suffixes,
    sample_quantiles,
)
from tsdiff.periods import period_frame, periods_of
from tsdiff.probability import Probability

if TYPE_CHECKING:
    from tsdiff.panel.frame import Panel


@dataclass(frozen=True, eq=False, repr=False)
class Draws:
    """Joint samples of the missing cells of a frame.

    What comes out has the kind of the caller's data (DataFrame, Series, array, polars
    frame), the same rows, and observed cells unchanged. Missing cells that were not
    answered, because their gap was longer than ``max_gap`` or they had less support
    than ``abstain``, stay NaN everywhere.

    Parameters
    ----------
    panel : Panel
        The caller's data with its holes: N rows, C channels.
    samples : ndarray of float64, shape (S, M)
        Values of the M answered cells in S joint draws, in the data's units.
    cells : ndarray of int64, shape (M,)
        The answered cells, ascending flat indices into ``panel.values``.
    calibrated : bool, default False
        Whether the draws follow calibrated laws.
    given : tuple of str, default ()
        Constraints that the draws meet, in words.

    Raises
    ------
    ValueError
        Shapes don't fit, there is no sample, or a cell is observed or out of order.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> panel = to_panel(np.array([[1.0], [np.nan], [3.0]]))
    >>> draws = Draws(panel, np.array([[1.5], [2.0], [4.0]]), np.array([1]))
    >>> draws.median().ravel()
    array([1., 2., 3.])
    >>> draws.probability(lambda path: path.max() > 3.5)
    0.3333 ± 0.27 (3 draws)
    """

    panel: Panel
    samples: NDArray[np.float64]
    cells: NDArray[np.int64]
    calibrated: bool = False
    given: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        missing = np.isnan(self.panel.values).reshape(-1)
        shape = self.samples.shape
        if len(shape) != 2 or shape[1:] != self.cells.shape or not shape[0]:
            raise ValueError(
                f"samples has shape {shape}, but (S, {len(self.cells)}) is needed: at "
                "least 1 draw, and one column for each answered cell."
            )
        if (np.diff(self.cells) <= 0).any() or not missing[self.cells].all():
            raise ValueError(
                "cells must be ascending flat indices of missing cells of the panel."
            )

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        n_rows, n_channels = self.panel.values.shape
        kind = "calibrated" if self.calibrated else "raw"
        return (
            f"Draws({len(self)} {kind} samples of {len(self.cells)} answered cells; "
            f"{n_rows} rows x {n_channels} channels"
            f"{'; given ' + ', '.join(self.given) if self.given else ''})"
        )

    def __iter__(self) -> Iterator[Any]:
        """Yield each draw as a completed frame: multiple imputation."""
        for sample in self.samples:
            yield self.panel.frame(self._completed(sample))

    def _completed(self, answers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Put one answer into each answered cell: (M,) -> (N, C)."""
        values = self.panel.values.copy()
        np.put(values, self.cells, answers)
        return values

    def median(self) -> Any:
        """Complete the frame with each cell's median, in the caller's kind."""
        return self.quantile(0.5)

    def mean(self) -> Any:
        """Complete the frame with each cell's mean over the draws.

        Returns
        -------
        frame of the caller's kind
        """
        return self.panel.frame(self._completed(self.samples.mean(axis=0)))

    def std(self) -> Any:
        """Spread of each cell over the draws.

        Returns
        -------
        frame with the same columns
            Standard deviation (n - 1; at least 2 samples); 0 where observed.
        """
        if len(self) < 2:
            raise ValueError("std needs at least 2 samples, there is 1. Draw more.")
        spread = np.where(np.isnan(self.panel.values), np.nan, 0.0)
        np.put(spread, self.cells, self.samples.std(axis=0, ddof=1))
        return self.panel.columns_frame(spread, list(self.panel.channels))

    def quantile(self, alpha: float | Iterable[float]) -> Any:
        """Quantiles of each cell over the draws.

        Parameters
        ----------
        alpha : float or iterable of float
            Levels between 0 and 1 (both excluded).

        Returns
        -------
        frame of the caller's kind
            The completed frame for a number; columns ``name-q-0.05``, ... for a list.

        Raises
        ------
        ValueError
            A level is out of range or given twice.
        """
        levels = as_alpha(alpha)
        answers = sample_quantiles(self.samples, levels)
        if isinstance(alpha, Real):
            return self.panel.frame(self._completed(answers[0]))
        suffixes = quantile_suffixes(levels)
        return band_frame(self.panel, self.cells, answers, suffixes, self.calibrated)

    def interval(
        self,
        coverage: float | Iterable[float] = 0.9,
        *,
        level: float | Iterable[float] | None = None,
    ) -> Any:
        """Central intervals of each cell over the draws.

        Parameters
        ----------
        coverage : float or iterable of float, default 0.9
            Share of the draws inside, between 0 and 1 (both excluded).
        level : float or iterable of float, optional
            The same in percent (Nixtla's word); replaces `coverage`.

        Returns
        -------
        frame of the caller's kind
            Columns ``name-lo-90``, ``name-hi-90`` for each channel and coverage. Both
            are the value itself where it was observed.

        Raises
        ------
        ValueError
            A coverage is out of range or given twice.
        """
        shares = as_coverage(coverage, level)
        ends = sample_quantiles(self.samples, interval_alpha(shares))
        suffixes = interval_suffixes(shares)
        return band_frame(self.panel, self.cells, ends, suffixes, self.calibrated)

    def probability(self, event: Callable[[Any], bool]) -> Probability:
        """Probability of an event over joint paths, with its Monte-Carlo error.

        Parameters
        ----------
        event : callable
            Gets each draw as a completed frame of the caller's kind; returns whether
            the event happened, e.g. ``lambda path: path["glucose"].min() < 70``.

        Returns
        -------
        Probability
            A float with ``std_error`` and ``interval``.

        Raises
        ------
        TypeError
            `event` does not return one true or false.
        """
        hits = 0
        for path in self:
            happened = event(path)
            if not isinstance(happened, bool | np.bool_):
                raise TypeError(
                    f"event must return one True or False, got {type(happened)}. "
                    'Reduce it, e.g. lambda path: (path["glucose"] < 70).any().'
                )
            hits += bool(happened)
        return Probability(hits, len(self))

    def aggregate(
        self,
        how: str | Reducer = "sum",
        freq: str | None = None,
        *,
        coverage: float | Iterable[float] = 0.9,
    ) -> Any:
        """Totals (means, extremes) of periods with honest intervals.

        Each draw is aggregated, then quantiles are taken: so the dependence between
        the cells of a gap counts, which sums of single cells' bounds would miss.

        Parameters
        ----------
        how : {"sum", "mean", "min", "max"} or callable, default "sum"
            A callable is called with an array of shape (s, length), s completed draws
            of one period of one channel, and ``axis=1``, and returns shape (s,):
            ``np.median``, or ``lambda v, axis: (v < 70).mean(axis=axis)``.
        freq : str, optional
            Pandas alias of the periods ("D", "ME", ...), cut and labelled as by
            ``DataFrame.resample``. None: one figure per series, over all its rows.
        coverage : float or iterable of float, default 0.9
            Of the intervals.

        Returns
        -------
        frame of the caller's kind (a DataFrame for a Series)
            One row per period (and series); columns ``name`` (the median of the
            draws), ``name-lo-90``, ``name-hi-90`` for each channel. NaN where the
            period holds a missing cell that was not answered.

        Raises
        ------
        ValueError
            `freq` for rows without dates, an unknown `how`, a coverage out of range.
        """
        shares = as_coverage(coverage)
        periods = periods_of(self.panel, freq)
        data = self.panel, self.samples, self.cells
        levels = np.concatenate([[0.5], interval_alpha(shares)])
        table = aggregate_quantiles(*data, periods, how, levels)
        return period_frame(self.panel, periods, table, interval_suffixes(shares))

    def paths(self, n: int | None = None) -> NDArray[np.float64]:
        """Complete the first draws as one array.

        Parameters
        ----------
        n : int, optional
            How many, at most ``len(draws)``; all by default.

        Returns
        -------
        ndarray of float64, shape (n, N, C)
            8 * n * N * C bytes, which no other method needs.
        """
        n = len(self) if n is None else n
        if not 0 < n <= len(self):
            raise ValueError(f"n must be between 1 and {len(self)} (draws), got {n}.")
        paths = np.repeat(self.panel.values[None], n, axis=0)
        paths.reshape(n, -1)[:, self.cells] = self.samples[:n]
        return paths

    def to_frame(self, layout: str = "long") -> Any:
        """All draws of the answered cells in one long frame.

        Parameters
        ----------
        layout : {"long"}, default "long"
            One row per answered cell and draw.

        Returns
        -------
        DataFrame, or a frame of the caller's library
            S * M rows; columns ``unique_id`` (0 for a single series), ``ds``,
            ``channel`` (if there are several), ``sample`` and ``value``.
        """
        if layout != "long":
            raise ValueError(f'layout must be "long", got {layout!r}; or iterate.')
        return long_frame(self.panel, self.samples, self.cells)
