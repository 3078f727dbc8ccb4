"""What is needed to answer in the caller's own kind of container."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Layout:
    """Rows of the answer; each kind of container extends it by how it is built.

    Attributes
    ----------
    index : pandas.Index of shape (n_rows,)
        Label of each row of the answer.
    rows : ndarray of shape (n_rows,) or None
        Panel row of each row of the answer; None if they are in the same order.
    """

    index: pd.Index
    rows: np.ndarray | None

    def wrap(self, values: np.ndarray, names: Sequence[str] | None = None) -> Any:
        """Put panel rows into the caller's container.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_columns)
            Rows in the order of the panel.
        names : sequence of str or None, default=None
            Names of the columns, kept as float64. None means the caller's columns,
            with their dtypes as far as these can hold fractions.

        Returns
        -------
        answer : same kind as the caller's data
            A Series becomes a DataFrame if `names` are given.

        Examples
        --------
        >>> layout = ArrayLayout(pd.RangeIndex(2), None, (2, 1), np.dtype("float64"))
        >>> layout.wrap(np.array([[1.0], [2.0]]))
        array([[1.],
               [2.]])
        """
        return self._build(values if self.rows is None else values[self.rows], names)

    def _build(self, values: np.ndarray, names: Sequence[str] | None) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class ArrayLayout(Layout):
    """A numpy array, or anything that numpy reads as one.

    Attributes
    ----------
    shape : tuple of int
        (n_rows, n_channels) or (n_series, n_times, n_channels).
    dtype : numpy.dtype
        Kind of the answer.
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    def _build(self, values: np.ndarray, names: Sequence[str] | None) -> np.ndarray:
        dtype = self.dtype if names is None else np.float64
        return values.astype(dtype).reshape(*self.shape[:-1], values.shape[1])


@dataclass(frozen=True)
class PandasLayout(Layout):
    """A pandas DataFrame or Series.

    Attributes
    ----------
    columns : pandas.Index of shape (n_channels,)
        Names of the columns; the name of a Series is the only one.
    dtypes : tuple
        Kind of each column of the answer.
    is_series : bool
        Whether the answer is a Series.
    """

    columns: pd.Index
    dtypes: tuple
    is_series: bool

    def _build(
        self, values: np.ndarray, names: Sequence[str] | None
    ) -> pd.DataFrame | pd.Series:
        columns = self.columns if names is None else list(names)
        frame = pd.DataFrame(values.copy(), index=self.index, columns=columns)
        if names is not None:
            return frame
        if self.is_series:
            return frame.iloc[:, 0].astype(self.dtypes[0])
        kinds = dict(zip(self.columns, self.dtypes, strict=True))
        return frame.astype({k: v for k, v in kinds.items() if v != np.float64})


@dataclass(frozen=True)
class NarwhalsLayout(Layout):
    """A frame or series of another library (polars, pyarrow, ...).

    Attributes
    ----------
    columns : tuple of str
        Names of the channels.
    dtypes : tuple
        Kind of each channel of the answer.
    time : tuple or None
        Name, place and kind of the time column, if there is one.
    backend : narwhals.Implementation
        The library.
    is_series : bool
        Whether the answer is a series.
    """

    columns: tuple[str, ...]
    dtypes: tuple
    time: tuple[str, int, Any] | None
    backend: Any
    is_series: bool

    def _build(self, values: np.ndarray, names: Sequence[str] | None) -> Any:
        dtypes = self.dtypes if names is None else [nw.Float64()] * len(names)
        columns = [
            nw.new_series(name, column, dtype, backend=self.backend).fill_nan(None)
            for name, column, dtype in zip(
                self.columns if names is None else names,
                np.ascontiguousarray(values.T),
                dtypes,
                strict=True,
            )
        ]
        if self.is_series and names is None:
            return columns[0].to_native()
        if self.time is not None:
            columns.insert(self.time[1], self._time_column(*self.time))
        return nw.from_dict({column.name: column for column in columns}).to_native()

    def _time_column(self, name: str, _: int, dtype: Any) -> nw.Series:
        """Write the row labels back as a column of dates."""
        index: Any = self.index
        zone = index.tz
        utc = index if zone is None else index.tz_convert("UTC")
        unit = "D" if dtype == nw.Date else dtype.time_unit
        stamps = utc.tz_localize(None).to_numpy().astype(f"M8[{unit}]")
        column = nw.new_series(name, stamps, backend=self.backend)
        if zone is not None:
            column = column.dt.replace_time_zone("UTC")
        return column.cast(dtype)
