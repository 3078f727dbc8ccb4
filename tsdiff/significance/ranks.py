"""Many models over many series, by their ranks: Friedman's test and Nemenyi's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Friedman:
    """Whether any of K models differs from the others.

    Attributes
    ----------
    mean_ranks : ndarray of shape (K,)
        1 for a model that is best on every series; ties share their ranks.
    statistic : float
        Friedman's, corrected for ties.
    p_value : float
    """

    mean_ranks: Floats
    statistic: float
    p_value: float


@dataclass(frozen=True)
class Nemenyi:
    """Which of K models differ from each other.

    Attributes
    ----------
    mean_ranks : ndarray of shape (K,)
        As in `Friedman`.
    critical_difference : float
        Models whose mean ranks are this far apart differ.
    p_values : ndarray of shape (K, K)
        Of each pair, for all pairs together; 1 on the diagonal.
    """

    mean_ranks: Floats
    critical_difference: float
    p_values: Floats


def friedman(losses: ArrayLike) -> Friedman:
    """Test whether models differ over series, by their ranks on each series.

    Parameters
    ----------
    losses : array_like of shape (n_series, K)
        Loss of each of K models on each series, lower is better; at least 3 models (for
        two, take `tsdiff.significance.block_bootstrap`) and 2 series, which should be
        independent.

    Returns
    -------
    Friedman
        Its p-value is that of the chi-squared law with K - 1 degrees of freedom, good
        for some 10 series or more; 1 if all models tie everywhere.

    Raises
    ------
    ValueError
        A loss is missing, or there are too few models or series.

    References
    ----------
    Friedman, JASA 1937; Demšar, Statistical comparisons of classifiers over multiple
    data sets, JMLR 2006.

    Examples
    --------
    >>> found = friedman([[1.0, 2, 3], [1, 3, 2], [1, 2, 3], [2, 1, 3]])
    >>> found.mean_ranks, found.statistic
    (array([1.25, 2.  , 2.75]), 4.5)
    """
    from scipy.stats import chi2

    ranks = _ranks(losses)
    n_series, n_models = ranks.shape
    mean = ranks.mean(axis=0)
    spread = ((ranks - (n_models + 1) / 2) ** 2).sum()  # less than full where tied
    if spread == 0:
        return Friedman(mean, 0.0, 1.0)
    between = n_series**2 * ((mean - (n_models + 1) / 2) ** 2).sum()
    statistic = (n_models - 1) * between / spread
    return Friedman(mean, float(statistic), float(chi2.sf(statistic, n_models - 1)))


def nemenyi(losses: ArrayLike, *, alpha: float = 0.05) -> Nemenyi:
    """Compare all pairs of models over series by their mean ranks.

    To be asked once `friedman` finds a difference; what critical-difference diagrams
    show.

    Parameters
    ----------
    losses : array_like of shape (n_series, K)
        As in `friedman`.
    alpha : float, default 0.05
        Probability of finding any difference where there is none.

    Returns
    -------
    Nemenyi

    Raises
    ------
    ValueError
        As `friedman`, or `alpha` does not lie between 0 and 1.

    References
    ----------
    Nemenyi, Distribution-free multiple comparisons, 1963; Demšar, JMLR 2006.

    Examples
    --------
    >>> losses = np.arange(5.0) + np.random.default_rng(0).normal(size=(30, 5))
    >>> round(nemenyi(losses).critical_difference, 3)  # 2.728 sqrt(5 * 6 / (6 * 30))
    1.114
    """
    from scipy.stats import studentized_range

    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha!r}.")
    ranks = _ranks(losses)
    n_series, n_models = ranks.shape
    mean = ranks.mean(axis=0)
    error = np.sqrt(n_models * (n_models + 1) / (12 * n_series))
    critical = studentized_range.ppf(1 - alpha, n_models, np.inf) * error
    apart = np.abs(mean[:, None] - mean) / error
    p_values = np.where(apart > 0, studentized_range.sf(apart, n_models, np.inf), 1.0)
    return Nemenyi(mean, float(critical), p_values)


def _ranks(losses: ArrayLike) -> Floats:
    """Rank models within each series, 1 for the lowest loss; ties share."""
    from scipy.stats import rankdata

    table = np.asarray(losses, dtype=float)
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < 3:
        raise ValueError(
            "losses must have shape (n_series, n_models) with at least 2 series and 3 "
            f"models, got {table.shape}. Compare two models by block_bootstrap."
        )
    missing = np.argwhere(np.isnan(table))
    if len(missing):
        pairs = [f"series {row}, model {column}" for row, column in missing[:5]]
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise ValueError(
            f"Losses are missing: {'; '.join(pairs)}{more}. Ranks need every model on "
            "every series: leave those series out, or those models."
        )
    return rankdata(table, axis=1)
