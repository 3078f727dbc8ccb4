"""Length of the season, in rows: from the frequency, else from the data."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import Day, Tick

from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_count

Floats = NDArray[np.float64]

#: Rows of a cycle for steps of calendar days and more: a week, a year.
_CYCLES = {"D": 7, "B": 5, "C": 5, "W": 52, "SME": 24, "SMS": 24}
_CYCLES |= dict.fromkeys(("ME", "MS", "BME", "BMS", "CBME", "CBMS"), 12)
_CYCLES |= dict.fromkeys(("QE", "QS", "BQE", "BQS"), 4)
_CYCLES |= dict.fromkeys(("YE", "YS", "BYE", "BYS"), 1)
_MINUTE, _HOUR, _DAY = 60 * 10**9, 3600 * 10**9, 86400 * 10**9  # nanoseconds

_MOST_SERIES, _MOST_ROWS, _FEWEST_VALUES = 50, 5_000, 16
_PEAK = 0.3  # autocorrelation of a season, at least
_EQUAL = 0.9  # share of the highest peak at which a shorter lag is taken


def season_lengths(panel: Panel, period: int | None) -> tuple[int, ...]:
    """Find the length of the season of each channel.

    Parameters
    ----------
    panel : Panel
    period : int or None
        As the caller gave it. None: a day for steps of minutes and hours, a week for
        days, a year for weeks, months and quarters; where the frequency says nothing,
        the autocorrelation of the channel does.

    Returns
    -------
    tuple of int, length n_channels
        1 where there is no season.

    Raises
    ------
    ValueError
        If `period` is no whole number of at least 1.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> wave = np.sin(np.arange(90) * 2 * np.pi / 9)
    >>> season_lengths(to_panel(wave[:, None]), None)
    (9,)
    """
    n_channels = len(panel.channels)
    if period is not None:
        return (check_count("period", period),) * n_channels
    cycle = frequency_cycle(panel.freq)
    if cycle is not None:
        return (cycle,) * n_channels
    return tuple(_by_autocorrelation(panel, channel) for channel in range(n_channels))


def frequency_cycle(freq: str | None) -> int | None:
    """Count the steps of the cycle that data of a frequency usually follow.

    Parameters
    ----------
    freq : str or None
        pandas alias.

    Returns
    -------
    int or None
        None if there is no such whole number.

    Examples
    --------
    >>> [frequency_cycle(freq) for freq in ("5min", "h", "D", "B", "ME", "QE-DEC")]
    [288, 24, 7, 5, 12, 4]
    """
    if freq is None:
        return None
    offset: Any = to_offset(freq)
    if isinstance(offset, Tick) and not isinstance(offset, Day):
        cycle, step = (_HOUR if offset.nanos < _MINUTE else _DAY), offset.nanos
    else:
        cycle, step = _CYCLES.get(offset.base.freqstr.split("-")[0], 0), offset.n
    count, rest = divmod(cycle, step)
    return None if rest or not count else count


def _by_autocorrelation(panel: Panel, channel: int) -> int:
    """Find the first high peak of the autocorrelation, averaged over series."""
    parts = [
        panel.values[max(stop - _MOST_ROWS, first) : stop, channel]
        for first, stop in islice(pairwise(panel.bounds), _MOST_SERIES)
    ]
    curves = [curve for curve in map(_autocorrelation, parts) if len(curve)]
    if not curves:
        return 1
    total = np.zeros(max(map(len, curves)))
    count = np.zeros(len(total))
    for curve in curves:
        total[: len(curve)] += curve
        count[: len(curve)] += 1
    rows = 3 * sum(map(len, curves))
    return _first_peak(total / count, max(_PEAK, 4 / np.sqrt(rows)))


def _autocorrelation(values: Floats) -> Floats:
    """Autocorrelation about a line up to a third of the rows; empty for too few.

    Missing values are interpolated.
    """
    rows = np.flatnonzero(~np.isnan(values))
    if len(rows) < _FEWEST_VALUES:
        return np.zeros(0)
    every = np.arange(rows[0], rows[-1] + 1)
    line = np.interp(every, rows, values[rows])
    rest = line - np.polyval(np.polyfit(every, line, 1), every)
    n = len(rest)
    if np.std(rest) <= 1e-9 * np.abs(line).max():
        return np.zeros(0)
    power = np.abs(np.fft.rfft(rest, 2 * n)) ** 2
    covariance = np.fft.irfft(power)[: n // 3] / np.arange(n, n - n // 3, -1)
    return covariance / covariance[0]


def _first_peak(curve: Sequence[float] | Floats, least: float) -> int:
    """Lag of the first peak nearly as high as the highest; 1 if there is none.

    Peaks count from where the curve first falls to zero.
    """
    curve = np.asarray(curve)
    fallen = np.flatnonzero(curve <= 0)
    if not len(fallen):
        return 1
    lags = np.arange(max(fallen[0], 1), len(curve) - 1)
    peaks = lags[(curve[lags] >= curve[lags - 1]) & (curve[lags] >= curve[lags + 1])]
    best = curve[peaks].max(initial=0.0)
    if best < least:
        return 1
    return int(peaks[curve[peaks] >= _EQUAL * best][0])
