"""Fits of several ranks: a script as users write it, and what goes wrong around it.

    torchrun --standalone --nproc-per-node=2 tests/ranked.py FOLDER

Each rank leaves what it has found in FOLDER; at the end the second one is killed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from safetensors.torch import save_file
from small import frame, tiny
from torch.optim import _muon

from tsdiff import DiffusionForecaster, checkpoints
from tsdiff.diffusion import training

Weights = dict[str, torch.Tensor]

UNEVEN: dict[str, Any] = {"batch_size": 5, "window": 15, "max_epochs": 26}
LONG: dict[str, Any] = {"batch_size": 2, "window": 15, "max_epochs": 13}
ALONE: dict[str, Any] = {"batch_size": 1, "window": 15, "max_epochs": 4}
ALONE |= {"width": 8, "depth": 1, "random_state": 0}
STOPPED_AT = 37


def single_precision() -> None:
    """Compute in float32: half precision, which Muon has too, makes much of rounding.

    There a difference in the last digit of a gradient is either lost or multiplied by
    thousands.
    """
    training.has_fast_bfloat16 = lambda _: False
    _muon._zeropower_via_newtonschulz = orthogonalised


def orthogonalised(
    x: torch.Tensor, factors: tuple[float, float, float], n_steps: int, eps: float
) -> torch.Tensor:
    """Do what Muon does (Jordan et al., 2024), in the precision of the gradient."""
    a, b, c = factors
    x = x / x.norm().clamp(min=eps)
    for _ in range(n_steps):
        square = x @ x.T if x.shape[0] <= x.shape[1] else x.T @ x
        more = b * square + c * square @ square
        x = a * x + (more @ x if x.shape[0] <= x.shape[1] else x @ more)
    return x


def few_windows() -> Any:
    """Make a forecaster whose batches leave one of two ranks without a window."""
    return DiffusionForecaster(horizon=3, **ALONE)


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {k: v.contiguous() for k, v in model.model_.network.state_dict().items()}


def failing(work: Any) -> str:
    try:
        work()
    except (RuntimeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing failed"


def at(step: int, signal_number: int) -> None:
    """Let this process get a signal when it computes the losses of a step."""
    losses, count = training.losses, 0

    def watched(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        if count == step:
            training.losses = losses
            os.kill(os.getpid(), signal_number)
        return losses(*arguments)

    training.losses = watched


def launch(script: str, folder: Path, seconds: float) -> Any:
    """Run a script on two ranks, as users do."""
    options = ["--standalone", "--nproc-per-node=2"]
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *options, script, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
    )


def distance(one: Weights, other: Weights) -> float:
    """Relative distance of all weights together."""
    flat = [torch.cat([w[k].double().flatten() for k in one]) for w in (one, other)]
    return float((flat[0] - flat[1]).norm() / flat[1].norm())


def main(folder: Path) -> None:
    """Fit in turn; the first rank outlives the second and tells how it ended."""
    rank = int(os.environ["RANK"])
    torch.set_num_threads(1)
    single_precision()
    checkpoints._STEPS, checkpoints._MOST_TIME = 10, np.inf
    said: dict[str, Any] = {"pid": os.getpid()}
    checkpoints.__version__ += "+other" * rank
    said["other version"] = failing(lambda: tiny().fit(frame()))
    checkpoints.__version__ = checkpoints.__version__.removesuffix("+other")

    uneven = tiny(**UNEVEN, checkpoint_path=folder / "whole.fit").fit(frame())
    save_file(weights(uneven), folder / f"uneven.{rank}")
    save_file(weights(few_windows().fit(frame())), folder / f"few.{rank}")
    by_clock = tiny(max_epochs=None, max_minutes=0.01 + rank, random_state=None)
    said["other parameters"] = failing(lambda: by_clock.fit(frame()))
    by_clock.set_params(max_minutes=0.01).fit(frame())
    save_file(weights(by_clock), folder / f"clock.{rank}")
    said["other data"] = failing(lambda: tiny().fit(frame() * (1 + rank)))
    said["damaged"] = failing(
        lambda: tiny(checkpoint_path=folder / f"uneven.{rank}").fit(frame())
    )
    dist.init_process_group("gloo")
    save_file(weights(few_windows().fit(frame())), folder / f"own.{rank}")
    said["group stays"] = dist.is_initialized()
    dist.destroy_process_group()

    (folder / f"said.{rank}").write_text(json.dumps(said))
    if rank:
        at(STOPPED_AT, signal.SIGKILL)
    else:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it has to end by itself
    long = tiny(**LONG, checkpoint_path=folder / "killed.fit")
    (folder / f"end.{rank}").write_text(failing(lambda: long.fit(frame())))
    sys.exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
