"""Section: the worst and the median case, and the answer itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tsdiff import plotting
from tsdiff.reporting.excerpt import excerpt
from tsdiff.reporting.markup import heading, paragraph, section
from tsdiff.reporting.pictures import picture
from tsdiff.reporting.subject import Subject
from tsdiff.reporting.trial import Trial

_MOST_ROWS, _MOST_SERIES = 5_000, 12  # of the answer's picture


def cases(subject: Subject, trial: Trial | str) -> str:
    """Draw cases whose truth is known, and what is answered where it is not."""
    parts = [] if isinstance(trial, str) else list(_tried(subject, trial))
    parts.append(heading("The answer"))
    answer = _ahead if subject.looks_ahead else _filled
    try:
        parts.append(answer(subject))
    except ValueError as error:  # as covariates that end with the data
        parts.append(paragraph(f"There is no answer to be drawn. {error}", "alarm"))
    return section("pictures", "Pictures", *parts)


def _tried(subject: Subject, trial: Trial) -> Iterator[str]:
    yield paragraph(
        f"Each {trial.unit} is scored by its mean CRPS over the spread of its channel. "
        f"The worst and the median of {len(trial.cases):,} are drawn, with the truth "
        "that the fit was not shown."
    )
    for rank, case in trial.chosen():
        said, plot = trial.draw(case)
        yield heading(f"{rank}: {said}")
        score = (
            f"CRPS {case.crps:.4g}, {case.score:.3g} spreads, {case.n_cells:,} cells"
        )
        yield picture(plot, subject.template, score)


def _filled(subject: Subject) -> str:
    """Draw the gaps of the data, filled."""
    panel, gone = subject.panel, subject.frame.isna().to_numpy()
    if not gone.any():
        return paragraph("No cell is missing, so there is nothing to fill.")
    rows = _shown(subject, gone)
    where = np.zeros_like(gone)
    where[rows] = gone[rows]
    draws = subject.estimator.sample(
        subject.frame, subject.n_samples, where=where, random_state=subject.seed
    )
    part = excerpt(draws, subject.frame, rows)
    plot = partial(plotting.plot_imputation, subject.frame.iloc[rows], part)
    caption = ""
    if rows.stop - rows.start < len(gone):
        caption = (
            f"{rows.stop - rows.start:,} of {len(gone):,} rows, from "
            f"{panel.stamps[rows.start]} on."
        )
    return picture(plot, subject.template, caption)


def _shown(subject: Subject, gone: NDArray[np.bool_]) -> slice:
    """Choose rows that a picture can hold: whole series, or where most is missing."""
    bounds = subject.panel.bounds
    whole = bounds[: _MOST_SERIES + 1]
    fitting = whole[whole <= _MOST_ROWS]
    if len(fitting) > 1:
        return slice(0, int(fitting[-1]))
    count = np.concatenate([[0], np.cumsum(gone[: bounds[1]].any(axis=1))])
    first = int(np.argmax(count[_MOST_ROWS:] - count[:-_MOST_ROWS]))
    return slice(first, first + _MOST_ROWS)


def _ahead(subject: Subject) -> str:
    """Draw what comes after the last row."""
    frame, ids = subject.frame, subject.panel.ids
    if len(ids) > _MOST_SERIES:
        frame = frame.iloc[: subject.panel.bounds[_MOST_SERIES]]
    draws = subject.estimator.sample(
        y=frame,
        X=subject.covariates,
        static=subject.static,
        n_samples=subject.n_samples,
        random_state=subject.seed,
    )
    rest = len(ids) - _MOST_SERIES
    caption = f"The first {_MOST_SERIES} of {len(ids):,} series." if rest > 0 else ""
    plot = partial(plotting.plot_forecast, frame, draws)
    return picture(plot, subject.template, caption)
