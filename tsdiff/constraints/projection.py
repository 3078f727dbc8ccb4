"""The last step to constraints that hold exactly, path by path.

Words: S paths of M cells; k rows of a linear system.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsdiff.constraints.compiling import TOLERANCE, Linear
from tsdiff.constraints.consistency import components
from tsdiff.constraints.limits import Limits

Floats = NDArray[np.float64]

_HALVINGS, _SWEEPS = 80, 2000


def project(samples: Floats, system: Linear, limits: Limits, sd: Floats) -> Floats:
    """Move paths the least, in units of `sd`, to where rows and limits hold.

    Parameters
    ----------
    samples : ndarray, shape (S, M)
    system : Linear
        Independent rows.
    limits : Limits
    sd : ndarray, shape (M,)
        Spread of each cell: a cell that is nearly known moves little.

    Returns
    -------
    ndarray, shape (S, M)

    Raises
    ------
    ValueError
        If no path within the limits that meets the rows was found.
    """
    answer = np.clip(samples, limits.low, limits.high)
    for rows in components(system.rows):
        part = system.rows[rows]
        cells = np.unique(part.indices)
        A, b = part[:, cells].toarray(), system.target[rows]
        ends = limits.low[cells], limits.high[cells]
        x, weight = samples[:, cells], sd[cells] ** 2
        moved = _linear(x, A, b, weight)
        if (moved < ends[0]).any() or (moved > ends[1]).any():
            if len(b) == 1:
                moved = _one_row(x, A[0], b[0], weight, ends)
            else:
                words = [system.words[row] for row in rows]
                moved = _many_rows(x, A, b, weight, ends, words)
        answer[:, cells] = moved
    return answer


def _linear(x: Floats, A: Floats, b: Floats, weight: Floats) -> Floats:
    """Meet the rows, whatever the limits; twice, against rounding."""
    gain = weight[:, None] * A.T
    inverse = np.linalg.pinv(A @ gain, hermitian=True)
    for _ in range(2):
        x = x + (b - x @ A.T) @ inverse.T @ gain.T
    return x


def _one_row(
    x: Floats, a: Floats, b: float, weight: Floats, ends: tuple[Floats, Floats]
) -> Floats:
    """Meet a row within limits: by how much to move is found by bisection."""
    step = weight * a
    size = np.abs(b - x @ a) + np.abs(a) @ (np.abs(x).max(axis=0) + 1)
    bound = size / max(float((a * step).sum()), 1e-300)
    low, high = -bound[:, None], bound[:, None]
    while True:  # until the answer lies between
        reached = np.clip(x + high * step, *ends) @ a >= b
        left = np.clip(x + low * step, *ends) @ a <= b
        if (reached & left).all() or float(high.max()) > 1e150:
            break
        high = np.where(reached[:, None], high, 4 * high)
        low = np.where(left[:, None], low, 4 * low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = (np.clip(x + middle * step, *ends) @ a >= b)[:, None]
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    moved = np.clip(x + high * step, *ends)
    # what rounding left goes to cells that lie inside
    free = (moved > ends[0]) & (moved < ends[1])
    gain = free * step
    share = gain / np.maximum((gain * a).sum(axis=1, keepdims=True), 1e-300)
    return np.clip(moved + (b - moved @ a)[:, None] * share, *ends)


def _many_rows(
    x: Floats,
    A: Floats,
    b: Floats,
    weight: Floats,
    ends: tuple[Floats, Floats],
    words: list[str],
) -> Floats:
    """Meet rows within limits by Dykstra's alternating projections (1983)."""
    gain = weight[:, None] * A.T
    inverse = np.linalg.pinv(A @ gain, hermitian=True)
    kept = np.zeros_like(x)  # what the limits took away
    least = max(float(np.abs(A).sum(axis=1).min()), 1e-300)
    scale = np.sqrt(weight).max() + np.abs(b).max() / least
    for _ in range(_SWEEPS):
        on_rows = x + (b - x @ A.T) @ inverse.T @ gain.T
        x = np.clip(on_rows + kept, *ends)
        kept = on_rows + kept - x
        off = np.abs(b - x @ A.T).max(axis=1)
        if float(off.max()) < TOLERANCE * scale:
            return x
    raise ValueError(
        f"{words[0]} and {len(words) - 1} more rows were not met within the bounds by "
        f"{int((off >= TOLERANCE * scale).sum())} of {len(x)} paths: they hardly leave "
        "room. Widen the bounds or drop a row."
    )
