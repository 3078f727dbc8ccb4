"""First weights, drawn from a generator of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from tsdiff.diffusion.network import Network, NetworkConfig

_DRAWING = {"randn", "uniform_", "normal_", "kaiming_uniform_"}


class _Drawn(TorchFunctionMode):
    """Let what draws inside this context of this thread draw from a generator.

    The layers of torch take the global one, which belongs to the caller, and which
    other threads would disturb.
    """

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.generator = generator

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        del types
        given = dict(kwargs or {})
        if getattr(func, "__name__", "") in _DRAWING:
            given["generator"] = self.generator
        return func(*args, **given)


def new_network(config: NetworkConfig, seed: int) -> Network:
    """Make a network with first weights; the global generator is left alone.

    Parameters
    ----------
    config : NetworkConfig
    seed : int

    Returns
    -------
    Network

    Examples
    --------
    >>> before = torch.random.get_rng_state()
    >>> a, b = (new_network(NetworkConfig(1, 4, width=8), 0) for _ in range(2))
    >>> torch.equal(a.encoder.law.weight, b.encoder.law.weight)
    True
    >>> torch.equal(torch.random.get_rng_state(), before)
    True
    """
    with _Drawn(torch.Generator().manual_seed(seed)):
        return Network(config)
