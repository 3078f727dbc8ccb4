"""Calibration of forecasters: what was forecast is compared with what came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from tsdiff.calibrating.answers import Calibratable
from tsdiff.calibrating.merging import gathered, learn, stretch_of
from tsdiff.calibrating.rehearsal import (
    Origins,
    check_new,
    check_room,
    last_seen,
    origins,
    rehearsals,
)
from tsdiff.history import recall
from tsdiff.panel.frame import Panel
from tsdiff.panel.groups import TOGETHER, group_edges
from tsdiff.panel.past import Extras
from tsdiff.parameters import check_count

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class ForecastCalibration(Calibratable):
    """Calibration by the step ahead."""

    _bin_words = ("step", "")

    schema_: Any
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
        options = {"h": h, "n_windows": n_windows, "step_size": step_size}
        scored = self._rehearse(y, None, X=X, static=static, **options)
        self.calibration_ = learn(scored, len(self.schema_.channels))
        return self

    def _rehearse(
        self,
        y: Any,
        part: int | None,
        *,
        X: Any = None,
        static: Any = None,
        **options: Any,
    ) -> Iterator[tuple[pd.DataFrame, int]]:
        """Score what came, group by group; with `part`, y is that group alone.

        A group may have nothing to score: other ones have.
        """
        h, n_windows, step = self._windows(**options)
        past = recall(self, y, X, static)
        panel = past.panel
        edges = [0, len(panel.ids)]
        if part is None:
            check_room(panel, h, n_windows, step)
            edges = group_edges(np.diff(panel.bounds), TOGETHER)
        found = origins(panel, h, n_windows, step, edges)
        if n_windows is not None:
            found = replace(found, window=np.zeros_like(found.window))
        able = np.unique(found.series)
        if hasattr(self, "seen_"):
            seen = self.seen_.seen(panel)
            new = found.end > last_seen(panel, seen)[found.series]
            if n_windows is not None or (part is None and not new.any()):
                check_new(panel, found.end, new, h, seen)
            found = found.some(new)
        whole = past.whole(self.extras_)
        for number, (first, stop) in enumerate(pairwise(edges), start=part or 0):
            some = found.some((found.series >= first) & (found.series < stop))
            rng = np.random.default_rng([0, number])  # of ties alone
            inside = able[(able >= first) & (able < stop)]
            scored = gathered([*self._score_past(whole, some, h, rng)], inside)
            yield scored.assign(series=scored["series"] - first), stop - first

    def _windows(
        self,
        h: int | None = None,
        n_windows: int | None = None,
        step_size: int | None = None,
    ) -> tuple[int, int | None, int]:
        """Read how to forecast: rows ahead, windows, and rows between them."""
        h = check_count("h", self.horizon if h is None else h)
        step = h if step_size is None else check_count("step_size", step_size)
        if n_windows is not None:
            check_count("n_windows", n_windows)
        return h, n_windows, step

    def _score_past(
        self, whole: Panel, origins: Origins, h: int, rng: np.random.Generator
    ) -> Iterator[pd.DataFrame]:
        """Score what came behind some rows; see `tsdiff.calibrating.merging.learn`."""
        n_targets, done = len(self.schema_.channels), 0
        hidden = np.array([True] * n_targets + [k is False for k in self.extras_.known])
        for panel, rows in rehearsals(whole, origins.end, h, self._memory(), hidden):
            ahead = (panel.bounds[1:, None] - h + np.arange(h)).reshape(-1, 1)
            cells = (ahead * len(hidden) + np.arange(n_targets)).ravel()
            row, channel = np.divmod(cells, len(hidden))
            unit = done + np.arange(len(cells)) // (h * n_targets)
            truth = whole.values[rows[row], channel]
            series, stretch = stretch_of(whole.bounds, rows[row])
            first, second = self._place(panel, cells)
            columns = {
                "score": self._scores_of(panel, cells, truth, rng),
                "first": first,
                "second": second,
                "channel": channel,
                "unit": unit,
                "series": series,
                "stretch": stretch,
                "window": origins.window[unit],
            }
            yield pd.DataFrame(columns)[~np.isnan(truth)]
            done += len(panel.ids)

    def _place(self, panel: Panel, cells: Ints) -> tuple[Ints, Ints]:
        """Count the steps ahead; there is no second number."""
        row = cells // panel.values.shape[1]
        series = np.searchsorted(panel.bounds, row, side="right") - 1
        first = row[np.searchsorted(series, series)]  # row of the series' first cell
        return row - first + 1, np.zeros_like(row)
