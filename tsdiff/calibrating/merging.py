"""Scores of groups of series, put together as if they were one panel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.calibration import N_FOLDS, Calibration, Scored

Ints = NDArray[np.int64]

MOST_WINDOWS = 2000
MANY_SERIES = 2 * N_FOLDS
_NO_WINDOW = -1
_COLUMNS = {"score": float, "first": float, "second": float} | dict.fromkeys(
    ("channel", "unit", "series", "stretch", "window"), np.int64
)


def stretch_of(bounds: Ints, row: Ints) -> tuple[Ints, Ints]:
    """Find the series of rows, and which part of the series each lies in.

    Parameters
    ----------
    bounds : ndarray of int, shape (n_series + 1,)
    row : ndarray of int, shape (n,)

    Returns
    -------
    series : ndarray of int, shape (n,)
    stretch : ndarray of int, shape (n,)
        Below `N_FOLDS`.
    """
    series = np.searchsorted(bounds, row, side="right") - 1
    length = np.diff(bounds)[series]
    return series, (row - bounds[series]) * N_FOLDS // length


def gathered(
    parts: Sequence[pd.DataFrame], able: Ints | tuple[()] = ()
) -> pd.DataFrame:
    """Put the scores of a group together.

    Parameters
    ----------
    parts : sequence of DataFrame
        As for `learn`.
    able : ndarray of int, optional
        Series that could have been scored: those of which nothing was get a row that
        says so.

    Returns
    -------
    DataFrame
    """
    empty = pd.DataFrame({name: np.empty(0, kind) for name, kind in _COLUMNS.items()})
    scored = pd.concat([*parts] or [empty], ignore_index=True)
    idle = np.setdiff1d(able, scored["series"])
    if not len(idle):
        return scored
    columns = {**dict.fromkeys(_COLUMNS, 0), "series": idle, "window": _NO_WINDOW}
    return pd.concat([scored, pd.DataFrame(columns)], ignore_index=True)


def learn(groups: Iterable[tuple[pd.DataFrame, int]], n_channels: int) -> Calibration:
    """Learn one calibration from scores of groups of series.

    Parameters
    ----------
    groups : iterable of (DataFrame, int)
        Scored cells of a group, and how many series it has. Columns are the first
        fields of `Scored`, to `unit`, and `series`, `stretch` (see `stretch_of`) and
        `window`, the number of the forecast, from the last one on. Units and series
        are numbered within their group. A series that could have been scored has a
        row at least; see `gathered`.
    n_channels : int

    Returns
    -------
    Calibration
        The same as of all series in one group: no matter how they were grouped, as
        long as their scores are the same. What is new of a new question is its series,
        if there are many, and folds are of series then.

    Raises
    ------
    ValueError
        If there is no score.
    """
    frames: list[pd.DataFrame] = []
    n_series, n_units = 0, 0
    for frame, n in groups:
        moved = {"series": frame["series"] + n_series, "unit": frame["unit"] + n_units}
        frames.append(frame.assign(**moved))
        n_series += n
        n_units += int(frame["unit"].max()) + 1 if len(frame) else 0
    cells = pd.concat(frames, ignore_index=True)
    most = max(MOST_WINDOWS // max(cells["series"].nunique(), 1), 1)
    cells = cells[cells["window"].between(0, most - 1)]
    if cells.empty:
        raise ValueError(
            "There is nothing to calibrate on: series are too short, have nothing to "
            "score, or all of their rows were part of the fit. Give other ones."
        )
    many = n_series >= MANY_SERIES
    cells["cluster"] = cells["series" if many else "unit"]
    cells["fold"] = cells["series"] * N_FOLDS // n_series if many else cells["stretch"]
    fields = (cells[name].to_numpy() for name in Scored.__annotations__)
    return Calibration.learn(Scored(*fields), n_channels)
