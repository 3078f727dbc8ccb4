"""Linear-Gaussian state spaces: the joint law of missing values, exactly.

Of statsmodels come the models, the filter and the smoother. Draws use the recursions of
the simulation smoother (Durbin and Koopman, 2002, Biometrika 89) for all paths at once,
on the error of the filter instead of simulated data, which loses no digits to a diffuse
start; recursions in time are solved by doubling.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_NEGLIGIBLE = 1e-20
_BLOCK = 2**21  # numbers in one scratch array, 16 MB


def moments(model: Any) -> tuple[Floats, Floats]:
    """Mean and variance of every row of a series, given those observed.

    Parameters
    ----------
    model : statsmodels MLEModel
        One channel, time-invariant matrices, with its parameters set.

    Returns
    -------
    mean, variance : ndarray, shape (T,)
        Of an observation, its own noise included.
    """
    result = model.ssm.smooth()
    z = model.ssm["design"][0]
    variance = np.einsum("i,ijt,j->t", z, result.smoothed_state_cov, z)
    return z @ result.smoothed_state, np.maximum(variance, 0) + model.ssm["obs_cov"][0]


def deviations(model: Any, n_samples: int, rng: np.random.Generator) -> Floats:
    """Draw how the unobserved rows deviate jointly from their mean.

    With e the filter's error in the state, v its error in the data and r the smoother's
    sums, all of them normal: ``e' = L e + R eta - K eps``, ``v = Z e + eps`` and, back
    in time, ``r = Z' v / F + L' r'``; the smoother's error is ``e - P r``.

    Parameters
    ----------
    model : statsmodels MLEModel
        As in `moments`.
    n_samples : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n_samples, T)
        Means nothing in observed rows.
    """
    ssm = model.ssm
    seen = ~np.isnan(model.endog[:, 0])
    n_rows, k = len(seen), ssm.k_states
    z, shock = ssm["design"][0], ssm["selection"] @ _root(ssm["state_cov"])
    P = np.moveaxis(ssm.filter().predicted_state_cov, 2, 0)[:n_rows]  # (T, k, k)
    F = P @ z @ z + ssm["obs_cov"][0, 0]
    gain = np.where(seen, 1 / F, 0)[:, None] * (P @ z)  # (T, k)
    L = ssm["transition"] - (gain @ ssm["transition"].T)[:, :, None] * z
    width = shock.shape[1] + 1
    noise = rng.standard_normal((n_samples, k + n_rows * width)).T
    start = _root(P[0]) @ noise[:k]
    noise = noise[k:].reshape(n_rows, width, n_samples)
    eps = np.sqrt(ssm["obs_cov"][0, 0]) * noise[:, 0]  # (T, S)
    fed_back = np.einsum("tk,ts->tks", gain @ ssm["transition"].T, eps)
    force = shock @ noise[:, 1:] - fed_back  # (T, k, S)
    e = _recur(L[:-1], np.concatenate([start[None], force[:-1]]))
    v = np.einsum("k,tks->ts", z, e) + eps
    pull = np.einsum("k,ts->tks", z, np.where(seen, 1 / F, 0)[:, None] * v)
    r = _recur(L[:-1][::-1].transpose(0, 2, 1), pull[::-1])[::-1]
    return (np.einsum("k,tks->ts", z, e - P @ r) + eps).T


def deviations_at(
    model: Any, rows: NDArray[np.int64], n_samples: int, rng: np.random.Generator
) -> Floats:
    """Draw `deviations` of some rows, in memory that does not grow with the samples.

    Parameters
    ----------
    model : statsmodels MLEModel
    rows : ndarray of int, shape (m,)
    n_samples : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n_samples, m)
    """
    size = max(_BLOCK // (len(model.endog) * model.ssm.k_states), 1)
    parts = [
        deviations(model, min(size, n_samples - first), rng)[:, rows]
        for first in range(0, n_samples, size)
    ]
    return np.concatenate(parts)


def _recur(A: Floats, b: Floats) -> Floats:
    """Solve x[0] = b[0], x[t] = A[t - 1] x[t - 1] + b[t] for all t by doubling.

    After j rounds, x[t] = A[t] x[t - 2**j] + b[t].

    Parameters
    ----------
    A : ndarray, shape (T - 1, k, k)
    b : ndarray, shape (T, k, n)
    """
    A = np.concatenate([np.zeros((1, *A.shape[1:])), A])
    x, step = b.copy(), 1
    while step < len(x) and np.abs(A).max(initial=0) > _NEGLIGIBLE:
        x[step:] += A[step:] @ x[:-step]
        A[step:] = A[step:] @ A[:-step]
        A[:step] = 0
        step *= 2
    return x


def _root(covariance: Floats) -> Floats:
    """Square root of a covariance that may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0))


def moments_ahead(model: Any, n_ahead: int) -> tuple[Floats, Floats]:
    """Mean and variance of the last rows of a series, none of them observed.

    Parameters
    ----------
    model : statsmodels MLEModel
        As in `moments`.
    n_ahead : int
        How many.

    Returns
    -------
    mean, variance : ndarray, shape (n_ahead,)
        Of an observation, its own noise included.
    """
    result, z = model.ssm.filter(), model.ssm["design"][0]
    state = result.predicted_state[:, -1 - n_ahead : -1]
    covariance = result.predicted_state_cov[:, :, -1 - n_ahead : -1]
    variance = np.einsum("i,ijt,j->t", z, covariance, z)
    return z @ state, np.maximum(variance, 0) + model.ssm["obs_cov"][0]


def deviations_ahead(
    model: Any, n_ahead: int, n_samples: int, rng: np.random.Generator
) -> Floats:
    """Draw how the last rows, none of them observed, deviate jointly from their mean.

    Parameters
    ----------
    model : statsmodels MLEModel
        As in `moments`.
    n_ahead, n_samples : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (n_samples, n_ahead)
    """
    ssm = model.ssm
    k, shock = ssm.k_states, ssm["selection"] @ _root(ssm["state_cov"])
    width = shock.shape[1] + 1
    noise = rng.standard_normal((n_samples, k + n_ahead * width)).T
    eps = np.sqrt(ssm["obs_cov"][0, 0]) * noise[k::width]  # (n_ahead, S)
    paths = np.empty((n_ahead, n_samples))
    e = _root(ssm.filter().predicted_state_cov[:, :, -1 - n_ahead]) @ noise[:k]
    for row in range(n_ahead):
        paths[row] = ssm["design"][0] @ e + eps[row]
        first = k + row * width
        e = ssm["transition"] @ e + shock @ noise[first + 1 : first + width]
    return paths.T
