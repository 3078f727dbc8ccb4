"""Frames of other libraries come back as they came; their faults are named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tsdiff.panel.frame import Panel, to_panel

NAN = np.nan


def complete(panel: Panel) -> Any:
    """Fill with the flat number of each cell, so that a misplaced one is seen."""
    cells = np.arange(panel.values.size, dtype=float).reshape(panel.values.shape)
    return panel.frame(1000 + cells)


@pytest.mark.parametrize("kind", ["zoned", "date", "none"])
def test_polars_frames_come_back_as_polars(kind: str) -> None:
    pl = pytest.importorskip("polars")
    start, n = pd.Timestamp("2024-03-30 21:00"), 6
    stamps = pd.date_range(start, periods=n, freq="h" if kind == "zoned" else "D")
    X = pl.DataFrame(
        {
            "a": pl.Series([1.0, None, 3.0, NAN, 5.0, 6.0], dtype=pl.Float32),
            "time": stamps.to_numpy(),
            "b": [1, None, 3, 4, 5, 6],
            "c": [True, False, None, True, True, True],
        }
    )
    if kind == "zoned":
        zone = pl.col("time").dt.replace_time_zone("UTC")
        X = X.with_columns(zone.dt.convert_time_zone("Europe/Berlin"))
    elif kind == "date":
        X = X.with_columns(pl.col("time").cast(pl.Date))
    else:
        X = X.drop("time")
    panel = to_panel(X)
    assert panel.channels == ("a", "b", "c")
    assert panel.freq == {"zoned": "h", "date": "D", "none": None}[kind]
    answer = complete(panel)
    assert isinstance(answer, pl.DataFrame)
    assert answer.columns == X.columns
    assert answer.schema["a"] == pl.Float32
    assert answer.schema["b"] == answer.schema["c"] == pl.Float64
    if kind != "none":
        assert answer["time"].equals(X["time"], check_dtypes=True)
    assert answer["a"].to_list() == [1, 1003, 3, 1009, 5, 6]
    assert panel.frame(panel.values)["a"].null_count() == 2
    bands = panel.columns_frame(np.ones((n, 2)), ["a-lo-90", "a-hi-90"])
    times = [] if kind == "none" else ["time"]
    assert sorted(bands.columns) == sorted(["a-lo-90", "a-hi-90", *times])


def test_polars_with_absent_stamps_and_polars_series() -> None:
    pl = pytest.importorskip("polars")
    days = pd.date_range("2024-01-01", periods=4).delete(2)
    X = pl.DataFrame({"day": days.to_numpy(), "a": [1.0, 2.0, 4.0]})
    answer = complete(to_panel(X, freq="D", insert_absent=True))
    assert answer["day"].to_list() == list(pd.date_range("2024-01-01", periods=4))
    assert answer.schema == X.schema
    series = complete(to_panel(pl.Series("s", [1.0, None])))
    assert series.equals(pl.Series("s", [1.0, 1001.0]), check_names=True)


def test_polars_faults_are_named() -> None:
    pl = pytest.importorskip("polars")
    X = pl.DataFrame({"a": [1.0, 2.0, 3.0], "t": pd.date_range("2024", periods=3)})
    with pytest.raises(TypeError, match="2 columns hold dates: 't', 'u'"):
        to_panel(X.with_columns(u=pl.col("t")))
    with pytest.raises(ValueError, match="'s' holds text"):
        to_panel(X.with_columns(s=pl.lit("1.5")))
    with pytest.raises(TypeError, match="'d' has dtype Duration"):
        to_panel(X.with_columns(d=pl.col("t") - pl.col("t")))
    with pytest.raises(TypeError, match="collect"):
        to_panel(X.lazy())
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        to_panel(X.head(0))
    with pytest.raises(ValueError, match=r"0 feature\(s\)"):
        to_panel(X.select("t"))
    with pytest.raises(ValueError, match=r"infinity.*'a', row 2024-01-01"):
        to_panel(X.with_columns(a=pl.lit(float("inf"))))
    with pytest.raises(ValueError, match="NaT"):
        to_panel(X.with_columns(t=pl.lit(None, dtype=pl.Datetime)))


def test_arrow_tables_and_arrow_columns_keep_their_kind() -> None:
    pa = pytest.importorskip("pyarrow")
    days = pd.date_range("2024-01-01", periods=3)
    table = pa.table({"t": days.to_numpy(), "a": [1.0, None, 3.0]})
    answer = complete(to_panel(table))
    assert answer.schema == table.schema
    assert answer["a"].to_pylist() == [1, 1001, 3]
    kinds = {"a": "float[pyarrow]", "b": "int32[pyarrow]"}
    X = pd.DataFrame({"a": [1.0, None, 3.0], "b": [4, 5, None]}, days).astype(kinds)
    answer = complete(to_panel(X))
    assert answer.dtypes.astype(str).tolist() == ["float[pyarrow]", "double[pyarrow]"]
    stamps = pd.Index(days, dtype="timestamp[us][pyarrow]")
    panel = to_panel(X.set_axis(stamps))
    assert panel.freq == "D"
    assert panel.frame(panel.values).index.equals(stamps)
