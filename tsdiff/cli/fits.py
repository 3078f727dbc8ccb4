"""The estimator of a command: made as asked for, or read from a file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tsdiff.cli.faults import UsageError, teller
from tsdiff.validation import listing

_OWN = {  # parameters that have arguments of their own
    "max_minutes": "--minutes",
    "random_state": "--seed",
    "verbose": "--quiet",
    "horizon": "--horizon",
    "max_gap": "--max-gap",
}


def make_estimator(cls: Any, arguments: argparse.Namespace, **own: Any) -> Any:
    """Make an estimator with the parameters that were asked for.

    Parameters
    ----------
    cls : class
    arguments : Namespace
        With `minutes`, `seed`, `quiet` and `set`.
    **own : object
        Parameters of this class alone.

    Returns
    -------
    estimator

    Raises
    ------
    UsageError
        If ``--set`` names no parameter.
    """
    shared = {
        "max_minutes": arguments.minutes,
        "random_state": arguments.seed,
        "verbose": int(not arguments.quiet),
    }
    estimator = cls(**shared, **own)
    for text in arguments.set:
        name, equals, value = text.partition("=")
        if name in _OWN:
            raise UsageError(f"--set {text}: use {_OWN[name]}.")
        known = set(estimator.get_params()) - set(_OWN)
        if not equals or name not in known:
            raise UsageError(
                f"--set {text}: say NAME=VALUE, where NAME is one of "
                f"{listing(sorted(known), limit=len(known))}."
            )
        estimator.set_params(**{name: _value(value)})
    return estimator


def _value(text: str) -> Any:
    """Read a value as JSON has it, or else as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def fitted(
    cls: Any, arguments: argparse.Namespace, make: Callable[[], Any], data: Any
) -> Any:
    """Load the fit that there is, or make it and keep it.

    Parameters
    ----------
    cls : class
    arguments : Namespace
        With `model`, `fit`, `seed` and `quiet`.
    make : callable
        Returns the estimator to fit.
    data : callable
        Returns the data to fit it on.

    Returns
    -------
    estimator
    """
    tell = teller(arguments.quiet)
    path = arguments.model
    if path is not None and Path(path).exists() and not arguments.fit:
        estimator = cls.load(path)
        estimator.set_params(verbose=0, random_state=arguments.seed)
        tell(f"using the fit in {path}; --fit makes a new one.")
        return estimator
    estimator = make().fit(data())
    if path is not None:
        estimator.save(path)
        tell(f"the fit is kept in {path}.")
    return estimator
