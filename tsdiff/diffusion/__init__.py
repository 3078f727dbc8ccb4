"""The engine: torch only, no frames, no files."""

import os

import torch


def _after_fork() -> None:
    """Compute on one thread in a forked process.

    It has inherited torch's pool of threads as a number, not the threads themselves,
    and would wait for them for ever.
    """
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
