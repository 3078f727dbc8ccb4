"""What a fit was tried on, and how it did: the same for gaps and for forecasts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.backtesting.result import BacktestResult
from tsdiff.backtesting.scoring import cell_loss

#: What the page calls the estimator.
OURS = "this fit"

Plot = Callable[..., Any]


@dataclass(frozen=True)
class Trial:
    """Answers to cells whose truth is known.

    Attributes
    ----------
    result : BacktestResult
        Of `OURS` and of the other model.
    other : str
        Name of a plain model that answered the same cells.
    how : str
        What was asked, in words.
    known : bool or None
        Whether the fit has seen these rows; None if nothing tells.
    unit : str
        "gap" or "forecast": cells that go together.
    cases : DataFrame
        A row for each unit, the worst first: `score` (mean CRPS over the scale of the
        channel), `crps`, `n_cells`, and what tells it apart.
    draw : callable
        From a row of `cases` to what it is called, and to its plot.
    """

    result: BacktestResult
    other: str
    how: str
    known: bool | None
    unit: str
    cases: pd.DataFrame
    draw: Callable[[Any], tuple[str, Plot]]

    def chosen(self) -> list[tuple[str, Any]]:
        """Name the cases to be shown: the two worst, and the one in the middle."""
        order = list(self.cases.itertuples())
        ranks = {"Worst": 0, "Second worst": 1, "Median": len(order) // 2}
        names = {rank: name for name, rank in reversed(ranks.items())}
        return [(name, order[k]) for k, name in sorted(names.items()) if k < len(order)]


def scored_cases(result: BacktestResult, keys: pd.DataFrame) -> pd.DataFrame:
    """Score the answers of `OURS`, unit by unit.

    Parameters
    ----------
    result : BacktestResult
    keys : DataFrame
        A row for each of its cells, in their order: cells with the same keys go
        together.

    Returns
    -------
    DataFrame
        The keys, `score`, `crps` and `n_cells`, the worst first. Cells without an
        answer are left out.
    """
    own = result.frame[result.frame["model"] == OURS].reset_index(drop=True)
    _, loss = cell_loss(own, result.levels)
    strand = pd.MultiIndex.from_frame(own[["unique_id", "channel"]])
    scale = result.scales.loc[strand.unique()].reindex(strand).to_numpy()
    cells = keys.reset_index(drop=True).assign(crps=loss, score=loss / scale)
    answered = cells[np.isfinite(loss)]
    units = answered.groupby(list(keys), sort=False)
    means = units[["score", "crps"]].mean().assign(n_cells=units.size())
    return means.reset_index().sort_values("score", ascending=False, kind="stable")


def answered(result: BacktestResult) -> None:
    """Refuse a result in which the fit itself failed, naming its first error."""
    if OURS not in result.models:
        first = result.failures[result.failures["model"] == OURS].iloc[0]
        raise ValueError(f"The fit could not answer: {first['error']}")


def listed(
    folds: Sequence[int], tables: Callable[[int], dict[str, NDArray[Any]]]
) -> Any:
    """Put the keys of the cells of some folds below each other."""
    parts = [pd.DataFrame(tables(fold)).assign(fold=fold) for fold in folds]
    return pd.concat(parts, ignore_index=True)
