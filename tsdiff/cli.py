"""The command line: ``python -m tsdiff demo``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        Exit code: 0 if all went well.

    Raises
    ------
    SystemExit
        After ``--help`` (code 0), and on arguments that make no sense (code 2).
    """
    arguments = _parser().parse_args(argv)
    return arguments.run(arguments)


def _parser() -> argparse.ArgumentParser:
    from tsdiff import __doc__ as purpose
    from tsdiff import __version__

    parser = argparse.ArgumentParser(prog="python -m tsdiff", description=purpose)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", metavar="", required=True)
    _add_demo(commands)
    return parser


def _add_demo(commands: argparse._SubParsersAction) -> None:
    text = "fill hidden gaps of a glucose trace, and compare with classic methods"
    demo = commands.add_parser("demo", help=text, description=f"Demo: {text}.")
    demo.add_argument(
        "--minutes",
        type=_positive,
        default=1.5,
        help="wall-clock minutes of training (default: %(default)s)",
    )
    demo.add_argument(
        "--output",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="folder for demo.html and demo_filled.csv (default: this one)",
    )
    demo.add_argument(
        "--seed", type=_seed, default=0, help="of gaps, training and draws (default: 0)"
    )
    demo.add_argument(
        "--quick",
        action="store_true",
        help="a few seconds on a few days: shows how it works, not how well",
    )
    demo.set_defaults(run=_demo)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, found {text}")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be 0 or more, found {text}")
    return value


def _demo(arguments: argparse.Namespace) -> int:
    from tsdiff.demo import run_demo

    run_demo(
        minutes=arguments.minutes,
        output=arguments.output,
        seed=arguments.seed,
        quick=arguments.quick,
    )
    return 0
