"""Fits of two ranks on files; then one is interrupted, and then one says nothing.

    torchrun --standalone --nproc-per-node=2 tests/frozen.py FOLDER

FOLDER has a panel in ``meters``. Each rank leaves there what it has found.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ranked import LONG, STOPPED_AT, at, failing, single_precision, weights
from safetensors.torch import save_file
from small import frame, tiny

from tsdiff import DiffusionForecaster, ParquetPanel, checkpoints, ondisk
from tsdiff.diffusion import ranks

SIZES: dict[str, Any] = {"width": 8, "depth": 1, "random_state": 0, "max_epochs": 1}


def on_disk(folder: Path) -> Any:
    """Fit on files of which a sixth is in memory."""
    ondisk._MOST_CELLS, ondisk._CELLS_AT_ONCE = 32 * 60, 50 * 60
    model = DiffusionForecaster(horizon=3, window=16, batch_size=64, **SIZES)
    return model.fit(ParquetPanel(folder / "meters"))


def main(folder: Path) -> None:
    """Fit in turn."""
    rank = int(os.environ["RANK"])
    torch.set_num_threads(1)
    single_precision()
    checkpoints._STEPS, checkpoints._MOST_TIME = 10, np.inf
    save_file(weights(on_disk(folder)), folder / f"disk.{rank}")

    if rank:
        at(STOPPED_AT, signal.SIGINT)
    long = tiny(**LONG, checkpoint_path=folder / "interrupted.fit")
    try:
        said = failing(lambda: long.fit(frame()))
    except KeyboardInterrupt:
        said = "interrupted"
    (folder / f"interrupted.{rank}").write_text(said)

    ranks._PATIENCE = timedelta(seconds=3)
    (folder / f"pid.{rank}").write_text(str(os.getpid()))
    if rank:
        at(STOPPED_AT, signal.SIGSTOP)
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it has to end by itself
    start = time.monotonic()
    said = failing(lambda: tiny(**LONG).fit(frame()))
    (folder / f"frozen.{rank}").write_text(f"{time.monotonic() - start} {said}")
    os.kill(int((folder / "pid.1").read_text()), signal.SIGKILL)  # or all wait for it
    sys.exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
