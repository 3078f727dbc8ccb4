"""The optimisers of a network: Muon for matrices, AdamW for all else."""

from __future__ import annotations

import torch

from tsdiff.diffusion.network import Network


def optimizers_of(
    network: Network, rate: float, decay: float
) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks, AdamW for all else.

    Orthogonalised momentum (Jordan et al., 2024) needs far fewer steps here; its rate
    is scaled so that updates are as large as AdamW's (Liu et al., 2025).
    """
    inner = {
        name
        for name, weight in network.named_parameters()
        if "blocks" in name and weight.ndim == 2 and "modulation" not in name
    }
    named = dict(network.named_parameters())
    matrices = [named[name] for name in sorted(inner)]
    others = [weight for name, weight in named.items() if name not in inner]
    return [
        torch.optim.Muon(
            matrices, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(
            others, lr=rate, weight_decay=decay, betas=(0.9, 0.98), fused=True
        ),
    ]
