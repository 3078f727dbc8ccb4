"""From the outcomes of jobs to a result, with all that went wrong said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.advice import advise
from tsdiff.backtesting.folder import Outcome
from tsdiff.backtesting.jobs import Job
from tsdiff.backtesting.result import BacktestResult
from tsdiff.backtesting.scoring import level_columns
from tsdiff.panel.frame import Panel
from tsdiff.validation import listing

Floats = NDArray[np.float64]


def report(
    jobs: Sequence[Job],
    outcomes: Sequence[Outcome],
    table: Callable[[int], pd.DataFrame],
    levels: Floats,
    panel: Panel,
) -> BacktestResult:
    """Put all answers into one frame.

    Parameters
    ----------
    jobs : sequence of Job
    outcomes : sequence of Outcome
    table : callable
        From a fold to the frame of its scored cells.
    levels : ndarray of shape (K,)
    panel : Panel
        The data that were scored.

    Returns
    -------
    BacktestResult

    Raises
    ------
    RuntimeError
        If no model answered at all.

    Warns
    -----
    UserWarning
        Of models that failed or left cells unanswered, and of what they warned of.
    """
    pairs = list(zip(jobs, outcomes, strict=True))
    failed = [
        (job.model, fold, outcome.errors[fold])
        for job, outcome in pairs
        for fold in job.folds
        if fold in outcome.errors
    ]
    failures = pd.DataFrame(failed, columns=["model", "fold", "error"])
    if len(failed) == sum(len(job.folds) for job in jobs):
        raise RuntimeError(
            f"Every model failed everywhere; {failed[0][0]!r} first: {failed[0][2]}"
        )
    names = level_columns(levels)
    tables = {fold: table(fold) for job in jobs for fold in job.folds}
    parts = []
    for job, outcome in pairs:
        for fold, numbers in sorted(outcome.quantiles.items()):
            cells = tables[fold].drop(columns="y").assign(model=job.model)
            cells["y"] = tables[fold]["y"]
            answer = pd.DataFrame(numbers, columns=names)
            parts.append(pd.concat([cells, answer], axis=1))
    frame = pd.concat(parts, ignore_index=True)
    _say(pairs, failures, frame, names)
    return BacktestResult(frame, levels, failures, _scales(panel))


def _say(
    pairs: Sequence[tuple[Job, Outcome]],
    failures: pd.DataFrame,
    frame: pd.DataFrame,
    names: Sequence[str],
) -> None:
    """Warn of what the reader of the result has to know."""
    if len(failures):
        count = failures.groupby("model", sort=False).size()
        first = failures.iloc[0]
        some = listing(f"{name!r} in {n} fold(s)" for name, n in count.items())
        advise(
            f"Model(s) failed: {some}; the first error: {first['error']} (fold "
            f"{first['fold']}). See .failures; compare models on folds that both "
            "answered."
        )
    lacking = frame.loc[frame[list(names)].isna().any(axis=1), "model"].value_counts()
    for name, n_cells in lacking.items():
        advise(f"Model {name!r} left {n_cells} scored cell(s) unanswered (NaN).")
    notes: Counter[tuple[str, str]] = Counter()
    for job, outcome in pairs:
        notes.update((job.model, note) for note in outcome.notes)
    for (name, note), n_fits in notes.items():
        advise(f"Model {name!r}, in {n_fits} of its fits: {note}")


def _scales(panel: Panel) -> pd.Series:
    """Mean absolute deviation from the median of each channel of each series."""
    ids = [0] if panel.ids == (None,) else list(panel.ids)
    series = np.repeat(np.arange(len(ids)), np.diff(panel.bounds))
    values = pd.DataFrame(panel.values, columns=list(panel.channels))
    middle = values.groupby(series).transform("median")
    spread = (values - middle).abs().groupby(series).mean()
    usual = values.abs().groupby(series).mean()
    scale = spread.where(spread > 0, usual).replace(0, 1).set_axis(ids)
    scale = scale.rename_axis(index="unique_id", columns="channel")
    return pd.Series(scale.stack(future_stack=True), name="scale")
