"""Tables in files, read piece by piece: what stands there, and what it means."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.cli.faults import UsageError
from tsdiff.cli.files import is_parquet
from tsdiff.cli.times import Clock, find_clock
from tsdiff.validation import listing

_HEAD = 100  # rows that tell what the columns are
_MISSING = (  # what pandas takes for missing, too
    " #N/A #N/A N/A #NA -1.#IND -1.#QNAN -NaN -nan 1.#IND 1.#QNAN <NA> N/A NA NULL NaN "
    "None n/a nan null"
)
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Piece:
    """Some rows of a table.

    Attributes
    ----------
    raw : DataFrame
        All columns; of a CSV the text of each cell.
    values : DataFrame
        Targets as numbers, NaN where missing, indexed by time, or series and time.
    """

    raw: pd.DataFrame
    values: pd.DataFrame

    def joined(self, other: Piece) -> Piece:
        """Put the rows of another piece below."""
        raw = pd.concat([self.raw, other.raw], ignore_index=True)
        return Piece(raw, pd.concat([self.values, other.values]))

    def rows(self, first: int, stop: int | None = None) -> Piece:
        """Cut rows out."""
        part = self.raw.iloc[first:stop].reset_index(drop=True)
        return Piece(part, self.values.iloc[first:stop])


@dataclass(frozen=True)
class Table:
    """A file, and what its columns are.

    Attributes
    ----------
    path : str
    columns, targets : tuple of str
    clock : Clock or None
        None numbers the rows.
    series : str or None
        Column that names the series.
    sep, decimal : str
    missing : frozenset of str
        What a cell without value says.
    """

    path: str
    columns: tuple[str, ...]
    targets: tuple[str, ...]
    clock: Clock | None
    series: str | None
    sep: str
    decimal: str
    missing: frozenset[str]

    def pieces(self, n_rows: int) -> Iterator[Piece]:
        """Read `n_rows` rows at a time.

        Yields
        ------
        Piece

        Raises
        ------
        ValueError
            If a cell can't be read, naming column, row and value.
        """
        first = 0
        with _opened(self.path, self.sep, self.columns, n_rows) as parts:
            for raw in parts:
                if raw.empty:
                    continue
                yield self._piece(raw, first)
                first += len(raw)
        if not first:
            raise ValueError(f"{self.path} has no rows below its header.")

    def _piece(self, raw: pd.DataFrame, first: int) -> Piece:
        raw = raw.reset_index(drop=True)
        index = pd.RangeIndex(first, first + len(raw))
        stamps = (
            index
            if self.clock is None
            else self.clock.read(raw[self.clock.column], first)
        )
        if self.series is not None:
            self._check_ids(raw[self.series], first)
            stamps = pd.MultiIndex.from_arrays([raw[self.series], stamps])
        columns = {name: self._numbers(raw[name], first) for name in self.targets}
        return Piece(raw, pd.DataFrame(columns).set_axis(stamps, axis=0))

    def _check_ids(self, names: pd.Series, first: int) -> None:
        bad = (names.isna() | (names.astype(str).str.strip() == "")).to_numpy()
        if bad.any():
            raise ValueError(
                f"Column {self.series!r}, row {first + bad.argmax() + 1}: the series "
                "has no name. Give it one, or drop the row."
            )

    def _numbers(self, column: pd.Series, first: int) -> NDArray[np.float64]:
        """Read a column of values; NaN is missing."""
        if pd.api.types.is_numeric_dtype(column.dtype):
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        gone = self.is_missing(column)
        texts = column.where(~gone)
        if self.decimal != ".":
            texts = texts.str.replace(self.decimal, ".", regex=False)
        numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
        bad = np.isnan(numbers) & ~gone
        if bad.any():
            row = int(bad.argmax())
            raise ValueError(
                f"Column {column.name!r}, row {first + row + 1}: "
                f"{column.iloc[row]!r} is no number. Mend it; or, if it says that the "
                f"value is missing, add --missing {column.iloc[row]!r}; or name the "
                "columns of values by --target, that of the time by --time."
            )
        return numbers

    def is_missing(self, column: pd.Series) -> Mask:
        """Tell which cells of a column have no value."""
        if pd.api.types.is_numeric_dtype(column.dtype):
            return column.isna().to_numpy(dtype=bool)
        gone = column.isna() | column.isin(self.missing)
        return gone.to_numpy(dtype=bool)

    def labels(self, index: pd.Index) -> pd.DataFrame:
        """Write labels of rows as columns, in the way that the file has them."""
        stamps = index if self.series is None else index.get_level_values(1)
        name = "row" if self.clock is None else self.clock.column
        written = stamps if self.clock is None else self.clock.write(stamps)
        columns: dict[str, Any] = {
            name: np.asarray(written) if isinstance(written, pd.RangeIndex) else written
        }
        if self.series is not None:
            columns = {self.series: index.get_level_values(0)} | columns
        return pd.DataFrame(columns)


def open_table(arguments: argparse.Namespace) -> Table:
    """Find out what the columns of the input are.

    Parameters
    ----------
    arguments : Namespace
        `input`, `time`, `id`, `target`, `sep`, `decimal`, `missing`, `time_format`.

    Returns
    -------
    Table

    Raises
    ------
    UsageError
        If a column that was named is not there.
    ValueError
        If the header can't be used.
    """
    path, sep = arguments.input, arguments.sep
    if sep == arguments.decimal and not is_parquet(path):
        raise UsageError(f"--sep and --decimal are both {sep!r}; say --sep ';'.")
    columns = _header(path, sep)
    asked = [arguments.time, arguments.id, *(arguments.target or [])]
    for name in asked:
        if name is not None and name not in columns:
            raise UsageError(
                f"{path} has no column {name!r}; there is "
                f"{listing(map(repr, columns))}."
            )
    with _opened(path, sep, columns, _HEAD) as parts:
        head = next(iter(parts), pd.DataFrame(columns=list(columns)))
    clock = find_clock(head, arguments.time, arguments.time_format, arguments.id)
    used = {arguments.id} | ({clock.column} if clock else set())
    targets = tuple(arguments.target or [c for c in columns if c not in used])
    if not targets or set(targets) & used or len(set(targets)) < len(targets):
        raise UsageError(
            f"--target needs columns of values, each once; found {targets}."
        )
    missing = frozenset(["", *_MISSING.split(), *arguments.missing])
    return Table(
        path, columns, targets, clock, arguments.id, sep, arguments.decimal, missing
    )


def _header(path: str, sep: str) -> tuple[str, ...]:
    """Names of the columns, each there once."""
    if is_parquet(path):
        return tuple(_parquet().ParquetFile(path).schema_arrow.names)
    try:
        first = _csv(path, sep, header=None, nrows=1)
    except pd.errors.EmptyDataError:
        raise ValueError(f"{path} is empty; a header and rows are needed.") from None
    names = first.iloc[0].tolist()
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(
            f"The header of {path} has {listing(map(repr, twice))} more than once. "
            "Name each column once."
        )
    if pd.to_numeric(first.iloc[0], errors="coerce").notna().all():
        raise ValueError(
            f"The first line of {path} holds numbers, not names: {listing(names)}. Put "
            "the names of the columns there."
        )
    return tuple(names)


@contextmanager
def _opened(
    path: str, sep: str, columns: tuple[str, ...], n_rows: int
) -> Iterator[Iterator[pd.DataFrame]]:
    """Open a file to be read so many rows at a time."""
    if is_parquet(path):
        with _parquet().ParquetFile(path) as file:
            batches = file.iter_batches(batch_size=n_rows)
            yield (batch.to_pandas(ignore_metadata=True) for batch in batches)
        return
    with _csv(path, sep, header=0, names=list(columns), chunksize=n_rows) as parts:
        yield (part.fillna("") for part in parts)


def _csv(path: str, sep: str, **how: Any) -> Any:
    """Read the cells of a CSV as the texts that they are."""
    alone = how.get("names") is not None and len(how["names"]) == 1
    return pd.read_csv(
        path,
        sep=sep,
        dtype=object,
        na_filter=False,
        index_col=False,
        encoding="utf-8-sig",
        skip_blank_lines=not alone,  # of one column, a blank line is a missing value
        **how,
    )


def _parquet() -> Any:
    try:
        parquet = import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Parquet needs pyarrow, which is not installed: pip install pyarrow; or "
            "give a CSV."
        ) from error
    return parquet
