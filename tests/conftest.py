"""Settings of the whole test session."""

from __future__ import annotations

import pytest
import torch
from hypothesis import settings


def pytest_configure() -> None:
    """Compute on one thread, so that times and rounding don't hang on the machine."""
    torch.set_num_threads(1)
    settings.register_profile("tsdiff", deadline=None, derandomize=True)
    settings.load_profile("tsdiff")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow ones, so that no worker is left with them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
