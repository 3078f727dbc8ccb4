"""The house stands as drawn: imports point upwards, heavy packages load when used."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1] / "tsdiff"
FILES = sorted(HOUSE.rglob("*.py"))
#: A file imports only from the units before its own; inside a unit nothing goes round.
HOUSE_PLAN = """
    _version atomic advice memory parallel progress settings validation metrics
    significance panel gaps support missingness holdout probability bands periods
    aggregation draws constraints trace diffusion varying batches guessing skill
    learning asking passing answering parameters effort rolling fingerprint features
    schema plain ondisk sealed checkpoints _base calibration io history calibrating
    abstaining engine tracing questions filling forecasting imputer forecaster scenarios
    explaining analyses pooling shifting repairing baselines conformal backtesting speed
    fanout datasets plotting reporting demo cli __init__ __main__
"""
ORDER = HOUSE_PLAN.split()
HEAVY = {"plotly", "polars", "scipy.stats", "statsmodels"}


def module(path: Path) -> str:
    return ".".join(path.relative_to(HOUSE).with_suffix("").parts)


def imported(path: Path, *, at_once: bool = False) -> Iterator[str]:
    """Yield what a file imports, types apart; `at_once`: outside of functions."""
    todo: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            todo += node.orelse
        elif isinstance(node, ast.FunctionDef) and at_once:
            continue
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        else:
            todo += ast.iter_child_nodes(node)


def inside(path: Path) -> set[str]:
    """Return the modules of tsdiff that a file imports, without the leading name."""
    known = {module(other).removesuffix(".__init__") for other in FILES}
    names = {name.removeprefix("tsdiff.") for name in imported(path)}
    return (names & known) - {module(path)}


@pytest.mark.parametrize("path", FILES, ids=module)
def test_file_imports_only_from_units_above_its_own(path):
    unit = module(path).split(".")[0]
    assert unit in ORDER, f"give {unit} its place in ORDER"
    below = {
        name
        for name in inside(path)
        if ORDER.index(name.split(".")[0]) > ORDER.index(unit)
    }
    assert not below


def test_no_imports_go_round():
    graph = {module(path).removesuffix(".__init__"): inside(path) for path in FILES}
    TopologicalSorter(graph).prepare()  # raises CycleError


# Nobody imports plotting but the one who plots: it may ask for plotly at once.
@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parent.name != "plotting"], ids=module
)
def test_heavy_packages_are_imported_where_they_are_used(path):
    assert not {
        name
        for name in imported(path, at_once=True)
        if any(name == heavy or name.startswith(heavy + ".") for heavy in HEAVY)
    }


def test_importing_tsdiff_loads_no_heavy_package():
    # scikit-learn loads scipy.stats by itself, so what it loads is loaded first
    code = f"""
import sys, sklearn.base, sklearn.utils.validation
heavy = set({sorted(HEAVY)}) - set(sys.modules)
import tsdiff
assert "torch" not in sys.modules  # the engine waits for who asks for it
from tsdiff import DiffusionImputer
print(sorted(heavy & set(sys.modules)))
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=HOUSE.parent,
    )
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("path", sorted((HOUSE / "diffusion").glob("*.py")), ids=module)
def test_engine_knows_no_frames_and_no_estimators(path):
    roots = {name.split(".")[0] for name in imported(path)}
    assert not roots & {"pandas", "sklearn", "narwhals", "joblib", "tqdm", "pathlib"}


def test_no_file_is_a_grab_bag():
    names = {part for path in FILES for part in module(path).split(".")}
    assert not names & {"utils", "util", "common", "core", "types", "helpers", "misc"}
