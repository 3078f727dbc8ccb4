"""Files of every format there has been are read for ever, to the same predictions.

``python tests/test_io_formats.py`` writes those of today's format, once; their weights
are rounded, so that the compressed files are small.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tsdiff import DiffusionForecaster, DiffusionImputer
from tsdiff.io import FORMAT

DATA = Path(__file__).parent / "data"
CLASSES: dict[str, Any] = {
    "imputer": DiffusionImputer,
    "forecaster": DiffusionForecaster,
}
SIZES: dict[str, Any] = {
    **{"window": 4, "width": 16, "depth": 1, "max_epochs": 5, "random_state": 0}
}


def series() -> pd.Series:
    days = pd.date_range("2024-01-01", periods=40, freq="D", name="day")
    y = pd.Series(10 + np.sin(np.arange(40) / 3), days, name="level")
    return y.where(np.arange(40) % 7 > 1)


def answer(model: Any) -> np.ndarray:
    """Levels of all that the model answers, in closed form."""
    data = {"X": series()} if isinstance(model, DiffusionImputer) else {}
    return model.predict_quantiles(**data, alpha=[0.1, 0.5, 0.9]).to_numpy()


def whole_file(name: str, number: int = FORMAT) -> bytes:
    return gzip.decompress((DATA / f"format_{number}.{name}.gz").read_bytes())


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("number", range(1, FORMAT + 1))
def test_a_file_of_each_format_is_read_to_the_same_predictions(
    number: int, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "model"
    path.write_bytes(whole_file(name, number))
    model = CLASSES[name].load(path)
    expected = json.loads((DATA / f"format_{number}.{name}.json").read_text())
    np.testing.assert_allclose(answer(model), expected, rtol=1e-5)
    model.save(path)  # in today's format
    np.testing.assert_array_equal(answer(CLASSES[name].load(path)), answer(model))


@torch.no_grad()
def write() -> None:
    """Write the files of today's format, unless they are there."""
    DATA.mkdir(exist_ok=True)
    for name, make in CLASSES.items():
        file = DATA / f"format_{FORMAT}.{name}.gz"
        if file.exists():
            continue
        model = make(**SIZES, **({"horizon": 2} if name == "forecaster" else {}))
        for weight in model.fit(series()).model_.network.parameters():
            weight.copy_((32 * weight).round() / 32)
        with TemporaryDirectory() as folder:
            model.save(f"{folder}/model")
            content = Path(f"{folder}/model").read_bytes()
        file.write_bytes(gzip.compress(content, 9, mtime=0))
        expected = DATA / f"format_{FORMAT}.{name}.json"
        expected.write_text(json.dumps(answer(model).tolist()) + "\n")


if __name__ == "__main__":
    write()
