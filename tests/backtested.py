"""Models that are quick or odd, for tests of backtests."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from tsdiff import DiffusionForecaster, DiffusionImputer
from tsdiff.panel.frame import to_panel
from tsdiff.panel.future import future_rows

H = 4
SIZES: dict[str, Any] = {"max_epochs": 1, "width": 8, "depth": 1}


def looking_ahead(**parameters: Any) -> DiffusionForecaster:
    return DiffusionForecaster(horizon=H, window=16, **SIZES | parameters)


def filling(**parameters: Any) -> DiffusionImputer:
    return DiffusionImputer(window=16, **SIZES | parameters)


class Constant(BaseEstimator):
    """Foreign forecaster: answers by a number, remembers what it was told."""

    def __init__(self, value: float = 0.0, fails_at: int | None = None) -> None:
        self.value = value
        self.fails_at = fails_at

    def fit(self, y: pd.DataFrame, X: Any = None) -> Self:
        self.y_, self.X_ = y, X
        if self.fails_at == len(y):
            raise ArithmeticError(f"{len(y)} rows are unlucky")
        return self

    def predict_quantiles(
        self, h: int, y: Any = None, X: Any = None, *, alpha: Any
    ) -> pd.DataFrame:
        del X
        future = future_rows(to_panel(self.y_ if y is None else y), h)
        answer = np.full((len(future.values), len(alpha)), self.value)
        return pd.DataFrame(answer, index=future.index)


class Drawing(BaseEstimator):
    """Foreign model without closed form: only paths, those of an inner model."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def fit(self, y: Any) -> Self:
        self.fitted_ = self.inner.fit(y)
        return self

    def sample(self, *question: Any, **options: Any) -> Any:
        return self.fitted_.sample(*question, **options, n_samples=400)


def waves(n_rows: int = 60, start: str = "2024-03-04") -> pd.DataFrame:
    """Two waves with holes, by the hour."""
    t = np.arange(n_rows)
    hours = pd.date_range(start, periods=n_rows, freq="h", name="time")
    y = pd.DataFrame({"a": np.sin(t / 4), "b": 50 + 9 * np.cos(t / 7)}, hours)
    y.iloc[8:11, 0] = np.nan
    y.iloc[30:32] = np.nan
    return y


def ragged() -> pd.DataFrame:
    """Two series that end at different times."""
    parts = {"u": waves(60)[["b"]], "v": waves(48, "2024-03-01")[["b"]]}
    return pd.concat(parts, names=["unique_id", "ds"])
