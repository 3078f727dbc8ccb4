"""Devices: found by name, and everything on them equals the CPU to the bit.

There is none beside the CPU where these tests run. So tensors are made to say that they
are on one, see `elsewhere`, which computes as the CPU does and refuses what such a
device refuses.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from elsewhere import Elsewhere
from faults import Case, weights
from sklearn import clone
from small import frame

from tsdiff import checkpoints
from tsdiff.diffusion import device, ranks, training
from tsdiff.diffusion.device import CPU, find_device, has_fast_bfloat16
from tsdiff.diffusion.initial import new_network
from tsdiff.diffusion.losses import Batch, losses, validation_crps
from tsdiff.diffusion.network import NetworkConfig
from tsdiff.diffusion.ranks import Ranks, joined
from tsdiff.diffusion.window import Window
from tsdiff.fanout.work import Question, open_model
from tsdiff.settings import own_torch

CUDA, MPS = torch.device("cuda"), torch.device("mps")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make this a machine with so many CUDA devices, and with or without MPS."""
    monkeypatch.delenv("LOCAL_RANK", raising=False)

    def has(n_cuda: int = 0, mps: bool = False, rank: str | None = None) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: n_cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: n_cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        if rank is not None:
            monkeypatch.setenv("LOCAL_RANK", rank)

    return has


@pytest.mark.parametrize(
    ("here", "name", "found"),
    [
        ({}, "auto", "cpu"),
        ({"mps": True}, "auto", "mps"),
        ({"mps": True}, "cpu", "cpu"),
        ({"n_cuda": 2}, "auto", "cuda"),
        ({"n_cuda": 2, "mps": True}, "auto", "cuda"),
        ({"n_cuda": 2, "mps": True}, "mps", "mps"),
        ({"n_cuda": 2}, "cuda:1", "cuda:1"),
        ({"n_cuda": 2, "rank": "1"}, "auto", "cuda:1"),
        ({"n_cuda": 2, "rank": "1"}, "cuda", "cuda:1"),
        ({"n_cuda": 2, "rank": "1"}, "cuda:0", "cuda:0"),
        ({"n_cuda": 1, "rank": "3"}, "auto", "cuda:0"),
        ({"rank": "3"}, "auto", "cpu"),
    ],
)
def test_devices_by_name(machine: Any, here: Any, name: str, found: str) -> None:
    machine(**here)
    assert find_device(name) == torch.device(found)


@pytest.mark.parametrize(
    ("here", "name", "said"),
    [
        ({}, "cuda", r"device='cuda' is not here: torch .* finds 'cpu'\. Give one of"),
        ({"n_cuda": 2}, "mps", "device='mps' .* finds 'cuda:0', 'cuda:1', 'cpu'"),
        ({"n_cuda": 2}, "cuda:2", "device='cuda:2' is not here"),
        ({"mps": True}, CPU, r"device=device\(type='cpu'\) .* finds 'mps', 'cpu'"),
        ({"n_cuda": 2, "rank": "2"}, "auto", "LOCAL_RANK='2' has no .*: 2 are here"),
        ({"n_cuda": 2, "rank": "one"}, "cuda", "LOCAL_RANK='one'"),
    ],
)
def test_devices_that_are_not_there(
    machine: Any, here: Any, name: Any, said: str
) -> None:
    machine(**here)
    with pytest.raises(ValueError, match=said):
        find_device(name)


@pytest.mark.parametrize("able", [True, False])
def test_half_precision_is_for_those_who_have_it_in_hardware(
    able: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: able)
    assert has_fast_bfloat16(CUDA) is able
    assert not has_fast_bfloat16(MPS)


@contextmanager
def at(name: str) -> Iterator[Elsewhere]:
    """Be where there is a device; half precision there is the CPU's."""
    there, autocast = Elsewhere(name), torch.autocast
    mode = nullcontext() if name == "cpu" else there

    def on_cpu(kind: str, *given: Any, enabled: bool = True, **more: Any) -> Any:
        there.calls += [f"autocast on {kind}"] * enabled
        return autocast("cpu", *given, enabled=enabled, **more)

    with pytest.MonkeyPatch.context() as patch, mode:
        patch.setattr(device, "_devices", lambda: [name, "cpu"])
        patch.setattr(torch, "autocast", on_cpu)
        yield there


EIGHT_STEPS: dict[str, Any] = {"batch_size": 2, "window": 15, "max_epochs": 2}
#: Where a fit begins, where it goes on after it was cut off, and whether in bfloat16.
WAYS = {"imputer": ("cuda:0", "mps", False), "forecaster": ("cuda:0", "cpu", True)}


@pytest.fixture(scope="module", params=WAYS)
def pair_of(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """A case, a model fitted on the CPU, and one fitted on other devices."""
    first, second, half = WAYS[request.param]
    case, path = Case(request.param, None), tmp_path_factory.mktemp("fit") / "fit"
    count, steps = training.losses, []

    def cut_off(*given: Any) -> Any:
        steps.append(given)
        if len(steps) == 5:
            raise RuntimeError("cut off")
        return count(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "has_fast_bfloat16", lambda _: half)
        here = case.new(device="cpu", **EIGHT_STEPS).fit(frame())
        patch.setattr(checkpoints, "_STEPS", 1)
        patch.setattr(checkpoints, "_MOST_TIME", np.inf)
        patch.setattr(training, "losses", cut_off)
        model = case.new(checkpoint_path=path, **EIGHT_STEPS)
        with at(first) as there:
            with pytest.raises(RuntimeError, match="cut off"):
                model.set_params(device=first.partition(":")[0]).fit(frame())
            assert ("autocast on cuda" in there.calls) is half
        with at(second) as there:
            model.set_params(device="auto").fit(frame())
            tensors = model.model_.network.state_dict().values()
            assert {there.place(tensor) for tensor in tensors} == {CPU}
            assert second == "cpu" or len(there.calls) > 1000
    assert len(steps) == here.n_iter_ + 1  # the one that was cut off is made again
    return case, here, model


def test_a_fit_on_a_device_ends_with_the_weights_of_the_cpu(pair_of: Any) -> None:
    """Also one that was cut off on a device and goes on upon another."""
    _, here, model = pair_of
    assert weights(model) == weights(here)
    assert model.skill_ == here.skill_


def test_answers_on_a_device_are_those_of_the_cpu(pair_of: Any) -> None:
    case, here, model = pair_of
    X = frame()
    asked = [case.point, case.draws]
    asked += [lambda m, X: m.trace(X, 4, 2).frames] if case.fills else [beyond]
    for ask in asked:
        with at("mps") as there:
            answer = ask(model, X)
            assert len(there.calls) > 100
        assert np.asarray(answer).dtype == np.float64
        np.testing.assert_array_equal(answer, ask(here, X))


def beyond(model: Any, X: Any) -> np.ndarray:
    """Draw further than the horizon: paths that go on from their own draws."""
    return model.sample(y=X, h=7, n_samples=3).samples


def test_a_device_is_a_parameter_like_any_other(pair_of: Any) -> None:
    case, here, _ = pair_of
    assert case.new().device == "auto"
    assert clone(here).get_params()["device"] == "cpu"
    assert "device='cpu'" in repr(here)
    other = here.as_forecaster(3) if case.fills else here.as_imputer()
    assert other.device == "cpu"


def test_files_know_no_device(pair_of: Any, tmp_path: Path) -> None:
    case, here, model = pair_of
    for name in ("cpu", "cuda"):
        model.set_params(device=name).save(tmp_path / name)
    loaded = type(model).load(tmp_path / "cuda")
    assert loaded.device == "auto"
    assert (tmp_path / "cuda").read_bytes() == (tmp_path / "cpu").read_bytes()
    sent = pickle.loads(pickle.dumps(model.set_params(device="cpu")))
    for one in (loaded, sent):
        np.testing.assert_array_equal(
            case.draws(one, frame()), case.draws(here, frame())
        )


SIZES = {"n_channels": 3, "n_steps": 12, "width": 16, "depth": 1, "dropout": 0.3}


@pytest.mark.parametrize(
    "more", [{"smooth": True, "joint": True}, {"periods": (4,), "n_centred": 2}]
)
def test_every_first_guess_and_its_losses_are_those_of_the_cpu(more: Any) -> None:
    values, shown = torch.randn(4, 12, 3), torch.rand(4, 12, 3) < 0.6
    edges, away = torch.randn(4, 2, 3), torch.ones(4, 2, 3)
    elapsed, features = torch.arange(12.0).expand(4, -1), torch.zeros(4, 12, 0)
    window = Window(values * shown, shown, elapsed, features, edges, away)
    batch = Batch(window, values, ~shown, torch.ones(4), relative=True)

    def learned(network: Any) -> list[torch.Tensor]:
        dice = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
        crps, velocity, _ = losses(network, batch, *dice)
        (crps + velocity).backward()
        slopes = [w.grad for w in network.parameters() if w.grad is not None]
        score = torch.tensor(validation_crps(network, [batch]))
        return [x.detach().to(CPU) for x in (crps, velocity, score, *slopes)]

    config = NetworkConfig(**SIZES, **more)
    here = learned(new_network(config, 0).train())
    with at("mps"):
        there = learned(new_network(config, 0).train().to(MPS))
    assert len(here) > 20
    assert all(map(torch.equal, here, there))


def test_a_tensor_that_is_left_behind_is_found() -> None:
    """What the tests above rest on: such devices refuse what they have to refuse."""
    with at("mps"):
        x = torch.ones(3).to(MPS)
        assert (x.device, x[1:].device, x.detach().device) == (MPS, MPS, MPS)
        assert (x + torch.tensor(1.0)).cpu().tolist() == [2.0] * 3
        for wrong in (
            lambda: x + torch.ones(3),
            lambda: torch.stack([x, torch.ones(3)]),
            lambda: torch.ones(3)[x > 0],
            lambda: torch.nn.Linear(3, 1)(x),
            lambda: x.numpy(),
            lambda: x.double(),
            lambda: torch.zeros(3, dtype=torch.float64, device=MPS),
            lambda: x.bernoulli_(0.5, generator=torch.Generator()),
        ):
            with pytest.raises((RuntimeError, TypeError)):
                wrong()


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two ranks with nccl, though nobody is there: what is initialised, and of what."""
    made: list[tuple[str, str]] = []
    monkeypatch.setattr(ranks.dist, "is_nccl_available", lambda: True)
    monkeypatch.setattr(ranks.dist, "get_rank", lambda: 1)
    monkeypatch.setattr(ranks.dist, "get_world_size", lambda: 2)
    monkeypatch.setattr(ranks, "_stated_size", lambda: 2)
    monkeypatch.setattr(ranks.dist, "destroy_process_group", lambda: None)
    monkeypatch.setattr(
        ranks, "_initialise", lambda backend: made.append(("own", backend))
    )

    def new_group(backend: str, **_: Any) -> str:
        made.append(("new", backend))
        return backend

    monkeypatch.setattr(ranks.dist, "new_group", new_group)
    return made


BOTH = "cpu:gloo,cuda:nccl"


@pytest.mark.parametrize(
    ("there", "where", "made"),
    [
        (None, CPU, [("own", "gloo")]),
        (None, MPS, [("own", "gloo")]),
        (None, CUDA, [("own", BOTH)]),
        ("gloo", CPU, []),
        ("gloo", CUDA, [("new", BOTH)]),
        ("nccl", CUDA, [("new", BOTH)]),
        ("nccl", CPU, [("new", "gloo")]),
    ],
)
def test_ranks_on_cuda_speak_by_nccl(
    there: str | None, where: Any, made: Any, groups: Any, monkeypatch: Any
) -> None:
    """In a group of their own, or besides that of the caller, if it is of less."""
    monkeypatch.setattr(ranks.dist, "is_initialized", lambda: there is not None)
    monkeypatch.setattr(ranks.dist, "get_backend", lambda: there)
    with joined(where) as found:
        assert (found.rank, found.device) == (1, where)
        assert found.wire == (CUDA if where == CUDA else CPU)
    assert groups == made


def test_gradients_on_mps_are_added_up_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Gloo knows no MPS: they go there and come back."""
    heard: list[torch.device] = []

    def all_reduce(flat: torch.Tensor, group: None) -> None:
        assert group is None
        heard.append(flat.device)
        flat.mul_(2)

    monkeypatch.setattr(ranks.dist, "all_reduce", all_reduce)
    with at("mps"):
        one, other = torch.ones(2).to(MPS), torch.ones(3, 1).to(MPS)
        Ranks(0, 2, device=MPS).add([one, other])
        assert heard == [CPU]
        assert (one.device, one.tolist(), other.tolist()) == (MPS, [2, 2], [[2]] * 3)


@pytest.mark.parametrize("kind", ["cpu", "cuda", "mps"])
def test_autocast_of_the_caller_is_put_aside_on_every_device(kind: str) -> None:
    torch.set_autocast_enabled(kind, True)
    try:
        with own_torch():
            assert not torch.is_autocast_enabled(kind)
        assert torch.is_autocast_enabled(kind)
    finally:
        torch.set_autocast_enabled(kind, False)


def test_workers_of_a_fan_out_answer_on_the_device_of_the_model(
    pair_of: Any, tmp_path: Path
) -> None:
    _, here, _ = pair_of
    here.save(tmp_path / "model")
    digest = hashlib.sha256((tmp_path / "model").read_bytes()).hexdigest()
    model = str(tmp_path / "model")
    for name in ("cpu", "auto"):
        question = Question(None, model, digest, "sample", {}, 0, device=name)
        assert open_model(question).device == name
