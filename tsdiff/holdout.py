"""Hide observed cells, so that what is missing is known: one way for all who need it.

Scores, calibration and made-up gaps all ask `hide` which cells to take away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.gaps import read_marks
from tsdiff.panel.frame import Panel
from tsdiff.panel.masking import (
    Mask,
    blocks,
    random_cells,
    whole_channels,
)
from tsdiff.validation import listing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: A pattern that happens to hide nothing is drawn again, at most this often.
MAX_TRIES = 50
#: How strongly "mnar" prefers large values: the odds of a cell grow by exp(2) with
#: every standard deviation of its channel.
MNAR_SLOPE = 2.0


class NothingToHide(ValueError):
    """These data have no cells to hide by a pattern; others may have some."""


def hide(
    panel: Panel,
    pattern: Any,
    rng: np.random.Generator,
    *,
    ratio: float = 0.1,
    length: float = 12,
    trim: bool = True,
) -> Mask:
    """Choose observed cells to hide.

    Parameters
    ----------
    panel : Panel
        N rows, C channels.
    pattern : str, callable or array-like of bool
        - "own": the data's own gaps, lengths and co-missingness. The missing cells of
          each series are turned round by a random number of its rows. If they would
          hide more than `ratio` of a channel, some are left out at random, whole gaps
          at a time and those that begin and end together together;
        - "blocks": runs of consecutive rows, for each channel on its own;
        - "random": cells completely at random;
        - "channel": one to a half of the channels, wholly;
        - "mnar": not at random: large values of a channel are likelier to be hidden;
        - a function ``(observed, rng) -> hidden``, where `observed` is a frame of bool
          with the rows of the panel, and `hidden` has the same shape;
        - the mask itself, rows as in the caller's data.
    rng : Generator
    ratio : float, default 0.1
        Share of the observed cells to hide: exact up to rounding for "random" and
        "mnar", about so for "blocks", at most about so for "own"; not used otherwise.
    length : float, default 12
        Mean number of rows of a run; only for "blocks".
    trim : bool, default True
        False hides all that "own" finds, whatever `ratio`.

    Returns
    -------
    ndarray of bool, shape (N, C)
        True where a cell is observed and to be hidden; at least one is.

    Raises
    ------
    ValueError
        If the pattern is unknown or can't be had of these data (`NothingToHide`), or
        marks no cell or one that is not observed.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> panel = to_panel(np.arange(20.0)[:, None])
    >>> int(hide(panel, "random", np.random.default_rng(0), ratio=0.25).sum())
    5
    """
    if not 0 < ratio < 1:
        raise ValueError(f"ratio is a share strictly between 0 and 1, found {ratio}")
    if not panel.observed.any():
        raise NothingToHide("every cell of X is missing already: there is none to hide")
    if not isinstance(pattern, str):
        return _marked(panel, pattern, rng)
    windows = _Windows.of(panel)
    draw = _strategy(pattern, windows, ratio, length)
    for _ in range(MAX_TRIES):
        hidden = draw(rng)[windows.place]
        if hidden.any():
            own = pattern == "own" and trim
            return _trimmed(panel, hidden, ratio, rng) if own else hidden
    raise NothingToHide(
        f"{MAX_TRIES} patterns of kind {pattern!r} with ratio {ratio} hid none of the "
        f"{panel.observed.sum()} observed cells: raise the ratio or give more rows"
    )


def _marked(panel: Panel, pattern: Any, rng: np.random.Generator) -> Mask:
    """Read a mask that the caller gave or makes, and check that it can be hidden."""
    if callable(pattern):
        names = list(panel.channels)
        observed = pd.DataFrame(panel.observed, index=panel.index, columns=names)
        name, given = "the mask of pattern", np.asarray(pattern(observed, rng))
        rows = panel.layout.rows  # those of the caller, whose order is read below
        if rows is not None and len(rows) == len(given):
            given = given[rows]
    else:
        name, given = "pattern", pattern
        _check_labels(panel, pattern)
    hidden = read_marks(panel, given, name, "X.notna() & (X.index > '2024-06')")
    wrong = np.argwhere(hidden & ~panel.observed)
    if len(wrong):
        row, channel = wrong[0]
        raise ValueError(
            f"{name} marks {len(wrong)} cell(s) to hide that are not observed, the "
            f"first in column {panel.channels[channel]!r}, row {panel.index[row]}. "
            "Leave out what is missing already: mask & X.notna()."
        )
    if not hidden.any():
        raise ValueError(f"{name} marks no cell to hide. Mark at least one by True.")
    return hidden


def _check_labels(panel: Panel, mask: Any) -> None:
    """Refuse a frame whose columns are others than those of the data."""
    if not isinstance(mask, pd.DataFrame):
        return
    names = [str(name) for name in mask.columns]
    if names != list(panel.channels):
        raise ValueError(
            f"The columns of pattern are {listing(map(repr, names))}, those of the "
            f"data {listing(map(repr, panel.channels))}. Give the same, in this order."
        )


@dataclass(frozen=True)
class _Windows:
    """Series laid out as (B, T, C), padded behind the shorter ones."""

    values: Floats  # (B, T, C)
    observed: Mask  # (B, T, C)
    n_rows: Ints  # (B,)
    place: tuple[Ints, Ints]  # padded[place] are the rows of the panel

    @classmethod
    def of(cls, panel: Panel) -> _Windows:
        """Lay out the series of a panel as windows of equal length."""
        n_rows = np.diff(panel.bounds)
        series = np.repeat(np.arange(len(n_rows)), n_rows)
        place = series, np.arange(len(series)) - panel.bounds[series]
        values = np.full((len(n_rows), n_rows.max(), len(panel.channels)), np.nan)
        values[place] = panel.values
        return cls(values, ~np.isnan(values), n_rows, place)


def _strategy(
    kind: str, windows: _Windows, ratio: float, length: float
) -> Callable[[np.random.Generator], Mask]:
    """Return the function rng -> hidden (B, T, C) for a pattern."""
    observed, share = windows.observed, np.full(len(windows.observed), ratio)
    if kind == "channel" and observed.shape[2] < 2:
        raise ValueError("pattern 'channel' needs two channels or more, found one")
    if kind == "own" and windows.n_rows.sum() * observed.shape[2] == observed.sum():
        raise NothingToHide(
            "pattern 'own' moves the gaps of X, but X has none: use 'blocks', with "
            "the length of the gaps you expect"
        )
    strategies: dict[str, Callable[[np.random.Generator], Mask]] = {
        "own": lambda rng: _moved(windows, rng),
        "blocks": lambda rng: blocks(observed, share, rng, length),
        "random": lambda rng: random_cells(observed, share, rng),
        "channel": lambda rng: whole_channels(observed, rng),
        "mnar": lambda rng: _large_values(windows, ratio, rng),
    }
    if kind not in strategies:
        raise ValueError(
            f"pattern is one of {', '.join(strategies)}, a function or a mask; found "
            f"{kind!r}"
        )
    return strategies[kind]


def _moved(windows: _Windows, rng: np.random.Generator) -> Mask:
    """Turn the gaps of each series round by a random number of its rows.

    The padding behind a short series is no gap and is never lent.
    """
    n_rows = np.maximum(windows.n_rows, 1)[:, None]
    step = np.arange(windows.observed.shape[1])
    offset = rng.integers(1, np.maximum(n_rows, 2))
    source = (step - offset) % n_rows  # (B, T)
    moved = np.take_along_axis(windows.observed, source[:, :, None], axis=1)
    inside = (step < n_rows)[:, :, None]
    return windows.observed & ~moved & inside


def _trimmed(
    panel: Panel, hidden: Mask, ratio: float, rng: np.random.Generator
) -> Mask:
    """Leave out gaps at random, so that no channel loses much more than its share.

    All channels drop outages in the same order, so that gaps which begin and end
    together stay together. The one that reaches the share is the last that is kept.
    """
    start, stop = _runs(panel, hidden)  # rows of the gap that a hidden cell lies in
    rows, channels = np.nonzero(hidden)
    runs = np.stack([start[hidden], stop[hidden]], axis=1)
    unique, outage = np.unique(runs, axis=0, return_inverse=True)
    rank = rng.permutation(len(unique))[outage.ravel()]
    order = np.lexsort((rank, channels))  # gap by gap within each channel
    rank, channel = rank[order], channels[order]
    n_before = np.arange(len(order)) - np.searchsorted(channel, channel)
    new = np.diff(rank, prepend=-1) != 0
    new |= np.diff(channel, prepend=-1) != 0
    at_start = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    budget = ratio * panel.observed.sum(axis=0)
    kept = order[n_before[at_start] < budget[channel]]
    answer = np.zeros_like(hidden)
    answer[rows[kept], channels[kept]] = True
    return answer


def _runs(panel: Panel, hidden: Mask) -> tuple[Ints, Ints]:
    """First row and end of the run of hidden cells that each cell lies in, (N, C)."""
    row = np.arange(len(hidden))[:, None]
    first = np.isin(row, panel.bounds[:-1])
    starts = hidden & (first | ~np.roll(hidden, 1, axis=0))
    stops = hidden & (np.roll(first, -1) | ~np.roll(hidden, -1, axis=0))
    start = np.maximum.accumulate(np.where(starts, row, 0), axis=0)
    stop = np.where(stops, row, len(hidden))[::-1]
    return start, np.minimum.accumulate(stop, axis=0)[::-1]


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
