"""What is learned from: batches of hidden cells, and the losses on them.

The head learns by pinball loss, the denoiser by velocity loss on values Gaussianised
by the detached head. The score of a network on held-out cells is the head's alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tsdiff.diffusion.device import CPU
from tsdiff.diffusion.flow import NOISE, noised
from tsdiff.diffusion.network import Context, Network
from tsdiff.diffusion.noise import Noise
from tsdiff.diffusion.ranks import ALONE, Ranks
from tsdiff.diffusion.window import Window

_LEAST_UNIT = 0.05  # of a channel's scale
_LARGEST_SCORE = 5.0  # |z| beyond this says nothing more about dependence


@dataclass(frozen=True)
class Batch:
    """B windows with the cells to learn from.

    Attributes
    ----------
    window : Window
        What is shown.
    truth : Tensor, shape (B, T, C)
        Scaled values; anything where `target` is False.
    target : Tensor of bool, shape (B, T, C)
        Observed and not shown.
    weight : Tensor, shape (B,), optional
        Of each cell of a window; all count alike by default.
    relative : bool
        Whether the error of a window counts in units of its first guess's.
    """

    window: Window
    truth: Tensor
    target: Tensor
    weight: Tensor | None = None
    relative: bool = False

    def mean(self, loss: Tensor, window: Tensor, of: Tensor | None = None) -> Tensor:
        """Mean loss of cells that lie in some windows, both of shape (n,).

        Where they are but a part of the cells, the windows of all of them are `of`: the
        means of all parts then add up to that of the whole.
        """
        every = window if of is None else of
        if self.weight is None:
            return loss.sum() / max(len(every), 1)
        total = (self.weight[window] * loss).sum()
        return total / self.weight[every].sum().clamp_min(1e-9)

    def some(self, rows: slice) -> Batch:
        """Take some of the windows."""
        weight = None if self.weight is None else self.weight[rows]
        parts = (self.window.some(rows), self.truth[rows], self.target[rows])
        return Batch(*parts, weight, self.relative)

    def to(self, device: torch.device) -> Batch:
        """Move them to a device."""
        weight = None if self.weight is None else self.weight.to(device)
        parts = (self.window.to(device), self.truth.to(device), self.target.to(device))
        return Batch(*parts, weight, self.relative)


def losses(
    network: Network,
    batch: Batch,
    generator: torch.Generator,
    dropout: torch.Generator | None = None,
    rows: slice | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean CRPS of the head, mean squared error of the velocity, and the scores.

    With `rows`, what these windows add to the means over the batch, and their scores.
    All is random alike on every device: it is drawn on the CPU.
    """
    rows = slice(0, len(batch.truth)) if rows is None else rows
    batch = batch.to(network.device)
    own = batch.some(rows)
    cells = own.target.nonzero(as_tuple=True)
    truth = own.truth[cells]  # (n,)
    noise = None if dropout is None else Noise(dropout, len(batch.truth), rows)
    context = network.encoder(own.window, noise)
    marginals = network.encoder.marginals(context, cells)
    crps = batch.mean(
        marginals.crps(truth) / unit_of(own, context)[cells[0]],
        cells[0] + rows.start,
        batch.target.nonzero()[:, 0],
    )
    with torch.no_grad():
        score = marginals.to_z(truth[:, None])[:, 0]
        score = score.clamp(-_LARGEST_SCORE, _LARGEST_SCORE)
        z_0 = torch.zeros_like(own.truth).index_put(cells, score)
    known = Context(*(part.detach() for part in context))
    return crps, _velocity_loss(network, known, batch, z_0, generator, rows), z_0


def unit_of(batch: Batch, context: Context) -> Tensor:
    """Give the unit of each window's error, shape (B,): that of the first guess.

    One, unless errors are relative: easy windows would else teach nothing beside hard
    ones.
    """
    if not batch.relative:
        return torch.ones(len(batch.truth), device=batch.truth.device)
    count = batch.target.sum((1, 2)).clamp_min(1)
    mean = (context.spread.detach() * batch.target).sum((1, 2)) / count
    return mean.clamp_min(_LEAST_UNIT)


def _velocity_loss(
    network: Network,
    context: Context,
    batch: Batch,
    z_0: Tensor,
    generator: torch.Generator,
    rows: slice,
) -> Tensor:
    """Velocity loss; in a quarter of the windows some of the scores are given.

    Noise is drawn for the batch, whichever of its windows are computed.
    """
    n_windows, target, device = len(batch.truth), batch.target, batch.truth.device
    strata = torch.arange(n_windows) + torch.rand(n_windows, generator=generator)
    shuffled = torch.randperm(n_windows, generator=generator)
    t = (NOISE * strata / n_windows)[shuffled][rows].to(device)  # (B,)
    given = target & _revealed(target, generator)
    asked = target & ~given
    of = asked.nonzero()[:, 0]
    given, asked = given[rows], asked[rows]
    white, own = torch.randn((2, *batch.truth.shape), generator=generator)[:, rows]
    with torch.no_grad():
        near = batch.window.some(rows).to(CPU)
        noise = network.field(near, white, own).to(device)
    z_t, v = noised(z_0, noise, t[:, None, None])
    prepared = network.denoiser.prepare(context, asked, given)
    answer = network.denoiser(torch.where(given, z_0, z_t), t, prepared)
    window = asked.nonzero()[:, 0] + rows.start
    return batch.mean((answer - v)[asked] ** 2, window, of)


def _revealed(target: Tensor, generator: torch.Generator) -> Tensor:
    """Cells of an early part of the window, in a quarter of the windows.

    Windows that overlap are sampled in order: the later one knows the scores of what
    the earlier one has filled.
    """
    n_windows, n_steps, _ = target.shape
    edge = torch.rand(n_windows, 1, 1, generator=generator) * n_steps
    chosen = torch.rand(n_windows, 1, 1, generator=generator) < 0.25
    early = torch.arange(n_steps)[None, :, None] < edge
    return (early & chosen).to(target.device).expand_as(target)


@torch.no_grad()
def validation_crps(
    network: Network, batches: Sequence[Batch], ranks: Ranks = ALONE
) -> float:
    """Mean CRPS of the head over all target cells of the batches; NaN without any.

    Each rank scores some of the batches.
    """
    was_training = network.training
    network.eval()
    total, count = 0.0, 0
    for batch in batches[ranks.rank :: ranks.size]:
        batch = batch.to(network.device)
        cells = batch.target.nonzero(as_tuple=True)
        context = network.encoder(batch.window)
        marginals = network.encoder.marginals(context, cells)
        crps = marginals.crps(batch.truth[cells]) / unit_of(batch, context)[cells[0]]
        total += float(crps.sum())
        count += len(cells[0])
    network.train(was_training)
    total, n_cells = ranks.total(total, count)
    return total / n_cells if n_cells else math.nan
