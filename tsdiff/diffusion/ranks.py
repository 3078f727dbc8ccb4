"""Ranks: the processes that train one model together, and what they agree on.

Data parallelism (Li et al., 2020, VLDB 13): each rank has all of the weights, computes
its windows of a batch, and the gradients are added up. All ranks draw the same batch
and the same noise from the same seeds, and divide by the cells of the whole batch, so
that their number changes nothing but the rounding. The sum is one all-reduce of a flat
buffer; a wrapper that overlaps it with the backward pass gains nothing for networks
this small, and would not know of the cells.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from tsdiff.diffusion.device import CPU
from tsdiff.diffusion.state import Keeper

_PATIENCE = timedelta(minutes=10)  # with a rank that says nothing
_STATED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_ONE_FIT = threading.Lock()
_count = itertools.count()

Value = TypeVar("Value")


class Part(NamedTuple):
    """Windows of a batch that one rank computes.

    Attributes
    ----------
    rows : slice
        At least one window.
    idle : bool
        Whether there were fewer windows than ranks and none was left; what comes of
        `rows` is then not to count.
    """

    rows: slice
    idle: bool


@dataclass(frozen=True)
class Ranks:
    """Who takes part in a fit, seen from one of them.

    Each method but `part` is a word that all ranks have to speak at the same time. One
    process alone needs none of them: they return what it has.

    Attributes
    ----------
    rank, size : int
    group : ProcessGroup, optional
        None is torch's own.
    keeper : Keeper, optional
        Of the state of the run; the first rank's is asked.
    device, wire : torch.device
        Where this rank computes, and where tensors are added up; the CPU by default.
    """

    rank: int = 0
    size: int = 1
    group: Any = None
    keeper: Keeper | None = None
    device: torch.device = CPU
    wire: torch.device = CPU

    @property
    def first(self) -> bool:
        """Whether this is the rank that writes files and shows bars."""
        return self.rank == 0

    def part(self, n_windows: int) -> Part:
        """Find which of some windows are this rank's.

        Examples
        --------
        >>> Ranks(1, 2).part(5)
        Part(rows=slice(2, 5, None), idle=False)
        """
        start, stop = (n_windows * r // self.size for r in (self.rank, self.rank + 1))
        idle = start == stop
        return Part(slice(0, 1) if idle else slice(start, stop), idle)

    def add(self, tensors: Sequence[Tensor], idle: bool = False) -> None:
        """Add tensors up over all ranks, in place; those of an idle one are zero."""
        if self.size == 1:
            return
        own = [tensor.detach() for tensor in tensors]
        flat = torch.cat([tensor.reshape(-1) for tensor in own]).to(self.wire)
        if idle:
            flat.zero_()
        self._speak(dist.all_reduce, flat)
        totals = flat.split([tensor.numel() for tensor in own])
        for tensor, total in zip(own, totals, strict=True):
            tensor.copy_(total.view(tensor.shape))

    def total(self, *numbers: float, idle: bool = False) -> list[float]:
        """Add numbers up over all ranks; those of an idle one are zero."""
        sums = torch.tensor(numbers, dtype=torch.float64)
        self.add([sums], idle)
        return sums.tolist()

    def told(self, work: Callable[[], Value]) -> Value:
        """Let the first rank do some work, and tell all what it returns.

        Raises
        ------
        RuntimeError
            If the first rank has failed, which raises its own error.
        """
        if self.size == 1:
            return work()
        box: list[Any] = [None, None]
        own: Exception | None = None
        if self.first:
            try:
                box[0] = work()
            except Exception as error:
                own, box[1] = error, f"{type(error).__name__}: {error}"
        self._speak(dist.broadcast_object_list, box, src=0)
        if own is not None:
            raise own
        if box[1] is not None:
            raise RuntimeError(f"Rank 0 has failed, so rank {self.rank} ends: {box[1]}")
        return box[0]

    def all_of(self, value: Value) -> list[Value]:
        """Let all ranks know what each one has."""
        values = [value] * self.size
        if self.size > 1:
            self._speak(dist.all_gather_object, values, value)
        return values

    def _speak(self, word: Callable[..., Any], *what: Any, **how: Any) -> None:
        try:
            word(*what, group=self.group, **how)
        except RuntimeError as error:
            raise RuntimeError(
                f"Rank {self.rank} of {self.size} has lost another rank: it has ended, "
                f"or said nothing for {_PATIENCE}. Start all of them again; with "
                "checkpoint_path the fit goes on from its last checkpoint."
            ) from error


ALONE = Ranks()


@contextmanager
def joined(device: torch.device = CPU) -> Iterator[Ranks]:
    """Join the other ranks of a fit, if there are any, and leave them at the end.

    A process group that the caller has initialised is used, and stays. Without one,
    the environment is asked, as ``torchrun`` sets it: RANK, WORLD_SIZE, MASTER_ADDR and
    MASTER_PORT. On leaving by an error the other ranks lose this one, and end too.
    What CUDA devices have computed is added up by nccl, all else is said by gloo.

    Parameters
    ----------
    device : torch.device, optional
        Where this rank computes; the CPU by default.

    Yields
    ------
    ranks : Ranks

    Raises
    ------
    RuntimeError
        If the environment is not whole, or a rank is taken twice.

    Examples
    --------
    >>> with joined() as ranks:
    ...     ranks.rank, ranks.size
    (0, 1)
    """
    own = not (dist.is_available() and dist.is_initialized())
    size = _stated_size() if own else dist.get_world_size()
    if size == 1:
        yield Ranks(device=device)
        return
    if not _ONE_FIT.acquire(blocking=False):
        raise RuntimeError(
            f"A process that is one of {size} ranks can make one fit at a time, and "
            "another one is under way in it. Use n_jobs=1."
        )
    by_nccl = device.type == "cuda" and dist.is_nccl_available()
    backend, wire = ("cpu:gloo,cuda:nccl", device) if by_nccl else ("gloo", CPU)
    try:
        if own:
            _initialise(backend)
        speaks = own or (not by_nccl and dist.get_backend() in ("gloo", "mpi"))
        group = None if speaks else dist.new_group(backend=backend, timeout=_PATIENCE)
        yield Ranks(dist.get_rank(), size, group, device=device, wire=wire)
    finally:
        if own and dist.is_initialized():
            dist.destroy_process_group()
        _ONE_FIT.release()


def is_first() -> bool:
    """Tell whether this process is the only one or the first of some."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank() == 0
    return _stated_size() == 1 or os.environ["RANK"] == "0"


def _stated_size() -> int:
    """Read from the environment how many ranks there are."""
    size = os.environ.get("WORLD_SIZE", "1")
    if size == "1":
        return 1
    missing = [name for name in _STATED if not os.environ.get(name)]
    if missing or not size.isdigit():
        raise RuntimeError(
            f"WORLD_SIZE={size!r} says that this process is one of several that train "
            f"together, but {', '.join(missing) or 'this is no number'} "
            f"{'is not set' if missing else 'of them'}. Start them by torchrun, or "
            "unset WORLD_SIZE to train alone."
        )
    return int(size)


@cache
def _store(*stated: str) -> tuple[Any, int, int]:
    """Find where the ranks meet; one place serves all fits of a process."""
    del stated
    return next(rendezvous("env://", timeout=_PATIENCE))


def _initialise(backend: str) -> None:
    """Initialise torch's process group, for one fit."""
    store, rank, size = _store(*(os.environ[name] for name in _STATED))
    place = dist.PrefixStore(f"tsdiff/{next(_count)}", store)
    if place.add(f"rank {rank}", 1) > 1:
        raise RuntimeError(
            f"Two processes are rank {rank} of {size}. Workers of joblib inherit RANK "
            "from a process that torchrun has started; use n_jobs=1 there."
        )
    dist.init_process_group(
        backend, store=place, rank=rank, world_size=size, timeout=_PATIENCE
    )
