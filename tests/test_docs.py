"""The pages: what they tell people to type works, and no public name is left out."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tsdiff
from tsdiff.cli import main

PAGES = Path(__file__).parents[1] / "docs"
TINY = [f"--set={text}" for text in ("max_epochs=1", "width=8", "depth=1", "window=96")]
PAGE = (PAGES / "tasks" / "command_line.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^tsdiff (.*)$", PAGE, re.MULTILINE)


def write_readings(path: Path) -> None:
    t = np.arange(240)
    stamps = pd.date_range("2024-01-01", periods=240, freq="h")
    readings = pd.DataFrame({"ward": "W1", "glucose": np.sin(t / 9), "pulse": t % 24})
    readings.loc[t % 50 > 43, ["glucose", "pulse"]] = np.nan
    readings.set_axis(stamps, axis=0).to_csv(path, index_label="when")


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_page_run(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_readings(tmp_path / "readings.csv")
    assert main([*shlex.split(command), "--quiet", *TINY]) == 0
    named = re.findall(r"(?:-o|--plot|--model|--flagged) (\S+)", command)
    assert named
    assert {path.name for path in tmp_path.iterdir()} == {"readings.csv", *named}


def test_api_reference_has_every_public_module():
    listed = re.findall(r"^   (tsdiff\S*)$", (PAGES / "api.rst").read_text(), re.M)
    assert listed == ["tsdiff", *(f"tsdiff.{name}" for name in sorted(tsdiff._MODULES))]
