"""backtest: forecasters compared from a rolling origin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.backtesting.ahead import Forecasts, check_blind, is_fitted
from tsdiff.backtesting.covariates import read_beside
from tsdiff.backtesting.folder import Folder
from tsdiff.backtesting.jobs import Job, run_jobs
from tsdiff.backtesting.models import check_models, describe, digest, digest_of_data
from tsdiff.backtesting.origins import Origins, check_origins
from tsdiff.backtesting.question import canonical, read_levels, run_of
from tsdiff.backtesting.report import report
from tsdiff.backtesting.result import BacktestResult
from tsdiff.panel.frame import to_panel
from tsdiff.parameters import check_count, read_seed
from tsdiff.validation import listing

Floats = NDArray[np.float64]


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
    n_jobs: int = 1,
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
    n_jobs : int, default 1
        Processes, as in joblib. Each job computes on one thread, so that numbers are
        the same for any `n_jobs`, bit for bit.
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
    _check_scored(origins)
    data = {"y": digest_of_data(origins.frame)} | {
        name: digest_of_data(part)
        for name, part in (("X", X), ("static", origins.static))
        if part is not None
    }
    asked = {**sizes, "refit": describe(refit), "levels": alpha.tolist()}
    run = run_of("forecasts", checked, asked | {"seed": read_seed(random_state)}, data)
    jobs = list(_jobs(checked, origins, refit, alpha, run))
    store = None if folder is None else Folder.open(folder, run)
    outcomes = run_jobs(jobs, store, n_jobs, verbose)
    return report(jobs, outcomes, origins.table, alpha, panel)


def _check_scored(origins: Origins) -> None:
    """Refuse windows without a truth."""
    empty = [f for f in range(origins.n_windows) if not len(origins.cells(f)[0])]
    if empty:
        raise ValueError(
            f"Window(s) {listing(empty)} of {origins.n_windows} (0 is the earliest) "
            "have no observed value to score. Move them by step_size or n_windows, or "
            "leave out the end of y."
        )


def _jobs(
    models: Mapping[str, Any],
    origins: Origins,
    refit: bool | int,
    levels: Floats,
    run: Mapping[str, Any],
) -> Iterator[Job]:
    """One job for each model and fit."""
    n_windows = origins.n_windows
    if isinstance(refit, bool | np.bool_):
        size = 1 if refit else n_windows
    else:
        size = check_count("refit, if it is neither True nor False,", refit)
    blocks = [
        tuple(range(n_windows))[first : first + size]
        for first in range(0, n_windows, size)
    ]
    rest = {key: part for key, part in run.items() if key not in ("models", "refit")}
    for name, model in models.items():
        as_it_is = refit is False and is_fitted(model)
        if as_it_is:
            check_blind(name, model, origins)
        content = joblib.hash(model) if as_it_is else describe(model)
        for folds in blocks:
            work = Forecasts(model, as_it_is, origins, folds, levels, rest["seed"])
            yield Job(name, folds, digest(rest, content, as_it_is, folds), work)
