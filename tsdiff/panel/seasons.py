"""Periods of the data: lengths, in rows, after which a series looks alike."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]

_MOST_STRANDS, _MOST_ROWS = 200, 8_192
_SHORTEST = 4  # rows; what comes back sooner, the network sees by itself
_PROMINENCE = 0.1  # of a peak of the autocorrelation above what is beside it
_CLEAR = 3.5  # times the noise, that a multiple must stand out
_EQUAL = 0.9  # share of the highest peak at which a shorter lag is taken
_MOST_MULTIPLE, _NEARLY = 14, 0.5


def find_periods(panel: Panel, longest: int) -> tuple[int, ...]:
    """Find the periods that the autocorrelation of the data shows.

    The first is the lag of the first of its high peaks. The second is a multiple of it
    at which values are more alike than at its neighbours: days within weeks.

    Parameters
    ----------
    panel : Panel
        Rows count as evenly spaced.
    longest : int
        Longest period looked for, in rows.

    Returns
    -------
    tuple of int
        None, one or two, ascending. Empty where stamps are irregular.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> wave = np.sin(np.arange(90) * 2 * np.pi / 9)
    >>> find_periods(to_panel(wave[:, None]), 30)
    (9,)
    """
    if (np.diff(panel.elapsed)[np.diff(panel.elapsed) > 0] != 1).any():
        return ()
    curve, noise = autocorrelation(panel, longest + longest // 4 + 2)
    first = _first_peak(curve, longest)
    if not first or _prominence(curve, first, first // 4 or 1) < _PROMINENCE + noise:
        return ()
    second = _multiple(curve, first, longest, noise) or _divisor(curve, first, noise)
    return tuple(sorted({first, second} - {0}))


def _multiple(curve: Floats, first: int, longest: int, noise: float) -> int:
    """Multiple of a period at which values are more alike than beside it, or 0."""
    multiples = range(2 * first, min(longest, _MOST_MULTIPLE * first) + 1, first)
    usable = [m for m in multiples if m + first < len(curve)]
    height = np.array([_prominence(curve, m, first) for m in usable])
    best = height.max(initial=-1.0)
    if best < _CLEAR * noise:
        return 0
    peaks = (height >= np.roll(height, 1)) & (height >= np.roll(height, -1))
    return usable[int(np.argmax(peaks & (height >= _NEARLY * best)))]


def _divisor(curve: Floats, first: int, noise: float) -> int:
    """Part of a period at which values are alike as well, or 0: days of weeks."""
    parts = [first // k for k in range(2, _MOST_MULTIPLE + 1) if first % k == 0]
    parts = [part for part in parts if part >= 2 * _SHORTEST]
    height = np.array([_prominence(curve, part, part // 4) for part in parts])
    least = max(_PROMINENCE + noise, _NEARLY * _prominence(curve, first, first // 4))
    return parts[int(np.argmax(height))] if height.max(initial=-1.0) > least else 0


def autocorrelation(panel: Panel, n_lags: int) -> tuple[Floats, float]:
    """Autocorrelation about a line, pooled over channels and series.

    Missing values take no part.

    Parameters
    ----------
    panel : Panel
    n_lags : int

    Returns
    -------
    curve : ndarray, shape (at most n_lags,)
        From lag zero on; only lags of which there are pairs.
    noise : float
        Twice the standard error that it has for independent values.
    """
    strands = [
        panel.values[max(stop - _MOST_ROWS, first) : stop, channel]
        for first, stop in pairwise(panel.bounds)
        for channel in range(panel.values.shape[1])
    ]
    chosen = np.linspace(0, len(strands) - 1, min(len(strands), _MOST_STRANDS))
    total, pairs = np.zeros(n_lags), np.zeros(n_lags)
    for number in np.unique(chosen.astype(int)):
        products, count = _products(strands[number], n_lags)
        total[: len(products)] += products
        pairs[: len(count)] += count
    if not total[0]:
        return np.zeros(0), 1.0
    known = pairs > 0.5
    last = len(known) if known.all() else int(np.argmin(known))
    curve = (total / np.maximum(pairs, 1))[:last]
    return curve / curve[0], 2 / float(np.sqrt(max(pairs[0], 1.0)))


def _products(values: Floats, n_lags: int) -> tuple[Floats, Floats]:
    """Sum products of standardised values at each lag, and count them."""
    seen = ~np.isnan(values)
    if seen.sum() < 2 * _SHORTEST:
        return np.zeros(0), np.zeros(0)
    size = np.nanmax(np.abs(values)) or 1.0
    values = values / size  # squares of 1e300 and 1e-300 are no numbers
    row = np.arange(len(values)) / len(values)
    line = np.polynomial.Polynomial.fit(row[seen], values[seen], 1)
    rest = np.where(seen, values - line(row), 0.0)
    scale = np.sqrt((rest**2).sum() / seen.sum())
    if scale <= 1e-9:
        return np.zeros(0), np.zeros(0)
    n = 2 * len(values)
    sums = [
        np.fft.irfft(np.abs(np.fft.rfft(part, n)) ** 2, n)[: len(values)]
        for part in (rest / scale, seen.astype(float))
    ]
    return sums[0][:n_lags], np.round(sums[1][:n_lags])


def _prominence(curve: Floats, lag: int, beside: int) -> float:
    """Height of a lag above the mean of two lags beside it; minus one at the end."""
    if lag + beside >= len(curve):
        return -1.0
    return float(curve[lag] - (curve[lag - beside] + curve[lag + beside]) / 2)


def _first_peak(curve: Floats, longest: int) -> int:
    """Lag of the first peak nearly as high as the highest; 0 if there is none.

    Peaks count from where the curve first falls.
    """
    lags = np.arange(_SHORTEST, min(longest + 1, len(curve) - 1))
    peaks = lags[(curve[lags] >= curve[lags - 1]) & (curve[lags] >= curve[lags + 1])]
    if not len(peaks):
        return 0
    best = curve[peaks].max()
    if best <= 0:
        return 0
    first = int(peaks[curve[peaks] >= _EQUAL * best][0])
    around = np.arange(first, min(int(1.1 * first), int(lags[-1])) + 1)
    # the top of a ragged peak: where its echoes are highest too
    n_echoes = min((len(curve) - 1) // int(around[-1]), _MOST_MULTIPLE)
    height = [curve[lag : n_echoes * lag + 1 : lag].mean() for lag in around]
    return int(around[np.argmax(height)])
