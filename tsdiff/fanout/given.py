"""What a run is given, as files that every worker can read: the model and the panel."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsdiff.atomic import writing
from tsdiff.backtesting.models import describe, digest, digest_of_data
from tsdiff.fanout.arrays import ArrayPanel
from tsdiff.fanout.work import load_model
from tsdiff.panel.arrow import arrow
from tsdiff.panel.long import to_long
from tsdiff.panel.parquet import ParquetPanel

_MODEL, _FRAME, _ARRAY = "model.tsdiff", "panel.parquet", "panel.npy"
_ROWS_IN_A_GROUP = 2**18


@dataclass(frozen=True)
class Kept:
    """A model or a panel, of which nothing is written before all is checked.

    Attributes
    ----------
    digest : str
    write : callable
        Writes it into the folder, if it is not a file already, and returns what goes
        to the workers.
    estimator : estimator or None
    verbose : int
    """

    digest: str
    write: Callable[[], Any]
    estimator: Any = None
    verbose: int = 0


def keep_model(model: Any, home: Path) -> Kept:
    """Read a model: a file of one, what can be saved, or else the estimator itself."""
    if isinstance(model, str | Path):
        path = Path(model).absolute()
        estimator = load_model(path)
        content = path.read_bytes()
        return _kept(hashlib.sha256(content).hexdigest(), lambda: str(path), estimator)
    if not hasattr(model, "get_params"):
        raise TypeError(
            f"The model is a {type(model).__name__}, not an estimator or the path of a "
            "file that save() wrote."
        )
    check_is_fitted(model)
    known = model.get_params(deep=False)
    neutral = {"random_state": None, "verbose": 0}  # neither is of the fit
    plain = copy.copy(model)
    plain.set_params(**{name: neutral[name] for name in neutral if name in known})
    if not hasattr(model, "save"):
        return _kept(digest(_told(plain)), lambda: plain, model)
    with TemporaryDirectory() as folder:
        file = Path(folder) / _MODEL
        plain.save(file)
        content = file.read_bytes()

    def write() -> str:
        _write_once(home / _MODEL, lambda file: file.write(content))
        return str(home / _MODEL)

    return _kept(hashlib.sha256(content).hexdigest(), write, model)


def _told(value: Any) -> Any:
    """Say in JSON what an estimator is and has learned, the same in every process."""
    if not (hasattr(value, "get_params") or is_dataclass(value)):
        return describe(value)
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    return {"class": kind, **{name: _told(part) for name, part in vars(value).items()}}


def _kept(sha: str, write: Callable[[], Any], estimator: Any) -> Kept:
    verbose = estimator.get_params(deep=False).get("verbose", 0)
    return Kept(sha, write, estimator, int(verbose))


def keep_panel(panel: Any, home: Path) -> Kept:
    """Read where the series are; what is in memory will be written down.

    Raises
    ------
    TypeError
        If it is no panel.
    ValueError
        If it is one series, or its columns have no names that a file can hold.
    """
    if isinstance(panel, str | Path):
        is_array = Path(panel).suffix == ".npy"
        panel = ArrayPanel(panel) if is_array else ParquetPanel(panel)
    if isinstance(panel, ParquetPanel | ArrayPanel):
        whole = copy.copy(panel)
        object.__setattr__(whole, "path", str(Path(panel.path).absolute()))
        whole.files()
        return Kept(repr(whole), lambda: whole)
    if isinstance(panel, pd.DataFrame | pd.Series):
        return _keep_frame(panel, home / _FRAME)
    if not isinstance(panel, np.ndarray):
        raise TypeError(
            f"The panel is a {type(panel).__name__}. Give a ParquetPanel, a path, a "
            "DataFrame indexed by series and time, or an array of three dimensions."
        )
    ArrayPanel.check(panel, "The panel")

    def write() -> ArrayPanel:
        _write_once(home / _ARRAY, lambda file: np.save(file, panel))
        return ArrayPanel(str(home / _ARRAY))

    return Kept(str(digest_of_data(panel)), write)


def _keep_frame(panel: Any, path: Path) -> Kept:
    frame = (
        panel.to_frame("y" if panel.name is None else panel.name)
        if isinstance(panel, pd.Series)
        else panel
    )
    if frame.index.nlevels != 2:
        raise ValueError(
            "The panel is one series. Ask the model itself; or give many, indexed by "
            "(unique_id, ds)."
        )
    if not all(isinstance(name, str) for name in frame.columns):
        raise ValueError(
            f"Columns {list(frame.columns)[:5]} are not all text, as a file needs it. "
            "Use X.columns.astype(str), in the fit too."
        )
    id_col, time_col = (
        name if isinstance(name, str) else usual
        for name, usual in zip(frame.index.names, ("unique_id", "ds"), strict=True)
    )

    def write() -> ParquetPanel:
        _write_once(path, lambda file: _write_frame(frame, id_col, time_col, file))
        return ParquetPanel(str(path), id_col, time_col)

    return Kept(str(digest_of_data(frame)), write)


def _write_frame(frame: pd.DataFrame, id_col: str, time_col: str, file: Any) -> None:
    writer = None
    for first in range(0, len(frame), _ROWS_IN_A_GROUP):
        part = to_long(frame.iloc[first : first + _ROWS_IN_A_GROUP], id_col, time_col)
        schema = None if writer is None else writer.schema
        table = arrow().Table.from_pandas(part, schema, preserve_index=False)
        writer = writer or arrow("parquet").ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _write_once(path: Path, write: Callable[[Any], Any]) -> None:
    """Write a file of the run, unless it is there: then it is the same."""
    if not path.exists():
        with writing(path) as file:
            write(file)


def tidy(folder: Path) -> None:
    """Remove what writers that were killed have left half written."""
    for path in folder.glob(".*.part"):
        path.unlink(missing_ok=True)
