"""Trend and season of a series with missing values, by local regression.

After STL (Cleveland et al., 1990, Journal of Official Statistics 6), with local
regressions that leave missing values out, so that nothing has to be filled before: each
is a few convolutions of the values and of their weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ROUNDS = 2  # of trend and season in turn
_ROBUST = 2  # times that weights are found anew
_SEASONS = 4  # half width of the regression through the seasons of a phase
_LEAST_TREND = 4  # half width of the trend in rows, at least
_RIDGE = 0.1  # pull of slopes to zero, in units of a full window
_SHORT = 200  # rows of a window up to which no Fourier transform pays
_EMPTY = 1e-3  # share of a full window below which there is nothing to go by


def decompose(values: Floats, period: int) -> tuple[Floats, Floats]:
    """Split a series into trend and season at all of its rows.

    Parameters
    ----------
    values : ndarray, shape (T,)
        NaN is missing; one or more are there.
    period : int
        Rows of a season; 1 for none. A season that did not come twice can't be told
        from chance, and is left out.

    Returns
    -------
    trend, season : ndarray, shape (T,)
        Straight lines lead the trend across gaps too long for the regression; before
        the first and behind the last value it stays as it is there.

    Examples
    --------
    >>> values = np.tile([0.0, 3.0, 9.0], 8) + 10
    >>> values[9:13] = np.nan
    >>> trend, season = decompose(values, 3)
    >>> trend[9:13].round(6).tolist(), season[9:13].round(6).tolist()
    ([14.0, 14.0, 14.0, 14.0], [-4.0, -1.0, 5.0, -4.0])
    """
    period = period if len(values) >= 2 * period else 1
    seen = ~np.isnan(values)
    y = np.where(seen, values, 0.0)
    weight = seen.astype(float)
    for _ in range(1 + _ROBUST):
        trend, season = _split(y, weight, period)
        rest = np.abs(y - trend - season)
        middle = np.median(rest[seen])
        if middle <= 1e-9 * np.abs(y).max():
            break
        weight = seen * np.maximum(1 - (rest / (6 * middle)) ** 2, 0) ** 2
    rows = np.flatnonzero(seen)
    return trend[np.clip(np.arange(len(y)), rows[0], rows[-1])], season


def _split(y: Floats, weight: Floats, period: int) -> tuple[Floats, Floats]:
    """Trend and season for given weights of the values."""
    line, fixed = _line_and_season(y, weight, period)
    rest = y - line - fixed
    trend, season = np.zeros(len(y)), np.zeros(len(y))
    for _ in range(_ROUNDS):
        half = max(period, _LEAST_TREND)
        trend = smooth((rest - season)[:, None], weight[:, None], half)[:, 0]
        if period > 1:
            season = _seasons(rest - trend, weight, period)
    return line + trend, fixed + season


def _line_and_season(y: Floats, weight: Floats, period: int) -> tuple[Floats, Floats]:
    """Straight line and unchanging season, by least squares."""
    time = np.arange(len(y)) / len(y)
    phase = np.arange(len(y)) % period

    def means(x: Floats) -> Floats:  # of each phase
        total = np.bincount(phase, weight * x, minlength=period)
        return np.divide(total, count, out=np.zeros(period), where=count > 0)

    count = np.bincount(phase, weight, minlength=period)
    apart = time - means(time)[phase]
    square = np.sum(weight * apart**2)
    slope = np.sum(weight * apart * y) / square if square > 1e-12 else 0.0
    profile = means(y - slope * time)
    known = np.flatnonzero(count > 0)
    profile = np.interp(np.arange(period), known, profile[known], period=period)
    return slope * time + profile.mean(), (profile - profile.mean())[phase]


def _seasons(rest: Floats, weight: Floats, period: int) -> Floats:
    """Season that changes slowly from one to the next, without a level of its own."""
    n_rows = len(rest)
    n_seasons = -(-n_rows // period)
    grid = np.zeros((2, n_seasons * period))
    grid[0, :n_rows], grid[1, :n_rows] = rest, weight
    rest, weight = grid.reshape(2, n_seasons, period)
    moving = smooth(rest, weight, _SEASONS).ravel()[:n_rows]
    level = smooth(moving[:, None], np.ones((n_rows, 1)), period)[:, 0]
    return moving - level


def smooth(x: Floats, weight: Floats, half: int) -> Floats:
    """Local linear regression along time, by convolutions.

    Parameters
    ----------
    x, weight : ndarray, shape (T, n)
        Of n series; weight 0 leaves a value out.
    half : int
        Rows on each side of a window; weights in it are tricube.

    Returns
    -------
    ndarray, shape (T, n)
        Interpolated linearly where a window holds nothing. 0 for series without weight.
    """
    far = np.arange(-half, half + 1.0)
    kernel = (1 - np.abs(far / (half + 1)) ** 3) ** 3
    away = far / half

    def local(what: Floats, power: int) -> Floats:
        return _convolved(what, kernel * (-away) ** power)

    full = kernel.sum()
    mass, first, second = (local(weight, power) for power in range(3))
    level, tilt = local(weight * x, 0), local(weight * x, 1)
    known = mass > _EMPTY * full
    mass = np.where(known, mass, 1.0)
    center, height = first / mass, level / mass
    spread = second / mass - center**2 + _RIDGE * np.sum(kernel * away**2) / full
    slope = (tilt / mass - center * height) / spread
    answer = height - slope * center
    for column in np.flatnonzero(~known.all(axis=0)):
        rows = np.flatnonzero(known[:, column])
        every = np.arange(len(x))
        own = answer[rows, column]
        answer[:, column] = np.interp(every, rows, own) if len(rows) else 0.0
    return answer


def _convolved(x: Floats, window: Floats) -> Floats:
    """Convolve along time with an odd window; there is nothing beyond the ends."""
    if len(window) <= _SHORT:
        return convolve1d(x, window, axis=0, mode="constant")
    from scipy.signal import oaconvolve

    half = len(window) // 2
    return oaconvolve(x, window[:, None], mode="full", axes=0)[half : half + len(x)]
