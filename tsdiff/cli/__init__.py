"""The command line: ``tsdiff impute readings.csv -o filled.csv`` and its like."""

from __future__ import annotations

from collections.abc import Sequence

from tsdiff.cli.faults import guarded
from tsdiff.cli.parser import make_parser

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        Exit code: 0 if all went well, 1 if the data or files can't be used, 130 after
        an interrupt.

    Raises
    ------
    SystemExit
        After ``--help`` (code 0), and on arguments that make no sense (code 2).
    """
    parser = make_parser()
    arguments = parser.parse_args(argv)
    return guarded(parser, arguments)
