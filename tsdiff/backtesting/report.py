"""From the outcomes of jobs to a result, with all that went wrong said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import Tick

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
    table: Callable[[Sequence[int]], pd.DataFrame],
    levels: Floats,
    panel: Panel,
) -> BacktestResult:
    """Put all answers into one frame.

    Parameters
    ----------
    jobs : sequence of Job
    outcomes : sequence of Outcome
    table : callable
        From folds to the frame of their scored cells, fold by fold.
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
    cells = table(sorted({fold for job in jobs for fold in job.folds}))
    parts = []
    for model in dict.fromkeys(job.model for job in jobs):
        answers: dict[int, Floats] = {}
        for job, outcome in pairs:
            answers |= outcome.quantiles if job.model == model else {}
        if answers:
            parts.append(_answered(cells, model, answers, names))
    frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    _say(pairs, failures, frame, names)
    return BacktestResult(frame, levels, failures, _scales(panel), _step(panel))


def _answered(
    cells: pd.DataFrame, model: str, answers: dict[int, Floats], names: Sequence[str]
) -> pd.DataFrame:
    """Put the answers of a model beside the cells of the folds that it answered."""
    mine = cells[cells["fold"].isin(list(answers))].reset_index(drop=True)
    columns = {name: mine[name] for name in mine if name not in ("fold", "y")}
    columns |= {"model": pd.Series(model, index=mine.index), "y": mine["y"]}
    numbers = np.concatenate([answers[fold] for fold in sorted(answers)])
    columns |= dict(zip(names, numbers.T, strict=True))
    return pd.DataFrame(columns)


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


def _step(panel: Panel) -> pd.Timedelta | None:
    """Time from row to row; None if it is not always the same, or no time."""
    if not isinstance(panel.stamps, pd.DatetimeIndex | pd.TimedeltaIndex):
        return None
    offset = to_offset(panel.freq)
    return pd.Timedelta(offset) if isinstance(offset, Tick) else None


def _scales(panel: Panel) -> pd.Series:
    """Mean absolute deviation from the median of each channel of each series.

    Of a constant one its size stands for it, and 1 if that is zero.
    """
    ids = [0] if panel.ids == (None,) else list(panel.ids)
    series = np.repeat(np.arange(len(ids)), np.diff(panel.bounds))
    values = pd.DataFrame(panel.values, columns=list(panel.channels))
    middle = values.groupby(series).median().to_numpy()[series]
    scale = (values - middle).abs().groupby(series).mean()
    if not (scale > 0).all(axis=None):
        usual = values.abs().groupby(series).mean()
        scale = scale.where(scale > 0, usual).replace(0, 1)
    scale = scale.set_axis(ids)
    scale = scale.rename_axis(index="unique_id", columns="channel")
    return pd.Series(scale.stack(future_stack=True), name="scale")
