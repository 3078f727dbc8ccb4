"""Covariates as they were known at a cutoff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from tsdiff.panel.alignment import rows_after
from tsdiff.panel.covariates import learn_covariates, told
from tsdiff.panel.frame import Panel


class Span(NamedTuple):
    """Rows of a series that a window is told of.

    Attributes
    ----------
    series : int
        In the panel of y.
    first, cutoff, last : label
        Stamps of the first and last row of the history, and of the last one ahead.
    """

    series: int
    first: Any
    cutoff: Any
    last: Any


@dataclass(frozen=True)
class Beside:
    """Covariates of all rows, from which those known at a cutoff are cut.

    Attributes
    ----------
    frame : DataFrame
        One row a stamp, series by series.
    stamps : Index
        Of its rows.
    bounds : ndarray of shape (n_blocks + 1,)
        Rows of each series; one block if it holds for all.
    block : ndarray of int, shape (n_series,)
        Block of each series of y.
    past : tuple
        Columns that are known in the past only.
    goes_on : bool
        Whether X goes on behind the end of y; where it does not, nothing is told of
        the future of any column.
    """

    frame: pd.DataFrame
    stamps: Any
    bounds: np.ndarray
    block: np.ndarray
    past: tuple
    goes_on: bool

    def cut(self, spans: Sequence[Span], ids: Sequence[Any] | None) -> pd.DataFrame:
        """Cut what is known of some windows.

        Parameters
        ----------
        spans : sequence of Span
        ids : sequence, optional
            Name of each span in the answer; None for a single one without.

        Returns
        -------
        DataFrame
            Values of columns of the past are NaN behind the cutoff; without rows ahead
            if X ended with y.
        """
        rows, behind, counts = [], [], []
        for span in spans:
            block = self.block[span.series]
            start, stop = self.bounds[block], self.bounds[block + 1]
            stamps = self.stamps[start:stop]
            lo = stamps.searchsorted(span.first, "left")
            mid = stamps.searchsorted(span.cutoff, "right")
            hi = stamps.searchsorted(span.last, "right") if self.goes_on else mid
            rows.append(start + np.arange(lo, hi))
            behind.append(np.arange(lo, hi) >= mid)
            counts.append(hi - lo)
        chosen, hidden = np.concatenate(rows), np.concatenate(behind)
        part = self.frame.iloc[chosen]
        known = {name: part[name].where(~hidden) for name in self.past}
        part = part.assign(**known) if known else part
        stamps = self.stamps.take(chosen)
        if ids is None:
            return part.set_axis(stamps)
        names = pd.Index(ids).repeat(counts)
        return part.set_axis(pd.MultiIndex.from_arrays([names, stamps]))


def read_beside(X: Any, panel: Panel) -> Beside:
    """Read covariates for a backtest.

    Parameters
    ----------
    X : DataFrame, Series, array or polars frame
        Columns with values behind the end of `panel` are known ahead, as for
        `DiffusionForecaster`.
    panel : Panel
        Of y.

    Returns
    -------
    Beside

    Raises
    ------
    TypeError, ValueError
        If X can't be used beside y.
    """
    covariates, x = learn_covariates(X, panel.channels)
    later = rows_after(x, panel, of_all=True)
    covariates = told(covariates, x, later)
    raw = _as_pandas(X, covariates.columns)
    if x.layout.rows is not None:
        raw = raw.iloc[np.argsort(x.layout.rows)]
    number = {name: i for i, name in enumerate(x.ids)}
    whole = x.ids == (None,)
    return Beside(
        frame=raw.reset_index(drop=True),
        stamps=x.stamps,
        bounds=x.bounds,
        block=np.array([0 if whole else number[name] for name in panel.ids]),
        past=covariates.past_columns,
        goes_on=len(later) > 0,
    )


def _as_pandas(X: Any, columns: Sequence[str]) -> pd.DataFrame:
    """Columns of X as pandas, as they were given; what is yes or no as 1 or 0."""
    known = nw.from_native(X, pass_through=True, allow_series=True)
    if isinstance(known, nw.Series):
        known = known.to_frame()
    if isinstance(known, nw.DataFrame):
        frame = known.to_pandas()
        frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
        frame = frame if len(frame.columns) == len(columns) else frame[list(columns)]
    else:
        array = np.asarray(X)
        frame = pd.DataFrame(array.reshape(-1, array.shape[-1]))
    frame = frame.set_axis(list(columns), axis=1)
    flags = frame.select_dtypes("bool").columns
    return frame.astype(dict.fromkeys(flags, float))
