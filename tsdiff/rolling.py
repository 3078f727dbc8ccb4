"""Answers beyond the horizon: each path goes on from its own draws, so spread grows.

Up to the horizon that a model was trained for, answers are those of its windows. Behind
it every path becomes a history of its own: its draws are shown to the model as if they
had been observed, and it is drawn on by one horizon after the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tsdiff import answering
from tsdiff.asking import rows_ahead
from tsdiff.effort import enough_steps
from tsdiff.learning import Model
from tsdiff.panel.frame import Panel
from tsdiff.panel.groups import group_of
from tsdiff.panel.windows import rows_of
from tsdiff.passing import GROUP

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_PATHS_OF_A_QUANTILE = 200
_CELLS_AT_ONCE = 2**23  # of all paths of the series that are rolled together


def draw(
    model: Model,
    panel: Panel,
    cells: Ints,
    n_samples: int,
    seed: int,
    n_steps: int | None,
) -> Floats:
    """Joint sample paths of the cells asked for, however far ahead they lie.

    Parameters and answer are those of `tsdiff.answering.draw`; without a number of
    steps, as many as `steps` finds.
    """
    n_steps = n_steps or steps(model, panel, cells, seed)
    if not _beyond(model, panel).any():
        return answering.draw(model, panel, cells, n_samples, seed, n_steps)
    n_channels = panel.values.shape[1]
    answer = np.empty((n_samples, len(cells)))
    for first, stop in _blocks(panel):
        begin, end = panel.bounds[[first, stop]] * n_channels
        chosen = (cells >= begin) & (cells < end)
        if chosen.any():
            part = group_of(panel, first, stop)
            some = _Rolled(model, part, n_samples, seed, n_steps)
            answer[:, chosen] = some.paths(cells[chosen] - begin)
    return answer


def trace(
    model: Model,
    panel: Panel,
    cells: Ints,
    n_samples: int,
    seed: int,
    n_steps: int | None,
) -> Floats:
    """Paths on their way from noise, up to the horizon of the model.

    Parameters and answer are those of `tsdiff.answering.trace`; without a number of
    steps, as many as `steps` finds.
    """
    if _beyond(model, panel).any():
        raise ValueError(
            f"Rows further ahead than the horizon of the fit, {model.horizon}, are "
            "answered in several goes, which have no common way from noise. Ask for "
            f"h={model.horizon} at most."
        )
    n_steps = n_steps or steps(model, panel, cells, seed)
    return answering.trace(model, panel, cells, n_samples, seed, n_steps)


def quantiles(
    model: Model, panel: Panel, cells: Ints, levels: Floats, n_steps: int | None
) -> Floats:
    """Quantiles of single cells: in closed form up to the horizon, then of paths.

    Parameters and answer are those of `tsdiff.answering.quantiles`; `n_steps` is that
    of the paths.
    """
    beyond = _beyond(model, panel)
    if not beyond.any():
        return answering.quantiles(model, panel, cells, levels)
    near, inner, far = _near(panel, cells, beyond)
    answer = np.empty((len(levels), len(cells)))
    answer[:, ~far] = answering.quantiles(model, near, inner, levels)
    n_steps = n_steps or steps(model, panel, cells, 0)
    paths = draw(model, panel, cells[far], _PATHS_OF_A_QUANTILE, 0, n_steps)
    answer[:, far] = np.quantile(paths, levels, axis=0)
    return answer


def steps(model: Model, panel: Panel, cells: Ints, seed: int) -> int:
    """Find how many steps are enough for joint paths of the cells asked for.

    By a pilot of 50 paths through 32 windows at most, up to the horizon of the model;
    see `tsdiff.effort.enough_steps`.

    Returns
    -------
    int
    """
    near, inner, _ = _near(panel, cells, _beyond(model, panel))
    if not len(inner):
        inner = np.flatnonzero(_ahead(near, model.network.config.n_centred))
    return enough_steps(answering.pilot(model, near, inner, seed))


def _beyond(model: Model, panel: Panel) -> Ints:
    """Rows of each series that lie further ahead than the horizon."""
    if model.horizon is None:
        return np.zeros(len(panel.ids), dtype=np.int64)
    ahead = rows_ahead(panel, model.network.config.n_centred)
    return np.maximum(ahead - model.horizon, 0)


def _blocks(panel: Panel) -> Iterator[tuple[int, int]]:
    """Split the series into runs that are rolled together."""
    size = panel.bounds * panel.values.shape[1] * GROUP // _CELLS_AT_ONCE
    edges = np.flatnonzero(np.diff(size[:-1], prepend=-1))
    return zip(edges, [*edges[1:], len(panel.ids)], strict=True)


def _near(
    panel: Panel, cells: Ints, beyond: Ints
) -> tuple[Panel, Ints, NDArray[np.bool_]]:
    """Split cells at the horizon.

    Returns
    -------
    near : Panel
        Without the rows behind it.
    inner : ndarray of int
        The cells of these rows.
    far : ndarray of bool, shape (M,)
        Which cells lie behind it.
    """
    near, row_of = _cut(panel, beyond)
    row, channel = np.divmod(cells, panel.values.shape[1])
    far = row_of[row] < 0
    return near, row_of[row[~far]] * panel.values.shape[1] + channel[~far], far


def _cut(panel: Panel, beyond: Ints) -> tuple[Panel, Ints]:
    """Leave out the last rows of each series; also the new row of each, -1 if gone."""
    length = np.diff(panel.bounds)
    row = np.arange(len(panel.values)) - np.repeat(panel.bounds[:-1], length)
    kept = row < np.repeat(length - beyond, length)
    near = replace(
        panel,
        values=panel.values[kept],
        bounds=np.concatenate([[0], np.cumsum(length - beyond)]),
        elapsed=panel.elapsed[kept],
        calendar=panel.calendar[kept],
    )
    return near, np.where(kept, np.cumsum(kept) - 1, -1)


class _Rolled:
    """Paths of some series, all of them drawn as far as the series go."""

    def __init__(
        self, model: Model, panel: Panel, n_samples: int, seed: int, n_steps: int
    ) -> None:
        self.model, self.panel = model, panel
        self.n_samples, self.seed, self.n_steps = n_samples, seed, n_steps
        self.n_targets = model.network.config.n_centred
        self.beyond = _beyond(model, panel)

    def paths(self, cells: Ints) -> Floats:
        """Draws of the cells asked for, shape (n_samples, M)."""
        near, row_of = _cut(self.panel, self.beyond)
        asked = np.zeros(self.panel.values.size, dtype=bool)
        asked[cells] = True
        asked = asked.reshape(self.panel.values.shape) | _ahead(
            self.panel, self.n_targets
        )
        kept = row_of >= 0
        first = np.flatnonzero(asked[kept])
        n_groups = -(-self.n_samples // GROUP)
        drawn = answering.draw(
            self.model, near, first, n_groups * GROUP, self.seed, self.n_steps
        )
        place = np.flatnonzero(asked & kept[:, None])
        answer = np.empty((n_groups * GROUP, len(cells)))
        for group in range(n_groups):
            some = slice(group * GROUP, (group + 1) * GROUP)
            full = np.repeat(self.panel.values[None], GROUP, axis=0)  # (GROUP, N, C)
            full.reshape(GROUP, -1)[:, place] = drawn[some]
            self._go_on(full, group)
            answer[some] = full.reshape(GROUP, -1)[:, cells]
        return answer[: self.n_samples]

    def _go_on(self, full: Floats, group: int) -> None:
        """Draw what is missing behind the first horizon, one horizon at a time."""
        horizon = self.model.horizon or 1
        for stage in range(-(-int(self.beyond.max()) // horizon)):
            series = np.flatnonzero(self.beyond > stage * horizon)
            left = np.maximum(self.beyond[series] - (stage + 1) * horizon, 0)
            end = self.panel.bounds[series + 1] - left
            panel, row, path = self._windows(full, end, series)
            asked = np.flatnonzero(_ahead(panel, self.n_targets))
            key = (self.seed, group, stage)  # fresh noise for each
            values = answering.draw_together(
                self.model, panel, asked, key, self.n_steps
            )
            at, channel = np.divmod(asked, full.shape[2])
            full[path[at], row[at], channel] = values

    def _windows(
        self, full: Floats, end: Ints, series: Ints
    ) -> tuple[Panel, Ints, Ints]:
        """Last windows of all paths as a panel, in which each path is a series.

        Returns
        -------
        panel : Panel
            The paths of a series follow each other.
        row, path : ndarray of int, shape (n_rows,)
            Where each of its rows comes from.
        """
        n_steps = self.model.n_steps
        rows, inside = rows_of(self.panel, end - n_steps, series, n_steps)  # (k, T)
        shape = (len(series), GROUP, n_steps)
        chosen = np.broadcast_to(inside[:, None], shape)
        row = np.broadcast_to(rows[:, None], shape)[chosen]
        path = np.broadcast_to(np.arange(GROUP)[:, None], shape)[chosen]
        length = inside.sum(axis=1).repeat(GROUP)
        panel = replace(
            self.panel,
            values=full[path, row],
            bounds=np.concatenate([[0], np.cumsum(length)]),
            ids=tuple((self.panel.ids[k], p) for k in series for p in range(GROUP)),
            elapsed=self.panel.elapsed[row],
            calendar=self.panel.calendar[row],
        )
        return panel, row, path


def _ahead(panel: Panel, n_targets: int) -> NDArray[np.bool_]:
    """Mark missing cells of the targets behind the last of their values, (N, C)."""
    last = panel.bounds[1:] - rows_ahead(panel, n_targets)
    behind = np.arange(len(panel.values)) >= np.repeat(last, np.diff(panel.bounds))
    ahead = np.isnan(panel.values) & behind[:, None]
    ahead[:, n_targets:] = False
    return ahead
