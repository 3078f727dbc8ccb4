"""From several looks at a cell to one tail probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]

_GRID = np.linspace(0.0, 3.0, 61)
_N_DRAWS = 2**17
_CLIP = 2.5  # normal scores beyond this don't tell how looks depend on each other


def combined(scores: Floats) -> Floats:
    """Tail probability of the most surprising of several looks.

    Each look gives a normal score. The more looks, the likelier one of them is
    surprising by chance; by how much depends on how alike they are. Under the model
    they are taken to be jointly normal, with the correlation found, so that the answer
    is uniform again.

    Parameters
    ----------
    scores : ndarray, shape (k, M)

    Returns
    -------
    ndarray, shape (M,)

    Examples
    --------
    >>> same = np.tile(np.linspace(-2, 2, 401), (3, 1))
    >>> bool(np.isclose(combined(same)[0], 2 * ndtr(-2), rtol=0.05))  # as of one look
    True
    """
    largest = np.abs(scores).max(axis=0)
    return np.minimum(2 * ndtr(-largest) * _factor(scores, largest), 1.0)


def _factor(scores: Floats, largest: Floats) -> Floats:
    """How many times likelier one of the looks is as surprising than a single one."""
    n_looks = len(scores)
    if n_looks == 1:
        return np.ones_like(largest)
    alike = np.corrcoef(np.clip(scores, -_CLIP, _CLIP))
    alike = np.where(np.isfinite(alike), alike, 0.0)
    value, vector = np.linalg.eigh(alike)
    root = vector * np.sqrt(np.maximum(value, 0))
    noise = np.random.default_rng(0).standard_normal((_N_DRAWS, n_looks))
    drawn = np.sort(np.abs(noise @ root.T).max(axis=1))
    above = 1 - np.searchsorted(drawn, _GRID) / _N_DRAWS
    # far out the factor moves little: it stays as it is at the end of the grid
    return np.interp(largest, _GRID, above / (2 * ndtr(-_GRID)))
