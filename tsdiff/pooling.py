"""Multiple imputation: one analysis of many completed frames, by Rubin's rules.

Words: m completed frames; p terms (coefficients, or other figures) of an analysis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from tsdiff.analyses import analysis_of
from tsdiff.bands import as_coverage, interval_suffixes
from tsdiff.draws import Draws

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Pooled:
    """What many completed frames say together; arrays of shape (..., p).

    Attributes
    ----------
    estimate : ndarray
        Mean over the completed frames.
    std_error : ndarray
        Root of the total variance: within frames, and between them.
    df : ndarray
        Degrees of freedom of Student's t.
    missing_information : ndarray
        Share of the information that is lost with the missing cells.
    terms : tuple of str, length p
    n_draws : int
        Completed frames, m.
    """

    estimate: Floats
    std_error: Floats
    df: Floats
    missing_information: Floats
    terms: tuple[str, ...]
    n_draws: int

    def interval(self, coverage: float = 0.95) -> tuple[Floats, Floats]:
        """Give the ends of confidence intervals.

        Parameters
        ----------
        coverage : float, default 0.95

        Returns
        -------
        low, high : ndarray of shape (..., p)
        """
        (share,) = as_coverage(coverage)
        reach = stdtrit(self.df, (1 + share) / 2) * self.std_error
        return self.estimate - reach, self.estimate + reach

    def p_value(self, null: float = 0.0) -> Floats:
        """Two-sided p-values of the terms being `null`.

        Returns
        -------
        ndarray of shape (..., p)
            1 where the estimate is `null` without any error.
        """
        away = np.abs(self.estimate - null)
        sure = self.std_error == 0
        t = np.where(sure, np.where(away > 0, np.inf, 0.0), away)
        t = t / np.where(sure, 1.0, self.std_error)
        return 2 * stdtr(self.df, -t)

    def summary(self, coverage: float = 0.95) -> pd.DataFrame:
        """Table of the terms.

        Parameters
        ----------
        coverage : float, default 0.95
            Of the intervals.

        Returns
        -------
        DataFrame of p rows
            Columns ``estimate``, ``std_error``, ``df``, ``p_value`` (of being 0),
            ``lo-95``, ``hi-95`` and ``missing_information``.
        """
        ends = zip(
            interval_suffixes(as_coverage(coverage)),
            self.interval(coverage),
            strict=True,
        )
        table = {
            "estimate": self.estimate,
            "std_error": self.std_error,
            "df": self.df,
            "p_value": self.p_value(),
            **{suffix.lstrip("-"): end for suffix, end in ends},
            "missing_information": self.missing_information,
        }
        return pd.DataFrame(table, index=pd.Index(self.terms, name="term"))

    def __repr__(self) -> str:
        table = self.summary().to_string(float_format=lambda x: f"{x:.4g}")
        return f"Pooled({self.n_draws} completed frames)\n{table}"


def rubin(
    estimates: ArrayLike,
    variances: ArrayLike,
    df_complete: float = np.inf,
    terms: Sequence[str] | None = None,
) -> Pooled:
    """Pool the answers of m completed frames by Rubin's rules.

    Parameters
    ----------
    estimates, variances : array-like of shape (m, ..., p)
        Of each completed frame: estimates, and their sampling variances were the frame
        complete (0 for figures of these very rows). Axes between are many analyses.
    df_complete : float, default inf
        Residual degrees of freedom of a complete frame.
    terms : sequence of str of length p, optional

    Returns
    -------
    Pooled
        Arrays of shape (..., p).

    Raises
    ------
    ValueError
        If there are fewer than two completed frames, or shapes differ.

    References
    ----------
    Rubin, Multiple Imputation for Nonresponse in Surveys, Wiley 1987, section 3.1;
    Barnard and Rubin, Small-sample degrees of freedom with multiple imputation,
    Biometrika 1999.

    Examples
    --------
    >>> pooled = rubin([[1.0], [2.0], [3.0]], [[1.0], [1.0], [1.0]], df_complete=20)
    >>> pooled.estimate, pooled.std_error.round(3), pooled.df.round(2)
    (array([2.]), array([1.528]), array([3.44]))
    """
    each, within = np.asarray(estimates, float), np.asarray(variances, float)
    m = len(each)
    if m < 2 or each.shape != within.shape:
        raise ValueError(
            f"Estimates and variances of at least 2 completed frames are needed, one "
            f"for each term; got shapes {each.shape} and {within.shape}. Draw more "
            "samples."
        )
    inner = within.mean(axis=0)
    between = (1 + 1 / m) * each.var(axis=0, ddof=1)
    total = inner + between
    share = np.divide(between, total, out=np.zeros_like(total), where=total > 0)
    with np.errstate(divide="ignore"):
        df_draws = (m - 1) / share**2
        df_seen = np.full_like(total, np.inf)
        if np.isfinite(df_complete):
            df_seen = df_complete * (1 - share) * (df_complete + 1) / (df_complete + 3)
        df = 1 / (1 / df_draws + 1 / df_seen)
    lost = share + (1 - share) * 2 / (df + 3)
    names = [f"term {k}" for k in range(total.shape[-1])] if terms is None else terms
    lost = np.where(share > 0, lost, 0.0)
    return Pooled(each.mean(axis=0), np.sqrt(total), df, lost, tuple(names), m)


def pool(draws: Draws, analysis: Any, **options: Any) -> Pooled:
    """Analyse every completed frame and pool the answers by Rubin's rules.

    What the missing cells leave open enters the intervals as variance between the
    completed frames, besides that within each of them.

    Parameters
    ----------
    draws : Draws
        From `sample`: 20 or more completed frames, 100 if much is missing.
    analysis : str, estimator or callable
        - A formula, such as ``"y ~ x1 + x2"``: ordinary least squares by statsmodels.
        - A scikit-learn estimator with ``coef_``, with `target` and `features`.
        - A function of a completed frame, in the caller's kind. It returns results of
          statsmodels, e.g. ``lambda df: smf.logit("y ~ x", df).fit(disp=0)``, or with
          ``cov_type="HAC"`` where residuals depend on each other; or a number, Series
          or mapping of numbers, whose only uncertainty is then that of the missing
          cells.
    **options
        Of scikit-learn's estimators: `target`, the column to explain; `features`, those
        to explain it by (all others by default); `n_resamples=50`; `block_length=1`, in
        rows; and `random_state=0`. Their variance within a frame is that of a
        bootstrap, of circular blocks of rows if these depend on each other (Künsch,
        1989): the estimator may be regularised or robust, so there is no formula.

    Returns
    -------
    Pooled
        See its ``summary()``.

    Raises
    ------
    TypeError, ValueError
        If the analysis is none of these, names unknown columns, meets cells that were
        not answered, or there are fewer than 2 draws.

    Notes
    -----
    Rubin's rules assume that imputations are draws that know as much as the analysis
    does, no more and no less, and that the imputer's own parameters are uncertain. A
    fitted imputer keeps its weights for all draws: with few data its intervals are
    somewhat narrow. One that has learned from more than is analysed errs on the wide
    side (Meng, Statistical Science 1994).

    References
    ----------
    Rubin 1987; Barnard and Rubin 1999: see `rubin`.

    Examples
    --------
    >>> from tsdiff.baselines import LinearInterpolation
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.normal(size=(80, 2)).cumsum(0), columns=["x", "y"])
    >>> X.iloc[10:30, 0] = np.nan
    >>> draws = LinearInterpolation(random_state=0).fit(X).sample(X, n_samples=20)
    >>> pool(draws, "y ~ x").summary().index.tolist()
    ['Intercept', 'x']
    >>> pool(draws, lambda df: df["x"].max()).terms
    ('estimate',)
    """
    ask = analysis_of(analysis, draws.panel, **options)
    answers = [ask(frame) for frame in draws]
    first = answers[0]
    return rubin(
        [answer.estimate for answer in answers],
        [answer.variance for answer in answers],
        first.df,
        first.terms,
    )
