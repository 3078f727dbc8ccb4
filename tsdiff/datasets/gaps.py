"""Punch holes into data, so that what is missing is known.

`make_gaps` wraps the mask strategies of `tsdiff.panel.masking` for frames and arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.panel.masking import (
    Mask,
    blocks,
    lent_pattern,
    random_cells,
    whole_channels,
)

Kind = Literal["mcar", "blocks", "channel", "own", "mnar"]
Data = TypeVar("Data", pd.DataFrame, pd.Series, np.ndarray)

#: A pattern that happens to hide nothing is drawn again, at most this often.
MAX_TRIES = 50
#: How strongly "mnar" prefers large values: the odds of a cell grow by exp(2) with
#: every standard deviation of its channel.
MNAR_SLOPE = 2.0


def make_gaps(
    X: Data,
    kind: Kind = "mcar",
    *,
    ratio: float = 0.1,
    length: float = 12,
    random_state: int | np.random.Generator | None = 0,
) -> tuple[Data, Data]:
    """Hide some of the observed cells of a copy of the data.

    Parameters
    ----------
    X : DataFrame, Series or ndarray
        A frame or array of rows = time and columns = channels, a Series, or an array
        of shape (n_series, n_times, n_channels). A frame with a MultiIndex
        ``(unique_id, ds)`` holds many series; each of them gets its own gaps.
    kind : {"mcar", "blocks", "channel", "own", "mnar"}, default="mcar"
        - "mcar": cells completely at random;
        - "blocks": runs of consecutive rows, for each channel on its own;
        - "channel": one to a half of the channels, wholly;
        - "own": the data's own pattern of gaps, moved by a random time;
        - "mnar": not at random: large values of a channel are likelier to be hidden.
    ratio : float, default=0.1
        Share of the observed cells to hide, strictly between 0 and 1; exact up to
        rounding for "mcar" and "mnar", about so for "blocks", not used for the others.
    length : float, default=12
        Mean number of rows of a run; only for "blocks".
    random_state : int, Generator or None, default=0

    Returns
    -------
    gappy : same kind as `X`
        A copy in which the hidden cells are missing.
    hidden : same kind and shape, of bool
        True where a cell was observed and is hidden now.

    Raises
    ------
    TypeError
        If `X` is not one of the kinds above.
    ValueError
        If `kind` or `ratio` is not allowed, or nothing can be hidden.

    Examples
    --------
    >>> from tsdiff.datasets import load_co2
    >>> gappy, hidden = make_gaps(load_co2(), "blocks", ratio=0.2, random_state=1)
    >>> int(gappy["co2"].isna().sum() - hidden["co2"].sum())  # its own gaps stay
    59
    """
    if not 0 < ratio < 1:
        raise ValueError(f"ratio is a share strictly between 0 and 1, found {ratio}")
    windows = _windows(X)
    n_observed = int(windows.observed.sum())
    if not n_observed:
        raise ValueError("every cell of X is missing already: there is none to hide")
    draw = _strategy(kind, windows, ratio, length)
    rng = np.random.default_rng(random_state)
    for _ in range(MAX_TRIES):
        hidden = draw(rng)
        if hidden.any():
            return _hide(X, hidden[windows.place].reshape(X.shape))
    raise ValueError(
        f"{MAX_TRIES} patterns of kind {kind!r} with ratio {ratio} hid none of the "
        f"{n_observed} observed cells: raise the ratio or give more rows"
    )


@dataclass(frozen=True)
class _Windows:
    """Series laid out as (B, T, C), padded behind the shorter ones."""

    values: NDArray  # (B, T, C)
    observed: Mask  # (B, T, C)
    n_rows: NDArray  # (B,)
    place: tuple[NDArray, NDArray]  # padded[place] are the caller's rows in their order


def _windows(X: pd.DataFrame | pd.Series | NDArray) -> _Windows:
    """Lay out whatever the caller gave as windows of equal length."""
    frame, series = _stacked(X)
    step = frame.groupby(series).cumcount().to_numpy()
    n_rows = np.bincount(series, minlength=1)
    observed = np.zeros((len(n_rows), n_rows.max(), frame.shape[1]), dtype=bool)
    observed[series, step] = frame.notna().to_numpy()
    values = np.full(observed.shape, np.nan)
    numbers = frame.apply(pd.to_numeric, errors="coerce")
    values[series, step] = numbers.to_numpy(dtype=float, na_value=np.nan)
    return _Windows(values, observed, n_rows, (series, step))


def _stacked(X: pd.DataFrame | pd.Series | NDArray) -> tuple[pd.DataFrame, NDArray]:
    """Return all rows as one frame, and for each row the number of its series."""
    if not isinstance(X, pd.DataFrame | pd.Series | np.ndarray):
        raise TypeError(
            f"X is a {type(X).__module__}.{type(X).__name__}; give a pandas DataFrame "
            "or Series, or a numpy array"
        )
    if X.ndim > 3 or (isinstance(X, np.ndarray) and X.ndim < 2):
        raise ValueError(f"X has {X.ndim} dimensions; give an array of 2 or 3")
    if isinstance(X, np.ndarray) and X.ndim == 3:
        rows = pd.DataFrame(X.reshape(-1, X.shape[2]))
        return rows, np.repeat(np.arange(len(X)), X.shape[1])
    frame = pd.DataFrame(X)
    if isinstance(frame.index, pd.MultiIndex):
        return frame, frame.groupby(level=0, sort=False).ngroup().to_numpy()
    return frame, np.zeros(len(frame), dtype=np.int64)


def _strategy(
    kind: str, windows: _Windows, ratio: float, length: float
) -> Callable[[np.random.Generator], Mask]:
    """Return the function rng -> hidden (B, T, C) for `kind`."""
    observed, share = windows.observed, np.full(len(windows.observed), ratio)
    if kind == "channel" and observed.shape[2] < 2:
        raise ValueError("kind='channel' needs two channels or more, found one")
    if kind == "own" and windows.n_rows.sum() * observed.shape[2] == observed.sum():
        raise ValueError("kind='own' moves the gaps of X, but X has none")
    strategies: dict[str, Callable[[np.random.Generator], Mask]] = {
        "mcar": lambda rng: random_cells(observed, share, rng),
        "blocks": lambda rng: blocks(observed, share, rng, length),
        "channel": lambda rng: whole_channels(observed, rng),
        "own": lambda rng: lent_pattern(observed, rng, _moved(windows, rng)),
        "mnar": lambda rng: _large_values(windows, ratio, rng),
    }
    if kind not in strategies:
        raise ValueError(f"kind is one of {', '.join(strategies)}; found {kind!r}")
    return strategies[kind]


def _moved(windows: _Windows, rng: np.random.Generator) -> Mask:
    """Turn each series round by a random number of its rows.

    The padding behind a short series is no gap and is never lent.
    """
    n_rows = np.maximum(windows.n_rows, 1)[:, None]
    step = np.arange(windows.observed.shape[1])
    offset = rng.integers(1, np.maximum(n_rows, 2))
    source = (step - offset) % n_rows  # (B, T)
    moved = np.take_along_axis(windows.observed, source[:, :, None], axis=1)
    return moved | (step >= n_rows)[:, :, None]


def _large_values(windows: _Windows, ratio: float, rng: np.random.Generator) -> Mask:
    """Hide the exact share of each series' cells, larger values likelier.

    Taking the largest of log odds + Gumbel noise draws cells without replacement, each
    draw in proportion to the odds.
    """
    observed, n_series = windows.observed, len(windows.observed)
    shown = np.where(observed, windows.values, np.nan)
    count = np.maximum(observed.sum(1, keepdims=True), 1)
    mean = np.nansum(shown, axis=1, keepdims=True) / count
    spread = np.sqrt(np.nansum((shown - mean) ** 2, axis=1, keepdims=True) / count)
    score = MNAR_SLOPE * (shown - mean) / np.where(spread > 0, spread, 1.0)
    key = np.where(observed, score + rng.gumbel(size=observed.shape), -np.inf)
    flat = key.reshape(n_series, -1)
    n_hidden = np.round(ratio * observed.reshape(n_series, -1).sum(1))
    rank = (-flat).argsort(axis=1).argsort(axis=1)
    return (rank < n_hidden[:, None]).reshape(observed.shape) & observed


def _hide(X: Data, hidden: Mask) -> tuple[Data, Data]:
    """Return a copy of `X` without the hidden cells, and `hidden` as the same kind."""
    if isinstance(X, pd.DataFrame):
        frame = pd.DataFrame(hidden, index=X.index, columns=X.columns)
        return X.mask(frame), frame
    if isinstance(X, pd.Series):
        series = pd.Series(hidden, index=X.index, name=X.name)
        return X.mask(series), series
    return np.where(hidden, np.nan, X), hidden
