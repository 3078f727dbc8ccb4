"""Many series in one array on disk, of which a few are read at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsdiff.panel.pieces import Contents, Piece


@dataclass(frozen=True)
class ArrayPanel:
    """An ``.npy`` file of shape (n_series, n_times, n_channels), mapped into memory.

    Series have their numbers for names, as those of an array in memory have.

    Parameters
    ----------
    path : str or Path
    """

    path: str | Path

    @staticmethod
    def check(array: Any, what: str) -> None:
        """Refuse what is no array of numbers of three dimensions."""
        if array.ndim != 3 or not array.size or array.dtype.kind not in "biuf":
            raise ValueError(
                f"{what} has shape {array.shape} and dtype {array.dtype}; numbers of "
                "shape (n_series, n_times, n_channels) are needed."
            )

    def files(self) -> list[str]:
        """Its one file.

        Raises
        ------
        FileNotFoundError
            If it is not there.
        """
        if not Path(self.path).is_file():
            raise FileNotFoundError(f"There is no file {self.path}.")
        return [Path(self.path).name]

    def mark(self, file: str) -> str:
        """Digest of size, time of the last change and shape."""
        state, array = Path(self.path).stat(), self._open(file)
        said = f"{state.st_size} {state.st_mtime_ns} {array.shape} {array.dtype}"
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    def contents(self, file: str) -> Contents:
        """Numbers of the series."""
        n_series, n_times, _ = self._open(file).shape
        return Contents(list(range(n_series)), np.arange(n_series + 1) * n_times)

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
        """
        array = self._open(str(self.path))
        n_times = array.shape[1]
        numbers = [
            number
            for piece in pieces
            for number in range(piece.first // n_times, piece.stop // n_times)
        ]
        begin = max(n_times - last, 0) if last else 0
        index = pd.MultiIndex.from_product(
            [numbers, range(begin, n_times)], names=["unique_id", "ds"]
        )
        values = array[numbers[0] : numbers[-1] + 1, begin:].astype(np.float64)
        return pd.DataFrame(values.reshape(len(index), -1), index)

    def _open(self, file: str) -> Any:
        try:
            array = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise ValueError(f"{file} is no whole .npy file: {error}") from error
        self.check(array, file)
        return array
