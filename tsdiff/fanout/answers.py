"""FanOut: the answers of a run, read as a whole or one shard after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from tsdiff.atomic import write_whole
from tsdiff.panel.arrow import arrow

MANIFEST, PARTS = "manifest.json", "parts"


class FanOut:
    """Answers of `tsdiff.fan_out`, in a folder of Parquet files.

    Parameters
    ----------
    folder : str or Path
        That of the run. Any reader of Parquet can have its ``parts``.

    Attributes
    ----------
    failed : dict of str to str
        What went wrong, by shard (with its first and last series) or by file.
    state : {"running", "done", "failed"}
        "running" too if the run was killed: call `fan_out` again, it goes on.

    Raises
    ------
    FileNotFoundError
        If no run has been there.

    Examples
    --------
    >>> FanOut("no_such_folder")
    Traceback (most recent call last):
    FileNotFoundError: no_such_folder holds no run of fan_out.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        file = self.folder / MANIFEST
        if not file.is_file():
            raise FileNotFoundError(f"{folder} holds no run of fan_out.")
        kept = json.loads(file.read_text(encoding="utf-8"))
        self.state: str = kept["state"]
        self.failed: dict[str, str] = kept["failed"]
        self._n_shards = len(kept["shards"])

    @property
    def paths(self) -> list[Path]:
        """Files of the answers, a shard each, in the order of the series."""
        return sorted((self.folder / PARTS).glob("part-*.parquet"))

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Yield the answer of one shard after the other."""
        for path in self.paths:
            yield arrow("parquet").read_table(path).to_pandas()

    def read(self) -> pd.DataFrame:
        """Read all answers into memory.

        Returns
        -------
        DataFrame
            What the question to the whole panel would have returned; of ``sample``
            the draws in long form (`Draws.to_frame`). Without what failed.

        Raises
        ------
        ValueError
            If nothing is there.
        """
        frames = list(self)
        if not frames:
            raise ValueError(f"{self.folder} holds no answer; it is {self.state}.")
        whole = isinstance(frames[0].index, pd.MultiIndex)
        return pd.concat(frames, ignore_index=not whole)

    def __repr__(self) -> str:
        return (
            f"FanOut({str(self.folder)!r}: {self.state}, {len(self.paths)} of "
            f"{self._n_shards} shards, {len(self.failed)} failed)"
        )


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Replace the manifest in one step."""
    write_whole(folder / MANIFEST, json.dumps(content, indent=1).encode())
