"""Calibration of gap fillers: observed cells are hidden, as gaps are."""

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
from tsdiff.calibrating.rehearsal import gap_starts, refuse_seen
from tsdiff.gaps import distances, gap_lengths
from tsdiff.holdout import NothingToHide, hide
from tsdiff.panel.frame import Panel
from tsdiff.panel.groups import TOGETHER, group_edges, group_of
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
            to be filled: "own" takes the gaps of `X` itself. Of many series it is drawn
            for 2000 at a time; those that have nothing to hide are left out.
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
        check_is_fitted(self, "schema_")
        options = {"pattern": pattern, "ratio": ratio, "length": length}
        options |= {"n_repeats": n_repeats, "random_state": random_state}
        scored = self._rehearse(X, None, **options)
        self.calibration_ = learn(scored, len(self.schema_.channels))
        return self

    def _rehearse(
        self, X: Any, part: int | None, **options: Any
    ) -> Iterator[tuple[pd.DataFrame, int]]:
        """Score hidden cells, group by group; with `part`, X is that group alone."""
        n_repeats = check_count("n_repeats", options.pop("n_repeats", 8))
        panel = self.schema_.read(self, X)
        if hasattr(self, "seen_"):
            refuse_seen(panel, self.seen_.seen(panel))
        given = options.pop("random_state", None)
        seed = read_seed(self.random_state if given is None else given)
        how = {"pattern": "own", **options}
        drawn = isinstance(how["pattern"], str) or callable(how["pattern"])
        edges = [0, len(panel.ids)]
        if part is None and drawn:
            edges = group_edges(np.diff(panel.bounds), TOGETHER)
        for number, (first, stop) in enumerate(pairwise(edges), start=part or 0):
            some = group_of(panel, first, stop)
            rng = np.random.default_rng([seed, number])
            try:
                scored = [
                    self._score_hidden(some, hide(some, rng=rng, **how), repeat, rng)
                    for repeat in range(n_repeats)
                ]
            except NothingToHide:
                if part is None and len(edges) == 2:
                    raise
                scored = []  # other groups may have some
            yield gathered(scored), stop - first

    def _score_hidden(
        self, panel: Panel, hidden: NDArray[np.bool_], repeat: int, rng: Any
    ) -> pd.DataFrame:
        """Score the truth of hidden cells; see `tsdiff.calibrating.merging.learn`."""
        shown = replace(panel, values=np.where(hidden, np.nan, panel.values))
        cells = np.flatnonzero(hidden)
        row, channel = np.divmod(cells, len(panel.channels))
        first, second = self._place(shown, cells)
        series, stretch = stretch_of(panel.bounds, row)
        columns = {
            "score": self._scores_of(shown, cells, panel.values.ravel()[cells], rng),
            "first": first,
            "second": second,
            "channel": channel,
            "unit": gap_starts(shown, cells) + repeat * len(panel.values),
            "series": series,
            "stretch": stretch,
            "window": 0,
        }
        return pd.DataFrame(columns)

    def _place(self, panel: Panel, cells: Ints) -> tuple[Floats, Floats]:
        """Length of the gap and distance to the nearest observation, in rows."""
        length = gap_lengths(panel).astype(float).ravel()[cells]
        return length, distances(panel).ravel()[cells]
