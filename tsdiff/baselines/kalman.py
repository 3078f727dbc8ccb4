"""Kalman smoothing by a structural model of each channel, chosen by AIC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from tsdiff.baselines.contract import Baseline
from tsdiff.baselines.seasons import season_lengths
from tsdiff.baselines.statespace import deviations_at, moments
from tsdiff.baselines.strands import Strand
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]

#: Models to choose from; all observe their signal with noise.
SPECIFICATIONS: dict[str, dict[str, Any]] = {
    "local level": {"level": True, "stochastic_level": True},
    "smooth trend": {"level": True, "trend": True, "stochastic_trend": True},
    "local linear trend": {
        "level": True,
        "stochastic_level": True,
        "trend": True,
        "stochastic_trend": True,
    },
    "constant + AR(1)": {"level": True, "autoregressive": 1},
    "constant + AR(2)": {"level": True, "autoregressive": 2},
}
_MOST_ROWS = 3000  # that the parameters of a channel are estimated on
_PIECE = 500  # rows of a series that are taken together
_FEWEST_VALUES = 20  # with fewer, no model is chosen
_BURN = 2  # rows that the diffuse starts of all models take, seasons apart
_SEASONS = 4  # of a piece, at least
_MOST_HARMONICS = 4


@dataclass(frozen=True)
class Structure:
    """A structural model of a channel in units of its mean and spread.

    Attributes
    ----------
    name : str
        Key of `SPECIFICATIONS`.
    params : tuple of float
        In statsmodels' order: variances of the noise, level, trend, season or AR
        shocks, then AR coefficients.
    center, scale : float
        Of the channel.
    period : int
        Rows of the season, 0 without.
    slope : float
        Standard deviation that a trend starts with.
    """

    name: str
    params: tuple[float, ...]
    center: float
    scale: float
    period: int = 0
    slope: float = 1.0

    def model(self, values: Floats) -> Any:
        """Set up the state space of a series, shape (T,), in the channel's units."""
        model = _model((values - self.center) / self.scale, self.name, self.period)
        model.update(np.array(self.params))
        model.ssm.initialization = _start(model, self.slope)
        return model


class KalmanSmoother(Baseline):
    """Smoothing by a structural time series model: exact Gaussian answers.

    For each channel a local level, a smooth trend, a local linear trend and a constant
    with AR(1) or AR(2) deviations, all with observation noise, are fitted by maximum
    likelihood (statsmodels' UnobservedComponents), on at most 3,000 rows in pieces of
    up to 500; the model of least AIC is kept. Where a season of 2 to 125 rows is to be
    expected (as `period` says) it is tried with a season as well: harmonics, four at
    most, whose phases and sizes may change slowly; it is kept if the AIC is less. Each
    series is then smoothed by its channel's model, and paths are drawn from the exact
    joint law. The level of a series starts diffuse, its trend with a slope as large as
    the channel's mean change from row to row, its season with the channel's variance:
    started diffuse too, series of a few values would be answered by anything.

    Stamps absent from an even grid count as missing values. Stamps that lie on no grid
    count as evenly spaced, with a warning. Intervals are those of a new observation,
    its noise included.

    Parameters
    ----------
    period : int, optional
        Rows of a season; 1 for none. By default a day for steps of minutes and hours, a
        week for days, a year for weeks, months and quarters; where the frequency says
        nothing, the first high peak of the autocorrelation.
    freq : str or int, optional
        Step of the time index, as pandas names it. Inferred by default.
    insert_absent : bool, default False
        Make rows of stamps that are absent from the grid of `freq`.
    max_gap : int or timedelta-like, optional
        Gaps longer than this stay NaN and are reported by a warning.
    random_state : int, Generator, RandomState or None, default None
        An int repeats draws at every call; None gives fresh ones.

    Attributes
    ----------
    structures_ : tuple of Structure, length n_channels
        Name, parameters and season of each channel's model. Channels of fewer than 20
        values get a local level with variances guessed from the changes.
    center_, scale_ : ndarray, shape (n_channels,)
        Mean and spread of each channel, the answer for series without any value.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if `X` has names.

    Examples
    --------
    >>> y = pd.Series([1.0, 2.0, np.nan, 4.0, 5.0], name="y")
    >>> smoother = KalmanSmoother().fit(y)
    >>> smoother.structures_[0].name, float(smoother.transform(y)[2].round(3))
    ('local level', 3.0)
    """

    def __init__(
        self,
        *,
        period: int | None = None,
        freq: str | int | None = None,
        insert_absent: bool = False,
        max_gap: int | str | pd.Timedelta | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            freq=freq,
            insert_absent=insert_absent,
            max_gap=max_gap,
            random_state=random_state,
        )
        self.period = period

    def _learn(self, panel: Panel) -> None:
        periods = season_lengths(panel, self.period)
        self.structures_ = tuple(
            _choose(panel, channel, float(center), float(scale) or 1.0, period)
            for channel, (center, scale, period) in enumerate(
                zip(self.center_, self.scale_, periods, strict=True)
            )
        )

    def _law(self, strand: Strand) -> tuple[Floats, Floats]:
        structure = self.structures_[strand.channel]
        mean, variance = moments(structure.model(strand.values))
        sd = structure.scale * np.sqrt(variance[strand.asked])
        return structure.center + structure.scale * mean[strand.asked], sd

    def _deviations(
        self, strand: Strand, n_samples: int, rng: np.random.Generator
    ) -> Floats:
        structure = self.structures_[strand.channel]
        model = structure.model(strand.values)
        return structure.scale * deviations_at(model, strand.asked, n_samples, rng)


def _model(values: Floats, name: str, period: int = 0, burn: int = _BURN) -> Any:
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    specification = dict(SPECIFICATIONS[name])
    if period:
        season = {"period": period, "harmonics": _harmonics(period)}
        specification |= {"freq_seasonal": [season]}
    return UnobservedComponents(
        values, irregular=True, loglikelihood_burn=burn, **specification
    )


def _start(model: Any, slope: float) -> Any:
    """Law of the first state: a diffuse level; trend and season of known size.

    The harmonics together have the variance of the channel, 1.
    """
    from statsmodels.tsa.statespace.initialization import Initialization

    known = [slope**2] * model.trend
    season = model._k_freq_seas_states
    known += [2 / max(season, 1)] * season
    k = model.k_states
    start = Initialization(k, approximate_diffuse_variance=model.ssm.initial_variance)
    start.set(0, "approximate_diffuse")
    if known:
        start.set((1, 1 + len(known)), "known", None, np.diag(known))
    if model.ar_order:
        start.set((k - model.ar_order, k), "stationary")
    return start


def _harmonics(period: int) -> int:
    return min(period // 2, _MOST_HARMONICS)


def _choose(
    panel: Panel, channel: int, center: float, scale: float, period: int
) -> Structure:
    """Model of a channel with the least AIC."""
    values = (panel.values[:, channel] - center) / scale
    pieces = _pieces(values, panel.bounds)
    n_values = sum(int((~np.isnan(piece)).sum()) for piece in pieces)
    change = _mean_change(pieces)
    if n_values < _FEWEST_VALUES or change == 0:
        guess = (change / 10 + 1e-12, change + 1e-12)
        return Structure("local level", guess, center, scale)
    seasons = [0]
    if 2 <= period <= _PIECE // _SEASONS and len(pieces[0]) >= _SEASONS * period:
        seasons.append(period)
    burn = _BURN + 2 * _harmonics(seasons[-1])  # the same rows for all
    fits = {(name, 0): _estimate(pieces, name, 0, burn) for name in SPECIFICATIONS}

    def aic(key: tuple[str, int]) -> float:
        return 2 * len(fits[key][0]) - 2 * fits[key][1]

    plain, _ = min(fits, key=aic)
    for season in seasons[1:]:
        fits[plain, season] = _estimate(pieces, plain, season, burn)
    name, season = min(fits, key=aic)
    params = fits[name, season][0]
    return Structure(name, params, center, scale, season, float(np.sqrt(change)))


def _pieces(values: Floats, bounds: NDArray[np.int64]) -> list[Floats]:
    """Parts of the series that hold the most values, up to a number of rows."""
    series = [values[first:stop] for first, stop in pairwise(bounds)]
    parts = [
        part[start : start + _PIECE]
        for part in series
        for start in range(0, len(part), _PIECE)
    ]
    parts.sort(key=lambda part: -int((~np.isnan(part)).sum()))
    length = np.cumsum([len(part) for part in parts])
    kept = [part for part, n in zip(parts, length, strict=True) if n <= _MOST_ROWS]
    trimmed = [part[np.argmin(np.isnan(part)) :] for part in kept]  # starts observed
    return [part for part in trimmed if not np.isnan(part[0])]


def _mean_change(pieces: Sequence[Floats]) -> float:
    """Mean squared change between neighbouring values, 0 if there are none."""
    changes = [np.diff(piece[~np.isnan(piece)]) for piece in pieces]
    together = np.concatenate([np.zeros(0), *changes])
    return float(np.mean(together**2)) if len(together) else 0.0


def _estimate(
    pieces: Sequence[Floats], name: str, period: int, burn: int
) -> tuple[tuple[float, ...], float]:
    """Maximum-likelihood parameters over all pieces, and their log-likelihood."""
    from statsmodels.tsa.statespace.tools import constrain_stationary_univariate

    models = [_model(piece, name, period, burn) for piece in pieces]
    change = _mean_change(pieces)
    names = models[0].param_names
    n_variances = sum(param.startswith("sigma2") for param in names)
    n_values = sum(int((~np.isnan(piece)).sum()) for piece in pieces)

    def params(free: Floats) -> Floats:
        variances, free_ar = np.exp(free[:n_variances]), free[n_variances:]
        if not len(free_ar):
            return variances
        return np.concatenate([variances, constrain_stationary_univariate(free_ar)])

    def loss(free: Floats) -> float:
        total = sum(model.loglike(params(free)) for model in models)
        return -total / n_values if np.isfinite(total) else 1e10

    share = {"irregular": 0.1, "season": 0.01}
    guess = [
        change * next((part for key, part in share.items() if key in param), 1.0)
        for param in names
    ]
    start = np.log(guess)
    start[n_variances:] = [-2.0, 0.0][: len(names) - n_variances]
    bounds = [(-25.0, 5.0)] * n_variances + [(-50.0, 50.0)] * (len(names) - n_variances)
    best = minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    return tuple(params(best.x).tolist()), -best.fun * n_values
