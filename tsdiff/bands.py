"""Answers laid out for the caller: quantiles and intervals as columns, draws as rows.

Closed-form quantiles and quantiles of draws come out alike because both pass here.
Words: M answered cells of N rows and C channels; K numbers for each of them; S samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tsdiff.panel.layout import NarwhalsLayout

if TYPE_CHECKING:
    from tsdiff.panel.frame import Panel


# Scratch arrays stay below this many float64 values (32 MB).
_BLOCK = 2**22


def as_alpha(alpha: float | Iterable[float]) -> NDArray[np.float64]:
    """Check quantile levels.

    Parameters
    ----------
    alpha : float or iterable of float
        Each between 0 and 1 (both excluded), none twice.

    Returns
    -------
    ndarray of shape (K,)
        In the order given.

    Raises
    ------
    ValueError
        A level is out of range or given twice, or there is none.

    Examples
    --------
    >>> as_alpha([0.1, 0.9])
    array([0.1, 0.9])
    """
    return _shares(alpha, "alpha", "0.05")


def as_coverage(
    coverage: float | Iterable[float], level: float | Iterable[float] | None = None
) -> NDArray[np.float64]:
    """Check the coverage of intervals, given as a share or in percent.

    Parameters
    ----------
    coverage : float or iterable of float
        Each between 0 and 1 (both excluded), none twice.
    level : float or iterable of float, optional
        The same in percent, as Nixtla's libraries write it; replaces `coverage`.

    Returns
    -------
    ndarray of shape (K,)
        In the order given.

    Raises
    ------
    ValueError
        A value is out of range or given twice, or there is none.

    Examples
    --------
    >>> as_coverage(0.9), as_coverage(0.9, level=[80, 95])
    (array([0.9]), array([0.8 , 0.95]))
    """
    if level is None:
        return _shares(coverage, "coverage", "0.9")
    return _shares(np.asarray(level, dtype=float) / 100, "level", "90", scale=100)


def _shares(
    given: Any, name: str, example: str, scale: float = 1.0
) -> NDArray[np.float64]:
    """Check that `given` holds distinct shares in (0, 1); errors speak of `name`."""
    shares = np.atleast_1d(np.asarray(given, dtype=float))
    if shares.ndim != 1 or not shares.size:
        raise ValueError(
            f"{name} is a number or a list of them, e.g. {name}={example}; got "
            f"{given!r}."
        )
    wrong = shares[~((shares > 0) & (shares < 1))]
    if wrong.size:
        raise ValueError(
            f"{name} must lie between 0 and {scale:g} (both excluded), got "
            f"{wrong[0] * scale:g}; e.g. {name}={example}."
        )
    if len(np.unique(shares)) < shares.size:
        raise ValueError(f"{name} holds a value twice: {given!r}. Give each once.")
    return shares


def interval_alpha(coverage: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantile levels of the ends of central intervals.

    Parameters
    ----------
    coverage : ndarray of shape (K,)

    Returns
    -------
    ndarray of shape (2 * K,)
        Lower and upper level of the first interval, then of the second, ...

    Examples
    --------
    >>> interval_alpha(np.array([0.5, 0.9])).round(3)
    array([0.25, 0.75, 0.05, 0.95])
    """
    tail = (1 - np.asarray(coverage)) / 2
    return np.stack([tail, 1 - tail], axis=1).ravel()


def sample_quantiles(
    samples: NDArray[np.float64], alpha: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Quantiles over the draws of each cell, with bounded scratch memory.

    Parameters
    ----------
    samples : ndarray of shape (S, M)
    alpha : ndarray of shape (K,)

    Returns
    -------
    ndarray of shape (K, M)
        Linear between order statistics, numpy's default.

    Examples
    --------
    >>> sample_quantiles(np.array([[1.0], [2.0], [5.0]]), np.array([0.5]))
    array([[2.]])
    """
    answer = np.empty((len(alpha), samples.shape[1]))
    size = max(1, _BLOCK // len(samples))
    for start in range(0, samples.shape[1], size):
        part = slice(start, start + size)
        answer[:, part] = np.quantile(samples[:, part], alpha, axis=0)
    return answer


def quantile_suffixes(alpha: ArrayLike) -> list[str]:
    """Names of quantiles behind their channel's: ``-q-0.05``.

    Parameters
    ----------
    alpha : array_like of shape (K,)

    Returns
    -------
    list of str

    Examples
    --------
    >>> quantile_suffixes([0.05, 0.5])
    ['-q-0.05', '-q-0.5']
    """
    return [f"-q-{level:g}" for level in np.asarray(alpha)]


def interval_suffixes(coverage: ArrayLike) -> list[str]:
    """Names of the ends of intervals behind their channel's: ``-lo-90``, ``-hi-90``.

    Parameters
    ----------
    coverage : array_like of shape (K,)

    Returns
    -------
    list of str of length 2 * K

    Examples
    --------
    >>> interval_suffixes([0.9, 0.995])
    ['-lo-90', '-hi-90', '-lo-99.5', '-hi-99.5']
    """
    return [
        f"-{end}-{100 * share:g}"
        for share in np.asarray(coverage)
        for end in ("lo", "hi")
    ]


def column_names(channels: Sequence[str], suffixes: Sequence[str]) -> list[str]:
    """All columns of a banded frame, the ones of a channel side by side.

    Parameters
    ----------
    channels : sequence of str
    suffixes : sequence of str

    Returns
    -------
    list of str of length len(channels) * len(suffixes)

    Examples
    --------
    >>> column_names(["a", "b"], ["-lo-90", "-hi-90"])
    ['a-lo-90', 'a-hi-90', 'b-lo-90', 'b-hi-90']
    """
    return [f"{channel}{suffix}" for channel in channels for suffix in suffixes]


def band_frame(
    panel: Panel,
    cells: NDArray[np.int64],
    numbers: NDArray[np.float64],
    suffixes: Sequence[str],
    calibrated: bool = False,
) -> Any:
    """Lay K numbers of each answered cell out as columns of the caller's kind.

    Parameters
    ----------
    panel : Panel
        The caller's data.
    cells : ndarray of int64, shape (M,)
        Answered cells, flat indices into ``panel.values``.
    numbers : ndarray of shape (K, M)
        For example the quantiles of each answered cell.
    suffixes : sequence of str, length K
        From `quantile_suffixes` or `interval_suffixes`.
    calibrated : bool, default False
        A DataFrame of pandas says so: ``attrs["tsdiff"]`` is "calibrated" or "raw".

    Returns
    -------
    DataFrame or ndarray, the caller's kind
        N rows and the columns of `column_names`. Observed cells carry their value in
        each column (an interval of no width), missing cells not in `cells` are NaN.
    """
    n_rows, n_channels = panel.values.shape
    table = np.repeat(panel.values[:, :, None], len(numbers), axis=2)  # (N, C, K)
    table.reshape(-1, len(numbers))[cells] = numbers.T
    names = column_names(panel.channels, suffixes)
    table = table.reshape(n_rows, n_channels * len(numbers))
    frame = panel.columns_frame(table, names)
    if isinstance(frame, pd.DataFrame):
        frame.attrs["tsdiff"] = "calibrated" if calibrated else "raw"
    return frame


def long_frame(
    panel: Panel, samples: NDArray[np.float64], cells: NDArray[np.int64]
) -> Any:
    """Lay draws out in one long frame, a row for each answered cell and draw.

    Parameters
    ----------
    panel : Panel
        The caller's data.
    samples : ndarray of shape (S, M)
        Draws of the answered cells.
    cells : ndarray of int64, shape (M,)
        Answered cells, flat indices into ``panel.values``.

    Returns
    -------
    DataFrame, or a frame of the caller's library
        See `Draws.to_frame`.
    """
    n_samples = len(samples)
    row, channel = np.divmod(cells, len(panel.channels))
    series = np.searchsorted(panel.bounds, row, side="right") - 1
    ids = pd.Index([0] if panel.ids == (None,) else panel.ids)
    repeat = np.repeat(np.arange(len(cells)), n_samples)
    columns: dict[str, Any] = {
        "unique_id": ids[series[repeat]],
        "ds": panel.stamps[row[repeat]],
    }
    if len(panel.channels) > 1:
        columns["channel"] = pd.Index(panel.channels)[channel[repeat]]
    columns["sample"] = np.tile(np.arange(n_samples), len(cells))
    columns["value"] = samples.T.ravel()
    layout = panel.layout
    if not isinstance(layout, NarwhalsLayout):
        return pd.DataFrame(columns)
    columns = {name: np.asarray(column) for name, column in columns.items()}
    if layout.time is not None:  # in the caller's own kind of dates, zone and all
        stamps = nw.from_native(panel.columns_frame(panel.values, panel.channels))
        columns["ds"] = stamps[layout.time[0]][row[repeat]].to_native()
    return nw.from_dict(columns, backend=layout.backend).to_native()
