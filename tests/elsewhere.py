"""A device that is not there: tensors on the CPU that are taken for tensors beside it.

It computes as the CPU does, to the bit, and refuses what such a device refuses. So a
fit there has to end with the weights of the CPU's, and none of its tensors may be left
behind on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode

CPU = torch.device("cpu")
_MOVES = {"to", "cpu"}
_READS = {"numpy", "__array__"}  # what only a tensor on the CPU can be asked
_CROSSES = {
    "copy_",
    "__set__",
    "_has_compatible_shallow_copy_type",
}  # weights that move
_DOUBLE = {torch.float64, torch.complex128}


class Elsewhere(TorchFunctionMode):
    """Within this context a device is there.

    Tensors belong to it by their storage, so views, gradients and copies of weights do
    as well. It refuses operations on tensors of both sides (a single number of the
    CPU's is welcome), generators of the CPU, tensors as arrays and, if it is MPS,
    numbers of double precision. It is stricter than torch in that indices have to be
    there too.

    Parameters
    ----------
    name : str
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.device = torch.device(name)
        self.there: dict[int, StorageWeakRef] = {}  # while it is held no other is there
        self.calls: list[str] = []  # of operations on it

    def place(self, x: Tensor) -> torch.device:
        """Tell where a tensor is."""
        return self.device if _storage(x) in self.there else x.device

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        del types
        given, name = kwargs or {}, func.__name__
        tensors = list(_tensors((args[:1] if name == "__deepcopy__" else args, given)))
        if func == Tensor.device.__get__:
            return self.place(args[0])
        target = self._target(name, args, given)
        if target != self.device and not any(
            _storage(x) in self.there for x in tensors
        ):
            return func(*args, **given)
        self.calls.append(name)
        self._check(name, tensors, (args, given))
        found = func(*self._here(args), **self._here(given))
        return self._put(found, tensors, target or self.device)

    def _target(
        self, name: str, args: Sequence[Any], given: dict[str, Any]
    ) -> torch.device | None:
        """Device that an operation is told to put its answer on."""
        if name == "cpu":
            return CPU
        for told in [*args[1:], *given.values()] if name in _MOVES else given.values():
            if isinstance(told, Tensor) and name == "to":
                return self.place(told)
            if self._is_device(told):
                return self.device
            if told in ("cpu", CPU):
                return CPU
        return None

    def _is_device(self, told: Any) -> bool:
        named = isinstance(told, str) and told.partition(":")[0] == self.device.type
        return named or getattr(told, "type", None) == self.device.type

    def _here(self, given: Any) -> Any:
        """Let torch do on the CPU what it is told to do there."""
        if isinstance(given, dict):
            return {name: self._here(value) for name, value in given.items()}
        if isinstance(given, tuple) and not hasattr(given, "_fields"):
            return tuple(map(self._here, given))
        return CPU if self._is_device(given) else given

    def _check(self, name: str, tensors: list[Tensor], given: Any) -> None:
        if name in _READS:
            raise TypeError(f"can't convert {self.device} tensor to numpy")
        if name in _MOVES | _CROSSES:
            return
        if any(isinstance(part, torch.Generator) for part in _parts(given)):
            raise RuntimeError(f"{name}: a CPU generator draws nothing there")
        for x in tensors:
            if x.ndim and _storage(x) not in self.there and name != "__get__":
                raise RuntimeError(f"{name}: tensors on {self.device} and on the CPU")

    def _put(self, found: Any, tensors: list[Tensor], target: torch.device) -> Any:
        """Put what an operation returns where it belongs."""
        before = set(map(_storage, tensors))

        def put(x: Tensor) -> Tensor:
            if _storage(x) in before and self.place(x) != target:
                x = x.clone()  # moved; else it is the tensor itself, or a view of it
            if target == self.device:
                if self.device.type == "mps" and x.dtype in _DOUBLE:
                    raise TypeError("MPS has no double precision")
                self.there[_storage(x)] = StorageWeakRef(x.untyped_storage())
            return x

        if isinstance(found, Tensor):
            return put(found)
        if isinstance(found, list | tuple) and list(_tensors(found)):
            return type(found)([put(x) if isinstance(x, Tensor) else x for x in found])
        return found


def _storage(x: Tensor) -> int:
    return x.untyped_storage()._cdata


def _parts(given: Any) -> Iterator[Any]:
    if isinstance(given, dict):
        given = given.values()
    elif not isinstance(given, list | tuple):
        yield given
        return
    for part in given:
        yield from _parts(part)


def _tensors(given: Any) -> Iterator[Tensor]:
    return (part for part in _parts(given) if isinstance(part, Tensor))
