"""Columns as scikit-learn sees them: how many, and whether they have names."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.utils.validation import validate_data

from tsdiff.panel.frame import Panel


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
    >>> is_named(pd.Series([1.0], name="y")), is_named(np.ones((2, 1)))
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
        ``feature_names_in_``.

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
