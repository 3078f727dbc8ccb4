"""``tsdiff backtest``: how good the answers are on the user's own data."""

from __future__ import annotations

import argparse
from typing import Any

import pandas as pd

from tsdiff.cli.chunks import trailing
from tsdiff.cli.faults import say
from tsdiff.cli.files import check_files
from tsdiff.cli.fits import make_estimator
from tsdiff.cli.pictures import write_picture
from tsdiff.cli.sink import write_table
from tsdiff.cli.table import open_table


def run(arguments: argparse.Namespace) -> int:
    """Score tsdiff and classic methods on rows that are hidden from them.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
        Exit code.
    """
    check_files(arguments.input, output=arguments.output, plot=arguments.plot)
    table = open_table(arguments)
    data = trailing(table, arguments.fit_rows)
    result = _result(arguments, data)
    for failure in result.failures.itertuples():
        say(f"note: {failure.model} failed: {failure.error}")
    if "tsdiff" not in result.models:
        raise ValueError("tsdiff failed in every fold; there is nothing to compare.")
    for other in result.models:
        if other != "tsdiff":
            say(result.verdict("tsdiff", other))
    scores = result.scores().reset_index()
    write_table(arguments.output, [scores], table)
    if arguments.plot:
        write_picture(arguments.plot, "plot_backtest", result, data)
    return 0


def _result(arguments: argparse.Namespace, data: pd.DataFrame) -> Any:
    from tsdiff import (
        DiffusionForecaster,
        DiffusionImputer,
        backtest,
        baselines,
        imputation_backtest,
    )

    how = {"random_state": arguments.seed, "verbose": int(not arguments.quiet)}
    if arguments.horizon is None:
        models = {
            "tsdiff": make_estimator(DiffusionImputer, arguments).set_params(verbose=0),
            "linear": baselines.LinearInterpolation(),
            "Kalman": baselines.KalmanSmoother(),
        }
        return imputation_backtest(
            models,
            data,
            pattern=arguments.pattern,
            n_repeats=arguments.repeats,
            **how,
        )
    h = arguments.horizon
    own = make_estimator(DiffusionForecaster, arguments, horizon=h)
    models = {
        "tsdiff": own.set_params(verbose=0),
        "seasonal naive": baselines.SeasonalNaive(horizon=h),
        "ETS": baselines.ETS(horizon=h),
    }
    return backtest(models, data, h, n_windows=arguments.repeats, **how)
