"""The paired test of Diebold and Mariano on windows in order of time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

Floats = NDArray[np.float64]


def diebold_mariano(
    loss: ArrayLike, other: ArrayLike, n_overlapping: int | None = 1
) -> tuple[float, float]:
    """Test whether two models' losses on the same windows differ in the mean.

    The statistic of Diebold & Mariano with the correction for few windows of Harvey,
    Leybourne & Newbold, against Student's t; two-sided. For windows that don't overlap
    it is the paired t-test. Where the truncated sum of autocovariances is not positive,
    Bartlett's weights replace it.

    All this supposes that windows apart are independent, and a great many of them: at a
    level of 5 % it rejects a true null in 6 to 8 % of cases if a twentieth of them
    overlap, in 10 % if a sixth do. Where losses stay high or low for a while, as they
    do in turbulent times, it finds differences that are none. ``n_overlapping=None``
    holds its level for any dependence that fades within a tenth of the windows or so:
    it takes the variance from the slowest waves of the differences (Lazarus and
    others), at the price of fewer degrees of freedom.

    Parameters
    ----------
    loss, other : array_like of shape (W,)
        In order of time, where there is one.
    n_overlapping : int or None, default 1
        How many windows in a row share future rows with the first of them:
        autocovariances of the differences up to this lag (excluded) count. In the
        papers, where windows are one step apart, it is the steps ahead. None: unknown
        dependence.

    Returns
    -------
    statistic : float
        Negative if `loss` is the lower one.
    p_value : float
        1 for equal losses everywhere.

    Raises
    ------
    ValueError
        Shapes differ, a loss is missing, or there are fewer than 2 windows.

    References
    ----------
    Diebold & Mariano, Comparing predictive accuracy, JBES 1995; Harvey, Leybourne &
    Newbold, Testing the equality of prediction mean squared errors, IJF 1997; Lazarus,
    Lewis, Stock & Watson, HAR inference, JBES 2018; Coroneo & Iacone, Comparing
    predictive accuracy in small samples, Journal of Applied Econometrics 2020.

    Examples
    --------
    >>> statistic, p_value = diebold_mariano([1.0, 2, 3, 4], [2.0, 3, 5, 5])
    >>> round(statistic, 6), round(p_value, 4)
    (-5.0, 0.0154)
    """
    difference = _difference(loss, other)
    n = len(difference)
    if n_overlapping is None:
        waves = slow_waves(n)
        variance = float(np.mean((difference @ waves) ** 2)) / n
        correction, freedom = 1.0, waves.shape[1]
    else:
        h = min(n_overlapping, n - 1)
        variance = _truncated_variance(difference, h) / n
        correction, freedom = (n + 1 - 2 * h + h * (h - 1) / n) / n, n - 1
    if variance <= 0:  # always the same: certain, whatever it is
        mean = difference.mean()
        return (float(np.sign(mean)) * np.inf, 0.0) if mean else (0.0, 1.0)
    statistic = difference.mean() * np.sqrt(correction / variance)
    return float(statistic), float(2 * stdtr(freedom, -abs(statistic)))


def slow_waves(n: int) -> Floats:
    """Give the slowest cosines of n points, orthonormal and without mean: (n, B).

    The mean square of a series' products with them estimates its long-run variance with
    B degrees of freedom, ``B = 0.41 n^(2/3)`` (Lazarus, Lewis, Stock & Watson, 2018).
    """
    n_waves = max(1, int(0.41 * n ** (2 / 3)))
    time = (np.arange(n) + 0.5) / n
    return np.sqrt(2 / n) * np.cos(np.pi * np.outer(time, np.arange(1, n_waves + 1)))


def _truncated_variance(difference: Floats, h: int) -> float:
    """Sum the autocovariances of lags below h, on both sides."""
    n = len(difference)
    error = difference - difference.mean()
    covariance = np.array([error[k:] @ error[: n - k] / n for k in range(h)])
    weight = np.r_[1.0, np.full(h - 1, 2.0)]
    if weight @ covariance <= 0:
        weight *= 1 - np.arange(h) / h
    return float(weight @ covariance)


def _difference(loss: ArrayLike, other: ArrayLike) -> Floats:
    """Check paired losses of windows, and subtract."""
    ours, theirs = np.asarray(loss, dtype=float), np.asarray(other, dtype=float)
    if ours.ndim != 1 or ours.shape != theirs.shape or len(ours) < 2:
        raise ValueError(
            "Losses of the same windows are needed, at least 2 in one dimension; got "
            f"shapes {ours.shape} and {theirs.shape}."
        )
    difference = ours - theirs
    missing = np.flatnonzero(np.isnan(difference))
    if missing.size:
        raise ValueError(
            f"{missing.size} window(s) have no loss of one of the models, the first "
            f"at {missing[0]}. Leave them out of both."
        )
    return difference
