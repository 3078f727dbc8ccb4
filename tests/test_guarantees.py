"""The six guarantees of the README, each checked by its name."""

from __future__ import annotations

import builtins
import copy
import pickle
import random
import socket
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from faults import Case, weights
from small import frame, same

from tsdiff.diffusion import training


def test_guarantee_1_same_seed_same_bits(case: Case) -> None:
    """The same data, seed, machine and versions give the same weights and draws."""
    again = case.new(max_epochs=2).fit(frame())
    assert weights(again) == weights(case.fitted)
    first, second = (case.draws(model, frame(), 60) for model in (again, case.fitted))
    assert first.tobytes() == second.tobytes()
    few = case.draws(case.fitted, frame(), 3)  # nor does it matter how many are drawn
    np.testing.assert_allclose(first[:3], few, atol=1e-5)


def test_guarantee_2_observed_cells_bit_for_bit(pair: dict[str, Any]) -> None:
    """Observed cells come back from every answer of an imputer bit for bit."""
    X, imputer = frame() * np.pi, pair["imputer"]
    seen = X.notna().to_numpy()
    draws = imputer.sample(X, n_samples=3)
    for filled in (imputer.transform(X), draws.median(), *draws.paths()):
        values = np.asarray(filled)
        assert values[seen].tobytes() == X.to_numpy()[seen].tobytes()


def test_guarantee_3_inputs_are_never_modified(case: Case) -> None:
    """Neither the data nor the memory under them, even if it can't be written."""
    X = frame()
    locked = X.to_numpy().copy()
    locked.flags.writeable = False
    case.answer(case.new().fit(X), X)
    same(X, frame())
    case.answer(case.new().fit(locked), locked)


def test_guarantee_4_answers_change_no_state(case: Case) -> None:
    """A model that was asked is, byte for byte, the model that was fitted."""
    model = copy.deepcopy(case.fitted)
    before = pickle.dumps(vars(model)), weights(model)
    held = {name: id(value) for name, value in vars(model).items()}
    case.answer(model, frame())
    case.answer(model, frame().iloc[10:50] + 1)
    assert {name: id(value) for name, value in vars(model).items()} == held
    assert (pickle.dumps(vars(model)), weights(model)) == before
    assert not model.model_.network.training


def test_guarantee_5_an_interrupted_fit_is_whole_and_says_so(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It has all that a fit has, `interrupted_` is True, and it answers and saves."""
    losses, calls = training.losses, []

    def stop(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return losses(*given)

    monkeypatch.setattr(training, "losses", stop)
    model = case.new(max_epochs=9)
    with pytest.raises(KeyboardInterrupt, match="are kept"):
        model.fit(frame())
    assert vars(model).keys() == vars(case.fitted).keys()
    assert (model.interrupted_, case.fitted.interrupted_) == (True, False)
    case.answer(model, frame())
    model.save(tmp_path / "model")
    assert type(model).load(tmp_path / "model").interrupted_ is True


def settings() -> list[Any]:
    """Return all that is global and not ours."""
    return [
        random.getstate(),
        np.random.mtrand._rand.get_state()[1].tolist(),
        torch.get_rng_state().tolist(),
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        np.geterr(),
        list(warnings.filters),
        pd.get_option("mode.copy_on_write") if pd.__version__ < "3" else None,
    ]


def test_guarantee_6_nothing_that_is_the_callers(
    case: Case, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No network, no pickle, no global random state, no changed threads or dtypes."""

    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("it was used")

    before = settings()
    with monkeypatch.context() as patched:
        patched.setattr(socket.socket, "connect", forbidden)
        patched.setattr(socket, "getaddrinfo", forbidden)
        for name in ("load", "loads", "dump", "dumps", "Pickler", "Unpickler"):
            patched.setattr(pickle, name, forbidden)
        patched.setattr(torch, "load", forbidden)
        patched.setattr(builtins, "eval", forbidden)
        model = case.new().fit(frame())
        case.answer(model, frame())
        model.save(tmp_path / "model")
        case.answer(type(model).load(tmp_path / "model"), frame())
    assert settings() == before
