"""Several ranks: two processes equal one, and what goes wrong ends in words."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import ranked
import torch
from ranked import LONG, UNEVEN, Weights, distance, launch
from safetensors.torch import load_file
from small import frame, tiny
from torch.optim import _muon

from tsdiff.batches import Roles, Source
from tsdiff.checkpoints import check_alike
from tsdiff.diffusion import training
from tsdiff.diffusion.dependence import FieldFit
from tsdiff.diffusion.initial import new_network
from tsdiff.diffusion.losses import losses, validation_crps
from tsdiff.diffusion.network import NetworkConfig
from tsdiff.diffusion.ranks import Ranks, is_first, joined
from tsdiff.panel.frame import to_panel
from tsdiff.panel.scaling import fit_scaler


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_parts_hold_each_window_once(size: int) -> None:
    for n_windows in (1, 5, 16):
        parts = [Ranks(rank, size).part(n_windows) for rank in range(size)]
        busy = [w for p in parts if not p.idle for w in range(n_windows)[p.rows]]
        assert busy == list(range(n_windows))
        assert all(len(range(n_windows)[p.rows]) > 0 for p in parts)
        spread = [0 if p.idle else p.rows.stop - p.rows.start for p in parts]
        assert max(spread) - min(spread) <= 1


class Added(Ranks):
    """A rank of a world in which the others are heard later."""

    def add(self, tensors: Any, idle: bool = False) -> None:
        for tensor in tensors:
            tensor.detach().mul_(not idle)


@pytest.mark.parametrize("horizon", [None, 4])
def test_what_the_ranks_learn_adds_up_to_what_one_learns(horizon: int | None) -> None:
    """Losses, their slopes with dropout, those of the noise, and the scores.

    Five windows among one, two, three and eight ranks; a forecaster weighs them.
    """
    values = np.random.default_rng(0).normal(size=(400, 2)).cumsum(0)
    panel = to_panel(values)
    rng = np.random.default_rng(0)
    source = Source(
        panel, fit_scaler(panel), 20, rng, roles=Roles(2, (), horizon), batch_size=5
    )
    batch = source.draw(rng)
    sizes = {"width": 16, "depth": 1, "dropout": 0.3}
    config = NetworkConfig(2, 20, panel.calendar.shape[1], **sizes)

    def learned(ranks: Ranks) -> np.ndarray:
        network = new_network(config, 0).train()
        part = ranks.part(5)
        dice = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
        crps, velocity, scores = losses(network, batch, *dice, part.rows)
        (crps + velocity).backward()
        slopes = [w.grad for w in network.parameters() if w.grad is not None]
        found = [*slopes, crps, velocity]
        ranks.add(found, part.idle)
        found.append(FieldFit(network, 1e-3, ranks)._gradient(batch, scores))
        return torch.cat([x.detach().double().flatten() for x in found]).numpy()

    whole = learned(Ranks())
    assert len(source.validation) > 1 or horizon
    for size in (2, 3, 8):
        total = sum(learned(Added(rank, size)) for rank in range(size))
        np.testing.assert_allclose(total, whole, rtol=1e-4, atol=2e-6)
    assert np.isfinite(validation_crps(new_network(config, 0), source.validation))


def test_an_environment_that_is_not_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    assert is_first()
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(RuntimeError, match=r"MASTER_ADDR, MASTER_PORT is not set\. St"):
        tiny().fit(frame())
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("MASTER_PORT", "1")
    assert not is_first()
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(RuntimeError, match=r"='two'.*no number"), joined():
        pass


def test_fits_that_differ_are_told_by_rank() -> None:
    fit = {"data": "a" * 64, "width": 8, "torch": "2.13"}
    check_alike([fit, dict(fit)])
    with pytest.raises(ValueError, match=r"Rank 2 .* in the data, width \(8 on rank 0"):
        check_alike([fit, fit, fit | {"data": "b", "width": 16}])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run the script on two ranks; the folder it has left, its code and seconds."""
    folder = tmp_path_factory.mktemp("world")
    start = time.perf_counter()
    run = launch(ranked.__file__, folder, 100)
    assert (folder / "said.0").exists(), run.stderr
    said = [json.loads((folder / f"said.{rank}").read_text()) for rank in (0, 1)]
    return folder, said, run.returncode, time.perf_counter() - start


@pytest.fixture(scope="module")
def alone() -> Any:
    """Fit in this process as the script does on two, in the same precision."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "has_fast_bfloat16", lambda _: False)
        muon = "_zeropower_via_newtonschulz"
        patch.setattr(_muon, muon, ranked.orthogonalised)
        yield lambda model: ranked.weights(model.fit(frame()))


@pytest.mark.long
@pytest.mark.timeout(180)
def test_two_ranks_equal_one(world: Any, alone: Callable[[Any], Weights]) -> None:
    """After 52 steps of 2 and 3 windows, and where one rank has no window at all."""
    folder, _, _, _ = world
    for name, model in (("uneven", tiny(**UNEVEN)), ("few", ranked.few_windows())):
        found = [load_file(folder / f"{name}.{rank}") for rank in (0, 1)]
        assert distance(*found) == 0
        assert distance(found[0], alone(model)) < 1e-5
    by_clock = [load_file(folder / f"clock.{rank}") for rank in (0, 1)]
    assert distance(*by_clock) == 0  # they have stopped at the same step


@pytest.mark.long
@pytest.mark.timeout(180)
def test_ranks_that_differ_end_in_words_on_both(world: Any) -> None:
    _, said, _, _ = world
    for rank, words in enumerate(said):
        for name, match in (
            ("other parameters", "max_minutes (0.01 on rank 0, 1.01 on rank 1)"),
            ("other data", "Rank 1 makes another fit than rank 0: it differs in the d"),
            ("other version", "tsdiff ('"),
            ("damaged", "uneven.0 is no checkpoint of tsdiff"),
        ):
            assert match in words[name], (rank, words[name])
        assert words["group stays"]
    assert "Rank 0 has failed, so rank 1 ends" in said[1]["damaged"]


@pytest.mark.long
@pytest.mark.timeout(180)
def test_a_rank_that_is_killed_ends_all_and_the_fit_goes_on_alone(
    world: Any, alone: Callable[[Any], Weights]
) -> None:
    folder, said, code, seconds = world
    assert code != 0
    assert seconds < 60
    assert "Rank 0 of 2 has lost another rank" in (folder / "end.0").read_text()
    assert not (folder / "end.1").exists()
    for words in said:
        with pytest.raises(ProcessLookupError):
            os.kill(words["pid"], 0)
    whole = tiny(**LONG)
    goes_on = tiny(**LONG, checkpoint_path=folder / "killed.fit")
    steps: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        count = training.losses
        patch.setattr(training, "losses", lambda *a: steps.append(1) or count(*a))
        found = alone(goes_on)
    assert len(steps) <= goes_on.n_iter_ - 30  # of the 36 steps before
    assert distance(found, alone(whole)) < 1e-5
