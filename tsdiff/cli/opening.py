"""How a command that answers for a table begins."""

from __future__ import annotations

import argparse

from tsdiff.cli.faults import teller
from tsdiff.cli.files import check_files
from tsdiff.cli.table import Table, open_table


def opened_table(arguments: argparse.Namespace, does: str, *aside: str) -> Table:
    """Check the files of a command, open its table, and say what it goes by.

    Parameters
    ----------
    arguments : Namespace
    does : str
        What happens to the columns, for people.
    *aside : str
        Arguments that name what is written beside the output and the model.

    Returns
    -------
    Table
    """
    names = ("output", *aside, "model")
    check_files(arguments.input, **{name: getattr(arguments, name) for name in names})
    table = open_table(arguments)
    clock = table.clock or "no column holds dates: rows are numbered"
    columns = ", ".join(map(repr, table.targets))
    teller(arguments.quiet)(f"{clock}; {does} {columns}.")
    return table
