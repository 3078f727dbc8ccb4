"""backtest: forecasters compared from a rolling origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd

from tsdiff.advice import advise
from tsdiff.backtesting.ahead import Forecasts, check_blind, is_fitted
from tsdiff.backtesting.covariates import read_beside
from tsdiff.backtesting.folder import Folder
from tsdiff.backtesting.jobs import Job, run_jobs
from tsdiff.backtesting.models import check_models
from tsdiff.backtesting.origins import Origins, check_origins
from tsdiff.backtesting.question import canonical, read_levels, run_of
from tsdiff.backtesting.report import report
from tsdiff.backtesting.result import BacktestResult
from tsdiff.panel.frame import to_panel
from tsdiff.parameters import check_count, read_seed
from tsdiff.validation import listing


def backtest(  # noqa: PLR0913 - choices, each by its name
    models: Mapping[str, Any],
    y: Any,
    h: int,
    *,
    n_windows: int = 1,
    step_size: int | None = None,
    gap: int = 0,
    refit: bool | int = True,
    X: Any = None,
    static: Any = None,
    levels: Iterable[float] | None = None,
    n_jobs: int | None = 1,
    folder: str | Path | None = None,
    verbose: int = 0,
    random_state: Any = 0,
) -> BacktestResult:
    """Compare forecasters from a rolling origin.

    A window is a cutoff and the `h` rows behind it that are scored; the last one ends
    with the data, the one before it `step_size` rows earlier. Every model is cloned and
    fitted on the rows up to a cutoff alone, so that all it learns - weights, scaling,
    calibration - knows nothing of what it is scored on.

    Parameters
    ----------
    models : mapping of str to forecaster
        Anything with ``fit(y)`` and ``predict_quantiles(h, y, X, alpha=...)``, or
        ``sample(h, y, X)`` that returns `Draws`. A ``random_state`` of None is given a
        seed, so that runs can be repeated.
    y : DataFrame, Series, array or polars frame
        As for `DiffusionForecaster.fit`. Of many series each has its own cutoffs,
        counted from its own end. Models are given pandas frames.
    h : int
        Rows that are scored of each window.
    n_windows : int, default 1
    step_size : int, optional
        Rows from one cutoff to the next; `h` by default.
    gap : int, default 0
        Rows between the end of the history and the first that is scored.
    refit : bool or int, default True
        True fits at each cutoff, a number k at every k-th. False fits at the first
        one only; a model that is fitted already is then used as it is, if its
        history shows that it has seen no row behind that cutoff.
    X : as `y`, optional
        Covariates. A column with values behind the end of `y` is known ahead, one
        without is cut at each cutoff; where X ends with `y`, all are. Baselines, which
        can't use X or `static`, are not given them.
    static : DataFrame or Series, optional
        A row per series.
    levels : iterable of float, optional
        Ascending levels of the quantiles that are kept; k/20 for k = 1..19, and 0.025
        and 0.975 by default.
    n_jobs : int or None, default 1
        Processes, as in joblib; None is what ``joblib.parallel_config`` says. Each job
        computes on one thread, so that numbers are the same for any `n_jobs`, bit for
        bit.
    folder : str or Path, optional
        Where finished jobs are kept. The same call goes on from there after it was
        killed, and ends with the same numbers.
    verbose : int, default 0
        1 shows one bar.
    random_state : int, Generator, RandomState or None, default 0
        Seeds models whose own is None.

    Returns
    -------
    BacktestResult
        ``frame`` has the columns unique_id, ds, channel, cutoff (the last row of the
        history), horizon (1..h), model, y, and one for each level.

    Raises
    ------
    TypeError, ValueError
        For arguments or data that can't be used, naming what was found; if `folder`
        holds another run; if a fitted model may have seen what it is scored on.
    RuntimeError
        If every model failed in every window.

    Warns
    -----
    UserWarning
        At the end, of models that failed in some windows, and of what models warned of.

    Examples
    --------
    >>> from tsdiff.baselines import ETS, SeasonalNaive
    >>> months = pd.date_range("2020-01-01", periods=48, freq="MS")
    >>> y = pd.Series(np.tile(np.arange(12.0), 4) + np.arange(48) / 10, months)
    >>> result = backtest({"naive": SeasonalNaive(), "ets": ETS()}, y, h=6, n_windows=2)
    >>> result.frame.columns[:8].tolist()
    ['unique_id', 'ds', 'channel', 'cutoff', 'horizon', 'model', 'y', 'q-0.025']
    >>> result.scores().index.tolist()
    ['naive', 'ets']
    """
    wrong = "backtest wants forecasters: see .as_forecaster, or imputation_backtest."
    checked = check_models(models, "predict", "transform", wrong)
    panel = to_panel(y)
    sizes = check_origins(panel, h, n_windows, step_size, gap)
    alpha = read_levels(levels)
    origins = Origins(
        panel=panel,
        frame=canonical(panel, y),
        beside=None if X is None else read_beside(X, panel),
        static=None if static is None else pd.DataFrame(static),
        **sizes,
    )
    folds = scored(origins)
    seed, blocks = read_seed(random_state), _blocks(folds, refit, origins)
    fitted = {n for n, m in checked.items() if refit is False and is_fitted(m)}
    for name in fitted:
        check_blind(name, checked[name], origins)
    jobs = [
        Job(name, some, Forecasts(model, name in fitted, origins, some, alpha, seed))
        for name, model in checked.items()
        for some in blocks
    ]
    store = None
    if folder is not None:
        beside = None if origins.beside is None else origins.beside.frame
        data = {"y": origins.frame, "X": beside, "static": origins.static}
        asked = {**sizes, "refit": refit, "levels": alpha.tolist(), "seed": seed}
        run = run_of("forecasts", checked, asked, data)
        run["fits"] = {name: joblib.hash(checked[name]) for name in sorted(fitted)}
        store = Folder.open(folder, run)
    outcomes = run_jobs(jobs, store, n_jobs, verbose)
    return report(jobs, outcomes, origins.table, alpha, panel)


def scored(origins: Origins) -> list[int]:
    """Leave out windows without a truth, and say so."""
    folds = list(range(origins.n_windows))
    empty = [fold for fold in folds if not len(origins.cells(fold)[0])]
    if len(empty) == len(folds):
        raise ValueError(
            f"None of the {len(folds)} window(s) has an observed value to score. Ask "
            "for more of them, move them by step_size, or leave out the end of y."
        )
    if empty:
        advise(
            f"Window(s) {listing(empty)} of {len(folds)} (0 is the earliest) have no "
            "observed value to score and are left out."
        )
    return sorted(set(folds) - set(empty))


def _blocks(
    folds: Sequence[int], refit: bool | int, origins: Origins
) -> list[tuple[int, ...]]:
    """Windows that share a fit, at the first of them."""
    if isinstance(refit, bool | np.bool_):
        size = 1 if refit else origins.n_windows
    else:
        size = check_count("refit, if it is neither True nor False,", refit)
    number = np.asarray(folds) // size
    return [tuple(np.asarray(folds)[number == k].tolist()) for k in np.unique(number)]
