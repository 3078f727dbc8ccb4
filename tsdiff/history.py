"""What forecasters read: the data of a fit, the history to go on from, covariates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.advice import advise
from tsdiff.features import is_named
from tsdiff.panel.alignment import refuse_absent, rows_after, rows_in
from tsdiff.panel.covariates import Covariates, learn_covariates, told
from tsdiff.panel.frame import Panel, to_panel
from tsdiff.panel.future import future_rows
from tsdiff.panel.past import Extras, Past, some_rows
from tsdiff.panel.statics import learn_statics
from tsdiff.schema import Schema, is_bare
from tsdiff.validation import listing

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lesson:
    """What is read of the data of a fit.

    Attributes
    ----------
    panel : Panel
        The targets as they were given.
    schema : Schema
    extras : Extras
    past : Past
        All of it; see `Past.latest`.
    """

    panel: Panel
    schema: Schema
    extras: Extras
    past: Past


def study(estimator: Any, y: Any, X: Any, static: Any) -> Lesson:
    """Read the data of a fit.

    Parameters
    ----------
    estimator : Forecaster
    y : DataFrame, Series, array or polars frame
    X : DataFrame, Series, array or polars frame, optional
    static : DataFrame or Series, optional

    Returns
    -------
    Lesson

    Raises
    ------
    TypeError, ValueError
        If they can't be used, don't fit each other, or y can't be continued.
    """
    panel = to_panel(y, freq=estimator.freq, insert_absent=estimator.insert_absent)
    schema = Schema.of(panel, is_named(y))
    future_rows(panel, 1, **_grid(estimator, panel, schema))  # or it can't go on
    past, extras = _bare_past(panel), Extras()
    if X is not None:
        covariates, x = learn_covariates(X, panel.channels)
        covariates = told(covariates, x, rows_after(x, panel, of_all=True))
        extras = replace(extras, covariates=covariates)
        values = _beside(estimator, covariates, x, panel)
        ahead = some_rows(x, rows_after(x, panel))
        past = replace(past, covariates=values, ahead=ahead)
    if static is not None:
        statics, features = learn_statics(static, panel.ids)
        extras = replace(extras, statics=statics)
        past = replace(past, statics=features)
    return Lesson(panel, schema, extras, past)


def study_again(estimator: Any, y: Any, X: Any, static: Any) -> Lesson:
    """Read data to go on from an earlier fit with; as `study`.

    Raises
    ------
    TypeError, ValueError
        As `study`, and if they differ from those of that fit in what they hold.
    """
    extras = estimator.extras_
    if (X is None, static is None) != (
        extras.covariates is None,
        extras.statics is None,
    ):
        raise ValueError(
            "warm_start=True goes on from a fit with other inputs: give X and static "
            "as in that fit, or set warm_start=False."
        )
    past = _given(estimator, y, X, static, None)
    if X is not None and past.ahead is not None:
        later = rows_after(past.ahead, past.panel)
        past = replace(past, ahead=some_rows(past.ahead, later))
    return Lesson(past.panel, estimator.schema_, extras, past)


def recall(
    estimator: Any, y: Any, X: Any, static: Any, memory: int | None = None
) -> Past:
    """Read the history to forecast from: the caller's, or that of the fit.

    Parameters
    ----------
    estimator : fitted Forecaster
    y, X, static : as in the fit, optional
    memory : int, optional
        Last rows of each series that count.

    Returns
    -------
    Past

    Raises
    ------
    TypeError, ValueError
        If they can't be used or differ from those of the fit, or something that the
        model needs is missing.

    Warns
    -----
    UserWarning
        If covariates of the history are missing altogether.
    """
    if y is not None:
        return _given(estimator, y, X, static, memory)
    past = estimator.past_
    if past is None:
        raise ValueError(
            "No history is kept, as this forecaster was made of an imputer, or fitted "
            "on files. Give one: predict(y=...), or as_forecaster(horizon, history)."
        )
    if X is not None:
        x = _covariates_of(estimator).read(X)
        if is_bare(X) and estimator.schema_.kind == "numbers":
            x = _relabelled(estimator, x, past.panel)
        past = replace(past, ahead=x)
    if static is not None:
        statics = _statics_of(estimator, past.panel, static)
        past = replace(past, statics=statics)
    return past


def rows_ahead(estimator: Any, panel: Panel, h: int) -> Panel:
    """Make the rows to forecast behind a history, in the caller's kind."""
    return future_rows(panel, h, **_grid(estimator, panel, estimator.schema_))


def covariates_ahead(
    estimator: Any, past: Past, future: Panel, *, all_needed: bool
) -> Floats:
    """Find the covariates of the rows to forecast.

    Parameters
    ----------
    estimator : fitted Forecaster
    past : Past
    future : Panel
    all_needed : bool
        Whether every row has to be there, even if no column needs it.

    Returns
    -------
    ndarray of shape (n_rows, n_covariates)
        NaN where they are not known.

    Raises
    ------
    ValueError
        If rows are missing that are needed, naming them.
    """
    covariates, x = estimator.extras_.covariates, past.ahead
    none = np.full((len(future.values), len(estimator.extras_.channels)), np.nan)
    if covariates is None:
        return none
    needed = covariates.columns if all_needed else covariates.known_columns
    if x is None:
        _refuse_without(covariates)
        return none
    if not needed and x.ids != (None,) and not set(future.ids) <= set(x.ids):
        return none
    rows = rows_in(x, future)
    if needed:
        refuse_absent(future, rows, "the rows to forecast", needed)
    values = np.where(rows[:, None] < 0, np.nan, x.values[rows])
    past_only = np.array([known is False for known in covariates.known_channels])
    if all_needed and not np.isnan(values[:, past_only]).all():
        advise(
            f"Column(s) {listing(map(repr, covariates.past_columns))} of X have values "
            "ahead, and had none in the fit: these are not used. Fit with them."
        )
    values[:, past_only] = np.nan
    return values


def _given(estimator: Any, y: Any, X: Any, static: Any, memory: int | None) -> Past:
    """History that the caller gives, with its covariates."""
    extras: Extras = estimator.extras_
    past = _bare_past(estimator.schema_.read(estimator, y)).latest(memory)
    shape = (len(past.panel.values), len(extras.channels))
    past = replace(past, covariates=np.full(shape, np.nan))
    if X is not None:
        covariates = _covariates_of(estimator)
        x = covariates.read(X)
        values = _beside(estimator, covariates, x, past.panel)
        past = replace(past, covariates=values, ahead=x)
    elif extras.covariates is not None:
        _refuse_without(extras.covariates)
        advise(
            "The model was fitted with covariates "
            f"({listing(map(repr, extras.covariates.columns))}), and X gives none of "
            "them for this y; they count as missing. Give X=."
        )
    return replace(past, statics=_statics_of(estimator, past.panel, static))


def _grid(estimator: Any, panel: Panel, schema: Schema) -> dict[str, Any]:
    """Frequency and zone by which a panel goes on."""
    numbered = panel.stamps.dtype.kind in "iuf"
    fits = isinstance(estimator.freq, int | np.integer) == numbered
    return {"freq": estimator.freq if fits else None, "tz": schema.tz}


def _bare_past(panel: Panel) -> Past:
    """History without covariates and static features."""
    n_rows, n_series = len(panel.values), len(panel.ids)
    return Past(panel, np.empty((n_rows, 0)), None, np.empty((n_series, 0)))


def _beside(estimator: Any, covariates: Covariates, x: Panel, panel: Panel) -> Floats:
    """Covariates of each row of a history; rows that were made may lack them."""
    rows = rows_in(x, panel)
    made = estimator.insert_absent & ~panel.observed.any(axis=1)
    refuse_absent(panel, np.where(made, 0, rows), "y", covariates.columns)
    return np.where(rows[:, None] < 0, np.nan, x.values[rows])


def _relabelled(estimator: Any, x: Panel, panel: Panel) -> Panel:
    """Rows of an array, which are those to forecast, in their order."""
    if len(x.ids) != len(panel.ids):
        raise ValueError(
            f"X has {len(x.ids)} series, and the history has {len(panel.ids)}. Give an "
            "array of shape (n_series, h, n_columns)."
        )
    ahead = rows_ahead(estimator, panel, len(x.values) // len(x.ids))
    return replace(x, ids=panel.ids, layout=ahead.layout)


def _covariates_of(estimator: Any) -> Covariates:
    """Covariates of the fit; X can't be read without."""
    if estimator.extras_.covariates is None:
        raise ValueError(
            "X was given, but the model was fitted without covariates. Leave X out, or "
            "fit with it."
        )
    return estimator.extras_.covariates


def _refuse_without(covariates: Covariates) -> None:
    """Raise if the fit had covariates whose future is needed, and X is not there."""
    if covariates.known_columns:
        raise ValueError(
            "The fit knew the future of column(s) "
            f"{listing(map(repr, covariates.known_columns))}, and none is given now. "
            "Give X with the rows to forecast (and those of y, if y is given); NaN "
            "where a value is not known."
        )


def _statics_of(estimator: Any, panel: Panel, static: Any) -> Floats:
    """Find the static features of series: those given, or those of the fit."""
    statics, kept = estimator.extras_.statics, estimator.past_
    if statics is None and static is not None:
        raise ValueError(
            "static was given, but the model was fitted without. Leave it out, or fit "
            "with it."
        )
    if statics is None:
        return np.empty((len(panel.ids), 0))
    if static is not None:
        return statics.read(static, panel.ids)
    known = {} if kept is None else {name: i for i, name in enumerate(kept.panel.ids)}
    new = [name for name in panel.ids if name not in known]
    if new:
        raise ValueError(
            f"Series {listing(map(repr, new))} are new, and the model uses static "
            f"features ({listing(map(repr, statics.columns))}). Give them: static=, a "
            "row per series."
        )
    return kept.statics[[known[name] for name in panel.ids]]
