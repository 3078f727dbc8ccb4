"""Settings of torch: an engine computes under its own, the caller's stay."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

_DEVICES = ("cpu", "cuda", "mps")


@contextmanager
def own_torch() -> Iterator[None]:
    """Compute in float32, whatever the caller has told torch.

    A default dtype or device, autocast, ``no_grad`` and ``inference_mode`` of the
    caller's are put aside and come back on leaving.

    Examples
    --------
    >>> with torch.inference_mode(), own_torch():
    ...     torch.zeros(1, requires_grad=True).exp().requires_grad
    True
    """
    with ExitStack() as stack:
        stack.enter_context(_SINGLE)
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for kind in _DEVICES:
            stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        yield


class _SinglePrecision:
    """The default dtype, a setting of all threads: touched if need be, and only once.

    The first thread that enters puts the caller's aside, the last one brings it back.
    """

    def __init__(self) -> None:
        self.lock, self.n_inside = threading.Lock(), 0
        self.before = torch.float32
        if hasattr(os, "register_at_fork"):  # no other thread lives on in a child
            os.register_at_fork(after_in_child=self._forget)

    def __enter__(self) -> None:
        with self.lock:
            self.n_inside += 1
            if self.n_inside == 1:
                self.before = torch.get_default_dtype()
                if self.before != torch.float32:
                    torch.set_default_dtype(torch.float32)

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.n_inside = max(self.n_inside - 1, 0)  # a fork may have forgotten
            if self.n_inside == 0 and self.before != torch.float32:
                torch.set_default_dtype(self.before)

    def _forget(self) -> None:
        if self.n_inside and self.before != torch.float32:
            torch.set_default_dtype(self.before)
        self.lock, self.n_inside = threading.Lock(), 0


_SINGLE = _SinglePrecision()
