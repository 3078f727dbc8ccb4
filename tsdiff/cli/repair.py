"""``tsdiff repair``: observed cells that the others don't bear out."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pandas as pd

from tsdiff.cli.chunks import leading, whole
from tsdiff.cli.faults import say
from tsdiff.cli.files import is_parquet
from tsdiff.cli.fits import fitted, make_estimator
from tsdiff.cli.opening import opened_table
from tsdiff.cli.sink import text_of, write_table
from tsdiff.cli.table import Piece, Table


def run(arguments: argparse.Namespace) -> int:
    """Find odd values, and put proposals in their place.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
        Exit code.
    """
    from tsdiff import DiffusionImputer, repair

    table = opened_table(arguments, "looks at", "flagged")

    def make() -> Any:
        return make_estimator(DiffusionImputer, arguments)

    def data() -> pd.DataFrame:
        return leading(table, arguments.fit_rows)

    imputer = fitted(DiffusionImputer, arguments, make, data)
    given = whole(table)
    found = repair(imputer, given.values)
    flagged = found.flagged(arguments.alpha)
    say(f"{len(flagged):,} of {int(given.values.count().sum()):,} values are odd.")
    if arguments.flagged:
        write_table(arguments.flagged, [flagged], table)
    mended = found.repaired(arguments.alpha)
    rows = _mended(given, mended, table, is_parquet(arguments.output))
    write_table(arguments.output, [rows], table)
    return 0


def _mended(given: Piece, mended: Any, table: Table, numbers: bool) -> pd.DataFrame:
    """Rows with proposals; all other cells of a CSV are the texts that they were."""
    columns: dict[Any, Any] = dict(given.raw.items())
    for name in table.targets:
        before, after = given.values[name].to_numpy(), mended[name].to_numpy()
        changed = (before != after) & ~np.isnan(before)
        texts = text_of(after, table.decimal)
        kept = given.raw[name].where(~changed, texts) if not numbers else after
        columns[name] = kept
    return pd.DataFrame(columns)
