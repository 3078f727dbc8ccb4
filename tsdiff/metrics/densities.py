"""Logarithmic score: of a density, and of the law that quantiles stand for."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from tsdiff.metrics.arrays import as_levels, rising, stacked


def log_score(density: ArrayLike) -> NDArray[np.float64]:
    """Logarithmic score: minus the log of the answered density at the truth.

    Parameters
    ----------
    density : array_like of shape (...)
        Density of each cell's law at its truth, 0 or above; NaN where the truth is
        missing. Where the log density is known, its negative is the score.

    Returns
    -------
    ndarray of shape (...)
        In nats, relative to the unit of the truth; lower is better, infinite where the
        truth was thought impossible.

    Raises
    ------
    ValueError
        A density is below 0.

    References
    ----------
    Good, Rational decisions, JRSS B 1952.

    Examples
    --------
    >>> log_score([1.0, 0.0, np.nan])
    array([-0., inf, nan])
    """
    value = np.asarray(density, dtype=np.float64)
    wrong = np.argwhere(value < 0)
    if len(wrong):
        at = tuple(map(int, wrong[0]))
        raise ValueError(
            f"A density is 0 or above, but {len(wrong)} are below, the first at {at}: "
            f"{value[at]:g}. Pass densities, not their logs."
        )
    with np.errstate(divide="ignore"):  # log 0 is minus infinity, as it should be
        return -np.log(value)


def log_score_quantiles(
    y: ArrayLike, quantiles: ArrayLike, levels: ArrayLike
) -> NDArray[np.float64]:
    """Logarithmic score of the piecewise normal law through given quantiles.

    Between two quantiles the truth is linear in its normal score ``z = Phi^-1(level)``,
    and goes on with the outermost slopes beyond the last ones, in normal tails. So a
    normal law is scored exactly, by any two of its quantiles.

    Parameters
    ----------
    y : array_like of shape (...)
        Truth.
    quantiles : array_like of shape (n_levels, ...)
        Answered quantiles, rising; at least two.
    levels : array_like of shape (n_levels,)
        Their levels, rising, between 0 and 1 (both excluded).

    Returns
    -------
    ndarray of shape (...)
        In nats, relative to the unit of y; lower is better. Equal quantiles are a point
        mass: minus infinity on it, and infinity beyond if they are the outermost.

    Raises
    ------
    ValueError
        Shapes do not fit, fewer than two levels, or levels or quantiles fall.

    Examples
    --------
    >>> log_score_quantiles([1.0], [[-1.0], [1.0]], [0.158655, 0.841345]).round(4)
    array([1.4189])
    """
    truth, answer = stacked(y, quantiles=np.asarray(quantiles, dtype=np.float64))
    level = rising(answer, as_levels(levels, len(answer)))
    if len(level) < 2:
        raise ValueError("A law needs at least two quantiles, got one.")
    score = ndtri(level)
    left = np.clip((answer <= truth).sum(axis=0) - 1, 0, len(level) - 2)
    low, high = (np.take_along_axis(answer, left[None] + k, 0)[0] for k in (0, 1))
    rise, width = score[left + 1] - score[left], high - low
    with np.errstate(divide="ignore", invalid="ignore"):
        z = score[left] + (truth - low) / width * rise
        loss = z**2 / 2 + np.log(2 * np.pi) / 2 + np.log(width) - np.log(rise)
    tied = answer[1:] == answer[:-1]
    on_mass = (tied & (answer[1:] == truth)).any(axis=0)
    loss = np.where(on_mass, -np.inf, np.where(width == 0, np.inf, loss))
    return np.where(np.isnan(truth) | np.isnan(answer).any(axis=0), np.nan, loss)
