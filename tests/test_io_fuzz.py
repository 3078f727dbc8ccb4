"""Mutated files: each is refused with an error, or read to the same predictions.

Part of them in `make test`, all of them in `make fuzz`.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from test_io_formats import CLASSES, answer, whole_file

ALL = bool(os.environ.get("TSDIFF_FUZZ"))
N_MUTANTS = 2000 if ALL else 200
EVERY = 1 if ALL else 16  # byte of the header
MEMORY = 64 * 2**20  # more than ten times what reading the file takes


def mutants(whole: bytes, n: int) -> Iterator[bytes]:
    """Flipped bits, cuts, splices, and lengths that are far too large."""
    rng = np.random.default_rng(0)
    header = 8 + struct.unpack("<Q", whole[:8])[0]
    for number in range(n):
        a, b = sorted(int(place) for place in rng.integers(0, len(whole), 2))
        kind = number % 6
        if kind < 2:  # anywhere, or in the header
            damaged = bytearray(whole)
            for at in rng.integers(0, (len(whole), header)[kind], rng.integers(1, 5)):
                damaged[at] ^= 1 << int(rng.integers(8))
            yield bytes(damaged)
        elif kind == 2:
            yield whole[:b]
        elif kind == 3:  # a piece left out, twice, or elsewhere
            yield (whole[:a] + whole[b:], whole[:b] + whole[a:], whole[b:] + whole[:b])[
                int(rng.integers(3))
            ]
        elif kind == 4:
            yield int(rng.integers(2**63)).to_bytes(8, "little") + whole[8:]
        else:  # a number of the header made huge
            digits = [at for at in range(8, header) if whole[at : at + 1].isdigit()]
            at = int(rng.choice(digits))
            yield whole[:at] + b"9" * int(rng.integers(1, 19)) + whole[at + 1 :]


def memory() -> int:
    """Most bytes of memory that the process has held."""
    resource = pytest.importorskip("resource")
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def survives(name: str, damaged: bytes, path: Path, expected: np.ndarray) -> bool:
    """Whether the file was read; then its answers are the same ones.

    An error of any other kind, a crash and a hang end the test.
    """
    path.write_bytes(damaged)
    try:
        model = CLASSES[name].load(path)
    except ValueError as error:
        refusal = str(error)
    else:
        np.testing.assert_array_equal(answer(model), expected)
        return True
    assert str(path) in refusal
    return False


@pytest.mark.parametrize("name", CLASSES)
def test_mutants_are_refused_or_the_same(name: str, tmp_path: Path) -> None:
    whole, path = whole_file(name), tmp_path / "mutant"
    path.write_bytes(whole)
    expected = answer(CLASSES[name].load(path))
    assert survives(name, whole, path, expected)
    before = memory()
    read = sum(
        survives(name, mutant, path, expected) for mutant in mutants(whole, N_MUTANTS)
    )
    assert read < N_MUTANTS / 20  # cuts of nothing
    assert memory() - before < MEMORY


@pytest.mark.parametrize("name", CLASSES)
def test_each_byte_of_the_header_matters(name: str, tmp_path: Path) -> None:
    whole, path = whole_file(name), tmp_path / "mutant"
    path.write_bytes(whole)
    expected = answer(CLASSES[name].load(path))
    (length,) = struct.unpack("<Q", whole[:8])
    before = memory()
    for at in [*range(8), *range(8, 8 + length, EVERY)]:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        survives(name, bytes(damaged), path, expected)
    assert memory() - before < MEMORY
