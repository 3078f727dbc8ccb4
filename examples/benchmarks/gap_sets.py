"""Sets with gaps to calibrate on, cut into blocks of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tsdiff import datasets

N_FOLDS = 5


@dataclass(frozen=True)
class Case:
    """Data to fill: a table or a panel, and how it is cut and hidden.

    Attributes
    ----------
    data : DataFrame
    freq : str
    n_rows : int
        Of a block.
    pattern : str
        How cells are hidden, to calibrate and to test.
    n_repeats : int
        Draws of hidden cells in each test.
    """

    data: pd.DataFrame
    freq: str
    n_rows: int
    pattern: str
    n_repeats: int = 3


def air_quality() -> Case:
    """Twelve sensors with long outages of several together; one is nearly empty."""
    table = datasets.load_air_quality().drop(columns="NMHC(GT)")
    return Case(table, "h", 168, "own")


def glucose() -> Case:
    """Five people, 5 minutes; stamps are put on the grid, the first one counts."""
    long = datasets.load_cgm_subjects()
    long["ds"] = long["ds"].dt.round("5min")
    long = long.drop_duplicates(["unique_id", "ds"]).set_index("ds")
    people = {
        name: part[["glucose"]].astype(float).asfreq("5min")
        for name, part in long.groupby("unique_id")
    }
    return Case(pd.concat(people, names=["unique_id", "ds"]), "5min", 288, "own")


def etth1() -> Case:
    """Seven channels without a gap."""
    return Case(datasets.load_etth1(), "h", 336, "blocks", n_repeats=1)


def finance() -> Case:
    """Oil price and S&P 500 on business days, in logarithms, with their holidays."""
    index = datasets.load_market("sp500")[["Close"]].rename(columns={"Close": "sp500"})
    both = datasets.load_wti().join(index, how="inner").asfreq("B")
    return Case(np.log(both), "B", 65, "blocks", n_repeats=5)


CASES = {
    "air_quality": air_quality,
    "glucose": glucose,
    "etth1": etth1,
    "finance": finance,
}


def cut(case: Case, seed: int) -> list[pd.DataFrame]:
    """Cut the data into blocks; deal them out to one half and folds of the other."""
    many = isinstance(case.data.index, pd.MultiIndex)
    parts = case.data.groupby(level=0) if many else [("all", case.data)]
    blocks = {}
    for name, part in parts:
        part = part.droplevel(0) if many else part
        for first in range(0, len(part) - case.n_rows + 1, case.n_rows):
            block = part.iloc[first : first + case.n_rows]
            if block.notna().any(axis=None):
                blocks[f"{name} {first:06d}"] = block
    names = np.random.default_rng(seed).permutation(list(blocks))
    half = round(len(names) / 2)
    return [
        joined({name: blocks[name] for name in sorted(some)})
        for some in (names[:half], *np.array_split(names[half:], N_FOLDS))
    ]


def joined(blocks: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Make a panel of series."""
    return pd.concat(blocks, names=["unique_id", "ds"])
