"""Saved models: the same answers in another process, and no harm from a bad file."""

from __future__ import annotations

import json
import pickletools
import stat
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from small import HOURS, NAN, frame, tiny

from tsdiff import DiffusionImputer
from tsdiff.io import FORMAT


@pytest.fixture(scope="module")
def imputer() -> DiffusionImputer:
    X = frame(HOURS.tz_localize("Europe/Vienna"))
    X["constant"], X["counts"] = 3.0, np.arange(60.0) % 4
    return tiny(mask_mix={"random": 1.0, "tails": 0.5}).fit(X)


@pytest.fixture
def data(imputer: DiffusionImputer) -> pd.DataFrame:
    X = frame(HOURS.tz_localize("Europe/Vienna")).assign(constant=NAN, counts=NAN)
    assert imputer.n_features_in_ == X.shape[1]
    return X


@pytest.fixture
def file(imputer: DiffusionImputer, tmp_path: Path) -> Path:
    path = tmp_path / "model.tsdiff"
    imputer.save(path)
    return path


# --- there and back -------------------------------------------------------------------


def test_draws_of_a_new_process_are_bit_identical(
    imputer: DiffusionImputer, data: pd.DataFrame, file: Path, tmp_path: Path
) -> None:
    data.to_pickle(tmp_path / "data.pkl")
    code = f"""
import pandas as pd, torch
from tsdiff import DiffusionImputer
torch.set_num_threads(1)
X = pd.read_pickle({str(tmp_path / "data.pkl")!r})
model = DiffusionImputer.load({str(file)!r})
draws = model.sample(X, 60, random_state=5).samples
open({str(tmp_path / "draws")!r}, "wb").write(draws.tobytes())
"""
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, timeout=100)
    expected = imputer.sample(data, 60, random_state=5).samples
    assert (tmp_path / "draws").read_bytes() == expected.tobytes()


def test_all_that_a_fit_has_learned_comes_back(
    imputer: DiffusionImputer, data: pd.DataFrame, file: Path
) -> None:
    loaded = DiffusionImputer.load(file)
    assert sorted(vars(loaded)) == sorted(vars(imputer))
    assert loaded.get_params() == imputer.get_params()
    assert loaded.schema_ == imputer.schema_
    assert loaded.n_iter_ == imputer.n_iter_
    assert loaded.interrupted_ is imputer.interrupted_
    pd.testing.assert_frame_equal(loaded.history_, imputer.history_)
    assert loaded.feature_names_in_.tolist() == imputer.feature_names_in_.tolist()
    pd.testing.assert_frame_equal(loaded.transform(data), imputer.transform(data))
    with pytest.raises(ValueError, match="feature names should match"):
        loaded.transform(data[["b", "a", "counts", "constant"]])


def test_a_file_saved_again_is_the_same_file(file: Path, tmp_path: Path) -> None:
    DiffusionImputer.load(file).save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    "parameters",
    [
        {"width": np.int64(8), "learning_rate": np.float32(0.001), "window": None},
        {"max_gap": pd.Timedelta("2h"), "freq": "h"},
        {"max_gap": np.timedelta64(90, "m"), "freq": pd.offsets.Hour()},
        {"max_gap": "3h", "insert_absent": np.True_, "max_minutes": 5},
        {"max_gap": np.int32(4), "random_state": np.int64(2**62)},
        {"mask_mix": {"random": np.float64(0.25), "tails": 1}, "verbose": False},
    ],
)
@pytest.mark.filterwarnings("ignore:.*stay NaN")
def test_parameters_of_every_kind_come_back(
    parameters: dict[str, Any], tmp_path: Path
) -> None:
    model = tiny(**parameters).fit(frame())
    model.save(tmp_path / "model")
    loaded = DiffusionImputer.load(tmp_path / "model")
    given, got = model.get_params(), loaded.get_params()
    for name in given:
        assert got[name] == given[name] or (name, got[name]) == ("freq", "h")
    expected = model.sample(frame(), 3).samples
    np.testing.assert_array_equal(loaded.sample(frame(), 3).samples, expected)


def test_a_generator_is_not_kept_and_says_so(tmp_path: Path) -> None:
    model = tiny(random_state=np.random.default_rng(0)).fit(frame())
    with pytest.warns(UserWarning, match="random_state is a Generator, whose state is"):
        model.save(tmp_path / "model")
    assert DiffusionImputer.load(tmp_path / "model").random_state is None


def test_a_parameter_without_a_form_in_json_is_refused(tmp_path: Path) -> None:
    holidays = pd.offsets.CustomBusinessDay(holidays=["2024-03-05"])
    model = tiny(freq="h").fit(frame()).set_params(freq=holidays)
    with pytest.raises(TypeError, match="freq=<CustomBusinessDay> of type"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "X",
    [
        frame().to_numpy(),
        frame()["a"].reset_index(drop=True).rename(None),
        frame().set_axis([1, 2], axis=1),
        frame(HOURS[0] + pd.to_timedelta(np.arange(60) ** 2, "min")),
        frame(pd.period_range("2024", periods=60, freq="M")),
        np.stack([frame().to_numpy()] * 2),
    ],
    ids=["array", "series", "int names", "irregular", "periods", "3-D"],
)
def test_models_of_every_kind_of_data(X: Any, tmp_path: Path) -> None:
    model = tiny().fit(X)
    model.save(tmp_path / "model")
    loaded = DiffusionImputer.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))
    assert hasattr(loaded, "feature_names_in_") is hasattr(model, "feature_names_in_")
    assert loaded.n_features_in_ == model.n_features_in_
    assert list(loaded.get_feature_names_out()) == list(model.get_feature_names_out())
    loaded.set_params(warm_start=True).fit(X)


def test_the_file_holds_what_it_promises_and_no_pickle(file: Path) -> None:
    with safe_open(file, framework="pt") as opened:
        metadata = json.loads(opened.metadata()["tsdiff"])
    assert metadata["format"] == FORMAT
    assert metadata["class"] == "DiffusionImputer"
    assert metadata["versions"].keys() == {"tsdiff", "torch"}
    assert metadata["schema"]["channels"] == ["a", "b", "constant", "counts"]
    assert metadata["schema"]["freq"] == "h"
    assert metadata["schema"]["tz"] == "Europe/Vienna"
    assert len(metadata["sha256"]) == 64
    (length,) = struct.unpack("<Q", file.read_bytes()[:8])
    json.loads(file.read_bytes()[8 : 8 + length])  # a header of JSON, then numbers
    with pytest.raises(ValueError, match=r"opcode|pickle|exhausted|STOP"):
        list(pickletools.genops(file.read_bytes()))


# --- writing --------------------------------------------------------------------------


def test_a_link_stays_a_link_and_modes_are_kept(
    imputer: DiffusionImputer, tmp_path: Path
) -> None:
    target, link = tmp_path / "v1.tsdiff", tmp_path / "latest.tsdiff"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    imputer.save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    DiffusionImputer.load(target)
    fresh = tmp_path / "fresh"
    imputer.save(str(fresh))
    plain = tmp_path / "plain"
    plain.touch()
    assert fresh.stat().st_mode == plain.stat().st_mode  # what umask allows
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"v1.tsdiff", "latest.tsdiff", "fresh", "plain"}  # no litter


def test_a_write_that_fails_leaves_the_old_file(
    imputer: DiffusionImputer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model"
    path.write_text("old")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("gone")))
    with pytest.raises(OSError, match="gone"):
        imputer.save(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError):
        imputer.save(tmp_path / "nowhere" / "model")
