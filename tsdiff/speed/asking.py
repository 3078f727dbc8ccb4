"""Questions whose answers are known: hidden cells, and the last horizons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.backtesting.covariates import read_beside
from tsdiff.backtesting.origins import Origins
from tsdiff.backtesting.question import canonical
from tsdiff.gaps import cells_to_answer, gap_numbers
from tsdiff.holdout import hide
from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_count
from tsdiff.questions import Question

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MOST_ORIGINS = 8


@dataclass(frozen=True)
class Asked:
    """A question whose answer is known: arrays are of its M cells.

    `window` and `gap` are numbers, `scale` is the spread of a cell's channel.
    """

    question: Question
    truth: Floats
    scale: Floats
    window: Ints
    gap: Ints


def hidden(
    estimator: Any, X: Any, pattern: Any, ratio: float, rng: np.random.Generator
) -> Asked:
    """Ask for observed cells that are hidden."""
    panel: Panel = estimator.schema_.read(estimator, X)
    marks = hide(panel, pattern, rng, ratio=ratio)
    shown = replace(panel, values=np.where(marks, np.nan, panel.values))
    cells = cells_to_answer(shown, estimator.max_gap)
    cells = cells[marks.reshape(-1)[cells]]
    row, channel = np.divmod(cells, marks.shape[1])
    series = np.searchsorted(panel.bounds, row, side="right") - 1
    place = (row - panel.bounds[series]) // estimator.model_.n_steps
    window = np.unique(np.stack([series, place]), axis=1, return_inverse=True)[1]
    return Asked(
        Question(shown, cells, shown, cells),
        panel.values.reshape(-1)[cells],
        _spread(panel)[channel],
        window.ravel(),
        gap_numbers(shown).reshape(-1)[cells],
    )


def ahead(estimator: Any, y: Any, covariates: Any) -> Iterator[Asked]:
    """Ask for the last horizons of a forecaster's data."""
    panel: Panel = estimator.schema_.read(estimator, y)
    h, n_channels = check_count("horizon", estimator.horizon), len(panel.channels)
    n_windows = min((int(np.diff(panel.bounds).min()) - 1) // h, _MOST_ORIGINS)
    if n_windows < 1:
        raise ValueError(
            f"A series has {np.diff(panel.bounds).min()} row(s), and the last {h} are "
            "hidden. Give one row more than the horizon, or more."
        )
    beside = None if covariates is None else read_beside(covariates, panel)
    sizes = {"h": h, "gap": 0, "step": h, "n_windows": n_windows}
    origins = Origins(panel, canonical(panel, y), beside, None, **sizes)
    for fold in range(n_windows):
        known = origins.history(fold)
        question = estimator._ask(h, known["y"], known.get("X"), None)
        truth = panel.values[origins.ahead(fold)].reshape(-1)
        cell = np.arange(truth.size)
        series, channel = cell // (h * n_channels), cell % n_channels
        yield Asked(
            question,
            truth,
            _spread(panel)[channel],
            series,
            series * n_channels + channel,
        )


def _spread(panel: Panel) -> Floats:
    """Measure the standard deviation of each channel; 1 where there is none."""
    seen = [part[~np.isnan(part)] for part in panel.values.T]
    spread = np.array([part.std() if part.size else 0.0 for part in seen])
    return np.where(spread > 0, spread, 1.0)
