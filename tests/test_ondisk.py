"""Fits on panels larger than memory: the windows, and so the weights, of one in it."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from meters import T, Y, same, write

from tsdiff import (
    ArrayPanel,
    DiffusionForecaster,
    DiffusionImputer,
    ParquetPanel,
    fan_out,
    ondisk,
)
from tsdiff.batches import Roles, Source
from tsdiff.panel.frame import to_panel
from tsdiff.panel.scaling import fit_scaler
from tsdiff.panel.stored import Reserve, Stored
from tsdiff.schema import read_panel

pytest.importorskip("pyarrow")
SIZES: dict[str, Any] = {
    "max_epochs": 1,
    "batch_size": 64,
    "width": 8,
    "depth": 1,
    "random_state": 0,
}
KINDS = {
    "ahead": (DiffusionForecaster, {"horizon": 3, "window": 16}),
    "gaps": (DiffusionImputer, {"window": 16}),
}


@pytest.fixture
def small(monkeypatch):
    """Memory for a sixth of the series at once."""
    monkeypatch.setattr(ondisk, "_MOST_CELLS", 32 * T)
    monkeypatch.setattr(ondisk, "_CELLS_AT_ONCE", 50 * T)


def weights(model) -> torch.Tensor:
    return torch.cat([w.ravel() for w in model.model_.network.state_dict().values()])


def reserve_of(y: pd.DataFrame, chosen: Any, at_once: int = 50) -> Reserve:
    names = list(y.index.unique(0))
    parts = [names[i : i + at_once] for i in range(0, len(names), at_once)]
    return Reserve(lambda: (to_panel(y.loc[p]) for p in parts), np.array(chosen), "")


def sources(y: pd.DataFrame, chosen: Any, n_steps: int, **options: Any):
    """Two sources that hold out the same: one of all in memory, one on disk."""
    panel = to_panel(y.loc[list(y.index.unique(0)[chosen])])
    scaler = fit_scaler(panel, 1)
    memory, disk = (
        Source(panel, scaler, n_steps, np.random.default_rng(0), **options)
        for _ in range(2)
    )
    reserve = reserve_of(y, chosen)
    disk.draw_from(Stored(reserve, panel, scaler, np.random.default_rng(1)))
    return memory, disk


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_windows_give_the_same_weights_bit_for_bit(
    kind, tmp_path, monkeypatch
):
    """All series may be in memory, and windows come from the disk nevertheless."""
    y = Y.iloc[: 40 * T].copy()
    y.iloc[::7] = np.nan
    estimator, sizes = KINDS[kind]
    one = estimator(**SIZES, **sizes).fit(y)
    panel = ParquetPanel(write(tmp_path / "meters", y))
    same(ondisk.OnDisk(panel).frame, y.loc[list(y.index.unique(0))])
    seen = []

    def reserve(files, estimator, schema):
        seen.append(1)
        parts = files._panels(estimator, schema)
        return Reserve(lambda: parts, files._chosen, "mark")

    monkeypatch.setattr(ondisk.OnDisk, "reserve", reserve)
    monkeypatch.setattr(ondisk, "_CELLS_AT_ONCE", 17 * T)
    two = estimator(**SIZES, **sizes).fit(panel)
    assert seen
    assert torch.equal(weights(one), weights(two))
    same(two.history_.drop(columns="seconds"), one.history_.drop(columns="seconds"))


@pytest.mark.usefixtures("small")
def test_a_fit_on_files_repeats_itself_and_answers(tmp_path, capsys):
    panel = ParquetPanel(write(tmp_path / "meters"))
    model = DiffusionForecaster(horizon=3, window=16, verbose=1, **SIZES).fit(panel)
    assert "windows of all 192 series; 32, drawn at random" in capsys.readouterr().err
    again = DiffusionForecaster(horizon=3, window=16, **SIZES).fit(panel)
    assert torch.equal(weights(model), weights(again))
    # an epoch is of all series: 192 of 60 rows, each covered by 7 windows
    assert model.n_iter_ == 192 * 7 / 64
    with pytest.raises(ValueError, match=r"or fitted on files. Give one: predict"):
        model.predict()
    model.save(tmp_path / "m.tsdiff")
    loaded = DiffusionForecaster.load(tmp_path / "m.tsdiff")
    same(loaded.predict(y=Y), model.predict(y=Y))


def test_every_series_is_drawn_from_and_what_is_held_out_is_not():
    """Values tell where they are from: all of them are different."""
    y = Y.iloc[: 60 * T].copy()
    y["kwh"] = np.random.default_rng(0).normal(size=len(y))
    chosen = list(range(5, 60, 2))
    roles = Roles(1, horizon=4)
    memory, disk = sources(y, chosen, 12, roles=roles, batch_size=64)
    held = np.concatenate([b.truth[b.target].numpy() for b in disk.validation])
    mine = np.concatenate([b.truth[b.target].numpy() for b in memory.validation])
    np.testing.assert_array_equal(held, mine)

    def shown() -> np.ndarray:
        rng = np.random.default_rng(3)
        batches = [disk.draw(rng) for _ in range(100)]
        parts = [b.truth[b.window.shown | b.target].numpy() for b in batches]
        return np.concatenate(parts)

    scaled = disk.stored._map("r")["scaled"].reshape(60, T)
    hidden = np.isnan(scaled)
    assert hidden.any(1).sum() == 2  # a tenth of those in memory
    assert not np.isin(held, shown()).any()
    disk.release()
    scaled = disk.stored._map("r")["scaled"].reshape(60, T)
    assert not np.isnan(scaled).any()
    seen = shown()
    assert np.isin(held, seen).all()
    series = np.searchsorted(np.sort(scaled.ravel()), seen)
    series = np.argsort(scaled.ravel())[series] // T
    count = np.bincount(series, minlength=60) / len(seen) * 60
    # 6,400 windows: 107 a series, within five standard errors
    assert abs(count - 1).max() < 5 / np.sqrt(6400 / 60)


def test_windows_of_grids_and_atoms_are_spread_out_alike():
    y = Y.iloc[: 80 * T].copy()
    rng = np.random.default_rng(0)
    y["kwh"] = rng.poisson(2, len(y)).astype(float)
    memory, disk = sources(y, np.arange(80), 12, batch_size=64)
    one, two = (
        torch.cat([s.draw(np.random.default_rng(k)).truth for k in range(9)]).ravel()
        for s in (memory, disk)
    )
    assert not torch.equal(one, two)
    # drawn from the same places, so a cell differs by less than its grain
    assert float((one - two).abs().max()) <= 1.0001 * float(
        1 / memory.scene.scaled[~np.isnan(memory.scene.scaled)].std()
    )


def test_what_lies_near_a_window_is_read_with_it(monkeypatch):
    monkeypatch.setattr("tsdiff.panel.stored._REACH", 16)
    y = Y.iloc[: 50 * T].copy()
    y.iloc[::3] = np.nan
    memory, disk = sources(y, np.arange(50), 12, batch_size=256)
    one, two = (s.draw(np.random.default_rng(7)) for s in (memory, disk))
    for name in ("values", "shown", "elapsed", "features", "edges", "away"):
        assert torch.equal(getattr(one.window, name), getattr(two.window, name)), name
    assert torch.isfinite(one.window.away).any()


BAD = {
    "uneven": "1 stamp.s. of freq='h' are absent",
    "infinite": "inf",
    "repeated": "series 'm0' is in 0.parquet and again in 2.parquet",
    "short": "2.parquet is no Parquet file, or was cut short",
}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("fault", BAD)
def test_what_is_wrong_with_a_series_is_named(fault, tmp_path):
    y = Y.copy()
    files = write(tmp_path / "meters", y)
    others = set(range(128, 192)) - set(ondisk.OnDisk(ParquetPanel(files))._chosen)
    row = min(others) * T + 40
    if fault == "uneven":
        y = y.drop(y.index[row])
    elif fault == "infinite":
        y.iloc[row] = np.inf
    third = y.loc[list(y.index.unique(0)[128:])]
    if fault == "repeated":
        third = y.iloc[:T]
    third.reset_index().to_parquet(files / "2.parquet")
    if fault == "short":
        (files / "2.parquet").write_bytes((files / "2.parquet").read_bytes()[:-9])
    model = DiffusionForecaster(horizon=3, window=16, **SIZES)
    with pytest.raises(ValueError, match=BAD[fault]) as caught:
        model.fit(ParquetPanel(files))
    if fault in ("uneven", "infinite"):
        said = f"This is series 'm{row // T}' in 1.parquet or 2.parquet."
        assert caught.value.__notes__[-1] == said
    assert not hasattr(model, "model_")


def test_covariates_need_series_in_memory(tmp_path):
    panel = ParquetPanel(write(tmp_path / "meters", Y.iloc[: 3 * T]))
    model = DiffusionForecaster(horizon=3, **SIZES)
    with pytest.raises(ValueError, match="can't go with a panel on disk"):
        model.fit(panel, X=Y["kwh"])


@pytest.mark.usefixtures("small")
def test_a_fit_on_files_that_was_stopped_goes_on(tmp_path):
    files = write(tmp_path / "meters")
    kept = {"checkpoint_path": tmp_path / "fit.ckpt", **SIZES}

    def model() -> DiffusionForecaster:
        return DiffusionForecaster(horizon=3, window=16, **kept)

    one = model().fit(ParquetPanel(files))
    assert torch.equal(weights(one), weights(model().fit(ParquetPanel(files))))
    write(tmp_path / "others", Y * 2)
    (tmp_path / "others" / "2.parquet").replace(files / "2.parquet")
    with pytest.raises(ValueError, match=r"it differs in .*the files"):
        model().fit(ParquetPanel(files))


@pytest.fixture
def mapped(tmp_path):
    """Make the meters as arrays on disk."""
    files = {name: tmp_path / f"{name}.npy" for name in ("path", "ids", "stamps")}
    np.save(files["path"], Y.to_numpy().reshape(-1, T, 1))
    np.save(files["ids"], Y.index.unique(0).to_numpy().astype(str))
    np.save(files["stamps"], Y.index.unique(1).to_numpy())
    return ArrayPanel(**files, channels=["kwh"])


@pytest.mark.usefixtures("small")
def test_arrays_on_disk_are_fitted_and_answered_as_files_are(mapped, tmp_path):
    files = ParquetPanel(write(tmp_path / "meters"))
    some = [mapped.pieces()[k] for k in (3, 4, 17)]
    own = [files.pieces()[k] for k in (3, 4, 17)]
    same(mapped.read(some, last=5), files.read(own, last=5))
    same(mapped.sample(9 * T, 1), files.sample(9 * T, 1))
    models = [
        DiffusionForecaster(horizon=3, window=16, **SIZES).fit(panel)
        for panel in (mapped, files)
    ]
    assert torch.equal(*map(weights, models))
    answers = [
        fan_out(models[0], "predict", panel, folder=tmp_path / name).read()
        for name, panel in (("a", mapped), ("b", files))
    ]
    same(*answers, check_exact=True)


def test_arrays_on_disk_are_read_in_bounded_memory(tmp_path):
    path = tmp_path / "large.npy"
    shape = (10_000, 400, 1)
    np.lib.format.open_memmap(path, "w+", np.float32, shape).flush()  # a sparse file
    panel = ArrayPanel(path)
    pieces = panel.pieces()
    tracemalloc.start()
    try:
        for first in range(0, len(pieces), 250):
            assert len(panel.read(pieces[first : first + 250])) == 250 * 400
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size / 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("path", np.zeros((3, 4)), r"shape \(3, 4\)"),
        ("path", np.zeros((192, T, 2)), "2 channel.s., and channels= names 1"),
        ("ids", np.array(["a", "b"]), r"ids.npy has shape \(2,\); 192 names of series"),
        ("ids", np.zeros(192), "series 0.0 is there twice"),
        ("stamps", np.arange(7), r"stamps.npy has shape \(7,\); 60 times are needed"),
        ("stamps", None, "There is no file .*stamps.npy"),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_named(name, content, said, mapped):
    path = getattr(mapped, name)
    path.unlink()
    if content is not None:
        np.save(path, content)
    model = DiffusionForecaster(horizon=3, window=16, **SIZES)
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        model.fit(mapped)


def test_a_panel_is_read_without_making_its_labels_one_by_one():
    """They would be tuples of stamps: more than all else that is read takes."""
    peaks = []
    for read in (to_panel, read_panel):
        index = pd.MultiIndex.from_product(Y.index.levels)  # that has no cache
        y = pd.DataFrame({"kwh": 1.0}, index)
        tracemalloc.start()
        try:
            read(y)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
