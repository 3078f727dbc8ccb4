"""DiffusionImputer: fill the gaps of time series, with honest uncertainty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from tsdiff import io
from tsdiff._base import check_parameters, fit_panel, read_seed
from tsdiff.answering import draw, quantiles
from tsdiff.bands import (
    as_alpha,
    as_coverage,
    band_frame,
    interval_alpha,
    interval_suffixes,
    quantile_suffixes,
)
from tsdiff.draws import Draws
from tsdiff.gaps import cells_to_answer
from tsdiff.panel.frame import Panel

_MOST_NUMBERS = 2**27  # 1 GiB of float64: draws beyond this are refused in words


class DiffusionImputer(TransformerMixin, BaseEstimator):
    """Fill missing values of time series by a conditional diffusion model.

    A transformer reads each window once and gives the law of every missing cell in
    closed form: medians, quantiles and intervals need no sampling. A small denoiser
    then draws joint paths whose cells follow these laws (the CSDI family: Tashiro et
    al., 2021, NeurIPS). Observed cells pass through unchanged, bit for bit.

    Sizes left at None are chosen from the data. Parameters are only stored here; `fit`
    checks them.

    Parameters
    ----------
    window : int, optional
        Steps the model sees at once. By default the length of the longest series if
        that is at most 256, otherwise four times the gaps as they are, 64 to 192.
        Series shorter than the window are seen whole.
    patch_length : int, optional
        Steps in one time token; 1 by default for windows of up to 256 steps, beyond
        that as many as keep the tokens at 256.
    width, depth : int, optional
        Size of the transformer; 64 to 128 and 3 to 4 by default, by the number of
        observed cells.
    n_steps : int, default 8
        Steps of the sampler; cost of `sample` grows in proportion.
    max_epochs : int, optional
        Passes over the data. By default as many as make 1,500 optimiser steps, or as
        `max_minutes` allows.
    max_minutes : float, optional
        Wall-clock minutes of training. None by default, because a clock makes results
        differ between machines. Training stops at whichever limit comes first, and the
        learning rate anneals to it.
    batch_size : int, optional
        Windows in one training step; 32 by default, fewer where windows are large.
    learning_rate : float, default 1e-3
        Of AdamW.
    mask_mix : mapping of str to float, optional
        Weights of the ways in which training hides cells: "random", "blocks", "lent"
        (the pattern of missing cells of another window), "channels" and "tails".
    validation_fraction : float, default 0.1
        Share of the series (of few series: of the windows, of short ones: of the
        observed cells) that is held out to choose the weights, 512 windows at most.
    freq : str or int, optional
        Step of the time index, as pandas names it. Inferred by default; an index
        without a regular step is taken as irregular, with elapsed time as input.
    insert_absent : bool, default False
        Make rows of stamps that are absent from the grid of `freq`. Answers then have
        these rows too.
    max_gap : int or timedelta-like, optional
        Gaps longer than this - in rows, or in time as "2h" - stay NaN and are reported
        by a warning.
    warm_start : bool, default False
        Let `fit` go on from the weights of the last one.
    random_state : int, Generator, RandomState or None, default None
        An int repeats draws at every call; None gives fresh ones.
    verbose : int, default 0
        1 shows one progress bar with loss and remaining time.

    Attributes
    ----------
    history_ : DataFrame
        Steps, seconds, losses and validation CRPS (in units of the channels' scales)
        along the fit.
    n_iter_ : int
        Optimiser steps made.
    interrupted_ : bool
        Whether the fit was stopped by KeyboardInterrupt; the best weights until then
        are kept.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if `X` has names.

    Notes
    -----
    scikit-learn's checks that rows can be answered one by one or in another order hold
    here only because complete rows pass unchanged: rows of a time series are not
    exchangeable.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from tsdiff import DiffusionImputer
    >>> y = pd.Series(np.sin(np.arange(60) / 5), name="y")
    >>> y.iloc[20:24] = np.nan
    >>> imputer = DiffusionImputer(max_epochs=2, width=16, depth=1, random_state=0)
    >>> filled = imputer.fit(y).transform(y)
    >>> int(filled.isna().sum()), bool((filled[y.notna()] == y.dropna()).all())
    (0, True)
    """

    def __init__(
        self,
        *,
        window: int | None = None,
        patch_length: int | None = None,
        width: int | None = None,
        depth: int | None = None,
        n_steps: int = 8,
        max_epochs: int | None = None,
        max_minutes: float | None = None,
        batch_size: int | None = None,
        learning_rate: float = 1e-3,
        mask_mix: Mapping[str, float] | None = None,
        validation_fraction: float = 0.1,
        freq: str | int | None = None,
        insert_absent: bool = False,
        max_gap: int | str | pd.Timedelta | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.window = window
        self.patch_length = patch_length
        self.width = width
        self.depth = depth
        self.n_steps = n_steps
        self.max_epochs = max_epochs
        self.max_minutes = max_minutes
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.mask_mix = mask_mix
        self.validation_fraction = validation_fraction
        self.freq = freq
        self.insert_absent = insert_absent
        self.max_gap = max_gap
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> DiffusionImputer:  # noqa: ARG002
        """Learn from the observed cells of `X`.

        Parameters
        ----------
        X : DataFrame, Series, array or polars frame
            Rows are time, columns are channels, NaN is missing. Many series: a
            MultiIndex ``(unique_id, ds)``, or an array of shape (n_series, n_times,
            n_channels).
        y : None
            Ignored; scikit-learn's pipelines pass it.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            For data or parameters that can't be used, naming column, row and value.
        """
        check_parameters(self)
        fit_panel(self, X)
        return self

    def transform(self, X: Any) -> Any:
        """Fill the missing cells of `X` by their medians.

        Parameters
        ----------
        X : as in `fit`
            The same columns; other rows, series and gaps are welcome.

        Returns
        -------
        filled : same kind, index, columns and order as `X`
            Observed cells are those of `X`, bit for bit.

        Raises
        ------
        NotFittedError, TypeError, ValueError
        """
        panel, cells = self._read(X)
        values = panel.values.copy()
        np.put(values, cells, self._quantiles(panel, cells, np.array([0.5]))[0])
        return panel.frame(values)

    def predict_interval(
        self,
        X: Any,
        coverage: float | Iterable[float] = 0.9,
        *,
        level: float | Iterable[float] | None = None,
        where: Any = None,
    ) -> Any:
        """Central intervals of the missing cells, without sampling.

        Parameters
        ----------
        X : as in `fit`
        coverage : float or iterable of float, default 0.9
            Probability that the interval holds the truth, in (0, 1).
        level : float or iterable of float, optional
            The same in percent; replaces `coverage`.
        where : array-like of bool, shape (n_rows, n_channels), optional
            Answer only the missing cells marked True.

        Returns
        -------
        frame of the kind of `X`
            Columns ``name-lo-90``, ``name-hi-90``; both are the value itself where it
            is observed.
        """
        share = as_coverage(coverage, level)
        panel, cells = self._read(X, where)
        ends = self._quantiles(panel, cells, interval_alpha(share))
        return band_frame(panel, cells, ends, interval_suffixes(share))

    def predict_quantiles(
        self, X: Any, alpha: float | Iterable[float] = 0.5, *, where: Any = None
    ) -> Any:
        """Quantiles of the missing cells, without sampling.

        Parameters
        ----------
        X : as in `fit`
        alpha : float or iterable of float, default 0.5
            Levels in (0, 1).
        where : array-like of bool, shape (n_rows, n_channels), optional
            Answer only the missing cells marked True.

        Returns
        -------
        frame of the kind of `X`
            Columns ``name-q-0.1`` and so on.
        """
        levels = as_alpha(alpha)
        panel, cells = self._read(X, where)
        answer = self._quantiles(panel, cells, levels)
        return band_frame(panel, cells, answer, quantile_suffixes(levels))

    def sample(
        self,
        X: Any,
        n_samples: int = 100,
        *,
        where: Any = None,
        random_state: Any = None,
    ) -> Draws:
        """Draw joint paths of the missing cells.

        A draw is keyed by seed, series and place in time: it does not change with the
        number of samples, the other series or the memory at hand.

        Parameters
        ----------
        X : as in `fit`
        n_samples : int, default 100
        where : array-like of bool, shape (n_rows, n_channels), optional
            Answer only the missing cells marked True.
        random_state : int, Generator, RandomState or None, default None
            Takes the place of the estimator's.

        Returns
        -------
        Draws
            n_samples completed frames, and every view of them.
        """
        if not isinstance(n_samples, int | np.integer) or n_samples < 1:
            raise ValueError(
                f"n_samples must be a whole number of at least 1, got {n_samples!r}."
            )
        panel, cells = self._read(X, where)
        if n_samples * len(cells) > _MOST_NUMBERS:
            raise ValueError(
                f"{n_samples:,} samples of {len(cells):,} missing cells take "
                f"{8e-9 * n_samples * len(cells):.1f} GB. Ask for fewer samples, for "
                "some of the rows at a time, or for quantiles, which need no samples."
            )
        seed = read_seed(self.random_state if random_state is None else random_state)
        n_steps = int(self.n_steps)
        samples = draw(self.model_, panel, cells, int(n_samples), seed, n_steps)
        return Draws(panel, samples, cells)

    def _read(self, X: Any, where: Any = None) -> tuple[Panel, NDArray[np.int64]]:
        """Panel of the caller's data and the cells to answer."""
        check_is_fitted(self, "model_")
        panel = self.schema_.read(self, X)
        return panel, cells_to_answer(panel, self.max_gap, where)

    def _quantiles(
        self, panel: Panel, cells: NDArray[np.int64], levels: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return quantiles(self.model_, panel, cells, levels)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the columns of the answer: those of the data.

        Parameters
        ----------
        input_features : array-like of str, optional
            Must be the names of the fit, if given.

        Returns
        -------
        ndarray of str objects
        """
        check_is_fitted(self, "model_")
        return self.schema_.names_out(self, input_features)

    def save(self, path: str | Path) -> None:
        """Write the fitted imputer into one file: weights and JSON, never a pickle.

        Parameters
        ----------
        path : str or Path
            Replaced in one step if it exists; on failure the old file stays.
        """
        check_is_fitted(self, "model_")
        io.save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> DiffusionImputer:
        """Read a fitted imputer from a file that `save` wrote.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        DiffusionImputer

        Raises
        ------
        ValueError
            If the file is damaged, of another class, or of a newer format.
        """
        return io.load(cls, path)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
