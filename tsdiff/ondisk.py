"""Fits on panels on disk: some series are in memory, windows are drawn of all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from tsdiff.diffusion.ranks import is_first
from tsdiff.panel.arrays import ArrayPanel
from tsdiff.panel.frame import Panel
from tsdiff.panel.parquet import ParquetPanel
from tsdiff.panel.pieces import drawn
from tsdiff.panel.stored import Reserve
from tsdiff.plain import digest_of
from tsdiff.progress import say
from tsdiff.schema import Schema

_MOST_CELLS = 2**21  # in memory for the whole fit; about 200 MB
_CELLS_AT_ONCE = 2**20  # while all series are read, once; about 150 MB


class OnDisk:
    """Series of files, some of them in memory.

    These are drawn at random, always the same ones, and tell all that a fit has to know
    of its data at once: their step and calendar, the sizes of the network, scales, what
    is held out.

    Parameters
    ----------
    files : ParquetPanel or ArrayPanel

    Attributes
    ----------
    frame : DataFrame
        The series in memory; all of them if they are few.

    Raises
    ------
    OSError, ValueError
        If the files can't be read.
    """

    def __init__(self, files: ParquetPanel | ArrayPanel) -> None:
        self._files, self._pieces = files, files.pieces()
        self._width = len(files.columns())
        some, self._chosen = drawn(self._pieces, _MOST_CELLS // self._width)
        self.frame = files.read(some)

    def reserve(self, estimator: Any, schema: Schema) -> Reserve | None:
        """All series, as the estimator reads them; None if they are in memory.

        Parameters
        ----------
        estimator : DiffusionImputer or its like
        schema : Schema
            Of those in memory.

        Returns
        -------
        Reserve or None
        """
        n_series, n_chosen = len(self._pieces), len(self._chosen)
        if n_chosen == n_series:
            return None
        if estimator.verbose and is_first():
            say(
                f"Training on windows of all {n_series:,} series; {n_chosen:,}, drawn "
                "at random, tell sizes and scales, and are held out in part."
            )
        marks = {file: self._files.mark(file) for file in self._files.files()}
        panels = partial(self._panels, estimator, schema)
        return Reserve(panels, self._chosen, digest_of(repr(marks)))

    def _panels(self, estimator: Any, schema: Schema) -> Iterator[Panel]:
        """Read all series, a few at a time."""
        length = np.array([piece.stop - piece.first for piece in self._pieces])
        part = np.cumsum(length * self._width) // _CELLS_AT_ONCE
        ends = np.flatnonzero(np.diff(part, append=part[-1] + 1)) + 1
        for first, stop in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
            pieces = self._pieces[first:stop]
            frame = self._files.read(pieces)
            try:
                yield schema.place(estimator, frame)
            except (TypeError, ValueError) as error:
                name = to_blame(frame, partial(schema.place, estimator))
                where = " or ".join(dict.fromkeys(piece.file for piece in pieces))
                error.add_note(f"This is series {name!r} in {where}.")
                raise


def to_blame(frame: pd.DataFrame, ask: Callable[[pd.DataFrame], Any]) -> Any:
    """Find a series that makes a question fail, by halves.

    Parameters
    ----------
    frame : DataFrame
        Of many series, for which `ask` raises a TypeError or ValueError.
    ask : callable

    Returns
    -------
    object
        Its name.
    """
    ids = list(frame.index.unique(0))
    while len(ids) > 1:
        half = ids[: len(ids) // 2]
        try:
            ask(frame.loc[half])
            ids = ids[len(half) :]
        except (TypeError, ValueError):
            ids = half
    return ids[0]


def open_files(X: Any, *others: Any) -> tuple[Any, OnDisk | None]:
    """Give what a fit is to read in memory, and the files if it was given files.

    Parameters
    ----------
    X : ParquetPanel, or what is in memory
    *others
        Covariates and static features.

    Raises
    ------
    OSError, ValueError
        If the files can't be read, or can't go with the others.
    """
    if not isinstance(X, ParquetPanel | ArrayPanel):
        return X, None
    if any(other is not None for other in others):
        raise ValueError(
            "Covariates and static features can't go with a panel on disk. Fit on "
            "series in memory, as its sample() reads them."
        )
    files = OnDisk(X)
    return files.frame, files
