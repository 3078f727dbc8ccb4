"""Ranks that read files, are interrupted, or say nothing any more."""

from __future__ import annotations

import os
from pathlib import Path

import frozen
import pytest
import ranked
from meters import write
from ranked import LONG, distance, launch
from safetensors.torch import load_file
from small import frame, tiny
from torch.optim import _muon

from tsdiff import ondisk
from tsdiff.diffusion import training

pytest.importorskip("pyarrow")
pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the script on two ranks; the folder it has left."""
    folder = tmp_path_factory.mktemp("world")
    write(folder / "meters")
    run = launch(frozen.__file__, folder, 280)
    assert (folder / "frozen.0").exists(), run.stderr
    return folder


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in this process as the script does."""
    monkeypatch.setattr(training, "has_fast_bfloat16", lambda _: False)
    muon = "_zeropower_via_newtonschulz"
    monkeypatch.setattr(_muon, muon, ranked.orthogonalised)
    monkeypatch.setattr(ondisk, "_MOST_CELLS", ondisk._MOST_CELLS)
    monkeypatch.setattr(ondisk, "_CELLS_AT_ONCE", ondisk._CELLS_AT_ONCE)


@pytest.mark.usefixtures("exact")
def test_two_ranks_equal_one_on_files(world: Path) -> None:
    found = [load_file(world / f"disk.{rank}") for rank in (0, 1)]
    assert distance(*found) == 0
    assert distance(found[0], ranked.weights(frozen.on_disk(world))) < 1e-5


@pytest.mark.usefixtures("exact")
def test_an_interrupted_rank_ends_all_and_the_fit_goes_on(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (world / "interrupted.1").read_text() == "interrupted"
    assert "Rank 0 of 2 has lost another rank" in (world / "interrupted.0").read_text()
    assert {p.name for p in world.glob("*.fit*")} == {"interrupted.fit"}
    steps: list[int] = []
    count = training.losses
    monkeypatch.setattr(training, "losses", lambda *a: steps.append(1) or count(*a))
    goes_on = tiny(**LONG, checkpoint_path=world / "interrupted.fit")
    found = ranked.weights(goes_on.fit(frame()))
    assert len(steps) <= goes_on.n_iter_ - 30  # of the 36 steps before
    whole = ranked.weights(tiny(**LONG).fit(frame()))
    assert distance(found, whole) < 1e-5


def test_a_rank_that_is_frozen_is_an_error_by_the_time_out(world: Path) -> None:
    seconds, said = (world / "frozen.0").read_text().split(" ", 1)
    assert "Rank 0 of 2 has lost another rank" in said
    assert "said nothing for 0:00:03" in said
    assert float(seconds) < 60
    for rank in (0, 1):
        with pytest.raises(ProcessLookupError):
            os.kill(int((world / f"pid.{rank}").read_text()), 0)
