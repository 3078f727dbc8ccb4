"""docs/faults.md is the table of what the tests of the faults say happens.

``python tests/test_faults.py`` writes it; ``pytest -q tests/test_faults.py`` runs the
tests of the faults too, in order, see `conftest.pytest_cmdline_main`.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "faults.md"
HEAD = """# Bad input and faults: what happens

Each line is the first line of a test's docstring, and `make test` verifies it, for the
imputer and the forecaster where it applies to both. `pytest -q tests/test_faults.py`
runs them in this order and lists them by number. This page is written by
`python tests/test_faults.py`.

| number | fault | what happens |
| --- | --- | --- |
"""


def rows() -> list[tuple[int, str, str]]:
    """Number, fault and what happens, in the order of the tests."""
    found = []
    for path in sorted(HERE.glob("test_faults_[0-9]*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            name = re.fullmatch(r"test_fault_(\d+)_(\w+)", getattr(node, "name", ""))
            if name:
                says = (ast.get_docstring(node) or "").split("\n")[0]
                found.append((int(name[1]), name[2].replace("_", " "), says))
    return found


def page() -> str:
    return HEAD + "".join(f"| {n} | {what} | {then} |\n" for n, what, then in rows())


def test_each_fault_has_its_test_in_order() -> None:
    numbers = [number for number, _, _ in rows()]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, 77))


def test_each_says_what_happens() -> None:
    assert all(says.endswith(".") for _, _, says in rows())


def test_the_page_says_what_the_tests_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
