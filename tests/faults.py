"""Both estimators behind one face: fit, ask everything, be refused everything."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import answers, frame, same, tiny

from tsdiff import DiffusionForecaster

H = 3  # steps ahead


@dataclass(frozen=True)
class Case:
    """An estimator, and one of its kind that is fitted to `frame()`."""

    name: str
    fitted: Any

    @property
    def fills(self) -> bool:
        return self.name == "imputer"

    def new(self, **parameters: Any) -> Any:
        """Make a tiny estimator, not yet fitted."""
        model = tiny(**parameters)
        if self.fills:
            return model
        shared = model.get_params(deep=False)
        del shared["max_gap"]
        return DiffusionForecaster(horizon=H, **shared)

    def answer(self, model: Any, X: Any) -> Any:
        """Ask everything, as `small.answers` does; return the point answer."""
        return answers(model, X) if self.fills else forecasts(model, X)

    def point(self, model: Any, X: Any) -> Any:
        return model.transform(X) if self.fills else model.predict(y=X)

    def draws(self, model: Any, X: Any, n: int = 4, **more: Any) -> np.ndarray:
        data = {"X" if self.fills else "y": X}
        return model.sample(**data, n_samples=n, **more).samples

    def requests(self) -> list[Callable[[Any], Any]]:
        """Fit, and all that a fitted one is asked."""
        model, key = self.fitted, "X" if self.fills else "y"
        point = model.transform if self.fills else model.predict
        asked = [point, model.sample, model.predict_interval, model.predict_quantiles]
        return [self.new().fit, *(lambda X, a=ask: a(**{key: X}) for ask in asked)]

    def refuses(self, X: Any, error: type[Exception], message: str) -> None:
        """Fit and every question end in the same words; the data stay as they are."""
        before = copy.deepcopy(X)
        for ask in self.requests():
            with pytest.raises(error, match=message):
                ask(X)
        if isinstance(X, pd.DataFrame | pd.Series | np.ndarray):
            same(X, before)

    def learns(self, X: Any, **parameters: Any) -> Any:
        """Fit and ask everything; return the point answer."""
        return self.answer(self.new(**parameters).fit(X), X)


def forecasts(model: DiffusionForecaster, y: Any) -> Any:
    """Ask everything of a forecaster; answers are finite, and `y` is as it was."""
    before = copy.deepcopy(y)
    point = model.predict(y=y)
    draws = model.sample(y=y, n_samples=3).samples
    bands = np.asarray(model.predict_interval(y=y), dtype=float)
    same(y, before)
    assert np.isfinite(np.asarray(point, dtype=float)).all()
    assert np.isfinite(draws).all()
    lo, hi = np.moveaxis(bands.reshape(-1, 2), -1, 0)
    assert (lo <= hi).all()
    return point


def weights(model: Any) -> bytes:
    state = model.model_.network.state_dict()
    return b"".join(tensor.numpy().tobytes() for tensor in state.values())


def fitted_pair() -> dict[str, Any]:
    """One fitted estimator of each kind."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            name: Case(name, None).new(max_epochs=2).fit(frame())
            for name in ("imputer", "forecaster")
        }
