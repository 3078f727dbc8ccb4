"""Results of a benchmark: on screen, and in a file of ``results/``."""

from __future__ import annotations

import json
import platform
import resource
from datetime import date
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).with_name("results")


def record(name: str, result: dict[str, Any]) -> None:
    """Print the figures and write ``results/{name}.json``, with date and machine."""
    result = {
        "benchmark": name,
        **result,
        "peak_memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "threads": torch.get_num_threads(),
        "machine": f"{platform.machine()}, CPU only",
        "date": date.today().isoformat(),
    }
    for key, value in result.items():
        text = f"{value:.4f}" if isinstance(value, float) else value
        print(f"{key:24s} {text}")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"written to {path}\n", flush=True)
