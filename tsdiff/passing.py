"""Paths through a chunk of windows: noise, flow, and the values of the scores.

Ranks of the scores are spread over the laws of the cells (ensemble copula coupling:
Schefzik et al., 2013, Stat. Sci. 28), so that every interval is that of the law.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tsdiff.asking import Asked
from tsdiff.diffusion import flow
from tsdiff.diffusion.device import CPU
from tsdiff.diffusion.marginals import normal_score
from tsdiff.diffusion.network import Context, Network
from tsdiff.diffusion.window import Window

GROUP = 50  # paths whose ranks are spread over the law together
_LARGEST_SCORE = 5.0
_TIE, _RANKS_AT_ONCE = 0.05, 2**22  # normal scores closer than this nearly tie
_CROWDING = 1.25  # evens out the spread of strongly and weakly dependent directions

Ints = NDArray[np.int64]


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


def _generator(*key: object) -> torch.Generator:
    """Make the generator of a key: the same wherever and whenever it is asked for."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


class Pass:
    """A chunk of windows, through which groups of paths are drawn.

    Scores of a `raw` one are those of the flow, whose ranks are not spread: to see how
    good it is by itself.
    """

    def __init__(
        self,
        network: Network,
        asked: Asked,
        chunk: Ints,
        window: Window,
        context: Context,
        raw: bool = False,
    ) -> None:
        self.network, self.asked, self.raw = network, asked, raw
        self.chunk, self.window, self.context = chunk, window, context
        b, t, c, self.position, self.owned = asked.cells_of(chunk)
        self.earlier = asked.owner[self.position] < chunk[b]
        self.cells = tuple(self._there(index) for index in (b, t, c))
        self.law = network.encoder.marginals(context, self.cells)

    def _there(self, array: NDArray[Any]) -> Tensor:
        """Put an array where the network is."""
        return torch.from_numpy(array).to(self.network.device)

    def fill(
        self, way: NDArray[np.float32], key: tuple[int, ...], n_steps: int
    ) -> None:
        """Fill the cells that the chunk owns in `way`, shape (n_kept, GROUP, M)."""
        scaled, n_skipped = way[-1], n_steps + 1 - len(way)
        known = self._there(self.earlier)
        before = self._there(scaled[:, self.position[self.earlier]].T.copy())
        given = torch.empty_like(before)
        if self.earlier.any():
            scores = self.law.select(known).to_z(before)
            given = scores.clamp(-_LARGEST_SCORE, _LARGEST_SCORE)
        own = self._there(self.owned)
        law, times = self.law.select(own), flow.times(n_steps, _CROWDING)
        walk = islice(self._walk(key, n_steps, given), n_skipped, None)
        for points, t, z in zip(way, times[n_skipped:], walk, strict=True):
            score = self._owned(z)
            if not self.raw:
                level = self._levels(score, key, self.cells[0][own].cpu())
                score = normal_score(level).float().to(score.device)
            values = math.cos(t) * law.from_z(score) + math.sin(t) * score
            points[:, self.position[self.owned]] = values.T.cpu().numpy()

    def fill_together(
        self, scaled: NDArray[np.float32], key: tuple[int, ...], n_steps: int
    ) -> None:
        """Fill `scaled`, shape (M,): a window for each path, GROUP of them a series."""
        given = torch.empty(0, 1, device=self.network.device)
        (z,) = islice(self._walk(key, n_steps, given), n_steps, None)
        scores = self._owned(z).cpu()
        b = self.cells[0].cpu().contiguous()
        first = torch.searchsorted(b, b)  # first cell of the window
        number = torch.arange(len(b)) - first
        cell = (b // GROUP) * (int(number.max()) + 1) + number  # the same over paths
        order = np.lexsort((scores[:, 0].numpy(), cell.numpy()))
        rank = torch.empty(len(b), dtype=torch.float64)
        rank[order] = (torch.arange(len(b)) % GROUP).double()
        level = (rank + 0.5) / GROUP
        score = normal_score(level).float().to(z.device)
        values = self.law.from_z(score[:, None])
        scaled[self.position] = values[:, 0].cpu().numpy()

    def _owned(self, z: Tensor) -> Tensor:
        """Scores of the cells that the chunk owns, shape (n_owned, n_paths)."""
        own = self._there(self.owned)
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
        known = self._there(self.earlier)
        fixed = given.new_zeros(shape)
        fixed[b[known], :, t[known], c[known]] = given
        flags = given.new_zeros((shape[0], *shape[2:]), dtype=torch.bool)
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
        return self.network.field(self.window.to(CPU), *white).to(self.network.device)

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
            level = z.new_full((len(z),), t)
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
        rank = soft_rank(scores).cpu().double()
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
