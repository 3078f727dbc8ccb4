"""Tensors with JSON metadata in one safetensors file, sealed by digests.

A SHA-256 covers the tensors, a second one the metadata themselves. All of it is checked
on reading, what is said before what is there; no code is ever run from a file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from tsdiff.plain import digest_of

_KEY = "tsdiff"
_OWN = "sha256_of_metadata"  # last of the metadata, over all that stand before it
_MOST_METADATA = 64 * 2**20  # characters
_MOST_HEADER = 100_000_000  # bytes, as safetensors has it

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
    path: Path,
    kind: str,
    newest: int,
    check: Callable[[dict[str, Any]], Any] = dict,
    noun: str = "model file",
) -> tuple[Any, Tensors]:
    """Read metadata and tensors, and check that they are whole and of a kind.

    In this order: format and class, then what `check` finds in the metadata, then the
    size of the file, and only then are tensors read and compared with the digests.

    Parameters
    ----------
    path : Path
    kind : str
        The "class" that is needed.
    newest : int
        Newest format that is understood.
    check : callable, optional
        Takes the metadata before any tensor is read, and raises one of `FAULTS` if
        they say what can't be. By default they are taken as they are.
    noun : str, default "model file"
        For messages.

    Returns
    -------
    checked : object
        What `check` returned.
    tensors : dict of str to Tensor

    Raises
    ------
    ValueError
        If the file is damaged, of another kind, or of a newer format.
    """
    with path.open("rb") as file:  # one file, even if another takes its place meanwhile
        try:
            head = _head(file)
            header = json.loads(head[8:])
            kept = header.pop("__metadata__", {})
            text = kept.get(_KEY, "")
        except (*FAULTS, RecursionError) as error:
            raise ValueError(f"{path} is no {noun}, or damaged: {error}.") from error
        metadata = _metadata(path, text, noun)
        _check_kind(path, metadata, kind, newest, noun)
        sealed = metadata.pop(_OWN, None), metadata.get("sha256")
        try:
            checked = check(metadata)
            _check_size(header, os.stat(file.fileno()).st_size - len(head))
        except FAULTS as error:
            raise ValueError(
                f"{path} is damaged or forged: {error}. Use a copy."
            ) from error
        content = head + file.read()
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, *FAULTS) as error:
        raise ValueError(f"{path} is no {noun}, or damaged: {error}.") from error
    if sealed != (digest_of(json.dumps(metadata)), digest_of(tensors)):
        raise ValueError(
            f"{path} is damaged: its SHA-256 is not the one stated. Use a copy."
        )
    return checked, tensors


def _head(file: IO[bytes]) -> bytes:
    """Read a file as far as its tensors: the length of the header, and the header."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if not 2 <= length <= min(_MOST_HEADER, os.stat(file.fileno()).st_size - 8):
        raise ValueError("its header has no possible length")
    return start + file.read(length)


def _check_size(header: dict[str, Any], size: int) -> None:
    """Refuse a file whose tensors don't take what the header says, to the byte."""
    stated = max((entry["data_offsets"][1] for entry in header.values()), default=0)
    if stated != size:
        raise ValueError(f"its tensors take {stated} bytes, and it has {size} for them")


def _metadata(path: Path, text: Any, noun: str) -> Any:
    """Read our metadata, which are JSON."""
    if not isinstance(text, str) or not text or len(text) > _MOST_METADATA:
        raise ValueError(f"{path} is no {noun} of tsdiff: it lacks our metadata.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: its metadata are no JSON.") from error


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
