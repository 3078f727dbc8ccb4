"""What is calibrated alike, whether gaps are filled or the future is forecast."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri
from sklearn.utils.validation import check_is_fitted

from tsdiff.calibration import COVERAGES, Calibration
from tsdiff.calibration.laws import GRID, GRID_LEVELS, LARGEST_SCORE, look_up, score
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK = 2**23  # numbers of a scratch array, 64 MB
_GOLDEN = (5**0.5 - 1) / 2


class Calibratable:
    """Mixin: answers that go through a calibration, once there is one.

    Quantiles are looked up in a table of the raw law of each cell (see
    `tsdiff.calibration.laws`), and draws moved by it, so that paths, quantiles,
    intervals and medians agree.
    """

    #: What cells are put into bins by, for reports.
    _bin_words: ClassVar[tuple[str, str]]

    calibration_: Calibration  # once `calibrate` was called

    @abstractmethod
    def _quantiles(self, panel: Panel, cells: Ints, levels: Floats) -> Floats:
        """Quantiles of M cells, shape (k, M), in the units of the data."""

    @abstractmethod
    def _samples(self, panel: Panel, cells: Ints, n_samples: int, seed: int) -> Floats:
        """Joint draws of M cells, shape (n_samples, M)."""

    @abstractmethod
    def _place(self, panel: Panel, cells: Ints) -> tuple[NDArray, NDArray]:
        """Two numbers by which cells are put into bins, each of shape (M,)."""

    def _settle(self, values: Floats, cells: Ints, n_channels: int) -> Floats:
        """Put values of shape (k, M) where the data can be: on counts or states."""
        del cells, n_channels
        return values

    def _supported(self, panel: Panel, cells: Ints) -> NDArray[np.bool_]:
        """Tell which of M cells are answered; the others stay NaN, with a warning."""
        del panel
        return np.ones(len(cells), dtype=bool)

    @property
    def _is_calibrated(self) -> bool:
        return hasattr(self, "calibration_")

    def raw(self) -> Self:
        """Give the same fit without its calibration.

        Returns
        -------
        estimator
            A copy that shares all that was learned and answers by the raw law; this
            estimator stays calibrated.

        Raises
        ------
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> from tsdiff.baselines import LinearInterpolation
        >>> walk = np.random.default_rng(0).standard_normal((60, 1)).cumsum(axis=0)
        >>> filler = LinearInterpolation().fit(walk[:30])
        >>> filler = filler.calibrate(walk[30:], pattern="blocks", length=2)
        >>> hasattr(filler, "calibration_"), hasattr(filler.raw(), "calibration_")
        (True, False)
        """
        check_is_fitted(self, "schema_")
        view = copy.copy(self)
        vars(view).pop("calibration_", None)
        return view

    def calibration_report(self) -> pd.DataFrame:
        """Compare nominal with empirical coverage, raw and calibrated.

        Returns
        -------
        DataFrame
            A row for each bin of cells (and "all") and nominal `coverage`: `n_cells`,
            `n_units` (gaps or forecasts, whose cells depend on each other), the shares
            of the cells inside the intervals `before` and `after` calibration, and
            `low` and `high`, between which 99 % of such shares lie if intervals are
            right and cells independent. `after` is of cells that the calibration had
            not seen: each fifth of the data is judged by a calibration that was learned
            from the rest. It is NaN if there was nothing to set apart.

        Raises
        ------
        NotFittedError
            Before `calibrate`.
        """
        check_is_fitted(self, "calibration_")
        own = self.calibration_
        used = np.flatnonzero(own.n_cells)
        names = [_name(self._bin_words, own.bins.ranges()[k]) for k in used]
        groups = [used, *used[:, None]]
        parts = [
            _rows(name, own, group)
            for name, group in zip(["all", *names], groups, strict=True)
        ]
        return pd.concat(parts, ignore_index=True)

    def _answer(self, panel: Panel, cells: Ints, levels: Floats) -> Floats:
        """Quantiles of M cells, shape (k, M), NaN where they are not supported."""
        if not len(cells):
            return np.empty((len(levels), 0))
        kept = self._supported(panel, cells)
        answer = self._whole_answer(panel, cells, levels)
        return answer if kept.all() else np.where(kept, answer, np.nan)

    def _whole_answer(self, panel: Panel, cells: Ints, levels: Floats) -> Floats:
        """Quantiles of M cells, calibrated if there is a calibration, shape (k, M)."""
        if not self._is_calibrated:
            return self._quantiles(panel, cells, levels)
        answer = np.empty((len(levels), len(cells)))
        scores = ndtri(levels)[:, None]
        for some, table in self._tables(panel, cells, len(levels)):
            answer[:, some] = self._moved(panel, cells, some, table, scores)
        return answer

    def _draw(self, panel: Panel, cells: Ints, n_samples: int, seed: int) -> Floats:
        """Joint draws of M cells, moved to the calibrated laws."""
        samples = self._samples(panel, cells, n_samples, seed)
        if not self._is_calibrated:
            return samples
        # where a value has many scores, a path keeps its place among them
        place = np.modf(_GOLDEN * np.arange(1.0, n_samples + 1))[0][:, None]
        for some, table in self._tables(panel, cells, n_samples):
            scores = score(table, samples[:, some], place)
            samples[:, some] = self._moved(panel, cells, some, table, scores)
        return samples

    def _moved(
        self, panel: Panel, cells: Ints, some: slice, table: Floats, scores: Floats
    ) -> Floats:
        """Values at calibrated scores, of some of the cells."""
        n_channels = panel.values.shape[1]
        first, second = (part[some] for part in self._place(panel, cells))
        channel = cells[some] % n_channels
        raw = self.calibration_.raw_scores(scores, first, second, channel)
        raw = np.clip(raw, -LARGEST_SCORE, LARGEST_SCORE)
        return self._settle(look_up(table, raw), cells[some], n_channels)

    def _tables(
        self, panel: Panel, cells: Ints, n_each: int
    ) -> Iterator[tuple[slice, Floats]]:
        """Tables of the raw laws of cells, some cells at a time."""
        size = max(_BLOCK // (len(GRID) + n_each), 1)
        for start in range(0, len(cells), size):
            some = slice(start, min(start + size, len(cells)))
            yield some, self._quantiles(panel, cells[some], GRID_LEVELS)

    def _scores_of(
        self, panel: Panel, cells: Ints, truth: Floats, rng: np.random.Generator
    ) -> Floats:
        """Score the truth under the raw law, shape (M,)."""
        answer = np.empty(len(cells))
        for some, table in self._tables(panel, cells, 1):
            place = rng.random((1, table.shape[1]))
            answer[some] = score(table, truth[None, some], place)[0]
        return answer


def _name(words: tuple[str, str], ranges: tuple) -> str:
    """Name a bin, such as ``gap 1-3, distance 2+``."""
    parts = []
    for word, (low, high) in zip(words, ranges, strict=True):
        first = 1 if np.isinf(low) else int(low) + 1
        end = "+" if np.isinf(high) else f"-{int(high)}"
        if word:
            parts.append(f"{word} {first}{'' if end == f'-{first}' else end}")
    return ", ".join(parts)


def _rows(name: str, own: Calibration, group: Ints) -> pd.DataFrame:
    """Rows of a report on some of the bins together."""
    from scipy.stats import binom

    n = int(own.n_cells[group].sum())
    after = own.after[group].sum(axis=0) / n
    return pd.DataFrame(
        {
            "bin": name,
            "n_cells": n,
            "n_units": int(own.n_units[group].sum()),
            "coverage": COVERAGES,
            "before": own.before[group].sum(axis=0) / n,
            "after": np.where(own.after[group].min() < 0, np.nan, after),
            "low": binom.ppf(0.005, n, COVERAGES) / n,
            "high": binom.ppf(0.995, n, COVERAGES) / n,
        }
    )
