"""The cells asked for, sorted into windows that overlap by half.

Each missing cell is answered by the window in which it lies most central; a window that
knows cells of an earlier one waits for it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tsdiff.batches import shown_window
from tsdiff.diffusion.window import Window
from tsdiff.learning import Model
from tsdiff.panel.frame import Panel
from tsdiff.panel.windows import Cover, Scene, cover, rows_of

Ints = NDArray[np.int64]


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


class Asked:
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
        """Return what the model is shown of some windows, on its device."""
        start, series = self.layout.start[chunk], self.layout.series[chunk]
        windows = self.scene.take(start, series, self.n_steps)
        shown = shown_window(windows, ~np.isnan(windows.values))
        return shown.to(self.model.network.device)

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
