"""To and from the units of the engine: per channel, in float64, on what is observed.

Besides centre and scale a channel keeps its *support*: a grid of a few equally spaced
values (counts, states, scores), or single values that come back so often that they
carry probability of their own (no rain, a saturated sensor). An answer next to one of
these is that value, so draws show zeros as zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.panel.frame import Panel

Array = NDArray[np.float64]

_OUTLIER = 20.0  # interquartile ranges: values further out don't set the scale
_MOST_GRID_VALUES = 40
_ATOM_SHARE = 0.05
_WALL_SHARE = 0.02
_FEWEST_FOR_SUPPORT = 20
_FEWEST_REPEATS = 3  # a value that came once or twice may be chance
_BORROWED = 2.0  # cells that what the other series have in common is worth
_BLUR = 0.02  # share of the other values that may be taken for the atom


@dataclass(frozen=True)
class Support:
    """Where the law of a channel puts probability on single values.

    Attributes
    ----------
    step, origin : float
        Spacing of the grid and a point of it; ``step`` is 0 where there is no grid.
    floor, ceiling : float
        Ends of the grid; infinite if it may go on beyond what was seen.
    atoms, low, high : tuple of float
        Values with probability of their own, and the interval around each that is
        answered by it.
    """

    step: float = 0.0
    origin: float = 0.0
    floor: float = -np.inf
    ceiling: float = np.inf
    atoms: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    def snap(self, values: Array) -> Array:
        """Return values with those next to the grid or an atom put on it."""
        if self.step:
            steps = np.round((values - self.origin) / self.step)
            grid = self.origin + steps * self.step
            return np.clip(grid, self.floor, self.ceiling)
        for atom, low, high in zip(self.atoms, self.low, self.high, strict=True):
            values = np.where((values >= low) & (values <= high), atom, values)
        return values

    def jitter(self, values: Array, uniform: Array) -> Array:
        """Spread grid values and atoms over the interval they are answered for.

        The quantile function then rises evenly where the law jumps, so that a value
        with probability of its own gets all the normal scores it stands for.
        """
        if self.step:
            return values + (uniform - 0.5) * self.step
        for atom, low, high in zip(self.atoms, self.low, self.high, strict=True):
            reach = [abs(end - atom) for end in (low, high) if np.isfinite(end)] or [0]
            first, last = atom - reach[0], atom + reach[-1]  # an open side mirrors
            values = np.where(values == atom, first + uniform * (last - first), values)
        return values


@dataclass(frozen=True)
class Scaler:
    """Centre, scale and support of each channel.

    Attributes
    ----------
    center, scale : ndarray, shape (C,)
    low, high : ndarray, shape (C,)
        Range of the values seen in the fit.
    supports : tuple of Support, length C
    ratio : tuple of float
        So many channels, the first ones, are measured in the centre and scale of each
        series of its own, found in the data at hand: the series of a panel may differ
        by orders of magnitude. The numbers are usual spreads of a series beside its
        mean size, for series of few values.
    """

    center: Array
    scale: Array
    low: Array
    high: Array
    supports: tuple[Support, ...]
    ratio: tuple[float, ...] = ()

    def units(self, panel: Panel) -> Units:
        """Find the units of each series of a panel."""
        shape = (len(panel.ids), len(self.center))
        center = np.broadcast_to(self.center, shape).copy()
        scale = np.broadcast_to(self.scale, shape).copy()
        if self.ratio:
            own = len(self.ratio)
            found = _series_moments(panel, own, self.scale[:own], np.array(self.ratio))
            center[:, :own], scale[:, :own] = found
        return Units(center, scale, panel.bounds, self.supports)

    def snap(self, values: Array, channel: NDArray[np.int64]) -> Array:
        """Put values of shape (..., n), in place, on grids and atoms of the data."""
        return _snap(self.supports, values, channel)

    def jittered(self, values: Array, rng: np.random.Generator) -> Array:
        """Return values of shape (N, C) with grids and atoms spread out."""
        spread = values.copy()
        for number, support in enumerate(self.supports):
            if support.step or support.atoms:
                column = values[:, number]
                spread[:, number] = support.jitter(column, rng.random(len(column)))
        return spread


@dataclass(frozen=True)
class Units:
    """Units in which the engine measures the series of a panel.

    Attributes
    ----------
    center, scale : ndarray, shape (n_series, C)
    bounds : ndarray of int, shape (n_series + 1,)
    supports : tuple of Support, length C
    """

    center: Array
    scale: Array
    bounds: NDArray[np.int64]
    supports: tuple[Support, ...]

    def enter(self, values: Array, channels: tuple[str, ...]) -> NDArray[np.float32]:
        """Scale values of shape (N, C) to float32; NaN stays NaN.

        Raises
        ------
        ValueError
            If a value is so far from the fitted data that float32 can't hold it.
        """
        series = np.repeat(np.arange(len(self.center)), np.diff(self.bounds))
        with np.errstate(over="ignore", invalid="ignore"):  # of a signalling NaN
            shift = (self.center / self.scale)[series]
            scaled = (values / self.scale[series] - shift).astype(np.float32)
        bad = np.isinf(scaled)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise ValueError(
                f"Column {channels[column]!r}, row {row}: "
                f"{float(values[row, column])!r} is too far from the data of the fit "
                f"(centre {self.center[series[row], column]:g}, scale "
                f"{self.scale[series[row], column]:g}) to be represented. Check its "
                "unit, or set it to NaN."
            )
        return scaled

    def leave(self, scaled: NDArray[Any], cells: NDArray[np.int64]) -> Array:
        """Give scaled values of shape (..., n) of flat cells in the data's units."""
        row, channel = np.divmod(cells, self.center.shape[1])
        series = np.searchsorted(self.bounds, row, side="right") - 1
        values = scaled.astype(np.float64) * self.scale[series, channel]
        values += self.center[series, channel]
        return _snap(self.supports, values, channel)


def _snap(
    supports: tuple[Support, ...], values: Array, channel: NDArray[np.int64]
) -> Array:
    """Put values of shape (..., n), in place, where those of their channels can be."""
    for number, support in enumerate(supports):
        here = channel == number
        if (support.step or support.atoms) and here.any():
            values[..., here] = support.snap(values[..., here])
    return values


def _series_moments(
    panel: Panel, n_own: int, scale: Array, ratio: Array
) -> tuple[Array, Array]:
    """Centre and scale of each series in its own data, shape (n_series, n_own).

    A series of few values borrows from the others how large the spread is beside the
    level; where all are zero it is measured as the data of the fit.
    """
    center, size, square, count = _series_sums(panel, n_own)
    borrowed = np.where(size > 0, ratio * size, scale)
    spread = np.sqrt(square / np.maximum(count, 1))
    varies = spread > 1e-9 * size
    own = np.where(varies, count / (count + _BORROWED), 0.0)
    # a mean on a log scale: the two may differ by orders of magnitude
    return center, np.where(varies, spread, 1.0) ** own * borrowed ** (1 - own)


def _series_sums(panel: Panel, n_own: int) -> tuple[Array, Array, Array, Array]:
    """Mean, mean size, squared deviations and count of each series' channels."""
    seen = panel.observed[:, :n_own]
    known = np.where(seen, panel.values[:, :n_own], 0.0)
    first = panel.bounds[:-1]
    count = np.add.reduceat(seen.astype(float), first)
    some = np.maximum(count, 1)
    center = np.add.reduceat(known, first) / some
    series = np.repeat(np.arange(len(first)), np.diff(panel.bounds))
    away = np.where(seen, known - center[series], 0.0)
    size = np.add.reduceat(np.abs(known), first) / some
    return center, size, np.add.reduceat(away**2, first), count


def _usual_ratio(panel: Panel, n_own: int) -> Array:
    """Median over the series of spread over mean size, shape (n_own,)."""
    _, size, square, count = _series_sums(panel, n_own)
    spread = np.sqrt(square / np.maximum(count, 1))
    varies = spread > 1e-9 * size
    ratio = np.where(varies, spread / np.where(size > 0, size, 1.0), np.nan)
    columns = [column[~np.isnan(column)] for column in ratio.T]
    return np.array([np.median(column) if len(column) else 1.0 for column in columns])


def fit_scaler(panel: Panel, n_own: int = 0) -> Scaler:
    """Centre, scale and support of each channel of a panel.

    The scale is the standard deviation of the observed values after those further than
    20 interquartile ranges from the median are pulled in to that distance; it is never
    below the rounding of float64 at the channel's magnitude. A channel without values
    gets centre 0 and scale 1.

    Parameters
    ----------
    panel : Panel
    n_own : int, default 0
        Channels that are measured series by series, see `Scaler`.

    Returns
    -------
    Scaler
    """
    columns = [column[~np.isnan(column)] for column in panel.values.T]
    center, scale, low, high = np.array([_moments(column) for column in columns]).T
    supports = tuple(_support(column) for column in columns)
    ratio = tuple(_usual_ratio(panel, n_own).tolist())
    return Scaler(center.copy(), scale.copy(), low.copy(), high.copy(), supports, ratio)


def _moments(values: Array) -> tuple[float, float, float, float]:
    """Centre, scale, smallest and largest of observed values."""
    if not len(values):
        return 0.0, 1.0, 0.0, 0.0
    low, high = float(values.min()), float(values.max())
    _, exponent = np.frexp(max(abs(low), abs(high)))
    unit = np.ldexp(1.0, int(exponent) - 1)  # a power of two: dividing by it is exact
    small = values / unit
    first, middle, third = np.quantile(small, [0.25, 0.5, 0.75])
    reach = _OUTLIER * (third - first)
    if reach > 0:
        small = np.clip(small, middle - reach, middle + reach)
    center = float(small.mean())
    spread = float(small.std())
    if low == high:  # nothing varies: a scale that keeps the answers at the value
        center, spread = float(values[0] / unit), 1e-6
    return center * unit, max(spread, 1e-12) * unit, low, high


def _support(values: Array) -> Support:
    """Grid or atoms of observed values, if there are any."""
    if not len(values):  # nothing is known of this channel: it is answered by 0
        return Support(atoms=(0.0,), low=(-np.inf,), high=(np.inf,))
    distinct, count = np.unique(values, return_counts=True)
    if len(distinct) == 1:
        return Support(atoms=(distinct[0],), low=(-np.inf,), high=(np.inf,))
    if len(values) < _FEWEST_FOR_SUPPORT:
        return Support()
    step = float(np.diff(distinct).min())
    with np.errstate(over="ignore"):  # of a step that is no normal number
        steps = (distinct - distinct[0]) / step
    few = len(distinct) <= min(_MOST_GRID_VALUES, len(values) / 5)
    if few and np.allclose(steps, np.round(steps), rtol=0, atol=1e-6):
        # an end that comes back often is a wall (no count below zero), not a tail
        wall = count[[0, -1]] >= _WALL_SHARE * len(values)
        floor, ceiling = np.where(wall, distinct[[0, -1]], [-np.inf, np.inf]).tolist()
        return Support(step, float(distinct[0]), floor, ceiling)
    atoms = distinct[count >= max(_ATOM_SHARE * len(values), _FEWEST_REPEATS)]
    return _atoms(atoms, values)


def _atoms(atoms: Array, values: Array) -> Support:
    """Intervals around atoms, each taking in few of the values that are none."""
    others = values[~np.isin(values, atoms)]
    low, high = [], []
    for atom in atoms:
        below, above = others[others < atom], others[others > atom]
        low.append(float(np.quantile(below, 1 - _BLUR)) if len(below) else -np.inf)
        high.append(float(np.quantile(above, _BLUR)) if len(above) else np.inf)
    middle = (atoms[1:] + atoms[:-1]) / 2
    low[1:] = np.maximum(low[1:], middle).tolist()
    high[:-1] = np.minimum(high[:-1], middle).tolist()
    return Support(atoms=tuple(atoms.tolist()), low=tuple(low), high=tuple(high))
