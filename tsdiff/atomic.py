"""Files written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step, or leave it as it was.

    Parameters
    ----------
    path : Path
        Its folder has to be there.
    content : bytes

    Raises
    ------
    OSError
        If the file can't be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.txt"
    ...     write_whole(file, b"all of it")
    ...     file.read_text(), len(list(file.parent.iterdir()))
    ('all of it', 1)
    """
    with writing(path) as file:
        file.write(content)


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its name once all of it is written.

    Parameters
    ----------
    path : Path
        Its folder has to be there.

    Yields
    ------
    file : binary file
        If anything is raised meanwhile, it is removed and `path` stays as it was.

    Raises
    ------
    OSError
        If the file can't be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with writing(Path(folder) / "a.txt") as file:
    ...         _ = file.write(b"half of it")
    ...         names = [path.suffix for path in Path(folder).iterdir()]
    ...     names, [path.name for path in Path(folder).iterdir()]
    (['.part'], ['a.txt'])
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def remove_parts(path: Path) -> None:
    """Remove what writes of a file have left that were killed half-way.

    Parameters
    ----------
    path : Path
        The file; nobody else may be writing it.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     (Path(folder) / ".a.txt.0123abcd.part").touch()
    ...     remove_parts(Path(folder) / "a.txt")
    ...     len(list(Path(folder).iterdir()))
    0
    """
    if not path.parent.is_dir():
        return
    for other in path.parent.iterdir():
        if other.name.startswith(f".{path.name}.") and other.suffix == ".part":
            other.unlink(missing_ok=True)
