"""Gaps filled by the law of a baseline that was made to look ahead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from tsdiff.baselines.contract import Filler, NormalLaw
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class ForecastFiller(Filler):
    """Fill gaps by a baseline forecaster.

    Parameters
    ----------
    forecaster : SeasonalNaive, ETS or ARIMA
        Not changed; `fit` lets a copy learn.
    freq : str or int, optional
        Step of the time index, as pandas names it. Inferred by default.
    insert_absent : bool, default False
        Make rows of stamps that are absent from the grid of `freq`.
    max_gap : int or timedelta-like, optional
        Gaps longer than this stay NaN and are reported by a warning.
    random_state : int, Generator, RandomState or None, default None
        An int repeats draws at every call; None gives fresh ones.

    Attributes
    ----------
    law_ : SeasonalNaive, ETS or ARIMA
        What was learned.
    center_, scale_ : ndarray, shape (n_channels,)
        Mean and spread of each channel, the answer for series without any value.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if `X` has names.

    Examples
    --------
    >>> from tsdiff.baselines import SeasonalNaive
    >>> y = pd.Series([1.0, 5.0, 2.0, np.nan, 3.0, 7.0], name="y")
    >>> ForecastFiller(SeasonalNaive(period=2)).fit(y).transform(y).tolist()
    [1.0, 5.0, 2.0, 5.0, 3.0, 7.0]
    """

    def __init__(
        self,
        forecaster: Any,
        *,
        freq: str | int | None = None,
        insert_absent: bool = False,
        max_gap: int | str | pd.Timedelta | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            freq=freq,
            insert_absent=insert_absent,
            max_gap=max_gap,
            random_state=random_state,
        )
        self.forecaster = forecaster

    def _learn_law(self, panel: Panel) -> None:
        self.law_: NormalLaw = clone(self.forecaster)
        self.law_._learn_law(panel)
        self.center_, self.scale_ = self.law_.center_, self.law_.scale_

    def _quantiles(self, panel: Panel, cells: Ints, levels: Floats) -> Floats:
        return self.law_._quantiles(panel, cells, levels)

    def _samples(self, panel: Panel, cells: Ints, n_samples: int, seed: int) -> Floats:
        return self.law_._samples(panel, cells, n_samples, seed)
