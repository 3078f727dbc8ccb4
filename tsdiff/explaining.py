"""Explaining: which observed cells moved an answer, by asking again without them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.bands import as_coverage, interval_alpha
from tsdiff.panel.frame import Panel
from tsdiff.panel.future import relaid
from tsdiff.parameters import check_count
from tsdiff.validation import listing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

_REACH = 96  # rows to each side, for models that see no windows
_BLOCKS = 24  # of each channel, by default
_MOST_NUMBERS = 2**23  # of data asked about together, 64 MB


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """What each block of observed cells did to the answer of one cell.

    Attributes
    ----------
    frame : DataFrame
        A row for each block with an observed cell, channel by channel in order of time:
        ``channel``, ``start`` and ``stop`` (labels of its first and last row),
        ``n_cells`` (observed ones), ``shift`` (median given all data less that without
        the block) and ``width_change`` (of the interval; below 0 the block narrows it).
    row, channel : hashable, str
        The cell.
    median, low, high : float
        Its answer given all data.
    coverage : float
        Of the interval from `low` to `high`.
    calibrated : bool
    panel : Panel
        The series of the cell, as it was shown.
    place : int
        Row of the cell in `panel`.
    """

    frame: pd.DataFrame
    row: Hashable
    channel: str
    median: float
    low: float
    high: float
    coverage: float
    calibrated: bool
    panel: Panel
    place: int

    @property
    def n_answers(self) -> int:
        """Answers that the explanation cost: one a block, and that given all data."""
        return len(self.frame) + 1

    def __repr__(self) -> str:
        return (
            f"Explanation({self.channel!r} at {self.row}: {self.median:g} "
            f"({self.low:g} to {self.high:g}); {len(self.frame)} blocks)"
        )


def explain(
    model: Any,
    data: Any,
    cell: tuple[Hashable, str],
    *,
    block: int | None = None,
    reach: int | None = None,
    coverage: float = 0.9,
    h: int | None = None,
    X: Any = None,
) -> Explanation:
    """Tell which observed cells moved an answer, by asking again without them.

    One block of cells of one channel after the other is hidden; all these questions
    are asked together, as series of one panel. The cost is one answer a block and one
    more. Answers are quantiles in closed form; where a model has to draw them, all
    start from the same random numbers.

    Parameters
    ----------
    model : fitted imputer or forecaster
        One of this library.
    data : DataFrame, Series, array or polars frame
        What the model is asked about: data with gaps, or the history of a forecast.
    cell : (label, str)
        Label of the row, (unique_id, ds) if there are many series, and column, of a
        missing cell or of one to forecast. Rows of an array have numbers.
    block : int, optional
        Rows hidden together; by default as many as make about 24 blocks a channel. One
        block is centred on the row of the cell.
    reach : int, optional
        Rows to each side of the cell in which cells are hidden; by default the window
        of the model, or 96 for models that have none.
    coverage : float, default 0.9
        Of the interval whose width is followed.
    h : int, optional
        Steps ahead, for a forecaster; the `horizon` of the fit by default.
    X : as `data`, optional
        Covariates, for a forecaster, with the rows to forecast. They are hidden too.

    Returns
    -------
    Explanation
        Its ``frame`` holds the effects. See `tsdiff.plotting.plot_explanation`.

    Raises
    ------
    NotFittedError, TypeError, ValueError
        As `transform` or `predict`, and if the cell is not among those answered.

    Notes
    -----
    Effects are those of leaving one block out (occlusion: Zeiler and Fergus, 2014,
    ECCV). They do not add up: of two blocks that say the same, neither is missed, as
    the other one stays. They tell what the model uses, not what causes what. Blocks
    that hide the end of a history make the forecast longer.

    Examples
    --------
    >>> from tsdiff.baselines import LinearInterpolation
    >>> y = pd.DataFrame({"y": [1.0, 2.0, np.nan, 4.0, 4.0]})
    >>> found = explain(LinearInterpolation().fit(y), y, (2, "y"), block=1)
    >>> found.median, found.frame["shift"].round(3).tolist()
    (3.0, [0.0, 0.0, 0.333, 0.0])
    """
    level = as_coverage(coverage)
    if len(level) != 1:
        raise ValueError(f"coverage is of one interval here, got {coverage!r}.")
    panel, asked = _question(model, data, cell, h, X)
    panel, place, channel = _own_series(panel, asked)
    window = getattr(getattr(model, "model_", None), "n_steps", _REACH)
    reach = check_count("reach", window if reach is None else reach)
    nearby = min(place, reach) + min(len(panel.values) - 1 - place, reach) + 1
    block = check_count("block", -(-nearby // _BLOCKS) if block is None else block)
    number = _blocks(panel, place, block, reach)
    levels = np.append(0.5, interval_alpha(level))
    answers = _answers(model, panel, (place, channel), number, levels)
    median, width = answers[:, 0], answers[:, 2] - answers[:, 1]
    table = _spans(panel, number)
    table["shift"] = median[0] - median[1:]
    table["width_change"] = width[0] - width[1:]
    middle, low, high = answers[0].tolist()
    return Explanation(
        frame=table,
        row=cell[0],
        channel=panel.channels[channel],
        median=middle,
        low=low,
        high=high,
        coverage=float(level[0]),
        calibrated=model._is_calibrated,
        panel=panel,
        place=place,
    )


def _question(
    model: Any, data: Any, cell: tuple[Hashable, str], h: Any, X: Any
) -> tuple[Panel, int]:
    """Read data and cell: the panel that the model is shown, and a flat index."""
    if not isinstance(cell, tuple) or len(cell) != 2:
        raise TypeError(
            "cell is a pair, the label of a row and the name of a column; got "
            f"{cell!r}."
        )
    if hasattr(model, "transform"):
        if h is not None or X is not None:
            raise ValueError(
                "h and X are of forecasts, and this model fills gaps. Leave them out, "
                "or give a forecaster."
            )
        panel, cells = model._read(data)
        place = _find(panel, cell)
        if place not in cells:
            raise ValueError(
                f"The cell {cell!r} is not answered: it is observed, or in a gap "
                "longer than max_gap. Set it to NaN in data to ask for it."
            )
        return panel, place
    asked = model._ask(h, data, X, None)
    return asked.panel, int(asked.cells[_find(asked.frame, cell)])


def _find(panel: Panel, cell: tuple[Hashable, str]) -> int:
    """Flat index of a labelled cell."""
    label, name = cell
    if name not in panel.channels:
        raise ValueError(
            f"There is no column {name!r}; there are "
            f"{listing(map(repr, panel.channels))}."
        )
    index: Any = panel.index
    try:
        row = np.arange(len(index))[index.get_loc(label)]
    except (KeyError, TypeError):
        row = np.empty(0)
    if np.size(row) != 1:
        raise ValueError(
            f"The label {label!r} is that of {np.size(row)} rows to answer in, which "
            f"go from {index[0]} to {index[-1]}. Give the label of one."
        )
    return int(row) * len(panel.channels) + panel.channels.index(name)


def _own_series(panel: Panel, cell: int) -> tuple[Panel, int, int]:
    """Keep the series of a cell; also the row and the channel of the cell in it."""
    row, channel = divmod(cell, len(panel.channels))
    series = int(np.searchsorted(panel.bounds, row, side="right")) - 1
    first, stop = panel.bounds[series : series + 2]
    own = _series(panel, np.arange(first, stop), [series])
    return own, row - int(first), channel


def _series(panel: Panel, rows: Ints, series: list[int]) -> Panel:
    """Take some series, one after the other; `rows` are theirs."""
    length = np.diff(panel.bounds)[series]
    number = np.repeat(np.arange(len(series)), length)
    index: Any = panel.stamps.take(rows)
    if len(series) > 1:
        index = pd.MultiIndex.from_arrays([number, index])
    return replace(
        panel,
        values=panel.values[rows],
        bounds=np.concatenate([[0], np.cumsum(length)]),
        ids=tuple(panel.ids[one] for one in series),
        elapsed=panel.elapsed[rows],
        calendar=panel.calendar[rows],
        layout=relaid(panel.layout, index, len(series)),
    )


def _blocks(panel: Panel, place: int, block: int, reach: int) -> Ints:
    """Give each observed cell the number of its block, (N, C); -1: none."""
    offset = np.arange(len(panel.values)) - place
    step = (offset + block // 2) // block
    step -= step.min()
    number = step[:, None] + np.arange(len(panel.channels)) * (step.max() + 1)
    hidden = panel.observed & (np.abs(offset) <= reach)[:, None]
    found, dense = np.unique(number[hidden], return_inverse=True)
    answer = np.full(number.shape, -1)
    answer[hidden] = np.arange(len(found))[dense]
    return answer


def _answers(
    model: Any, panel: Panel, cell: tuple[int, int], number: Ints, levels: Floats
) -> Floats:
    """Quantiles of a cell given all data, then without each block: (1 + B, k).

    All are asked as series of one name in one panel, which then share their noise;
    several panels where one would take too much memory.
    """
    n_rows, n_channels = panel.values.shape
    n_asked = int(number.max(initial=-1)) + 2
    size = max(_MOST_NUMBERS // panel.values.size, 1)
    parts = []
    for first in range(0, n_asked, size):
        without = np.arange(first, min(first + size, n_asked)) - 1  # -1: hide nothing
        rows = np.tile(np.arange(n_rows), len(without))
        copies = _series(panel, rows, [0] * len(without))
        hide = np.repeat(without, n_rows)[:, None] == number[rows]
        hide &= number[rows] >= 0
        copies = replace(copies, values=np.where(hide, np.nan, copies.values))
        row, channel = cell
        at = (np.arange(len(without)) * n_rows + row) * n_channels + channel
        parts.append(model._whole_answer(copies, at, levels).T)
    return np.concatenate(parts)


def _spans(panel: Panel, number: Ints) -> pd.DataFrame:
    """Say where each block lies and how many cells it has."""
    channel, row = np.nonzero(number.T >= 0)
    own = number.T[channel, row]
    _, first, count = np.unique(own, return_index=True, return_counts=True)
    last = first + count - 1
    return pd.DataFrame(
        {
            "channel": [panel.channels[k] for k in channel[first]],
            "start": panel.stamps.take(row[first]),
            "stop": panel.stamps.take(row[last]),
            "n_cells": count,
        }
    )
