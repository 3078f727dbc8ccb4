"""Calendar periods of a panel's rows, and frames with one row per period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.bands import column_names
from tsdiff.panel.layout import ArrayLayout, NarwhalsLayout

if TYPE_CHECKING:
    from tsdiff.panel.frame import Panel


@dataclass(frozen=True)
class Periods:
    """Stretches of consecutive rows, none across two series.

    Attributes
    ----------
    bounds : ndarray of int64, shape (P + 1,)
        Period p is the rows ``bounds[p]:bounds[p + 1]``.
    index : pandas.Index of length P
        Label of each period; with several series a MultiIndex of series and label.
    freq : str or None
        Pandas alias of the periods; None if each is a whole series.
    """

    bounds: NDArray[np.int64]
    index: pd.Index
    freq: str | None

    def __len__(self) -> int:
        return len(self.bounds) - 1


def periods_of(panel: Panel, freq: str | None) -> Periods:
    """Cut a panel's rows into calendar periods, or into its series.

    Parameters
    ----------
    panel : Panel
    freq : str or None
        Pandas alias of the periods, cut and labelled as by ``DataFrame.resample``;
        a period without a row is left out. None: each series is one period.

    Returns
    -------
    Periods

    Raises
    ------
    ValueError
        `freq` is given, but the rows have no dates.
    """
    several = len(panel.ids) > 1 or panel.ids[0] is not None
    if freq is None:
        index = pd.Index(panel.ids, name="unique_id") if several else pd.RangeIndex(1)
        return Periods(panel.bounds, index, None)
    stamps = panel.stamps
    if not isinstance(stamps, pd.DatetimeIndex | pd.PeriodIndex):
        raise ValueError(
            f"freq={freq!r} asks for calendar periods, but the rows have no dates "
            f"(their index is a {type(stamps).__name__}). Pass a frame with a "
            "DatetimeIndex or PeriodIndex, or freq=None for one figure per series."
        )
    label, number = _number_periods(stamps, freq)
    series = np.repeat(np.arange(len(panel.ids)), np.diff(panel.bounds))
    changes = (np.diff(number) != 0) | (np.diff(series) != 0)
    first = np.concatenate([[0], np.flatnonzero(changes) + 1])
    bounds = np.append(first, len(number)).astype(np.int64)
    if several:
        keys = [pd.Index(panel.ids)[series[first]], label[number[first]]]
        index = pd.MultiIndex.from_arrays(keys, names=panel.index.names)
    else:  # without an empty period the labels keep their own freq
        index = label if len(first) == len(label) else label[number[first]]
        index = index.rename(stamps.name)
    return Periods(bounds, index, freq)


def _number_periods(
    stamps: pd.DatetimeIndex | pd.PeriodIndex, freq: str
) -> tuple[pd.Index, NDArray[np.int64]]:
    """Label the periods, and number each stamp's, as ``resample`` would."""
    times = stamps.to_timestamp() if isinstance(stamps, pd.PeriodIndex) else stamps
    distinct = times.unique().sort_values()
    sizes = pd.Series(0, index=distinct).resample(freq).size()
    number = np.repeat(np.arange(len(sizes)), sizes.to_numpy())
    label = pd.DatetimeIndex(sizes.index)
    number = number[distinct.get_indexer(times)]
    return (label.to_period() if isinstance(stamps, pd.PeriodIndex) else label), number


def period_frame(
    panel: Panel, periods: Periods, table: NDArray[np.float64], suffixes: Sequence[str]
) -> Any:
    """Answer with one row per period, in the caller's kind of container.

    Parameters
    ----------
    panel : Panel
    periods : Periods
    table : ndarray of shape (1 + K, P, C)
        A figure of each period and channel, and K further ones, such as bounds.
    suffixes : sequence of str of length K
        What tells the columns of the further ones from their channel's.

    Returns
    -------
    DataFrame, ndarray of shape (P, C * (1 + K)) or frame of the caller's library
        Labelled by ``periods.index``, where the container has labels.
    """
    names = column_names(panel.channels, ["", *suffixes])
    changes: dict[str, Any] = {"index": periods.index, "rows": None}
    if isinstance(panel.layout, ArrayLayout):
        changes["shape"] = (len(periods), len(names))
    if isinstance(panel.layout, NarwhalsLayout) and periods.freq is None:
        changes["time"] = None
    rows = table.transpose(1, 2, 0).reshape(len(periods), len(names))
    return replace(panel.layout, **changes).wrap(rows, names)
