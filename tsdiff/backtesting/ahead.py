"""Forecasts of one model from the cutoffs of a backtest, by one fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.backtesting.folder import Outcome
from tsdiff.backtesting.jobs import failing
from tsdiff.backtesting.models import ask, fresh, read_answer
from tsdiff.backtesting.origins import Origins
from tsdiff.baselines import ForeignForecaster
from tsdiff.baselines.ahead import Seasonal
from tsdiff.forecasting import Forecaster

Floats = NDArray[np.float64]

_ALONE = Seasonal | ForeignForecaster  # know nothing but histories
_CELLS_AT_ONCE = 2**22  # of all windows that are answered together


@dataclass(frozen=True)
class Forecasts:
    """Forecasts of one model from some cutoffs, by one fit at the first of them."""

    model: Any
    as_it_is: bool
    origins: Origins
    folds: tuple[int, ...]
    levels: Floats
    seed: int

    def __call__(self) -> Outcome:
        """Fit at the first cutoff, answer from all; what fails is noted."""
        try:
            fitted = self.model if self.as_it_is else self._fit()
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            return Outcome(errors=dict.fromkeys(self.folds, said))
        return failing(self.folds, lambda folds: self._answer(fitted, folds))

    def _fit(self) -> Any:
        model = fresh(self.model, self.seed, self.folds[0])
        known = self._usable(self.origins.history(self.folds[0]))
        return model.fit(known.pop("y"), **known)

    def _usable(self, known: dict[str, Any]) -> dict[str, Any]:
        """Leave out what a baseline can't use."""
        inner = getattr(self.model, "estimator", self.model)
        return {"y": known["y"]} if isinstance(inner, _ALONE) else known

    def _answer(self, fitted: Any, folds: Sequence[int]) -> dict[int, Floats]:
        """Quantiles of the scored cells of each fold, (M, K)."""
        answers: dict[int, Floats] = {}
        inner = getattr(fitted, "estimator_", fitted)
        if not isinstance(inner, Forecaster) or len(folds) == 1:
            for fold in folds:
                answers |= self._alone(fitted, fold)
            return answers
        memory = inner._memory()
        for some in self._chunks(folds, memory):
            known = self._usable(self.origins.together(some, memory))
            answer = ask(fitted, self.levels, self.origins.n_ahead, **known)
            answers |= self._read(answer, some, together=True)
        return answers

    def _alone(self, fitted: Any, fold: int) -> dict[int, Floats]:
        """Answer one fold: by the fit's own history, or by one that is given."""
        known: dict[str, Any] = {}
        if self.as_it_is or fold != self.folds[0]:
            known = self._usable(self.origins.history(fold))
        answer = ask(fitted, self.levels, self.origins.n_ahead, **known)
        return self._read(answer, [fold], together=False)

    def _read(
        self, answer: Any, folds: Sequence[int], *, together: bool
    ) -> dict[int, Floats]:
        origins, n_levels = self.origins, len(self.levels)
        wanted = origins.wanted(folds, together=together)
        n_channels = len(origins.panel.channels)
        numbers = read_answer(answer, wanted, n_channels, n_levels)
        shape = (len(folds), -1, origins.n_ahead, n_channels, n_levels)
        scored = numbers.reshape(shape)[:, :, origins.gap :]
        return {
            fold: scored[place][origins.cells(fold)] for place, fold in enumerate(folds)
        }

    def _chunks(
        self, folds: Sequence[int], memory: int | None
    ) -> Iterator[Sequence[int]]:
        """Split folds into runs whose histories together are not too large."""
        length = np.diff(self.origins.panel.bounds)
        rows = int(np.minimum(length, memory or length.max()).sum())
        size = max(_CELLS_AT_ONCE // (rows * len(self.origins.panel.channels)), 1)
        for first in range(0, len(folds), size):
            yield folds[first : first + size]


def is_fitted(model: Any) -> bool:
    """Whether an estimator has learned attributes, by scikit-learn's convention."""
    return any(name.endswith("_") and not name.startswith("__") for name in vars(model))


def check_blind(name: str, model: Any, origins: Origins) -> None:
    """Refuse a fitted model that may have seen rows behind the first cutoff."""
    advice = (
        "Give an unfitted one (sklearn.base.clone(model)), which refit=False fits once "
        "at the first cutoff, or set refit=True."
    )
    past = getattr(model, "past_", None)
    if hasattr(model, "calibration_") or hasattr(model, "estimator_"):
        past = None  # what it was calibrated on may lie behind its history
    if past is None:
        raise ValueError(
            f"Model {name!r} is fitted, and nothing tells which rows it has seen. "
            f"{advice}"
        )
    panel, ends = origins.panel, origins.ends(0)
    number = {series: i for i, series in enumerate(panel.ids)}
    for series, last in zip(past.panel.ids, past.panel.bounds[1:] - 1, strict=True):
        if series not in number:
            continue
        seen = past.panel.stamps[last]
        cutoff = panel.stamps[ends[number[series]] - 1]
        try:
            blind = bool(seen <= cutoff)
        except TypeError:
            blind = False
        if not blind:
            whose = "" if series is None else f" of series {series!r}"
            raise ValueError(
                f"Model {name!r} was fitted on rows{whose} up to {seen}, behind the "
                f"first cutoff {cutoff}: it has seen what it would be scored on. "
                f"{advice}"
            )
