"""Tables of Arrow: the runs of their ids, the ends of series, frames of pandas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def arrow(part: str = "") -> Any:
    """Import pyarrow, or one of its parts.

    Raises
    ------
    ImportError
        If it is not installed, saying how to.

    Examples
    --------
    >>> arrow("no_such_part")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    ImportError: Parquet needs pyarrow ...
    """
    try:
        return import_module(f"pyarrow.{part}" if part else "pyarrow")
    except ImportError as error:
        raise ImportError(
            "Parquet needs pyarrow, which is not installed: "
            "pip install 'tsdiff[parquet]'."
        ) from error


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a Parquet file; whatever goes wrong with it names it.

    Raises
    ------
    OSError, ValueError
        If it can't be read.
    """
    try:
        with arrow("parquet").ParquetFile(path) as file:
            yield file
    except (OSError, ValueError) as error:
        if path.name in str(error):
            raise
        raise type(error)(f"{path}: {error}") from error


def runs(column: Any, file: str, before: int) -> tuple[list[Any], Ints]:
    """Ids of a column in their order, and where each begins."""
    if column.null_count:
        row = before + int(np.flatnonzero(column.is_null().to_numpy(False))[0])
        raise ValueError(f"{file}, row {row}: the series has no name. Give it one.")
    if hasattr(column, "dictionary_decode"):
        column = column.dictionary_decode()
    encoded = arrow("compute").run_end_encode(column)
    starts = np.concatenate([[0], encoded.run_ends.to_numpy()[:-1]])
    return encoded.values.to_pylist(), starts


def last_rows(table: Any, id_col: str, last: int) -> Any:
    """Take the last rows of each series."""
    column = table.column(id_col).combine_chunks()
    _, starts = runs(column, id_col, 0)
    stops = np.append(starts[1:], len(column))
    row = np.arange(len(column))
    return table.filter(arrow().array(row >= np.repeat(stops - last, stops - starts)))


def plain_frame(table: Any) -> pd.DataFrame:
    """Give a table as pandas, ids that are categories as what they are."""
    for number, field in enumerate(table.schema):
        if arrow().types.is_dictionary(field.type):
            plain = table.column(number).cast(field.type.value_type)
            table = table.set_column(number, field.name, plain)
    return table.to_pandas(ignore_metadata=True)
