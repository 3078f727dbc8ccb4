"""The skill of a fit: against plain first guesses, on cells it has not seen."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from small import frame, tiny

from tsdiff import DiffusionImputer
from tsdiff._base import report
from tsdiff.diffusion.losses import Batch
from tsdiff.diffusion.network import Network, NetworkConfig
from tsdiff.diffusion.training import History
from tsdiff.diffusion.window import Window, interpolate
from tsdiff.skill import measure_skill

SIZES = {"n_channels": 2, "n_steps": 24, "width": 16, "depth": 1, "heads": 1}


def batches(n: int = 4, seed: int = 0) -> list[Batch]:
    """Random walks with every third cell or so hidden, 16 windows a batch."""
    g = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(n):
        truth = torch.randn(16, 24, 2, generator=g).cumsum(1)
        target = torch.rand(truth.shape, generator=g) < 0.3
        clock = torch.arange(24.0).expand(16, -1)
        shown = torch.where(target, 0.0, truth)
        window = Window(shown, ~target, clock, torch.zeros(16, 24, 0))
        made.append(Batch(window, truth, target))
    return made


def untrained(shift: float = 0.0, log_scale: float = 0.0) -> Network:
    torch.manual_seed(0)
    network = Network(NetworkConfig(**SIZES, cell_width=8)).eval()
    with torch.no_grad():
        network.encoder.law.bias[0], network.encoder.law.bias[1] = log_scale, shift
    return network


def test_scores_are_those_of_a_plain_loop_over_cells():
    network, held = untrained(), batches()
    skill = measure_skill(network, held, ahead=False)
    levels, inside, loss = np.arange(1, 20) / 20, [], []
    for batch in held:
        line, _, _ = interpolate(batch.window)
        context = network.encoder(batch.window)
        cells = batch.target.nonzero(as_tuple=True)
        law = network.encoder.marginals(context, cells).quantile(torch.tensor(levels))
        torch.testing.assert_close(law[:, 9], line[cells])  # its first guess
        for y, q in zip(batch.truth[cells].tolist(), law.tolist(), strict=True):
            inside.append(q[0] <= y <= q[-1])
            error = y - np.array(q)
            loss.append(2 * np.maximum(levels * error, (levels - 1) * error).mean())
    assert skill.n_cells == len(loss)
    assert skill.coverage_90 == pytest.approx(np.mean(inside))
    assert skill.crps == pytest.approx(np.mean(loss), rel=1e-5)
    assert skill.reference == "linear interpolation"


def test_bridges_of_a_random_walk_are_hard_to_beat_and_a_shifted_law_does_not():
    # normal errors that grow as a bridge's are the law of a walk, up to how they are
    # sized: nothing that an untrained network says is better, a shift is far worse
    plain = measure_skill(untrained(), batches(), ahead=False)
    shifted = measure_skill(untrained(shift=2.0), batches(), ahead=False)
    assert plain.skill < 0.01
    assert shifted.skill < -0.5
    assert shifted.certain
    assert shifted.poor


def test_few_cells_are_never_certain():
    skill = measure_skill(untrained(shift=2.0), batches(1), ahead=False)
    assert skill.skill < -0.5
    assert not skill.poor


def test_a_fit_that_is_poor_beyond_chance_warns_and_one_by_chance_does_not():
    history = History(n_steps=100)
    history.skill = measure_skill(untrained(2.0), batches(), ahead=False)
    with pytest.warns(UserWarning, match="worse than linear interpolation") as caught:
        report(history)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report(replace(history, n_steps=99))  # a trial
        few = measure_skill(untrained(2.0), batches(1), ahead=False)
        report(replace(history, skill=few))


def test_a_fit_keeps_and_tells_its_skill(tmp_path, capfd):
    imputer = tiny(verbose=1).fit(frame())
    assert "skill against linear interpolation" in capfd.readouterr().err
    assert imputer.skill_["n_cells"] > 0
    assert 0 <= imputer.skill_["coverage_90"] <= 1
    ratio = imputer.skill_["crps"] / imputer.skill_["crps_reference"]
    assert imputer.skill_["skill"] == pytest.approx(1 - ratio)
    imputer.save(tmp_path / "model")
    assert DiffusionImputer.load(tmp_path / "model").skill_ == imputer.skill_
    assert imputer.as_forecaster(3).skill_ == imputer.skill_
