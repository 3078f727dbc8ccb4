"""Exponential smoothing with additive errors, its form chosen for each series."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.baselines.own import OwnModel, corrected_aic

Floats = NDArray[np.float64]

#: Forms of the trend to choose from.
TRENDS = ("none", "additive", "damped")
_LONGEST = 100  # rows of a season that is modelled
_SEASONS = 2  # of a history that may have one
_FEWEST = 10  # values next to another that smoothing is estimated on
_EXACT = 1e-6  # variance of errors in units of the history, at least
_DIFFUSE = 1e3  # variance of level, trend and season before the first row


@dataclass(frozen=True)
class Smoothing:
    """A form of exponential smoothing and its parameters.

    The level moves by `level` times the error, trend and season by their own share;
    `damping` is what is left of the trend after a row. Shares are 0 where a part does
    not move, or is not there.

    Attributes
    ----------
    trend : {"none", "additive", "damped"}
    period : int
        0 without a season.
    level, slope, season, damping : float
    variance : float
        Of the errors.
    """

    trend: str
    period: int
    level: float
    slope: float
    season: float
    damping: float
    variance: float


class ETS(OwnModel):
    """Exponential smoothing of each series, its form chosen by AICc.

    Errors are additive; the trend is none, additive or damped, the season none or
    additive (of 2 to 100 rows, seen twice). Parameters are estimated by statsmodels'
    ETSModel on the last 12 seasons of a series (200 to 1,000 rows), when it is asked:
    nothing is learned in `fit` but the season, and new series are welcome. ETSModel
    takes no missing values, so for the estimation alone they are interpolated linearly,
    about the mean of their phase if there is a season, and errors are measured at
    values that follow another. Where these are fewer than 10 or a quarter of the rows,
    the level takes each value as it is: a random walk.

    Answers come from the state space of the model, in which missing values are missing:
    rows behind the last value are forecast; gaps before it are smoothed, given the
    values on both sides. Paths are drawn from the exact joint law.

    Stamps absent from an even grid count as missing values. Stamps that lie on no grid
    count as evenly spaced, with a warning.

    Parameters
    ----------
    horizon : int, optional
        Steps ahead that are answered unless `h` is given.
    period : int, optional
        Rows of a season; 1 for none. By default a day for steps of minutes and hours, a
        week for days, a year for weeks, months and quarters; where the frequency says
        nothing, the first high peak of the autocorrelation.
    freq : str or int, optional
        Step of the time index, as pandas names it. Inferred by default.
    insert_absent : bool, default False
        Make rows of stamps that are absent from the grid of `freq`.
    random_state : int, Generator, RandomState or None, default None
        An int repeats draws at every call; None gives fresh ones.

    Attributes
    ----------
    periods_ : tuple of int, length n_channels
        Rows of a season of each channel.
    center_, scale_ : ndarray, shape (n_channels,)
        Mean and spread of each channel, the answer for series without any value.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if `y` has names.

    Examples
    --------
    >>> import pandas as pd
    >>> y = pd.Series(np.arange(30.0), name="y")
    >>> ETS(period=1).fit(y).predict(h=2).round(3).tolist()
    [30.0, 31.0]
    """

    @staticmethod
    def _choose(history: Floats, period: int) -> Smoothing:
        rows = np.flatnonzero(~np.isnan(history))
        changes = np.diff(history[rows]) ** 2 / np.diff(rows)
        change = max(float(np.mean(changes)), _EXACT)
        best, least = Smoothing("none", 0, 1.0, 0.0, 0.0, 1.0, change), np.inf
        known = rows[1:][np.diff(rows) == 1]  # and so is the row before
        for trend, season in _forms(len(history), len(known), period):
            fit, aic = _estimate(_filled(history, season), known, trend, season)
            if aic < least:
                best, least = fit, aic
        return best

    @staticmethod
    def _space(choice: Smoothing, values: Floats) -> Any:
        return state_space(choice, values)


def _forms(n_rows: int, n_known: int, period: int) -> Iterator[tuple[str, int]]:
    """Forms that can be estimated on so many rows; none where they are sparse."""
    seasons = [0]
    if 2 <= period <= _LONGEST and n_rows >= _SEASONS * period:
        seasons.append(period)
    if n_known >= max(_FEWEST, n_rows / 4):
        yield from ((trend, season) for season in seasons for trend in TRENDS)


def _filled(history: Floats, period: int) -> Floats:
    """Interpolate linearly, about the mean of each phase if there is a season."""
    every, seen = np.arange(len(history)), ~np.isnan(history)
    usual = np.zeros(len(history))
    if period:
        phase = every % period
        count = np.bincount(phase[seen], minlength=period)
        total = np.bincount(phase[seen], history[seen], minlength=period)
        usual = (total / np.maximum(count, 1))[phase]
    rest = (history - usual)[seen]
    return np.where(seen, history, usual + np.interp(every, every[seen], rest))


def _estimate(
    filled: Floats, known: NDArray[np.int64], trend: str, period: int
) -> tuple[Smoothing, float]:
    """Maximum-likelihood parameters of a form, and its AICc per value."""
    from statsmodels.tools.sm_exceptions import ConvergenceWarning
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    model = ETSModel(
        filled,
        trend=None if trend == "none" else "add",
        damped_trend=trend == "damped",
        seasonal="add" if period else None,
        seasonal_periods=period or None,
        initialization_method="heuristic",
    )
    with warnings.catch_warnings(), np.errstate(all="ignore"):  # of a perfect fit
        warnings.simplefilter("ignore", ConvergenceWarning)
        params = model.fit(disp=False, return_params=True)
        error = filled - model.smooth(params, return_raw=True)[0]
    variance = max(float(np.mean(error[known] ** 2)), _EXACT)
    values = iter(params)
    fitted = Smoothing(
        trend,
        period,
        level=float(next(values)),
        slope=float(next(values)) if trend != "none" else 0.0,
        season=float(next(values)) if period else 0.0,
        damping=float(next(values)) if trend == "damped" else 1.0,
        variance=variance,
    )
    loss = (np.log(2 * np.pi * variance) + 1) / 2
    return fitted, corrected_aic(loss, len(known), len(params) + 1)


def state_space(choice: Smoothing, values: Floats) -> Any:
    """Write exponential smoothing as a state space, in which values may be missing.

    The state holds level, slope, the seasons of the last `period` rows, the latest one
    first, all of the row before, and the error of this row.

    Parameters
    ----------
    choice : Smoothing
    values : ndarray, shape (T,)
        Standardised; NaN is missing.

    Returns
    -------
    statsmodels MLEModel
    """
    from statsmodels.tsa.statespace.mlemodel import MLEModel

    m = choice.period
    k = 3 + m
    model = MLEModel(values, k_states=k, k_posdef=1)
    slope = choice.damping if choice.trend != "none" else 0.0
    transition = np.zeros((k, k))
    transition[0, [0, 1, -1]] = 1, slope, choice.level
    transition[1, [1, -1]] = slope, choice.slope
    design = np.zeros((1, k))
    design[0, [0, 1, -1]] = 1, slope, 1
    start = np.zeros((k, k))
    start[0, 0], start[1, 1] = _DIFFUSE, _DIFFUSE * bool(slope)
    if m:
        transition[2, [1 + m, -1]] = 1, choice.season
        transition[np.arange(3, 2 + m), np.arange(2, 1 + m)] = 1
        design[0, 1 + m] = 1
        start[2 : 2 + m, 2 : 2 + m] = _DIFFUSE * (np.eye(m) - 1 / m)  # they sum to 0
    start[-1, -1] = choice.variance
    model["design"], model["transition"] = design, transition
    model["selection", -1, 0], model["state_cov", 0, 0] = 1, choice.variance
    model.ssm.initialize_known(np.zeros(k), start)
    return model
