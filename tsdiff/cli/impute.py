"""``tsdiff impute``: fill the gaps of a table, however long it is."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from tsdiff.bands import as_coverage, interval_alpha, interval_suffixes
from tsdiff.cli.chunks import chunk_sizes, leading, overlapping, to_fit, whole
from tsdiff.cli.faults import teller
from tsdiff.cli.files import is_parquet
from tsdiff.cli.fits import fitted, make_estimator
from tsdiff.cli.opening import opened_table
from tsdiff.cli.pictures import write_picture
from tsdiff.cli.sink import text_of, write_table
from tsdiff.cli.table import Piece, Table

_SHOWN = 5_000  # rows of the picture
_PATHS = 100


def run(arguments: argparse.Namespace) -> int:
    """Fill the gaps of a table.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
        Exit code.
    """
    from tsdiff import DiffusionImputer

    tell = teller(arguments.quiet)
    table = opened_table(arguments, "fills", "plot")
    max_gap = _gap(arguments.max_gap)
    data = partial(to_fit, table, arguments.fit_rows, tell)

    def make() -> Any:
        return make_estimator(DiffusionImputer, arguments, max_gap=max_gap)

    imputer = fitted(DiffusionImputer, arguments, make, data)
    imputer.set_params(max_gap=max_gap)
    answers = Answers(imputer, table, arguments.interval, is_parquet(arguments.output))
    chunks = _chunks(imputer, table, max_gap)
    write_table(arguments.output, _shown(answers, chunks, arguments.quiet), table)
    if arguments.plot:
        values = _gappy(table)
        tell(f"the picture shows {len(values):,} rows from {values.index[0]} on.")
        draws = imputer.sample(values, n_samples=_PATHS)
        write_picture(arguments.plot, "plot_imputation", values, draws)
    return 0


def _gap(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isdigit() else text


class Answers:
    """The rows of a table with their gaps filled.

    Parameters
    ----------
    imputer : DiffusionImputer
        Fitted.
    table : Table
    coverage : float, optional
        Of the intervals to add.
    numbers : bool
        Whether columns are numbers; else observed cells are the texts that they were.
    """

    def __init__(
        self, imputer: Any, table: Table, coverage: float | None, numbers: bool
    ) -> None:
        self.imputer, self.table, self.numbers = imputer, table, numbers
        self.levels: Any = np.array([0.5])
        self.suffixes: list[str] = []
        if coverage is not None:
            share = as_coverage(coverage)
            self.levels = np.append(0.5, interval_alpha(share))
            self.suffixes = interval_suffixes(share)
        added = {c + suffix for c in table.targets for suffix in self.suffixes}
        if added & set(table.columns):
            raise ValueError(
                f"There are columns {sorted(added & set(table.columns))} already, in "
                "which the intervals would be written. Rename them."
            )

    def rows(self, piece: Piece, core: slice) -> pd.DataFrame:
        """Fill the rows `core` of a piece, of which the others are seen only.

        Parameters
        ----------
        piece : Piece
        core : slice

        Returns
        -------
        DataFrame
            The columns of the file, and those of the intervals.
        """
        numbers = self._quantiles(piece.values, core)
        seen = piece.rows(core.start, core.stop)
        columns: dict[Any, Any] = dict(seen.raw.items())
        for number, name in enumerate(self.table.targets):
            median = numbers[:, number, 0]
            columns[name] = self._filled(seen.raw[name], median)
        for number, name in enumerate(self.table.targets):
            for k, suffix in enumerate(self.suffixes, 1):
                columns[name + suffix] = numbers[:, number, k]
        return pd.DataFrame(columns)

    def _quantiles(self, values: pd.DataFrame, core: slice) -> np.ndarray:
        """Quantiles of the rows `core`, of shape (n_rows, n_targets, n_levels)."""
        asked = np.zeros(values.shape, dtype=bool)
        asked[core] = values.isna().to_numpy()[core]
        shape = (*values.shape, len(self.levels))
        if not asked.any():
            same = np.broadcast_to(values.to_numpy()[:, :, None], shape)
            return same[core]
        frame = self.imputer.predict_quantiles(values, self.levels, where=asked)
        return frame.to_numpy().reshape(shape)[core]

    def _filled(self, column: pd.Series, median: np.ndarray) -> Any:
        if self.numbers:
            return median
        gone = self.table.is_missing(column) & ~np.isnan(median)
        return column.where(~gone, text_of(median, self.table.decimal))


def _chunks(imputer: Any, table: Table, max_gap: Any) -> Iterator[tuple[Piece, slice]]:
    """Go through the table; many series are answered at once."""
    if table.series is not None:
        yield whole(table), slice(0, None)
        return
    first = next(table.pieces(1000)).values.index
    step = pd.Series(first).diff().median()
    n_rows, reach = chunk_sizes(imputer.model_.n_steps, max_gap, step)
    yield from overlapping(table.pieces(n_rows), n_rows, reach)


def _shown(answers: Answers, chunks: Any, quiet: bool) -> Iterator[pd.DataFrame]:
    """Answer chunk by chunk, with a bar."""
    with tqdm(desc="fill", unit=" rows", disable=quiet) as bar:
        for piece, core in chunks:
            part = answers.rows(piece, core)
            yield part
            bar.update(len(part))


def _gappy(table: Table) -> pd.DataFrame:
    """Read the rows of the picture: the first ones that have gaps."""
    if table.series is not None:
        return leading(table, _SHOWN)
    for piece in table.pieces(_SHOWN):
        if piece.values.isna().any(axis=None):
            return piece.values
    return next(table.pieces(_SHOWN)).values
