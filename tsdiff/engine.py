"""Answers of a trained engine, as both estimators by diffusion give them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsdiff.diffusion.device import find_device
from tsdiff.learning import Model
from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_effort
from tsdiff.rolling import draw, quantiles
from tsdiff.settings import own_torch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class EngineAnswers:
    """Mixin of estimators that have a ``model_`` and `n_steps` to draw by it."""

    model_: Model
    n_steps: int | str
    device: str

    def _model(self) -> Model:
        """Give the model on the device to answer on, which is found anew each time."""
        return self.model_.on(find_device(self.device))

    def _quantiles(self, panel: Panel, cells: Ints, levels: Floats) -> Floats:
        n_steps = check_effort("n_steps", self.n_steps)
        with own_torch():
            return quantiles(self._model(), panel, cells, levels, n_steps)

    def _settle(self, values: Floats, cells: Ints, n_channels: int) -> Floats:
        return self.model_.scaler.snap(values, cells % n_channels)

    def _samples(self, panel: Panel, cells: Ints, n_samples: int, seed: int) -> Floats:
        n_steps = check_effort("n_steps", self.n_steps)
        with own_torch():
            return draw(self._model(), panel, cells, n_samples, seed, n_steps)
