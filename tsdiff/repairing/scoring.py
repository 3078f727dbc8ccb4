"""repair: score observed cells by what the others say of them, and propose values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from tsdiff.bands import as_coverage, interval_alpha
from tsdiff.calibration.laws import GRID, GRID_LEVELS, score
from tsdiff.filling import GapFiller
from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_count
from tsdiff.repairing.hiding import passes
from tsdiff.repairing.looks import combined
from tsdiff.repairing.repeats import attained, repeats, tail
from tsdiff.repairing.result import Repair

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Rows of a block: single cells, short runs and long ones.
LENGTHS = (1, 6, 24)
_SUSPECT = 0.002  # cells with less are no witnesses at the next look
_MOST_SUSPECTS = 0.1  # share of the cells
_ROUNDS = 3  # runs are known after the second, their neighbours cleared by the third
_CELLS_AT_ONCE = 2**18


def repair(
    model: GapFiller,
    X: Any,
    *,
    lengths: Iterable[int] = LENGTHS,
    coverage: float = 0.9,
) -> Repair:
    """Find observed cells that the others don't bear out, and propose values.

    Every observed cell is hidden and answered from the others, several times: alone,
    and in blocks of rows together with its neighbours, so that a run of bad values is
    no witness for itself. The score is the tail probability of the most surprising of
    these looks, corrected for their number, or that of a run of equal values as long as
    the one that the cell lies in, if that is less. Cells found suspicious in one
    round are hidden in the next; the third one's answers count. Nothing is changed: ask
    the result for ``repaired(alpha)``.

    Spikes, stuck sensors, wrong units and swapped channels are all found by this, the
    longer ones up to about the longest block.

    Parameters
    ----------
    model : fitted imputer
        It may have been fitted on `X` itself, faults and all.
    X : as in `fit`
    lengths : iterable of int, default (1, 6, 24)
        Rows of the blocks.
    coverage : float, default 0.9
        Of the interval that goes with each proposal.

    Returns
    -------
    Repair
        Score, proposal and interval for each cell; see its ``flagged()``.

    Raises
    ------
    NotFittedError, TypeError, ValueError
        As `model.transform`; if a length is no whole number of at least 1.

    Notes
    -----
    A good cell may be odd: an hour of storm, say. A score tells how odd, not why. And
    where the fit was brief, laws are wide and little is odd.

    Examples
    --------
    >>> from tsdiff.baselines import KalmanSmoother
    >>> walk = np.random.default_rng(0).normal(size=(200, 1)).cumsum(axis=0)
    >>> walk[60] += 9
    >>> found = repair(KalmanSmoother().fit(walk), walk)
    >>> found.flagged(1e-4)[["ds", "channel"]].values.tolist()
    [[60, 'x0']]
    >>> bool(abs(found.repaired()[60, 0] - walk[59, 0]) < 3)
    True
    """
    check_is_fitted(model, "schema_")
    blocks = [check_count("lengths", length) for length in lengths]
    if not blocks:
        raise ValueError("lengths is empty; give the rows of a block, e.g. (1, 6, 24).")
    (share,) = as_coverage(coverage)
    panel = model.schema_.read(model, X)
    length, rate = repeats(panel)
    suspects = np.zeros(panel.values.shape, dtype=bool)
    for _ in range(_ROUNDS):
        looks = [_look(model, panel, suspects, block, share) for block in blocks]
        odd = _tails(panel, np.stack([scores for scores, _ in looks]), length, rate)
        suspects = _suspects(odd)
    proposal, low, high = looks[int(np.argmin(blocks))][1]
    return Repair(panel, odd, proposal, low, high, float(share))


def _look(
    model: GapFiller, panel: Panel, suspects: Mask, length: int, coverage: float
) -> tuple[Floats, Floats]:
    """Hide blocks of rows in turn.

    Returns
    -------
    scores : ndarray, shape (N, C)
        Normal score of each observed cell.
    values : ndarray, shape (3, N, C)
        Median and ends of the interval.
    """
    scores = np.full(panel.values.size, np.nan)
    values = np.full((3, panel.values.size), np.nan)
    wanted = np.append(0.5, interval_alpha(np.array([coverage])))
    levels = np.append(GRID_LEVELS, wanted)
    for asked, hidden in passes(panel, length):
        shown = np.where(hidden | suspects, np.nan, panel.values)
        view, cells = replace(panel, values=shown), np.flatnonzero(asked)
        for start in range(0, len(cells), _CELLS_AT_ONCE):
            some = cells[start : start + _CELLS_AT_ONCE]
            answer = model._whole_answer(view, some, levels)
            table, values[:, some] = answer[: len(GRID)], answer[len(GRID) :]
            truth = panel.values.ravel()[None, some]
            scores[some] = score(table, truth, np.array([[0.5]]))[0]
    shape = panel.values.shape
    return scores.reshape(shape), values.reshape(3, *shape)


def _tails(panel: Panel, looks: Floats, length: Floats, rate: Floats) -> Floats:
    """Tail probability of each observed cell, over looks and runs, shape (N, C)."""
    seen = panel.observed
    by_value = combined(looks[:, seen])
    least = np.minimum(by_value, tail(length[seen], rate[seen]))
    chance = attained(least, rate[seen])
    answer = np.full(seen.shape, np.nan)
    answer[seen] = 1 - (1 - least) * (1 - chance)
    return answer


def _suspects(odd: Floats) -> Mask:
    """Cells that are no witnesses: the oddest, but not too many of them."""
    limit = np.nanquantile(odd, _MOST_SUSPECTS)
    return odd < min(limit, _SUSPECT)
