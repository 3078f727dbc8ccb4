"""What all baselines share: a normal law of each cell, and joint paths around it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from tsdiff._base import Schema, read_seed
from tsdiff.bands import (
    as_alpha,
    as_coverage,
    band_frame,
    interval_alpha,
    interval_suffixes,
    quantile_suffixes,
)
from tsdiff.baselines.channels import check_learnable, moments
from tsdiff.baselines.strands import Strand, generator, step_length, strands
from tsdiff.draws import Draws
from tsdiff.gaps import cells_to_answer
from tsdiff.panel.frame import Panel, to_panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MOST_NUMBERS = 2**27  # 1 GiB of float64: draws beyond this are refused in words
_BLOCK = 2**21  # numbers in one scratch array, 16 MB


class Baseline(TransformerMixin, BaseEstimator):
    """Gap filler whose answers are normal: closed form for cells, joint for paths.

    A subclass says how it learns (`_learn`), and for a strand, which is one channel of
    one series: mean and standard deviation of the cells asked for (`_law`), and how
    joint paths deviate from the mean (`_deviations`). Where a series has no value in a
    channel, every baseline answers with one level per path, of the mean and spread that
    the channel had in `fit`.

    Parameters
    ----------
    freq : str or int, optional
        Step of the time index, as pandas names it. Inferred by default.
    insert_absent : bool, default False
        Make rows of stamps that are absent from the grid of `freq`.
    max_gap : int or timedelta-like, optional
        Gaps longer than this stay NaN and are reported by a warning.
    random_state : int, Generator, RandomState or None, default None
        An int repeats draws at every call; None gives fresh ones.
    """

    def __init__(
        self,
        *,
        freq: str | int | None = None,
        insert_absent: bool = False,
        max_gap: int | str | pd.Timedelta | None = None,
        random_state: Any = None,
    ) -> None:
        self.freq = freq
        self.insert_absent = insert_absent
        self.max_gap = max_gap
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002
        """Learn from the observed cells of `X`.

        Parameters
        ----------
        X : DataFrame, Series, array or polars frame
            As for `tsdiff.DiffusionImputer.fit`.
        y : None
            Ignored; scikit-learn's pipelines pass it.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            For data that can't be used, naming column, row and value.
        """
        panel = to_panel(X, freq=self.freq, insert_absent=self.insert_absent)
        check_learnable(panel)
        named = hasattr(X, "columns") or getattr(X, "name", None) is not None
        first: Any = panel.values[:1]
        names = pd.DataFrame(first, columns=list(panel.channels)) if named else first
        validate_data(self, names, reset=True, skip_check_array=True)
        self.schema_ = Schema.of(panel, named)
        self.center_, self.scale_ = moments(panel)
        self.step_ = step_length(panel)
        self._learn(panel)
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
        """
        panel, cells = self._read(X)
        values = panel.values.copy()
        np.put(values, cells, self._normal(panel, cells)[0])
        return panel.frame(values)

    def predict_interval(
        self,
        X: Any,
        coverage: float | Iterable[float] = 0.9,
        *,
        level: float | Iterable[float] | None = None,
        where: Any = None,
    ) -> Any:
        """Central intervals of the missing cells, in closed form.

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
        """Quantiles of the missing cells, in closed form.

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
        random_state: Any = None,
        where: Any = None,
    ) -> Draws:
        """Draw joint paths of the missing cells.

        The noise is keyed by seed, series and channel: a draw does not change with the
        number of samples, the other series or the cells asked for.

        Parameters
        ----------
        X : as in `fit`
        n_samples : int, default 100
        random_state : int, Generator, RandomState or None, default None
            Takes the place of the estimator's.
        where : array-like of bool, shape (n_rows, n_channels), optional
            Answer only the missing cells marked True.

        Returns
        -------
        Draws
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
        samples = np.empty((int(n_samples), len(cells)))
        for strand in strands(panel, cells, self._stretch(panel)):
            key = panel.ids[strand.series], panel.channels[strand.channel]
            self._fill(samples, strand, generator(seed, *key))
        return Draws(panel, samples, cells)

    @abstractmethod
    def _learn(self, panel: Panel) -> None:
        """Set what is learned besides `center_` and `scale_`."""

    @abstractmethod
    def _law(self, strand: Strand) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the m cells asked for; some value is seen."""

    @abstractmethod
    def _deviations(
        self, strand: Strand, n_samples: int, rng: np.random.Generator
    ) -> Floats:
        """Joint deviations from the mean, shape (n_samples, m); some value is seen."""

    def _read(self, X: Any, where: Any = None) -> tuple[Panel, Ints]:
        """Panel of the caller's data and the cells to answer."""
        check_is_fitted(self, "schema_")
        panel = self.schema_.read(self, X)
        return panel, cells_to_answer(panel, self.max_gap, where)

    def _stretch(self, panel: Panel) -> float:
        """Return how many steps of the fit are one step of the panel."""
        regular = self.schema_.freq is not None
        return 1.0 if regular else step_length(panel) / self.step_

    def _normal(self, panel: Panel, cells: Ints) -> tuple[Floats, Floats]:
        """Mean and standard deviation of all cells, each of shape (M,)."""
        mean, sd = np.empty(len(cells)), np.empty(len(cells))
        for strand in strands(panel, cells, self._stretch(panel)):
            at = strand.place
            mean[at], sd[at] = self._strand_law(strand)
        return mean, sd

    def _strand_law(self, strand: Strand) -> tuple[Any, Any]:
        if strand.observed.any():
            return self._law(strand)
        return self.center_[strand.channel], self.scale_[strand.channel]

    def _fill(self, samples: Floats, strand: Strand, rng: np.random.Generator) -> None:
        """Put paths of a strand into samples (S, M), some of them at a time."""
        mean, sd = self._strand_law(strand)
        size = max(_BLOCK // len(strand.values), 1)
        for first in range(0, len(samples), size):
            n_paths = len(samples[first : first + size])
            if strand.observed.any():
                paths = mean + self._deviations(strand, n_paths, rng)
            else:
                paths = mean + sd * rng.standard_normal((n_paths, 1))
            samples[first : first + size, strand.place] = paths

    def _quantiles(self, panel: Panel, cells: Ints, levels: Floats) -> Floats:
        """Quantiles of all cells, shape (k, M)."""
        mean, sd = self._normal(panel, cells)
        return mean + sd * ndtri(levels)[:, None]

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
        check_is_fitted(self, "schema_")
        return self.schema_.names_out(self, input_features)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
