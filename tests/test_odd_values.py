"""Odd values and kinds of columns are answered; numbers as in test_bad_input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import HOURS, NAN, N, answers, frame, same, tiny, with_cell

from tsdiff import DiffusionImputer


@pytest.fixture(scope="module")
def fitted() -> DiffusionImputer:
    return tiny().fit(frame())


def test_01_a_column_without_values_is_filled_by_0_with_a_warning() -> None:
    X = frame().assign(empty=NAN)
    with pytest.warns(UserWarning, match=r"Column\(s\) 'empty' hold no value.*by 0"):
        imputer = tiny().fit(X)
    assert np.isfinite(imputer.history_.to_numpy()).all()
    assert (answers(imputer, X)["empty"] == 0).all()
    assert (imputer.sample(X, 5).std()["empty"] == 0).all()


def test_01_no_value_at_all_is_refused_in_fit() -> None:
    with pytest.raises(ValueError, match=r"No cell is observed.*'a', 'b' is missing"):
        tiny().fit(frame() * NAN)


def test_02_a_column_without_values_later_is_answered_from_the_others(
    fitted: DiffusionImputer,
) -> None:
    X = frame().assign(b=NAN)
    answers(fitted, X)
    band = fitted.predict_interval(X)
    assert (band["b-hi-90"] - band["b-lo-90"]).min() > 0.1


@pytest.mark.parametrize("value", [0.0, 7.25, -1e9])
def test_03_a_constant_column_is_filled_by_its_value(value: float) -> None:
    X = frame()
    X["b"] = X["b"].where(X["b"].isna(), value)
    filled = answers(tiny().fit(X), X)
    assert (filled["b"] == value).all()


def test_04_an_almost_constant_column_keeps_its_digits() -> None:
    X = frame()
    X["b"] = 1e6 + 1e-9 * (np.arange(N) % 3) + 0 * X["b"]
    filled = answers(tiny().fit(X), X)
    np.testing.assert_allclose(filled["b"], 1e6, rtol=1e-12)


def test_05_infinity_is_refused_in_every_kind_of_container() -> None:
    X = with_cell(np.inf, float)
    table = X.to_numpy()
    for data in (X["b"], X.astype("Float32"), table, table.astype(object), table[None]):
        with pytest.raises(ValueError, match="infinity"):
            tiny().fit(data)


@pytest.mark.parametrize("scale", [1e300, 1e-300, 5e-320])
def test_06_07_extreme_scales_are_held(scale: float) -> None:
    X = frame()
    X["b"] *= scale
    filled = answers(tiny().fit(X), X)
    assert 0.8 * X["b"].min() <= filled["b"].min() <= filled["b"].max()
    assert filled["b"].max() <= 1.2 * X["b"].max()


def test_06_a_value_too_far_from_the_fit_is_refused(fitted: DiffusionImputer) -> None:
    with pytest.raises(ValueError, match=r"'b', row .*1e\+300.* too far from the data"):
        fitted.transform(with_cell(1e300, float))


def test_08_whole_numbers_beyond_single_precision_keep_their_digits() -> None:
    X = frame()
    far = X + 2.0**40  # float32 has steps of 2 ** 17 there
    filled, shifted = (answers(tiny().fit(data), data) for data in (X, far))
    np.testing.assert_allclose(shifted - 2.0**40, filled, atol=1e-3)


def test_09_each_column_has_its_own_scale() -> None:
    X = frame()
    factors = np.array([2.0**-20, 2.0**20])  # exact in binary
    filled, scaled = (answers(tiny().fit(data), data) for data in (X, X * factors))
    np.testing.assert_allclose(scaled, filled * factors, rtol=1e-6)


def test_10_a_complete_frame_comes_back_without_any_work(
    fitted: DiffusionImputer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tsdiff.imputer.quantiles", None)
    monkeypatch.setattr("tsdiff.imputer.draw", None)
    X = frame().ffill()
    same(fitted.transform(X), X)
    same(fitted.sample(X, 5).median(), X)
    assert (fitted.predict_interval(X)["a-lo-90"] == X["a"]).all()


def test_11_a_frame_without_values_is_answered_with_a_warning(
    fitted: DiffusionImputer,
) -> None:
    X = frame() * NAN
    with pytest.warns(UserWarning, match="No cell of X is observed"):
        filled = answers(fitted, X)
    assert filled["b"].between(-5, 15).all()


def test_12_hardly_any_value_is_warned_of() -> None:
    X = frame()
    X.iloc[3:] = NAN
    with pytest.warns(UserWarning, match=r"Only 3 value\(s\) are observed"):
        imputer = tiny().fit(X)
    answers(imputer, X)


@pytest.mark.parametrize("gap", [slice(None, 40), slice(20, None), slice(10, 50)])
def test_13_gaps_longer_than_the_window_are_answered(
    gap: slice, fitted: DiffusionImputer
) -> None:
    X = frame()
    X.iloc[gap] = NAN
    answers(fitted, X)


def test_14_an_outlier_spoils_neither_fit_nor_scale() -> None:
    X = frame()
    X.iloc[50, 1] = 1e6
    imputer = tiny().fit(X)
    assert np.isfinite(imputer.history_.to_numpy()).all()
    assert answers(imputer, X)["b"].iloc[8:32].between(-20, 30).all()


def test_15_data_that_moved_away_are_answered_where_they_are(
    fitted: DiffusionImputer,
) -> None:
    X = frame() + 1000
    filled = answers(fitted, X)
    assert filled["b"].between(900, 1100).all()


def test_17_odd_floats_are_zero_or_missing(fitted: DiffusionImputer) -> None:
    X = frame()
    X.iloc[0, 0] = -0.0
    signalling = np.array([0x7FF0000000000001], dtype=np.uint64).view(np.float64)
    values = X.to_numpy().copy()
    values[40, 1] = signalling[0]
    X = pd.DataFrame(values, X.index, X.columns)
    filled = answers(fitted, X)
    assert np.signbit(filled.iloc[0, 0])
    assert np.isfinite(filled.iloc[40, 1])


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (object, "float64"),
        ("float32", "float32"),
        ("Float64", "Float64"),
        ("Float32", "Float32"),
    ],
)
def test_21_23_kinds_that_hold_numbers_and_holes(kind: Any, answer: str) -> None:
    X = frame().astype(kind)
    if kind is object:
        X = X.where(X.notna(), None)
    filled = answers(tiny().fit(X), X)
    assert set(filled.dtypes.astype(str)) == {answer}


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("int64", "float64"), ("uint8", "float64"), ("bool", "float64")],
)
def test_22_whole_numbers_come_back_as_floats(kind: str, answer: str) -> None:
    X = frame().ffill()
    X = (10 * X["b"]).astype(kind).to_frame().assign(a=frame()["a"])
    filled = answers(tiny().fit(X), X)
    assert filled["b"].dtype == answer
    assert (filled["b"] == X["b"]).all()


def test_23_nullable_whole_numbers_and_both_marks_of_missing() -> None:
    X = (10 * frame()).round().astype("Int64")
    X["b"] = X["b"].astype("Float64")
    X.loc[HOURS[20], "b"] = pd.NA
    filled = answers(tiny().fit(X), X)
    assert set(filled.dtypes.astype(str)) == {"Float64"}


def test_24_polars_in_polars_out() -> None:
    pl = pytest.importorskip("polars")
    X = pl.from_pandas(frame().reset_index())
    before = X.clone()
    filled = tiny().fit(X).transform(X)
    assert X.equals(before)
    expected = pl.from_pandas(tiny().fit(frame()).transform(frame()).reset_index())
    assert filled.equals(expected)


def test_27_a_series_keeps_its_name() -> None:
    X = frame()["b"]
    filled = answers(tiny().fit(X), X)
    assert isinstance(filled, pd.Series)
    assert filled.name == "b"


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (2, 1), (10, 1)])
def test_30_a_single_row_or_column_is_fitted_with_a_warning(
    shape: tuple[int, int],
) -> None:
    X = np.arange(shape[0] * shape[1], dtype=float).reshape(shape)
    with pytest.warns(UserWarning, match="Only .* observed in the best column"):
        imputer = tiny(window=None).fit(X)
    holes = np.vstack([X, np.full((1, shape[1]), NAN)])
    answers(imputer, holes)


def test_31_any_memory_will_do_and_none_is_written(tmp_path: Any) -> None:
    X = frame().to_numpy()
    expected = tiny().fit(X).transform(X)
    np.save(tmp_path / "x.npy", X)
    locked = np.load(tmp_path / "x.npy", mmap_mode="r")
    turned = np.flip(np.flip(X).copy())
    for data in (locked, np.asfortranarray(X), turned):
        np.testing.assert_array_equal(tiny().fit(data).transform(data), expected)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["b", "a"], "must be in the same order"),
        (["a"], r"missing:\n- b"),
        (["a", "b", "c"], r"unseen at fit time:\n- c"),
        (["a", "z"], r"unseen at fit time:\n- z"),
    ],
)
def test_34_other_columns_than_in_fit_are_named(
    columns: list[str], message: str, fitted: DiffusionImputer
) -> None:
    X = frame().assign(c=1.0, z=2.0)[columns]
    for ask in (fitted.transform, fitted.sample, fitted.predict_quantiles):
        with pytest.raises(ValueError, match=message):
            ask(X)
    numbered = tiny().fit(frame().to_numpy())
    with pytest.raises(ValueError, match=r"X has 3 features, but Diff.* expecting 2"):
        numbered.transform(np.zeros((N, 3)))


def test_35_an_array_after_a_frame_is_warned_of() -> None:
    X = frame().reset_index(drop=True)
    imputer = tiny().fit(X)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        filled = imputer.transform(X.to_numpy())
    np.testing.assert_array_equal(filled, imputer.transform(X))


def test_35_an_array_after_dates() -> None:
    days = pd.date_range("2024", periods=N, freq="YE")  # the calendar tells nothing
    X = frame(days)
    imputer = tiny().fit(X)
    with (
        pytest.warns(UserWarning, match="X does not have valid feature names"),
        pytest.warns(UserWarning, match=r"rows have no time; .* freq='YE-DEC'"),
    ):
        filled = imputer.transform(X.to_numpy())
    np.testing.assert_array_equal(filled, imputer.transform(X))


def test_35_an_array_cannot_follow_where_the_calendar_is_used(
    fitted: DiffusionImputer,
) -> None:
    with pytest.raises(ValueError, match=r"rows have no time, .* uses the calendar"):
        fitted.transform(frame().to_numpy())


def test_36_changes_of_the_caller_after_the_fit_have_no_effect() -> None:
    X = frame()
    imputer = tiny().fit(X)
    draws = imputer.sample(X, 3)
    expected, paths = imputer.transform(X), draws.paths()
    X.iloc[:] = 0.0
    same(imputer.transform(frame()), expected)
    np.testing.assert_array_equal(draws.paths(), paths)
