"""What goes beside the series: covariates and static features, which shards carry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from tsdiff.panel.pieces import Piece

Places = Mapping[str, Mapping[Any, Piece]]


def places(panels: Mapping[str, Any]) -> Places:
    """Find the rows of each series, in what goes beside.

    Raises
    ------
    OSError, ValueError
        If a file can't be read.
    """
    found: dict[str, dict[Any, Piece]] = {}
    for name, panel in panels.items():
        found[name] = {}
        for file in panel.files():
            held = panel.contents(file)
            spans = zip(held.first[:-1].tolist(), held.first[1:].tolist(), strict=True)
            pieces = (Piece(file, *span) for span in spans)
            found[name].update(zip(held.ids, pieces, strict=True))
    return found


def rows_of(names: Iterable[Any], where: Places) -> dict[str, tuple[Piece, ...]]:
    """Find the rows of some series, those that touch as one piece.

    Raises
    ------
    ValueError
        If a series has none, naming it.
    """
    answer = {}
    for argument, own in where.items():
        joined: list[Piece] = []
        for name in names:
            if name not in own:
                raise ValueError(
                    f"{argument} has no rows of series {name!r}. Add them, or leave "
                    "the series out."
                )
            piece, last = own[name], joined[-1] if joined else None
            if last and (last.file, last.stop) == (piece.file, piece.first):
                joined[-1] = Piece(last.file, last.first, piece.stop)
            else:
                joined.append(piece)
        answer[argument] = tuple(joined)
    return answer


def read(
    panels: Mapping[str, Any], rows: Mapping[str, tuple[Piece, ...]]
) -> dict[str, pd.DataFrame]:
    """Read what goes beside the series of a shard."""
    found = {name: panels[name].read(pieces) for name, pieces in rows.items()}
    if "static" in found:
        found["static"] = found["static"].droplevel(1)
    return found
