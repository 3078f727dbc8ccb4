"""Panels on disk: read a few series at a time, however many there are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.panel.arrow import arrow, last_rows, opened, plain_frame, runs
from tsdiff.panel.long import from_long
from tsdiff.panel.pieces import Contents, Piece, claim, drawn
from tsdiff.validation import listing

Ints = NDArray[np.int64]

_ROWS_AT_ONCE = 2**20  # of ids, while a file is looked through


@dataclass(frozen=True)
class ParquetPanel:
    """Many series in a Parquet file or a folder of them, in long form.

    A row holds one series at one time. The rows of a series lie together in one file,
    in time order; files are taken in the order of their names.

    Parameters
    ----------
    path : str or Path
        A file, or a folder in which all that ends in ``.parquet`` or ``.pq`` is meant.
    id_col : str, default "unique_id"
        Column that names the series.
    time_col : str, default "ds"
        Column that holds the time.
    channels : sequence of str, optional
        The columns to read; by default all others.

    See Also
    --------
    tsdiff.fan_out : Answer for all of its series.

    Examples
    --------
    >>> ParquetPanel("meters", id_col="meter").time_col
    'ds'
    """

    path: str | Path
    id_col: str = "unique_id"
    time_col: str = "ds"
    channels: Sequence[str] | None = None

    def absolute(self) -> ParquetPanel:
        """Give the same by a path that holds from anywhere."""
        return replace(self, path=str(Path(self.path).absolute()))

    def files(self) -> list[str]:
        """Files of the panel, by their place in the folder.

        Raises
        ------
        FileNotFoundError
            If there is none.
        """
        path = Path(self.path)
        if path.is_file():
            return [path.name]
        found = [p for p in path.rglob("*") if p.suffix.lower() in (".parquet", ".pq")]
        names = sorted(p.relative_to(path).as_posix() for p in found if p.is_file())
        if not names:
            raise FileNotFoundError(
                f"There is no Parquet file at {path}. Give a file, or a folder of "
                "files that end in .parquet."
            )
        return names

    def mark(self, file: str) -> str:
        """Digest of a file's size and of its footer: places and ranges of all chunks.

        Raises
        ------
        OSError, ValueError
            If it is no whole Parquet file.
        """
        path = self._whole(file)
        size = path.stat().st_size
        with path.open("rb") as stream:
            stream.seek(max(size - 8, 0))
            end = stream.read(8)
            if end[4:] != b"PAR1":
                raise ValueError(f"{path} is no Parquet file, or was cut short.")
            stream.seek(max(size - 8 - int.from_bytes(end[:4], "little"), 0))
            return hashlib.sha256(str(size).encode() + stream.read()).hexdigest()[:32]

    def contents(self, file: str) -> Contents:
        """Look through the ids of a file.

        Raises
        ------
        OSError, ValueError
            If it can't be read, has other columns than the first file, or the rows of
            a series lie apart.
        """
        ids: list[Any] = []
        first: list[int] = []
        n_rows = 0
        with opened(self._whole(file)) as held:
            self._check_schema(file, held.schema_arrow)
            columns = [self.id_col]
            for batch in held.iter_batches(_ROWS_AT_ONCE, columns=columns):
                names, starts = runs(batch.column(0), file, n_rows)
                again = bool(ids) and names[0] == ids[-1]
                ids += names[again:]
                first += (starts + n_rows).tolist()[again:]
                n_rows += len(batch)
        twice = pd.Index(ids, dtype=object).duplicated()
        if twice.any():
            at = int(np.flatnonzero(twice)[0])
            raise ValueError(
                f"{file}: the rows of series {ids[at]!r} lie apart, at rows "
                f"{first[ids.index(ids[at])]} and {first[at]}. Sort the file by "
                f"{self.id_col!r} and time."
            )
        return Contents(ids, np.array([*first, n_rows]))

    def read(self, pieces: Iterable[Piece], last: int | None = None) -> pd.DataFrame:
        """Read some series as a frame indexed by (`id_col`, `time_col`).

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
            If they can't be read, naming the file.
        """
        columns = [self.id_col, self.time_col, *self.columns()]
        of_file: dict[str, list[Piece]] = {}
        for piece in pieces:
            of_file.setdefault(piece.file, []).append(piece)
        tables = [self._rows(some, columns, last) for some in of_file.values()]
        table = arrow().concat_tables(tables)
        return from_long(plain_frame(table), self.id_col, self.time_col)

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
            Indexed by series and time, in the order of the files.

        Raises
        ------
        OSError, ValueError
            If a file can't be read, or an id is in two of them.
        """
        return self.read(drawn(self.pieces(), n_rows, random_state)[0])

    def pieces(self) -> list[Piece]:
        """Find all series, in the order of the files; each is a piece.

        Raises
        ------
        OSError, ValueError
            If a file can't be read, or an id is in two of them.
        """
        pieces: list[Piece] = []
        owner: dict[Any, str] = {}
        for file in self.files():
            self.mark(file)  # or it says what is wrong with it
            held = self.contents(file)
            claim(owner, file, held)
            pieces += [Piece(file, *span) for span in pairwise(held.first.tolist())]
        return pieces

    def _whole(self, file: str) -> Path:
        path = Path(self.path)
        return path if path.is_file() else path / file

    def columns(self) -> list[str]:
        """Names of the channels: those asked for, or all that the first file has."""
        if self.channels is not None:
            return list(self.channels)
        names = arrow("parquet").read_schema(self._whole(self.files()[0])).names
        return [name for name in names if name not in (self.id_col, self.time_col)]

    def _check_schema(self, file: str, schema: Any) -> None:
        needed = [self.id_col, self.time_col, *(self.channels or ())]
        absent = [name for name in needed if name not in schema.names]
        if absent:
            raise ValueError(
                f"{file}: column(s) {listing(map(repr, absent))} are not there; it has "
                f"{listing(map(repr, schema.names))}. Name them by id_col=, time_col= "
                "and channels= of ParquetPanel."
            )
        first = self.files()[0]
        if file == first:
            return
        usual = arrow("parquet").read_schema(self._whole(first))
        names = needed if self.channels is not None else usual.names
        kinds = {name: str(usual.field(name).type) for name in names}
        own = {name: str(schema.field(name).type) for name in schema.names}
        if self.channels is not None:
            own = {name: own[name] for name in names}
        if own != kinds:
            odd = dict(set(own.items()) ^ set(kinds.items()))
            raise ValueError(
                f"{file} has other columns than {first}: {listing(map(repr, odd))} "
                f"({own} against {kinds}). Write all files with one schema."
            )

    def _rows(
        self, pieces: Sequence[Piece], columns: list[str], last: int | None
    ) -> Any:
        """Read rows of one file, a group of them at a time; what is left out is freed.

        Without a copy each slice would hold the whole group that it was cut from.
        """
        wanted = np.array([(piece.first, piece.stop) for piece in pieces])
        tables, edge = [], 0
        with opened(self._whole(pieces[0].file)) as held:
            for group in range(held.num_row_groups):
                n_rows = held.metadata.row_group(group).num_rows
                inside = np.clip(wanted - edge, 0, n_rows)
                edge += n_rows
                if (inside[:, 0] < inside[:, 1]).any():
                    table = held.read_row_group(group, columns=columns)
                    tables.append(table.filter(arrow().array(_mask(inside, n_rows))))
        if wanted.max() > edge:
            raise ValueError(
                f"{pieces[0].file} has {edge} rows, and {wanted.max()} were there."
            )
        table = arrow().concat_tables(tables)
        return table if last is None else last_rows(table, self.id_col, last)


def _mask(spans: Ints, n_rows: int) -> NDArray[np.bool_]:
    """Mark the rows of spans that don't overlap."""
    change = np.zeros(n_rows + 1, dtype=np.int8)
    np.add.at(change, spans[:, 0], 1)
    np.add.at(change, spans[:, 1], -1)
    return np.cumsum(change[:-1], dtype=np.int8) > 0
