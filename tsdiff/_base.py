"""What the estimators share: the fit, its progress and its faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from tsdiff.advice import advise
from tsdiff.checkpoints import Checkpoint, check_alike, identity
from tsdiff.diffusion.device import find_device
from tsdiff.diffusion.ranks import Ranks, is_first, joined
from tsdiff.diffusion.training import History
from tsdiff.features import check_features, check_learnable, is_named
from tsdiff.fingerprint import Fingerprint
from tsdiff.gaps import check_max_gap
from tsdiff.learning import Model, Plan, fit_model, sizes, usual_batch_size
from tsdiff.memory import halve_batches
from tsdiff.ondisk import open_files
from tsdiff.panel.frame import Panel
from tsdiff.panel.stored import Reserve
from tsdiff.parameters import check_parameters, read_seed
from tsdiff.progress import Bar, say
from tsdiff.schema import Schema, read_panel
from tsdiff.settings import own_torch

_WARMED_UP = 100  # optimiser steps; of fewer, as in a trial, nobody expects skill
_FEW_OBSERVED = 30  # fewer observed cells than this in a channel teach it little
_SHARED = (
    "schema_",
    "model_",
    "history_",
    "n_iter_",
    "interrupted_",
    "skill_",
    "seen_",
    "n_features_in_",
    "feature_names_in_",
)


def fit_panel(estimator: Any, X: Any) -> None:
    """Fit an estimator to the caller's data and set its learned attributes.

    They are set together at the end: whatever is raised before leaves an earlier fit
    as it was.

    Parameters
    ----------
    estimator : DiffusionImputer or its like
    X : DataFrame, Series, array or polars frame

    Raises
    ------
    TypeError, ValueError
        If parameters or data can't be used.
    KeyboardInterrupt
        If the training was stopped; the best weights until then are kept.
    """
    check_parameters(estimator)
    warm = check_warm(estimator)
    X, files = open_files(X)
    if warm is None:
        grid = {"freq": estimator.freq, "insert_absent": estimator.insert_absent}
        panel = read_panel(X, **grid)
        schema = Schema.of(panel, is_named(X))
    else:
        schema = estimator.schema_
        panel = schema.read(estimator, X)
    check_max_gap(panel, estimator.max_gap)
    check_learnable(panel)
    reserve = None if files is None else files.reserve(estimator, schema)
    model, history = train_panel(estimator, panel, warm, reserve=reserve)
    if warm is None:
        check_features(estimator, panel, X, reset=True)
    else:
        see_more(estimator, panel)
    keep_fit(estimator, schema, model, history)
    report(history, estimator.verbose)


def check_warm(estimator: Any) -> Model | None:
    """Model to go on from, if the estimator is told to and has one.

    Raises
    ------
    ValueError
        If its sizes are others than those asked for.
    """
    warm = getattr(estimator, "model_", None) if estimator.warm_start else None
    if warm is not None:
        _check_sizes(estimator, warm)
    return warm


def train_panel(
    estimator: Any,
    panel: Panel,
    warm: Model | None,
    roles: Mapping[str, Any] | None = None,
    reserve: Reserve | None = None,
) -> tuple[Model, History]:
    """Train an engine by the parameters of an estimator, which stays as it is.

    Parameters
    ----------
    estimator : DiffusionImputer or its like
    panel : Panel
    warm : Model, optional
        Go on from it.
    roles : mapping of str to object, optional
        Fields of the plan that are no parameters: what the channels are for.
    reserve : Reserve, optional
        All series, if the panel holds some of them.

    Returns
    -------
    model : Model
    history : History
    """
    device, roles = find_device(estimator.device), roles or {}
    _check_amount(panel, roles.get("n_targets"))
    _check_window(panel, estimator.window)
    parameters = set(Plan.__annotations__) & set(estimator.get_params(deep=False))
    asked = {name: _plain(estimator, name) for name in sorted(parameters)}
    plan = Plan(**asked | dict(roles))
    seed = read_seed(estimator.random_state)
    with joined(device) as ranks:
        if estimator.random_state is None:
            seed = ranks.all_of(seed)[0]
        mark = None if reserve is None else reserve.mark
        keeper = _keeper_of(estimator, ranks, (panel, plan, seed, warm), mark)
        start = ranks.told(lambda: None if keeper is None else keeper.batch_size)
        ranks = replace(ranks, keeper=keeper)

        def fit(batch_size: int | None) -> tuple[Model, History]:
            smaller = replace(plan, batch_size=batch_size)
            if keeper is not None:
                keeper.begin(batch_size)
            with Bar(estimator.verbose * ranks.first) as bar, own_torch():

                def show(share: float, history: History) -> None:
                    bar.show(share, _losses(history))

                return fit_model(panel, smaller, seed, show, warm, ranks, reserve)

        def usual() -> int:
            known = None if warm is None else warm.network.config
            return usual_batch_size(known or sizes(panel, plan))

        if ranks.size > 1:  # one that lacks memory ends, and so do the others
            return fit(start or plan.batch_size)
        return halve_batches(fit, plan.batch_size, usual, start)


def _keeper_of(
    estimator: Any,
    ranks: Ranks,
    fit: tuple[Panel, Plan, int, Model | None],
    files: str | None,
) -> Checkpoint | None:
    """Open the checkpoint on the first rank, once all are known to make one fit."""
    path = estimator.checkpoint_path
    if path is None and ranks.size == 1:
        return None
    panel, plan, seed, warm = fit
    before = None if warm is None else warm.network.state_dict()
    mark = identity(panel, plan, seed, before) | ({"files": files} if files else {})
    check_alike(ranks.all_of(mark))
    opened: list[Checkpoint] = []

    def open_() -> None:
        if path is not None:
            opened.append(Checkpoint(path, mark))

    ranks.told(open_)
    return opened[0] if opened else None


def keep_fit(estimator: Any, schema: Schema, model: Model, history: History) -> None:
    """Set what a fit has learned, all of it together; it is not calibrated yet."""
    vars(estimator).pop("calibration_", None)
    estimator.schema_ = schema
    estimator.model_ = model
    estimator.history_ = _frame(history)
    estimator.n_iter_ = history.n_steps
    estimator.interrupted_ = history.interrupted
    skill = history.skill
    estimator.skill_ = {} if skill is None else skill.summary()


def see_more(estimator: Any, panel: Panel) -> None:
    """Remember the rows of a fit that goes on, besides those of the last one."""
    mark = Fingerprint.of(panel)
    estimator.seen_ = mark.with_others(getattr(estimator, "seen_", None))


def share_fit(estimator: Any, other: Any) -> Any:
    """Let another estimator answer by the fit of one; the model is not copied."""
    for name in _SHARED:
        if hasattr(estimator, name):
            setattr(other, name, getattr(estimator, name))
    return other


def _plain(estimator: Any, name: str) -> Any:
    """Value of a parameter, a number of numpy as one of Python: files hold these."""
    value = getattr(estimator, name)
    return value.item() if isinstance(value, np.generic) else value


def _check_sizes(estimator: Any, warm: Model) -> None:
    """Refuse sizes that differ from those of the weights to go on from."""
    for name in ("width", "depth"):
        asked, there = getattr(estimator, name), getattr(warm.network.config, name)
        if asked is not None and asked != there:
            raise ValueError(
                f"{name}={asked} was asked for, but warm_start=True goes on from a fit "
                f"with {name}={there}. Set {name}={there}, or warm_start=False."
            )


def _check_amount(panel: Panel, n_targets: int | None) -> None:
    """Warn where no column has enough to learn from."""
    most = int(panel.observed[:, :n_targets].sum(axis=0).max())
    if most < _FEW_OBSERVED:
        advise(
            f"Only {most} value(s) are observed in the best column; answers will be "
            "close to linear interpolation with a guessed spread."
        )


def _check_window(panel: Panel, window: int | None) -> None:
    longest = int(np.diff(panel.bounds).max())
    if window is not None and window > longest:
        advise(
            f"window={window} is longer than the longest series; it shrinks to "
            f"{longest} row(s). Give a shorter one, or more data."
        )


def _frame(history: History) -> pd.DataFrame:
    """History of a fit as a frame, a row for each time it was scored."""
    names = ("step", "seconds", "loss", "velocity_loss", "validation_crps")
    return pd.DataFrame({name: getattr(history, name) for name in names})


def _losses(history: History) -> str:
    """Say how far the losses have come, once they are known."""
    if not history.validation_crps:
        return ""
    return (
        f"loss {history.loss[-1]:.4f}, "
        f"validation CRPS {history.validation_crps[-1]:.4f}"
    )


def report(history: History, verbose: int = 0) -> None:
    """Say how good a fit is; re-raise an interrupt and warn of one that went wrong."""
    if verbose and history.skill is not None and is_first():
        say(str(history.skill))
    if history.interrupted:
        raise KeyboardInterrupt(
            f"The fit was stopped at step {history.n_steps}; the weights of step "
            f"{history.best_step} are kept."
        )
    if history.diverged:
        advise(
            f"The loss was not finite {history.n_skipped} times; training stopped at "
            f"step {history.n_steps} and the weights of step {history.best_step} are "
            "kept. Lower learning_rate, or look for outliers in the data.",
            ConvergenceWarning,
        )
    elif history.n_steps >= _WARMED_UP and history.skill and history.skill.poor:
        advise(
            f"The fit is worse than {history.skill.reference} on the cells held out of "
            f"it ({history.skill}). Train longer, or use a baseline.",
            ConvergenceWarning,
        )
