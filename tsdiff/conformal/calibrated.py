"""Calibrated: fit on the first part of the data, calibrate on the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from tsdiff.forecasting import Forecaster
from tsdiff.history import recall
from tsdiff.panel.frame import Panel, to_panel
from tsdiff.parameters import check_count


def _has(name: str) -> Callable[[Any], bool]:
    """Whether the estimator inside has a method."""
    return lambda self: hasattr(self.estimator, name)


class Calibrated(BaseEstimator):
    """Fit an estimator on the first rows, calibrate it on the last ones.

    Parameters
    ----------
    estimator : gap filler or forecaster
        Not changed; a copy of it is fitted.
    holdout : float, default 0.2
        Share of the rows that is held back for calibration: the last ones of each
        series, the same number in all of them (of the series of median length).
        Series that are shorter than twice as many are only learned from.
    refit_all : bool, default False
        Fit once more on all of the data and keep the calibration of the first fit: the
        more recent data are learned from, but the promise of coverage is then that of a
        model of fewer data.
    options : mapping, optional
        Arguments of the estimator's `calibrate`, such as ``{"pattern": "blocks"}`` or
        ``{"step_size": 1}``.

    Attributes
    ----------
    estimator_ : gap filler or forecaster
        Fitted and calibrated. A forecaster forecasts from all of the data.

    See Also
    --------
    tsdiff.DiffusionForecaster.calibrate : The same by hand.

    Examples
    --------
    >>> from tsdiff.baselines import SeasonalNaive
    >>> y = np.random.default_rng(0).standard_normal((200, 1))
    >>> model = Calibrated(SeasonalNaive(horizon=2, period=7), holdout=0.3).fit(y)
    >>> model.predict_interval(coverage=0.8).shape
    (2, 2)
    >>> int(model.calibration_report()["n_cells"].iloc[0])
    60
    """

    def __init__(
        self,
        estimator: Any,
        *,
        holdout: float = 0.2,
        refit_all: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.estimator = estimator
        self.holdout = holdout
        self.refit_all = refit_all
        self.options = options

    def fit(self, data: Any, X: Any = None, *, static: Any = None) -> Self:
        """Fit on the first rows of the data and calibrate on the last ones.

        Parameters
        ----------
        data : as in `fit` of the estimator
        X : None
            Covariates can't be held back here: call the estimator's own `calibrate`.
        static : DataFrame or Series, optional
            Of a forecaster.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If the data or an argument can't be used, or too few rows are held back.
        """
        if X is not None:
            raise ValueError(
                "Calibrated holds back no covariates. Fit the estimator on the first "
                "rows and call its own calibrate(y, X) with all of them."
            )
        if not 0 < self.holdout < 1:
            raise ValueError(f"holdout is a share of the rows, got {self.holdout!r}.")
        looks_ahead = isinstance(self.estimator, Forecaster)
        features = {} if static is None else {"static": static}
        panel = to_panel(data)
        n_held = max(round(self.holdout * float(np.median(np.diff(panel.bounds)))), 1)
        split = np.diff(panel.bounds) >= 2 * n_held
        if not split.any():
            raise ValueError(
                f"holdout={self.holdout:g} holds back {n_held} rows, and no series has "
                "twice as many. Give more rows, or a smaller share."
            )
        learner = clone(self.estimator)
        left = np.repeat(panel.bounds[1:], np.diff(panel.bounds))
        last = left - np.arange(len(left)) <= n_held
        chosen = np.repeat(split, np.diff(panel.bounds))
        learner.fit(_rows(data, panel, ~(last & chosen)), **features)
        options: dict[str, Any] = dict(self.options or {})
        if looks_ahead:
            windows = _windows(learner, n_held, options)
            learner.calibrate(_rows(data, panel, chosen), **windows, **features)
        else:
            learner.calibrate(_rows(data, panel, last & chosen), **options)
        self.estimator_ = self._keep(learner, data, features)
        return self

    def _keep(self, learner: Any, data: Any, features: dict[str, Any]) -> Any:
        """Fit again on everything, or forecast from everything."""
        if self.refit_all:
            again = clone(self.estimator).fit(data, **features)
            again.calibration_ = learner.calibration_
            return again
        if isinstance(learner, Forecaster):
            known = features.get("static")
            learner.past_ = recall(learner, data, None, known, learner._memory())
        return learner

    @available_if(_has("transform"))
    def transform(self, X: Any) -> Any:
        """Fill gaps; see `transform` of the estimator."""
        return self._fitted().transform(X)

    @available_if(_has("predict"))
    def predict(self, *question: Any, **options: Any) -> Any:
        """Forecast; see `predict` of the estimator."""
        return self._fitted().predict(*question, **options)

    def predict_interval(self, *question: Any, **options: Any) -> Any:
        """Give calibrated intervals; see `predict_interval` of the estimator."""
        return self._fitted().predict_interval(*question, **options)

    def predict_quantiles(self, *question: Any, **options: Any) -> Any:
        """Give calibrated quantiles; see `predict_quantiles` of the estimator."""
        return self._fitted().predict_quantiles(*question, **options)

    def sample(self, *question: Any, **options: Any) -> Any:
        """Draw calibrated joint paths; see `sample` of the estimator."""
        return self._fitted().sample(*question, **options)

    def calibration_report(self) -> pd.DataFrame:
        """Compare nominal with empirical coverage; see that of the estimator."""
        return self._fitted().calibration_report()

    def _fitted(self) -> Any:
        check_is_fitted(self, "estimator_")
        return self.estimator_


def _windows(learner: Any, n_held: int, options: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `calibrate` such that only rows held back are forecast."""
    h = check_count("h", options.get("h") or learner.horizon)
    step = check_count("step_size", options.get("step_size") or h)
    n_windows = (n_held - h) // step + 1
    if n_windows < 1:
        raise ValueError(
            f"{n_held} rows are held back, fewer than the {h} of one forecast. Give a "
            "larger holdout."
        )
    return {"n_windows": n_windows, **options}


def _rows(data: Any, panel: Panel, chosen: NDArray[np.bool_]) -> Any:
    """Take some rows of the caller's data, in their kind and order."""
    rows = panel.layout.rows
    chosen = chosen if rows is None else chosen[rows]
    if isinstance(data, pd.DataFrame | pd.Series):
        return data[chosen]
    array = np.asarray(data) if isinstance(data, list | tuple) else data
    if not isinstance(array, np.ndarray):
        return (
            nw.from_native(array, eager_only=True, allow_series=True)
            .filter(chosen.tolist())
            .to_native()
        )
    if array.ndim < 3:
        return array[chosen]
    table = chosen.reshape(len(array), -1)  # all series are of one length
    return array[table.any(axis=1)][:, table.any(axis=0)]
