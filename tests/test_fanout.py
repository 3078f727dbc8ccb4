"""One question to many series: the answers are those of one process, come what may."""

from __future__ import annotations

import copy
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from meters import T, Y, parts, same, write

from tsdiff import (
    DiffusionForecaster,
    DiffusionImputer,
    FanOut,
    ParquetPanel,
    backtest,
    baselines,
    fan_out,
    imputation_backtest,
)
from tsdiff.panel.pieces import Piece

pytest.importorskip("pyarrow")
SIZES: dict[str, Any] = {"max_epochs": 1, "width": 16, "depth": 1, "random_state": 0}


@pytest.fixture(scope="module")
def model():
    # looks at the last 32 rows of a series, and nothing else is read
    return DiffusionForecaster(horizon=3, window=16, **SIZES).fit(Y.iloc[: 40 * T])


@pytest.fixture(scope="module")
def whole(model):
    return model.predict_interval(y=Y)


def test_shards_give_the_frame_of_the_whole_panel_bit_for_bit(model, whole, tmp_path):
    ahead = fan_out(model, "predict_interval", Y, folder=tmp_path, shard_size=64)
    assert (ahead.state, ahead.failed, len(ahead.paths)) == ("done", {}, 3)
    same(ahead.read(), whole, check_exact=True)
    same(FanOut(tmp_path).read(), whole, check_exact=True)


def test_other_shards_change_only_the_rounding(model, whole, tmp_path):
    # 71 series end in a batch that no other size has
    files = write(tmp_path / "meters", n_files=5)
    ahead = fan_out(
        model, "predict_interval", files, folder=tmp_path / "ahead", shard_size=71
    )
    assert len(ahead.paths) == 3  # a shard goes on in the next file
    same(ahead.read(), whole, rtol=1e-5)


def test_processes_and_their_order_change_nothing(model, whole, tmp_path):
    asked = {"folder": tmp_path, "shard_size": 32, "n_jobs": 2}
    with joblib.parallel_config("loky"):
        ahead = fan_out(model, "predict_interval", Y, **asked)
    same(ahead.read(), whole, check_exact=True)


def test_paths_are_keyed_by_the_series_and_not_by_their_place(model, tmp_path):
    turned = Y.loc[list(Y.index.unique(0)[16:48]) + list(Y.index.unique(0)[:16])]
    asked = {"h": 2, "n_samples": 8, "random_state": 7}
    paths = fan_out(model, "sample", turned, folder=tmp_path, shard_size=16, **asked)
    one = model.sample(y=Y.iloc[: 48 * T], **asked).to_frame()
    key = ["unique_id", "ds", "sample"]
    two = paths.read().set_index(key).loc[pd.MultiIndex.from_frame(one[key])]
    same(two, one.set_index(key), rtol=1e-4)


def test_gaps_are_filled_by_the_same_words(tmp_path):
    X = Y.iloc[: 32 * T].copy()
    X.iloc[::7] = np.nan
    imputer = DiffusionImputer(window=16, **SIZES).fit(X.iloc[: 10 * T])
    imputer.save(tmp_path / "model.tsdiff")
    ahead = fan_out(
        tmp_path / "model.tsdiff", "transform", X, folder=tmp_path / "a", shard_size=8
    )
    same(ahead.read(), imputer.transform(X), rtol=1e-5)
    linear = baselines.LinearInterpolation().fit(X)
    filled = fan_out(linear, "transform", X, folder=tmp_path / "b", shard_size=8)
    same(filled.read(), linear.transform(X), check_exact=True)


def test_an_array_on_disk_is_read_a_shard_at_a_time(tmp_path):
    values = Y.to_numpy().reshape(-1, T, 1)[:24]
    np.save(tmp_path / "y.npy", values)
    model = DiffusionForecaster(horizon=2, window=16, **SIZES).fit(values)
    asked = {"shard_size": 8, "coverage": [0.5, 0.9]}
    memory = np.load(tmp_path / "y.npy", mmap_mode="r")
    one = fan_out(model, "predict_interval", memory, folder=tmp_path / "a", **asked)
    path = tmp_path / "y.npy"
    two = fan_out(model, "predict_interval", path, folder=tmp_path / "b", **asked)
    same(two.read(), one.read(), check_exact=True)
    answer = model.predict_interval(y=values, coverage=[0.5, 0.9])
    np.testing.assert_allclose(one.read(), answer.reshape(-1, 4), rtol=1e-5)


def test_a_run_of_a_fit_without_seed_goes_on_with_the_seed_it_began_with(tmp_path):
    model = DiffusionForecaster(horizon=2, **SIZES | {"random_state": None})
    model.fit(Y.iloc[: 10 * T])
    asked = {"folder": tmp_path, "shard_size": 8, "n_samples": 4}
    first = fan_out(model, "sample", Y.iloc[: 24 * T], **asked).read()
    (tmp_path / "parts" / "part-000001.parquet").unlink()
    before = parts(tmp_path)
    second = fan_out(model, "sample", Y.iloc[: 24 * T], **asked)
    same(second.read(), first, check_exact=True)
    assert before.items() <= parts(tmp_path).items()  # the others were not done again


def test_a_sample_to_fit_on_is_of_whole_series(tmp_path):
    panel = ParquetPanel(write(tmp_path / "meters"))
    some = panel.sample(25 * T + 7, random_state=1)
    names = some.index.unique(0)
    assert len(names) == 25
    same(some, Y.loc[list(names)], check_exact=True)
    assert set(panel.sample(25 * T, random_state=2).index.unique(0)) != set(names)
    assert len(panel.sample(3)) == T  # one at least


def test_rows_that_are_read_hold_no_others_in_memory(tmp_path):
    panel = ParquetPanel(write(tmp_path / "meters", n_files=1))
    rows = panel._rows([Piece("0.parquet", T, 2 * T)], ["unique_id", "ds"], None)
    assert rows.num_rows == T
    assert rows.get_total_buffer_size() < 2 * rows.nbytes


LATE = Y.index.unique(0)[100:]
RAGGED = pd.concat(
    [
        Y.iloc[: 100 * T],
        *(Y.loc[[name]].iloc[: 8 + k % 40] for k, name in enumerate(LATE)),
    ]
)
SOME = {"n_repeats": 2, "random_state": 3, "ratio": 0.2}


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        (baselines.SeasonalNaive(period=6, horizon=4), {}),
        (baselines.SeasonalNaive(period=6, horizon=4), {"n_windows": 2, "h": 3}),
        (baselines.LinearInterpolation(), {"pattern": "blocks", "length": 3, **SOME}),
        (baselines.LinearInterpolation(), SOME),
    ],
)
def test_a_calibration_by_shards_is_that_of_the_whole_panel(
    model, asked, tmp_path, monkeypatch
):
    """Of ties too; some series are too short, a shard has no gap, one is of the fit."""
    monkeypatch.setattr("tsdiff.calibrating.ahead.TOGETHER", 32)
    monkeypatch.setattr("tsdiff.calibrating.gaps.TOGETHER", 32)
    panel = RAGGED.round(1)
    if hasattr(model, "transform"):
        panel.iloc[3 : 90 * T : 11] = np.nan
        model.fit(Y.iloc[:T] + 1)
    else:
        model.fit(panel.iloc[: 34 * T] if not asked else Y.iloc[:T] + 1)
    scored = fan_out(model, "calibrate", panel, folder=tmp_path, shard_size=32, **asked)
    assert len(scored.paths) == 6
    answer = scored.calibrated(model).calibration_.arrays()
    whole = copy.copy(model).calibrate(panel, **asked).calibration_.arrays()
    assert whole["n_cells"].sum() > 200
    for name, numbers in whole.items():
        np.testing.assert_array_equal(answer[name], numbers, err_msg=name)
    assert not hasattr(model, "calibration_")


def test_a_diffusion_model_calibrates_by_shards(model, tmp_path):
    later = Y.iloc[40 * T : 100 * T]
    asked = {"folder": tmp_path / "a", "shard_size": 16}
    scored = fan_out(model, "calibrate", later, **asked)
    with pytest.raises(ValueError, match="no scores of this model: the model is anoth"):
        scored.calibrated(baselines.SeasonalNaive(period=6, horizon=3).fit(Y))
    other = fan_out(model, "predict", later, folder=tmp_path / "b")
    with pytest.raises(ValueError, match="the question was 'predict'"):
        other.calibrated(model)
    answer = scored.calibrated(model)
    same(
        answer.predict_interval(y=Y.iloc[:T]),
        copy.copy(model).calibrate(later).predict_interval(y=Y.iloc[:T]),
        rtol=1e-4,
    )
    (tmp_path / "a" / "parts" / "part-000001.parquet").unlink()
    with pytest.raises(ValueError, match="is not whole"):
        FanOut(tmp_path / "a").calibrated(model)
    nothing = fan_out(
        model, "calibrate", Y.iloc[: 20 * T], folder=tmp_path / "c", shard_size=16
    )
    with pytest.raises(ValueError, match="There is nothing to calibrate on"):
        nothing.calibrated(model)


@pytest.fixture(scope="module")
def helped():
    """A model of covariates and static features, and all that it wants to know."""
    names = list(Y.index.unique(0))
    rng = np.random.default_rng(5)
    hours = pd.date_range("2024-01-01", periods=T + 3, freq="h", unit="us")
    index = pd.MultiIndex.from_product([names, hours], names=Y.index.names)
    X = pd.DataFrame({"heat": rng.normal(size=len(index))}, index)
    X["kind"] = np.where(rng.random(len(index)) < 0.5, "work", "rest")
    X["past"] = X["heat"].where(index.get_level_values(1) < hours[T])
    size = {"size": rng.normal(size=len(names)), "town": rng.choice(["a", "b"], 192)}
    static = pd.DataFrame(size, names).sample(frac=1, random_state=0)
    given = {"X": X.loc[names[:10]], "static": static.loc[names[:10]]}
    model = DiffusionForecaster(horizon=3, window=16, **SIZES)
    return model.fit(Y.iloc[: 10 * T], **given), X, static


def test_shards_carry_the_rows_of_covariates_and_static_features(helped, tmp_path):
    model, X, static = helped
    y = Y.iloc[: 96 * T]
    whole = model.predict_interval(y=y, X=X, static=static)
    asked = {"shard_size": 32, "static": static}
    memory = fan_out(model, "predict_interval", y, folder=tmp_path / "a", X=X, **asked)
    same(memory.read(), whole, rtol=1e-5)
    turned = X.loc[list(X.index.unique(0)[::-1])]
    files = ParquetPanel(write(tmp_path / "X", turned), channels=list(X))
    asked |= {"X": files, "n_jobs": 2}
    disk = fan_out(model, "predict_interval", y, folder=tmp_path / "b", **asked)
    same(disk.read(), memory.read(), check_exact=True)
    later = {"panel": Y.iloc[96 * T : 128 * T], "X": X, "static": static}
    scored = fan_out(model, "calibrate", folder=tmp_path / "c", **later)
    later["y"] = later.pop("panel")
    one = copy.copy(model).calibrate(**later).calibration_
    two = scored.calibrated(model).calibration_
    np.testing.assert_allclose(two.maps, one.maps, rtol=1e-5)


def test_arrays_of_covariates_go_with_arrays(tmp_path):
    rng = np.random.default_rng(0)
    y, X = rng.normal(size=(12, 40, 1)), rng.normal(size=(12, 42, 2))
    model = DiffusionForecaster(horizon=2, window=16, **SIZES).fit(y, X)
    ahead = fan_out(model, "predict", y, X=X, folder=tmp_path, shard_size=5)
    answer = model.predict(y=y, X=X).reshape(-1, 1)
    np.testing.assert_allclose(ahead.read(), answer, rtol=1e-5)


def by_name(frame: pd.DataFrame) -> pd.DataFrame:
    names = [
        n for n in ("unique_id", "ds", "channel", "cutoff", "repeat") if n in frame
    ]
    return frame.sort_values(names).reset_index(drop=True)


def every_ninth(observed: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    del rng
    return (np.arange(len(observed)) % 9 == 4)[:, None] & observed


def test_a_backtest_by_shards_is_that_of_the_whole_panel(tmp_path):
    model = baselines.SeasonalNaive(period=6, horizon=4)
    model.fit(Y.groupby(level=0).head(40))
    asked = {"h": 4, "n_windows": 3}
    trial = fan_out(model, "backtest", Y, folder=tmp_path / "a", shard_size=50, **asked)
    whole = backtest({"model": model}, Y, refit=False, **asked)
    same(by_name(trial.result().frame), by_name(whole.frame), check_exact=True)
    same(trial.result().scores("channel"), whole.scores("channel"), rtol=1e-12)
    with pytest.raises(ValueError, match="holds no backtest"):
        fan_out(model, "predict", Y, folder=tmp_path / "b").result()


def test_gaps_are_backtested_by_shards(tmp_path):
    model = baselines.LastValue(random_state=0).fit(Y)
    asked = {"pattern": every_ninth, "n_repeats": 1}
    trial = fan_out(
        model, "imputation_backtest", Y, folder=tmp_path, shard_size=48, **asked
    )
    whole = imputation_backtest({"model": model}, Y, refit=False, **asked)
    answer = by_name(trial.result().frame)
    own = by_name(whole.frame)
    same(answer[["unique_id", "ds", "y"]], own[["unique_id", "ds", "y"]])
    np.testing.assert_array_equal(answer["q-0.5"], own["q-0.5"])
