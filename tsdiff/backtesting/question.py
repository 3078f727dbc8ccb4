"""What both kinds of backtest are asked: levels, data in one form, a run's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff._version import __version__
from tsdiff.backtesting.models import describe
from tsdiff.bands import as_alpha
from tsdiff.features import is_named
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]

#: k/20, which the CRPS is taken of, and the ends of 95 % intervals.
LEVELS = np.array([0.025, *(np.arange(1, 20) / 20), 0.975])


def read_levels(levels: Iterable[float] | None) -> Floats:
    """Levels of the quantiles that are kept.

    Raises
    ------
    ValueError
        If one is out of range, or they don't ascend.

    Examples
    --------
    >>> len(read_levels(None)), read_levels([0.1, 0.9])
    (21, array([0.1, 0.9]))
    """
    if levels is None:
        return LEVELS
    alpha = as_alpha(levels)
    if (np.diff(alpha) <= 0).any():
        raise ValueError(f"levels must ascend, got {alpha.tolist()}. Sort them.")
    return alpha


def canonical(panel: Panel, data: Any) -> pd.DataFrame:
    """Rows of a panel as a frame, whose columns have names if those of the data had."""
    names = list(panel.channels) if is_named(data) else range(len(panel.channels))
    return pd.DataFrame(panel.values, index=panel.index, columns=names)


def run_of(
    kind: str,
    models: Mapping[str, Any],
    asked: Mapping[str, Any],
    data: Mapping[str, Any],
) -> dict[str, Any]:
    """Say in JSON all that the numbers of a run hang on."""
    return {
        "tsdiff": __version__,
        "kind": kind,
        **describe(asked),
        "data": describe(data),
        "models": describe(models),
    }
