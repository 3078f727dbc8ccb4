"""Settings of the whole test session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

FAULTS = "test_faults.py"


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Let this file stand for those of all faults: run in order, listed by number."""
    if [Path(path).name for path in config.args] == [FAULTS]:
        parts = Path(__file__).parent.glob("test_faults_[0-9]*.py")
        config.args += sorted(map(str, parts))
        config.option.numprocesses, config.option.verbose = 0, 1


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


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Begin with the slow ones, so that no worker is left with them at the end.

    The slowest are those that are given time of their own. Faults asked for by
    themselves stay in order.
    """
    if Path(config.args[0]).name == FAULTS:
        return
    items.sort(key=lambda item: (-_patience(item), not _is_slow(item)))


def _patience(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return 0.0 if marker is None else float(marker.args[0])


def _is_slow(node: pytest.Item | pytest.Collector) -> bool:
    return node.get_closest_marker("slow") is not None
