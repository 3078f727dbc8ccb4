"""Parameters and scaling in a form that JSON holds, and digests of files."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import torch
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset

from tsdiff.advice import advise
from tsdiff.panel.scaling import Scaler, Support

_TIMEDELTA = "timedelta"
_ARRAYS = ("center", "scale", "low", "high")


def pack_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Write parameters as numbers, text and mappings of them.

    Parameters
    ----------
    parameters : mapping of str to object

    Returns
    -------
    dict
        numpy numbers become those of Python; durations a mapping that
        `unpack_parameters` knows; a generator None, with a warning.

    Raises
    ------
    TypeError
        If a parameter has no such form.

    Examples
    --------
    >>> pack_parameters({"width": np.int64(8), "max_gap": pd.Timedelta("2h")})
    {'width': 8, 'max_gap': {'timedelta': 'P0DT2H0M0S'}}
    """
    return {name: _pack(name, value) for name, value in parameters.items()}


def _pack(name: str, value: Any) -> Any:
    if isinstance(value, np.random.Generator | np.random.RandomState):
        advise(
            f"{name} is a {type(value).__name__}, whose state is not saved; once "
            f"loaded, draws are fresh ones. Set {name} to an int to repeat them."
        )
        return None
    if isinstance(value, timedelta | np.timedelta64):
        return {_TIMEDELTA: pd.Timedelta(value).isoformat()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, BaseOffset) and _is_named(value):
        return value.freqstr
    if isinstance(value, Mapping):
        return {str(key): _pack(name, item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"Parameter {name}={value!r} of type {type(value).__name__} can't be saved; "
        "give it as a number or as text."
    )


def _is_named(offset: BaseOffset) -> bool:
    """Whether the alias of an offset says all of it (custom holidays have none)."""
    try:
        return to_offset(offset.freqstr) == offset
    except ValueError:
        return False


def unpack_parameters(packed: Mapping[str, Any]) -> dict[str, Any]:
    """Read what `pack_parameters` wrote.

    Parameters
    ----------
    packed : mapping of str to object

    Returns
    -------
    dict

    Examples
    --------
    >>> unpack_parameters({"width": 8, "max_gap": {"timedelta": "P0DT2H0M0S"}})
    {'width': 8, 'max_gap': Timedelta('0 days 02:00:00')}
    """
    return {
        name: pd.Timedelta(value[_TIMEDELTA])
        if isinstance(value, dict) and set(value) == {_TIMEDELTA}
        else value
        for name, value in packed.items()
    }


def pack_scaler(scaler: Scaler) -> dict[str, Any]:
    """Write a scaler as lists of numbers, one a channel.

    Parameters
    ----------
    scaler : Scaler

    Returns
    -------
    dict
    """
    packed = {name: getattr(scaler, name).tolist() for name in _ARRAYS}
    packed["supports"] = [dataclasses.asdict(part) for part in scaler.supports]
    packed["ratio"] = list(scaler.ratio)
    return packed


def unpack_scaler(packed: Mapping[str, Any]) -> Scaler:
    """Read what `pack_scaler` wrote.

    Parameters
    ----------
    packed : mapping

    Returns
    -------
    Scaler

    Raises
    ------
    KeyError, TypeError, ValueError
        If the numbers are of different channels, or can't scale anything.
    """
    center, scale, low, high = (
        np.asarray(packed[name], dtype=np.float64) for name in _ARRAYS
    )
    supports = tuple(Support(**plain_fields(part)) for part in packed["supports"])
    ratio = tuple(float(number) for number in packed.get("ratio", ()))
    shape = (len(supports),)
    if any(part.shape != shape for part in (center, scale, low, high)):
        raise ValueError("its scaling has numbers for other channels")
    if len(ratio) > len(supports):
        raise ValueError("its scaling has numbers for other channels")
    if not np.isfinite([center, scale]).all() or not (scale > 0).all():
        raise ValueError("its scaling is not made of finite numbers above zero")
    return Scaler(center, scale, low, high, supports, ratio)


def plain_fields(packed: Mapping[str, Any]) -> dict[str, Any]:
    """Read the fields of a dataclass, whose tuples JSON holds as lists.

    Parameters
    ----------
    packed : mapping of str to object

    Returns
    -------
    dict

    Examples
    --------
    >>> plain_fields({"periods": [24, 168], "width": 8})
    {'periods': (24, 168), 'width': 8}
    """
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in packed.items()
    }


def digest_of(content: str | Mapping[str, torch.Tensor]) -> str:
    """Compute a SHA-256 of text, or of all of tensors: names, shapes, kinds and bytes.

    Parameters
    ----------
    content : str or mapping of str to Tensor

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> a, b = torch.zeros(2), torch.ones(2)
    >>> digest_of({"a": a, "b": b}) == digest_of({"a": b, "b": a})
    False
    """
    if isinstance(content, str):
        return hashlib.sha256(content.encode()).hexdigest()
    digest = hashlib.sha256()
    for name in sorted(content):
        tensor = content[name]
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        if tensor.numel():
            flat = tensor.contiguous().reshape(-1)
            digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()
