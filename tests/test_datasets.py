"""The shipped series are what they claim; benchmark files are found and checked."""

from __future__ import annotations

import hashlib
import lzma
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tsdiff import datasets
from tsdiff.datasets import files
from tsdiff.datasets.files import DATA_VARIABLE, shipped_file
from tsdiff.datasets.sensors import hourly_stays

HEX = re.compile(r"[0-9a-f]{64}")


# --- shipped series ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["co2.csv", "glucose.csv.gz", "wti.csv.gz"])
def test_shipped_file_has_the_published_checksum_and_is_small(name):
    readme = (Path(__file__).parents[1] / "datasets" / "README.md").read_text()
    content = shipped_file(name).read_bytes()
    row = next(line for line in readme.splitlines() if line.startswith(f"| `{name}`"))
    assert HEX.search(row).group() == hashlib.sha256(content).hexdigest()
    assert len(content) < 200_000


def test_installed_package_prefers_its_own_copy(monkeypatch, tmp_path):
    copy = tmp_path / "tsdiff" / "_data" / "co2.csv"
    copy.parent.mkdir(parents=True)
    shutil.copy(shipped_file("co2.csv"), copy)
    module = tmp_path / "tsdiff" / "datasets" / "files.py"
    monkeypatch.setattr(files, "__file__", str(module))
    assert shipped_file("co2.csv") == copy.resolve()
    with pytest.raises(FileNotFoundError, match="not part of this installation"):
        shipped_file("wti.csv.gz")


def test_co2_has_59_missing_weeks_and_its_ends_where_they_were():
    co2 = datasets.load_co2()
    assert co2.index.freqstr == "W-SAT"
    assert co2.index.name == "date"
    assert co2["co2"].isna().sum() == 59
    assert co2.loc["1958-03-29", "co2"] == 316.1
    assert co2.loc["2001-12-29", "co2"] == 371.5


def test_glucose_grid_keeps_every_reading_within_5_minutes_of_its_stamp():
    glucose = datasets.load_glucose()
    assert glucose.shape == (8064, 2)
    assert glucose.index.freq == pd.tseries.frequencies.to_offset("5min")
    readings = pd.read_csv(shipped_file("glucose.csv.gz"), parse_dates=["datetime"])
    single = readings[~readings["datetime"].dt.floor("5min").duplicated(keep=False)]
    on_grid = glucose["glucose"].reindex(single["datetime"].dt.floor("5min"))
    np.testing.assert_array_equal(on_grid, single["glucose"])
    # Two readings carry the stamp 2010-08-13 06:41: 101 and 104 mg/dL.
    assert len(readings) - len(single) == 2
    assert glucose.loc["2010-08-13 06:40", "glucose"] == 102.5
    assert glucose["glucose"].notna().sum() == len(single) + 1


def test_glucose_gaps_are_of_two_kinds():
    glucose = datasets.load_glucose()
    absent = glucose["glucose"].isna()
    starts = absent & ~absent.shift(fill_value=False)
    assert starts.sum() == 32
    lone = glucose["current"].isna() & ~absent
    assert lone.sum() == 1061
    assert lone[lone].index[0] == pd.Timestamp("2010-08-24 12:35")


def test_wti_misses_holidays_only():
    wti = datasets.load_wti()
    assert wti.index.freqstr == "B"
    assert wti["wti"].isna().sum() == 290
    christmas = wti[(wti.index.month == 12) & (wti.index.day == 25)]
    assert christmas["wti"].isna().all()


# --- benchmark files --------------------------------------------------------------


def test_without_the_variable_the_error_says_where_and_which(monkeypatch):
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    wanted = datasets.benchmarks()["etth1"]
    with pytest.raises(FileNotFoundError, match="TSDIFF_DATA is not set") as caught:
        datasets.load_etth1()
    for part in (wanted.source, wanted.sha256, wanted.path, wanted.licence):
        assert part in str(caught.value)


def test_absent_and_altered_benchmark_files_are_told_apart(monkeypatch, tmp_path):
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"ETTh1\.csv does not exist"):
        datasets.benchmark_file("etth1")
    (tmp_path / "ett").mkdir()
    (tmp_path / "ett" / "ETTh1.csv").write_text("date,OT\n")
    with pytest.raises(ValueError, match="is another file: its SHA-256 is"):
        datasets.benchmark_file("etth1")
    with pytest.raises(ValueError, match="no benchmark file is called 'etth9'"):
        datasets.benchmark_file("etth9")


def test_plain_and_packed_files_are_both_found(monkeypatch, tmp_path):
    content = b"date,OT\n2016-07-01,30.5\n2016-07-01 01:00,30\n"
    entry = replace(
        datasets.benchmarks()["etth1"], sha256=hashlib.sha256(content).hexdigest()
    )
    monkeypatch.setitem(datasets.benchmarks(), "etth1", entry)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    (tmp_path / "ett").mkdir()
    (tmp_path / "ett" / "ETTh1.csv.xz").write_bytes(lzma.compress(content))
    packed = datasets.benchmark_file("etth1")
    assert packed.suffix == ".xz"
    (tmp_path / "ett" / "ETTh1.csv").write_bytes(content)
    assert datasets.benchmark_file("etth1").suffix == ".csv"


def test_every_benchmark_names_source_licence_and_checksum():
    for entry in datasets.benchmarks().values():
        assert HEX.fullmatch(entry.sha256)
        assert entry.source
        assert entry.licence


def test_stays_take_the_last_value_of_an_hour_and_drop_hour_48():
    rows = [
        (7, "00:07", "HR", 73.0),
        (7, "00:59", "HR", 77.0),
        (7, "00:37", "HR", 75.0),  # later in the file: it counts
        (7, "47:59", "pH", -1.0),  # nothing is cleaned
        (7, "48:00", "HR", 60.0),
        (3, "00:00", "Weight", 80.0),  # a patient without any of the 35
    ]
    table = pd.DataFrame(rows, columns=["RecordID", "Time", "Parameter", "Value"])
    values, ids = hourly_stays(table)
    assert ids.tolist() == [3, 7]
    assert np.isnan(values[0]).all()
    assert np.argwhere(~np.isnan(values[1])).tolist() == [[0, 1], [47, 7]]
    assert values[1, 0, 1] == 75
    assert values[1, 47, 7] == -1


@pytest.mark.skipif(DATA_VARIABLE not in os.environ, reason="TSDIFF_DATA is not set")
def test_physionet_matches_the_published_description():
    values, ids = datasets.load_physionet2012()
    assert values.shape == (4000, 48, len(datasets.PHYSIONET_VARIABLES))
    assert (np.diff(ids) > 0).all()
    assert np.isnan(values).mean().round(3) == 0.805
    assert np.isnan(values).all(axis=(1, 2)).sum() == 3
