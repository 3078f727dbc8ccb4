"""Columns of the caller's data: number, names, and whether they hold anything."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.utils.validation import validate_data

from tsdiff.advice import advise
from tsdiff.fingerprint import Fingerprint
from tsdiff.panel.frame import Panel
from tsdiff.validation import listing


def is_named(X: Any) -> bool:
    """Tell whether the columns of the data have names of their own.

    Parameters
    ----------
    X : DataFrame, Series, array or polars frame

    Returns
    -------
    bool

    Examples
    --------
    >>> is_named(pd.Series([1.0], name="y")), is_named([[1.0], [2.0]])
    (True, False)
    """
    return hasattr(X, "columns") or getattr(X, "name", None) not in (None, "")


def check_features(estimator: Any, panel: Panel, X: Any, *, reset: bool) -> None:
    """Let scikit-learn note the number and names of the columns, or check them.

    Parameters
    ----------
    estimator : estimator
    panel : Panel
        What was read of `X`.
    X : DataFrame, Series, array or polars frame
    reset : bool
        True in `fit`: set ``n_features_in_`` and, if all names are text,
        ``feature_names_in_`` and ``seen_``, by which its rows are known again. A
        calibration of an earlier fit goes.

    Raises
    ------
    ValueError
        If columns are missing, new, renamed or in another order.
    """
    names = list(getattr(X, "columns", [getattr(X, "name", None)]))
    row: Any = panel.values[:1]  # stands for the data
    if all(isinstance(name, str) for name in names):
        row = pd.DataFrame(row, columns=list(panel.channels))
    validate_data(estimator, row, reset=reset, skip_check_array=True)
    if reset:
        vars(estimator).pop("calibration_", None)
        estimator.seen_ = Fingerprint.of(panel)


def check_learnable(panel: Panel) -> None:
    """Refuse data without a value, and warn of channels without one.

    Parameters
    ----------
    panel : Panel

    Raises
    ------
    ValueError
        If no cell is observed.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> check_learnable(to_panel([[1.0], [2.0]]))
    """
    counts = panel.observed.sum(axis=0)
    empty = [name for name, n in zip(panel.channels, counts, strict=True) if not n]
    if len(empty) == len(counts):
        raise ValueError(
            "No cell is observed, so there is nothing to learn from: every value of "
            f"column(s) {listing(map(repr, empty))} is missing."
        )
    if empty:
        advise(
            f"Column(s) {listing(map(repr, empty))} hold no value; they will be filled "
            "by 0, for want of anything better. Drop them, or fit on data in which "
            "they are observed."
        )
