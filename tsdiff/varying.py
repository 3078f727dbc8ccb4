"""Training windows at other levels and scales, where there are few of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tsdiff.panel.windows import Windows

_SCALE, _LEVEL = 0.3, 0.5  # standard deviations: of a logarithm; in a channel's units

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Variation:
    """How windows are varied.

    A series of few windows could else be learned by heart: a window would be told from
    the others by its level, and its gaps filled from memory. All channels of a window
    get one scale, and levels that differ as those of the data do, so that what channels
    tell of each other stays true.

    Attributes
    ----------
    root : ndarray, shape (C, C)
        Of the correlations of the channels.
    free : ndarray of bool, shape (C,)
        Channels that may be varied; others take some values only.
    """

    root: Floats
    free: NDArray[np.bool_]

    @classmethod
    def of(cls, scaled: Floats, free: NDArray[np.bool_]) -> Variation | None:
        """Learn from scaled data, shape (N, C), with NaN; None if no channel is free.

        Correlations are those of pairs of cells that are both observed.
        """
        if not free.any():
            return None
        seen = ~np.isnan(scaled)
        both = np.maximum(seen.T.astype(float) @ seen, 1)
        x = np.where(seen, scaled, 0).astype(float)
        x = np.where(seen, x - x.sum(0) / np.maximum(seen.sum(0), 1), 0)
        covariance = x.T @ x / both
        spread = np.sqrt(np.maximum(covariance.diagonal(), 1e-12))
        values, vectors = np.linalg.eigh(covariance / spread / spread[:, None])
        root = vectors * np.sqrt(np.maximum(values, 0))
        size = np.maximum(np.linalg.norm(root, axis=1, keepdims=True), 1e-6)
        return cls((root / size).astype(np.float32), free)

    def apply(
        self, windows: Windows, truth: Floats, rng: np.random.Generator
    ) -> tuple[Windows, Floats]:
        """Give each of B windows another level and scale; truth is (B, T, C)."""
        n_windows, _, n_channels = truth.shape
        scale = rng.standard_normal((n_windows, 1, 1), dtype=np.float32)
        level = rng.standard_normal((n_windows, 1, n_channels), dtype=np.float32)
        scale, level = np.exp(_SCALE * scale), _LEVEL * (level @ self.root.T)
        scale = np.where(self.free, scale, np.float32(1))
        level = np.where(self.free, level, np.float32(0))
        varied = replace(
            windows,
            values=windows.values * scale + level,
            edges=windows.edges * scale + level,
        )
        return varied, truth * scale + level
