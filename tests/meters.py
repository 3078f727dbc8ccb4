"""Readings of many meters, in memory and in files, and a model that kills who asks."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd

from tsdiff.baselines import SeasonalNaive

N, T = 192, 60
same = pd.testing.assert_frame_equal


def meters(n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    waves = np.sin(np.arange(T) / 4 + rng.uniform(0, 6, (n, 1)))
    values = rng.gamma(2, 1, (n, 1)) * (2 + waves) + rng.normal(0, 0.1, (n, T))
    hours = pd.date_range("2024-01-01", periods=T, freq="h", unit="us")
    names = [f"m{number}" for number in range(n)]
    index = pd.MultiIndex.from_product([names, hours], names=["unique_id", "ds"])
    return pd.DataFrame({"kwh": values.ravel()}, index)


Y = meters()


def write(folder: Path, y: pd.DataFrame = Y, n_files: int = 3) -> Path:
    folder.mkdir()
    for number, names in enumerate(np.array_split(y.index.unique(0), n_files)):
        y.loc[list(names)].reset_index().to_parquet(folder / f"{number}.parquet")
    return folder


def parts(folder: Path) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in (folder / "parts").iterdir()}


class Mortal(SeasonalNaive):
    """Kills the first process that asks it for series m30; `mark` remembers it."""

    def __init__(self, *, mark: str = "", period: int = 6, horizon: int = 2) -> None:
        super().__init__(period=period, horizon=horizon)
        self.mark = mark

    def predict(self, h=None, y=None, X=None, **options):
        mark = Path(self.mark)
        if "m30" in y.index.unique(0) and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().predict(h, y, X, **options)
