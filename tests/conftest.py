"""Settings of the whole test session."""

from __future__ import annotations

import torch


def pytest_configure() -> None:
    """Compute on one thread, so that times and rounding don't hang on the machine."""
    torch.set_num_threads(1)
