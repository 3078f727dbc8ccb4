"""Mutated files: each is refused with an error, or read to the same predictions.

Part of them in `make test`, all of them in `make fuzz`.
"""

from __future__ import annotations

import ctypes
import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from test_io_formats import CLASSES, answer, whole_file

ALL = bool(os.environ.get("TSDIFF_FUZZ"))
N_MUTANTS = 2000 if ALL else 200
EVERY = 1 if ALL else 16  # byte of the header
MEMORY = 8 * 2**20  # bytes that reading a file of 0.3 MB may take at any moment
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


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


def resident(name: str) -> int:
    """Bytes that the process holds (VmRSS), or has held at most (VmHWM)."""
    found = re.search(rf"{name}:\s*(\d+) kB", STATUS.read_text(encoding="ascii"))
    return 1024 * int(found[1]) if found else 0


def give_back() -> None:
    """Return memory that is free to the system, or it would be used again unseen."""
    with suppress(AttributeError):  # only glibc can
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def bounded() -> Iterator[None]:
    """Fail if the process holds more than MEMORY beyond now at any moment of this."""
    if not RESET.exists():  # only Linux tells
        yield
        return
    give_back()
    RESET.write_text("5")  # the most is that of now
    before = resident("VmRSS")
    yield
    assert resident("VmHWM") - before < MEMORY


def survives(name: str, damaged: bytes, path: Path, expected: np.ndarray) -> bool:
    """Whether the file was read; then its answers are the same ones.

    An error of any other kind, a crash, a hang and too much memory end the test.
    """
    path.write_bytes(damaged)
    model, refusal = None, ""
    with bounded():
        try:
            model = CLASSES[name].load(path)
        except ValueError as error:
            refusal = str(error)
    if model is None:
        assert str(path) in refusal
        return False
    np.testing.assert_array_equal(answer(model), expected)
    return True


@pytest.mark.parametrize("name", CLASSES)
def test_mutants_are_refused_or_the_same(name: str, tmp_path: Path) -> None:
    whole, path = whole_file(name), tmp_path / "mutant"
    path.write_bytes(whole)
    expected = answer(CLASSES[name].load(path))
    assert survives(name, whole, path, expected)
    read = sum(
        survives(name, mutant, path, expected) for mutant in mutants(whole, N_MUTANTS)
    )
    assert read < N_MUTANTS / 20  # cuts of nothing


@pytest.mark.parametrize("name", CLASSES)
def test_each_byte_of_the_header_matters(name: str, tmp_path: Path) -> None:
    whole, path = whole_file(name), tmp_path / "mutant"
    path.write_bytes(whole)
    expected = answer(CLASSES[name].load(path))
    (length,) = struct.unpack("<Q", whole[:8])
    for at in [*range(8), *range(8, 8 + length, EVERY)]:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        survives(name, bytes(damaged), path, expected)


@pytest.mark.skipif(not RESET.exists(), reason="only Linux tells the most memory")
def test_memory_that_is_held_for_a_moment_is_seen() -> None:
    held = [bytearray(2**16) for _ in range(MEMORY // 2**14)]
    del held[:-1]  # memory that was freed before hides nothing
    with pytest.raises(AssertionError), bounded():
        bytearray(b"1" * MEMORY)
    with bounded():
        bytearray(b"1" * (MEMORY // 4))
