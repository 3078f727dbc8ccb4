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
from torch import Tensor, nn

from tsdiff.diffusion import banded
from tsdiff.diffusion.smoothing import field_system
from tsdiff.diffusion.window import Window

_START = (1.0, 0.1, 1.0, 10.0)  # some dependence, and some noise of each cell's own


class Field(nn.Module):
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
            B windows.
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
        system = field_system(window, log_weights)
        factors = system.factors()
        spread = system.spread(factors)
        seen = target.transpose(1, 2).double()
        noisy = seen * spread * scores.transpose(1, 2).double()  # in the field's units
        diagonal = system.diagonal + seen * system.sharp
        after = system._replace(diagonal=diagonal).factors()
        right = system.sharp * noisy
        middle = banded.together(banded.solve(after, system.steps(right)))
        n_seen = seen.sum(-1)
        double_log = (
            n_seen * (math.log(2 * math.pi) - system.sharp[..., 0].log())
            + banded.log_determinant(after)
            - banded.log_determinant(factors)
            + (right * (noisy - middle)).sum(-1)
        )
        scaling = (seen * spread.log()).sum(-1)  # the scores are those over the spread
        return (0.5 * double_log - scaling).sum() / n_seen.sum().clamp_min(1)
