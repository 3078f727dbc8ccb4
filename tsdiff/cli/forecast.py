"""``tsdiff forecast``: what comes after the last row of a table."""

from __future__ import annotations

import argparse
from typing import Any

import pandas as pd

from tsdiff.cli.chunks import trailing
from tsdiff.cli.faults import teller
from tsdiff.cli.fits import fitted, make_estimator
from tsdiff.cli.opening import opened_table
from tsdiff.cli.pictures import write_picture
from tsdiff.cli.sink import write_table

_PATHS = 100


def run(arguments: argparse.Namespace) -> int:
    """Forecast a table.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
        Exit code.
    """
    from tsdiff import DiffusionForecaster

    tell = teller(arguments.quiet)
    table = opened_table(arguments, "forecasts", "plot")
    history = trailing(table, arguments.fit_rows)

    def data() -> pd.DataFrame:
        tell(f"fits on the last {len(history):,} rows.")
        return history

    def make() -> Any:
        return make_estimator(DiffusionForecaster, arguments, horizon=arguments.horizon)

    model = fitted(DiffusionForecaster, arguments, make, data)
    h = arguments.horizon
    if arguments.interval is None:
        answer = model.predict(h, history)
    else:
        answer = model.predict(h, history, level=100 * arguments.interval)
    labels = table.labels(answer.index)
    rows = pd.concat([labels, answer.reset_index(drop=True)], axis=1)
    write_table(arguments.output, [rows], table)
    if arguments.plot:
        draws = model.sample(h, history, n_samples=_PATHS)
        write_picture(arguments.plot, "plot_forecast", history, draws)
    return 0
