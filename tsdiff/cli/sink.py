"""Answers on their way into a file, piece by piece."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from tsdiff.cli.files import is_parquet, opened
from tsdiff.cli.table import Table


def write_table(path: str, parts: Iterable[pd.DataFrame], table: Table) -> None:
    """Write the rows of some frames below each other.

    Parameters
    ----------
    path : str
        Parquet or CSV by its name; "-" is stdout.
    parts : iterable of DataFrame
        All with the same columns. Floats are written in ten digits.
    table : Table
        A CSV is written as its own.

    Raises
    ------
    OSError
        If it can't be written; then there is nothing of it.
    """
    with opened(path) as file:
        if is_parquet(path):
            _write_parquet(file, parts)
            return
        for number, part in enumerate(parts):
            texts = part.apply(_texts, decimal=table.decimal)
            written = texts.to_csv(
                index=False, sep=table.sep, header=number == 0, lineterminator="\n"
            )
            file.write(written.encode("utf-8"))


def text_of(numbers: Any, decimal: str) -> np.ndarray:
    """Write numbers as a CSV holds them; NaN is an empty cell.

    Examples
    --------
    >>> text_of([3.0, float("nan"), 0.1 + 0.2], ",").tolist()
    ['3', '', '0,3']
    """
    numbers = np.asarray(numbers, dtype=np.float64)
    texts = np.char.mod("%.10g", numbers)
    if decimal != ".":
        texts = np.char.replace(texts, ".", decimal)
    return np.where(np.isnan(numbers), "", texts)


def _texts(column: pd.Series, decimal: str) -> Any:
    if pd.api.types.is_float_dtype(column.dtype):
        return pd.Series(text_of(column, decimal), column.index, dtype=object)
    return column


def _write_parquet(file: Any, parts: Iterable[pd.DataFrame]) -> None:
    pa, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    writer = None
    try:
        for part in parts:
            schema = None if writer is None else writer.schema
            rows = pa.Table.from_pandas(part, schema, preserve_index=False)
            writer = writer or parquet.ParquetWriter(file, rows.schema)
            writer.write_table(rows)
    finally:
        if writer is not None:
            writer.close()
