"""imputation_backtest: gap fillers compared on cells that were hidden from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.backtesting.folder import Folder, Outcome
from tsdiff.backtesting.jobs import Job, failing, run_jobs
from tsdiff.backtesting.models import (
    ask,
    check_models,
    fresh,
    read_answer,
)
from tsdiff.backtesting.question import canonical, read_levels, run_of
from tsdiff.backtesting.report import report
from tsdiff.backtesting.result import BacktestResult
from tsdiff.gaps import distances, gap_lengths
from tsdiff.holdout import hide
from tsdiff.panel.frame import Panel, to_panel
from tsdiff.parameters import check_count, read_seed

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def imputation_backtest(  # noqa: PLR0913 - choices, each by its name
    models: Mapping[str, Any],
    X: Any,
    *,
    pattern: Any = "own",
    n_repeats: int = 5,
    ratio: float = 0.1,
    length: float = 12,
    refit: bool = True,
    levels: Iterable[float] | None = None,
    n_jobs: int | None = 1,
    folder: str | Path | None = None,
    verbose: int = 0,
    random_state: Any = 0,
) -> BacktestResult:
    """Compare gap fillers on observed cells that are hidden from them.

    Every model is cloned and fitted on the data without the hidden cells, so that all
    it learns - weights, scaling, calibration - knows nothing of what it is scored on.
    What a model has learned before doesn't count.

    Parameters
    ----------
    models : mapping of str to imputer
        Anything with ``fit(X)`` and ``predict_quantiles(X, alpha=..., where=...)``, or
        ``sample(X)`` that returns `Draws`. A ``random_state`` of None is given a seed,
        so that runs can be repeated.
    X : DataFrame, Series, array or polars frame
        As for `DiffusionImputer.fit`. Models are given pandas frames.
    pattern : str, callable or array-like of bool, default "own"
        Which cells are hidden: "own" moves the data's own gaps in time, "blocks" hides
        runs, "random" single cells; a function ``(observed, rng) -> hidden`` of frames
        of bool, or a mask of the shape of `X`. See `tsdiff.holdout.hide`.
    n_repeats : int, default 5
        Times that cells are hidden, by another draw each; a mask is hidden once.
    ratio : float, default 0.1
        Share of the observed cells to hide.
    length : float, default 12
        Mean rows of a run, for "blocks".
    refit : bool, default True
        False fits each model once, on the data without the hidden cells of all repeats,
        and lets that fit answer them one repeat at a time.
    levels, n_jobs, folder, verbose
        As for `backtest`.
    random_state : int, Generator, RandomState or None, default 0
        Decides which cells are hidden, and seeds models whose own is None.

    Returns
    -------
    BacktestResult
        ``frame`` has the columns unique_id, ds, channel, repeat, gap_length (rows of
        the gap that the cell lies in), distance (rows to the nearest value of the
        series that is shown), model, y, and one for each level.

    Raises
    ------
    TypeError, ValueError
        For arguments or data that can't be used, naming what was found; if the pattern
        can't be had or marks cells that are not observed; if `folder` holds another
        run.
    RuntimeError
        If every model failed in every repeat.

    Warns
    -----
    UserWarning
        At the end, of models that failed in some repeats, and of what models warned of.

    Examples
    --------
    >>> from tsdiff.baselines import LastValue, LinearInterpolation
    >>> y = pd.Series(np.sin(np.arange(200) / 9), name="y")
    >>> models = {"linear": LinearInterpolation(), "last": LastValue()}
    >>> result = imputation_backtest(models, y, pattern="blocks", n_repeats=2)
    >>> result.scores()["crps"].idxmin()
    'linear'
    """
    wrong = "imputation_backtest wants imputers: see .as_imputer, or backtest."
    checked = check_models(models, "transform", "predict", wrong)
    if not isinstance(refit, bool | np.bool_):
        raise ValueError(f"refit is True or False here, got {refit!r}.")
    panel, alpha = to_panel(X), read_levels(levels)
    seed = read_seed(random_state)
    n_repeats = check_count("n_repeats", n_repeats)
    drawn = isinstance(pattern, str) or callable(pattern)
    masks = tuple(
        hide(
            panel,
            pattern,
            np.random.default_rng([seed, repeat]),
            ratio=ratio,
            length=length,
        )
        for repeat in range(n_repeats if drawn else 1)
    )
    holdouts = Holdouts(panel, canonical(panel, X), masks)
    folds = tuple(range(len(masks)))
    jobs = [
        Job(name, some, Imputations(model, False, holdouts, some, alpha, seed))
        for name, model in checked.items()
        for some in ([(fold,) for fold in folds] if refit else [folds])
    ]
    store = None
    if folder is not None:
        data = {"X": holdouts.frame, "hidden": np.stack(masks)}
        asked = {"refit": bool(refit), "levels": alpha.tolist(), "seed": seed}
        store = Folder.open(folder, run_of("imputations", checked, asked, data))
    outcomes = run_jobs(jobs, store, n_jobs, verbose)
    return report(jobs, outcomes, holdouts.table, alpha, panel)


@dataclass(frozen=True)
class Holdouts:
    """Data, and the cells that are hidden at each repeat.

    Attributes
    ----------
    panel : Panel
    frame : DataFrame
        Its rows in the form that models are given.
    masks : tuple of ndarray of bool, each of shape (N, C)
    """

    panel: Panel
    frame: pd.DataFrame
    masks: tuple[Mask, ...]

    def without(self, folds: Sequence[int]) -> pd.DataFrame:
        """Rows in which the cells of some repeats are missing."""
        return self.frame.mask(np.any([self.masks[fold] for fold in folds], axis=0))

    def table(self, folds: Sequence[int]) -> pd.DataFrame:
        """Describe the hidden cells of some repeats, a row for each."""
        tables = [self._table(fold) for fold in folds]
        return pd.concat(tables, ignore_index=True)

    def _table(self, fold: int) -> pd.DataFrame:
        panel, hidden = self.panel, self.masks[fold]
        shown = replace(panel, values=np.where(hidden, np.nan, panel.values))
        row, channel = np.nonzero(hidden)
        series = np.searchsorted(panel.bounds, row, side="right") - 1
        ids = [0] if panel.ids == (None,) else list(panel.ids)
        return pd.DataFrame(
            {
                "fold": fold,
                "unique_id": pd.Index(ids).take(series),
                "ds": panel.stamps.take(row),
                "channel": pd.Index(panel.channels).take(channel),
                "repeat": fold,
                "gap_length": gap_lengths(shown)[hidden],
                "distance": distances(shown)[hidden],
                "y": panel.values[hidden],
            }
        )


@dataclass(frozen=True)
class Imputations:
    """Answers of one model to the hidden cells of some repeats, by one fit.

    With `as_it_is`, by the fit that the model has.
    """

    model: Any
    as_it_is: bool
    holdouts: Holdouts
    folds: tuple[int, ...]
    levels: Floats
    seed: int

    def __call__(self) -> Outcome:
        """Fit without the cells of all repeats, answer them; what fails is noted."""
        try:
            fitted = self.model if self.as_it_is else self._fit()
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            return Outcome(errors=dict.fromkeys(self.folds, said))
        return failing(
            self.folds,
            lambda folds: {fold: self._answer(fitted, fold) for fold in folds},
        )

    def _fit(self) -> Any:
        model = fresh(self.model, self.seed, self.folds[0])
        return model.fit(self.holdouts.without(self.folds))

    def _answer(self, fitted: Any, fold: int) -> Floats:
        """Quantiles of the hidden cells of a repeat, (M, K)."""
        holdouts, hidden = self.holdouts, self.holdouts.masks[fold]
        inner = getattr(fitted, "estimator_", fitted)
        named = hasattr(fitted, "predict_quantiles")
        makes_rows = getattr(inner, "insert_absent", False)
        options = {"where": hidden} if named and not makes_rows else {}
        answer = ask(fitted, self.levels, holdouts.without([fold]), **options)
        shape = len(holdouts.panel.channels), len(self.levels)
        return read_answer(answer, holdouts.frame.index, *shape)[hidden]
