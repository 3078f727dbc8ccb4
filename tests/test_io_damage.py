"""Files that are damaged, forged or of another kind: one clear error, no other harm."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from safetensors import safe_open
from small import frame, tiny

from tsdiff import DiffusionImputer

Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("io") / "model"
    tiny().fit(frame()).save(path)
    return path.read_bytes()


@pytest.fixture
def file(whole: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "model.tsdiff"
    path.write_bytes(whole)
    return path


def contents(path: Path) -> tuple[dict[str, Any], Weights]:
    with safe_open(path, framework="pt") as opened:
        metadata, names = opened.metadata(), opened.keys()
        weights = {name: opened.get_tensor(name) for name in names}
    return json.loads(metadata["tsdiff"]), weights


def forge(path: Path, metadata: Any, weights: Weights) -> None:
    """Write a file whose digests are right, whatever it says."""
    if isinstance(metadata, dict) and "sha256" in metadata:
        digest = hashlib.sha256()
        for name in sorted(weights):
            tensor = weights[name]
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
            digest.update(tensor.contiguous().numpy().tobytes())
        metadata["sha256"] = digest.hexdigest()
        del metadata["sha256_of_metadata"]
        own = hashlib.sha256(json.dumps(metadata).encode()).hexdigest()
        metadata["sha256_of_metadata"] = own
    text = metadata if isinstance(metadata, str) else json.dumps(metadata)
    path.write_bytes(safetensors.torch.save(weights, metadata={"tsdiff": text}))


def refused(path: Path, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        DiffusionImputer.load(path)
    assert str(path) in str(caught.value)


def test_a_forged_file_with_right_digests_loads(file: Path) -> None:
    forge(file, *contents(file))  # so the refusals below are for what they change
    DiffusionImputer.load(file)


def test_a_flipped_bit_anywhere_is_noticed(file: Path) -> None:
    whole = file.read_bytes()
    places = np.random.default_rng(0).integers(8, len(whole), 60)
    for place in [*places, 9, len(whole) - 1]:
        damaged = bytearray(whole)
        damaged[place] ^= 4
        file.write_bytes(bytes(damaged))
        refused(file, "damaged|is no model file|format|holds a")


def test_weights_of_another_model(file: Path) -> None:
    metadata, weights = contents(file)
    first, second = [name for name, v in weights.items() if v.shape == (8, 8)][:2]
    weights[first], weights[second] = weights[second], weights[first]
    text = json.dumps(metadata)
    file.write_bytes(safetensors.torch.save(weights, metadata={"tsdiff": text}))
    refused(file, "SHA-256 is not the one stated")


def test_weights_in_a_file_of_another_program(file: Path) -> None:
    _, weights = contents(file)
    file.write_bytes(safetensors.torch.save(weights))
    refused(file, "is no model file of tsdiff: it lacks our metadata")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "its metadata are no JSON"),
        ("[" * 100_000, "its metadata are no JSON"),
        ("[]", "states no format"),
        ('{"format": "1"}', "states no format"),
        ('{"format": 1}', "holds a None, not a DiffusionImputer"),
    ],
)
def test_metadata_that_say_nothing(text: str, message: str, file: Path) -> None:
    forge(file, text, contents(file)[1])
    refused(file, message)


def change(*path: str | int, to: Any) -> Callable[[dict, Weights], None]:
    def forgery(metadata: dict, _: Weights) -> None:
        place: Any = metadata
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return forgery


def drop(key: str) -> Callable[[dict, Weights], None]:
    return lambda metadata, _: metadata.pop(key)


def tensor(change: Callable[[torch.Tensor], Any]) -> Callable[[dict, Weights], None]:
    def forgery(_: dict, weights: Weights) -> None:
        name = sorted(weights)[0]
        changed = change(weights.pop(name))
        if changed is not None:
            weights[name] = changed

    return forgery


@pytest.mark.parametrize(
    "forgery",
    [
        *map(drop, ["parameters", "schema", "network", "scaler", "history", "n_iter"]),
        change("parameters", "width", to="wide"),
        change("parameters", "os.system", to="ls"),
        change("parameters", to=[1]),
        change("schema", "channels", to=["a"]),
        change("schema", "channels", to=None),
        change("schema", "calendar_names", to=[]),
        change("schema", "more", to=1),
        change("network", "width", to=-1),
        change("network", "width", to=2**40),
        change("network", "width", to="8"),
        change("network", "width", to=8.5),
        change("network", "heads", to=0),
        change("network", "patch_length", to=0),
        change("network", "depth", to=2**20),
        change("network", "n_channels", to=3),
        change("scaler", "scale", to=[1.0]),
        change("scaler", "scale", to=[1.0, 0.0]),
        change("scaler", "center", to=[1.0, float("nan")]),
        change("scaler", "supports", to=[]),
        change("scaler", "supports", 0, "more", to=1),
        change("history", to=3),
        change("n_iter", to="many"),
        change("n_iter", to=True),
        change("interrupted", to=0),
        change("schema", "channels", to="ab"),
        tensor(lambda _: None),
        tensor(lambda values: values * torch.nan),
        tensor(lambda values: values.double()),
        tensor(lambda _: torch.zeros(3, 3)),
        lambda _, weights: weights.update(more=torch.zeros(1)),
    ],
)
def test_forged_contents_are_refused_before_they_are_used(
    forgery: Callable[[dict, Weights], None], file: Path
) -> None:
    metadata, weights = contents(file)
    forgery(metadata, weights)
    forge(file, metadata, weights)
    refused(file, "is damaged or forged: .* Use a copy")


CHECKS = [
    "holds a OsSystem, not a DiffusionImputer",
    "no network has the sizes",
    r"its tensors take \d+ bytes, and it has \d+ for them",
    "SHA-256 is not the one stated",
    "the weights are not those of a network of its sizes",
    "are not finite",
]


@pytest.mark.parametrize("first", range(len(CHECKS)))
def test_what_is_said_is_checked_before_what_is_there(first: int, file: Path) -> None:
    """A file that fails one check and all that follow is refused for the first."""
    metadata, weights = contents(file)
    if first <= 0:
        metadata["class"] = "OsSystem"
    if first <= 1:
        metadata["network"]["width"] = -8
    if first <= 4:
        weights["more"] = torch.zeros(1)
    name = sorted(weights)[0]
    weights[name] = weights[name] * torch.nan
    forge(file, metadata, weights)
    damaged = bytearray(file.read_bytes())
    if first <= 3:
        damaged[-1] ^= 4
    if first <= 2:
        del damaged[-1]
    file.write_bytes(damaged)
    refused(file, CHECKS[first])


@pytest.mark.parametrize("part", ["header", "tensors"])
def test_a_file_far_too_large_is_refused_unread(part: str, file: Path) -> None:
    message = "its tensors take"
    with file.open("r+b") as opened:
        if part == "header":
            opened.write((10**9).to_bytes(8, "little"))
            message = "its header has no possible length"
        opened.truncate(4 * 10**9)  # of which the disk holds next to nothing
    tracemalloc.start()
    refused(file, message)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**20
