"""ARIMA with seasons, its order chosen for each series."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from tsdiff.baselines.own import OwnModel, corrected_aic

Floats = NDArray[np.float64]
Order = tuple[int, int, int]

NO_SEASON = (0, 0, 0)
#: Orders (p, d, q) to choose from, without a season.
ORDERS: tuple[Order, ...] = (
    (0, 1, 0),
    (0, 1, 1),
    (1, 1, 1),
    (0, 2, 2),
    (1, 0, 0),
    (2, 0, 1),
)
#: The same and (P, D, Q), with one.
SEASONAL_ORDERS: tuple[tuple[Order, Order], ...] = (
    ((1, 0, 0), (0, 1, 1)),
    ((2, 0, 0), (0, 1, 1)),
    ((0, 1, 1), (0, 1, 1)),
    ((1, 0, 1), (1, 0, 0)),
)
_SHORTEST, _LONGEST = 3, 24  # rows of a season that is modelled
_SEASONS = 3  # of a history that may have one
_FEWEST = 8  # differences that an order is estimated on
_MOST_STEPS = 30  # of the optimiser
_REFUSED = 1e10  # loss of parameters that can't be
_EXACT = 1e-8  # variance of shocks in units of the history, at least


@dataclass(frozen=True)
class Arima:
    """An order and its parameters, for a standardised history.

    Attributes
    ----------
    order : (p, d, q)
    season : (P, D, Q)
    period : int
        0 without a season.
    params : tuple of float
        In statsmodels' order, the last one is the variance of the shocks.
    """

    order: Order
    season: Order
    period: int
    params: tuple[float, ...]


class ARIMA(OwnModel):
    """ARIMA of each series, its order chosen from a short list by AICc.

    Without a season the orders are (0,1,0), (0,1,1), (1,1,1), (0,2,2), (1,0,0) and
    (2,0,1); with one of 3 to 24 rows, seen three times, also (1,0,0)(0,1,1),
    (2,0,0)(0,1,1), (0,1,1)(0,1,1) and (1,0,1)(1,0,0). They are estimated by maximum
    likelihood on the differences (statsmodels' SARIMAX), about the mean of the history.

    Nothing is learned in `fit` but the season: the model of a series is chosen when it
    is asked, on its last 12 seasons (200 to 1,000 rows), and takes a second or two. So
    new series are welcome. Missing values are skipped, not filled. Rows behind the last
    value are forecast; gaps before it are smoothed by the same model, given the values
    on both sides. Paths are drawn from the exact joint law.

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
    >>> y = pd.Series([1.0, 2.0, 5.0] * 9, name="y")
    >>> ARIMA(period=3).fit(y).predict(h=3).round(3).tolist()
    [1.0, 2.0, 5.0]
    """

    @staticmethod
    def _choose(history: Floats, period: int) -> Arima:
        candidates = list(_candidates(history, period))
        lost = max(
            order[1] + season[1] * length for order, season, length in candidates
        )
        best, least = _random_walk(history), np.inf
        for order, season, length in candidates:
            fit = _estimate(history, Arima(order, season, length, ()), lost)
            aic = np.inf if fit is None else _aic(history, fit, lost)
            if fit is not None and aic < least:
                best, least = fit, aic
        return best

    @staticmethod
    def _space(choice: Arima, values: Floats) -> Any:
        model = _model(values, choice, choice.order[1], choice.season[1])
        model.update(np.array(choice.params))
        return model


def _candidates(history: Floats, period: int) -> Iterator[tuple[Order, Order, int]]:
    for order in ORDERS:
        yield order, NO_SEASON, 0
    if _SHORTEST <= period <= _LONGEST and len(history) >= _SEASONS * period + _FEWEST:
        for order, season in SEASONAL_ORDERS:
            yield order, season, period


def _random_walk(history: Floats) -> Arima:
    """Order (0, 1, 0), its variance from the changes between values."""
    rows = np.flatnonzero(~np.isnan(history))
    variance = float(np.mean(np.diff(history[rows]) ** 2 / np.diff(rows)))
    return Arima((0, 1, 0), NO_SEASON, 0, (max(variance, _EXACT),))


def _model(values: Floats, choice: Arima, d: int, D: int, **options: Any) -> Any:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    (p, _, q), (P, _, Q) = choice.order, choice.season
    seasonal_order = P, D, Q, choice.period
    return SARIMAX(values, order=(p, d, q), seasonal_order=seasonal_order, **options)


def _estimate(history: Floats, choice: Arima, lost: int) -> Arima | None:
    """Maximum-likelihood parameters of an order, from the differences it takes.

    The variance of the shocks is concentrated out. None if there are too few
    differences behind the first `lost` rows, or no parameters that can be.
    """
    rest = history
    for _ in range(choice.season[1]):
        rest = rest[choice.period :] - rest[: -choice.period]
    rest = np.diff(rest, choice.order[1])
    burn = lost - len(history) + len(rest)
    n_values = int((~np.isnan(rest[burn:])).sum())
    if n_values < _FEWEST:
        return None
    options = {"concentrate_scale": True, "loglikelihood_burn": burn}
    model = _model(rest, choice, 0, 0, **options)
    if np.nanvar(rest[burn:]) <= _EXACT:
        return replace(choice, params=(*np.zeros(model.k_params).tolist(), _EXACT))

    def loss(free: Floats) -> float:
        return _loss(model, free, n_values, transformed=False)

    free = np.full(model.k_params, 0.1)
    if len(free):
        limits = {"maxiter": _MOST_STEPS}
        free = minimize(loss, free, method="L-BFGS-B", options=limits).x
    if loss(free) == _REFUSED:
        return None
    variance = max(float(model.ssm.filter().scale), _EXACT)
    return replace(choice, params=(*model.transform_params(free).tolist(), variance))


def _aic(history: Floats, choice: Arima, lost: int) -> float:
    """AICc per value of the same rows for all orders: those behind the first `lost`."""
    n_values = int((~np.isnan(history[lost:])).sum())
    if choice.params[-1] <= _EXACT:
        loss = (np.log(2 * np.pi * _EXACT) + 1) / 2
    else:
        d, D = choice.order[1], choice.season[1]
        model = _model(history, choice, d, D, loglikelihood_burn=lost)
        loss = _loss(model, np.array(choice.params), n_values, transformed=True)
    return corrected_aic(loss, n_values, len(choice.params))


def _loss(model: Any, params: Floats, n_values: int, *, transformed: bool) -> float:
    """Negative log-likelihood per value."""
    try:
        with np.errstate(all="ignore"):
            value = -model.loglike(params, transformed=transformed) / n_values
    except np.linalg.LinAlgError:  # at the border of what is stationary
        return _REFUSED
    return float(value) if np.isfinite(value) else _REFUSED
