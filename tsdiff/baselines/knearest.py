"""K nearest windows: a gap is filled by what followed surroundings like its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.baselines.analogues import Found, gaps_of, levelled, nearest, padded
from tsdiff.baselines.contract import Filler, channel_moments
from tsdiff.baselines.evenly import evenly, moved
from tsdiff.baselines.mixture import Mixture
from tsdiff.baselines.strands import Strand, generator, strands
from tsdiff.baselines.trial import honest_factor, trials
from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_count

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MOST_ROWS = 2**13  # of other series to look in
_FEWEST_ANALOGUES = 3  # fewer show no spread
_FEWEST_VALUES = 3  # fewer show no spread
_BLOCK = 2**21  # numbers in one scratch array, 16 MB
_TINY = 1e-9  # distance, in units of the series, that counts as none
_SEARCHES = 160  # of strands in all trials together, about
_MOST_TRIED = 1_000  # hidden cells of a channel in a trial


class KNearestWindows(Filler):
    """Gaps filled by the k windows whose surroundings are most like theirs.

    The surroundings of a gap, `window` rows on each side, are compared with all places
    of the same channel: of the same series, and of other series that `fit` has seen
    (up to 8,192 rows of them). Series are measured in their own spread, levels are
    taken out, near rows count more, missing cells take no part. What the k nearest
    places have in the gap's place, moved to the level of the gap's ends, are its
    analogues, weighted by how near they are. No two lie within half a window.

    Each path is one analogue as a whole, smoothed by a normal mixture that has the
    analogues' covariance. Quantiles are those of the mixture. How far analogues lie
    from their mean is multiplied by a factor, so that central 90 % intervals hold
    90 % of observed cells that are hidden as the data's own gaps hide theirs; how many
    rows at the ends set the level is chosen by the errors at these cells.

    A gap that has surroundings on one side alone, such as the future
    (`FillForecaster`), is matched on that side. Without three places to compare with,
    the answer is linear interpolation with the spread of the series. Stamps absent from
    an even grid count as missing values. Stamps on no grid count as evenly spaced, with
    a warning.

    What `fit` has seen of the same series is looked at only if the series itself shows
    fewer values than the surroundings of a gap have rows: give it whole.

    Parameters
    ----------
    n_neighbors : int, default 20
        Most analogues of a gap.
    window : int, default 24
        Rows on each side of a gap that are compared.
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
    reach_ : ndarray of int, shape (n_channels,)
        Rows at each end of a gap whose mean sets the level of its analogues.
    factor_ : ndarray, shape (n_channels,)
        What the spread of analogues is multiplied by.
    center_, scale_ : ndarray, shape (n_channels,)
        Mean and spread of each channel, the answer for series without any value.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if `X` has names.

    Examples
    --------
    >>> y = pd.Series([0.0, 2.0, 5.0, 1.0] * 30, name="y")
    >>> y[50:53] = np.nan
    >>> filled = KNearestWindows(window=6).fit(y).transform(y)
    >>> filled[50:53].round().astype(int).tolist()
    [5, 1, 0]
    """

    def __init__(
        self,
        *,
        n_neighbors: int = 20,
        window: int = 24,
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
        self.n_neighbors = n_neighbors
        self.window = window

    def _learn_law(self, panel: Panel) -> None:
        check_count("n_neighbors", self.n_neighbors)
        window = check_count("window", self.window)
        self.center_, self.scale_ = channel_moments(panel)
        even, _ = evenly(panel)
        n_channels = len(panel.channels)
        self.reach_ = np.ones(n_channels, dtype=np.int64)
        self.factor_ = np.ones(n_channels)
        tried: list[dict[int, list[Floats]]] = [
            {reach: [np.zeros((2, 0))] for reach in sorted({1, min(3, window), window})}
            for _ in range(n_channels)
        ]
        n_strands = n_channels * len(even.ids)
        for shown, hidden in trials(even, int(np.clip(_SEARCHES // n_strands, 1, 8))):
            self.library_ = _library(shown)
            cells = _thinned(np.flatnonzero(hidden), _MOST_TRIED * n_channels)
            for strand in strands(shown, cells):
                row = even.bounds[strand.series] + strand.asked
                truth = even.values[row, strand.channel]
                self._try(strand, shown.ids, truth, tried[strand.channel])
        for channel, runs in enumerate(tried):
            errors = {reach: np.concatenate(runs[reach], axis=1) for reach in runs}
            best = min(runs, key=lambda reach: errors[reach][0].sum())
            self.reach_[channel] = best
            self.factor_[channel] = honest_factor(*errors[best])
        self.library_ = _library(even)

    def _try(
        self, strand: Strand, ids: tuple, truth: Floats, runs: dict[int, list[Floats]]
    ) -> None:
        """Note absolute errors at hidden cells and the spread of analogues there."""
        start, _ = gaps_of(strand.values)
        asked = np.unique(np.searchsorted(start, strand.asked, side="right") - 1)
        found = self._found(strand, ids, asked)
        for reach, run in runs.items():
            law = self._mixture(strand, found, reach, 1.0)
            run.append(np.stack([np.abs(truth - law.mean), np.sqrt(law.variance)]))

    def _quantiles(self, panel: Panel, cells: Ints, levels: Floats) -> Floats:
        even, place = evenly(panel)
        answer = np.empty((len(levels), len(cells)))
        for strand in strands(even, moved(cells, place, len(panel.channels))):
            law = self._law(strand, panel.ids)
            answer[:, strand.place] = law.quantiles(levels)
        return answer

    def _samples(self, panel: Panel, cells: Ints, n_samples: int, seed: int) -> Floats:
        even, place = evenly(panel)
        samples = np.empty((n_samples, len(cells)))
        for strand in strands(even, moved(cells, place, len(panel.channels))):
            rng = generator(
                seed, panel.ids[strand.series], panel.channels[strand.channel]
            )
            law = self._law(strand, panel.ids)
            starts, _ = gaps_of(strand.values)
            shape = len(starts), self.n_neighbors + 2
            size = max(_BLOCK // (max(shape[0], len(law.mean)) * shape[1]), 1)
            for first in range(0, n_samples, size):
                some = samples[first : first + size]
                noise = rng.standard_normal((len(some), *shape))
                some[:, strand.place] = law.paths(noise)
        return samples

    def _law(self, strand: Strand, ids: tuple) -> Mixture:
        """Joint law of the cells asked for."""
        start, _ = gaps_of(strand.values)
        # of all gaps: what is found in one does not depend on which others are asked
        found = self._found(strand, ids, np.arange(len(start)))
        reach, factor = self.reach_[strand.channel], self.factor_[strand.channel]
        return self._mixture(strand, found, int(reach), float(factor))

    def _mixture(
        self, strand: Strand, found: list[Found], reach: int, factor: float
    ) -> Mixture:
        """Make of analogues the law of the cells asked for."""
        missing = np.flatnonzero(~strand.observed)
        start, _ = gaps_of(strand.values)
        gap = np.searchsorted(start, missing, side="right") - 1
        center, scale = self._units(strand)
        law = _line(strand, missing, gap, self.n_neighbors, center, scale)
        first = np.searchsorted(missing, start)
        for some in found:
            cells = first[some.gap, None] + np.arange(some.segment.shape[2])
            units = center, scale, factor
            _put(law, cells, levelled(some, reach), some.distance, units)
        return law.some(np.searchsorted(missing, strand.asked))

    def _units(self, strand: Strand) -> tuple[float, float]:
        """Level and spread of a series; those of the channel without values."""
        if not strand.observed.any():
            channel = strand.channel
            return float(self.center_[channel]), float(self.scale_[channel])
        center, scale = np.nanmean(strand.values), np.nanstd(strand.values)
        if strand.observed.sum() < _FEWEST_VALUES:
            scale = self.scale_[strand.channel]
        return float(center), float(scale)

    def _found(self, strand: Strand, ids: tuple, asked: Ints) -> list[Found]:
        """Find analogues of some gaps, in the series itself and in others of `fit`."""
        center, scale = self._units(strand)
        if scale == 0 or not strand.observed.any():
            return []
        values = (strand.values - center) / scale
        start, stop = gaps_of(values)
        library = self.library_[strand.channel]
        enough = strand.observed.sum() >= 2 * self.window
        name = ids[strand.series]
        others = [
            part
            for other, part in library
            if other != name or not (enough or _same(part, values))
        ]
        pool = padded([values, *others], self.window)
        k = self.n_neighbors
        found = nearest(values, start[asked], stop[asked], pool, self.window, k)
        return [replace(some, gap=asked[some.gap]) for some in found]


def _same(one: Floats, other: Floats) -> bool:
    """Tell whether two series are the same as far as both go."""
    n = min(len(one), len(other))
    return np.allclose(one[:n], other[:n], rtol=0, atol=_TINY, equal_nan=True)


def _thinned(cells: Ints, most: int) -> Ints:
    """Take every second, third, ... hundred of cells, about so many in all."""
    return cells[np.arange(len(cells)) // 100 % (1 + len(cells) // most) == 0]


def _library(panel: Panel) -> list[list[tuple[Any, Floats]]]:
    """Last rows of some series of each channel, in their own level and spread."""
    length = np.diff(panel.bounds)
    n_kept = max(int(_MOST_ROWS // np.mean(length)), 1)
    chosen = np.linspace(0, len(length) - 1, min(n_kept, len(length))).astype(int)
    library = []
    for channel in range(len(panel.channels)):
        parts = []
        for series in chosen:
            first, stop = panel.bounds[series : series + 2]
            own = panel.values[max(first, stop - _MOST_ROWS) : stop, channel]
            seen = own[~np.isnan(own)]
            if len(seen) >= _FEWEST_VALUES and np.ptp(seen) > 0:
                parts.append((panel.ids[series], (own - seen.mean()) / seen.std()))
        library.append(parts)
    return library


def _line(
    strand: Strand, missing: Ints, gap: Ints, k: int, center: float, scale: float
) -> Mixture:
    """Law of all missing cells without analogues: a line, the spread of the series."""
    seen = np.flatnonzero(strand.observed)
    mean = np.full(len(missing), center)
    if len(seen):
        mean = np.interp(missing, seen, strand.values[seen])
    weight = np.full((k, len(missing)), 1 / k)
    keep, rest = np.ones(len(missing)), np.full(len(missing), scale)
    return Mixture(mean, rest, np.zeros(weight.shape), weight, keep, gap)


def _put(
    law: Mixture,
    cells: Ints,
    analogues: Floats,
    distance: Floats,
    units: tuple[float, float, float],
) -> None:
    """Put the law of some gaps of one length, cells (n, g), among the others."""
    center, scale, factor = units
    use = np.isfinite(distance)  # (n, k)
    good = use.sum(axis=1) >= _FEWEST_ANALOGUES
    cells, analogues, use = cells[good], analogues[good], use[good]
    distance = np.where(use, distance[good], np.inf)
    nearest_one = distance.min(axis=1, keepdims=True)
    weight = (nearest_one + _TINY) / (distance + _TINY)
    weight /= weight.sum(axis=1, keepdims=True)  # (n, k)
    analogues = np.where(use[..., None], analogues, 0.0)
    mean = np.einsum("nk,nkg->ng", weight, analogues)
    step = np.where(use[..., None], analogues - mean[:, None], 0.0)
    k = weight.shape[1]
    law.mean[cells] = center + scale * mean
    law.rest[cells] = 0.0
    law.step[:, cells] = 0.0
    law.step[:k, cells] = scale * factor * step.transpose(1, 0, 2)
    law.weight[:, cells] = 0.0
    law.weight[:k, cells] = weight.T[:, :, None]
    smoothed = (weight**2).sum(axis=1) ** (2 / 5)  # Silverman's rule: n ** (-2 / 5)
    law.keep[cells] = np.sqrt(1 - smoothed)[:, None]
