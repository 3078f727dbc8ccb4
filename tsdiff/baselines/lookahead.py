"""Forecasts by a baseline that fills gaps: the future is a gap with one end."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from tsdiff.baselines.ahead import read_alone
from tsdiff.baselines.contract import Filler
from tsdiff.forecasting import Forecaster
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class FillForecaster(Forecaster):
    """Forecast by a baseline that fills gaps.

    The rows to come are a gap that has no end, behind a history which may have gaps of
    its own; gaps in the history that end with it are answered as well.

    Parameters
    ----------
    filler : LastValue, KalmanSmoother, SeasonalDecomposition, KNearestWindows, ...
        One of the baselines that fill gaps. Not changed; `fit` lets a copy learn.
    horizon : int, optional
        Steps ahead that are answered unless `h` is given.
    freq : str or int, optional
        Step of the time index, as pandas names it. Inferred by default.
    insert_absent : bool, default False
        Make rows of stamps that are absent from the grid of `freq`.
    random_state : int, Generator, RandomState or None, default None
        An int repeats draws at every call; None gives fresh ones.

    Attributes
    ----------
    filler_ : fitted copy of `filler`
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if `y` has names.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsdiff.baselines import LastValue
    >>> y = pd.Series([1.0, 3.0, 2.0], name="y")
    >>> FillForecaster(LastValue(), horizon=2).fit(y).predict().tolist()
    [2.0, 2.0]
    """

    def __init__(
        self,
        filler: Any,
        *,
        horizon: int | None = None,
        freq: str | int | None = None,
        insert_absent: bool = False,
        random_state: Any = None,
    ) -> None:
        self.filler = filler
        self.horizon = horizon
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
        if not isinstance(self.filler, Filler):
            raise TypeError(
                "FillForecaster looks ahead by a gap filler of tsdiff.baselines; got "
                f"{type(self.filler).__name__}."
            )
        lesson = read_alone(self, y, X, static)
        filler = clone(self.filler)
        filler._learn_law(lesson.panel)
        self.filler_: Filler = filler
        self.schema_, self.extras_ = lesson.schema, lesson.extras
        self.past_ = lesson.past
        return self

    def _quantiles(self, panel: Panel, cells: Ints, levels: Floats) -> Floats:
        return self.filler_._quantiles(panel, cells, levels)

    def _samples(self, panel: Panel, cells: Ints, n_samples: int, seed: int) -> Floats:
        return self.filler_._samples(panel, cells, n_samples, seed)
