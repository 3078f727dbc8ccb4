"""Strategies of hypothesis: frames of any index, kinds, holes and shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

INDEXES = {
    "hours": lambda n: pd.date_range(
        "2024-03-09", periods=n, freq="h", tz="US/Eastern", name="time"
    ),
    "days": lambda n: pd.date_range("2024-02-27", periods=n, freq="D", name="day"),
    "seconds": lambda n: pd.date_range("0001-01-01", periods=n, freq="s", unit="s"),
    "bare": lambda n: pd.DatetimeIndex(
        pd.date_range("2024-01-31", periods=n, freq="ME").to_numpy()
    ),  # without freq
    "months": lambda n: pd.period_range("2024-01", periods=n, freq="M"),
    "irregular": lambda n: pd.to_datetime(np.arange(n) ** 2, unit="h"),
    "durations": lambda n: pd.to_timedelta(np.arange(n), unit="min"),
    "numbers": lambda n: pd.Index(np.arange(n) * 3 - 7),
    "rows": lambda n: pd.RangeIndex(n),
}
KINDS = {
    "float64": "float64",
    "float32": "float32",
    "Float32": "Float32",
    "Float64": "Float64",
    "Int64": "Float64",
    "boolean": "Float64",
    "int16": "float64",
    "uint8": "float64",
    "bool": "float64",
    "object": "float64",
}  # kind of the input: kind of the answer
_WHOLE = ("int16", "uint8", "bool")  # which can't be missing


@st.composite
def holes(draw: st.DrawFn, n: int, c: int) -> np.ndarray:
    """Missing are no cells, any, whole rows or columns, or a stretch; never all."""
    pattern = draw(st.sampled_from(["none", "cells", "rows", "columns", "stretch"]))
    shape = {"cells": (n, c), "rows": (n, 1), "columns": (1, c)}.get(pattern, (0, 0))
    missing = np.zeros((n, c), dtype=bool)
    if pattern == "stretch":
        first, last = sorted(draw(st.tuples(st.integers(0, n), st.integers(0, n))))
        missing[first:last, draw(st.integers(0, c - 1)) :] = True
    elif pattern != "none":
        missing |= draw(arrays(bool, shape))
    missing[draw(st.integers(0, n - 1)), draw(st.integers(0, c - 1))] = False
    return missing


@st.composite
def frames(
    draw: st.DrawFn,
    index: Sequence[str] = tuple(INDEXES),
    kinds: Sequence[str] = tuple(KINDS),
    n_channels: tuple[int, int] = (1, 4),
    most_rows: int = 40,
    unit: float = 1 / 7,
) -> pd.DataFrame:
    """Draw a frame whose index, kinds and number of channels are among those given.

    Numbers are multiples of a unit: by default none of them fits float32.
    """
    n, c = draw(st.integers(3, most_rows)), draw(st.integers(*n_channels))
    rows = INDEXES[draw(st.sampled_from(index))](n)
    values = draw(arrays(np.int32, (n, c), elements=st.integers(-800, 800)))
    values, missing = values * unit, draw(holes(n, c))
    columns = {}
    for i in range(c):
        kind = draw(st.sampled_from(kinds))
        column = pd.Series(_as_kind(values[:, i], kind), rows, dtype=object)
        if kind not in _WHOLE:
            column[missing[:, i]] = None if kind == "object" else np.nan
        columns[f"c{i}"] = column.astype(kind)
    return pd.DataFrame(columns, rows)


def _as_kind(values: np.ndarray, kind: str) -> np.ndarray:
    """Numbers that a kind can hold."""
    if kind in ("bool", "boolean"):
        return values > 0
    return values // 1 % 120 if "nt" in kind else values
