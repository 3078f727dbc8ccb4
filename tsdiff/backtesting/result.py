"""BacktestResult: all answers of a backtest, and how good they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.backtesting.comparing import compare_groups, paired, say, steps_of
from tsdiff.backtesting.grouping import By, group_labels
from tsdiff.backtesting.scoring import cell_scores, level_columns, mean_scores
from tsdiff.validation import listing

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class BacktestResult:
    """Answers of all models to all cells that were scored.

    Attributes
    ----------
    frame : DataFrame
        One row a model and cell: ``unique_id`` (0 for a single series), ``ds``,
        ``channel``; ``cutoff`` and ``horizon``, or ``repeat``, ``gap_length`` and
        ``distance``; ``model``, ``y``, and a column for each level: ``q-0.05``, ...
    levels : ndarray of shape (K,)
        Of the quantiles.
    failures : DataFrame
        Columns model, fold (window or repeat, from 0) and error; empty if all went
        well.
    scales : Series
        By unique_id and channel: the mean absolute deviation of the data from their
        median, in units of y; pooled scores are in units of it.
    step : Timedelta or None
        Time from row to row, if it is always the same.
    """

    frame: pd.DataFrame
    levels: Floats
    failures: pd.DataFrame
    scales: pd.Series
    step: pd.Timedelta | None = None

    @property
    def models(self) -> list[str]:
        """Names of the models that have answered."""
        return self.frame["model"].unique().tolist()

    def __repr__(self) -> str:
        fold = "cutoff" if "cutoff" in self.frame else "repeat"
        n_cells = len(self.frame) // max(len(self.models), 1)
        failed = f"; {len(self.failures)} failure(s)" if len(self.failures) else ""
        return (
            f"BacktestResult({listing(self.models)}: {n_cells:,} cells, "
            f"{self.frame[fold].nunique()} {fold}(s){failed})"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of `frame`."""
        return self.frame.copy()

    def scores(self, by: By = None, *, scaled: bool | None = None) -> pd.DataFrame:
        """Score the models, over all cells or by group.

        Parameters
        ----------
        by : str, list of str, mapping or None, default None
            Columns of `frame` that make groups. "gap_length" and "distance" are put
            into four bins; a mapping gives the upper edges of bins, as in
            ``{"gap_length": [3, 12]}``, or None.
        scaled : bool, optional
            Whether errors are divided by `scales`. By default they are if a group
            holds several channels or series, whose units may differ; otherwise they
            are in units of y.

        Returns
        -------
        DataFrame
            Indexed by model and group. ``n`` cells; ``crps``, the mean of twice the
            pinball loss over the levels k/20 (or ``pinball``, over the levels there
            are); ``mae``, ``rmse`` and ``bias`` of the median; for intervals of 50, 80,
            90 and 95 % ``coverage_90``, ``width_90`` and ``interval_score_90``; and
            ``unit``, which is "y" or "scale". Cells that a model left unanswered do not
            count.

        Raises
        ------
        ValueError
            If `by` names no column, or a group has no cell.
        """
        labels = group_labels(self._described(), by)
        scale = self._scale(self.frame, labels, scaled)
        divisor = np.ones(len(self.frame)) if scale is None else scale
        each = cell_scores(self.frame, self.levels, divisor)
        table = mean_scores(each, self.frame["model"], labels)
        return table.assign(unit="y" if scale is None else "scale")

    def compare(self, model: str, other: str, by: By = None) -> pd.DataFrame:
        """Compare two models on the cells that both have answered.

        The p-value is that of a paired bootstrap over blocks of time, and over series
        if there are five or more: see `tsdiff.significance.block_bootstrap`.

        Parameters
        ----------
        model, other : str
        by : str, list of str, mapping or None, default None
            As in `scores`.

        Returns
        -------
        DataFrame
            A row for each group, or "all": ``n`` cells; ``crps`` and ``crps_other`` (or
            ``pinball``, see `scores`), in ``unit``; ``change``, their relative
            difference, negative if `model` is better; ``p_value``, two-sided, NaN for
            a group of one time and one series.

        Raises
        ------
        ValueError
            If a model is not in the result, both have no cell in common, or `by` can't
            be used.
        """
        pair = self._paired(model, other)
        labels = group_labels(self._described_of(pair), by)
        unit, loss = self._losses(pair, labels)
        table = compare_groups(pair, loss, labels)
        name = pair.attrs["loss"]
        names = {"ours": name, "theirs": f"{name}_other"}
        return table.rename(columns=names).assign(unit=unit)

    def verdict(self, model: str, other: str, by: By = None) -> str:
        """Say in a sentence where a model is better than another, and where worse.

        Parameters
        ----------
        model, other : str
        by : str or mapping, optional
            One column of numbers, as in `scores`. By default "gap_length" or "horizon",
            in four bins.

        Returns
        -------
        str
            Differences are named where p is at most 0.05, corrected for the number of
            groups by Holm's method.

        Raises
        ------
        ValueError
            As `compare`, or if `by` is no column of numbers.
        """
        pair = self._paired(model, other)
        cells = self._described_of(pair)
        column, edges = steps_of(cells, by)
        labels = group_labels(cells, {column: edges} if len(edges) else None)
        _, loss = self._losses(pair, labels)
        return say(pair, loss, labels, (model, other), self.step)

    def _paired(self, model: str, other: str) -> pd.DataFrame:
        """Losses of two models on the same cells."""
        for name in (model, other):
            if name not in self.models:
                raise ValueError(
                    f"Model {name!r} is not in the result; there are "
                    f"{listing(map(repr, self.models))}."
                )
        return paired(self.frame, self.levels, model, other)

    def _described_of(self, pair: pd.DataFrame) -> pd.DataFrame:
        return pair.drop(columns=["ours", "theirs"])

    def _losses(
        self, pair: pd.DataFrame, labels: dict[str, pd.Categorical]
    ) -> tuple[str, pd.DataFrame]:
        """Losses as they are or, if units may differ, over their scales."""
        scale = self._scale(pair, labels, None)
        loss = pair[["ours", "theirs"]]
        return ("y", loss) if scale is None else ("scale", loss.div(scale, axis=0))

    def _described(self) -> pd.DataFrame:
        """Columns that say what a cell is."""
        return self.frame.drop(columns=["model", "y", *level_columns(self.levels)])

    def _scale(
        self,
        cells: pd.DataFrame,
        labels: dict[str, pd.Categorical],
        scaled: bool | None,
    ) -> Floats | None:
        """Find what the errors of each cell are divided by; None if they are not."""
        strand = pd.MultiIndex.from_frame(cells[["unique_id", "channel"]])
        if scaled is None:
            code = pd.Series(pd.factorize(strand)[0])
            keys = [pd.Series(label) for label in labels.values()]
            keys = keys or [pd.Series(np.zeros(len(code)))]
            scaled = bool((code.groupby(keys, observed=True).nunique() > 1).any())
        if not scaled:
            return None
        return self.scales.loc[strand.unique()].reindex(strand).to_numpy()
