"""Save and load: one safetensors file with JSON metadata, never a pickle.

The metadata hold the class, its parameters, the schema of the data, scaling, sizes and
a SHA-256 of the weights. Loading checks each of them before anything is built, and no
code is ever run from a file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from tsdiff._base import Schema
from tsdiff.diffusion.network import Network, NetworkConfig
from tsdiff.learning import Model
from tsdiff.panel.scaling import Scaler, Support

FORMAT = 1
_KEY = "tsdiff"
_LARGEST_METADATA = 64 * 2**20  # bytes


def save(estimator: Any, path: str | Path) -> None:
    """Write a fitted estimator into one file, replacing it in one step.

    Parameters
    ----------
    estimator : fitted estimator
    path : str or Path

    Raises
    ------
    OSError
        If the file can't be written; an old one is then left as it was.
    TypeError
        If a parameter has no JSON form.
    """
    path = Path(path)
    weights = {
        name: tensor.contiguous()
        for name, tensor in estimator.model_.network.state_dict().items()
    }
    text = json.dumps(_metadata(estimator, weights), allow_nan=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        save_file(weights, temporary, metadata={_KEY: text})
        with Path(temporary).open("rb+") as file:
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except SafetensorError as error:
        raise OSError(f"{path} could not be written: {error}") from error
    finally:
        Path(temporary).unlink(missing_ok=True)


def _metadata(estimator: Any, weights: dict[str, torch.Tensor]) -> dict[str, Any]:
    scaler = estimator.model_.scaler
    return {
        "format": FORMAT,
        "class": type(estimator).__name__,
        "parameters": {
            name: _plain(name, value) for name, value in estimator.get_params().items()
        },
        "schema": dataclasses.asdict(estimator.schema_),
        "network": dataclasses.asdict(estimator.model_.network.config),
        "scaler": {
            "center": scaler.center.tolist(),
            "scale": scaler.scale.tolist(),
            "low": scaler.low.tolist(),
            "high": scaler.high.tolist(),
            "supports": [dataclasses.asdict(support) for support in scaler.supports],
        },
        "history": estimator.history_.to_dict("list"),
        "n_iter": estimator.n_iter_,
        "interrupted": estimator.interrupted_,
        "sha256": _digest(weights),
    }


def _plain(name: str, value: Any) -> Any:
    """Parameter in a form that JSON holds."""
    if isinstance(value, np.random.Generator | np.random.RandomState):
        return None  # its state can't be carried over: draws will be fresh ones
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, pd.Timedelta):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(name, item) for key, item in value.items()}
    raise TypeError(
        f"Parameter {name}={value!r} of type {type(value).__name__} can't be saved; "
        "give it as a number or a string."
    )


def _digest(weights: dict[str, torch.Tensor]) -> str:
    """SHA-256 over names, shapes, dtypes and bytes of all tensors."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name]
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def load(cls: type, path: str | Path) -> Any:
    """Read a fitted estimator of class `cls`.

    Parameters
    ----------
    cls : type
        The class asked for; the file must be of that class.
    path : str or Path

    Returns
    -------
    estimator

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, of another class or of a newer format.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(_KEY, "")
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} is no model file, or it is damaged: {error}.") from None
    metadata = _read_metadata(path, text, cls)
    if metadata["sha256"] != _digest(weights):
        raise ValueError(
            f"{path} is damaged: the weights don't match their SHA-256. Use a copy."
        )
    try:
        return _build(cls, metadata, weights)
    except (KeyError, TypeError, RuntimeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error}. Use a copy.") from error


def _read_metadata(path: Path, text: str, cls: type) -> dict[str, Any]:
    if not text or len(text) > _LARGEST_METADATA:
        raise ValueError(f"{path} is no model file of tsdiff: its metadata are absent.")
    try:
        metadata = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is damaged: its metadata are no JSON: {error}.") from None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("format"), int):
        raise ValueError(f"{path} is no model file of tsdiff: it states no format.")
    if metadata["format"] > FORMAT:
        raise ValueError(
            f"{path} has format {metadata['format']}, this version of tsdiff reads up "
            f"to {FORMAT}. Install a newer tsdiff."
        )
    if metadata.get("class") != cls.__name__:
        raise ValueError(
            f"{path} holds a {metadata.get('class')}, not a {cls.__name__}. Load it "
            "with the class it was saved from."
        )
    return metadata


def _build(cls: type, metadata: dict[str, Any], weights: dict[str, torch.Tensor]) -> Any:
    estimator = cls(**metadata["parameters"])
    schema = dict(metadata["schema"])
    for name in ("channels", "calendar_names"):
        schema[name] = tuple(schema[name])
    config = NetworkConfig(**metadata["network"])
    with torch.random.fork_rng(devices=[]):
        network = Network(config)
    network.load_state_dict(weights)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in weights.values()):
        raise RuntimeError("some weights are not finite")
    estimator.schema_ = Schema(**schema)
    estimator.model_ = Model(network.eval(), _scaler(metadata["scaler"]))
    estimator.history_ = pd.DataFrame(metadata["history"])
    estimator.n_iter_ = metadata["n_iter"]
    estimator.interrupted_ = metadata["interrupted"]
    estimator.n_features_in_ = len(schema["channels"])
    if schema["named"]:
        names = np.asarray(schema["channels"], dtype=object)
        estimator.feature_names_in_ = names
    return estimator


def _scaler(stored: dict[str, Any]) -> Scaler:
    arrays = [
        np.asarray(stored[name], dtype=np.float64)
        for name in ("center", "scale", "low", "high")
    ]
    supports = [
        Support(**{k: tuple(v) if isinstance(v, list) else v for k, v in s.items()})
        for s in stored["supports"]
    ]
    return Scaler(*arrays, tuple(supports))
