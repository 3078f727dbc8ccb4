"""What constraints bought: scores with and without them, where the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tsdiff import metrics
from tsdiff.draws import Draws
from tsdiff.panel.frame import to_panel


def compare(free: Draws, steered: Draws, truth: Any, coverage: float = 0.9) -> Any:
    """Score draws without and with constraints on the same cells.

    Parameters
    ----------
    free, steered : Draws
        Of the same cells.
    truth : frame of the kind that was answered
        With the values of the answered cells; NaN where they are not known.
    coverage : float, default 0.9

    Returns
    -------
    DataFrame
        A row for each channel and one for all; columns ``n_cells``, ``crps``,
        ``crps_steered``, ``coverage`` and ``coverage_steered``.

    Raises
    ------
    ValueError
        If the draws are of different cells, or no truth is known.

    Examples
    --------
    >>> from tsdiff import constraints
    >>> from tsdiff.baselines import LinearInterpolation
    >>> y = pd.DataFrame({"y": [5.0, np.nan, np.nan, 6.0]})
    >>> free = LinearInterpolation(random_state=0).fit(y).sample(y, 200)
    >>> steered = constraints.steer(free, constraints.total(None, 26.0))
    >>> truth = pd.DataFrame({"y": [5.0, 7.0, 8.0, 6.0]})
    >>> table = constraints.compare(free, steered, truth)
    >>> bool(table.loc["all", "crps_steered"] < table.loc["all", "crps"])
    True
    """
    values = to_panel(truth).values
    same = values.shape == free.panel.values.shape == steered.panel.values.shape
    if not same or not np.array_equal(free.cells, steered.cells):
        raise ValueError("Draws and truth must be of the same rows, columns and cells.")
    known = values.ravel()[free.cells]
    seen = ~np.isnan(known)
    if not seen.any():
        raise ValueError("The truth of no answered cell is known.")
    channel = (free.cells % len(free.panel.channels))[seen]
    parts: dict[str, Any] = {"n_cells": np.ones(seen.sum())}
    for name, draws in (("", free), ("_steered", steered)):
        paths = draws.samples[:, seen]
        ends = np.quantile(paths, [(1 - coverage) / 2, (1 + coverage) / 2], axis=0)
        parts[f"crps{name}"] = metrics.crps(known[seen], paths)
        parts[f"coverage{name}"] = (ends[0] <= known[seen]) & (known[seen] <= ends[1])
    cells = pd.DataFrame(parts).astype(float)
    names = np.array(free.panel.channels, dtype=object)[channel]
    table = cells.groupby(names, sort=False).mean()
    table.loc["all"] = cells.mean()
    counts = [*pd.Series(names).value_counts(sort=False), len(names)]
    table["n_cells"] = np.array(counts, dtype=int)
    return table[["n_cells", "crps", "crps_steered", "coverage", "coverage_steered"]]
