"""Analogues: windows whose surroundings look like those of a gap.

Distances come from sliding windows and matrix products; missing cells take no part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK = 2**21  # numbers in one scratch array, 16 MB
_LEAST_SHARE = 0.5  # of a segment, and of the surroundings, that must be observed


@dataclass(frozen=True)
class Found:
    """Analogues of some gaps of one length.

    Attributes
    ----------
    gap : ndarray of int, shape (n,)
        Which of the gaps asked for.
    segment : ndarray, shape (n, k, g)
        What the analogues have in the gap's place, NaN where there are fewer than k.
    offset : ndarray, shape (n, k, 2 * w)
        What the gap's surroundings have above theirs; NaN where one is missing.
    distance : ndarray, shape (n, k)
        Mean squared, after a shift of level; infinite where there are fewer.
    """

    gap: Ints
    segment: Floats
    offset: Floats
    distance: Floats


def padded(parts: list[Floats], window: int) -> Floats:
    """Join series to one in which no window reaches from one into the next."""
    empty = np.full(window, np.nan)
    return np.concatenate([empty, *(x for part in parts for x in (part, empty))])


def nearest(
    values: Floats, start: Ints, stop: Ints, pool: Floats, window: int, k: int
) -> Iterator[Found]:
    """Find the analogues of gaps, some of the same length at a time.

    Parameters
    ----------
    values : ndarray, shape (T,)
        In which the gaps lie.
    start, stop : ndarray of int, shape (n_gaps,)
        First row of each gap, and the one behind it.
    pool : ndarray, shape (P,)
        From `padded`; where to look.
    window : int
        Rows of surroundings on each side.
    k : int
        Most analogues of a gap. No two are closer than half a window.

    Yields
    ------
    Found
    """
    bordered = padded([values], window)
    lengths = stop - start
    size = max(_BLOCK // len(pool), 1)
    for first in range(0, len(start), size):
        some = np.arange(first, min(first + size, len(start)))
        side = np.arange(window)
        left = _sums(bordered[start[some, None] + side], pool, ascending=True)
        right = _sums(bordered[stop[some, None] + window + side], pool, ascending=False)
        for length in np.unique(lengths[some]):
            here = np.flatnonzero(lengths[some] == length)
            n_places = len(pool) - 2 * window - length + 1
            if n_places < 1:
                continue
            apart = window + length
            sums = left[:, :n_places, here] + right[:, apart : apart + n_places, here]
            around = _around(bordered, start[some[here]], window, length)
            distance = _distances(sums, pool, window, length)
            yield _best(some[here], around, distance, pool, window, k)


def _around(values: Floats, start: Ints, window: int, length: int) -> Floats:
    """Surroundings (n, 2 * window) of windows that start at these places."""
    side = np.arange(window)
    columns = np.concatenate([side, side + window + length])
    return values[start[:, None] + columns]


def _sums(x: Floats, pool: Floats, *, ascending: bool) -> Floats:
    """Compare one side of each gap (n, w) with all places.

    Returns
    -------
    ndarray, shape (5, P - w + 1, n)
        Sums over the cells seen in both, near ones counting more: of 1, of the gap's
        values, of the place's, of squared differences; and of 1 for the gap alone.
    """
    n, window = x.shape
    weight = np.exp(-np.arange(window) / (window / 2))
    shown = ~np.isnan(x) * (weight[::-1] if ascending else weight)
    x = np.where(np.isnan(x), 0.0, x)
    views = sliding_window_view(pool, window)
    sums = np.empty((5, len(views), n))
    size = max(_BLOCK // window, 1)
    for first in range(0, len(views), size):
        places = slice(first, first + size)
        seen = (~np.isnan(views[places])).astype(float)
        y = np.where(seen > 0, views[places], 0.0)
        sums[0, places] = seen @ shown.T
        sums[1, places] = seen @ (x * shown).T
        sums[2, places] = y @ shown.T
        sums[3, places] = seen @ (x**2 * shown).T + y**2 @ shown.T
        sums[3, places] -= 2 * y @ (x * shown).T
    sums[4] = shown.sum(axis=1)
    return sums


def _distances(sums: Floats, pool: Floats, window: int, length: int) -> Floats:
    """Distance of each gap's surroundings from those of each place, (P', n)."""
    total, up, down, square, most = sums
    enough = total > _LEAST_SHARE * most
    unit = np.where(enough, total, 1.0)
    rest = np.maximum(square / unit - ((up - down) / unit) ** 2, 0)
    known = np.concatenate([[0], np.cumsum(~np.isnan(pool))])
    inner = window + np.arange(len(total))
    share = (known[inner + length] - known[inner]) / length
    far = np.where(share < _LEAST_SHARE, np.inf, 1 - share)
    return np.where(enough, rest, np.inf) + far[:, None]


def _best(
    gaps: Ints, around: Floats, distance: Floats, pool: Floats, window: int, k: int
) -> Found:
    """Take the k nearest places that are nearest among those about them."""
    length = len(pool) - 2 * window + 1 - len(distance)
    lowest = minimum_filter1d(distance, 2 * (window // 2) + 1, axis=0, mode="nearest")
    distance = np.where(distance == lowest, distance, np.inf)
    k = min(k, len(distance))
    place = np.argpartition(distance, k - 1, axis=0)[:k].T  # (n, k)
    near = np.take_along_axis(distance, place.T, axis=0).T
    other = _around(pool, place.ravel(), window, length).reshape(*place.shape, -1)
    whole = sliding_window_view(pool, 2 * window + length)
    segment = _interpolated(whole[place][:, :, window : window + length])
    segment[np.isinf(near)] = np.nan
    return Found(gaps, segment, around[:, None] - other, near)


def _interpolated(segments: Floats) -> Floats:
    """Interpolate what is missing inside of segments, flat at their ends: (n, k, g)."""
    answer = segments.copy()
    for place in np.argwhere(np.isnan(segments).any(axis=2)):  # few, if any
        own = answer[tuple(place)]
        seen = np.flatnonzero(~np.isnan(own))
        if len(seen):
            own[:] = np.interp(np.arange(len(own)), seen, own[seen])
    return answer


def gaps_of(values: Floats) -> tuple[Ints, Ints]:
    """Give the first row of each gap of a series, and the one behind it."""
    edge = np.diff(np.isnan(values).astype(int), prepend=0, append=0)
    return np.flatnonzero(edge > 0), np.flatnonzero(edge < 0)


def levelled(found: Found, reach: int) -> Floats:
    """Move segments to the level of their gap's ends.

    Parameters
    ----------
    found : Found
    reach : int
        Rows at each end whose mean difference is taken; where none is known, all of
        that side, else the other side.

    Returns
    -------
    ndarray, shape (n, k, g)
    """
    left, right = np.split(found.offset, 2, axis=2)
    before, after = _mean(left[..., -reach:]), _mean(right[..., :reach])
    before = np.where(np.isnan(before), _mean(left), before)
    after = np.where(np.isnan(after), _mean(right), after)
    before, after = (
        np.where(np.isnan(before), after, before)[..., None],
        np.where(np.isnan(after), before, after)[..., None],
    )
    length = found.segment.shape[2]
    share = np.arange(1, length + 1) / (length + 1)
    return found.segment + (1 - share) * before + share * after


def _mean(values: Floats) -> Floats:
    """Mean along the last axis of what is there; NaN where nothing is."""
    count = (~np.isnan(values)).sum(axis=-1)
    total = np.nansum(values, axis=-1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
