"""Abstaining: estimators by diffusion know where their answers have no support."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from tsdiff.calibrating.answers import Calibratable
from tsdiff.learning import Model
from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_abstain
from tsdiff.support import report_unsupported, support_scores

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Abstaining(Calibratable):
    """Mixin: cells with less support than `abstain` are left as they are.

    All cells are answered together before some are taken out, so that the answers of
    the others are the same, bit for bit.
    """

    abstain: float | None
    model_: Model

    def _support(self, panel: Panel) -> Floats:
        """Support of each cell, shape (N, C)."""
        model = self.model_
        return support_scores(panel, model.scaler, model.n_steps, model.horizon)

    def _supported(self, panel: Panel, cells: Ints) -> NDArray[np.bool_]:
        threshold = check_abstain(self.abstain)
        if threshold is None:
            return super()._supported(panel, cells)
        kept = self._support(panel).ravel()[cells] >= threshold
        if not kept.all():
            report_unsupported(panel, cells[~kept], threshold)
        return kept


class FillingSupport(Abstaining):
    """Mixin of imputers by diffusion."""

    def support(self: Any, X: Any) -> Any:
        """Score how well the answer of each missing cell is borne out.

        The score is the product of four parts. *Gap*: 1 for gaps of up to half a
        window, falling evenly to 0 for those as long as the window, where gaps at the
        ends of a series are counted up to the cell. *Fit*: 0 if the column held no
        value in the fit. *Range*: a value of the column shown nearby counts 1 within
        the range of the fit, 1/2 if it is once the range away from it, 1/(1 + e) if e
        times; their mean. *Context*: 1 if a value of the column is shown nearby, 1/2 if
        only other columns are, 0 if nothing is. Nearby are the rows that a window can
        hold together with the cell.

        Parameters
        ----------
        X : as in `fit`
            The same columns; other rows, series and gaps are welcome.

        Returns
        -------
        frame of the kind of `X`, with the same columns
            In [0, 1]; 1 where observed. Of a Series a DataFrame.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `transform`.

        Examples
        --------
        >>> from tsdiff import DiffusionImputer
        >>> y = np.sin(np.arange(60.0) / 5)[:, None]
        >>> y[10], y[20:32] = np.nan, np.nan
        >>> sizes = {"max_epochs": 1, "width": 16, "depth": 1, "random_state": 0}
        >>> imputer = DiffusionImputer(window=16, **sizes).fit(y)
        >>> imputer.support(y)[[9, 10, 25], 0]
        array([1. , 1. , 0.5])
        """
        check_is_fitted(self, "schema_")
        panel = self.schema_.read(self, X)
        return panel.columns_frame(self._support(panel), list(panel.channels))


class ForecastSupport(Abstaining):
    """Mixin of forecasters by diffusion."""

    def support(
        self: Any,
        h: int | None = None,
        y: Any = None,
        X: Any = None,
        *,
        static: Any = None,
    ) -> Any:
        """Score how well the answer of each step is borne out.

        As `DiffusionImputer.support`, of the rows to forecast: the gap of a step are
        the rows since the last value of its column, and gaps of up to the horizon of
        the fit count as short.

        Parameters
        ----------
        h, y, X, static
            As in `predict`.

        Returns
        -------
        frame of the kind of `y`, with the same columns
            The h rows after the last row of each series, in [0, 1]. Of a Series a
            DataFrame.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `predict`.

        Examples
        --------
        >>> from tsdiff import DiffusionForecaster
        >>> y = np.sin(np.arange(60.0) / 5)[:, None]
        >>> sizes = {"max_epochs": 1, "width": 16, "depth": 1, "random_state": 0}
        >>> forecaster = DiffusionForecaster(horizon=3, window=16, **sizes).fit(y)
        >>> forecaster.support(12)[[0, 7, 11], 0]
        array([1. , 1. , 0.5])
        """
        asked = self._ask(h, y, X, static)
        future = asked.frame
        scores = self._support(asked.panel).ravel()[asked.cells]
        scores = scores.reshape(future.values.shape)
        return future.columns_frame(scores, list(future.channels))
