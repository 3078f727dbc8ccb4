"""How a forecaster answers from earlier rows of the data."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff import plotting
from tsdiff.backtesting.ahead import Forecasts
from tsdiff.backtesting.covariates import read_beside
from tsdiff.backtesting.forecasts import scored
from tsdiff.backtesting.jobs import Job, run_jobs
from tsdiff.backtesting.origins import Origins, check_origins
from tsdiff.backtesting.question import LEVELS
from tsdiff.backtesting.report import report as gather
from tsdiff.baselines import ETS, SeasonalNaive
from tsdiff.reporting.subject import Subject
from tsdiff.reporting.trial import OURS, Plot, Trial, answered, listed, scored_cases

_MOST_WINDOWS, _MOST_FORECASTS = 8, 400  # of a series; of all of them
_HISTORY = 3  # horizons that stand before the first cutoff, if there is room


def try_ahead(subject: Subject) -> Trial:
    """Forecast from the last few origins that have a truth, without a new fit.

    Where the data go on behind the rows of the fit, from origins there alone.

    Parameters
    ----------
    subject : Subject
        Of a forecaster.

    Returns
    -------
    Trial

    Raises
    ------
    ValueError
        If there are too few rows, or the fit gives no answer.
    """
    origins = _origins(subject)
    folds, known = _unseen(subject, origins, scored(origins))
    h, seed = origins.h, subject.seed
    other, rival = _rival(subject, h)
    models = {OURS: (subject.estimator, True), other: (rival, False)}
    jobs = [
        Job(name, folds, Forecasts(model, kept, origins, folds, LEVELS, seed))
        for name, (model, kept) in models.items()
    ]
    result = gather(
        jobs, run_jobs(jobs, None, 1, 0), origins.table, LEVELS, subject.panel
    )
    answered(result)
    cases = scored_cases(result, listed(folds, partial(_windows, origins)))
    n_series = len(subject.panel.ids)
    how = (
        f"{len(folds)} origin(s){f' of {n_series} series each' if n_series > 1 else ''}"
        f", {origins.step} rows apart, the last ones with a truth; from each the next "
        f"{h} rows were forecast without a new fit. {other[:1].upper()}{other[1:]}, "
        "fitted up to the first of them, answers the same cells."
    )
    draw = partial(_draw, subject, origins)
    return Trial(result, other, how, known, "forecast", cases, draw)


def _rival(subject: Subject, h: int) -> tuple[str, Any]:
    """Find a plain model to compare with, other than the estimator itself."""
    if isinstance(subject.estimator, SeasonalNaive):
        return "ETS", ETS(horizon=h, random_state=subject.seed)
    return "seasonal naive", SeasonalNaive(horizon=h, random_state=subject.seed)


def _origins(subject: Subject) -> Origins:
    """Lay out as many origins as there is room for, at most a few."""
    panel, h = subject.panel, int(subject.estimator.horizon)
    room = int(np.diff(panel.bounds).min()) - (_HISTORY + 1) * h
    most = min(_MOST_WINDOWS, max(_MOST_FORECASTS // len(panel.ids), 1))
    sizes = check_origins(panel, h, int(np.clip(room // h + 1, 1, most)), None, 0)
    beside, static = subject.covariates, subject.static
    return Origins(
        panel=panel,
        frame=subject.frame,
        beside=None if beside is None else read_beside(beside, panel),
        static=None if static is None else pd.DataFrame(static),
        **sizes,
    )


def _unseen(
    subject: Subject, origins: Origins, folds: list[int]
) -> tuple[tuple[int, ...], bool | None]:
    """Keep the origins behind the rows of the fit, if there are any."""
    fresh = subject.fresh()
    if fresh is None:
        return tuple(folds), None
    new = [fold for fold in folds if fresh[origins.ends(fold)].all()]
    return tuple(new or folds), not new


def _windows(origins: Origins, fold: int) -> dict[str, NDArray[Any]]:
    """Series and channel of each scored cell."""
    series, _, channel = origins.cells(fold)
    return {"series": series, "channel": channel}


def _draw(subject: Subject, origins: Origins, case: Any) -> tuple[str, Plot]:
    """Draw paths from an origin, what came before, and what came."""
    panel, truth = subject.panel, subject.frame
    known = origins.history(case.fold)
    name = panel.ids[case.series]
    if name is not None:
        known = {
            key: part
            if key == "X" and part.index.nlevels == 1  # holds for all series
            else _only(part, name)
            for key, part in known.items()
        }
        truth = _only(truth, name)
    draws = subject.estimator.sample(
        origins.h, **known, n_samples=subject.n_samples, random_state=subject.seed
    )
    first = origins.ends(case.fold)[case.series]
    stamps = panel.stamps
    said = (
        f"{subject.of_series(case.series)}{panel.channels[case.channel]}, forecast of "
        f"{stamps[first]} to {stamps[first + origins.h - 1]}"
    )
    channel = draws.panel.channels[case.channel]
    plot = partial(plotting.plot_forecast, known["y"], draws, truth, channels=[channel])
    return said, plot


def _only(part: pd.DataFrame, name: Any) -> pd.DataFrame:
    """Keep one series of a frame that has several."""
    return part[part.index.get_level_values(0) == name]
