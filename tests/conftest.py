"""Settings of the whole test session."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings


def pytest_configure() -> None:
    settings.register_profile("tsdiff", deadline=None, derandomize=True)
    settings.load_profile("tsdiff")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Compute on one thread, so that times and rounding don't hang on the machine.

    Torch is imported here, for the process that only hands tests out needs none.
    """
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def pair() -> dict[str, Any]:
    """Share one fitted estimator of each kind: ask it, but leave it as it is."""
    from faults import fitted_pair

    return fitted_pair()


@pytest.fixture(params=["imputer", "forecaster"])
def case(request: pytest.FixtureRequest, pair: dict[str, Any]) -> Any:
    """Give both estimators, one after the other, as a `faults.Case`."""
    from faults import Case

    return Case(request.param, pair[request.param])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow ones, so that no worker is left with them at the end.

    The slowest are those that are given time of their own.
    """
    items.sort(key=lambda item: (-_patience(item), not _is_slow(item)))


def _patience(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return 0.0 if marker is None else float(marker.args[0])


def _is_slow(node: pytest.Item | pytest.Collector) -> bool:
    return node.get_closest_marker("slow") is not None
