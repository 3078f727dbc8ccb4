"""Draw the README's pictures by the cells of the teaching notebook.

pip install kaleido
python examples/pictures/make.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NOTEBOOK = HERE.parent / "diffusion_from_the_ground_up.ipynb"
SIZE = {"width": 760, "height": 320, "scale": 1}


def main() -> None:
    """Run the cells, and save three of their figures."""
    names: dict[str, Any] = {}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    for name in ("forward", "reverse", "answer"):
        figure = names[name].update_layout(
            template="plotly_white", margin={"l": 60, "r": 20, "t": 50, "b": 45}
        )
        figure.write_image(HERE / f"{name}.png", **SIZE)


if __name__ == "__main__":
    main()
