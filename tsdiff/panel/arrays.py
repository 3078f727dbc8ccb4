"""Many series in one array on disk, of which a few are read at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsdiff.panel.pieces import Contents, Piece, drawn


@dataclass(frozen=True)
class ArrayPanel:
    """Many series of one length in an ``.npy`` file, mapped into memory.

    Parameters
    ----------
    path : str or Path
        File of numbers of shape (n_series, n_times, n_channels), as `numpy.save` writes
        it; NaN is missing.
    ids : str or Path, optional
        File of the names of the series, shape (n_series,); by default their numbers.
    stamps : str or Path, optional
        File of the time of each row, shape (n_times,), that all series share; by
        default 0, 1, 2, ...
    channels : sequence of str, optional
        Names of the channels; by default numbers.

    See Also
    --------
    ParquetPanel : Series of any length, in long form.
    tsdiff.fan_out : Answer for all of its series.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/kwh.npy", np.zeros((9, 20, 1)))
    ...     ArrayPanel(f"{folder}/kwh.npy").sample(40).shape
    (40, 1)
    """

    path: str | Path
    ids: str | Path | None = None
    stamps: str | Path | None = None
    channels: Sequence[str] | None = None

    @staticmethod
    def check(array: Any, what: str) -> None:
        """Refuse what is no array of numbers of three dimensions."""
        if array.ndim != 3 or not array.size or array.dtype.kind not in "biuf":
            raise ValueError(
                f"{what} has shape {array.shape} and dtype {array.dtype}; numbers of "
                "shape (n_series, n_times, n_channels) are needed."
            )

    def absolute(self) -> ArrayPanel:
        """Give the same by paths that hold from anywhere."""
        paths = {name: getattr(self, name) for name in ("path", "ids", "stamps")}
        found = {name: str(Path(p).absolute()) for name, p in paths.items() if p}
        return replace(self, **found)

    def files(self) -> list[str]:
        """Its one file of values.

        Raises
        ------
        FileNotFoundError
            If one of its files is not there.
        """
        for path in self._paths():
            if not path.is_file():
                raise FileNotFoundError(f"There is no file {path}.")
        return [Path(self.path).name]

    def mark(self, file: str) -> str:
        """Digest of sizes, times of the last change and shape.

        Raises
        ------
        OSError, ValueError
            If a file can't be read, or they don't fit each other.
        """
        array = self._values(file)
        states = [path.stat() for path in self._paths()]
        sizes = " ".join(f"{state.st_size} {state.st_mtime_ns}" for state in states)
        said = f"{sizes} {array.shape} {array.dtype}"
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    def columns(self) -> list[Any]:
        """Names of the channels."""
        n_channels = self._values(str(self.path)).shape[2]
        return list(range(n_channels) if self.channels is None else self.channels)

    def contents(self, file: str) -> Contents:
        """Names of the series.

        Raises
        ------
        OSError, ValueError
            If they can't be read, or one is there twice.
        """
        n_series, n_times, _ = self._values(file).shape
        ids = self._labels(self.ids, n_series, "names of series")
        twice = ids.duplicated()
        if twice.any():
            raise ValueError(
                f"{self.ids}: series {ids[twice].tolist()[0]!r} is there twice. "
                "Give each a name of its own."
            )
        return Contents(ids.tolist(), np.arange(n_series + 1) * n_times)

    def pieces(self) -> list[Piece]:
        """Find all series, in their order; each is a piece.

        Raises
        ------
        OSError, ValueError
            As `contents`.
        """
        (file,) = self.files()
        first = self.contents(file).first.tolist()
        return [Piece(file, *span) for span in pairwise(first)]

    def read(self, pieces: Iterable[Piece], last: int | None = None) -> pd.DataFrame:
        """Read some series as a frame indexed by (unique_id, ds).

        Parameters
        ----------
        pieces : iterable of Piece
        last : int, optional
            Rows of each series to read, the last ones; all by default.

        Returns
        -------
        DataFrame

        Raises
        ------
        OSError, ValueError
            If they can't be read.
        """
        array = self._values(str(self.path))
        n_series, n_times, _ = array.shape
        spans = [(piece.first // n_times, piece.stop // n_times) for piece in pieces]
        numbers = np.concatenate([np.arange(*span) for span in spans])
        begin = max(n_times - last, 0) if last else 0
        ids = self._labels(self.ids, n_series, "names of series")[numbers]
        stamps = self._labels(self.stamps, n_times, "times")[begin:]
        names = ["unique_id", "ds"]
        index = pd.MultiIndex.from_product([ids, stamps], names=names)
        parts = [array[slice(*span), begin:].astype(np.float64) for span in spans]
        values = np.concatenate(parts).reshape(len(index), -1)
        return pd.DataFrame(values, index, self.columns())

    def sample(self, n_rows: int, random_state: Any = 0) -> pd.DataFrame:
        """Read whole series, drawn at random, of about so many rows: to fit on.

        Parameters
        ----------
        n_rows : int
            Rows to have in memory at most; one series at least is read.
        random_state : int or numpy Generator, default 0

        Returns
        -------
        DataFrame
            Indexed by series and time.

        Raises
        ------
        OSError, ValueError
            As `read`.
        """
        return self.read(drawn(self.pieces(), n_rows, random_state)[0])

    def _paths(self) -> list[Path]:
        return [Path(p) for p in (self.path, self.ids, self.stamps) if p is not None]

    def _values(self, file: str) -> Any:
        array = _mapped(self.path)
        self.check(array, file)
        if self.channels is not None and len(self.channels) != array.shape[2]:
            raise ValueError(
                f"{file} has {array.shape[2]} channel(s), and channels= names "
                f"{len(self.channels)}. Name each."
            )
        return array

    def _labels(self, path: str | Path | None, n: int, what: str) -> pd.Index:
        """Read names of series or times; by default numbers."""
        if path is None:
            return pd.RangeIndex(n)
        array = _mapped(path)
        if array.shape != (n,):
            raise ValueError(
                f"{path} has shape {array.shape}; {n} {what} are needed, as "
                f"{self.path} has them."
            )
        return pd.Index(np.array(array))


def _mapped(path: str | Path) -> Any:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path} is no whole .npy file: {error}") from error
