"""GapFiller: the answers that everything that fills gaps can give."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
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
from tsdiff.calibrating import GapCalibration
from tsdiff.constraints.noise import errors
from tsdiff.draws import Draws
from tsdiff.gaps import cells_to_answer
from tsdiff.panel.frame import Panel
from tsdiff.questions import Question, joint, quantiles

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class GapFiller(GapCalibration, TransformerMixin, BaseEstimator):
    """Fill gaps, given the law of a missing cell and joint draws of all of them.

    `fit` of a subclass sets ``schema_``; its parameters include `freq`,
    `insert_absent`, `max_gap` and `random_state`. It says how it answers by
    `_quantiles` and `_samples`.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsdiff.baselines import LinearInterpolation
    >>> y = pd.Series([1.0, 2.0, np.nan, 4.0, 4.0], name="y")
    >>> filler = LinearInterpolation().fit(y)
    >>> filler.transform(y).tolist()
    [1.0, 2.0, 3.0, 4.0, 4.0]
    >>> filler.predict_quantiles(y, alpha=[0.5, 0.9]).loc[2].round(2).to_dict()
    {'y-q-0.5': 3.0, 'y-q-0.9': 3.52}
    >>> len(filler.sample(y, n_samples=20))
    20
    """

    def transform(self, X: Any, *, constraints: Any = None, obs_std: Any = None) -> Any:
        """Fill the missing cells of `X` by their medians.

        Parameters
        ----------
        X : as in `fit`
            The same columns; other rows, series and gaps are welcome.
        constraints : Constraint or list of them, optional
            What is known besides the data, see `tsdiff.constraints`: the answer is
            then that of 200 paths that meet it.
        obs_std : number, mapping or array, optional
            Errors of observed values, which are answered too, from 200 paths; see
            `sample`.

        Returns
        -------
        filled : same kind, index, columns and order as `X`
            Observed cells are those of `X`, bit for bit. Floating dtypes are kept,
            integers and booleans become float64.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `X` can't be used, or has other columns, another kind of time labels or
            another frequency than the data of the fit.

        Warns
        -----
        UserWarning
            If gaps longer than `max_gap` or cells without support stay, or no cell is
            observed.
        """
        asked = self._ask(X, None, constraints, obs_std)
        cells, answer = quantiles(self, asked, np.array([0.5]))
        values = asked.frame.values.copy()
        np.put(values, cells, answer[0])
        return asked.frame.frame(values)

    def predict_interval(
        self,
        X: Any,
        coverage: float | Iterable[float] = 0.9,
        *,
        level: float | Iterable[float] | None = None,
        where: Any = None,
        constraints: Any = None,
        obs_std: Any = None,
    ) -> Any:
        """Give central intervals of the missing cells, without sampling.

        Parameters
        ----------
        X : as in `fit`
        coverage : float or iterable of float, default 0.9
            Probability that the interval holds the truth, in (0, 1).
        level : float or iterable of float, optional
            The same in percent; replaces `coverage`.
        where : array-like of bool, shape (n_rows, n_channels), optional
            Answer only the missing cells marked True.
        constraints, obs_std : optional
            As in `transform`: then of 200 paths.

        Returns
        -------
        frame of the kind of `X`
            Columns ``name-lo-90``, ``name-hi-90``; both are the value itself where it
            is observed, NaN where it is missing and not answered.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `transform`, and if `coverage` or `where` can't be used.
        """
        share = as_coverage(coverage, level)
        asked = self._ask(X, where, constraints, obs_std)
        return self._bands(asked, interval_alpha(share), interval_suffixes(share))

    def predict_quantiles(
        self,
        X: Any,
        alpha: float | Iterable[float] = 0.5,
        *,
        where: Any = None,
        constraints: Any = None,
        obs_std: Any = None,
    ) -> Any:
        """Give quantiles of the missing cells, without sampling.

        Parameters
        ----------
        X : as in `fit`
        alpha : float or iterable of float, default 0.5
            Levels in (0, 1).
        where : array-like of bool, shape (n_rows, n_channels), optional
            Answer only the missing cells marked True.
        constraints, obs_std : optional
            As in `transform`: then of 200 paths.

        Returns
        -------
        frame of the kind of `X`
            Columns ``name-q-0.1`` and so on; the value itself where it is observed.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `transform`, and if `alpha` or `where` can't be used.
        """
        levels = as_alpha(alpha)
        asked = self._ask(X, where, constraints, obs_std)
        return self._bands(asked, levels, quantile_suffixes(levels))

    def sample(
        self,
        X: Any,
        n_samples: int | str = 100,
        *,
        where: Any = None,
        random_state: Any = None,
        constraints: Any = None,
        obs_std: Any = None,
        tolerance: float | None = None,
    ) -> Draws:
        """Draw joint paths of the missing cells.

        A draw is keyed by seed, series and place in time: it does not change with the
        number of samples, the other series or the memory at hand. Work is done in
        chunks of bounded size; what takes memory are the draws themselves, 1 GiB at
        most.

        Parameters
        ----------
        X : as in `fit`
        n_samples : int or "auto", default 100
            "auto" draws 100 at least and 2,000 at most, until the `tolerance` is met.
        where : array-like of bool, shape (n_rows, n_channels), optional
            Answer only the missing cells marked True.
        random_state : int, Generator, RandomState or None, default None
            Takes the place of the estimator's, if given.
        constraints : Constraint or list of them, optional
            What is known besides the data: bounds, totals, relations, preferences; see
            `tsdiff.constraints.steer`. At least 100 paths are drawn for it, of which
            the first `n_samples` are given.
        obs_std : number, mapping or array, optional
            Standard deviation of the error of observed values, beyond what those of the
            fit had: for all, by column name, or for each cell. Cells where it is above
            0 are answered too, near their value; others are exact, as by default. At
            least 200 paths are drawn for it.
        tolerance : float, optional
            For "auto": largest standard error of the 5 %, 50 % and 95 % quantiles of
            the totals of gaps, in units of these totals' spread (root of the mean
            square). By default 0.1; the paths that it takes grow by its square.

        Returns
        -------
        Draws
            `n_samples` completed frames, and every view of them.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `transform`, and if an argument can't be used or the draws would take
            more than 1 GiB.
        """
        asked = self._ask(X, where, constraints, obs_std)
        return joint(self, asked, n_samples, random_state, tolerance)

    def _ask(self, X: Any, where: Any, constraints: Any, obs_std: Any) -> Question:
        """Read the caller's question."""
        panel, cells = self._read(X, where)
        asked = Question(panel, cells, panel, cells, constraints)
        return asked if obs_std is None else asked.with_errors(errors(panel, obs_std))

    def _bands(self, asked: Question, levels: Floats, suffixes: list[str]) -> Any:
        """Quantiles of the missing cells, as columns of the caller's kind."""
        cells, answer = quantiles(self, asked, levels)
        return band_frame(asked.frame, cells, answer, suffixes, self._is_calibrated)

    def _read(self, X: Any, where: Any = None) -> tuple[Panel, Ints]:
        """Panel of the caller's data and the cells to answer."""
        check_is_fitted(self, "schema_")
        panel = self.schema_.read(self, X)
        if not panel.observed.any():
            advise("No cell of X is observed; the answers know nothing of these rows.")
        return panel, cells_to_answer(panel, self.max_gap, where)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Give the names of the columns of the answer: those of the data.

        Parameters
        ----------
        input_features : array-like of str, optional
            Must be the names of the fit, if given.

        Returns
        -------
        ndarray of str objects

        Raises
        ------
        NotFittedError, ValueError
        """
        check_is_fitted(self, "schema_")
        return self.schema_.names_out(self, input_features)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
