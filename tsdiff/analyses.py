"""Analyses of a completed frame: formulas, estimators with coefficients, functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from tsdiff.panel.frame import Panel, to_panel
from tsdiff.parameters import check_count, read_seed
from tsdiff.validation import listing

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """Estimates of one completed frame.

    Attributes
    ----------
    terms : tuple of str, length p
    estimate, variance : ndarray, shape (p,)
    df : float
        Residual degrees of freedom.
    """

    terms: tuple[str, ...]
    estimate: Floats
    variance: Floats
    df: float = np.inf


Analysis = Callable[[Any], Answer]


def analysis_of(asked: Any, panel: Panel, **options: Any) -> Analysis:
    """Make a function of completed frames of what the caller asks.

    Parameters
    ----------
    asked : str, estimator or callable
        See `tsdiff.pooling.pool`.
    panel : Panel
        Of the frames.
    **options
        Of estimators.

    Returns
    -------
    callable
        From a completed frame to its `Answer`.

    Raises
    ------
    TypeError, ValueError
        If it is none of these, or options don't go with it.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 6.0]})
    >>> answer = analysis_of("y ~ 1", to_panel(frame))(frame)
    >>> answer.terms, answer.estimate.round(6), answer.variance.round(6), answer.df
    (('Intercept',), array([3.]), array([2.333333]), 2.0)
    """
    if hasattr(asked, "fit") and hasattr(asked, "get_params"):
        return _Coefficients.of(asked, panel, **options)
    if options:
        raise TypeError(
            f"{listing(options)} go with scikit-learn's estimators alone, not with "
            f"{asked!r}."
        )
    if isinstance(asked, str):
        return lambda frame: _least_squares(asked, frame)
    if callable(asked):
        return lambda frame: _read(asked(frame))
    raise TypeError(
        "The analysis is a formula, an estimator with fit and coef_, or a function of "
        f"a completed frame; got {asked!r}."
    )


def _least_squares(formula: str, frame: Any) -> Answer:
    """Ordinary least squares by a formula."""
    import statsmodels.formula.api as smf

    table = _table(frame)
    results = smf.ols(formula, table).fit()
    lost = len(table) - int(results.nobs)
    if lost:
        raise ValueError(
            f"{formula!r} meets {lost} of {len(table)} rows with cells that are "
            "missing and not answered. Raise max_gap, or give complete rows."
        )
    return _read(results)


def _table(frame: Any) -> pd.DataFrame:
    """Rows and columns of any kind of frame as pandas holds them."""
    if isinstance(frame, pd.DataFrame):
        return frame
    panel = to_panel(frame)
    return pd.DataFrame(panel.values, panel.index, list(panel.channels))


def _read(results: Any) -> Answer:
    """Read what a function returned."""
    if hasattr(results, "params") and hasattr(results, "bse"):
        params = pd.Series(results.params)
        variance = np.asarray(results.bse, dtype=np.float64) ** 2
        df = float(getattr(results, "df_resid", np.inf))
        return Answer(_words(params.index), params.to_numpy(float), variance, df)
    if isinstance(results, Mapping):
        results = pd.Series(results)
    if isinstance(results, Real):
        figures = pd.Series({"estimate": float(results)})
    elif isinstance(results, pd.Series):
        figures = results.astype(float)
    else:
        raise TypeError(
            "The analysis must return results with params and bse, a number, or a "
            f"Series or mapping of numbers; got a {type(results).__name__}."
        )
    if not np.isfinite(figures).all():
        name = figures.index[~np.isfinite(figures)][0]
        raise ValueError(
            f"The analysis returned {figures[name]} for {name!r}. Are there cells that "
            "were not answered (max_gap, abstain)?"
        )
    values = np.asarray(figures, dtype=np.float64)
    return Answer(_words(figures.index), values, np.zeros_like(values))


def _words(index: Any) -> tuple[str, ...]:
    return tuple(map(str, index))


@dataclass(frozen=True)
class _Coefficients:
    """Coefficients of a scikit-learn estimator, their variance by bootstrap."""

    estimator: Any
    target: str
    features: tuple[str, ...]
    n_resamples: int
    block_length: int
    seed: int

    @classmethod
    def of(
        cls,
        estimator: Any,
        panel: Panel,
        *,
        target: str | None = None,
        features: Sequence[str] | None = None,
        n_resamples: int = 50,
        block_length: int = 1,
        random_state: Any = 0,
    ) -> _Coefficients:
        if target is None:
            raise ValueError(
                "An estimator needs target, the column to explain, one of "
                f"{listing(map(repr, panel.channels))}."
            )
        others = [name for name in panel.channels if name != target]
        chosen = tuple(others if features is None else features)
        unknown = {target, *chosen} - set(panel.channels)
        if unknown:
            raise ValueError(
                f"target and features name {listing(sorted(map(repr, unknown)))}; the "
                f"columns are {listing(map(repr, panel.channels))}."
            )
        counts = (
            check_count("n_resamples", n_resamples),
            check_count("block_length", block_length),
        )
        return cls(estimator, target, chosen, *counts, read_seed(random_state))

    def __call__(self, frame: Any) -> Answer:
        table = _table(frame)
        X = table[list(self.features)].to_numpy(float)
        y = table[self.target].to_numpy(float)
        if np.isnan(X).any() or np.isnan(y).any():
            raise ValueError(
                "target or features hold cells that are missing and not answered. "
                "Raise max_gap, or give the rows that are complete."
            )
        terms, estimate = self._fit(X, y)
        rng = np.random.default_rng(self.seed)
        rows = self._resampled(len(y), rng)
        each = np.array([self._fit(X[some], y[some])[1] for some in rows])
        df = float(len(y) - len(terms))
        return Answer(terms, estimate, each.var(axis=0, ddof=1), df)

    def _fit(self, X: Floats, y: Floats) -> tuple[tuple[str, ...], Floats]:
        """Fit a copy; return names and values of intercept and coefficients."""
        fitted = clone(self.estimator).fit(X, y)
        if not hasattr(fitted, "coef_"):
            raise TypeError(f"{fitted!r} has no coef_ after fit, so nothing to pool.")
        slopes = np.asarray(fitted.coef_, float).reshape(-1)
        if len(slopes) != len(self.features):
            raise ValueError(
                f"coef_ has shape {np.shape(fitted.coef_)}, and one number for each of "
                f"{len(self.features)} features is needed. Pool one class at a time."
            )
        start = np.asarray(fitted.intercept_, float).reshape(-1)
        names = ("Intercept", *self.features) if len(start) else self.features
        return names, np.append(start, slopes)

    def _resampled(self, n_rows: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Rows of each resample, in circular blocks, shape (n_resamples, n_rows)."""
        n_blocks = -(-n_rows // self.block_length)
        start = rng.integers(0, n_rows, (self.n_resamples, n_blocks, 1))
        rows = (start + np.arange(self.block_length)) % n_rows
        return rows.reshape(self.n_resamples, -1)[:, :n_rows]
