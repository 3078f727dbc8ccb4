"""Random numbers of a part of a batch: those that it has in the whole of it."""

from __future__ import annotations

import torch
from torch import Tensor

from tsdiff.diffusion.device import CPU


class Noise:
    """Coins for some windows of a batch.

    They are drawn for all of its windows, and on the CPU, so that it does not matter
    who computes which ones.

    Parameters
    ----------
    generator : torch.Generator
    n_windows : int
        Of the whole batch.
    rows : slice
        The windows that are computed.
    """

    def __init__(self, generator: torch.Generator, n_windows: int, rows: slice) -> None:
        self.generator, self.n_windows, self.rows = generator, n_windows, rows

    def kept(self, x: Tensor, share: float) -> Tensor:
        """Give 1 with probability `share`, else 0, for each number of `x`.

        Parameters
        ----------
        x : Tensor, shape (B, ...)
            Of the windows that are computed.
        share : float

        Returns
        -------
        Tensor, shape (B, ...)
        """
        every = torch.empty((self.n_windows, *x.shape[1:]), dtype=x.dtype, device=CPU)
        every.bernoulli_(share, generator=self.generator)
        return every[self.rows].to(x.device)
