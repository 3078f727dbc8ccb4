"""Calibration of gap fillers: observed cells are hidden, as gaps are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from tsdiff.calibrating.answers import Calibratable
from tsdiff.calibrating.rehearsal import (
    cluster_of,
    fold_of,
    gap_starts,
    refuse_seen,
)
from tsdiff.calibration import Calibration, Scored
from tsdiff.gaps import distances, gap_lengths
from tsdiff.holdout import hide
from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_count, read_seed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class GapCalibration(Calibratable):
    """Calibration by the length of a gap and the distance to an observation."""

    _bin_words = ("gap", "distance")

    schema_: Any
    random_state: Any

    def calibrate(
        self,
        X: Any,
        *,
        pattern: Any = "own",
        n_repeats: int = 8,
        ratio: float = 0.1,
        length: float = 12,
        random_state: Any = None,
    ) -> Self:
        """Learn how far intervals are off, and answer by corrected ones from now on.

        Observed cells of `X` are hidden and their truth is compared with the raw law:
        conformal prediction in bins of gaps by length and by distance to the nearest
        observation, and channel by channel where there is enough to tell (see
        `tsdiff.calibration`). The fit itself stays as it is. Medians, quantiles,
        intervals and draws are all corrected alike, so they agree; `raw` gives the
        answers without. A second call replaces the first, `fit` drops it.

        Parameters
        ----------
        X : as in `fit`
            With the columns of the fit, of rows that the fit has not seen.
        pattern : {"own", "blocks", "random"} or callable, default "own"
            Which cells to hide; see `tsdiff.holdout.hide`. They should be like the gaps
            to be filled: "own" takes the gaps of `X` itself.
        n_repeats : int, default 8
            How often other cells are hidden.
        ratio : float, default 0.1
            Share of the cells to hide each time.
        length : float, default 12
            Mean number of rows of a gap, for "blocks".
        random_state : int, Generator, RandomState or None, default None
            Of what is hidden; that of the estimator by default.

        Returns
        -------
        self
            With ``calibration_``; see `calibration_report`.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `transform`, and if rows of `X` are known to be of the fit, `X` has no
            gaps that "own" could lend, or an argument can't be used.
        """
        n_repeats = check_count("n_repeats", n_repeats)
        check_is_fitted(self, "schema_")
        panel = self.schema_.read(self, X)
        if hasattr(self, "seen_"):
            refuse_seen(panel, self.seen_.seen(panel))
        seed = read_seed(self.random_state if random_state is None else random_state)
        rng = np.random.default_rng(seed)
        parts = []
        for repeat in range(n_repeats):
            hidden = hide(panel, pattern, rng, ratio=ratio, length=length)
            parts.append(self._score_hidden(panel, hidden, repeat, rng))
        cells = Scored(*map(np.concatenate, zip(*parts, strict=True)))
        self.calibration_ = Calibration.learn(cells, len(panel.channels))
        return self

    def _score_hidden(
        self, panel: Panel, hidden: NDArray[np.bool_], repeat: int, rng: Any
    ) -> tuple[NDArray[Any], ...]:
        """Score the truth of hidden cells: the fields of `Scored`."""
        shown = replace(panel, values=np.where(hidden, np.nan, panel.values))
        cells = np.flatnonzero(hidden)
        row, channel = np.divmod(cells, len(panel.channels))
        scores = self._scores_of(shown, cells, panel.values.ravel()[cells], rng)
        gap = gap_starts(shown, cells) + repeat * len(panel.values)
        place, fold = self._place(shown, cells), fold_of(panel, row)
        return scores, *place, channel, gap, cluster_of(panel, row, gap), fold

    def _place(self, panel: Panel, cells: Ints) -> tuple[Floats, Floats]:
        """Length of the gap and distance to the nearest observation, in rows."""
        length = gap_lengths(panel).astype(float).ravel()[cells]
        return length, distances(panel).ravel()[cells]
