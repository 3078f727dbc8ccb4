"""Repair: scores of observed cells and proposals, laid out for the caller."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.bands import as_coverage, interval_suffixes
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, repr=False)
class Repair:
    """What the other cells say of each observed one.

    Attributes
    ----------
    panel : Panel
        The caller's data: N rows, C channels.
    tail : ndarray, shape (N, C)
        Probability, under the model, of a cell as odd as this; NaN where missing.
    proposal, low, high : ndarray, shape (N, C)
        Median and interval given the other cells; NaN where missing.
    coverage : float
        Of the interval.
    """

    panel: Panel
    tail: Floats
    proposal: Floats
    low: Floats
    high: Floats
    coverage: float

    def scores(self) -> Any:
        """Tail probability of each cell, in a frame with the caller's columns.

        Returns
        -------
        frame of the caller's kind (a DataFrame for a Series)
            Uniform between 0 and 1 where data follow the model; NaN where missing.
        """
        return self.panel.columns_frame(self.tail, list(self.panel.channels))

    def flagged(self, alpha: float = 1e-4) -> pd.DataFrame:
        """List the cells with a score below `alpha`, the oddest first.

        Parameters
        ----------
        alpha : float, default 1e-4
            Of n good cells about ``alpha * n`` are listed by chance, if they follow the
            model; real data have more odd cells than that, storms and the like.

        Returns
        -------
        DataFrame
            Columns ``unique_id`` (if there are many series), ``ds``, ``channel``,
            ``value``, ``score``, ``proposal``, ``lo-90`` and ``hi-90``.
        """
        row, channel = np.nonzero(self._below(alpha))
        labels: dict[str, Any] = {"ds": self.panel.stamps[row]}
        if len(self.panel.ids) > 1:
            ids = self.panel.index.get_level_values(0)
            labels = {"unique_id": ids[row], **labels}
        low, high = interval_suffixes(as_coverage(self.coverage))
        columns = {
            "value": self.panel.values,
            "score": self.tail,
            "proposal": self.proposal,
            low.lstrip("-"): self.low,
            high.lstrip("-"): self.high,
        }
        names = np.asarray(self.panel.channels, dtype=object)[channel]
        figures = {name: part[row, channel] for name, part in columns.items()}
        table = pd.DataFrame({**labels, "channel": names, **figures})
        return table.sort_values("score", kind="stable", ignore_index=True)

    def repaired(self, alpha: float = 1e-4) -> Any:
        """Put proposals in place of the cells with a score below `alpha`.

        Parameters
        ----------
        alpha : float, default 1e-4

        Returns
        -------
        frame of the caller's kind
            A new one; all other cells are the caller's, missing ones stay missing.
        """
        values = np.where(self._below(alpha), np.nan, self.panel.values)
        kept = replace(self.panel, values=values)
        return kept.frame(np.where(self.panel.observed, self.proposal, np.nan))

    def _below(self, alpha: float) -> Mask:
        if not 0 < alpha < 1:
            raise ValueError(
                f"alpha is a tail probability between 0 and 1 (both excluded), got "
                f"{alpha}."
            )
        return self.tail < alpha

    def __repr__(self) -> str:
        n_cells, n_odd = int(self.panel.observed.sum()), len(self.flagged())
        return f"Repair({n_odd} of {n_cells} observed cells score below 0.0001)"
