"""The models of a backtest: checked, copied, seeded, told apart, and asked."""

from __future__ import annotations

import copy
import hashlib
import inspect
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from tsdiff.parameters import read_seed
from tsdiff.validation import listing

Floats = NDArray[np.float64]

_CROSSING = 1e-5  # of the largest answer: quantiles closer than this may be rounded


def check_models(models: Any, own: str, other: str, advice: str) -> dict[str, Any]:
    """Check the models that are to be compared.

    Parameters
    ----------
    models : mapping of str to estimator
    own, other : str
        Point method of the estimators that are wanted, and of those that are not.
    advice : str
        What to do with one of the latter.

    Returns
    -------
    dict of str to estimator

    Raises
    ------
    TypeError, ValueError
        Naming the first that can't be used.
    """
    if not isinstance(models, Mapping) or not models:
        raise TypeError(
            "models is a mapping of names to estimators, such as {'linear': "
            f"LinearInterpolation()}}; got {models!r:.60}."
        )
    for name, model in models.items():
        if not isinstance(name, str) or not name:
            raise TypeError(f"A model's name is text, got {name!r}. Name it by a str.")
        if isinstance(model, type):
            raise TypeError(
                f"Model {name!r} is the class {model.__name__}. Give an instance: "
                f"{model.__name__}(...)."
            )
        answers = hasattr(model, "predict_quantiles") or hasattr(model, "sample")
        if not hasattr(model, "fit") or not answers:
            raise TypeError(
                f"Model {name!r} is a {type(model).__name__}, which lacks fit, or both "
                "predict_quantiles and sample. Wrap it in an estimator that has them."
            )
        if hasattr(model, other) and not hasattr(model, own):
            raise TypeError(f"Model {name!r} is a {type(model).__name__}; {advice}")
    return dict(models)


def fresh(model: Any, *key: Any) -> Any:
    """Copy a model without what it has learned, its randomness fixed.

    Parameters
    ----------
    model : estimator
    *key : object
        What the seed hangs on, besides class and parameters: never the order of work.

    Returns
    -------
    estimator
        Parameters named ``random_state`` that are None get a seed of the key; those
        that are generators one read from a copy of theirs.
    """
    copied = clone(model, safe=False)
    if not hasattr(copied, "get_params"):
        return copied
    seed = int(digest(describe(model), *key)[:15], 16)
    new = {}
    for name, value in copied.get_params(deep=True).items():
        if name == "random_state" or name.endswith("__random_state"):
            if value is None:
                new[name] = seed
            elif not isinstance(value, int | np.integer):
                new[name] = read_seed(copy.deepcopy(value))
    return copied.set_params(**new) if new else copied


def digest(*content: Any) -> str:
    """SHA-256 of what JSON can hold."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def describe(value: Any) -> Any:
    """Say in JSON what an object is, the same in every process.

    Estimators are told by class and parameters, arrays and frames by a digest.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item() if value.dtype.kind in "biuf" else str(value)
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        parts = [describe(item) for item in value]
        return sorted(parts, key=repr) if isinstance(value, set | frozenset) else parts
    if isinstance(value, np.ndarray | pd.DataFrame | pd.Series | pd.Index):
        return digest_of_data(value)
    if isinstance(value, np.random.Generator):
        return describe(value.bit_generator.state)
    if isinstance(value, np.random.RandomState):
        return describe(value.get_state(legacy=False))
    if inspect.isroutine(value) or isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    return _describe_object(value)


def _describe_object(value: Any) -> Any:
    """Class and parameters of an estimator; class and state of anything else."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if hasattr(value, "get_params"):
        return {"class": kind, **describe(value.get_params(deep=False))}
    if " at 0x" not in repr(value):
        return f"{kind} {value!r}"
    return {"class": kind, **describe(getattr(value, "__dict__", {}))}


def digest_of_data(data: Any) -> str | None:
    """SHA-256 of an array, or of a frame with its labels."""
    if data is None:
        return None
    sha = hashlib.sha256()
    if isinstance(data, np.ndarray) and data.dtype != object:
        sha.update(f"{data.dtype} {data.shape}".encode())
        sha.update(np.ascontiguousarray(data).tobytes())
        return sha.hexdigest()
    frame = pd.DataFrame(data) if not isinstance(data, pd.Index) else data.to_frame()
    sha.update(repr([*frame.columns, *frame.dtypes, frame.index.dtype]).encode())
    sha.update(pd.util.hash_pandas_object(frame, index=True).to_numpy().tobytes())
    return sha.hexdigest()


def ask(model: Any, levels: Floats, *question: Any, **options: Any) -> pd.DataFrame:
    """Quantiles of a model: in closed form if it has them, else of its draws."""
    if hasattr(model, "predict_quantiles"):
        return model.predict_quantiles(*question, alpha=levels.tolist(), **options)
    return model.sample(*question, **options).quantile(levels.tolist())


def read_answer(
    answer: Any, wanted: pd.Index, n_channels: int, n_levels: int
) -> Floats:
    """Read the quantiles of the rows wanted.

    Parameters
    ----------
    answer : DataFrame
        A column for each channel and level, those of a channel side by side.
    wanted : Index
    n_channels, n_levels : int

    Returns
    -------
    ndarray, shape (n_rows, n_channels, n_levels)
        NaN where the answer has no such row.

    Raises
    ------
    TypeError, ValueError
        If the answer is of another kind or shape, has none of the rows, or its
        quantiles cross.
    """
    if not isinstance(answer, pd.DataFrame):
        raise TypeError(f"The answer is a {type(answer).__name__}, not a DataFrame.")
    if answer.shape[1] != n_channels * n_levels:
        raise ValueError(
            f"The answer has {answer.shape[1]} column(s) "
            f"({listing(map(repr, answer.columns))}); {n_channels * n_levels} are "
            "needed: one for each channel and level."
        )
    table = answer.to_numpy(dtype=np.float64)
    if not answer.index.equals(wanted):
        rows = answer.index.get_indexer(wanted)
        if (rows < 0).all():
            raise ValueError(
                f"The answer has the rows {listing(answer.index[:2])}, ..., and none "
                f"of those asked for: {listing(wanted[:2])}, ..."
            )
        table = np.where(rows[:, None] < 0, np.nan, table[rows])
    return _rising(table.reshape(len(wanted), n_channels, n_levels))


def _rising(quantiles: Floats) -> Floats:
    """Check that quantiles rise with their levels; rounding is evened out."""
    sorted_ones = np.maximum.accumulate(quantiles, axis=-1)
    largest = np.abs(quantiles).max(where=~np.isnan(quantiles), initial=0)
    crossing = sorted_ones - quantiles > _CROSSING * largest
    if crossing.any():
        raise ValueError(
            f"{int(crossing.any(axis=-1).sum())} cell(s) are answered by quantiles "
            "that cross: a higher level has a lower value."
        )
    return sorted_ones
