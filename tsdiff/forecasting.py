"""Forecaster: the answers that everything that looks ahead can give."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from tsdiff.advice import advise
from tsdiff.bands import (
    as_alpha,
    as_coverage,
    band_frame,
    interval_alpha,
    interval_suffixes,
    quantile_suffixes,
)
from tsdiff.calibrating import ForecastCalibration
from tsdiff.draws import Draws
from tsdiff.history import covariates_ahead, recall, rows_ahead
from tsdiff.panel.frame import Panel
from tsdiff.panel.past import Extras, Past
from tsdiff.parameters import check_count
from tsdiff.questions import Question, joint, latest_errors, quantiles
from tsdiff.schema import Schema
from tsdiff.validation import listing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Forecaster(ForecastCalibration, BaseEstimator):
    """Forecast, given the law of a missing cell and joint draws of all of them.

    `fit` of a subclass reads its data by `tsdiff.history.study` and sets ``schema_``,
    ``extras_`` and ``past_``; its parameters include `horizon`, `freq`, `insert_absent`
    and `random_state`. It says how it answers by `_quantiles` and `_samples`, of the
    missing cells of a panel whose first channels are the targets.
    """

    schema_: Schema
    extras_: Extras
    past_: Past | None

    def predict(
        self,
        h: int | None = None,
        y: Any = None,
        X: Any = None,
        *,
        level: float | Iterable[float] | None = None,
        static: Any = None,
        constraints: Any = None,
        obs_std: Any = None,
    ) -> Any:
        """Forecast by the median.

        Parameters
        ----------
        h : int, optional
            Steps ahead; the `horizon` of the fit by default.
        y : as in `fit`, optional
            History to forecast from, with the columns of the fit: other rows, series
            and gaps are welcome. By default that of the fit.
        X : as in `fit`, optional
            Covariates. With `y`, of its rows and the h rows to forecast; without, of
            the rows to forecast. By default those of the fit, as far as they go.
        level : float or iterable of float, optional
            Coverage in percent of intervals to go with the median, in columns of their
            own: ``name``, ``name-lo-80``, ``name-hi-80``, as Nixtla's libraries do.
        static : as in `fit`, optional
            Needed for series that the fit did not have, if it had static features.
        constraints : Constraint or list of them, optional
            What is known of the rows to come, see `tsdiff.constraints`: the answer is
            then that of 200 paths that meet it.
        obs_std : number, mapping or array, optional
            Errors of values of the history, such as the latest ones that are not final;
            the answer is then that of 200 paths. See `sample`.

        Returns
        -------
        frame of the kind of `y`
            The h rows after the last row of each series, series by series. Floating
            dtypes are kept, integers and booleans become float64; with `level`, of a
            Series a DataFrame.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If an argument can't be used, differs from the fit in columns, time labels
            or frequency, or `X` lacks stamps or columns that are needed.

        Warns
        -----
        UserWarning
            If nothing is observed of the history of a series.
        """
        shares = np.empty(0) if level is None else as_coverage(0.5, level)
        levels = np.append(0.5, interval_alpha(shares))
        asked = self._ask(h, y, X, static, constraints, obs_std)
        if level is None:
            cells, answer = quantiles(self, asked, levels)
            values = asked.frame.values.copy()
            np.put(values, cells, answer[0])
            return asked.frame.frame(values)
        return self._bands(asked, levels, ["", *interval_suffixes(shares)])

    def predict_interval(
        self,
        h: int | None = None,
        y: Any = None,
        X: Any = None,
        *,
        coverage: float | Iterable[float] = 0.9,
        level: float | Iterable[float] | None = None,
        static: Any = None,
        constraints: Any = None,
        obs_std: Any = None,
    ) -> Any:
        """Give central intervals of each step, without sampling.

        Parameters
        ----------
        h, y, X, static, constraints, obs_std
            As in `predict`.
        coverage : float or iterable of float, default 0.9
            Probability that the interval holds the truth, in (0, 1).
        level : float or iterable of float, optional
            The same in percent; replaces `coverage`.

        Returns
        -------
        frame of the kind of `y`
            Columns ``name-lo-90``, ``name-hi-90``.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `predict`, and if `coverage` can't be used.
        """
        shares = as_coverage(coverage, level)
        asked = self._ask(h, y, X, static, constraints, obs_std)
        return self._bands(asked, interval_alpha(shares), interval_suffixes(shares))

    def predict_quantiles(
        self,
        h: int | None = None,
        y: Any = None,
        X: Any = None,
        *,
        alpha: float | Iterable[float] = 0.5,
        static: Any = None,
        constraints: Any = None,
        obs_std: Any = None,
    ) -> Any:
        """Give quantiles of each step, without sampling.

        Parameters
        ----------
        h, y, X, static, constraints, obs_std
            As in `predict`.
        alpha : float or iterable of float, default 0.5
            Levels in (0, 1).

        Returns
        -------
        frame of the kind of `y`
            Columns ``name-q-0.1`` and so on.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `predict`, and if `alpha` can't be used.
        """
        levels = as_alpha(alpha)
        asked = self._ask(h, y, X, static, constraints, obs_std)
        return self._bands(asked, levels, quantile_suffixes(levels))

    def sample(  # noqa: PLR0913 - choices, each by its name
        self,
        h: int | None = None,
        y: Any = None,
        X: Any = None,
        *,
        n_samples: int | str = 100,
        random_state: Any = None,
        static: Any = None,
        constraints: Any = None,
        obs_std: Any = None,
        tolerance: float | None = None,
    ) -> Draws:
        """Draw joint paths of the future, over steps and channels.

        Parameters
        ----------
        h, y, X, static
            As in `predict`.
        n_samples : int or "auto", default 100
            "auto" draws 100 at least and 2,000 at most, until the `tolerance` is met.
        random_state : int, Generator, RandomState or None, default None
            Takes the place of the estimator's, if given.
        constraints : Constraint or list of them, optional
            What is known of the rows to come; see `tsdiff.constraints.steer`. At least
            100 paths are drawn for it, of which the first `n_samples` are given.
        obs_std : number, mapping or array, optional
            Standard deviation of the error of values of the history, beyond what those
            of the fit had: for all, by column name, or for each cell of `y`. Cells
            where it is above 0 are hidden from the model, drawn together with the
            future, and both are conditioned on what was measured; so some cells without
            errors should be left to see the level by. At least 200 paths are drawn.
        tolerance : float, optional
            For "auto": largest standard error of the quantiles of the total of each
            series and channel, in units of its spread; see `DiffusionImputer.sample`.

        Returns
        -------
        Draws
            `n_samples` frames of the h rows to forecast, and every view of them.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `predict`, and if the draws would take more than 1 GiB.
        """
        asked = self._ask(h, y, X, static, constraints, obs_std)
        return joint(self, asked, n_samples, random_state, tolerance)

    def _bands(self, asked: Question, levels: Floats, suffixes: list[str]) -> Any:
        """Quantiles of the future, as columns of the caller's kind."""
        cells, answer = quantiles(self, asked, levels)
        return band_frame(asked.frame, cells, answer, suffixes, self._is_calibrated)

    def _remember(self, history: Any = None) -> Self:
        """Forecast from another history from now on, without a fit.

        Parameters
        ----------
        history : as `y` in `fit`, optional
            With the columns of the fit. None forgets what was kept.

        Returns
        -------
        self

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `predict`.
        """
        check_is_fitted(self, "schema_")
        self.extras_, self.past_ = Extras(), None
        if history is not None:
            past = recall(self, history, None, None, self._memory())
            rows_ahead(self, past.panel, 1)  # or it can't go on
            self.past_ = past
        return self

    def _ask(
        self,
        h: Any,
        y: Any,
        X: Any,
        static: Any,
        constraints: Any = None,
        obs_std: Any = None,
    ) -> Question:
        """Read the caller's question."""
        check_is_fitted(self, "schema_")
        h = check_count("h", self.horizon if h is None else h)
        past = recall(self, y, X, static, self._memory()).latest(self._memory())
        future = rows_ahead(self, past.panel, h)
        fresh = y is None and X is not None
        values = covariates_ahead(self, past, future, all_needed=fresh)
        panel = past.continued(future, values, self.extras_)
        _warn_of_nothing(past.panel)
        rows = (panel.bounds[1:, None] - h + np.arange(h)).reshape(-1, 1)
        cells = rows * len(panel.channels) + np.arange(len(future.channels))
        place = np.arange(future.values.size)
        asked = Question(panel, cells.ravel(), future, place, constraints)
        if obs_std is None:
            return asked
        history, std = np.ones(len(panel.values), bool), np.zeros(panel.values.shape)
        history[rows] = False
        std[history, : len(future.channels)] = latest_errors(
            self, past.panel, y, obs_std
        )
        return asked.with_errors(std)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags


def _warn_of_nothing(panel: Panel) -> None:
    """Warn of series without a value to start from."""
    seen = np.add.reduceat(panel.observed.any(axis=1), panel.bounds[:-1])
    if seen.all():
        return
    names = [name for name, n in zip(panel.ids, seen, strict=True) if not n]
    which = "" if names == [None] else f" of series {listing(map(repr, names))}"
    advise(
        f"No value is observed in the history{which}; the answer is what the model "
        "takes to be usual."
    )
