"""How data are missing: lengths of gaps, channels missing together, Little's test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.gaps import gap_lengths
from tsdiff.panel.frame import Panel, to_panel

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_MOST_ROUNDS, _TOLERANCE = 1_000, 1e-8  # of EM; of a change relative to the spread
_REGULAR = 1e-10  # smallest eigenvalue of a correlation matrix that can be inverted


@dataclass(frozen=True)
class LittleTest:
    """What Little's test says.

    Attributes
    ----------
    statistic : float
        Distance of the patterns' means from the common mean; chi-squared if the data
        are missing completely at random.
    degrees : int
        Of freedom.
    p_value : float
    n_rows, n_patterns : int
        Rows with at least one value, and their different patterns of missing cells.
    """

    statistic: float
    degrees: int
    p_value: float
    n_rows: int
    n_patterns: int


def little_test(X: Any) -> LittleTest:
    """Test whether values are missing completely at random (MCAR).

    The means of the rows with each pattern of missing cells are compared with the
    maximum-likelihood mean of all rows, under a multivariate normal law fitted by EM.
    Rejection says that what is missing depends on values; acceptance does not say that
    it does not, as the test sees differences of means alone.

    The test takes rows for independent. Rows of a time series rarely are, and gaps come
    in blocks, so it then rejects far too often: a small p-value is weak evidence here,
    a large one keeps its meaning.

    Parameters
    ----------
    X : DataFrame, Series, array or polars frame
        Rows are time, columns are channels, NaN is missing; two channels at least.

    Returns
    -------
    LittleTest

    Raises
    ------
    ValueError
        Nothing to compare (one channel, or one pattern), a channel is never observed
        or constant, two channels are never observed together, or the observed channels
        determine each other exactly.

    References
    ----------
    Little (1988), A Test of Missing Completely at Random for Multivariate Data with
    Missing Values, JASA 83.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> X[:50, 1] = np.nan
    >>> little_test(X).p_value > 0.05
    True
    >>> X[:50, 0] += 1  # where the second is missing, the first one is higher
    >>> little_test(X).p_value < 1e-6
    True
    """
    from scipy.stats import chi2

    panel = to_panel(X)
    rows = panel.values[panel.observed.any(axis=1)]
    _check_channels(panel, rows)
    spread = np.nanstd(rows, axis=0)
    scaled = (rows - np.nanmean(rows, axis=0)) / spread
    patterns, of_row = np.unique(~np.isnan(scaled), axis=0, return_inverse=True)
    if len(patterns) < 2:
        raise ValueError(
            "All rows have the same cells missing, so there is nothing to compare."
        )
    of_row = of_row.reshape(-1)
    counts = np.bincount(of_row)
    mean, covariance = _fit_normal(scaled, patterns, of_row)
    if np.linalg.eigvalsh(covariance)[0] < _REGULAR:
        raise ValueError(
            "The channels determine each other exactly (their covariance cannot be "
            "inverted). Leave out those that are computed from the others."
        )
    unbiased = covariance * len(rows) / (len(rows) - 1)
    statistic = 0.0
    for number, seen in enumerate(patterns):
        gap = scaled[of_row == number][:, seen].mean(axis=0) - mean[seen]
        distance = gap @ np.linalg.solve(unbiased[np.ix_(seen, seen)], gap)
        statistic += float(counts[number] * distance)
    degrees = int(patterns.sum()) - rows.shape[1]
    p_value = float(chi2.sf(statistic, degrees))
    return LittleTest(statistic, degrees, p_value, len(rows), len(patterns))


def _check_channels(panel: Panel, rows: Array) -> None:
    """Check that means and covariances of all channels can be told."""
    names, seen = panel.channels, (~np.isnan(rows)).astype(float)
    if len(names) < 2:
        raise ValueError("Little's test compares channels, and there is only one.")
    together = seen.T @ seen
    never = np.flatnonzero(np.diag(together) == 0)
    if len(never):
        raise ValueError(
            f"Channel {names[never[0]]!r} is never observed. Leave it out."
        )
    apart = np.argwhere(together == 0)
    if len(apart):
        one, other = (names[k] for k in apart[0])
        raise ValueError(
            f"{one!r} and {other!r} are never observed together, so how they vary "
            "together is unknown. Leave one of them out."
        )
    flat = np.flatnonzero(np.nanmin(rows, axis=0) == np.nanmax(rows, axis=0))
    if len(flat):
        raise ValueError(
            f"Channel {names[flat[0]]!r} is constant, so its means cannot differ. "
            "Leave it out."
        )


def _fit_normal(rows: Array, patterns: Bools, of_row: Ints) -> tuple[Array, Array]:
    """Fit mean and covariance to rows with holes by EM (Dempster et al., 1977).

    Parameters
    ----------
    rows : ndarray of shape (N, C)
        Scaled to unit variance.
    patterns : ndarray of bool, shape (P, C)
        Observed channels.
    of_row : ndarray of int, shape (N,)

    Returns
    -------
    mean : ndarray of shape (C,)
    covariance : ndarray of shape (C, C)
        Maximum-likelihood: divided by N.
    """
    n, n_channels = rows.shape
    groups = [rows[of_row == number] for number in range(len(patterns))]
    mean, covariance = np.zeros(n_channels), np.eye(n_channels)
    for _ in range(_MOST_ROUNDS):
        total, square = np.zeros(n_channels), np.zeros((n_channels, n_channels))
        for group, seen in zip(groups, patterns, strict=True):
            hidden = ~seen
            known = covariance[np.ix_(seen, seen)]
            across = covariance[np.ix_(seen, hidden)]
            slope = np.linalg.lstsq(known, across, rcond=None)[0]
            full = group - mean
            full[:, hidden] = full[:, seen] @ slope
            total += full.sum(axis=0)
            square += full.T @ full
            rest = covariance[np.ix_(hidden, hidden)] - across.T @ slope
            square[np.ix_(hidden, hidden)] += len(group) * rest
        step = total / n
        fresh = square / n - np.outer(step, step)
        change = max(np.abs(step).max(), np.abs(fresh - covariance).max())
        mean, covariance = mean + step, fresh
        if change < _TOLERANCE:
            break
    return mean, covariance


def count_gaps(panel: Panel) -> tuple[Ints, Ints]:
    """Count the gaps of each length, channel by channel.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    lengths : ndarray of int, shape (K,)
        Rows, ascending.
    counts : ndarray of int, shape (K, C)
        Gaps of that length in each channel.

    Examples
    --------
    >>> count_gaps(to_panel(np.array([[np.nan], [1.0], [np.nan], [np.nan]])))
    (array([1, 2]), array([[1],
           [1]]))
    """
    cells = gap_lengths(panel)
    lengths = np.unique(cells[cells > 0])
    counts = np.stack(
        [(cells == length).sum(axis=0) // length for length in lengths.tolist()]
        or [np.zeros(cells.shape[1], dtype=np.int64)]
    )
    return lengths, counts[: len(lengths)]


def co_missingness(panel: Panel) -> Array:
    """How often a channel is missing where another one is.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    ndarray of shape (C, C)
        Share of the rows in which the column's channel is missing among those in which
        the row's channel is; NaN in the row of a channel that has no gap.

    Examples
    --------
    >>> nan = np.nan
    >>> X = np.array([[nan, nan], [nan, 1.0], [1.0, 1.0]])
    >>> co_missingness(to_panel(X))
    array([[1. , 0.5],
           [1. , 1. ]])
    """
    missing = np.isnan(panel.values).astype(float)
    together = missing.T @ missing
    own = np.diag(together)[:, None]
    return np.divide(together, own, out=np.full_like(together, np.nan), where=own > 0)
