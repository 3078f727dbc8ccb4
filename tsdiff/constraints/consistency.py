"""Whether linear constraints agree with each other and with limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components

from tsdiff.constraints.compiling import Linear
from tsdiff.constraints.kinds import Constraint
from tsdiff.constraints.limits import Limits

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_RELATIVE = 1e-9


def check_limits(
    system: Linear, bounds: Limits, constraints: Sequence[Constraint]
) -> None:
    """Refuse rows that no values within the limits can meet.

    Raises
    ------
    ValueError
        Naming the row and the constraint that limits its cells.
    """
    up, down = system.rows.maximum(0), -(-system.rows).maximum(0)
    for sign, own, other in ((1, "low", "high"), (-1, "high", "low")):
        # least value of each row for sign 1; largest one, turned around, for -1
        ends = getattr(bounds, own), getattr(bounds, other)
        least = sign * (_times(up, ends[0]) + _times(down, ends[1]))
        slack = _RELATIVE * (np.abs(system.target) + np.nan_to_num(np.abs(least)))
        beyond = np.flatnonzero(sign * system.target < least - slack - 1e-12)
        if len(beyond):
            row = int(beyond[0])
            cells = system.rows[[row]].indices
            by = {*bounds.low_by[cells], *bounds.high_by[cells]} - {-1}
            others = " and ".join(constraints[k].words for k in sorted(by))
            raise ValueError(
                f"{system.words[row]} and {others} contradict each other: what is left "
                f"for the missing cells is {system.target[row]:g}, and they give "
                f"{sign * least[row]:g} at {'least' if sign > 0 else 'most'}."
            )


def _times(rows: sparse.csr_array, values: Floats) -> Floats:
    """Multiply by weights of one sign; infinite where a value that counts is."""
    answer = rows @ np.where(np.isfinite(values), values, 0.0)
    for sign in (1.0, -1.0):
        weight = rows @ (values == sign * np.inf).astype(float)
        answer[weight != 0] = sign * np.inf * np.sign(weight[weight != 0])
    return answer


def independent(system: Linear) -> Linear:
    """Leave out rows that follow from the others.

    Raises
    ------
    ValueError
        If rows contradict each other, naming a pair.
    """
    kept = np.ones(len(system), dtype=bool)
    for rows in components(system.rows):
        if len(rows) > 1:
            kept[rows] = _independent(system, rows)
    words = [text for text, used in zip(system.words, kept, strict=True) if used]
    return Linear(sparse.csr_array(system.rows[kept]), system.target[kept], words)


def components(rows: sparse.csr_array) -> Iterator[Ints]:
    """Yield sets of rows that share cells, directly or by way of others."""
    if not rows.shape[0]:
        return
    overlap = abs(rows) @ abs(rows).T
    _, label = connected_components(overlap, directed=False)
    order = np.argsort(label, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(label[order])) + 1)


def _independent(system: Linear, rows: Ints) -> NDArray[np.bool_]:
    part = system.rows[rows]
    cells = np.unique(part.indices)
    A, b = part[:, cells].toarray(), system.target[rows]
    unit = np.linalg.norm(A, axis=1)
    A, b = A / unit[:, None], b / unit
    solution = np.linalg.lstsq(A, b, rcond=None)[0]
    off = np.abs(A @ solution - b)
    if off.max() > 1e-7 * (1 + np.abs(b).max()):
        first = int(off.argmax())
        shared = np.abs(A) @ np.abs(A[first]) > 0
        shared[first] = False
        second = int(np.where(shared, off, -1).argmax())
        a, c = sorted((rows[first], rows[second]))
        raise ValueError(
            f"{system.words[a]} and {system.words[c]} contradict each other: no values "
            "of the missing cells meet both."
        )
    triangle, order = linalg.qr(A.T, mode="r", pivoting=True)
    size = np.abs(np.diag(triangle))
    rank = int((size > 1e-10 * size[0]).sum())
    kept = np.zeros(len(rows), dtype=bool)
    kept[order[:rank]] = True
    return kept
