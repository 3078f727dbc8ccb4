"""Shards: a few thousand series each, told by the rows of files that hold them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from tsdiff.backtesting.models import digest
from tsdiff.fanout.beside import Places, places, rows_of
from tsdiff.panel.groups import group_edges
from tsdiff.panel.pieces import Contents, Piece, claim


@dataclass(frozen=True)
class Shard:
    """Series that are answered together.

    Attributes
    ----------
    pieces : tuple of Piece
    n_series : int
    ids : tuple of str
        The first and the last one, as they are shown.
    beside : mapping of str to tuple of Piece
        Rows of covariates or static features, by argument.
    """

    pieces: tuple[Piece, ...]
    n_series: int
    ids: tuple[str, str]
    beside: Mapping[str, tuple[Piece, ...]] = field(default_factory=dict)

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Shard:
        """Read what a manifest holds."""
        ids = kept["ids"][0], kept["ids"][1]
        rows = {name: _pieces(own) for name, own in kept.get("beside", {}).items()}
        return cls(_pieces(kept["pieces"]), kept["n_series"], ids, rows)

    def to_json(self) -> dict[str, Any]:
        """Give what a manifest holds."""
        beside = {name: _plain(rows) for name, rows in self.beside.items()}
        own = {"n_series": self.n_series, "ids": list(self.ids)}
        return own | {"pieces": _plain(self.pieces), "beside": beside}

    def key(self, marks: Mapping[str, str]) -> str:
        """Digest of the rows it stands for."""
        return digest(self.to_json(), [marks[piece.file] for piece in self.pieces])


def _plain(pieces: Iterable[Piece]) -> list[list[Any]]:
    return [[piece.file, piece.first, piece.stop] for piece in pieces]


def _pieces(plain: Iterable[list[Any]]) -> tuple[Piece, ...]:
    return tuple(Piece(*piece) for piece in plain)


@dataclass
class Plan:
    """All shards of a panel, in the order of its files.

    Attributes
    ----------
    marks : dict of str to str
        Of each file that could be read.
    shards : list of Shard
    broken : dict of str to str
        What is wrong with the other files.
    """

    marks: dict[str, str] = field(default_factory=dict)
    shards: list[Shard] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)

    def look_through(
        self, panel: Any, shard_size: int, beside: Mapping[str, Any] | None = None
    ) -> None:
        """Add the series of all files that are not in the plan yet.

        Parameters
        ----------
        panel : ParquetPanel or ArrayPanel
        shard_size : int
            Series in a shard; fewer, where they are long.
        beside : mapping of str to panel, optional
            Of the same series.

        Raises
        ------
        OSError, ValueError
            If a file of the plan is gone, or another one by now; if what goes beside
            can't be read, or lacks a series.
        """
        files = panel.files()
        found = {file: self._try(panel.mark, file) for file in files}
        marks = {file: mark for file, mark in found.items() if mark is not None}
        other = [file for file in self.marks if self.marks[file] != marks.get(file)]
        if other:
            raise ValueError(
                f"{', '.join(other[:3])} has changed since the run began, or is gone. "
                "Bring it back, or give another folder for the answers."
            )
        new = [file for file in files if file in marks and file not in self.marks]
        if not new:
            return
        owner: dict[Any, str] = {}
        fresh = {}
        for file in [*self.marks, *new]:
            contents = self._try(panel.contents, file)
            if contents is not None and self._claim(owner, file, contents):
                fresh[file] = contents
        fresh = {file: contents for file, contents in fresh.items() if file in new}
        self.marks |= {file: marks[file] for file in fresh}
        self.shards += _cut(fresh, shard_size, places(beside or {}))

    def _try(self, work: Callable[[str], Any], file: str) -> Any:
        """Do something with a file, and note what is wrong with it."""
        try:
            return work(file)
        except (OSError, ValueError, KeyError) as error:
            self.broken[file] = str(error)
            return None

    def _claim(self, owner: dict[Any, str], file: str, contents: Contents) -> bool:
        """Note whose the ids are, unless one is taken."""
        try:
            claim(owner, file, contents)
        except ValueError as error:
            self.broken[file] = str(error)
            return False
        return True


def _cut(
    contents: Mapping[str, Contents], shard_size: int, where: Places
) -> Iterator[Shard]:
    """Cut the series of files into shards, which may go on in the next file."""
    if not contents:
        return
    files, held = list(contents), list(contents.values())
    names = [name for one in held for name in one.ids]
    length = np.concatenate([np.diff(one.first) for one in held])
    start = np.append(0, np.cumsum([len(one.ids) for one in held]))
    for first, stop in pairwise(group_edges(length, shard_size)):
        own = range(
            int(np.searchsorted(start, first, side="right")) - 1,
            int(np.searchsorted(start, stop)),
        )
        rows = [np.clip([first, stop] - start[k], 0, len(held[k].ids)) for k in own]
        pieces = tuple(
            Piece(files[k], *map(int, held[k].first[span]))
            for k, span in zip(own, rows, strict=True)
            if span[0] < span[1]
        )
        ends = repr(names[first]), repr(names[stop - 1])
        yield Shard(pieces, stop - first, ends, rows_of(names[first:stop], where))
