"""Calibration of forecasters: what was forecast is compared with what came."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from tsdiff.calibrating.answers import Calibratable
from tsdiff.calibrating.rehearsal import (
    cluster_of,
    cutoffs,
    fold_of,
    rehearsals,
    unseen,
)
from tsdiff.calibration import Calibration, Scored
from tsdiff.history import recall
from tsdiff.panel.frame import Panel
from tsdiff.panel.past import Extras, Past
from tsdiff.parameters import check_count

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class ForecastCalibration(Calibratable):
    """Calibration by the step ahead."""

    _bin_words = ("step", "")

    extras_: Extras
    horizon: int | None

    def _memory(self) -> int | None:
        """Rows of each series that an answer depends on; None if all."""
        return None

    def calibrate(
        self,
        y: Any,
        X: Any = None,
        *,
        h: int | None = None,
        n_windows: int | None = None,
        step_size: int | None = None,
        static: Any = None,
    ) -> Self:
        """Learn how far intervals are off, and answer by corrected ones from now on.

        Forecasts are made from rolling origins in `y` and what came is compared with
        the raw law: conformal prediction by the step ahead, and channel by channel
        where there is enough to tell (see `tsdiff.calibration`). The fit itself stays
        as it is. Medians, quantiles, intervals and draws are all corrected alike, so
        they agree; `raw` gives the answers without. Steps beyond `h` are corrected as
        the last ones are. A second call replaces the first, `fit` drops it.

        Parameters
        ----------
        y : as in `fit`
            With the columns of the fit. It may begin with rows that the fit has seen,
            as a history: origins are in the rows that follow.
        X, static : as in `fit`, optional
            For the rows of `y`.
        h : int, optional
            Steps ahead; the `horizon` of the fit by default.
        n_windows : int, optional
            Origins in each series, the last ones; by default all there are, up to 2,000
            together.
        step_size : int, optional
            Rows between two origins; `h` by default.

        Returns
        -------
        self
            With ``calibration_``; see `calibration_report`.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `predict`, and if there are not as many rows as windows need, or rows to
            forecast are known to be of the fit.
        """
        check_is_fitted(self, "schema_")
        h = check_count("h", self.horizon if h is None else h)
        step = h if step_size is None else check_count("step_size", step_size)
        if n_windows is not None:
            check_count("n_windows", n_windows)
        past = recall(self, y, X, static)
        ends = cutoffs(past.panel, h, n_windows, step)
        if hasattr(self, "seen_"):
            seen = self.seen_.seen(past.panel)
            ends = unseen(past.panel, ends, h, seen, asked=n_windows is not None)
        cells = self._score_past(past, ends, h)
        self.calibration_ = Calibration.learn(cells, len(past.panel.channels))
        return self

    def _score_past(self, past: Past, ends: Ints, h: int) -> Scored:
        """Score what came after some rows of a history."""
        whole, n_targets = past.whole(self.extras_), len(past.panel.channels)
        hidden = np.array([True] * n_targets + [k is False for k in self.extras_.known])
        rng, parts, done = np.random.default_rng(0), [], 0  # of ties alone
        for panel, rows in rehearsals(whole, ends, h, self._memory(), hidden):
            ahead = (panel.bounds[1:, None] - h + np.arange(h)).reshape(-1, 1)
            cells = (ahead * len(hidden) + np.arange(n_targets)).ravel()
            row, channel = np.divmod(cells, len(hidden))
            truth = whole.values[rows[row], channel]
            scores = self._scores_of(panel, cells, truth, rng)
            window = done + np.arange(len(cells)) // (h * n_targets)
            fold = fold_of(whole, rows[row])
            some = ~np.isnan(truth)
            cluster = cluster_of(whole, rows[row], window)
            fields = scores, *self._place(panel, cells), channel, window, cluster, fold
            parts.append([part[some] for part in fields])
            done += len(panel.ids)
        return Scored(*map(np.concatenate, zip(*parts, strict=True)))

    def _place(self, panel: Panel, cells: Ints) -> tuple[Ints, Ints]:
        """Count the steps ahead; there is no second number."""
        row = cells // panel.values.shape[1]
        series = np.searchsorted(panel.bounds, row, side="right") - 1
        first = row[np.searchsorted(series, series)]  # row of the series' first cell
        return row - first + 1, np.zeros_like(row)
