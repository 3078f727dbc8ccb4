"""What the forecasting benchmarks share: windows, models and their answers.

Words: W windows of H future rows and C channels; K quantile levels; S samples.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import tsdiff
from tsdiff import baselines

Floats = NDArray[np.float64]

DECILES = np.arange(1, 10) / 10  # GluonTS' default
LEVELS = np.arange(1, 20) / 20  # of CSDI and of GluonTS' "nips" sets
MODELS = ("tsdiff", "seasonal_naive", "ets", "arima")


@dataclass(frozen=True)
class Task:
    """Windows to forecast, and what came then.

    Attributes
    ----------
    name : str
        Of the benchmark and of its file of results.
    history : DataFrame of shape (n_rows, C)
        What each window may look at: a panel (unique_id, ds) of W series.
    truth : ndarray of shape (W, H, C)
        NaN where nothing was recorded.
    season : int
        Rows of the season that the seasonal naive forecast repeats.
    short_season, short_history : int
        Season and last rows of history that ETS and ARIMA are given, which are slow.
    window : int, optional
        Rows that tsdiff sees at once, where the protocol says how many there are.
    """

    name: str
    history: pd.DataFrame
    truth: Floats
    season: int
    short_season: int
    short_history: int
    window: int | None = None

    @property
    def horizon(self) -> int:
        """Steps ahead."""
        return self.truth.shape[1]

    @property
    def windows(self) -> pd.Index:
        """Names of the windows, in order."""
        return self.history.index.get_level_values(0).unique()

    @property
    def sizes(self) -> Floats:
        """Sum of the absolute truth of each window, shape (W,)."""
        return np.nansum(np.abs(self.truth), axis=(1, 2))

    def strands(self) -> list[Floats]:
        """History of each channel of each window on its own, W * C of them."""
        series = self.history.groupby(level=0, sort=False)
        return [strand for _, part in series for strand in part.to_numpy(float).T]


@dataclass(frozen=True)
class Score:
    """Losses of a model, window by window, and its figures.

    Attributes
    ----------
    loss : ndarray of shape (W,)
        NaN for a window that the model did not answer.
    figures : dict of str to float
    """

    loss: Floats
    figures: dict[str, float] = field(default_factory=dict)


def stack(histories: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the histories of windows into one panel, a series for each."""
    return pd.concat(dict(histories), names=["unique_id", "ds"])


def tails(frame: pd.DataFrame, n_rows: int) -> pd.DataFrame:
    """Keep the last rows, of each series if there are many."""
    many = isinstance(frame.index, pd.MultiIndex)
    return (frame.groupby(level=0, sort=False) if many else frame).tail(n_rows)


def timed(call: Callable[..., Any], *args: Any) -> tuple[Any, float]:
    """Call a function; return its answer and the seconds it took."""
    start = time.perf_counter()
    answer = call(*args)
    return answer, time.perf_counter() - start


def make_model(name: str, task: Task, options: argparse.Namespace) -> Any:
    """Make one of `MODELS`; tsdiff in its default configuration."""
    if name == "tsdiff":
        return tsdiff.DiffusionForecaster(
            horizon=task.horizon,
            window=task.window,
            max_minutes=options.minutes,
            random_state=options.seed,
            verbose=1,
        )
    kinds = {
        "seasonal_naive": (baselines.SeasonalNaive, task.season),
        "ets": (baselines.ETS, task.short_season),
        "arima": (baselines.ARIMA, task.short_season),
    }
    kind, period = kinds[name]
    return kind(period=period, random_state=options.seed)


def fit_and_score(
    task: Task,
    train: pd.DataFrame,
    score: Callable[[Any, Task], Score],
    options: argparse.Namespace,
    wrap: Callable[[Any], Any] | None = None,
) -> tuple[dict[str, Any], dict[str, Score]]:
    """Fit each model once on `train` and score it on the windows.

    Parameters
    ----------
    task : Task
    train : DataFrame
        Rows before the first window.
    score : callable
        Makes a Score of a fitted model and a task.
    options : Namespace
        With `models`, `minutes` and `seed`.
    wrap : callable, optional
        Makes of tsdiff what is fitted and scored, where data go in otherwise.

    Returns
    -------
    fitted, scores : dict by name of model
    """
    fitted, scores = {}, {}
    for name in options.models:
        rows, windows = train, task
        if name in ("ets", "arima"):
            rows, windows = shortened(train, task)
        model = make_model(name, task, options)
        if name == "tsdiff" and wrap is not None:
            model = wrap(model)
        fitted[name], fit_seconds = timed(model.fit, rows)
        scored, seconds = timed(score, model, windows)
        times = {"fit_seconds": fit_seconds, "answer_seconds": seconds}
        print(name, {key: round(value, 1) for key, value in times.items()}, flush=True)
        scores[name] = Score(scored.loss, {**scored.figures, **times})
    return fitted, scores


def shortened(train: pd.DataFrame, task: Task) -> tuple[pd.DataFrame, Task]:
    """Cut what ETS and ARIMA are given."""
    history = tails(task.history, task.short_history)
    return tails(train, task.short_history), replace(task, history=history)


def quantiles(model: Any, task: Task, levels: Floats) -> Floats:
    """Quantiles of a fitted model for the windows, shape (K, W, H, C)."""
    frame = model.predict_quantiles(task.horizon, task.history, alpha=levels)
    expected = np.repeat(task.windows, task.horizon)
    if not (frame.index.get_level_values(0) == expected).all():
        raise ValueError("the answer's rows are not the windows in their order")
    answer = frame.to_numpy(float).reshape(*task.truth.shape, len(levels))
    return np.moveaxis(answer, -1, 0)


def samples(model: Any, task: Task, n_samples: int = 100) -> Floats:
    """Joint paths of a fitted model for the windows, shape (S, W, H, C)."""
    draws = model.sample(task.horizon, task.history, n_samples=n_samples)
    return draws.samples.reshape(n_samples, *task.truth.shape)


def repeat_season(task: Task) -> Floats:
    """Last season of each history again and again, without spread: (W, H, C).

    The point forecast of the published tables. A phase that is missing in the last
    season takes its last observed value.
    """
    points = []
    for values in task.strands():
        seasons = values[len(values) % task.season :].reshape(-1, task.season)
        last = pd.DataFrame(seasons).ffill().to_numpy()[-1]
        points.append(np.resize(last, task.horizon))
    n_windows, horizon, n_channels = task.truth.shape
    return np.reshape(points, (n_windows, n_channels, horizon)).swapaxes(1, 2)
