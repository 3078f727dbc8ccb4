"""What baselines share: how they are fitted, and answers by a normal law."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from tsdiff.baselines.evenly import evenly, moved
from tsdiff.baselines.strands import Strand, generator, strands
from tsdiff.features import check_features, check_learnable, is_named
from tsdiff.filling import GapFiller
from tsdiff.gaps import check_max_gap
from tsdiff.panel.frame import Panel
from tsdiff.schema import Schema, read_panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK = 2**21  # numbers in one scratch array, 16 MB


class NormalLaw:
    """Answers that are normal: closed form for cells, joint for paths.

    A subclass says how it learns (`_learn`), and for a strand, which is one channel of
    one series: mean and standard deviation of the cells asked for (`_law`), and how
    joint paths deviate from the mean (`_deviations`). Where a series has no value in a
    channel, every baseline answers with one level per path, of the mean and spread that
    the channel had in `fit`.

    Draws are keyed by seed, series and channel: they do not change with the number of
    samples, the other series or the cells asked for.

    Rows count as evenly spaced unless a subclass sets `_by_rows` to False: it is then
    told the time of each. See `tsdiff.baselines.evenly`.
    """

    center_: Floats
    scale_: Floats
    _by_rows: ClassVar[bool] = True

    def _learn_law(self, panel: Panel) -> None:
        """Set all that is learned."""
        self.center_, self.scale_ = channel_moments(panel)
        self._learn(evenly(panel)[0] if self._by_rows else panel)

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

    def _quantiles(self, panel: Panel, cells: Ints, levels: Floats) -> Floats:
        panel, cells = self._placed(panel, cells)
        answer = np.empty((len(levels), len(cells)))
        for strand in strands(panel, cells):
            mean, sd = self._any_law(strand)
            answer[:, strand.place] = mean + sd * ndtri(levels)[:, None]
        return answer

    def _samples(self, panel: Panel, cells: Ints, n_samples: int, seed: int) -> Floats:
        panel, cells = self._placed(panel, cells)
        samples = np.empty((n_samples, len(cells)))
        for strand in strands(panel, cells):
            key = panel.ids[strand.series], panel.channels[strand.channel]
            self._fill(samples, strand, generator(seed, *key))
        return samples

    def _placed(self, panel: Panel, cells: Ints) -> tuple[Panel, Ints]:
        """Put rows onto an even grid, for those who count rows."""
        if not self._by_rows:
            return panel, cells
        even, place = evenly(panel)
        return even, moved(cells, place, len(panel.channels))

    def _fill(self, samples: Floats, strand: Strand, rng: np.random.Generator) -> None:
        """Put paths of a strand into samples (S, M), some of them at a time."""
        mean, sd = self._any_law(strand)
        size = max(_BLOCK // len(strand.values), 1)
        for first in range(0, len(samples), size):
            n_paths = len(samples[first : first + size])
            if strand.observed.any():
                paths = mean + self._deviations(strand, n_paths, rng)
            else:
                paths = mean + sd * rng.standard_normal((n_paths, 1))
            samples[first : first + size, strand.place] = paths

    def _any_law(self, strand: Strand) -> tuple[Any, Any]:
        """Mean and standard deviation: of the channel in `fit` if no value is seen."""
        if strand.observed.any():
            return self._law(strand)
        return self.center_[strand.channel], self.scale_[strand.channel]


class Filler(GapFiller):
    """Baseline that fills gaps; a subclass learns by `_learn_law`.

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

    def fit(self, X: Any, y: Any = None) -> Self:
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
        del y
        panel = read_panel(X, freq=self.freq, insert_absent=self.insert_absent)
        check_max_gap(panel, self.max_gap)
        check_learnable(panel)
        check_features(self, panel, X, reset=True)
        self.schema_ = Schema.of(panel, is_named(X))
        self._learn_law(panel)
        return self

    @abstractmethod
    def _learn_law(self, panel: Panel) -> None:
        """Set all that is learned."""


class Baseline(NormalLaw, Filler):
    """Gap filler whose answers are normal."""


def channel_moments(panel: Panel) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each channel; 0 for one without a value."""
    count = np.maximum(panel.observed.sum(axis=0), 1)
    mean = np.nansum(panel.values, axis=0) / count
    square = np.nansum((panel.values - mean) ** 2, axis=0) / count
    return mean, np.sqrt(square)
