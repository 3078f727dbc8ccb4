"""Baselines that choose a linear-Gaussian model for each series by itself."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.baselines.ahead import Seasonal
from tsdiff.baselines.statespace import (
    deviations_ahead,
    deviations_at,
    moments,
    moments_ahead,
)
from tsdiff.baselines.strands import Strand

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MOST_ROWS, _FEW_ROWS = 1000, 200  # of a history: 12 seasons, but within these
_SEASONS = 12
_FEWEST_VALUES = 3  # fewer show no spread
_REMEMBERED = 4096  # choices of series, so that each is made once
_FLAT = 1e-9  # spread relative to the level, below which values count as one


class OwnModel(Seasonal):
    """Answers by a model of each series' own history, chosen when it is asked.

    A subclass chooses a model for a standardised history (`_choose`) and writes it as a
    state space of any rows (`_space`). Rows behind the last value are forecast from its
    last rows; for gaps before it the whole series is smoothed. Choices are remembered,
    so that quantiles and paths of one history rest on the same model.
    """

    @staticmethod
    @abstractmethod
    def _choose(history: Floats, period: int) -> Any:
        """Choose a model of a history, which starts and ends with a value."""

    @staticmethod
    @abstractmethod
    def _space(choice: Any, values: Floats) -> Any:
        """Set up a chosen model as a state space of standardised rows, shape (T,)."""

    def _model(self, own: _Own) -> Any:
        """State space of the model chosen for a history."""
        kind: Any = type(self)
        return self._space(_chosen(kind, own.history, own.period), own.values)

    def _law(self, strand: Strand) -> tuple[Floats, Floats]:
        own = _cut(strand, self.periods_[strand.channel])
        if own.scale == 0:
            level = np.full(len(own.asked), own.center)
            return level, np.full(len(own.asked), self._level_spread(strand))
        space = self._model(own)
        if own.n_ahead:
            mean, variance = moments_ahead(space, own.n_ahead)
        else:
            mean, variance = moments(space)
        sd = np.sqrt(variance[own.asked])
        return own.center + own.scale * mean[own.asked], own.scale * sd

    def _deviations(
        self, strand: Strand, n_samples: int, rng: np.random.Generator
    ) -> Floats:
        own = _cut(strand, self.periods_[strand.channel])
        if own.scale == 0:
            level = self._level_spread(strand) * rng.standard_normal((n_samples, 1))
            return np.repeat(level, len(own.asked), axis=1)
        space = self._model(own)
        if own.n_ahead:
            paths = deviations_ahead(space, own.n_ahead, n_samples, rng)
            return own.scale * paths[:, own.asked]
        return own.scale * deviations_at(space, own.asked, n_samples, rng)

    def _level_spread(self, strand: Strand) -> float:
        """Spread about a level that does not move: none, unless hardly seen."""
        few = strand.observed.sum() < _FEWEST_VALUES
        return float(self.scale_[strand.channel]) if few else 0.0


@dataclass(frozen=True)
class _Own:
    """What a model is chosen for and asked.

    Attributes
    ----------
    history : bytes
        Last rows up to the last value, standardised; what the choice rests on.
    period : int
    values : ndarray, shape (T,)
        The same and all rows behind; or, with gaps to answer, the whole series.
    n_ahead : int
        Rows behind the last value if all that is asked lies there, else 0.
    asked : ndarray of int, shape (m,)
        Position among the rows ahead, or among all.
    center, scale : float
        Of the history; the last value and 0 if it shows no spread.
    """

    history: bytes
    period: int
    values: Floats
    n_ahead: int
    asked: Ints
    center: float
    scale: float


def _cut(strand: Strand, period: int) -> _Own:
    """Take from a strand what its model needs, in units of its own spread."""
    n_rows = min(max(_SEASONS * period, _FEW_ROWS), _MOST_ROWS)
    seen = np.flatnonzero(strand.observed)
    stop = seen[-1] + 1
    first = seen[seen >= stop - n_rows][0]
    history = strand.values[first:stop]
    center, scale = float(np.nanmean(history)), float(np.nanstd(history))
    n_values = int((~np.isnan(history)).sum())
    if n_values < _FEWEST_VALUES or scale <= _FLAT * abs(center):
        center, scale = float(history[-1]), 0.0
    ahead = strand.asked[0] >= stop
    values = strand.values[first:] if ahead else strand.values
    unit = scale or 1.0
    return _Own(
        history=((history - center) / unit).tobytes(),
        period=period,
        values=(values - center) / unit,
        n_ahead=len(strand.values) - stop if ahead else 0,
        asked=strand.asked - stop if ahead else strand.asked,
        center=center,
        scale=scale,
    )


@lru_cache(maxsize=_REMEMBERED)
def _chosen(kind: type[OwnModel], history: bytes, period: int) -> Any:
    """Choose the model of a history, once."""
    return kind._choose(np.frombuffer(history), period)


def corrected_aic(loss: float, n_values: int, n_params: int) -> float:
    """AICc per value, for models of histories that lack some values.

    Parameters
    ----------
    loss : float
        Negative log-likelihood per value.
    n_values, n_params : int

    Returns
    -------
    float
        Infinite if there are too few values for so many parameters.

    Examples
    --------
    >>> corrected_aic(1.0, 10, 4), corrected_aic(1.0, 10, 9)
    (3.6, inf)
    """
    free = n_values - n_params - 1
    if free <= 0:
        return np.inf
    return 2 * loss + 2 * n_params / n_values * (1 + (n_params + 1) / free)
