"""What the frame of a backtest says in numbers: what is covered, by whom and where.

Words: n scored cells, K quantile levels, G groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.plotting.stamps import time_axis
from tsdiff.validation import listing

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

_PREFIX = "q-"  # of the columns that hold quantiles
_MOST_GROUPS = 60


@dataclass(frozen=True)
class Scored:
    """The scored cells of a backtest that have a truth and an answer.

    Attributes
    ----------
    table : DataFrame of n rows
        Columns that say what is scored: model, series, channel, horizon, ...
    y : ndarray of shape (n,)
        Truth.
    quantiles : ndarray of shape (K, n)
    levels : ndarray of shape (K,)
        Ascending.
    n_unanswered : int
        Cells left out because the model gave no answer.
    scale : ndarray of shape (n,) or None
        Spread of the data of each cell's series and channel, if the result knows it.
    """

    table: pd.DataFrame
    y: Array
    quantiles: Array
    levels: Array
    n_unanswered: int
    scale: Array | None = None

    @classmethod
    def of(cls, result: Any) -> Scored:
        """Read the frame of a backtest.

        Parameters
        ----------
        result : BacktestResult or DataFrame
            Its ``frame``: a row per model and scored cell, columns ``model``, ``y``
            and quantiles ``q-0.05``, ...

        Returns
        -------
        Scored

        Raises
        ------
        TypeError
            It is no frame and has none.
        ValueError
            A column is missing, or there is nothing to score.
        """
        frame = getattr(result, "frame", result)
        if not isinstance(frame, pd.DataFrame):
            raise TypeError(
                f"Pass what backtest() returned, or its frame; got {type(result)}."
            )
        names = [str(name) for name in frame if str(name).startswith(_PREFIX)]
        lacking = [name for name in ("model", "y") if name not in frame]
        if lacking or not names:
            lacking += [] if names else ["q-0.5 (quantiles)"]
            raise ValueError(
                f"The frame lacks {listing(lacking)}; it has "
                f"{listing(map(str, frame.columns))}. Pass the frame of a backtest."
            )
        names.sort(key=_level)
        numbers = frame[names].to_numpy(dtype=np.float64)
        y = frame["y"].to_numpy(dtype=np.float64)
        answered = ~np.isnan(numbers).any(axis=1)
        kept = answered & ~np.isnan(y)
        if not kept.any():
            raise ValueError("The frame has no cell with both a truth and an answer.")
        table = frame.loc[kept, [name for name in frame if name not in {*names, "y"}]]
        levels = np.array([_level(name) for name in names])
        unanswered = int((~answered).sum())
        scales = getattr(result, "scales", None)
        scale = None if scales is None else _scale(table, scales)
        return cls(table, y[kept], numbers[kept].T, levels, unanswered, scale)

    @property
    def models(self) -> list[Any]:
        """Names of the models, in the order of the frame."""
        return list(self.table["model"].unique())

    @property
    def note(self) -> str:
        """Say what is left out, for the subtitle."""
        if not self.n_unanswered:
            return ""
        return f" {self.n_unanswered:,} cells without an answer are left out."

    def owned(self, model: Any) -> NDArray[np.bool_]:
        """Cells that a model answers, shape (n,)."""
        return (self.table["model"] == model).to_numpy()

    def level(self, level: float) -> Array:
        """Quantiles at one level, shape (n,)."""
        at = np.flatnonzero(np.isclose(self.levels, level))
        if not len(at):
            raise ValueError(
                f"The frame has no quantile at level {level:g}; it has "
                f"{listing(f'{known:g}' for known in self.levels)}."
            )
        return self.quantiles[at[0]]

    def coverages(self) -> Array:
        """Coverage of the central intervals that the levels allow, ascending."""
        low = self.levels[self.levels < 0.5 - 1e-9]
        paired = [np.isclose(self.levels, 1 - level).any() for level in low]
        return (1 - 2 * low[np.array(paired, dtype=bool)])[::-1]

    def hits(self, coverage: float) -> Array:
        """Whether each cell lies in its central interval: 1.0 or 0.0, shape (n,)."""
        low, high = (1 - coverage) / 2, (1 + coverage) / 2
        inside = (self.level(low) <= self.y) & (self.y <= self.level(high))
        return inside.astype(float)

    def blocks(self) -> Ints:
        """Give the number of the window or gap that each cell lies in, shape (n,).

        Cells of one model, series and cutoff are a window. Hidden cells of one model,
        series and repeat are a gap if no row between them is left out.
        """
        keys = ["model", "unique_id", "cutoff", "repeat"]
        keys = [key for key in keys if key in self.table]
        by = self.table.groupby(keys, sort=False, dropna=False)
        number = np.array(by.ngroup().tolist(), dtype=np.int64)
        if "cutoff" in self.table or "ds" not in self.table:
            return number
        time = time_axis(pd.Index(self.table["ds"]))
        order = np.lexsort((time, number))
        wait, same = np.diff(time[order]).astype(float), np.diff(number[order]) == 0
        step = wait[same & (wait > 0)].min(initial=np.inf)
        fresh = ~same | (wait > step)
        block = np.empty(len(number), dtype=np.int64)
        block[order] = np.concatenate([[0], np.cumsum(fresh)])
        return block

    def groups(self, by: str) -> tuple[list[str], Ints]:
        """Sort the cells into groups.

        Parameters
        ----------
        by : str
            A column of the frame. Integers, horizons excepted, are binned by doubling:
            1, 2-3, 4-7, ...

        Returns
        -------
        labels : list of str of length G
        group : ndarray of int, shape (n,)

        Raises
        ------
        ValueError
            There is no such column, or it has too many values.
        """
        if by not in self.table:
            raise ValueError(
                f"The frame cannot be grouped by {by!r}; it has "
                f"{listing(map(repr, map(str, self.table)))}."
            )
        column = self.table[by]
        if by not in {"horizon", "unique_id"} and pd.api.types.is_integer_dtype(column):
            power = np.log2(np.maximum(column.to_numpy(), 1)).astype(np.int64)
            powers, group = np.unique(power, return_inverse=True)
            return [_bin(int(k)) for k in powers], group
        group, found = pd.factorize(column, sort=True)
        if len(found) > _MOST_GROUPS and by != "horizon":
            raise ValueError(
                f"{by!r} has {len(found)} values, more than {_MOST_GROUPS} cannot be "
                "told apart in a picture. Draw a part of the frame."
            )
        return [str(value) for value in found], np.asarray(group, dtype=np.int64)


def _scale(table: pd.DataFrame, scales: pd.Series) -> Array:
    """Find the scale of each cell, by series and channel."""
    strand = pd.MultiIndex.from_frame(table[["unique_id", "channel"]])
    return np.asarray(scales.loc[strand.unique()].reindex(strand), dtype=np.float64)


def _level(name: str) -> float:
    """Read the level of a quantile off its column's name."""
    try:
        return float(name.removeprefix(_PREFIX))
    except ValueError:
        raise ValueError(
            f"Column {name!r} does not name a quantile as 'q-0.05' does."
        ) from None


def _bin(power: int) -> str:
    low, high = 2**power, 2 ** (power + 1) - 1
    return f"{low}" if low == high else f"{low}-{high}"
