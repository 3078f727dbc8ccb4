"""What stands before a forecast in its picture: the end of each history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tsdiff.panel.frame import Panel, to_panel
from tsdiff.panel.layout import ArrayLayout
from tsdiff.plotting.stamps import time_axis
from tsdiff.plotting.strips import Strip
from tsdiff.validation import listing

_TAIL, _SHORTEST_TAIL = 3, 48  # horizons of history; rows of it, at least


@dataclass(frozen=True)
class Past:
    """Histories of the series of a forecast.

    Attributes
    ----------
    panel : Panel
    place : tuple of int
        Position in the panel of each series of the forecast.
    n_rows : int
        Rows of each to draw.
    """

    panel: Panel
    place: tuple[int, ...]
    n_rows: int

    @classmethod
    def of(cls, history: Any, future: Panel) -> Past:
        """Read the histories, and check that the forecast goes on from them."""
        n_rows = max(_TAIL * int(np.diff(future.bounds).max()), _SHORTEST_TAIL)
        panel = read_like(history, future, "history")
        place = {name: position for position, name in enumerate(panel.ids)}
        absent = [name for name in future.ids if name not in place]
        if absent:
            raise ValueError(
                f"history lacks the series {listing(map(repr, absent))} of the "
                "forecast. Pass the data that were forecast."
            )
        past = cls(panel, tuple(place[name] for name in future.ids), n_rows)
        if not isinstance(panel.layout, ArrayLayout):
            past._check_order(future)
        return past

    def _check_order(self, future: Panel) -> None:
        """Check that each history ends before its forecast starts."""
        last = self.panel.stamps[self.panel.bounds[1:] - 1].take(list(self.place))
        first = future.stamps[future.bounds[:-1]]
        late = np.flatnonzero(np.asarray(last >= first))
        if len(late):
            name = future.ids[late[0]]
            of = "" if name is None else f" of series {name!r}"
            raise ValueError(
                f"history{of} goes on to {last[late[0]]}, but the forecast starts at "
                f"{first[late[0]]}. Pass the data up to there as history, and what "
                "came as truth."
            )

    def before(self, strip: Strip, series: int, channel: int) -> Strip:
        """Put the end of a history before a strip of the forecast."""
        first, stop = self.panel.bounds[self.place[series] :][:2]
        span = slice(max(first, stop - self.n_rows), stop)
        values = self.panel.values[span, channel]
        time = time_axis(self.panel.index[span])
        if isinstance(self.panel.layout, ArrayLayout):
            time = np.arange(-len(values), 0) + strip.time[0]
        nothing = np.zeros(len(values), dtype=bool)
        return Strip(
            np.concatenate([time, strip.time]),
            np.concatenate([values, strip.given]),
            np.concatenate([~np.isnan(values), strip.observed]),
            np.concatenate([nothing, strip.answered]),
            strip.samples,
            strip.calibrated,
        )


def read_like(data: Any, future: Panel, what: str) -> Panel:
    """Read history or truth, whose columns are those of the forecast."""
    panel = to_panel(data, freq=future.freq, insert_absent=future.freq is not None)
    if panel.channels != future.channels:
        raise ValueError(
            f"{what} has the channels {listing(map(repr, panel.channels))}, but the "
            f"forecast is of {listing(map(repr, future.channels))}. Pass the same "
            "columns in the same order."
        )
    return panel
