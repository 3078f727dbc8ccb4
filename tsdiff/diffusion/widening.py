"""How wide the laws should be: one factor, chosen on cells that were held out.

A network that has seen its training data many times is surer of itself than it may be.
One number can't be learned by heart, so the held-out cells can tell it. Laws are only
ever made wider: held-out cells that are easier than those to come are no reason to be
surer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tsdiff.diffusion.losses import Batch, unit_of
from tsdiff.diffusion.network import Network

_LOG_FACTORS = torch.linspace(0.0, 0.6, 13)  # of the widths that are tried
_PRIOR_WINDOWS = 16  # of evidence that the width is right as it is


@torch.no_grad()
def best_log_width(network: Network, batches: Sequence[Batch]) -> float:
    """Find the factor by which laws should be wider about their medians.

    Parameters
    ----------
    network : Network
        In evaluation mode.
    batches : sequence of Batch
        Of cells that it was not trained on.

    Returns
    -------
    float
        Logarithm of the factor with the lowest CRPS, drawn to zero where windows are
        few.
    """
    total = torch.zeros(len(_LOG_FACTORS), device=network.device)
    n_windows = 0
    for batch in batches:
        batch = batch.to(network.device)
        cells = batch.target.nonzero(as_tuple=True)
        context = network.encoder(batch.window)
        law = network.encoder.marginals(context, cells)
        truth, unit = batch.truth[cells], unit_of(batch, context)[cells[0]]
        for number, log_factor in enumerate(_LOG_FACTORS.tolist()):
            wider = law.widened(log_factor)
            total[number] += (wider.crps(truth) / unit).sum()
        n_windows += int(batch.target.any(2).any(1).sum())
    if not bool(torch.isfinite(total).all()) or not n_windows:
        return 0.0
    best = float(_LOG_FACTORS[int(total.argmin())])
    return best * n_windows / (n_windows + _PRIOR_WINDOWS)


@torch.no_grad()
def widen(network: Network, log_factor: float) -> None:
    """Make all laws of a network wider about their medians, in place."""
    network.encoder.law.bias[0] += log_factor  # of the logarithm of the scale
