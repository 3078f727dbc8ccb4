"""How an imputer answers cells that are hidden from it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff import plotting
from tsdiff.backtesting.imputations import Holdouts, Imputations
from tsdiff.backtesting.jobs import Job, run_jobs
from tsdiff.backtesting.question import LEVELS
from tsdiff.backtesting.report import report as gather
from tsdiff.baselines import LastValue, LinearInterpolation
from tsdiff.calibrating.rehearsal import gap_starts
from tsdiff.holdout import hide
from tsdiff.panel.frame import Panel
from tsdiff.reporting.excerpt import excerpt
from tsdiff.reporting.subject import Subject
from tsdiff.reporting.trial import OURS, Plot, Trial, answered, listed, scored_cases

Mask = NDArray[np.bool_]

_MOST_CELLS = 2**19  # of the data that are looked at: bounds memory
_RATIO, _MOST_HIDDEN = 0.1, 20_000  # of the observed cells that are hidden at a time
_ENOUGH, _MOST_REPEATS = 1_000, 8  # cells are hidden again until they are enough
_FEWEST = 50  # observed cells in rows that the fit has not seen, to be a trial
_LONGEST_BLOCK = 12
_AROUND, _LEAST_AROUND = 1.5, 24  # lengths of the gap, and rows, to either side of it


def try_filling(subject: Subject) -> Trial:
    """Hide observed cells as gaps hide them, and compare the answers with the truth.

    Where the data go on behind the rows of the fit, cells are hidden there alone.

    Parameters
    ----------
    subject : Subject
        Of an imputer.

    Returns
    -------
    Trial

    Raises
    ------
    ValueError
        If no cell can be hidden, or the fit gives no answer.
    """
    n_rows = len(subject.frame)
    subject = _bounded(subject)
    panel, fresh = subject.panel, subject.fresh()
    known = None if fresh is None else True
    if fresh is not None and panel.observed[fresh].sum() >= _FEWEST:
        known = False
    pattern = "blocks" if panel.observed.all() else "own"
    masks = _masks(subject, pattern, fresh if known is False else None)
    holdouts = Holdouts(panel, subject.frame, masks)
    folds, seed = tuple(range(len(masks))), subject.seed
    other, rival = _rival(subject)
    models = {OURS: (subject.estimator, True), other: (rival, False)}
    jobs = [
        Job(name, folds, Imputations(model, kept, holdouts, folds, LEVELS, seed))
        for name, (model, kept) in models.items()
    ]
    outcomes = run_jobs(jobs, None, 1, 0)
    result = gather(jobs, outcomes, holdouts.table, LEVELS, panel)
    answered(result)
    cases = scored_cases(result, listed(folds, partial(_gaps, holdouts)))
    what = "as the data's own gaps lie" if pattern == "own" else "in runs of rows"
    if len(subject.frame) < n_rows:
        what += f", in the last {len(subject.frame):,} rows"
    how = (
        f"{sum(mask.sum() for mask in masks):,} observed cells were hidden in "
        f"{len(masks)} goes, {what}, and answered from the rest: {len(cases):,} gaps. "
        f"The same cells are answered by {other}."
    )
    draw = partial(_draw, subject, holdouts)
    return Trial(result, other, how, known, "gap", cases, draw)


def _bounded(subject: Subject) -> Subject:
    """Keep as many of the last rows as memory allows; of many series, whole ones."""
    bounds = subject.panel.bounds
    end, most = bounds[-1], max(_MOST_CELLS // len(subject.panel.channels), 1)
    if end <= most:
        return subject
    first = bounds[np.searchsorted(bounds, end - most)]
    return subject.part(slice(int(first if first < end else end - most), None))


def _rival(subject: Subject) -> tuple[str, Any]:
    """Find a plain model to compare with, other than the estimator itself."""
    if isinstance(subject.estimator, LinearInterpolation):
        return "the last value", LastValue(random_state=subject.seed)
    return "linear interpolation", LinearInterpolation(random_state=subject.seed)


def _masks(subject: Subject, pattern: str, fresh: Mask | None) -> tuple[Mask, ...]:
    """Choose the cells to hide, several times if there are few gaps to lend."""
    panel, masks = subject.panel, []
    ratio = min(_RATIO, _MOST_HIDDEN / panel.observed.sum())
    length = min(_LONGEST_BLOCK, max(len(panel.values) // 20, 1))
    for repeat in range(_MOST_REPEATS):
        rng = np.random.default_rng([subject.seed, repeat])
        hidden = hide(panel, pattern, rng, ratio=ratio, length=length)
        if fresh is not None:
            hidden &= fresh[:, None]
        if hidden.any():
            masks.append(hidden)
        if sum(mask.sum() for mask in masks) >= _ENOUGH:
            break
    if not masks:
        raise ValueError("No gap of the data could be laid over observed cells.")
    return tuple(masks)


def _shown(holdouts: Holdouts, fold: int) -> Panel:
    values = np.where(holdouts.masks[fold], np.nan, holdouts.panel.values)
    return replace(holdouts.panel, values=values)


def _gaps(holdouts: Holdouts, fold: int) -> dict[str, NDArray[Any]]:
    """Channel and first row of the gap of each hidden cell."""
    cells = np.flatnonzero(holdouts.masks[fold])
    channel = cells % len(holdouts.panel.channels)
    return {"channel": channel, "start": gap_starts(_shown(holdouts, fold), cells)}


def _draw(subject: Subject, holdouts: Holdouts, case: Any) -> tuple[str, Plot]:
    """Draw paths through a gap and what lies around it, and the truth."""
    panel, shown = holdouts.panel, holdouts.without([case.fold])
    gone = shown.isna().to_numpy()
    series = int(np.searchsorted(panel.bounds, case.start, side="right")) - 1
    end = panel.bounds[series + 1]
    left = np.flatnonzero(~gone[case.start : end, case.channel])
    stop = case.start + left[0] if len(left) else end
    around = max(int(_AROUND * (stop - case.start)), _LEAST_AROUND)
    rows = slice(
        int(max(case.start - around, panel.bounds[series])),
        int(min(stop + around, end)),
    )
    where = np.zeros_like(gone)
    where[rows, case.channel] = gone[rows, case.channel]
    draws = subject.estimator.sample(
        shown, subject.n_samples, where=where, random_state=subject.seed
    )
    name, stamps = panel.channels[case.channel], panel.stamps
    said = (
        f"{subject.of_series(series)}{name}, {stamps[case.start]} to "
        f"{stamps[stop - 1]}, a gap of {stop - case.start:,} row(s)"
    )
    part = excerpt(draws, shown, rows)
    truth: pd.DataFrame = subject.frame.iloc[rows]
    channel = part.panel.channels[case.channel]
    return said, partial(plotting.plot_imputation, truth, part, channels=[channel])
