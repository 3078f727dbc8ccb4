"""What a run is given, as files that every worker can read: the model and the panel."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsdiff.atomic import writing
from tsdiff.backtesting.models import describe, digest, digest_of_data
from tsdiff.fanout.work import load_model
from tsdiff.panel.arrays import ArrayPanel
from tsdiff.panel.arrow import arrow
from tsdiff.panel.long import to_long
from tsdiff.panel.parquet import ParquetPanel

_MODEL = "model.tsdiff"
_ROWS_IN_A_GROUP = 2**18
_ON_DISK = (str, Path, ParquetPanel, ArrayPanel)


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


def keep_panel(panel: Any, home: Path, name: str = "panel") -> Kept:
    """Read where the series are; what is in memory will be written into that file.

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
        whole = panel.absolute()
        whole.files()
        return Kept(repr(whole), lambda: whole)
    if isinstance(panel, pd.DataFrame | pd.Series):
        return _keep_frame(panel, home / f"{name}.parquet")
    if not isinstance(panel, np.ndarray):
        raise TypeError(
            f"The panel is a {type(panel).__name__}. Give a ParquetPanel, a path, a "
            "DataFrame indexed by series and time, or an array of three dimensions."
        )
    ArrayPanel.check(panel, "The panel")

    def write() -> ArrayPanel:
        path = home / f"{name}.npy"
        _write_once(path, lambda file: np.save(file, panel))
        return ArrayPanel(str(path))

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


def split(
    asked: Mapping[str, Any], home: Path
) -> tuple[dict[str, Any], dict[str, Kept]]:
    """Tell arguments that hold for all series from those that have rows of each.

    Parameters
    ----------
    asked : mapping
        Arguments of the method. `static`, and an `X` that is indexed by series and
        time, on disk, or an array of three dimensions, have rows of each series.
    home : Path

    Returns
    -------
    common : dict
    beside : dict of str to Kept

    Raises
    ------
    OSError, TypeError, ValueError
        If they can't be read.
    """
    common, beside = dict(asked), {}
    if common.get("static") is not None:
        table = _one_row_each(common.pop("static"))
        beside["static"] = keep_panel(table, home, "static")
    X = common.get("X")
    n_levels = getattr(getattr(X, "index", None), "nlevels", 1)
    if isinstance(X, _ON_DISK):
        kept = keep_panel(common.pop("X"), home)
        panel = kept.write()
        found = {file: panel.mark(file) for file in panel.files()}
        beside["X"] = replace(kept, digest=digest(kept.digest, found))
    elif n_levels > 1 or getattr(X, "ndim", 2) == 3:
        beside["X"] = keep_panel(common.pop("X"), home, "X")
    return common, beside


def _one_row_each(static: Any) -> pd.DataFrame:
    """Read static features, each row as a series of its own."""
    if isinstance(static, pd.Series):
        static = static.to_frame("x0" if static.name is None else static.name)
    if not isinstance(static, pd.DataFrame):
        raise TypeError(
            f"static must be a pandas DataFrame or Series, not "
            f"{type(static).__name__}, indexed by the names of the series."
        )
    index: Any = [static.index, [0] * len(static)]
    return static.set_axis(pd.MultiIndex.from_arrays(index, names=[None, None]))


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
