"""How the noise learns to be as dependent along time as the scores are."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from tsdiff.diffusion.device import CPU
from tsdiff.diffusion.losses import Batch
from tsdiff.diffusion.network import Network
from tsdiff.diffusion.ranks import ALONE, Ranks

_UNTIL = 0.6  # share of the run in which the noise is still fitted
_N_UPDATES, _RATE = 60, 75  # steps, and rate in those of the network
_HIGHEST_RATE, _REACH = 0.3, 9.0  # of the logarithms of its weights
_CELLS = 2**15  # of one update, at most


class FieldFit:
    """Fit the dependence of the noise to that of the scores, now and then.

    In the first part of the run only, so that the denoiser ends with noise that stays
    as it is.

    Parameters
    ----------
    network : Network
        Whose field the fit begins with.
    rate : float
        Learning rate of the network.
    ranks : Ranks, optional
        Who fits together.
    """

    def __init__(self, network: Network, rate: float, ranks: Ranks = ALONE) -> None:
        self.ranks = ranks
        self.field = network.field
        self.rate = min(_RATE * rate, _HIGHEST_RATE)
        self.weights = self.field.log_weights.clone().requires_grad_()
        self.optimizer = torch.optim.Adam([self.weights], lr=self.rate)
        self.next = 0.0

    def follow(
        self, batch: Batch, scores: Tensor, share: float, networks: Iterable[Network]
    ) -> None:
        """Make a step if one is due, and tell the networks.

        Parameters
        ----------
        batch : Batch
        scores : Tensor, shape (B, T, C)
            Of the target cells, in this rank's part of the windows.
        share : float
            Of the budget that is spent.
        networks : iterable of Network
            Get the new weights.
        """
        if not self.next <= share < _UNTIL:
            return
        self.next = share + _UNTIL / _N_UPDATES
        if self._step(batch, scores, share):
            for network in networks:
                network.field.log_weights.copy_(self.weights.detach())

    def _step(self, batch: Batch, scores: Tensor, share: float) -> bool:
        """Make a step by some of the windows; False if it can't be told where to."""
        gradient = self._gradient(batch, scores)
        if not bool(torch.isfinite(gradient).all()):
            return False
        self.weights.grad = gradient
        self.optimizer.param_groups[0]["lr"] = self.rate * (1 - share / _UNTIL)
        self.optimizer.step()
        with torch.no_grad():  # else its covariance could not be told from singular
            self.weights.clamp_(-_REACH, _REACH)
        return True

    def _gradient(self, batch: Batch, scores: Tensor) -> Tensor:
        """Gradient of the mean over the first windows of a batch."""
        most = max(_CELLS // scores[0].numel(), 1)
        part = self.ranks.part(len(batch.truth))
        n_own = min(part.rows.stop, most) - part.rows.start
        some = slice(0, max(n_own, 1))
        scores = scores[some].to(CPU)
        own = batch.some(part.rows).some(some)
        loss = self.field.loss(own.window, scores, own.target, self.weights)
        (gradient,) = torch.autograd.grad(loss, self.weights)
        n_cells = batch.target[:most].sum().double()
        gradient = gradient * (own.target.sum() / n_cells.clamp_min(1))
        self.ranks.add([gradient], part.idle or n_own < 1)
        return gradient
