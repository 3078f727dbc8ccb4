"""Panels as JSON and arrays, for files: labels, stamps and kind of container."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset

from tsdiff.panel.frame import Panel
from tsdiff.panel.layout import ArrayLayout, Layout, NarwhalsLayout, PandasLayout

Arrays = dict[str, np.ndarray]
_ARRAYS = ("values", "bounds", "elapsed", "calendar")


def pack_panel(panel: Panel) -> tuple[dict[str, Any], Arrays]:
    """Write a panel as JSON and arrays.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    packed : dict
        Of text, numbers and lists of them.
    arrays : dict of str to ndarray

    Raises
    ------
    TypeError
        If a column or series has a name that is neither text nor a number.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> days = pd.date_range("2024-01-01", periods=3, name="day")
    >>> panel = to_panel(pd.Series([1.0, 2.0, 3.0], days, name="y"))
    >>> unpack_panel(*pack_panel(panel)).frame(panel.values).index.name
    'day'
    """
    arrays = {name: np.ascontiguousarray(getattr(panel, name)) for name in _ARRAYS}
    stamps: Any = panel.stamps
    whole = stamps.dtype.kind != "f"
    arrays["stamps"] = stamps.astype("int64" if whole else "float64").to_numpy().copy()
    packed = {
        "ids": [_label("series", name) for name in panel.ids],
        "channels": list(panel.channels),
        "calendar_names": list(panel.calendar_names),
        "freq": panel.freq,
        "step": panel.step,
        "time": _pack_time(stamps),
        "names": [_label("index", name) for name in panel.index.names],
        "layout": _pack_layout(panel.layout),
    }
    return packed, arrays


def unpack_panel(packed: Mapping[str, Any], arrays: Arrays) -> Panel:
    """Read what `pack_panel` wrote.

    Parameters
    ----------
    packed : dict
    arrays : dict of str to ndarray

    Returns
    -------
    Panel

    Raises
    ------
    KeyError, TypeError, ValueError
        If they don't fit together.
    """
    values, bounds, elapsed, calendar = (np.array(arrays[name]) for name in _ARRAYS)
    ids, channels = tuple(packed["ids"]), tuple(packed["channels"])
    names = tuple(packed["calendar_names"])
    n_rows = len(arrays["stamps"])
    shapes = [values.shape, bounds.shape, elapsed.shape, calendar.shape]
    needed = [(n_rows, len(channels)), (len(ids) + 1,), (n_rows,), (n_rows, len(names))]
    rising = bounds[0] == 0 and bounds[-1] == n_rows and (np.diff(bounds) > 0).all()
    if shapes != needed or not rising:
        raise ValueError("the rows of its history don't fit together")
    index: pd.Index = _unpack_time(packed["time"], arrays["stamps"])
    if len(packed["names"]) == 2:
        series = pd.Index(ids).repeat(np.diff(bounds))
        index = pd.MultiIndex.from_arrays([series, index])
    index.names = packed["names"]
    return Panel(
        values=values.astype(np.float64),
        bounds=bounds.astype(np.int64),
        ids=ids,
        channels=channels,
        elapsed=elapsed.astype(np.float64),
        calendar=calendar.astype(np.float32),
        calendar_names=names,
        freq=packed["freq"],
        step=packed["step"],
        layout=_unpack_layout(packed["layout"], index, len(ids), len(channels)),
    )


def _label(what: str, name: Any) -> Any:
    """Name in a form that JSON holds."""
    plain = name.item() if isinstance(name, np.generic) else name
    if plain is None or isinstance(plain, str | int | float):
        return plain
    raise TypeError(
        f"The {what} name {name!r} of type {type(name).__name__} can't be saved; use "
        "text or numbers."
    )


def _pack_time(stamps: Any) -> dict[str, Any]:
    if isinstance(stamps, pd.PeriodIndex):
        return {"kind": "periods", "freq": stamps.freqstr}
    if not isinstance(stamps, pd.DatetimeIndex | pd.TimedeltaIndex):
        return {"kind": "numbers"}
    freq, zone = stamps.freq, getattr(stamps, "tz", None)
    return {
        "kind": "dates" if isinstance(stamps, pd.DatetimeIndex) else "durations",
        "unit": stamps.unit,
        "tz": None if zone is None else str(zone),
        "freq": None if freq is None else freq.freqstr,
    }


def _unpack_time(packed: Mapping[str, Any], numbers: np.ndarray) -> Any:
    if packed["kind"] == "numbers":
        return pd.Index(numbers)
    if packed["kind"] == "periods":
        kind: Any = pd.PeriodIndex
        return kind.from_ordinals(numbers, freq=packed["freq"])
    stamps: Any
    if packed["kind"] == "durations":
        stamps = pd.TimedeltaIndex(numbers.view(f"m8[{packed['unit']}]"))
    else:
        stamps = pd.DatetimeIndex(numbers.view(f"M8[{packed['unit']}]"))
        if packed["tz"] is not None:
            stamps = stamps.tz_localize("UTC").tz_convert(packed["tz"])
    if packed["freq"] is not None:
        with suppress(ValueError):  # holidays of its own have no name
            stamps.freq = to_offset(packed["freq"])
    return stamps


def _pack_layout(layout: Layout) -> dict[str, Any]:
    if isinstance(layout, ArrayLayout):
        return {
            "kind": "array",
            "dimensions": len(layout.shape),
            "dtype": layout.dtype.str,
        }
    if isinstance(layout, PandasLayout):
        return {
            "kind": "pandas",
            "columns": [_label("column", name) for name in layout.columns],
            "name": _label("columns", layout.columns.name),
            "dtypes": [str(dtype) for dtype in layout.dtypes],
            "is_series": layout.is_series,
        }
    if not isinstance(layout, NarwhalsLayout):
        raise TypeError(f"A {type(layout).__name__} can't be saved.")
    time = None
    if layout.time is not None:
        name, place, dtype = layout.time
        dated = dtype == nw.Date
        unit = None if dated else [dtype.time_unit, dtype.time_zone]
        time = [name, place, unit]
    return {
        "kind": "narwhals",
        "columns": list(layout.columns),
        "dtypes": [str(dtype) for dtype in layout.dtypes],
        "time": time,
        "backend": layout.backend.value,
        "is_series": layout.is_series,
    }


def _unpack_layout(
    packed: Mapping[str, Any], index: pd.Index, n_series: int, n_channels: int
) -> Layout:
    if packed["kind"] == "array":
        shape: tuple[int, ...] = (len(index), n_channels)
        if packed["dimensions"] == 3:
            shape = (n_series, len(index) // n_series, n_channels)
        return ArrayLayout(index, None, shape, np.dtype(packed["dtype"]))
    if packed["kind"] == "pandas":
        kind = object if packed["is_series"] else None
        columns = pd.Index(packed["columns"], dtype=kind, name=packed["name"])
        dtypes = tuple(pd.api.types.pandas_dtype(name) for name in packed["dtypes"])
        return PandasLayout(index, None, columns, dtypes, bool(packed["is_series"]))
    floats = {"Float32": nw.Float32(), "Float64": nw.Float64()}
    time = None
    if packed["time"] is not None:
        name, place, unit = packed["time"]
        time = (name, place, nw.Date() if unit is None else nw.Datetime(*unit))
    return NarwhalsLayout(
        index,
        None,
        tuple(packed["columns"]),
        tuple(floats[name] for name in packed["dtypes"]),
        time,
        nw.Implementation.from_backend(packed["backend"]),
        bool(packed["is_series"]),
    )
