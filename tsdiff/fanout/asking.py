"""What can be asked of a model, and the functions that ask it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import pandas as pd

from tsdiff.backtesting import BacktestResult, backtest, imputation_backtest
from tsdiff.draws import Draws

METHODS = (
    "transform",
    "predict",
    "predict_interval",
    "predict_quantiles",
    "sample",
    "calibrate",
    "backtest",
    "imputation_backtest",
)
_TRIALS: dict[str, tuple[Callable[..., Any], str]] = {
    "backtest": (backtest, "predict"),
    "imputation_backtest": (imputation_backtest, "transform"),
}


@dataclass(frozen=True)
class Question:
    """What is asked of every shard.

    Attributes
    ----------
    panel : ParquetPanel or ArrayPanel
        Where the series are.
    model : str or estimator
        Path of a file of a model, or what has no such file.
    digest : str
        Of the model.
    method : str
    asked : mapping
        Its arguments besides the series.
    seed : int
    beside : mapping of str to panel
        Arguments that are rows of the series.
    device : str
        To answer on, which no file of a model keeps; "auto" by default.
    """

    panel: Any
    model: Any
    digest: str
    method: str
    asked: Mapping[str, Any]
    seed: int
    beside: Mapping[str, Any] = field(default_factory=dict)
    device: str = "auto"


def asked_of(model: Any, method: str) -> Callable[..., Any] | None:
    """Find the function that answers; None if the model has none."""
    if method in _TRIALS:
        function, own = _TRIALS[method]
        return function if hasattr(model, own) else None
    return getattr(model, method, None)


def series_of(function: Callable[..., Any]) -> str:
    """Name of the argument that takes the series."""
    return "y" if "y" in signature(function).parameters else "X"


def asking(
    model: Any, question: Question, number: int
) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Make the function from the series of a shard to their answer.

    Parameters
    ----------
    model : fitted estimator
    question : Question
    number : int
        Of the shard.
    """
    method, asked = question.method, dict(question.asked)
    if method == "calibrate":
        return lambda frame: next(model._rehearse(frame, number, **asked))[0]
    ask: Any = asked_of(model, method)
    name = series_of(ask)
    if method in _TRIALS:
        own = {"refit": False, **asked, "random_state": question.seed}
        return lambda frame: _scored(ask({"model": model}, **{name: frame}, **own))

    def answer(frame: pd.DataFrame) -> pd.DataFrame:
        found = ask(**{name: frame}, **asked)
        return found.to_frame() if isinstance(found, Draws) else found

    return answer


def _scored(result: BacktestResult) -> pd.DataFrame:
    """Put the scale of each cell beside it, so that shards can be put together."""
    strand = pd.MultiIndex.from_frame(result.frame[["unique_id", "channel"]])
    return result.frame.assign(scale=result.scales.reindex(strand).to_numpy())
