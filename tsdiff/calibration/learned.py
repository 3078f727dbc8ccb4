"""Calibration: a monotone map of normal scores that makes intervals cover as they say.

A truth that a law gives the level u has the normal score ``Phi^-1(u)``. If the law is
right, scores are standard normal; where they are not, the quantile at level a of their
empirical law says which raw level to answer with (distributional conformal prediction:
Chernozhukov, Wuthrich and Zhu, 2021, PNAS 118; for quantiles: Romano, Patterson and
Candes, 2019, NeurIPS). Maps are learned in bins of cells that are alike: gaps by their
length and the distance to an observation, forecasts by the step ahead.

Cells of one gap or one forecast depend on each other. How far a map is trusted, against
the map of all bins together, and that against no correction at all, goes by the number
of gaps or forecasts, not of cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsdiff.calibration.bins import Bins
from tsdiff.calibration.maps import KNOTS, LEVELS, conformal_map, evaluate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Central intervals that a report tells of.
COVERAGES = np.array([0.5, 0.8, 0.9, 0.95])
N_FOLDS = 5
_KINDS = dict.fromkeys(("maps", "first", "second"), np.dtype(np.float64)) | (
    dict.fromkeys(("n_cells", "n_units", "before", "after"), np.dtype(np.int64))
)
# Gaps or forecasts by which a map counts as much as what it is shrunk towards.
_PRIOR, _PRIOR_BIN, _PRIOR_CHANNEL = 5.0, 15.0, 60.0


@dataclass(frozen=True)
class Scored:
    """Normal scores of n cells whose truth is known.

    Attributes
    ----------
    score : ndarray, shape (n,)
        Of the truth, under the raw law.
    first, second : ndarray, shape (n,)
        What cells are put into bins by: length of the gap and distance to the nearest
        observation, or step ahead and nothing (zeros).
    channel : ndarray of int, shape (n,)
    unit : ndarray of int, shape (n,)
        Gap or forecast; cells of one unit depend on each other.
    cluster : ndarray of int, shape (n,)
        Series, if there are many, or unit: what is new of a new question.
    fold : ndarray of int, shape (n,)
        Below `N_FOLDS`: part of the data, for honest reports.
    """

    score: Floats
    first: Floats
    second: Floats
    channel: Ints
    unit: Ints
    cluster: Ints
    fold: Ints


@dataclass(frozen=True, eq=False)
class Calibration:
    """Maps of normal scores, for cells in bins, and how well they did.

    Attributes
    ----------
    bins : Bins
    maps : ndarray, shape (n_bins, n_channels, n_levels)
        Raw normal score that answers for each of `LEVELS`. Beyond the outermost level a
        map goes on in a straight line, with its mean slope between that level and the
        median.
    n_cells, n_units : ndarray of int, shape (n_bins,)
        Cells, and gaps or forecasts, that it was learned from.
    before, after : ndarray of int, shape (n_bins, len(COVERAGES))
        Cells inside the central intervals: raw, and calibrated by the other parts of
        the data; -1 where there was only one part.

    Raises
    ------
    ValueError
        If numbers don't fit together, are not finite, or a map is not monotone.
    """

    bins: Bins
    maps: Floats
    n_cells: Ints
    n_units: Ints
    before: Ints
    after: Ints

    def __post_init__(self) -> None:
        n_bins, hits = len(self.bins), (len(self.bins), len(COVERAGES))
        shapes = [self.n_cells.shape, self.n_units.shape]
        shapes += [self.before.shape, self.after.shape]
        if shapes != [(n_bins,), (n_bins,), hits, hits]:
            raise ValueError("the counts of its calibration are not those of its bins")
        if self.maps.ndim != 3 or self.maps.shape[::2] != (n_bins, len(LEVELS)):
            raise ValueError("the maps of its calibration are not those of its bins")
        if not np.isfinite(self.maps).all() or (np.diff(self.maps) < 0).any():
            raise ValueError("its calibration is not made of finite, monotone maps")
        counts = self.n_cells[:, None]
        possible = (self.before <= counts) & (self.after <= counts)
        if not possible.all() or min(self.n_units.min(), self.after.min() + 1) < 0:
            raise ValueError("the counts of its calibration are impossible")

    @classmethod
    def learn(cls, cells: Scored, n_channels: int) -> Calibration:
        """Learn maps from scored cells.

        Parameters
        ----------
        cells : Scored
        n_channels : int

        Returns
        -------
        Calibration

        Examples
        --------
        >>> rng, n = np.random.default_rng(0), 4000  # intervals half as wide as they
        >>> zero, one = np.zeros(n, dtype=int), np.arange(n)  # should be
        >>> scores = 2 * rng.standard_normal(n)
        >>> cells = Scored(scores, zero, zero, zero, one, one, one % 5)
        >>> calibration, some = Calibration.learn(cells, 1), zero[:1]
        >>> calibration.raw_scores(np.array([[1.0]]), some, some, some).round(1)
        array([[2.]])
        """
        bins = Bins.of(cells.first, cells.second, cells.unit)
        number = bins.number(cells.first, cells.second)
        n_bins = len(bins)
        inside = _inside(cells.score, np.broadcast_to(KNOTS, (len(number), len(KNOTS))))
        counts = np.bincount(number, minlength=n_bins)
        return cls(
            bins=bins,
            maps=_learn_maps(cells, number, n_bins, n_channels),
            n_cells=counts,
            n_units=_distinct(cells.unit, number, n_bins),
            before=_hits(inside, number, n_bins),
            after=_cross_fitted(cells, number, n_bins, n_channels),
        )

    def raw_scores(
        self, scores: Floats, first: NDArray, second: NDArray, channel: Ints
    ) -> Floats:
        """Give the raw scores that answer for calibrated ones.

        Parameters
        ----------
        scores : ndarray, shape (k, 1) or (k, M)
            Normal scores of levels asked for.
        first, second : ndarray, shape (M,)
            What bins go by; cells outside of all bins go to the nearest one.
        channel : ndarray of int, shape (M,)

        Returns
        -------
        ndarray, shape (k, M)
        """
        row = self.bins.number(first, second) * self.maps.shape[1] + channel
        return evaluate(self.maps.reshape(-1, len(KNOTS)), row, scores)

    def arrays(self) -> dict[str, NDArray]:
        """Give all of it as arrays, for a file."""
        names = ("maps", "n_cells", "n_units", "before", "after")
        own = {name: getattr(self, name) for name in names}
        return own | {"first": self.bins.first, "second": self.bins.second}

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray]) -> Calibration:
        """Make what `arrays` gave.

        Raises
        ------
        KeyError, ValueError
            If something is missing or does not fit.
        """
        kinds = {name: array.dtype for name, array in arrays.items()}
        if kinds != _KINDS:
            raise ValueError(f"its calibration holds {kinds}, not {_KINDS}")
        own = dict(arrays)
        return cls(bins=Bins(own.pop("first"), own.pop("second")), **own)

    def check_channels(self, n_channels: int) -> None:
        """Raise ValueError if the maps are of another number of channels."""
        if self.maps.shape[1] != n_channels:
            raise ValueError("the channels of its calibration are not its own")


def _learn_maps(cells: Scored, number: Ints, n_bins: int, n_channels: int) -> Floats:
    """Learn maps from the whole to the parts, shape (n_bins, n_channels, k)."""
    everything = np.zeros_like(number)
    whole = _shrunk(cells, everything, KNOTS[None], _PRIOR)
    parts = _shrunk(cells, number, np.repeat(whole, n_bins, axis=0), _PRIOR_BIN)
    if n_channels == 1:
        return parts[:, None]
    each = number * n_channels + cells.channel
    own = _shrunk(cells, each, np.repeat(parts, n_channels, axis=0), _PRIOR_CHANNEL)
    return own.reshape(n_bins, n_channels, -1)


def _shrunk(cells: Scored, group: Ints, parents: Floats, prior: float) -> Floats:
    """Learn a map of each group, shrunk towards its parent, shape (n_groups, k)."""
    n_units = _distinct(cells.unit, group, len(parents))
    order = np.argsort(group, kind="stable")
    edges = np.searchsorted(group[order], np.arange(len(parents) + 1))
    maps = parents.copy()
    for g in np.flatnonzero(n_units):
        some = order[edges[g] : edges[g + 1]]
        own = conformal_map(cells.score[some], parents[g], cells.cluster[some])
        weight = n_units[g] / (n_units[g] + prior)
        maps[g] += weight * (own - parents[g])
    return np.maximum.accumulate(maps, axis=1)  # against rounding alone


def _distinct(unit: Ints, group: Ints, n_groups: int) -> Ints:
    """Count the units in each group."""
    pairs = np.unique(np.stack([group, unit]), axis=1)
    return np.bincount(pairs[0], minlength=n_groups)


def _cross_fitted(cells: Scored, number: Ints, n_bins: int, n_channels: int) -> Ints:
    """Count cells inside intervals that were calibrated by the other folds."""
    folds = np.unique(cells.fold)
    if len(folds) < 2:
        return np.full((n_bins, len(COVERAGES)), -1, dtype=np.int64)
    inside = np.zeros((len(number), len(COVERAGES)), dtype=bool)
    for fold in folds:
        out = cells.fold == fold
        parts = (getattr(cells, name)[~out] for name in Scored.__annotations__)
        maps = _learn_maps(Scored(*parts), number[~out], n_bins, n_channels)
        inside[out] = _inside(cells.score[out], maps[number[out], cells.channel[out]])
    return _hits(inside, number, n_bins)


def _inside(score: Floats, maps: Floats) -> NDArray[np.bool_]:
    """Whether scores lie inside the central intervals of maps, (n, k), for each."""
    low = np.array([np.argmin(np.abs(LEVELS - (1 - c) / 2)) for c in COVERAGES])
    ends = maps[:, low], maps[:, len(LEVELS) - 1 - low]
    return (ends[0] <= score[:, None]) & (score[:, None] <= ends[1])


def _hits(inside: NDArray[np.bool_], number: Ints, n_bins: int) -> Ints:
    """Count cells inside, bin by bin."""
    hits = np.zeros((n_bins, inside.shape[1]), dtype=np.int64)
    np.add.at(hits, number, inside)
    return hits
