"""What a backtest keeps in a folder, so that it can go on after it was killed.

A JSON file says what the run is; each finished job is one file of arrays, written whole
or not at all. Nothing is a pickle.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.atomic import write_whole
from tsdiff.validation import listing

_RUN = "run.json"
_NOTES = "notes"
_MOST_NAMED = 3

Floats = NDArray[np.float64]


@dataclass
class Outcome:
    """What a job leaves.

    Attributes
    ----------
    quantiles : dict of int to ndarray of shape (M, K)
        Of the scored cells of each fold that was answered.
    errors : dict of int to str
        Of the other folds.
    notes : list of str
        What the model warned of.
    """

    quantiles: dict[int, Floats] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Folder:
    """Finished jobs of one run.

    Attributes
    ----------
    path : Path
    """

    path: Path

    @classmethod
    def open(cls, path: str | Path, run: Mapping[str, Any]) -> Folder:
        """Open the folder of a run, making it if it is not there.

        Parameters
        ----------
        path : str or Path
        run : mapping
            All that the numbers hang on, in a form that JSON holds.

        Returns
        -------
        Folder

        Raises
        ------
        ValueError
            If it holds another run, saying what differs, or other files.
        """
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / _RUN
        if file.exists():
            check_same(file, json.loads(json.dumps(run)))
        elif any(folder.iterdir()):
            raise ValueError(
                f"folder={str(folder)!r} holds other files and no {_RUN}. Give an "
                "empty one, or one that does not exist yet."
            )
        else:
            write_whole(file, json.dumps(run, indent=1).encode())
        return cls(folder)

    def read(self, keys: Sequence[str]) -> dict[str, Outcome]:
        """Read the outcomes of the jobs that are done."""
        files = {key: self._file(key) for key in keys}
        return {name: _load(file) for name, file in files.items() if file.exists()}

    def write(self, key: str, outcome: Outcome) -> None:
        """Keep what a job that did not fail leaves, whole or not at all."""
        arrays: dict[str, Any] = {
            str(fold): numbers for fold, numbers in outcome.quantiles.items()
        }
        arrays[_NOTES] = np.array(json.dumps(outcome.notes))
        content = io.BytesIO()
        np.savez(content, **arrays)  # numbers and text: nothing of them is pickled
        write_whole(self._file(key), content.getvalue())

    def _file(self, key: str) -> Path:
        return self.path / f"{key}.npz"


def _load(file: Path) -> Outcome:
    content = io.BytesIO(file.read_bytes())
    try:
        with np.load(content, allow_pickle=False) as arrays:
            notes = json.loads(str(arrays[_NOTES]))
            names = [name for name in arrays.files if name != _NOTES]
            return Outcome({int(name): arrays[name] for name in names}, {}, notes)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{file} is damaged ({error}). Delete it, and its job is done again."
        ) from error


def check_same(file: Path, run: Mapping[str, Any]) -> None:
    """Refuse to go on from another run, naming what differs.

    Parameters
    ----------
    file : Path
        JSON that says what the earlier run was.
    run : mapping
        As JSON would hold it.

    Raises
    ------
    ValueError
        If they differ, or the file can't be read.
    """
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is damaged: {error}. Give another folder.") from error
    changes = list(_changes("", before, run))
    if changes:
        raise ValueError(
            f"{file.parent} holds another run: {listing(changes, _MOST_NAMED)}. Give "
            "another folder, or ask for the same."
        )


def _changes(where: str, before: Any, now: Any) -> Any:
    """Yield what differs between two trees of JSON, in words."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*before, *now]):
            path = f"{where}.{key}" if where else str(key)
            yield from _changes(path, before.get(key), now.get(key))
    elif before != now:
        yield f"{where} was {before!r:.40}, is {now!r:.40}"
