"""The whole state of a training run: what it takes to go on with it, bit for bit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from tsdiff.diffusion.training import Loop

_NUMBERS = ("lowest", "failures", "released", "next_validation")


class State(NamedTuple):
    """State of a run.

    Attributes
    ----------
    tensors : dict of str to Tensor
        Weights, those of the average and the best ones, and states of optimisers and
        generators; names begin with the part and a slash.
    plain : dict of str to object
        All else, as JSON holds it.
    """

    tensors: dict[str, Tensor]
    plain: dict[str, Any]


class Keeper(Protocol):
    """Who keeps the state of a run somewhere, and knows that of an earlier attempt."""

    def resume(self, restore: Callable[[State], None]) -> bool:
        """Hand the state of an earlier attempt to `restore`; False without any."""
        ...

    def offer(self, step: int, state: Callable[[], State], last: bool = False) -> None:
        """Keep the state after a step, if it is time or the `last` one."""
        ...


def state_of(loop: Loop) -> State:
    """Take the state of a run between two steps.

    Parameters
    ----------
    loop : Loop

    Returns
    -------
    State
        Its tensors are on the CPU; if the run is there too, its own ones, not copies.
    """
    parts = {
        "network": loop.network.state_dict(),
        "average": loop.average.state_dict(),
        "best": loop.best,
        "field": {"weights": loop.field_fit.weights.detach()},
        "generators": {str(i): g.get_state() for i, g in enumerate(loop.generators)},
        "recent": {"losses": torch.tensor(loop.recent, dtype=torch.float64)},
    }
    for number, optimizer in enumerate(_optimizers(loop)):
        parts[f"optimizer_{number}"] = {
            f"{index}/{name}": tensor
            for index, held in optimizer.state_dict()["state"].items()
            for name, tensor in held.items()
        }
    tensors = {
        f"{part}/{name}": tensor.cpu().contiguous()
        for part, held in parts.items()
        for name, tensor in held.items()
    }
    plain = {name: getattr(loop, name) for name in _NUMBERS}
    plain["next_field"] = loop.field_fit.next
    plain["rng"] = loop.rng.bit_generator.state
    plain["history"] = asdict(loop.history)
    plain["elapsed"] = loop.elapsed()
    return State(tensors, plain)


def restore(loop: Loop, state: State) -> None:
    """Put a run into the state of an earlier attempt.

    Parameters
    ----------
    loop : Loop
        Made of the same network, budget and seed as that of the state.
    state : State

    Raises
    ------
    ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError
        If the state is not one of such a run.
    """
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.tensors.items():
        part, _, inner = name.partition("/")
        # copies begin where memory is aligned, as in the first attempt: same rounding
        parts.setdefault(part, {})[inner] = tensor.clone()
    loop.network.load_state_dict(parts["network"])
    loop.average.load_state_dict(parts["average"])
    _check_alike(loop.best, parts["best"])
    loop.best = parts["best"]
    with torch.no_grad():
        loop.field_fit.weights.copy_(parts["field"]["weights"])
    for number, generator in enumerate(loop.generators):
        generator.set_state(parts["generators"][str(number)])
    for number, optimizer in enumerate(_optimizers(loop)):
        _restore_optimizer(optimizer, parts.get(f"optimizer_{number}", {}))
    loop.recent = [(crps, v) for crps, v in parts["recent"]["losses"].tolist()]
    for name in _NUMBERS:
        setattr(loop, name, state.plain[name])
    loop.field_fit.next = float(state.plain["next_field"])
    loop.rng.bit_generator.state = state.plain["rng"]
    loop.history = replace(loop.history, **state.plain["history"])
    loop.start = time.perf_counter() - float(state.plain["elapsed"])


def _optimizers(loop: Loop) -> list[torch.optim.Optimizer]:
    return [*loop.optimizers, loop.field_fit.optimizer]


def _restore_optimizer(
    optimizer: torch.optim.Optimizer, held: dict[str, Tensor]
) -> None:
    weights = [w for group in optimizer.param_groups for w in group["params"]]
    states: dict[int, dict[str, Tensor]] = {}
    for name, tensor in held.items():
        index, _, inner = name.partition("/")
        if tensor.ndim and tensor.shape != weights[int(index)].shape:
            raise ValueError(f"state {name!r} of an optimiser has another shape")
        states.setdefault(int(index), {})[inner] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": states, "param_groups": groups})


def _check_alike(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    shapes = [{k: (v.shape, v.dtype) for k, v in w.items()} for w in (one, other)]
    if shapes[0] != shapes[1]:
        raise ValueError("its weights are those of another network")
