"""What the baselines that look ahead share: a season, and how they are fitted."""

from __future__ import annotations

from typing import Any, Self

import pandas as pd
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from tsdiff.baselines.contract import NormalLaw
from tsdiff.baselines.filler import ForecastFiller
from tsdiff.baselines.seasons import season_lengths
from tsdiff.features import check_features, check_learnable
from tsdiff.forecasting import Forecaster
from tsdiff.history import Lesson, study
from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_count


def read_alone(forecaster: Any, y: Any, X: Any, static: Any) -> Lesson:
    """Read the data of a fit of a forecaster that knows nothing but histories.

    Parameters
    ----------
    forecaster : Forecaster
        Its columns are noted.
    y : DataFrame, Series, array or polars frame
    X, static : None

    Returns
    -------
    Lesson

    Raises
    ------
    TypeError, ValueError
        If something can't be used.
    """
    if X is not None or static is not None:
        raise ValueError(
            f"{type(forecaster).__name__} forecasts each series from its own history "
            "and can't use X or static. Leave them out."
        )
    if forecaster.horizon is not None:
        check_count("horizon", forecaster.horizon)
    lesson = study(forecaster, y, None, None)
    check_learnable(lesson.panel)
    check_features(forecaster, lesson.panel, y, reset=True)
    return lesson


class Seasonal(NormalLaw, Forecaster):
    """Baseline forecaster that knows the length of the season of each channel.

    Parameters
    ----------
    horizon : int, optional
        Steps ahead that are answered unless `h` is given.
    period : int, optional
        Rows of a season; None takes it from the frequency, else from the data.
    freq, insert_absent, random_state
        As for `tsdiff.DiffusionForecaster`.
    """

    def __init__(
        self,
        *,
        horizon: int | None = None,
        period: int | None = None,
        freq: str | int | None = None,
        insert_absent: bool = False,
        random_state: Any = None,
    ) -> None:
        self.horizon = horizon
        self.period = period
        self.freq = freq
        self.insert_absent = insert_absent
        self.random_state = random_state

    def fit(self, y: Any, X: Any = None, *, static: Any = None) -> Self:
        """Learn from the observed cells of `y`.

        Parameters
        ----------
        y : DataFrame, Series, array or polars frame
            As for `tsdiff.DiffusionForecaster.fit`.
        X, static : None
            A baseline can't use them, and refuses them.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            For data or parameters that can't be used; an earlier fit stays as it was.
        """
        if self.period is not None:
            check_count("period", self.period)
        lesson = read_alone(self, y, X, static)
        self._learn_law(lesson.panel)
        self.schema_, self.extras_ = lesson.schema, lesson.extras
        self.past_ = lesson.past
        return self

    def as_imputer(
        self, *, max_gap: int | str | pd.Timedelta | None = None
    ) -> ForecastFiller:
        """Fill gaps by what was learned, without a fit.

        Parameters
        ----------
        max_gap : int or timedelta-like, optional
            Gaps longer than this stay NaN and are reported by a warning.

        Returns
        -------
        ForecastFiller

        Raises
        ------
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> from tsdiff.baselines import SeasonalNaive
        >>> y = pd.Series([1.0, 5.0, 2.0, None, 3.0, 7.0], name="y")
        >>> SeasonalNaive(period=2).fit(y).as_imputer().transform(y).tolist()
        [1.0, 5.0, 2.0, 5.0, 3.0, 7.0]
        """
        check_is_fitted(self, "schema_")
        parameters = {
            name: getattr(self, name)
            for name in ("freq", "insert_absent", "random_state")
        }
        filler = ForecastFiller(clone(self), max_gap=max_gap, **parameters)
        fitted = ("schema_", "center_", "scale_", "n_features_in_", "feature_names_in_")
        for name in fitted:
            if hasattr(self, name):
                setattr(filler, name, getattr(self, name))
        filler.law_ = self
        return filler

    def _learn(self, panel: Panel) -> None:
        self.periods_ = season_lengths(panel, self.period)
