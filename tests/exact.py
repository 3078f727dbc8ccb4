"""A gap filler that knows the law of its data: the exact posterior, no training."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.special import ndtri

from tsdiff.baselines.contract import Filler


class Exact(Filler):
    """Answers by the joint normal law of all cells of one series, mean zero."""

    covariance: Any  # (N * C, N * C), time by time

    @classmethod
    def of(cls, data: Any) -> Self:
        """Know the law of a series made by `make_linear_gaussian`."""
        filler = cls(random_state=0).fit(data.frame())
        filler.covariance = data.covariance
        return filler

    def _learn_law(self, panel: Any) -> None:
        pass

    def law(self, panel: Any) -> Any:
        """Missing cells, their gain on the observed ones, and their covariance."""
        shown = panel.values.ravel()
        hole = np.isnan(shown)
        across = self.covariance[np.ix_(~hole, hole)]
        gain = np.linalg.solve(self.covariance[np.ix_(~hole, ~hole)], across)
        inner = self.covariance[np.ix_(hole, hole)] - gain.T @ across
        return np.flatnonzero(hole), gain.T @ shown[~hole], (inner + inner.T) / 2

    def _quantiles(self, panel: Any, cells: Any, levels: Any) -> Any:
        missing, mean, covariance = self.law(panel)
        place = np.searchsorted(missing, cells)
        spread = np.sqrt(np.diag(covariance)[place])
        return mean[place] + spread * ndtri(levels)[:, None]

    def _samples(self, panel: Any, cells: Any, n_samples: int, seed: int) -> Any:
        missing, mean, covariance = self.law(panel)
        noise = np.random.default_rng(seed).normal(size=(n_samples, panel.values.size))
        root = np.linalg.cholesky(covariance)
        paths = mean + noise[:, missing] @ root.T
        return paths[:, np.searchsorted(missing, cells)]
