"""One question to many series: the answers are those of one process, come what may."""

from __future__ import annotations

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
    baselines,
    fan_out,
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
