"""The teaching notebook runs from top to bottom, and says what the pictures show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOK = EXAMPLES / "diffusion_from_the_ground_up.ipynb"


@pytest.mark.slow
def test_the_notebook_runs_and_its_model_learns(capsys):
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    assert "STEPS = 3000" in sources[0]
    names: dict[str, Any] = {}
    for source in sources:
        exec(source.replace("STEPS = 3000", "STEPS = 200"), names)
    first, last = names["losses"][:20], names["losses"][-20:]
    assert sum(last) < 0.7 * sum(first)
    way, mask = names["way"], names["mask"].numpy() == 1
    assert way.shape == (31, 100, 48)
    kept = names["test"][3].numpy()[mask] * names["spread"] + names["mean"]
    assert (abs(way[:, :, mask] - kept) < 1e-3).all()  # what is shown stays
    assert way[0][:, ~mask].std() > 1.5 * way[-1][:, ~mask].std()
    assert "tsdiff CRPS" in capsys.readouterr().out


def test_the_notebook_is_stored_without_output():
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_the_readme_shows_its_pictures():
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    for name in ("forward", "reverse", "answer"):
        picture = EXAMPLES / "pictures" / f"{name}.png"
        assert 5_000 < picture.stat().st_size < 100_000
        assert f"examples/pictures/{name}.png" in readme
