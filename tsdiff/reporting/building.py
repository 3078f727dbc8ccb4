"""report: one page about a fit and its data."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tsdiff.atomic import write_whole
from tsdiff.reporting.ahead import try_ahead
from tsdiff.reporting.asked import asked, law
from tsdiff.reporting.calibration import calibration, provenance, shares
from tsdiff.reporting.cases import cases
from tsdiff.reporting.hidden import try_filling
from tsdiff.reporting.holes import holes
from tsdiff.reporting.learned import history, in_words, skill
from tsdiff.reporting.markup import bullets, section, sentence
from tsdiff.reporting.page import make_page
from tsdiff.reporting.subject import Subject
from tsdiff.reporting.trial import OURS, Trial


def report(
    estimator: Any,
    X: Any,
    path: str | Path | None = None,
    *,
    covariates: Any = None,
    static: Any = None,
    n_samples: int = 100,
    template: Any = None,
    random_state: Any = 0,
) -> str | Path:
    """Write one HTML page about a fit and its data, to look at and to hand on.

    What was asked, the data and their gaps, how the fit went, its skill against a plain
    first guess, what its intervals cover beside a plain model on the same cells, and
    pictures of the worst and the median case and of the answer. For an imputer observed
    cells are hidden as the data's own gaps lie, and answered from the rest; for a
    forecaster the last few origins are looked at once, without a new fit. If the data
    hold rows that the fit has seen and none behind them, the figures are in-sample, and
    the page says so.

    The page is one file: it asks no network for anything (its content security policy
    forbids it), has no upload button, and shows names of columns as text, whatever they
    hold. It takes about 5 MB, most of which is plotly.js.

    Parameters
    ----------
    estimator : fitted imputer or forecaster
        `DiffusionImputer`, `DiffusionForecaster`, or a baseline, which has no history
        and no skill to show. It is not changed.
    X : as in `fit`
        The data to report on; for a forecaster the history. Not changed.
    path : str or Path, optional
        File to write, whole or not at all. Its folder has to be there.
    covariates, static : as `X` and `static` of `DiffusionForecaster.predict`, optional
        Only for forecasters that were fitted with them.
    n_samples : int, default 100
        Paths that pictures are drawn of.
    template : str or plotly template, optional
        Of figures and page. By default light or dark, as the reader's browser is set.
    random_state : int, Generator, RandomState or None, default 0
        Of the cells that are hidden, and of the paths: the same call on the same day
        writes the same page.

    Returns
    -------
    str or Path
        The page itself, or `path` if one was given.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError, ValueError
        If the estimator is none, or data or arguments can't be used.
    OSError
        If the file can't be written.

    See Also
    --------
    tsdiff.backtest, tsdiff.imputation_backtest : Fits that have not seen what they are
        scored on.

    Examples
    --------
    >>> from tsdiff import report
    >>> from tsdiff.baselines import LinearInterpolation
    >>> y = np.sin(np.arange(200) / 9)[:, None]
    >>> y[50:60] = np.nan
    >>> page = report(LinearInterpolation().fit(y), y, n_samples=10)
    >>> page[:15], "Plotly" in page
    ('<!DOCTYPE html>', True)
    """
    file = None if path is None else _checked(path)
    subject = Subject.of(
        estimator,
        X,
        covariates=covariates,
        static=static,
        n_samples=n_samples,
        template=template,
        random_state=random_state,
    )
    with _noting() as notes:
        trial = _tried(subject)
        parts = [
            asked(subject),
            holes(subject),
            history(subject),
            skill(subject),
            calibration(subject, trial),
            cases(subject, trial),
        ]
    said = list(dict.fromkeys(notes))
    if said:
        parts.append(section("notes", "Notes", bullets(said)))
    title = f"{type(subject.estimator).__name__}: a report"
    page = make_page(title, [_summary(subject, trial), *parts], template)
    if file is None or path is None:
        return page
    write_whole(file, page.encode("utf-8"))
    return Path(path)


def _checked(path: str | Path) -> Path:
    """Refuse a file that can't be written before there is much to be lost."""
    file = Path(os.path.realpath(path))
    if not file.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {file.parent}. Make it.")
    return file


def _tried(subject: Subject) -> Trial | str:
    """Try the fit on cells whose truth is known, or say why that can't be."""
    try:
        return try_ahead(subject) if subject.looks_ahead else try_filling(subject)
    except (ValueError, RuntimeError) as error:
        return str(error)


def _summary(subject: Subject, trial: Trial | str) -> str:
    """Say it all in a few lines."""
    values = subject.panel.values
    lines = [
        f"{100 * np.isnan(values).mean():.3g} % of {values.size:,} cells are missing.",
        law(subject),
    ]
    scores = getattr(subject.estimator, "skill_", None)
    if scores:
        lines.append(in_words(scores))
    if isinstance(trial, Trial):
        share = next(share for share in shares(trial) if share.promised == 0.9)
        lines.append(
            f"On {len(trial.cases):,} {trial.unit}s of these data the 90 % intervals "
            f"cover {100 * share.covered:.1f} %: {share.verdict}."
        )
        if trial.other in trial.result.models:
            lines.append(sentence(trial.result.verdict(OURS, trial.other)))
        lines.append(provenance(trial))
    return section("summary", "In short", bullets(lines))


@contextmanager
def _noting() -> Iterator[list[str]]:
    """Collect what would be warned of: the page says it."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
    for one in caught:
        if issubclass(one.category, UserWarning):
            notes.append(str(one.message))
