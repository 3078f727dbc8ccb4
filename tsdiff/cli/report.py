"""``tsdiff report``: one page about a fit and the table that it answers."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from tsdiff.cli.chunks import to_fit, whole
from tsdiff.cli.faults import teller
from tsdiff.cli.files import opened
from tsdiff.cli.fits import fitted, make_estimator
from tsdiff.cli.opening import opened_table


def run(arguments: argparse.Namespace) -> int:
    """Report on a table, and on the fit that answers it.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
        Exit code.
    """
    from tsdiff import DiffusionForecaster, DiffusionImputer, report

    tell = teller(arguments.quiet)
    table = opened_table(arguments, "reports on")
    cls: Any = DiffusionImputer
    own: dict[str, Any] = {}
    if arguments.horizon is not None:
        cls, own = DiffusionForecaster, {"horizon": arguments.horizon}

    data = partial(to_fit, table, arguments.fit_rows, tell)
    model = fitted(cls, arguments, lambda: make_estimator(cls, arguments, **own), data)
    page = report(model, whole(table).values, random_state=arguments.seed)
    with opened(arguments.output) as file:
        file.write(str(page).encode("utf-8"))
    return 0
