"""FanOut: the answers of a run, read as a whole or one shard after the other."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsdiff.atomic import write_whole
from tsdiff.backtesting import BacktestResult
from tsdiff.calibrating.merging import learn
from tsdiff.fanout.given import keep_model
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
        self._n_series = [shard["n_series"] for shard in kept["shards"]]

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
            the draws in long form (`Draws.to_frame`), of ``calibrate`` the scores to
            learn from (see `calibrated`). Without what failed.

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

    def calibrated(self, model: Any) -> Any:
        """Calibrate a model by the scores of ``fan_out(model, "calibrate", ...)``.

        Parameters
        ----------
        model : fitted estimator, str or Path
            The one that was asked.

        Returns
        -------
        estimator
            A copy that shares all that was learned and answers by the calibration that
            ``model.calibrate`` of the whole panel would have learned; `model` stays as
            it is. (Which cells are hidden, and the scores of tied values, are drawn for
            2000 series at a time: by another `shard_size` they are other draws.)

        Raises
        ------
        FileNotFoundError, TypeError
            If it is no model.
        ValueError
            If another question or another model was asked, some shards have not been
            answered, or there was nothing to calibrate on.
        """
        run = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        kept = keep_model(model, self.folder)
        if (run["method"], run["model"]) != ("calibrate", kept.digest):
            what = (
                "the model is another one"
                if run["method"] == "calibrate"
                else (f"the question was {run['method']!r}")
            )
            raise ValueError(
                f"{self.folder} holds no scores of this model: {what}. Ask fan_out("
                'model, "calibrate", ...).'
            )
        if self.state != "done" or len(self.paths) < len(self._n_series):
            raise ValueError(
                f"{self!r} is not whole. Call fan_out again: it does what is missing."
            )
        view = copy.copy(kept.estimator)
        groups = zip(self, self._n_series, strict=True)
        view.calibration_ = learn(groups, len(view.schema_.channels))
        return view

    def result(self) -> BacktestResult:
        """Put the answers of a ``backtest`` or ``imputation_backtest`` together.

        Returns
        -------
        BacktestResult
            Of the one model, named "model", shard after shard.

        Raises
        ------
        ValueError
            If the question was another one, or nothing is there.
        """
        frame = self.read()
        if "scale" not in frame or "model" not in frame:
            raise ValueError(f"{self.folder} holds no backtest. Use read().")
        names = [name for name in map(str, frame.columns) if name.startswith("q-")]
        levels = [float(name.removeprefix("q-")) for name in names]
        scales = frame.groupby(["unique_id", "channel"], sort=False)["scale"].first()
        failures = pd.DataFrame(columns=["model", "fold", "error"])
        frame = frame.drop(columns="scale")
        return BacktestResult(frame, np.array(levels), failures, scales)

    def __repr__(self) -> str:
        return (
            f"FanOut({str(self.folder)!r}: {self.state}, {len(self.paths)} of "
            f"{len(self._n_series)} shards, {len(self.failed)} failed)"
        )


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Replace the manifest in one step."""
    write_whole(folder / MANIFEST, json.dumps(content, indent=1).encode())
