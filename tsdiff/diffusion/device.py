"""Where an engine computes: a device, found by its name, and what stays on the CPU."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Self

import torch
from torch import nn

CPU = torch.device("cpu")


def find_device(name: Any) -> torch.device:
    """Find a device of this machine.

    Parameters
    ----------
    name : str
        "cpu", "mps", "cuda", or "cuda:1" for the second of several; "auto" is "cuda" if
        there is one, else "mps" if there is one, else "cpu". "cuda" is the one that
        torch is set to, or among the ranks of ``torchrun`` that of LOCAL_RANK.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If there is no such device, or more ranks than CUDA devices.

    Examples
    --------
    >>> find_device("cpu")
    device(type='cpu')
    >>> find_device("tpu")
    Traceback (most recent call last):
    ValueError: device='tpu' is not here: torch ... Give one of these, or "auto".
    """
    there = _devices()
    kinds = list(dict.fromkeys(device.partition(":")[0] for device in there))
    asked = kinds[0] if name == "auto" else name
    if asked == "cuda" and asked in kinds:
        asked = _cuda_of_rank(len(there) - len(kinds) + 1)
    if not isinstance(asked, str) or asked not in [*there, *kinds]:
        raise ValueError(
            f"device={name!r} is not here: torch {torch.__version__} finds "
            f'{", ".join(map(repr, there))}. Give one of these, or "auto".'
        )
    return torch.device(asked)


def _devices() -> list[str]:
    """List the devices of this machine, the CPU last."""
    n_cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*(f"cuda:{number}" for number in range(n_cuda)), *mps, "cpu"]


def _cuda_of_rank(n_devices: int) -> str:
    """Name the CUDA device of this process, which may be a rank of several."""
    rank = os.environ.get("LOCAL_RANK")
    if rank is None:
        return "cuda"
    if n_devices == 1:  # who started the ranks has shown each of them its own
        return "cuda:0"
    if not rank.isdigit() or int(rank) >= n_devices:
        raise ValueError(
            f"LOCAL_RANK={rank!r} has no CUDA device of its own: {n_devices} are here. "
            'Start as many ranks a machine, or give device="cpu".'
        )
    return f"cuda:{rank}"


def has_fast_bfloat16(device: torch.device) -> bool:
    """Tell whether a device multiplies matrices of bfloat16 in hardware, far faster.

    Of MPS it is not known; there all is computed in float32.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    supported = (torch.cpu._is_amx_tile_supported, torch.cpu._is_avx512_bf16_supported)
    return device.type == "cpu" and any(ask() for ask in supported)


class OnCPU(nn.Module):
    """A part of a network that stays on the CPU, in float64, wherever the rest goes.

    MPS has no float64; and recursions over time, one small operation after the other,
    are what a CPU is good at.
    """

    def _apply(self, fn: Callable[..., Any], recurse: bool = True) -> Self:
        """Leave out what `Module.to` and its like do."""
        del fn, recurse
        return self
