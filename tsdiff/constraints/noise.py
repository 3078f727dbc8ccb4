"""Noisy observations: cells whose values are hints, not facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from tsdiff.constraints.cells import channel_number, places
from tsdiff.constraints.compiling import Linear
from tsdiff.constraints.conditioning import condition
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Hints:
    """Values of cells, known up to normal errors.

    Attributes
    ----------
    values, std : ndarray, shape (N, C)
        Values are NaN where nothing is known.
    """

    values: Floats
    std: Floats


def softened(panel: Panel, cells: Ints, std: Floats) -> tuple[Panel, Ints, Hints]:
    """Hide the observed cells that are noisy, and state what they hint at.

    Parameters
    ----------
    panel : Panel
    cells : ndarray of int, shape (M,)
        To be answered.
    std : ndarray, shape (N, C)
        As `errors` reads it; what it says of missing cells does not count.

    Returns
    -------
    panel : Panel
        Without the noisy cells.
    cells : ndarray of int
        With them.
    hints : Hints
    """
    noisy = panel.observed & (std > 0)
    hints = Hints(np.where(noisy, panel.values, np.nan), std)
    hidden = replace(panel, values=np.where(noisy, np.nan, panel.values))
    return hidden, np.union1d(cells, np.flatnonzero(noisy)), hints


def denoised(samples: Floats, panel: Panel, cells: Ints, hints: Hints) -> Floats:
    """Condition draws on hints, by Matheron's rule; see `condition`.

    Parameters
    ----------
    samples : ndarray, shape (S, M)
    panel : Panel
    cells : ndarray of int, shape (M,)
    hints : Hints

    Returns
    -------
    ndarray, shape (S, M)
    """
    value = hints.values.ravel()[cells]
    some = np.flatnonzero(~np.isnan(value))
    if not len(some):
        return samples
    one, shape = np.ones(len(some)), (len(some), len(cells))
    rows = sparse.csr_array((one, (np.arange(len(some)), some)), shape=shape)
    system = Linear(rows, value[some], ["a noisy observation"] * len(some))
    std = hints.std.ravel()[cells[some]]
    return condition(samples, system, places(panel, cells), std)


def errors(panel: Panel, obs_std: Any) -> Floats:
    """Read the standard deviation of the error of each observed cell.

    Parameters
    ----------
    panel : Panel
    obs_std : number, mapping by channel, or array of shape (N, C)

    Returns
    -------
    ndarray, shape (N, C)

    Raises
    ------
    TypeError, ValueError
        If `obs_std` is not made of numbers, has another shape, names an unknown
        channel, or is negative or not finite for an observed cell.
    """
    std = _read(panel, obs_std)
    bad = panel.observed & ~(np.isfinite(std) & (std >= 0))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(
            f"obs_std must be finite and not negative; it is {std[row, column]} in "
            f"column {panel.channels[column]!r} at {panel.index[row]}."
        )
    return std


def _read(panel: Panel, obs_std: Any) -> Floats:
    """Read the standard deviation of each cell, shape (N, C)."""
    shape = panel.values.shape
    if isinstance(obs_std, Real) and not isinstance(obs_std, bool):
        return np.full(shape, float(obs_std))
    named = isinstance(obs_std, pd.Series) and obs_std.index.isin(panel.channels).all()
    if named or isinstance(obs_std, Mapping):
        std = np.zeros(shape)
        for name, value in dict(obs_std).items():
            std[:, channel_number(panel, name, "obs_std")] = value
        return std
    std = np.asarray(obs_std)
    if not np.issubdtype(std.dtype, np.number):
        raise TypeError(
            "obs_std is a number, a mapping of column names to numbers, or an array of "
            f"numbers; got {obs_std!r}."
        )
    std = std.astype(float)
    std = std[:, None] if std.ndim == 1 and shape[1] == 1 else std
    if std.shape != shape:
        raise ValueError(
            "obs_std is a number, a mapping of column names to numbers, or as many rows"
            f" and columns as the data, {shape}; got shape {std.shape}."
        )
    rows = getattr(panel.layout, "rows", None)  # the caller's order of rows
    return std if rows is None else std[np.argsort(rows)]
