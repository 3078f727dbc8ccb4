"""Calendar features: where a stamp lies in its day, week and year, as waves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

Dated = pd.DatetimeIndex | pd.PeriodIndex
_CYCLES = {"day": (1.0, 4), "week": (7.0, 3), "year": (365.2425, 2)}  # days, harmonics
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def choose_calendar(stamps: Dated, bounds: np.ndarray) -> tuple[str, ...]:
    """Choose the features that can tell the rows of a data set apart.

    A cycle is used if the step is shorter than it and the data cover it once: a phase
    never seen in training would be an extrapolation. A harmonic is used if the step
    can resolve it (two steps per wave at least).

    Parameters
    ----------
    stamps : pandas.DatetimeIndex or pandas.PeriodIndex of shape (n_rows,)
        Time labels, increasing within each series.
    bounds : ndarray of shape (n_series + 1,)
        Series i is rows ``bounds[i]:bounds[i + 1]``.

    Returns
    -------
    names : tuple of str
        ``{cycle}-{sin|cos}-{harmonic}``.

    Examples
    --------
    >>> stamps = pd.date_range("2024-01-01", periods=6, freq="12h")
    >>> choose_calendar(stamps, np.array([0, 6]))
    ('day-sin-1', 'day-cos-1')
    """
    days = _days(stamps)
    inner = np.delete(np.diff(days), bounds[1:-1] - 1)
    step = np.median(inner) if len(inner) else 0.0
    span = days.max() - days.min() + step
    return tuple(
        f"{cycle}-{wave}-{harmonic}"
        for cycle, (period, harmonics) in _CYCLES.items()
        if step < 0.99 * period and span > 0.999 * period
        for harmonic in range(1, harmonics + 1)
        if 2 * harmonic * step <= 1.02 * period
        for wave in ("sin", "cos")
    )


def calendar_features(stamps: Dated, names: Sequence[str]) -> np.ndarray:
    """Compute calendar features from the local wall clock of the stamps.

    Parameters
    ----------
    stamps : pandas.DatetimeIndex or pandas.PeriodIndex of shape (n_rows,)
        Time labels; of a period, its start counts.
    names : sequence of str
        Features to compute, as `calendar_names` gives them.

    Returns
    -------
    features : ndarray of shape (n_rows, n_features)
        Values from -1 to 1, float32.

    Raises
    ------
    ValueError
        If a name is unknown.

    Examples
    --------
    >>> noon = pd.DatetimeIndex(["2024-01-01 12:00"])
    >>> calendar_features(noon, ["day-cos-1", "day-cos-2"])
    array([[-1.,  1.]], dtype=float32)
    """
    wanted = [name.rsplit("-", 2) for name in names]
    unknown = [n for n, w in zip(names, wanted, strict=True) if w[0] not in _CYCLES]
    if unknown:
        raise ValueError(
            f"Unknown calendar features {unknown}; they read like 'day-sin-1', with "
            f"one of {list(_CYCLES)}."
        )
    angles = {cycle: _angle(stamps, cycle) for cycle in {w[0] for w in wanted}}
    features = np.empty((len(stamps), len(wanted)), dtype=np.float32)
    for column, (cycle, wave, harmonic) in enumerate(wanted):
        turn = np.sin if wave == "sin" else np.cos
        features[:, column] = turn(int(harmonic) * angles[cycle])
    return features


def _angle(stamps: Any, cycle: str) -> np.ndarray:
    """Phase of each stamp within a cycle, in radians."""
    if cycle == "week":
        return 2 * np.pi / 7 * np.asarray(stamps.day_of_week, dtype=np.float64)
    seconds = _seconds(stamps)
    if cycle == "day":
        return 2 * np.pi / 86400 * seconds
    length = np.where(stamps.is_leap_year, 366, 365)
    return 2 * np.pi * (np.asarray(stamps.day_of_year) - 1 + seconds / 86400) / length


def _seconds(stamps: Dated) -> np.ndarray:
    """Seconds since local midnight by the wall clock."""
    hours = np.asarray(stamps.hour, dtype=np.float64)
    return 3600 * hours + 60 * np.asarray(stamps.minute) + np.asarray(stamps.second)


def _days(stamps: Dated) -> np.ndarray:
    """Time in days, for the length of steps and spans only."""
    if isinstance(stamps, pd.DatetimeIndex):
        return stamps.astype("int64").to_numpy() / (86400 * _PER_SECOND[stamps.unit])
    years = np.asarray(stamps.year, dtype=np.float64)
    return 365.2425 * years + np.asarray(stamps.day_of_year) + _seconds(stamps) / 86400
