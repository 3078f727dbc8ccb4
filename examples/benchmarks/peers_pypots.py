"""Imputers of PyPOTS, run by an interpreter of their own, within minutes of CPU time.

They are no dependency of tsdiff: make them an environment and name its interpreter.

    python -m venv pypots && pypots/bin/pip install pypots
    python examples/benchmarks/peers.py --python pypots/bin/python

A benchmark writes a file of windows and calls

    pypots/bin/python peers_pypots.py question.npz answer.npz SAITS

The package has no budget of time, so its loader of training batches ends when time is
up, and splits the budget into rounds: the weights with the best score on the validation
windows after a round are kept, as the package does after an epoch (where an epoch is
shorter than a round, after each epoch). CSDI validates by 50 passes over the windows,
so it keeps its last weights, as its authors do.

Windows are answered in their order until time is up; the rest stays NaN.

Settings are those published for PhysioNet 2012: by PyPOTS' authors for SAITS,
Transformer and BRITS (tuned, Wang et al. 2024, arXiv 2402.04059), for iTransformer
those tuned for Beijing's air (TSI-Bench, Du et al. 2024; PhysioNet's are not at hand),
and CSDI's own (Tashiro et al. 2021), with its decay of the learning rate at 75 and at
90 % of the training.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import pypots
import torch
from pypots.imputation import BRITS, CSDI, SAITS, Transformer, iTransformer
from pypots.optim import Adam
from pypots.utils.random import set_random_seed

N_ROUNDS = 20
N_SAMPLES = 100
MODELS: dict[str, tuple[type, dict[str, Any]]] = {
    "SAITS": (
        SAITS,
        {"n_layers": 5, "d_model": 256, "d_ffn": 512, "n_heads": 8, "d_k": 32}
        | {"d_v": 32, "lr": 0.00068277455043675505},
    ),
    "Transformer": (
        Transformer,
        {"n_layers": 5, "d_model": 128, "d_ffn": 1024, "n_heads": 4, "d_k": 32}
        | {"d_v": 128, "attn_dropout": 0.4, "lr": 0.0005456497467589473},
    ),
    "iTransformer": (
        iTransformer,
        {"n_layers": 3, "d_model": 256, "d_ffn": 4096, "n_heads": 8, "d_k": 32}
        | {"d_v": 128, "lr": 0.0004619505533241738},
    ),
    "BRITS": (BRITS, {"rnn_hidden_size": 1024, "lr": 0.0005211846755855906}),
    "CSDI": (
        CSDI,
        {"n_layers": 4, "n_heads": 8, "n_channels": 64, "d_time_embedding": 128}
        | {"d_feature_embedding": 16, "d_diffusion_embedding": 128, "batch_size": 16}
        | {"n_diffusion_steps": 50, "lr": 1e-3, "weight_decay": 1e-6},
    ),
}


class TimeIsUp(KeyboardInterrupt):
    """Ends a training; PyPOTS then takes the best weights so far."""


class Rounds:
    """Training batches in rounds of some seconds of CPU time, until time is up."""

    def __init__(self, loader: Any, seconds: float, optimizer: Any = None) -> None:
        self.loader, self.seconds, self.optimizer = loader, seconds, optimizer
        self.start, self.n_batches, self.n_decays = time.process_time(), 0, 0
        self.batches = self._endless()

    def __iter__(self) -> Iterator[Any]:
        if self.spent() >= 1:
            raise TimeIsUp
        last = self.n_batches + len(self.loader)
        until = min(self.spent() + 1 / N_ROUNDS, 1)
        while self.n_batches < last and self.spent() < until:
            self._decay()
            self.n_batches += 1
            yield next(self.batches)

    def spent(self) -> float:
        """Share of the budget that was used."""
        return (time.process_time() - self.start) / self.seconds

    def _endless(self) -> Iterator[Any]:
        while True:
            yield from self.loader

    def _decay(self) -> None:
        """Lower the learning rate to a tenth at 75 and at 90 %, for CSDI."""
        due = sum(self.spent() >= share for share in (0.75, 0.9))
        if self.optimizer is not None and due > self.n_decays:
            for group in self.optimizer.torch_optimizer.param_groups:
                group["lr"] /= 10
            self.n_decays += 1


def timed(kind: type, seconds: float) -> type:
    """Make a model whose training ends by the clock."""
    last_weights = kind is CSDI

    class Timed(kind):  # type: ignore[misc]
        def _train_model(self, training: Any, validation: Any = None) -> None:
            decaying = self.optimizer if last_weights else None
            self.rounds = Rounds(training, seconds, decaying)
            super()._train_model(self.rounds, validation)
            if last_weights:
                self.best_model_dict = deepcopy(self.model.state_dict())

    return Timed


def train(name: str, task: Any, seconds: float) -> Any:
    """Fit a model on the windows of the task."""
    kind, settings = MODELS[name]
    optimizer = {k: settings[k] for k in ("lr", "weight_decay") if k in settings}
    arguments = {k: v for k, v in settings.items() if k not in optimizer}
    windows = task["windows"]
    training, checked = {"X": windows}, None
    if name == "CSDI":
        arguments["target_strategy"] = "mix" if task["lent"] else "random"
        lender = np.random.default_rng(0).permutation(len(windows))
        training["for_pattern_mask"] = (~np.isnan(windows[lender])).astype(np.float32)
    else:
        checked = {"X": task["checked_shown"], "X_ori": task["checked"]}
    model = timed(kind, seconds)(
        n_steps=windows.shape[1],
        n_features=windows.shape[2],
        epochs=10**9,
        optimizer=Adam(**optimizer),
        device="cpu",
        model_saving_strategy=None,
        **arguments,
    )
    model.fit(training, checked)
    return model


def answer(name: str, model: Any, task: Any, seconds: float) -> np.ndarray:
    """Quantiles of the hidden cells, (n_levels, n_cells), until time is up."""
    shown, hidden, levels = task["shown"], task["hidden"], task["levels"]
    bounds = np.concatenate([[0], np.cumsum(hidden.sum(axis=(1, 2)))])
    found = np.full((len(levels), bounds[-1]), np.nan)
    size = 1 if name == "CSDI" else 20  # windows at a time
    more = {"n_sampling_times": N_SAMPLES} if name == "CSDI" else {}
    start = time.process_time()
    for first in range(0, len(shown), size):
        if time.process_time() - start > seconds:
            print(f"{name}: time is up after {first} of {len(shown)} windows")
            break
        some = slice(first, min(first + size, len(shown)))
        filled = model.predict({"X": shown[some]}, **more)["imputation"]
        samples = np.moveaxis(filled, 1, 0) if name == "CSDI" else filled[None]
        cells = samples[:, hidden[some]]  # (S, n_cells)
        found[:, bounds[some.start] : bounds[some.stop]] = np.quantile(
            cells, levels, axis=0
        )
    return found


def main() -> None:
    """Read the windows, train and ask one model, write its answers."""
    question, answers, name = sys.argv[1:]
    torch.set_num_threads(1)
    with np.load(question) as file:
        task = dict(file)
    for key in ("windows", "checked", "checked_shown", "shown"):
        task[key] = task[key].astype(np.float32)
    set_random_seed(int(task["seed"]))
    start = time.process_time()
    model = train(name, task, 60 * float(task["minutes"]))
    trained = time.process_time()
    found = answer(name, model, task, 60 * float(task["answer_minutes"]))
    np.savez(
        answers,
        quantiles=found,
        train_seconds=trained - start,
        answer_seconds=time.process_time() - trained,
        trained=f"{model.rounds.n_batches / len(model.rounds.loader):.2g} epochs",
        version=f"PyPOTS {pypots.__version__}",
    )


if __name__ == "__main__":
    main()
