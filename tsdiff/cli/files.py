"""Files of a command: none is overwritten by mistake, each is written whole."""

from __future__ import annotations

import gzip
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from tsdiff.atomic import writing
from tsdiff.cli.faults import UsageError

_PARQUET = {".parquet", ".pq"}
_UNREADABLE = {
    ".xlsx",
    ".xls",
    ".ods",
    ".zip",
    ".7z",
    ".feather",
    ".h5",
    ".sav",
    ".dta",
}
STDOUT = "-"


def is_parquet(path: str) -> bool:
    """Whether a file is Parquet, by its name; any other is CSV."""
    return Path(path).suffix.lower() in _PARQUET


def check_files(given: str, **written: str | None) -> None:
    """Refuse names of files that can't be meant.

    Parameters
    ----------
    given : str
        The input.
    **written : str or None
        Files to write, by the argument that names them.

    Raises
    ------
    FileNotFoundError
        If there is no input, or no folder to write into.
    UsageError
        If a file would replace the input or another output, or has a format that is
        not known.
    """
    for path in (given, *written.values()):
        if path and Path(path).suffix.lower() in _UNREADABLE:
            raise UsageError(
                f"{path}: only CSV and Parquet are known; export to these."
            )
    if not Path(given).is_file():
        raise FileNotFoundError(f"There is no file {given}.")
    seen = {os.path.realpath(given): "the input"}
    for name, path in written.items():
        if path is None or path == STDOUT:
            continue
        real = os.path.realpath(path)
        if real in seen:
            raise UsageError(
                f"--{name} {path} is {seen[real]}, which would be overwritten; give "
                "another name."
            )
        seen[real] = f"--{name} too"
        folder = Path(real).parent
        if not folder.is_dir():
            raise FileNotFoundError(f"--{name}: there is no folder {folder}. Make it.")


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """Open an output for bytes: stdout, or a file that is there whole or not at all."""
    if path == STDOUT:
        sys.stdout.flush()
        yield cast(Any, getattr(sys.stdout, "buffer", None) or _Encoded(sys.stdout))
        sys.stdout.flush()
        return
    with writing(Path(os.path.realpath(path))) as file:
        if path.lower().endswith(".gz"):
            with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
                yield cast(IO[bytes], packed)
        else:
            yield file


class _Encoded(io.RawIOBase):
    """Bytes into a stream of text, where stdout was replaced by one."""

    def __init__(self, text: Any) -> None:
        self.text = text

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.text.write(bytes(content).decode("utf-8"))
        return len(content)
