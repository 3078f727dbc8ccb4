"""Arguments of every command."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any

from tsdiff.cli.files import STDOUT

FIT_ROWS = 200_000
_SHORT_H = "-h"  # of the horizon, where there is one; --help asks for help


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of ``tsdiff`` and its commands.

    Returns
    -------
    ArgumentParser
        Arguments of a command have ``run``, which takes them and returns the exit code.
    """
    from tsdiff import __doc__ as purpose
    from tsdiff import __version__

    parser = argparse.ArgumentParser(prog="tsdiff", description=purpose)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", metavar="", required=True)
    adders = _add_impute, _add_forecast, _add_repair, _add_backtest, _add_report
    for add in (*adders, _add_demo):
        add(commands)
    return parser


def _add_impute(commands: Any) -> None:
    text = "fill the gaps of a table; what is observed stays character for character"
    command = _command(commands, "impute", text)
    _add_table(command)
    _add_output(command, "filled table")
    _add_answers(command)
    command.add_argument(
        "--max-gap",
        metavar="GAP",
        help="leave longer gaps empty: a number of rows, or a time as 2h",
    )
    _add_fit(command, f"rows from the top to fit on (default: {FIT_ROWS})")


def _add_forecast(commands: Any) -> None:
    text = "what comes after the last row of a table, with intervals"
    command = _command(commands, "forecast", text, horizon=True)
    _add_table(command)
    command.add_argument(
        _SHORT_H,
        "--horizon",
        type=_count,
        required=True,
        metavar="ROWS",
        help="rows to forecast",
    )
    _add_output(command, "forecast")
    _add_answers(command)
    _add_fit(command, f"last rows to fit on (default: {FIT_ROWS})")


def _add_repair(commands: Any) -> None:
    text = "observed values that the others don't bear out, and what to put there"
    command = _command(commands, "repair", text)
    _add_table(command)
    _add_output(command, "table with the odd values replaced")
    command.add_argument(
        "--flagged", metavar="FILE", help="list of the odd values, the oddest first"
    )
    command.add_argument(
        "--alpha",
        type=_share,
        default=1e-4,
        help="tail probability below which a value is odd (default: %(default)s)",
    )
    _add_fit(command, f"rows from the top to fit on (default: {FIT_ROWS})")


def _add_backtest(commands: Any) -> None:
    text = "how good the answers are on your own data, beside classic methods"
    command = _command(commands, "backtest", text, horizon=True)
    _add_table(command)
    command.add_argument(
        _SHORT_H,
        "--horizon",
        type=_count,
        metavar="ROWS",
        help="score forecasts of so many rows; without it, gaps",
    )
    command.add_argument(
        "--repeats",
        type=_count,
        default=2,
        help="times that cells are hidden, or cutoffs (default: %(default)s)",
    )
    command.add_argument(
        "--pattern",
        choices=["own", "blocks", "random"],
        default="own",
        help="which cells are hidden: like your own gaps (default), runs, or single",
    )
    _add_output(command, "table of scores")
    _add_plot(command)
    _add_fit(command, f"last rows to test on (default: {FIT_ROWS})", model=False)


def _add_report(commands: Any) -> None:
    text = "one page about a fit and its data: gaps, skill, calibration, pictures"
    command = _command(commands, "report", text, horizon=True)
    _add_table(command)
    command.add_argument(
        _SHORT_H,
        "--horizon",
        type=_count,
        metavar="ROWS",
        help="of forecasts of so many rows; without it, of gaps",
    )
    command.add_argument(
        "-o", "--output", default=STDOUT, metavar="FILE", help="page to write, as HTML"
    )
    _add_fit(command, f"rows from the top to fit on (default: {FIT_ROWS})")


def _add_demo(commands: Any) -> None:
    text = "fill hidden gaps of a glucose trace, and compare with classic methods"
    demo = _command(commands, "demo", text)
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


def _command(commands: Any, name: str, text: str, horizon: bool = False) -> Any:
    """Add a command, whose module in this folder is imported if it is asked for."""
    command = commands.add_parser(
        name, help=text, description=f"{name.capitalize()}: {text}.", add_help=False
    )
    names = ["--help"] if horizon else ["-h", "--help"]
    command.add_argument(*names, action="help", help="show this and stop")
    command.add_argument(
        "--debug", action="store_true", help="show the traceback of an error"
    )

    def run(arguments: argparse.Namespace) -> int:
        return import_module(f"tsdiff.cli.{name}").run(arguments)

    command.set_defaults(run=run)
    return command


def _add_table(command: Any) -> None:
    command.add_argument(
        "input", metavar="INPUT", help="CSV (also .gz) or Parquet file"
    )
    table = command.add_argument_group("the table")
    table.add_argument(
        "--time", metavar="COLUMN", help="default: the first column that holds dates"
    )
    table.add_argument(
        "--id", metavar="COLUMN", help="name of the series: one row per series and time"
    )
    table.add_argument(
        "--target",
        metavar="COLUMN",
        nargs="+",
        action="extend",
        help="columns of values (default: all others); the rest passes through",
    )
    table.add_argument("--sep", default=",", help="between cells of a CSV (default: ,)")
    table.add_argument(
        "--decimal", default=".", choices=[".", ","], help="point of a CSV's numbers"
    )
    table.add_argument(
        "--missing",
        metavar="TEXT",
        nargs="+",
        default=[],
        help="what else says that a value is missing, as -999",
    )
    table.add_argument(
        "--time-format", metavar="FORMAT", help="of the dates, as %%d/%%m/%%Y %%H:%%M"
    )


def _add_output(command: Any, what: str) -> None:
    command.add_argument(
        "-o",
        "--output",
        default=STDOUT,
        metavar="FILE",
        help=f"{what}: CSV (also .gz) or Parquet; - is stdout (default)",
    )


def _add_plot(command: Any) -> None:
    command.add_argument("--plot", metavar="FILE", help="picture to write, as HTML")


def _add_answers(command: Any) -> None:
    command.add_argument(
        "--interval",
        type=_share,
        metavar="SHARE",
        help="add the ends of intervals that hold so much, as 0.9",
    )
    _add_plot(command)


def _add_fit(command: Any, rows: str, model: bool = True) -> None:
    fit = command.add_argument_group("the fit")
    if model:
        fit.add_argument(
            "--model",
            metavar="FILE",
            help="a fit to use; if there is none yet, it is made and kept here",
        )
        fit.add_argument(
            "--fit", action="store_true", help="fit again, and replace --model"
        )
    fit.add_argument(
        "--minutes",
        type=_positive,
        help="of training (default: 1,500 steps, so that runs repeat to the bit)",
    )
    fit.add_argument(
        "--seed", type=_seed, default=0, help="of training and draws (default: 0)"
    )
    fit.add_argument(
        "--fit-rows", type=_count, default=FIT_ROWS, metavar="ROWS", help=rows
    )
    fit.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="any other parameter of the estimator, as window=288",
    )
    command.add_argument(
        "--quiet", action="store_true", help="no progress, only what needs attention"
    )


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, found {text}")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(
            f"must lie between 0 and 1, as 0.9, found {text}"
        )
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, found {text}")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be 0 or more, found {text}")
    return value
