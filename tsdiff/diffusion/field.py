"""The noise that paths start from: as dependent along time as the answers are.

The flow carries noise to normal scores. Both have unit variance; if the noise is also
correlated as the scores are, the flow has little left to do, and a path stays smooth
where data are smooth. (Priors of this kind: Kollovieh et al., 2025, ICLR.) Here it is
the posterior of a Gaussian Markov field, tied down where cells are shown: four weights
a channel, learned by the likelihood of the scores while the network learns the rest.
Weights of no dependence are among them: then the noise is white.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from tsdiff.diffusion import banded
from tsdiff.diffusion.device import OnCPU
from tsdiff.diffusion.smoothing import System, field_system, with_gradient
from tsdiff.diffusion.window import Window

_START = (1.0, 0.1, 1.0, 10.0)  # some dependence, and some noise of each cell's own


class Field(OnCPU):
    """Correlated noise for the windows of a model.

    Parameters
    ----------
    n_channels : int
    """

    log_weights: Tensor

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        start = torch.tensor(_START, dtype=torch.float64).log()
        self.register_buffer("log_weights", start.repeat(n_channels, 1))

    def forward(self, window: Window, white: Tensor, own: Tensor) -> Tensor:
        """Turn white noise into noise that is correlated along time.

        Parameters
        ----------
        window : Window
            B windows, on the CPU as all else here.
        white, own : Tensor, shape (B, ..., T, C)
            Independent standard normal: of the field, and of each cell.

        Returns
        -------
        Tensor, shape (B, ..., T, C)
            Standard normal in each cell.
        """
        system = field_system(window, self.log_weights)
        factors = system.factors()
        spread = system.spread(factors)
        more = (1,) * (white.ndim - 3)
        wide = (len(spread), *more, spread.shape[1])
        small = banded.Factors(
            *([x.astype(np.float32).reshape(wide) for x in parts] for parts in factors)
        )
        steps = banded.steps(white.transpose(-1, -2))
        field = banded.together(banded.colour(small, steps))
        mixed = field + own.transpose(-1, -2) * system.sharp.rsqrt().float()
        return (mixed / spread.float().view(*wide, -1)).transpose(-1, -2)

    def loss(
        self, window: Window, scores: Tensor, target: Tensor, log_weights: Tensor
    ) -> Tensor:
        """Negative log-likelihood of normal scores by weights, a cell.

        Parameters
        ----------
        window : Window
        scores : Tensor, shape (B, T, C)
            Read where `target` is True.
        target : Tensor of bool, shape (B, T, C)
        log_weights : Tensor, shape (C, 4)

        Returns
        -------
        Tensor, shape ()
        """
        seen = target.transpose(1, 2).double()
        scores = scores.transpose(1, 2).double()

        def likelihood(log_weights: Tensor) -> Tensor:
            """Negative logarithm, shape (..., B, C, 1)."""
            system = field_system(window, log_weights)
            return _surprise(system, seen, seen * scores)[..., None]

        total = with_gradient(likelihood, log_weights).sum()
        return total / seen.sum().clamp_min(1)


def _surprise(system: System, seen: Tensor, scores: Tensor) -> Tensor:
    """Negative log-likelihood of each channel's scores, shape (..., B, C)."""
    factors = system.factors()
    spread = system.spread(factors)
    noisy = spread * scores  # in the field's units
    after = system._replace(diagonal=system.diagonal + seen * system.sharp).factors()
    right = system.sharp * noisy
    middle = banded.together(banded.solve(after, banded.steps(right)))
    double_log = (
        seen.sum(-1) * (math.log(2 * math.pi) - system.sharp[..., 0].log())
        + banded.log_determinant(after)
        - banded.log_determinant(factors)
        + (right * (noisy - middle)).sum(-1)
    )
    scaling = (seen * spread.log()).sum(-1)  # the scores are those over the spread
    return 0.5 * double_log - scaling
