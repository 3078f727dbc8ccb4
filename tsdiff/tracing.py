"""Tracing: the way of the draws from noise, as the estimators by diffusion give it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_count, check_effort, read_seed
from tsdiff.rolling import trace
from tsdiff.settings import own_torch
from tsdiff.support import only
from tsdiff.trace import Trace

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class FillingTrace:
    """Mixin of imputers by diffusion."""

    def trace(
        self: Any,
        X: Any,
        n_frames: int = 30,
        n_samples: int = 20,
        *,
        where: Any = None,
        random_state: Any = None,
    ) -> Trace:
        """Follow joint paths of the missing cells on their way from noise to data.

        At time t of the flow, from pi/2 to 0, a cell is shown at ``cos(t)`` times the
        value that its law gives its normal score, plus ``sin(t)`` times that score in
        the scale of its channel. Between the steps of the sampler the way is straight.
        By how much a calibration moves a path's end, it moves it in proportion on the
        way.

        Parameters
        ----------
        X : as in `fit`
        n_frames : int, default 30
            2 at least, evenly spread over the steps of the sampler.
        n_samples : int, default 20
        where, random_state
            As in `sample`.

        Returns
        -------
        Trace
            In the data's units; its last frame is what `sample` draws. See
            `tsdiff.plotting.plot_denoising`.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `sample`.

        Examples
        --------
        >>> from tsdiff import DiffusionImputer
        >>> y = np.sin(np.arange(60.0) / 5)[:, None]
        >>> y[20:24] = np.nan
        >>> imputer = DiffusionImputer(max_epochs=1, width=16, depth=1, random_state=0)
        >>> imputer.fit(y).trace(y)
        Trace(30 frames of 20 samples of 4 answered cells)
        """
        panel, cells = self._read(X, where)
        kept = self._supported(panel, cells)
        points = only(kept, _points(self, panel, cells, n_samples, random_state))
        cells, n_frames = only(kept, cells), check_count("n_frames", n_frames)
        return Trace.between(panel, points, cells, n_frames, self._is_calibrated)


class ForecastTrace:
    """Mixin of forecasters by diffusion."""

    def trace(
        self: Any,
        h: int | None = None,
        y: Any = None,
        X: Any = None,
        *,
        n_frames: int = 30,
        n_samples: int = 20,
        random_state: Any = None,
        static: Any = None,
    ) -> Trace:
        """Follow joint paths of the future on their way from noise to data.

        Parameters
        ----------
        h, y, X, static
            As in `predict`; h is at most the horizon of the fit.
        n_frames : int, default 30
            2 at least, evenly spread over the steps of the sampler; what they show is
            said in `DiffusionImputer.trace`.
        n_samples : int, default 20
        random_state
            As in `sample`.

        Returns
        -------
        Trace
            Of the h rows to forecast; its last frame is what `sample` draws.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            As `sample`, and if h is beyond the horizon of the fit.

        Examples
        --------
        >>> from tsdiff import DiffusionForecaster
        >>> y = np.sin(np.arange(60.0) / 5)[:, None]
        >>> sizes = {"max_epochs": 1, "width": 16, "depth": 1, "random_state": 0}
        >>> DiffusionForecaster(horizon=3, **sizes).fit(y).trace(n_frames=12)
        Trace(12 frames of 20 samples of 3 answered cells)
        """
        asked = self._ask(h, y, X, static)
        question = asked.panel, asked.cells
        kept = self._supported(*question)
        points = only(kept, _points(self, *question, n_samples, random_state))
        cells = np.flatnonzero(kept)
        n_frames = check_count("n_frames", n_frames)
        future, calibrated = asked.frame, self._is_calibrated
        return Trace.between(future, points, cells, n_frames, calibrated)


def _points(
    estimator: Any, panel: Panel, cells: Ints, n_samples: int, random_state: Any
) -> Floats:
    """Paths of some cells at each time of the sampler: (n_steps + 1, S, M)."""
    n_samples = check_count("n_samples", n_samples)
    n_steps = check_effort("n_steps", estimator.n_steps)
    seed = read_seed(estimator.random_state if random_state is None else random_state)
    if not len(cells):
        return np.empty(((n_steps or 1) + 1, n_samples, 0))
    with own_torch():
        way = trace(estimator._model(), panel, cells, n_samples, seed, n_steps)
    if estimator._is_calibrated:
        end = estimator._draw(panel, cells, n_samples, seed)
        share = np.linspace(0, 1, len(way))[:, None, None]
        way = np.concatenate([(way + share * (end - way[-1]))[:-1], end[None]])
    return way
