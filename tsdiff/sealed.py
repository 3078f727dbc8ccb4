"""Tensors with JSON metadata in one safetensors file, sealed by digests.

A SHA-256 covers the tensors, a second one the metadata themselves. All of it is checked
on reading; no code is ever run from a file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open

from tsdiff.plain import digest_of

_KEY = "tsdiff"
_OWN = "sha256_of_metadata"  # last of the metadata, over all that stand before it
_MOST_METADATA = 64 * 2**20  # characters

Tensors = dict[str, torch.Tensor]

# of a reader who builds what a file says, and finds that it does not fit together
FAULTS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


def seal(metadata: Mapping[str, Any], tensors: Tensors) -> bytes:
    """Write metadata and tensors as the bytes of a file.

    Parameters
    ----------
    metadata : mapping of str to object
        As JSON holds it; "format" is a whole number and "class" says what it is.
    tensors : dict of str to Tensor

    Returns
    -------
    bytes
    """
    stated = {**metadata, "sha256": digest_of(tensors)}
    stated[_OWN] = digest_of(json.dumps(stated))
    return safetensors.torch.save(tensors, metadata={_KEY: json.dumps(stated)})


def unseal(
    path: Path, kind: str, newest: int, noun: str = "model file"
) -> tuple[dict[str, Any], Tensors]:
    """Read metadata and tensors, and check that they are whole and of a kind.

    Parameters
    ----------
    path : Path
    kind : str
        The "class" that is needed.
    newest : int
        Newest format that is understood.
    noun : str, default "model file"
        For messages.

    Returns
    -------
    metadata : dict
    tensors : dict of str to Tensor

    Raises
    ------
    ValueError
        If the file is damaged, of another kind, or of a newer format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            kept, names = file.metadata() or {}, file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise ValueError(f"{path} is no {noun}, or damaged: {error}.") from error
    text = kept.get(_KEY, "")
    if not text or len(text) > _MOST_METADATA:
        raise ValueError(f"{path} is no {noun} of tsdiff: it lacks our metadata.")
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: its metadata are no JSON.") from error
    _check_kind(path, metadata, kind, newest, noun)
    stated = metadata.pop(_OWN, None), metadata.get("sha256")
    if stated != (digest_of(json.dumps(metadata)), digest_of(tensors)):
        raise ValueError(
            f"{path} is damaged: its SHA-256 is not the one stated. Use a copy."
        )
    return metadata, tensors


def _check_kind(path: Path, metadata: Any, kind: str, newest: int, noun: str) -> None:
    """Check what a reader has to know first: the format and the class."""
    stated = metadata.get("format") if isinstance(metadata, dict) else None
    if not isinstance(stated, int):
        raise ValueError(f"{path} is no {noun} of tsdiff: it states no format.")
    if stated > newest:
        raise ValueError(
            f"{path} has format {stated}, this version of tsdiff reads up to {newest}. "
            "Install a newer tsdiff."
        )
    if metadata.get("class") != kind:
        raise ValueError(
            f"{path} holds a {metadata.get('class')}, not a {kind}. Load it "
            "with the class it was saved from."
        )
