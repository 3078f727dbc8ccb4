"""What a worker does: read a shard, ask the model, write the answer."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors import SafetensorError, safe_open

from tsdiff.atomic import writing
from tsdiff.fanout.asking import Question, asking
from tsdiff.fanout.beside import read
from tsdiff.fanout.shards import Shard
from tsdiff.forecasting import Forecaster
from tsdiff.ondisk import to_blame
from tsdiff.panel.arrow import arrow
from tsdiff.parallel import one_thread

KEY = b"tsdiff_shard"
_OF_THE_END = ("predict", "predict_interval", "predict_quantiles", "sample")


@dataclass(frozen=True)
class Task:
    """A shard, and where its answer goes."""

    number: int
    shard: Shard
    target: Path
    key: str


@dataclass(frozen=True)
class Outcome:
    """How it went with a shard: `error` says what is wrong, with the series' name."""

    number: int
    error: str | None = None
    notes: tuple[str, ...] = ()


def do(task: Task, question: Question) -> Outcome:
    """Answer one shard on one thread and keep the answer; errors are told, not raised.

    Parameters
    ----------
    task : Task
    question : Question

    Returns
    -------
    Outcome
    """
    try:
        model = open_model(question)
        with warnings.catch_warnings(record=True) as caught, one_thread():
            warnings.simplefilter("always")
            last = rows_used(model) if question.method in _OF_THE_END else None
            frame = question.panel.read(task.shard.pieces, last)
            asked = {**question.asked, **read(question.beside, task.shard.beside)}
            asked_here = replace(question, asked=asked)
            _write(task, _answer(model, asked_here, frame, task.number))
    except Exception as error:
        return Outcome(task.number, f"{type(error).__name__}: {error}")
    said = (str(one.message) for one in caught if issubclass(one.category, UserWarning))
    return Outcome(task.number, None, tuple(dict.fromkeys(said)))


def rows_used(model: Any) -> int | None:
    """Count the last rows of a series that a model looks at; None is all of them."""
    return model._memory() if isinstance(model, Forecaster) else None


def is_done(task: Task) -> bool:
    """Tell whether the answer to a shard is there, and whole.

    Raises
    ------
    ValueError
        If there is one to another question.
    """
    if not task.target.exists():
        return False
    try:
        kept = arrow("parquet").read_schema(task.target).metadata or {}
    except (OSError, ValueError):
        return False  # damaged from outside: what is missing is done again
    if kept.get(KEY) != task.key.encode():
        raise ValueError(
            f"{task.target} answers another question, or other series. Give another "
            "folder."
        )
    return True


def open_model(question: Question) -> Any:
    """Load the model once in each process; it is only asked, and never fitted."""
    model = question.model
    if isinstance(model, str):
        model = _load(model, question.digest)
    known = model.get_params(deep=False)
    own = {"random_state": question.seed, "verbose": 0, "device": question.device}
    model.set_params(**{name: own[name] for name in own if name in known})
    return model


@lru_cache(maxsize=2)
def _load(path: str, digest: str) -> Any:
    if hashlib.sha256(Path(path).read_bytes()).hexdigest() != digest:
        raise ValueError(f"{path} is another file than when the run began.")
    return load_model(path)


def load_model(path: str | Path) -> Any:
    """Load a file of a model, whichever estimator it holds.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no whole file of a model.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        with safe_open(path, framework="pt") as file:
            kind = json.loads((file.metadata() or {}).get("tsdiff", "{}")).get("class")
    except (SafetensorError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} is no model file, or damaged: {error}.") from error
    forecasts = kind == "DiffusionForecaster"
    home = import_module("tsdiff.forecaster" if forecasts else "tsdiff.imputer")
    return (home.DiffusionForecaster if forecasts else home.DiffusionImputer).load(path)


def _answer(
    model: Any, question: Question, frame: pd.DataFrame, number: int
) -> pd.DataFrame:
    """Ask the model; if it refuses, find the series that is to blame."""
    ask = asking(model, question, number)
    try:
        return ask(frame)
    except (TypeError, ValueError) as error:
        blamed = to_blame(frame, ask)
        raise type(error)(f"series {blamed!r}: {error}") from error


def _write(task: Task, answer: pd.DataFrame) -> None:
    """Write an answer with its index, whole or not at all."""
    table = arrow().Table.from_pandas(answer)
    kept = {**(table.schema.metadata or {}), KEY: task.key.encode()}
    with writing(task.target) as file:
        arrow("parquet").write_table(table.replace_schema_metadata(kept), file)
