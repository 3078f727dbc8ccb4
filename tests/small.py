"""A tiny imputer, a small frame with holes, and what every answer must hold to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tsdiff import DiffusionImputer

NAN = np.nan
N = 60
HOURS = pd.date_range("2024-03-04", periods=N, freq="h", name="time")


def tiny(**parameters: Any) -> DiffusionImputer:
    sizes = {"max_epochs": 1, "window": 16, "width": 8, "depth": 1, "random_state": 0}
    return DiffusionImputer(**sizes | parameters)


def frame(index: Any = HOURS) -> pd.DataFrame:
    """Two waves with holes."""
    t = np.arange(N)
    X = pd.DataFrame({"a": np.sin(t / 4), "b": 5 + np.cos(t / 7)}, index)
    X.iloc[8:11, 0] = NAN
    X.iloc[30:32] = NAN
    return X


def answers(imputer: DiffusionImputer, X: Any) -> Any:
    """Ask everything of an imputer; answers are finite, and `X` is as it was."""
    before = X.copy()
    filled = imputer.transform(X)
    draws = imputer.sample(X, n_samples=3)
    bands = imputer.predict_interval(X)
    same(X, before)
    for answer in (filled, draws.median(), bands):
        assert np.isfinite(np.asarray(answer, dtype=float)).all()
    lo, hi = np.moveaxis(np.asarray(bands, dtype=float).reshape(-1, 2), -1, 0)
    assert (lo <= hi).all()
    seen = ~np.asarray(pd.isna(np.asarray(X))).ravel()
    given = np.asarray(X)[~pd.isna(np.asarray(X))].astype(float)
    np.testing.assert_array_equal(np.asarray(filled, dtype=float).ravel()[seen], given)
    return filled


def same(X: Any, before: Any) -> None:
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_frame_equal(X, before)
    elif isinstance(X, pd.Series):
        pd.testing.assert_series_equal(X, before)
    else:
        np.testing.assert_array_equal(X, before)


def with_cell(value: Any, dtype: Any = None) -> pd.DataFrame:
    """Put one odd value into row 3 of column b."""
    X = frame()
    column = X["b"].astype(object)
    column.iloc[3] = value
    return X.assign(b=column if dtype is None else column.astype(dtype))
