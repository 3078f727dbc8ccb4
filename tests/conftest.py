"""Settings of the whole test session."""

from __future__ import annotations

import torch
from hypothesis import settings


def pytest_configure() -> None:
    """Compute on one thread, so that times and rounding don't hang on the machine."""
    torch.set_num_threads(1)
    settings.register_profile("tsdiff", deadline=None, derandomize=True)
    settings.load_profile("tsdiff")
