"""Punch holes into data, so that what is missing is known: `hide` for frames."""

from __future__ import annotations

from typing import Literal, TypeVar

import numpy as np
import pandas as pd

from tsdiff.holdout import hide
from tsdiff.panel.frame import to_panel
from tsdiff.panel.masking import Mask

Kind = Literal["mcar", "blocks", "channel", "own", "mnar"]
Data = TypeVar("Data", pd.DataFrame, pd.Series, np.ndarray)

_PATTERNS = {
    "mcar": "random",
    "blocks": "blocks",
    "channel": "channel",
    "own": "own",
    "mnar": "mnar",
}


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
        If `X` is not one of the kinds above, or holds what is no number.
    ValueError
        If `kind` or `ratio` is not allowed, `X` can't be used, or nothing can be
        hidden.

    Examples
    --------
    >>> from tsdiff.datasets import load_co2
    >>> gappy, hidden = make_gaps(load_co2(), "blocks", ratio=0.2, random_state=1)
    >>> int(gappy["co2"].isna().sum() - hidden["co2"].sum())  # its own gaps stay
    59
    """
    _check_kind_of(X)
    if kind not in _PATTERNS:
        raise ValueError(f"kind is one of {', '.join(_PATTERNS)}; found {kind!r}")
    panel = to_panel(X)
    rng = np.random.default_rng(random_state)
    pattern = _PATTERNS[kind]
    hidden = hide(panel, pattern, rng, ratio=ratio, length=length, trim=False)
    rows = panel.layout.rows
    hidden = hidden if rows is None else hidden[rows]
    return _without(X, hidden.reshape(X.shape))


def _check_kind_of(X: object) -> None:
    """Refuse what can't be given back with holes in it."""
    if not isinstance(X, pd.DataFrame | pd.Series | np.ndarray):
        raise TypeError(
            f"X is a {type(X).__module__}.{type(X).__name__}; give a pandas DataFrame "
            "or Series, or a numpy array"
        )
    if isinstance(X, np.ndarray) and X.ndim not in (2, 3):
        raise ValueError(f"X has {X.ndim} dimensions; give an array of 2 or 3")


def _without(X: Data, hidden: Mask) -> tuple[Data, Data]:
    """Return a copy of `X` without the hidden cells, and `hidden` as the same kind."""
    if isinstance(X, pd.DataFrame):
        frame = pd.DataFrame(hidden, index=X.index, columns=X.columns)
        return X.mask(frame), frame
    if isinstance(X, pd.Series):
        series = pd.Series(hidden, index=X.index, name=X.name)
        return X.mask(series), series
    return np.where(hidden, np.nan, X), hidden
