"""Panels larger than memory: an array on disk, of which windows are read."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from tempfile import TemporaryFile, gettempdir
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.panel.frame import Panel
from tsdiff.panel.scaling import Scaler
from tsdiff.panel.windows import Scene

Ints = NDArray[np.int64]
#: Where windows are: a scene, its values with grids and atoms spread out, shape (N, C),
#: and first rows and series of the windows, both of shape (B,)
Place = tuple[Scene, NDArray[np.float32], Ints, Ints]

_REACH = 1024  # rows beside a window in which its neighbours are looked for


@dataclass(frozen=True)
class Reserve:
    """All series of a panel on disk, of which some are in memory.

    Attributes
    ----------
    panels : callable
        Yields all series, a few at a time.
    chosen : ndarray of int
        Which of them are in memory, ascending.
    mark : str
        Digest of the files.
    """

    panels: Callable[[], Iterable[Panel]]
    chosen: Ints
    mark: str


class Stored:
    """Series in scaled units, in a temporary file without a name that is mapped.

    The file is gone with this object, or with the process however that ends. Each read
    maps it anew, so that no more of it counts as memory than is asked for.

    Parameters
    ----------
    reserve : Reserve
        All series; their rows are evenly spaced.
    panel : Panel
        Those in memory.
    scaler : Scaler
    rng : Generator
        Spreads values with probability of their own; see `Scaler.jittered`.

    Attributes
    ----------
    bounds : ndarray of int, shape (n_series + 1,)
        Series i is rows ``bounds[i]:bounds[i + 1]``.

    Raises
    ------
    ValueError
        If the rows of a series are not evenly spaced.
    OSError
        If the disk does not suffice.
    """

    def __init__(
        self, reserve: Reserve, panel: Panel, scaler: Scaler, rng: np.random.Generator
    ) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed with this object
        weakref.finalize(self, self._file.close)
        self._like = panel
        self._stamps: pd.Index = panel.stamps[:0]
        self._calendar = panel.calendar[:0]
        bounds = [np.zeros(1, dtype=np.int64)]
        for part in reserve.panels():
            self._write(self._rows(part, scaler, rng))
            bounds.append(bounds[-1][-1] + part.bounds[1:])
        self.bounds: Ints = np.concatenate(bounds)
        begin = self.bounds[reserve.chosen] - panel.bounds[:-1]
        self._moved = begin.repeat(np.diff(panel.bounds))

    def near(self, start: Ints, series: Ints, n_steps: int) -> Place:
        """Read windows and what lies beside them.

        Parameters
        ----------
        start, series : ndarray of int, shape (B,)
            First row and series of each window, as of `Scene.take`.
        n_steps : int

        Returns
        -------
        Place
            In a scene of B series, one for each window.
        """
        first = np.maximum(start - _REACH, self.bounds[series])
        stop = np.minimum(start + n_steps + _REACH, self.bounds[series + 1])
        bounds = np.append(0, np.cumsum(stop - first))
        row = np.arange(bounds[-1]) + np.repeat(first - bounds[:-1], stop - first)
        found = self._map("r")[row]
        scaled = np.ascontiguousarray(found["scaled"])
        calendar = np.empty((len(row), 0), dtype=np.float32)
        if "stamp" in found.dtype.names:
            calendar = self._calendar[found["stamp"]]
        panel = replace(
            self._like,
            values=scaled,
            bounds=bounds,
            elapsed=row.astype(np.float64),
            calendar=calendar,
        )
        truth = found["truth"] if "truth" in found.dtype.names else scaled
        start = start - first + bounds[:-1]
        return Scene(panel, scaled), truth, start, np.arange(len(start))

    def put(self, chosen: NDArray[np.bool_], scaled: NDArray[np.float32]) -> None:
        """Replace values of series that are in memory: hide some, or show them again.

        Parameters
        ----------
        chosen : ndarray of bool, shape (N, C)
            Cells of the panel in memory; their rows are replaced.
        scaled : ndarray of float32, shape (N, C)
        """
        rows = np.flatnonzero(chosen.any(axis=1))
        self._map("r+")["scaled"][rows + self._moved[rows]] = scaled[rows]

    def _map(self, mode: Any) -> Any:
        return np.memmap(self._file, self._dtype, mode, shape=int(self.bounds[-1]))

    def _write(self, rows: NDArray[Any]) -> None:
        self._dtype = rows.dtype
        try:
            rows.tofile(self._file)
            self._file.flush()
        except OSError as error:
            error.add_note(
                f"The panel is kept as an array in {gettempdir()} while it is fitted; "
                "the environment variable TMPDIR names another folder for it."
            )
            raise

    def _rows(
        self, panel: Panel, scaler: Scaler, rng: np.random.Generator
    ) -> NDArray[Any]:
        """Rows of the file of some series."""
        _check_even(panel)
        n_channels, units = len(panel.channels), scaler.units(panel)
        scaled = units.enter(panel.values, panel.channels)
        spread = any(support.step or support.atoms for support in scaler.supports)
        kind: list[Any] = [("scaled", np.float32, (n_channels,))]
        kind += [("truth", np.float32, (n_channels,))] * spread
        kind += [("stamp", np.int32)] * bool(panel.calendar_names)
        rows = np.empty(len(panel.values), dtype=kind)
        rows["scaled"] = scaled
        if spread:
            jittered = scaler.jittered(panel.values, rng)
            rows["truth"] = units.enter(jittered, panel.channels)
        if panel.calendar_names:
            rows["stamp"] = self._codes(panel)
        return rows

    def _codes(self, panel: Panel) -> Ints:
        """Give each row the number of its stamp, of which the calendar is kept."""
        codes, stamps = pd.factorize(panel.stamps)
        _, first = np.unique(codes, return_index=True)
        new = self._stamps.get_indexer(stamps) < 0
        self._stamps = self._stamps.append(stamps[new])
        self._calendar = np.concatenate([self._calendar, panel.calendar[first[new]]])
        return self._stamps.get_indexer(stamps)[codes]


def _check_even(panel: Panel) -> None:
    first = np.repeat(panel.bounds[:-1], np.diff(panel.bounds))
    odd = panel.elapsed != np.arange(len(panel.values)) - first
    if odd.any():
        row = int(np.argmax(odd))
        series = int(np.searchsorted(panel.bounds, row, side="right")) - 1
        raise ValueError(
            f"Series {panel.ids[series]!r} has no even step at {panel.stamps[row]}; a "
            "panel on disk is fitted by rows that are evenly spaced. Give freq= and "
            "insert_absent=True, or fit on what ParquetPanel.sample reads."
        )
