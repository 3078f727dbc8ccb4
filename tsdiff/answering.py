"""From a trained engine to answers: quantiles in closed form, joint paths by the flow.

Windows overlap by half. Each missing cell is answered by the window in which it lies
most central; windows are sampled in order, and a later one is told the normal scores of
what an earlier one has filled. Nothing is averaged, so paths stay paths.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tsdiff.batches import shown_window
from tsdiff.diffusion import flow
from tsdiff.diffusion.marginals import normal_score
from tsdiff.diffusion.network import Context, Network
from tsdiff.diffusion.window import Window
from tsdiff.learning import Model
from tsdiff.panel.frame import Panel
from tsdiff.panel.windows import Cover, Scene, cover, rows_of

GROUP = 50  # paths whose ranks are spread over the law together
_TOKENS_AT_ONCE = 16_384  # bounds the memory of one pass, whatever is asked for
_LARGEST_SCORE = 5.0
_TIE, _RANKS_AT_ONCE = 0.02, 2**22  # normal scores closer than this nearly tie
_CROWDING = 1.25  # evens out the spread of strongly and weakly dependent directions

Ints = NDArray[np.int64]


def quantiles(
    model: Model, panel: Panel, cells: Ints, levels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Quantiles of single cells, in closed form: one pass, no sampling.

    Parameters
    ----------
    model : Model
    panel : Panel
    cells : ndarray of int, shape (M,)
        Flat indices of the cells asked for, ascending.
    levels : ndarray, shape (k,)

    Returns
    -------
    ndarray, shape (k, M)
        In the units of the data.
    """
    asked = _Asked(model, panel, cells)
    scaled = np.empty((len(levels), len(cells)), dtype=np.float32)
    level = torch.from_numpy(np.asarray(levels, dtype=np.float64))
    tokens = asked.tokens
    with torch.inference_mode():
        for chunk in _chunks(asked.windows, max(_TOKENS_AT_ONCE // tokens, 1)):
            window = asked.window(chunk)
            b, t, c, position, owned = asked.cells_of(chunk)
            own = tuple(torch.from_numpy(index[owned]) for index in (b, t, c))
            context = model.network.encoder(window)
            law = model.network.encoder.marginals(context, own)
            scaled[:, position[owned]] = law.quantile(level).T.numpy()
    return asked.units.leave(scaled, cells)


def draw(
    model: Model, panel: Panel, cells: Ints, n_samples: int, seed: int, n_steps: int
) -> NDArray[np.float64]:
    """Joint sample paths of the cells asked for.

    Parameters
    ----------
    model : Model
    panel : Panel
    cells : ndarray of int, shape (M,)
        Flat indices, ascending.
    n_samples : int
    seed : int
        With series, place and number of the sample it keys the noise, so a draw does
        not depend on what else is asked for.
    n_steps : int
        Steps of the sampler.

    Returns
    -------
    ndarray, shape (n_samples, M)
    """
    asked = _Asked(model, panel, cells)
    (answer,) = _walked(asked, 1, n_samples, seed, n_steps)
    return asked.units.leave(answer, cells)


def trace(
    model: Model, panel: Panel, cells: Ints, n_samples: int, seed: int, n_steps: int
) -> NDArray[np.float64]:
    """Draw as `draw`, and keep what the paths are on their way from noise.

    At time t of the flow a cell with normal score z is shown at ``cos(t)`` times the
    value that its law gives z, plus ``sin(t)`` times z itself in the scale of its
    channel: noise at first, at last the draw.

    Returns
    -------
    ndarray, shape (n_steps + 1, n_samples, M)
        The last one is the answer of `draw`.
    """
    asked = _Asked(model, panel, cells)
    way = _walked(asked, n_steps + 1, n_samples, seed, n_steps)
    return np.stack([asked.units.leave(points, cells) for points in way])


def _walked(
    asked: _Asked, n_kept: int, n_samples: int, seed: int, n_steps: int
) -> NDArray[np.float32]:
    """Scaled paths at the last `n_kept` times of the flow: (n_kept, n_samples, M)."""
    n_groups = -(-n_samples // GROUP)
    n_cells = len(asked.owner)
    way = np.empty((n_kept, n_groups * GROUP, n_cells), dtype=np.float32)
    largest = max(asked.tokens, asked.moved_tokens() * GROUP)
    per_pass = max(_TOKENS_AT_ONCE // largest, 1)
    network = asked.model.network
    with torch.inference_mode():
        for wave in asked.waves():
            for chunk in _chunks(wave, per_pass):
                window = asked.window(chunk)
                context = network.encoder(window)
                passing = _Pass(network, asked, chunk, window, context)
                for group in range(n_groups):
                    paths = slice(group * GROUP, (group + 1) * GROUP)
                    passing.fill(way[:, paths], (seed, group), n_steps)
    return way[:, :n_samples]


def soft_rank(scores: Tensor) -> Tensor:
    """Rank along the last axis, from 0; scores that nearly tie nearly share theirs.

    Else rounding could swap two of them, and with them values a rank apart. Scores
    that are lost, as those of a model whose training diverged, tie at zero.

    Examples
    --------
    >>> soft_rank(torch.tensor([[0.3, -1.0, 2.0, -1.0]])).tolist()
    [[2.0, 0.5, 3.0, 0.5]]
    """
    scores = torch.nan_to_num(scores)
    size = max(_RANKS_AT_ONCE // scores.shape[1] ** 2, 1)
    parts = [
        ((part[:, :, None] - part[:, None]) / _TIE + 0.5).clamp(0, 1).sum(2) - 0.5
        for part in scores.split(size)
    ]
    return torch.cat(parts) if parts else scores


def draw_together(
    model: Model, panel: Panel, cells: Ints, key: tuple[int, ...], n_steps: int
) -> NDArray[np.float64]:
    """Draw once of each series, where GROUP series are paths of one.

    Parameters
    ----------
    model : Model
    panel : Panel
        The paths of a series follow each other; they have the same cells asked for.
    cells : ndarray of int, shape (M,)
        Flat indices, ascending, of rows behind the end of the data.
    key : tuple of int
        Of the noise, with the names of the series.
    n_steps : int

    Returns
    -------
    ndarray, shape (M,)
    """
    asked = _Asked(model, panel, cells)
    scaled = np.empty(len(cells), dtype=np.float32)
    size = max(_TOKENS_AT_ONCE // (asked.tokens * GROUP), 1) * GROUP
    with torch.inference_mode():
        for chunk in _chunks(asked.windows, size):
            window = asked.window(chunk)
            context = model.network.encoder(window)
            passing = _Pass(model.network, asked, chunk, window, context)
            passing.fill_together(scaled, key, n_steps)
    return asked.units.leave(scaled, cells)


def rows_ahead(panel: Panel, n_targets: int) -> Ints:
    """Count the last rows of each series in which no target is observed.

    Returns
    -------
    ndarray of int, shape (n_series,)
    """
    row = np.arange(len(panel.values))
    seen = panel.observed[:, :n_targets].any(axis=1)
    last = np.maximum.reduceat(np.where(seen, row, -1), panel.bounds[:-1])
    return panel.bounds[1:] - 1 - np.maximum(last, panel.bounds[:-1] - 1)


def _chunks(windows: Ints, size: int) -> Iterator[Ints]:
    """Split windows into runs of `size`."""
    for first in range(0, len(windows), size):
        yield windows[first : first + size]


def _generator(*key: object) -> torch.Generator:
    """Make the generator of a key: the same wherever and whenever it is asked for."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


class _Asked:
    """The cells asked for, sorted into the windows that see them."""

    def __init__(self, model: Model, panel: Panel, cells: Ints) -> None:
        self.model, self.panel, self.n_steps = model, panel, model.n_steps
        config = model.network.config
        self.tokens = config.n_patches + config.n_channels
        self.units = model.scaler.units(panel)
        scaled = self.units.enter(panel.values, panel.channels)
        self.scene = Scene(panel, scaled)
        ahead = rows_ahead(panel, config.n_centred) if model.horizon else 0
        self.layout: Cover = cover(panel, self.n_steps, ahead)
        self.position = np.full(panel.values.size, -1, dtype=np.int64)
        self.position[cells] = np.arange(len(cells))
        self.owner = self.layout.owner[cells // len(panel.channels)]  # (M,)
        self.windows: Ints = np.unique(self.owner)

    def moved_tokens(self) -> int:
        """Count the tokens that the denoiser has for one window, at most."""
        config = self.model.network.config
        _, t, _, _, _ = self.cells_of(self.windows)
        patches = np.unique(t // config.patch_length)
        span = int(patches[-1] - patches[0] + 1) if len(patches) else 0
        return span + config.n_channels

    def window(self, chunk: Ints) -> Window:
        """Return what the model is shown of some windows."""
        start, series = self.layout.start[chunk], self.layout.series[chunk]
        windows = self.scene.take(start, series, self.n_steps)
        return shown_window(windows, ~np.isnan(windows.values))

    def cells_of(self, chunk: Ints) -> tuple[Ints, ...]:
        """Cells asked for in some windows.

        Returns
        -------
        b, t, c : ndarray of int, shape (n,)
            Window in the chunk, step and channel.
        position : ndarray of int, shape (n,)
            Number of the cell in the answer.
        owned : ndarray of bool, shape (n,)
            Whether this window answers it.
        """
        n_channels = len(self.panel.channels)
        start, series = self.layout.start[chunk], self.layout.series[chunk]
        rows, inside = rows_of(self.panel, start, series, self.n_steps)
        flat = rows[:, :, None] * n_channels + np.arange(n_channels)
        position = np.where(inside[:, :, None], self.position[flat], -1)
        b, t, c = np.nonzero(position >= 0)
        position = position[b, t, c]
        return b, t, c, position, self.owner[position] == chunk[b]

    def waves(self) -> Iterator[Ints]:
        """Windows in waves: one waits for those whose answers it has to know."""
        b, _, _, position, _ = self.cells_of(self.windows)
        earlier = self.owner[position] < self.windows[b]
        waits = np.zeros(len(self.windows), dtype=bool)
        waits[b[earlier]] = True
        number = np.arange(len(waits))
        free = np.maximum.accumulate(np.where(waits, -1, number))
        depth = number - free
        for wave in range(int(depth.max(initial=-1)) + 1):
            yield self.windows[depth == wave]


class _Pass:
    """A chunk of windows, through which groups of paths are drawn."""

    def __init__(
        self,
        network: Network,
        asked: _Asked,
        chunk: Ints,
        window: Window,
        context: Context,
    ) -> None:
        self.network, self.asked = network, asked
        self.chunk, self.window, self.context = chunk, window, context
        b, t, c, self.position, self.owned = asked.cells_of(chunk)
        self.earlier = asked.owner[self.position] < chunk[b]
        self.cells = tuple(torch.from_numpy(index) for index in (b, t, c))
        self.law = network.encoder.marginals(context, self.cells)

    def fill(
        self, way: NDArray[np.float32], key: tuple[int, ...], n_steps: int
    ) -> None:
        """Fill the cells that the chunk owns in `way`, shape (n_kept, GROUP, M)."""
        scaled, n_skipped = way[-1], n_steps + 1 - len(way)
        known = torch.from_numpy(self.earlier)
        before = torch.from_numpy(scaled[:, self.position[self.earlier]].T.copy())
        given = torch.empty(before.shape)
        if known.any():
            scores = self.law.select(known).to_z(before)
            given = scores.clamp(-_LARGEST_SCORE, _LARGEST_SCORE)
        own = torch.from_numpy(self.owned)
        law, times = self.law.select(own), flow.times(n_steps, _CROWDING)
        walk = islice(self._walk(key, n_steps, given), n_skipped, None)
        for points, t, z in zip(way, times[n_skipped:], walk, strict=True):
            level = self._levels(self._owned(z), key, self.cells[0][own])
            score = normal_score(level).float()
            values = math.cos(t) * law.from_z(score) + math.sin(t) * score
            points[:, self.position[self.owned]] = values.T.numpy()

    def fill_together(
        self, scaled: NDArray[np.float32], key: tuple[int, ...], n_steps: int
    ) -> None:
        """Fill `scaled`, shape (M,): a window for each path, GROUP of them a series."""
        (z,) = islice(self._walk(key, n_steps, torch.empty(0, 1)), n_steps, None)
        scores = self._owned(z)
        b = self.cells[0].contiguous()
        first = torch.searchsorted(b, b)  # first cell of the window
        number = torch.arange(len(b)) - first
        cell = (b // GROUP) * (int(number.max()) + 1) + number  # the same over paths
        order = np.lexsort((scores[:, 0].numpy(), cell.numpy()))
        rank = torch.empty(len(b), dtype=torch.float64)
        rank[order] = (torch.arange(len(b)) % GROUP).double()
        level = (rank + 0.5) / GROUP
        values = self.law.from_z(normal_score(level).float()[:, None])
        scaled[self.position] = values[:, 0].numpy()

    def _owned(self, z: Tensor) -> Tensor:
        """Scores of the cells that the chunk owns, shape (n_owned, n_paths)."""
        own = torch.from_numpy(self.owned)
        b, t, c = (index[own] for index in self.cells)
        return z[b, :, t, c]

    def _walk(
        self, key: tuple[int, ...], n_steps: int, given: Tensor
    ) -> Iterator[Tensor]:
        """Walk from noise to normal scores of all cells.

        Parameters
        ----------
        key : tuple of int
        n_steps : int
        given : Tensor, shape (n_earlier, n_paths)
            Scores of the cells that earlier windows have answered.

        Returns
        -------
        iterator over Tensors of shape (n_windows, n_paths, n_steps, n_channels)
        """
        b, t, c = self.cells
        n_channels = self.context.anchor.shape[2]
        shape = (len(self.chunk), given.shape[1], self.asked.n_steps, n_channels)
        known = torch.from_numpy(self.earlier)
        fixed = torch.zeros(shape)
        fixed[b[known], :, t[known], c[known]] = given
        flags = torch.zeros((shape[0], *shape[2:]), dtype=torch.bool)
        flags[b[known], t[known], c[known]] = True
        moved = torch.zeros_like(flags)
        moved[b[~known], t[~known], c[~known]] = True
        return self._flow(self._noise(key, shape), fixed, flags, moved, n_steps)

    def _noise(self, key: tuple[int, ...], shape: tuple[int, ...]) -> Tensor:
        """Noise keyed by seed, series and place, one stream a window."""
        layout, panel = self.asked.layout, self.asked.panel
        white = torch.empty(2, *shape)
        for slot, window in enumerate(self.chunk):
            series = layout.series[window]
            offset = int(layout.start[window] - panel.bounds[series])
            generator = _generator(*key, panel.ids[series], offset)
            for part in white[:, slot]:
                torch.randn(shape[1:], generator=generator, out=part)
        return self.network.field(self.window, *white)

    def _flow(
        self,
        noise: Tensor,
        given: Tensor,
        flags: Tensor,
        moved: Tensor,
        n_steps: int,
    ) -> Iterator[Tensor]:
        """Integrate the flow for all windows and paths at once."""
        denoiser = self.network.denoiser
        n_windows, n_paths = noise.shape[:2]
        prepared = denoiser.prepare(self.context, moved, flags, n_paths)
        known = flags.repeat_interleave(n_paths, 0)
        fixed = given.flatten(0, 1)

        def velocity(z: Tensor, t: float) -> Tensor:
            level = torch.full((len(z),), t)
            return denoiser(torch.where(known, fixed, z), level, prepared)

        path = flow.times(n_steps, _CROWDING)
        for z in flow.walk(velocity, noise.flatten(0, 1), path):
            yield z.view(n_windows, n_paths, *noise.shape[2:])

    def _levels(self, scores: Tensor, key: tuple[int, ...], b: Tensor) -> Tensor:
        """Levels in (0, 1) of scores of shape (n, GROUP), by their ranks.

        Few steps leave the scores under-dispersed; their ranks over the group are
        not. Each path has a place within its rank's band that it keeps over all cells
        of a series (ensemble copula coupling: Schefzik et al., 2013, Stat. Sci. 28).
        """
        rank = soft_rank(scores).double()
        panel, layout = self.asked.panel, self.asked.layout
        place = torch.stack(
            [
                torch.rand(
                    scores.shape[1],
                    generator=_generator(*key, panel.ids[layout.series[window]]),
                    dtype=torch.float64,
                )
                for window in self.chunk
            ]
        )
        return (rank + place[b].clamp(0.01, 0.99)) / scores.shape[1]
