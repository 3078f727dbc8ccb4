"""From a backtest's frame to strips: one per series, fold, channel and model.

A *fold* is a cutoff of forecasts or a repeat of hidden cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.bands import interval_alpha
from tsdiff.panel.frame import Panel, to_panel
from tsdiff.plotting.scored import Scored
from tsdiff.plotting.shapes import MAX_POINTS
from tsdiff.plotting.stamps import time_axis, written_dates
from tsdiff.plotting.strips import Data, Strip, band_data
from tsdiff.validation import listing

Array = NDArray[np.float64]

TRUTH = "truth"
_CONTEXT, _SHORTEST_CONTEXT = 3, 24  # rows before a forecast: horizons; at least
_MOST_FOLDS = 24
_MOST_POINTS = 150_000  # on the page
_FEWEST_POINTS = 100  # of a trace


@dataclass(frozen=True)
class Folds:
    """The cells of a backtest, sorted into folds.

    Attributes
    ----------
    scored : Scored
    panel : Panel or None
        The data around the scored cells.
    numbers : ndarray of shape (1 + 2 * n_bands, n)
        Median and ends of the bands of each cell.
    cells : dict of (series, fold, channel, model) to ndarray of int
        Rows of the frame, in the order of time.
    time : ndarray of shape (n,)
    kind : {"cutoff", "repeat"}
    ids, folds, channels : tuple
        What there is, in order; folds are thinned to 24.
    n_folds : int
        Before thinning.
    """

    scored: Scored
    panel: Panel | None
    numbers: Array
    cells: dict[Any, NDArray[Any]]
    time: NDArray
    kind: str
    ids: tuple[Any, ...]
    folds: tuple[Any, ...]
    channels: tuple[Any, ...]
    n_folds: int

    @classmethod
    def of(cls, scored: Scored, data: Any, bands: Sequence[float]) -> Folds:
        """Sort the cells of a backtest; `data` may be None."""
        table = scored.table
        if "ds" not in table or not {"cutoff", "repeat"} & set(table):
            raise ValueError(
                "The frame lacks 'ds', or 'cutoff' and 'repeat'; it has "
                f"{listing(map(repr, map(str, table)))}. Pass the frame of a backtest."
            )
        kind = "cutoff" if "cutoff" in table else "repeat"
        keys = pd.DataFrame(
            {
                "unique_id": table.get("unique_id", 0),
                "fold": table[kind],
                "channel": table.get("channel", "value"),
                "model": table["model"],
            },
            index=table.index,
        )
        time = time_axis(pd.Index(table["ds"]))
        order = np.argsort(time, kind="stable")
        found = keys.iloc[order].groupby(list(keys), sort=False).indices
        cells = {place: order[rows] for place, rows in found.items()}
        levels = [0.5, *interval_alpha(np.asarray(bands))]
        folds = tuple(sorted(keys["fold"].unique()))
        few = np.linspace(0, len(folds) - 1, min(len(folds), _MOST_FOLDS)).round()
        return cls(
            scored,
            None if data is None else to_panel(data),
            np.stack([scored.level(level) for level in levels]),
            cells,
            time,
            kind,
            tuple(keys["unique_id"].unique()),
            tuple(folds[int(k)] for k in few),
            tuple(keys["channel"].unique()),
            len(folds),
        )

    def labels(self) -> list[str]:
        """Name each fold for the slider."""
        written = written_dates(time_axis(pd.Index(self.folds)))
        return [str(fold).replace("T", " ") for fold in written]

    def limit(self, n_strips: int) -> int:
        """Points of a trace, so that a page of `n_strips` series and channels holds."""
        n_traces = n_strips * len(self.folds) * (1 + len(self.scored.models))
        return int(np.clip(_MOST_POINTS // n_traces, _FEWEST_POINTS, MAX_POINTS))

    def draw(
        self, series: Any, fold: Any, channel: Any, bands: Sequence[float], limit: int
    ) -> list[Data]:
        """Arrays of a row: observed; bands, median, labels of each model; truth."""
        models = self.scored.models
        nothing = np.empty(0, dtype=np.int64)
        cells = [
            self.cells.get((series, fold, channel, model), nothing) for model in models
        ]
        every = np.concatenate(cells)
        time, first = np.unique(self.time[every], return_index=True)
        around = self._around(series, channel, time, self.scored.y[every[first]])
        traces: list[Data] = []
        shared: list[Data] = []
        for rows in cells:
            strip = self._strip(around, time, self.time[rows])
            numbers = self.numbers[:, rows]
            drawn = band_data(strip, bands, numbers, 0, TRUTH, limit)
            *bands_and_median, observed, truth, labels = drawn
            shared = shared or [observed, truth]
            traces += [*bands_and_median, _asked_only(labels)]
        return [shared[0], *traces, shared[1]]

    def _around(
        self, series: Any, channel: Any, time: NDArray, y: Array
    ) -> tuple[NDArray, Array]:
        """Take times and values of the scored rows and of their context."""
        if self.panel is None or not len(time):
            return time, y
        panel = self.panel
        alone = len(panel.ids) == 1
        known = alone or series in panel.ids
        if not known or channel not in panel.channels:
            what = f"channel {channel!r}" if known else f"series {series!r}"
            raise ValueError(
                f"data lacks the {what} of the backtest. Pass the data it was run on."
            )
        one = 0 if alone else panel.ids.index(series)
        span = slice(*panel.bounds[one : one + 2])
        rows = time_axis(panel.index[span])
        at = np.searchsorted(rows, time)
        if at[-1] >= len(rows) or (rows[at] != time).any():
            raise ValueError(
                f"data lacks rows of the backtest, which is of {time[0]} to {time[-1]}."
                " Pass the data it was run on."
            )
        values = panel.values[span, panel.channels.index(channel)].copy()
        values[at] = y
        if self.kind == "repeat":
            return rows, values
        before = max(_CONTEXT * len(time), _SHORTEST_CONTEXT)
        part = slice(max(at[0] - before, 0), at[-1] + 1)
        return rows[part], values[part]

    def _strip(
        self, around: tuple[NDArray, Array], scored: NDArray, mine: NDArray
    ) -> Strip:
        """Cut the strip of a model: scored cells are hidden, its own ones answered."""
        rows, values = around
        observed = ~np.isin(rows, scored) & ~np.isnan(values)
        nothing = np.empty((0, len(mine)))
        return Strip(rows, values, observed, np.isin(rows, mine), nothing)


def _asked_only(labels: Data) -> Data:
    """Leave out what the labels say of observed cells: models share these."""
    kept = np.array([not str(word).startswith("observed") for word in labels["text"]])
    kept = kept.astype(bool)
    return {key: array[kept] for key, array in labels.items()}
