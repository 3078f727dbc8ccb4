"""Rolling origin: where the cutoffs lie, and what is known at each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.backtesting.covariates import Beside, Span
from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_count

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Origins:
    """Cutoffs of each series, counted from its end.

    Attributes
    ----------
    panel : Panel
        Of y.
    frame : DataFrame
        Its rows in the form that models are given.
    beside : Beside or None
    static : DataFrame or None
    h, gap, step, n_windows : int
    """

    panel: Panel
    frame: pd.DataFrame
    beside: Beside | None
    static: pd.DataFrame | None
    h: int
    gap: int
    step: int
    n_windows: int

    @property
    def n_ahead(self) -> int:
        """Steps that a model is asked for: those of the gap are not scored."""
        return self.h + self.gap

    def ends(self, fold: int) -> Ints:
        """Row behind the history of each series, shape (n_series,)."""
        left = (self.n_windows - 1 - fold) * self.step + self.n_ahead
        return self.panel.bounds[1:] - left

    def ahead(self, fold: int) -> Ints:
        """Rows behind the cutoff, gap and all, shape (n_series, gap + h)."""
        return self.ends(fold)[:, None] + np.arange(self.n_ahead)

    def history(self, fold: int) -> dict[str, Any]:
        """Collect what is known at a cutoff, under the series' own names.

        Returns
        -------
        dict
            `y` and, if there are any, `X` and `static`.
        """
        first, ends = self.panel.bounds[:-1], self.ends(fold)
        known: dict[str, Any] = {"y": self.frame.iloc[_rows(first, ends)]}
        many = isinstance(self.frame.index, pd.MultiIndex)
        if self.beside is not None:
            ids = self.panel.ids if many else None
            known["X"] = self.beside.cut(self._spans(fold, first), ids)
        return known if self.static is None else known | {"static": self.static}

    def together(self, folds: Sequence[int], memory: int | None) -> dict[str, Any]:
        """Collect what is known at several cutoffs: one panel, each window a series.

        Parameters
        ----------
        folds : sequence of int
        memory : int or None
            Last rows of a history that an answer depends on.

        Returns
        -------
        dict
            As `history`; series are numbered, those of a fold side by side.
        """
        n_series = len(self.panel.ids)
        ends = np.concatenate([self.ends(fold) for fold in folds])
        first = np.tile(self.panel.bounds[:-1], len(folds))
        if memory is not None:
            first = np.maximum(first, ends - memory)
        rows, names = _rows(first, ends), np.arange(len(ends)).repeat(ends - first)
        index = pd.MultiIndex.from_arrays([names, self.panel.stamps.take(rows)])
        y = self.frame.iloc[rows].set_axis(index)
        known: dict[str, Any] = {"y": y}
        if self.beside is not None:
            parts = first.reshape(len(folds), n_series)
            spans = [
                s for f, a in zip(folds, parts, strict=True) for s in self._spans(f, a)
            ]
            known["X"] = self.beside.cut(spans, range(len(spans)))
        if self.static is not None:
            single = self.panel.ids == (None,)
            ids = pd.Index(self.panel.ids)
            own = [0] if single else self.static.index.get_indexer(ids)
            row = np.tile(own, len(folds))
            known["static"] = self.static.iloc[row].set_axis(range(len(row)))
        return known

    def wanted(self, folds: Sequence[int], *, together: bool) -> pd.Index:
        """Labels of the rows of an answer: those behind the cutoffs, gap and all."""
        rows = np.concatenate([self.ahead(fold).ravel() for fold in folds])
        if not together:
            return self.frame.index.take(rows)
        names = np.arange(len(rows) // self.n_ahead).repeat(self.n_ahead)
        return pd.MultiIndex.from_arrays([names, self.panel.stamps.take(rows)])

    def _spans(self, fold: int, first: Ints) -> list[Span]:
        stamps, ends = self.panel.stamps, self.ends(fold)
        return [
            Span(i, stamps[a], stamps[b - 1], stamps[b - 1 + self.n_ahead])
            for i, (a, b) in enumerate(zip(first, ends, strict=True))
        ]

    def cells(self, fold: int) -> tuple[Ints, ...]:
        """Scored cells: those behind the gap whose truth is known.

        Returns
        -------
        series, step, channel : ndarray of int, shape (M,)
            Steps are counted from the end of the gap, from 0.
        """
        rows = self.ahead(fold)[:, self.gap :]
        return np.nonzero(self.panel.observed[rows])

    def table(self, folds: Sequence[int]) -> pd.DataFrame:
        """Describe the scored cells of some folds, a row for each."""
        rows = np.stack([self.ahead(fold)[:, self.gap :] for fold in folds])
        cutoffs = np.stack([self.ends(fold) - 1 for fold in folds])
        fold, series, step, channel = np.nonzero(self.panel.observed[rows])
        row = rows[fold, series, step]
        ids = [0] if self.panel.ids == (None,) else list(self.panel.ids)
        return pd.DataFrame(
            {
                "fold": np.asarray(folds)[fold],
                "unique_id": pd.Index(ids).take(series),
                "ds": self.panel.stamps.take(row),
                "channel": pd.Index(self.panel.channels).take(channel),
                "cutoff": self.panel.stamps.take(cutoffs[fold, series]),
                "horizon": step + 1,
                "y": self.panel.values[row, channel],
            }
        )


def check_origins(
    panel: Panel, h: Any, n_windows: Any, step_size: Any, gap: Any
) -> dict[str, int]:
    """Check how many windows are asked for against the data.

    Returns
    -------
    dict
        `h`, `gap`, `step` and `n_windows`.

    Raises
    ------
    ValueError
        If a number is no count, or the data are too short.
    """
    h, n_windows = check_count("h", h), check_count("n_windows", n_windows)
    step = h if step_size is None else check_count("step_size", step_size)
    if gap != 0 or isinstance(gap, bool):
        gap = check_count("gap", gap)
    length = np.diff(panel.bounds)
    short = int(length.argmin())
    whose = (
        "y has"
        if panel.ids == (None,)
        else (f"the shortest series, {panel.ids[short]!r}, has")
    )
    behind = int(length[short]) - 1 - h - gap  # rows left where history has one
    if behind < 0:
        raise ValueError(
            f"h={h} and gap={gap} leave no history: {whose} {length[short]} row(s). "
            "Give a shorter h, or more data."
        )
    most = behind // step + 1
    if n_windows > most:
        raise ValueError(
            f"n_windows={n_windows} with h={h}, gap={gap} and step_size={step} need "
            f"{1 + h + gap + (n_windows - 1) * step} rows, and {whose} {length[short]}."
            f" At most {most} window(s) fit; give n_windows={most}, or more data."
        )
    return {"h": h, "gap": gap, "step": step, "n_windows": n_windows}


def _rows(first: Ints, stop: Ints) -> Ints:
    """Rows of several runs, one behind the other."""
    length = stop - first
    start = np.cumsum(length) - length
    return np.repeat(first - start, length) + np.arange(length.sum())
