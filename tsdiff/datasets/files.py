"""Where the data files are: small ones in the package, benchmarks in a folder of yours.

The small files lie in ``datasets/`` of the repository and in ``tsdiff/_data`` of an
installed package. Benchmark files are never shipped; `benchmark_file` finds them below
the folder named by the environment variable ``TSDIFF_DATA``.
"""

from __future__ import annotations

import csv
import hashlib
import lzma
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: Environment variable with the folder that holds the benchmark files.
DATA_VARIABLE = "TSDIFF_DATA"


@dataclass(frozen=True)
class Benchmark:
    """One line of ``datasets/benchmarks.csv``: a public file and where it comes from.

    Parameters
    ----------
    name : str
        What `benchmark_file` is asked for.
    path : str
        Place below the folder ``TSDIFF_DATA``; ``path + ".xz"`` is found too.
    sha256 : str
        SHA-256 of the file, unpacked if it is kept as ``.xz``.
    licence, source : str
        Terms of use, and where to get the file.
    """

    name: str
    path: str
    sha256: str
    licence: str
    source: str


def shipped_file(name: str) -> Path:
    """Return the path of a file that comes with tsdiff.

    Parameters
    ----------
    name : str
        File name, such as ``"co2.csv"``.

    Returns
    -------
    Path

    Raises
    ------
    FileNotFoundError
        If the installation is broken and the file is absent.

    Examples
    --------
    >>> shipped_file("co2.csv").name
    'co2.csv'
    """
    here = Path(__file__).resolve()
    installed = here.parents[1] / "_data" / name
    path = installed if installed.exists() else here.parents[2] / "datasets" / name
    if not path.exists():
        raise FileNotFoundError(
            f"{name} is not part of this installation of tsdiff; install it again"
        )
    return path


@cache
def benchmarks() -> dict[str, Benchmark]:
    """List the public benchmark files that tsdiff can read.

    Returns
    -------
    dict of str to Benchmark

    Examples
    --------
    >>> benchmarks()["etth1"].licence
    'CC BY-ND 4.0'
    """
    with shipped_file("benchmarks.csv").open(newline="", encoding="utf-8") as table:
        entries = [Benchmark(**row) for row in csv.DictReader(table)]
    return {entry.name: entry for entry in entries}


def benchmark_file(name: str) -> Path:
    """Find a benchmark file and check that it is the published one.

    Parameters
    ----------
    name : str
        A key of `benchmarks`.

    Returns
    -------
    Path
        The file, or its ``.xz`` (pandas reads both alike).

    Raises
    ------
    ValueError
        If `name` is unknown, or the file's SHA-256 is not the expected one.
    FileNotFoundError
        If ``TSDIFF_DATA`` is not set or the file is not there; the message says where
        the official source is and which SHA-256 to expect.

    Examples
    --------
    >>> benchmark_file("etth1")  # doctest: +SKIP
    PosixPath('/data/ett/ETTh1.csv.xz')
    """
    if name not in benchmarks():
        raise ValueError(
            f"no benchmark file is called {name!r}; there are {', '.join(benchmarks())}"
        )
    wanted = benchmarks()[name]
    how = (
        f"Get it from {wanted.source} (licence: {wanted.licence}); its SHA-256 is "
        f"{wanted.sha256}. Put it, plain or as .xz, at {wanted.path} in the folder "
        f"that the environment variable {DATA_VARIABLE} names"
    )
    folder = os.environ.get(DATA_VARIABLE)
    if not folder:
        raise FileNotFoundError(f"{DATA_VARIABLE} is not set. {how}.")
    plain = Path(folder) / wanted.path
    found = [p for p in (plain, plain.with_name(plain.name + ".xz")) if p.is_file()]
    if not found:
        raise FileNotFoundError(f"{plain} does not exist. {how}.")
    digest = file_sha256(found[0])
    if digest != wanted.sha256:
        raise ValueError(f"{found[0]} is another file: its SHA-256 is {digest}. {how}.")
    return found[0]


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, of its unpacked bytes if it ends in ``.xz``.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> file_sha256(shipped_file("co2.csv"))[:12]
    '16695fa2786e'
    """
    with lzma.open(path) if path.suffix == ".xz" else path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
