"""A fit knows its rows again, and nobody calibrates on them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from small import tiny

from tsdiff import DiffusionImputer
from tsdiff.baselines import LinearInterpolation, SeasonalNaive
from tsdiff.fingerprint import Fingerprint
from tsdiff.panel.frame import to_panel


def series(n: int = 120, seed: int = 0, start: str = "2024-01-01") -> pd.DataFrame:
    days = pd.date_range(start, periods=n, freq="D", name="day")
    values = np.random.default_rng(seed).standard_normal((n, 2)).cumsum(axis=0)
    return pd.DataFrame(values, days, ["a", "b"])


def seen(fitted: object, asked: object) -> np.ndarray:
    return Fingerprint.of(to_panel(fitted)).seen(to_panel(asked))


def test_rows_of_the_fit_are_known_from_the_sixth_on_and_others_are_not():
    X = series()
    for data in (X, X.to_numpy()):
        assert (
            seen(data[:60], data).tolist() == [False] * 5 + [True] * 55 + [False] * 60
        )
    assert not seen(X[:60], series(seed=1)).any()
    assert not seen(X, series(start="2030-01-01")).any()  # equal values, other days
    assert not seen(X, -X).any()
    assert not seen(X[:3], X).any()  # too few to tell


def test_constants_and_zeros_are_nobodys_mark_and_gaps_are_part_of_it():
    X = series(40)
    X["a"], X["b"] = 0.0, np.arange(40) % 3
    assert not seen(X, X).any()
    Y = series(40)
    Y.iloc[10:20] = np.nan
    assert seen(Y, Y)[5:13].all()
    assert not seen(Y, Y)[15:20].any()
    assert not seen(series(40), Y)[10:25].any()


def test_many_rows_are_known_by_a_sample_of_fixed_size():
    X = np.random.default_rng(0).standard_normal((100_000, 1))
    mark = Fingerprint.of(to_panel(X))
    assert len(mark.hashes) == 2**14
    share = mark.seen(to_panel(X[50_000:60_000])).mean()
    assert abs(share - 2**14 / 100_000) < 0.02
    assert not mark.seen(to_panel(X[50_000:60_000] + 1)).any()


def test_runs_do_not_cross_series():
    values = np.random.default_rng(0).standard_normal((2, 5, 1))
    assert not seen(values, values).any()
    assert not seen(values.reshape(10, 1), values).any()


def test_calibrating_gaps_on_rows_of_the_fit_is_refused_in_words():
    X = series()
    model = LinearInterpolation().fit(X[:80])
    with pytest.raises(ValueError, match=r"2024-03-15 .* to 2024-03-20 .* were part"):
        model.calibrate(X[69:], pattern="random")
    assert not hasattr(model, "calibration_")
    model.calibrate(X[80:], pattern="random")
    model.fit(X[80:]).calibrate(X[:80], pattern="random")  # other rows by now


def test_calibrating_forecasts_leaves_the_rows_of_the_fit_out():
    y = series()
    model = SeasonalNaive(horizon=4, period=7).fit(y[:80])
    model.calibrate(y)
    assert model.calibration_.n_units.sum() == 10  # of the 40 new rows
    with pytest.raises(ValueError, match=r"2024-03-17 .* to 2024-03-20 .* were part"):
        model.calibrate(y, n_windows=11)
    with pytest.raises(ValueError, match=r"let tsdiff.conformal.Calibrated do so"):
        model.calibrate(y[:80])


def test_files_and_other_faces_know_the_rows_and_old_ones_do_not_mind(tmp_path):
    X = series(60)
    imputer = tiny().fit(X)
    imputer.save(tmp_path / "model")
    loaded = DiffusionImputer.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.seen_.hashes, imputer.seen_.hashes)
    for face in (loaded, imputer.as_forecaster(3).as_imputer()):
        with pytest.raises(ValueError, match="were part of the fit"):
            face.calibrate(X, pattern="random")
    del imputer.seen_  # as a file of an earlier version
    imputer.save(tmp_path / "old")
    old = DiffusionImputer.load(tmp_path / "old")
    old.calibrate(X, pattern="random", n_repeats=1, random_state=0)
    assert hasattr(old, "calibration_")


def test_a_fit_that_goes_on_remembers_the_rows_of_the_one_before():
    first, second = series(60), series(60, seed=1, start="2025-01-01")
    imputer = tiny(warm_start=True).fit(first).fit(second)
    for rows in (first, second):
        assert imputer.seen_.seen(to_panel(rows)).sum() == 55


@pytest.mark.parametrize(
    "damage", [lambda h: h[::-1], lambda h: h.astype(float), lambda h: h[:, None]]
)
def test_damaged_fingerprints_are_refused(damage):
    with pytest.raises(ValueError, match="fingerprint of its data"):
        Fingerprint(damage(Fingerprint.of(to_panel(series())).hashes))
