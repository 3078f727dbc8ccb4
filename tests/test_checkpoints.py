"""Checkpoints: a fit that breaks goes on; a file of another fit is refused and kept.

Fits that are killed at any moment are fault 65.
"""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from sklearn import clone
from small import frame, tiny

from tsdiff import DiffusionForecaster, DiffusionImputer, atomic, checkpoints
from tsdiff.diffusion import training

LONG = {"max_epochs": 13, "batch_size": 1, "window": 15}  # held-out cells join


def weights(model: Any) -> bytes:
    state = model.model_.network.state_dict()
    return b"".join(tensor.numpy().tobytes() for tensor in state.values())


def imputer(path: Any = None, **parameters: Any) -> DiffusionImputer:
    return tiny(checkpoint_path=path, **LONG | parameters)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write after every tenth step, however long it takes."""
    monkeypatch.setattr(checkpoints, "_STEPS", 10)
    monkeypatch.setattr(checkpoints, "_MOST_TIME", np.inf)


@pytest.fixture(scope="module")
def unbroken() -> DiffusionImputer:
    return imputer().fit(frame())


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int, error: BaseException) -> None:
    losses, count = training.losses, 0

    def stop(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        if count == step:
            raise error
        return losses(*arguments)

    monkeypatch.setattr(training, "losses", stop)


def same_fit(one: Any, other: Any) -> None:
    assert weights(one) == weights(other)
    assert one.skill_ == other.skill_
    history = one.history_.drop(columns="seconds")
    assert history.equals(other.history_.drop(columns="seconds"))


@pytest.mark.long
def test_a_fit_that_breaks_again_and_again_ends_as_an_unbroken_one(
    unbroken: DiffusionImputer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, between and after the release of the held-out cells."""
    assert unbroken.n_iter_ == 104
    model, goes_on = imputer(tmp_path / "fit"), 0
    for step in (5, 47, 98):
        with monkeypatch.context() as patch:
            stop_at(patch, step - goes_on, KeyboardInterrupt())
            with pytest.raises(KeyboardInterrupt, match=f"stopped at step {step - 1};"):
                model.fit(frame())
        assert model.interrupted_
        assert model.transform(frame()).notna().all(axis=None)
        goes_on = (step - 1) // 10 * 10  # the last multiple of 10 was written
    with monkeypatch.context() as patch:
        stop_at(patch, 8, OSError("broken"))
        with pytest.raises(OSError, match="broken"):
            imputer(tmp_path / "fit").fit(frame())
    same_fit(model.fit(frame()), unbroken)
    assert not model.interrupted_


def test_a_whole_fit_trains_no_more_and_needs_no_place_to_write(
    unbroken: DiffusionImputer, fit_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fit_file.stat().st_mtime_ns
    stop_at(monkeypatch, 1, AssertionError("it trains"))
    monkeypatch.setattr(checkpoints, "write_whole", stop_at)
    again = imputer(fit_file).fit(frame())
    same_fit(again, unbroken)
    assert again.transform(frame()).equals(unbroken.transform(frame()))
    assert fit_file.stat().st_mtime_ns == before


def test_a_forecaster_with_covariates_and_series_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    t = np.arange(60)
    y = pd.DataFrame(
        {"y": np.sin(t / 3)}, pd.MultiIndex.from_product([["a", "b"], range(30)])
    )
    X = pd.DataFrame({"ahead": np.cos(t / 3), "past": t % 5.0}, y.index)
    X.loc[X.index.get_level_values(1) > 26, "past"] = np.nan
    sizes = {"width": 8, "depth": 1, "max_epochs": 4, "batch_size": 1, "window": 15}
    model = DiffusionForecaster(horizon=3, random_state=0, **sizes)
    whole = model.fit(y, X)
    kept = clone(model).set_params(checkpoint_path=tmp_path / "fit")
    with monkeypatch.context() as patch:
        stop_at(patch, 13, OSError("broken"))
        with pytest.raises(OSError, match="broken"):
            kept.fit(y, X)
    same_fit(kept.fit(y, X), whole)
    with pytest.raises(ValueError, match=r"the data, channels \(.*, known \("):
        kept.fit(y)


def test_less_memory_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fit that came down to smaller batches goes on with them; the asked ones count.

    What an attempt with larger batches has left is no part of it.
    """
    path, words = tmp_path / "fit", "memory at batch_size=8.*batch_size=2"
    sizes = {"max_epochs": 8, "batch_size": 8}
    whole = imputer(**sizes | {"batch_size": 2}).fit(frame())
    losses, batches = training.losses, []

    def scarce(network: Any, batch: Any, *more: Any) -> Any:
        batches.append(len(batch.truth))
        if len(batch.truth) > 2:
            raise MemoryError("Unable to allocate 9.31 GiB")
        if len(batches) == 16:
            raise OSError("broken")
        return losses(network, batch, *more)

    monkeypatch.setattr(training, "losses", scarce)
    with pytest.raises(OSError, match="broken"):
        imputer(path, **sizes).fit(frame())
    assert batches == [8, 4, *[2] * 14]
    with pytest.warns(UserWarning, match=words):
        fitted = imputer(path, **sizes).fit(frame())
    assert batches[16:] == [2] * (whole.n_iter_ - 10)  # from the last file on
    same_fit(fitted, whole)
    with pytest.warns(UserWarning, match=words):
        imputer(path, **sizes).fit(frame())
    with pytest.raises(ValueError, match=r"batch_size \(8 there, 2 now\)"):
        imputer(path, **sizes | {"batch_size": 2}).fit(frame())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_epochs": 14}, r"max_epochs \(13 there, 14 now\)"),
        ({"random_state": 1}, r"random_state \(0 there, 1 now\)"),
        ({"mask_mix": {"random": 1}}, r"mask_mix \(None there"),
    ],
)
def test_another_fit_is_refused_and_its_file_kept(
    change: dict, message: str, fit_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fit_file.read_bytes()
    monkeypatch.setattr(checkpoints, "__version__", "9.9")
    with pytest.raises(ValueError, match=r"tsdiff \('.*' there, '9.9' now\)"):
        imputer(fit_file).fit(frame())
    monkeypatch.undo()
    with pytest.raises(ValueError, match=f"is of another fit: .*{message}"):
        imputer(fit_file, **change).fit(frame())
    with pytest.raises(ValueError, match=r"another fit: it differs in the data\. Give"):
        imputer(fit_file).fit(frame() * 2)
    assert fit_file.read_bytes() == before


@pytest.fixture(scope="module")
def fit_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("fit") / "fit"
    imputer(path).fit(frame())
    return path.read_bytes()


@pytest.fixture
def fit_file(fit_bytes: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "fit"
    path.write_bytes(fit_bytes)
    return path


def test_a_damaged_file_is_refused_before_training(fit_file: Path) -> None:
    whole = fit_file.read_bytes()
    flipped = bytearray(whole)
    flipped[-5] ^= 1
    for content in (whole[:-7], b"", bytes(flipped), b"a,b\n1,2\n"):
        fit_file.write_bytes(content)
        with pytest.raises(ValueError, match=r"is no checkpoint|is damaged"):
            imputer(fit_file).fit(frame())
        assert fit_file.read_bytes() == content


def test_files_of_another_kind_or_a_newer_format(
    fit_file: Path, unbroken: DiffusionImputer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="holds a Checkpoint, not a DiffusionImputer"):
        DiffusionImputer.load(fit_file)
    monkeypatch.setattr(checkpoints, "FORMAT", 0)
    with pytest.raises(ValueError, match=r"has format 1, .* Install a newer tsdiff"):
        imputer(fit_file).fit(frame())
    monkeypatch.undo()
    unbroken.save(fit_file)
    with pytest.raises(ValueError, match="holds a DiffusionImputer, not a Checkpoint"):
        imputer(fit_file).fit(frame())


def test_a_place_that_cannot_be_written_is_known_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_at(monkeypatch, 1, AssertionError("it trains"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        imputer(tmp_path / "nowhere" / "fit").fit(frame())
    with pytest.raises(ValueError, match="is no file"):
        imputer(tmp_path).fit(frame())


def test_a_disk_that_fills_up_is_a_warning_and_the_fit_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write, count = tmp_path / "fit", atomic.os.fsync, 0
    unbroken = imputer(max_epochs=3).fit(frame())

    def full(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(descriptor)

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.warns(UserWarning, match="No space left.*that of step 0") as caught:
        fitted = imputer(path, max_epochs=3).fit(frame())
    assert len(caught) == 1
    assert count > 3
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["fit"]
    same_fit(fitted, unbroken)
    same_fit(imputer(path, max_epochs=3).fit(frame()), unbroken)


def test_a_file_that_another_process_writes_is_left_to_it(
    tmp_path: Path, fit_bytes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, losses = tmp_path / "fit", training.losses

    def meanwhile(*arguments: Any) -> Any:
        atomic.write_whole(path, fit_bytes)
        return losses(*arguments)

    monkeypatch.setattr(training, "losses", meanwhile)
    with pytest.warns(UserWarning, match="Another process writes it.*The fit goes on"):
        imputer(path, max_epochs=2).fit(frame())
    assert path.read_bytes() == fit_bytes


@pytest.mark.parametrize("seed", [None, np.random.default_rng(0)])
def test_a_seed_that_does_not_repeat_is_refused(seed: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Set random_state to an int"):
        imputer(tmp_path / "fit", random_state=seed).fit(frame())
    with pytest.raises(ValueError, match="must be the path of a file, got 3"):
        imputer(3).fit(frame())


def test_minutes_count_those_of_all_attempts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"max_epochs": None, "max_minutes": 0.01}
    path = tmp_path / "fit"
    first = imputer(path, **limits).fit(frame())
    stop_at(monkeypatch, 1, AssertionError("it trains"))
    again = imputer(path, **limits).fit(frame())
    assert weights(again) == weights(first)


def test_a_saved_model_holds_no_path(fit_file: Path, tmp_path: Path) -> None:
    fitted = imputer(fit_file).fit(frame())
    fitted.save(tmp_path / "model")
    with safe_open(tmp_path / "model", framework="pt") as file:
        kept = json.loads(file.metadata()["tsdiff"])
    assert "checkpoint_path" not in kept["parameters"]
    assert DiffusionImputer.load(tmp_path / "model").checkpoint_path is None
