"""``tsdiff demo``."""

from __future__ import annotations

import argparse


def run(arguments: argparse.Namespace) -> int:
    """Run the demo.

    Parameters
    ----------
    arguments : Namespace

    Returns
    -------
    int
        Exit code.
    """
    from tsdiff.demo import run_demo

    run_demo(
        minutes=arguments.minutes,
        output=arguments.output,
        seed=arguments.seed,
        quick=arguments.quick,
    )
    return 0
