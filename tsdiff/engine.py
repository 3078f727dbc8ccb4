"""Answers of a trained engine, as both estimators by diffusion give them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_effort
from tsdiff.rolling import draw, quantiles
from tsdiff.settings import own_torch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class EngineAnswers:
    """Mixin of estimators that have a ``model_`` and `n_steps` to draw by it."""

    model_: Any
    n_steps: int | str

    def _quantiles(self, panel: Panel, cells: Ints, levels: Floats) -> Floats:
        n_steps = check_effort("n_steps", self.n_steps)
        with own_torch():
            return quantiles(self.model_, panel, cells, levels, n_steps)

    def _settle(self, values: Floats, cells: Ints, n_channels: int) -> Floats:
        return self.model_.scaler.snap(values, cells % n_channels)

    def _samples(self, panel: Panel, cells: Ints, n_samples: int, seed: int) -> Floats:
        n_steps = check_effort("n_steps", self.n_steps)
        with own_torch():
            return draw(self.model_, panel, cells, n_samples, seed, n_steps)
