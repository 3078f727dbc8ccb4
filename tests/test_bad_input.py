"""Bad and odd input through the public face: refused with its place, or answered.

The numbers are those of the list of faults that this library promises to survive. They
come in three families: what can be no number, what can be no time, and what must work.
Of the numbers that are missing, 16 and 52 to 55 ask for what an imputer hasn't got (a
log transform, covariates, a horizon).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from tsdiff import DiffusionImputer

NAN = np.nan
N = 60
HOURS = pd.date_range("2024-03-04", periods=N, freq="h", name="time")
LITTLE = pytest.mark.filterwarnings("ignore:Only .* value.* observed in the best")


def tiny(**parameters: Any) -> DiffusionImputer:
    sizes = {"max_epochs": 1, "window": 16, "width": 8, "depth": 1, "random_state": 0}
    return DiffusionImputer(**sizes | parameters)


def frame(index: Any = HOURS) -> pd.DataFrame:
    """Two waves with holes."""
    t = np.arange(N)
    X = pd.DataFrame({"a": np.sin(t / 4), "b": 5 + np.cos(t / 7)}, index)
    X.iloc[8:11, 0] = NAN
    X.iloc[30:32] = NAN
    return X


@pytest.fixture(scope="module")
def fitted() -> DiffusionImputer:
    return tiny().fit(frame())


def answers(imputer: DiffusionImputer, X: Any) -> Any:
    """Ask everything of an imputer; answers are finite, and `X` is as it was."""
    before = X.copy()
    filled = imputer.transform(X)
    draws = imputer.sample(X, n_samples=3)
    bands = imputer.predict_interval(X)
    same(X, before)
    for answer in (filled, draws.median(), bands):
        assert np.isfinite(np.asarray(answer, dtype=float)).all()
    lo, hi = np.moveaxis(np.asarray(bands, dtype=float).reshape(-1, 2), -1, 0)
    assert (lo <= hi).all()
    seen = ~np.asarray(pd.isna(np.asarray(X))).ravel()
    given = np.asarray(X)[~pd.isna(np.asarray(X))].astype(float)
    np.testing.assert_array_equal(np.asarray(filled, dtype=float).ravel()[seen], given)
    return filled


def same(X: Any, before: Any) -> None:
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_frame_equal(X, before)
    elif isinstance(X, pd.Series):
        pd.testing.assert_series_equal(X, before)
    else:
        np.testing.assert_array_equal(X, before)


def with_cell(value: Any, dtype: Any = None) -> pd.DataFrame:
    """Put one odd value into row 3 of column b."""
    X = frame()
    column = X["b"].astype(object)
    column.iloc[3] = value
    return X.assign(b=column if dtype is None else column.astype(dtype))


def with_column(column: Any) -> pd.DataFrame:
    return frame().assign(b=pd.Series(column, HOURS))


def with_stamps(stamps: Any) -> pd.DataFrame:
    return frame().set_axis(pd.Index(stamps, name="time"), axis=0)


def swapped(i: int, j: int) -> list[int]:
    order = list(range(N))
    order[i], order[j] = order[j], order[i]
    return order


#: Data that can't be used: what they are, error, and what its message names.
REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "05-inf": (with_cell(np.inf, float), ValueError, r"infinity.*'b', row 2024-03-04 03"),
    "05-minus-inf": (with_cell(-np.inf, float), ValueError, r"'b', row .*value -inf"),
    "06-beyond-float64": (
        with_cell(10**400),
        (ValueError, OverflowError),
        r"too large",
    ),
    "18-complex": (with_column(np.ones(N) * 1j), ValueError, r"Complex data.*'b'"),
    "18-complex-cell": (with_cell(1j), ValueError, r"'b', row 2024-03-04 03.*1j"),
    "19-datetime-column": (with_column(HOURS), TypeError, r"'b' has dtype datetime64"),
    "19-duration-column": (with_column(HOURS - HOURS[0]), TypeError, r"'b'.*timedelta"),
    "20-text-numbers": (with_column(["1.5"] * N), ValueError, r"'b' holds text"),
    "20-text-cell": (with_cell("1.5"), ValueError, r"'b', row 2024-03-04 03.*'1.5'"),
    "20-text-array": (np.full((N, 2), "1"), ValueError, r"holds text"),
    "21-object-cell": (with_cell([2.0]), TypeError, r"'list': column 'b', row .* 03:"),
    "25-categorical": (
        frame().astype({"b": "category"}),
        TypeError,
        r"'b' is categorical.*get_dummies",
    ),
    "26-sparse-column": (
        frame().astype({"b": "Sparse[float]"}),
        TypeError,
        r"'b' is sparse.*to_dense",
    ),
    "26-sparse-matrix": (
        scipy.sparse.csr_matrix(np.eye(N)),
        TypeError,
        r"Sparse data.*toarray",
    ),
    "28-one-dimension": (np.zeros(N), ValueError, r"Expected 2D array, got 1D.*reshape"),
    "28-four-dimensions": (np.zeros((2, 2, 2, 2)), ValueError, r"dim 4.*n_series"),
    "29-no-rows": (frame().iloc[:0], ValueError, r"0 sample\(s\) \(shape=\(0, 2\)\)"),
    "29-no-columns": (frame()[[]], ValueError, r"0 feature\(s\) \(shape=\(60, 0\)\)"),
    "32-duplicate-names": (
        frame().set_axis(["a", "a"], axis=1),
        ValueError,
        r"more than once: 'a'",
    ),
    "33-column-levels": (
        frame().set_axis(pd.MultiIndex.from_product([["p"], ["a", "b"]]), axis=1),
        ValueError,
        r"columns have 2 levels.*Flatten",
    ),
    "33-mixed-names": (
        frame().set_axis(["a", 1], axis=1),
        TypeError,
        r"only supported if all input features have string names",
    ),
    "37-duplicate-stamps": (
        with_stamps(HOURS.repeat(2)[:N]),
        ValueError,
        r"more than once: 2024-03-04 00.*, 2024-03-04 04:00:00 and 25 more",
    ),
    "38-unsorted": (
        frame().iloc[swapped(5, 6)],
        ValueError,
        r"not sorted.*2024-03-04 05.*sort_index",
    ),
    "38-reversed": (frame().iloc[::-1], ValueError, r"runs backwards.*\[::-1\]"),
    "39-nat": (
        with_stamps(HOURS.where(np.arange(N) != 4)),
        ValueError,
        r"no stamp \(NaT\) at row\(s\) 4",
    ),
    "44-naive-fold": (
        with_stamps(
            pd.date_range("2024-10-26", periods=N, freq="h", tz="Europe/Vienna")
            .tz_localize(None)
            .to_numpy()
        ),
        ValueError,
        r"more than once: 2024-10-27 02.*tz_localize\(zone, ambiguous='infer'\)",
    ),
    "45-mixed-zones": (
        with_stamps(
            [*HOURS[:30].tz_localize("UTC"), *HOURS[30:].tz_localize("Asia/Tokyo")]
        ),
        TypeError,
        r"mixed time zones",
    ),
    "45-aware-and-naive": (
        with_stamps([*HOURS[:30].tz_localize("UTC"), *HOURS[30:]]),
        TypeError,
        r"aware and naive",
    ),
    "58-nameless-series": (
        frame(pd.MultiIndex.from_arrays([["u", None] * 30, HOURS])),
        ValueError,
        r"series of row\(s\) 1, 3, .* has no name",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("ask", ["fit", "transform", "sample", "predict_interval"])
def test_data_that_cannot_be_used_are_refused_with_their_place(
    name: str, ask: str, fitted: DiffusionImputer
) -> None:
    X, error, message = REFUSED[name]
    imputer = tiny() if ask == "fit" else fitted
    before = X.copy()
    with pytest.raises(error, match=message):
        getattr(imputer, ask)(X)
    if not scipy.sparse.issparse(X) and name != "21-object-cell":
        same(X, before)


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
    with pytest.raises(ValueError, match="X has 3 features, but Diff.* expecting 2"):
        numbered = tiny().fit(frame().to_numpy())
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
    with pytest.raises(ValueError, match="rows have no time, .* uses the calendar"):
        fitted.transform(frame().to_numpy())


def test_36_changes_of_the_caller_after_the_fit_have_no_effect() -> None:
    X = frame()
    imputer = tiny().fit(X)
    draws = imputer.sample(X, 3)
    expected, paths = imputer.transform(X), draws.paths()
    X.iloc[:] = 0.0
    same(imputer.transform(frame()), expected)
    np.testing.assert_array_equal(draws.paths(), paths)


# --- time -----------------------------------------------------------------------------


def test_40_a_grid_with_absent_stamps_needs_a_word() -> None:
    X = frame().drop(HOURS[[20, 40]])
    with pytest.raises(ValueError, match=r"2 stamp\(s\) of freq='h' are absent: 2024-03"):
        tiny(freq="h").fit(X)
    grown = tiny(freq="h", insert_absent=True).fit_transform(X)
    pd.testing.assert_index_equal(grown.index, HOURS)
    assert grown.notna().to_numpy().all()
    answers(tiny().fit(X), X)  # without freq they are irregular stamps


def test_40_absent_stamps_at_transform_need_the_same_word(
    fitted: DiffusionImputer,
) -> None:
    X = frame().drop(HOURS[[20, 40]])
    with pytest.raises(ValueError, match="are absent.*insert_absent=True") as caught:
        fitted.transform(X)
    assert "rows of the fit are labelled by dates, freq='h'" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("freq", "message"),
    [
        ("D", r"freq='D' contradicts the index.*follow freq='h'"),
        ("7min", r"contradicts the index|stamp\(s\) of freq='7min' are absent"),
        ("nonsense", "freq='nonsense' is no frequency of pandas"),
        ("-1h", "steps run forward"),
        (1, "freq=1"),
    ],
)
def test_41_a_frequency_that_contradicts_the_index(freq: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tiny(freq=freq).fit(frame())


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.filterwarnings("ignore:Only", "ignore:window")
def test_42_too_few_rows_to_tell_the_frequency(
    n: int, fitted: DiffusionImputer
) -> None:
    X = frame().iloc[29 : 29 + n + 1].iloc[:n]
    with pytest.raises(ValueError, match=r"three are needed. Give it, e.g. freq='h'"):
        tiny().fit(X)
    tiny(freq="h").fit(X)
    answers(fitted, X)  # the frequency is known from the fit


@pytest.mark.parametrize("start", ["2024-03-30 12:00", "2024-10-26 12:00"])
@pytest.mark.parametrize("freq", ["h", "D", "30min"])
def test_43_clock_changes_are_part_of_the_grid(start: str, freq: str) -> None:
    index = pd.date_range(start, periods=N, freq=freq, tz="Europe/Vienna")
    X = frame(index)
    filled = answers(tiny().fit(X), X)
    pd.testing.assert_index_equal(filled.index, index, exact=True)
    assert filled.index.freq == index.freq


@pytest.mark.parametrize(
    ("tz", "later", "message"),
    [
        (None, "UTC", r"time zone aware \(UTC\), those of the fit were naive"),
        ("Asia/Tokyo", None, r"naive \(None\), those of the fit were aware \(Asia/Tok"),
    ],
)
def test_46_aware_and_naive_stamps_do_not_follow_each_other(
    tz: str | None, later: str | None, message: str
) -> None:
    imputer = tiny().fit(frame(HOURS.tz_localize(tz)))
    with pytest.raises(ValueError, match=message):
        imputer.transform(frame(HOURS.tz_localize(later)))


@pytest.mark.parametrize("freq", ["h", "D"])
def test_46_the_same_instants_in_another_zone_have_the_same_answers(freq: str) -> None:
    index = pd.date_range("2024-03-20", periods=N, freq=freq, tz="Europe/Vienna")
    imputer = tiny().fit(frame(index))
    expected = imputer.transform(frame(index))
    moved = imputer.transform(frame(index.tz_convert("America/Lima")))
    assert str(moved.index.tz) == "America/Lima"
    np.testing.assert_array_equal(moved, expected)
    inserting = imputer.set_params(insert_absent=True)
    short = frame(index.tz_convert("UTC")).drop(index[[40]])
    grown = inserting.transform(short)
    pd.testing.assert_index_equal(grown.index, index.tz_convert("UTC"), exact="equiv")


INDEXES: dict[str, pd.Index] = {
    "47-periods": pd.period_range("2024-01", periods=N, freq="M", name="t"),
    "47-rows": pd.RangeIndex(N, name="t"),
    "47-numbers": pd.Index(np.arange(N) * 3 - 7, name="t"),
    "47-fractions": pd.Index(np.arange(N) * 0.1, name="t"),
    "47-durations": pd.timedelta_range("0h", periods=N, freq="15min", name="t"),
    "49-month-ends": pd.date_range("2023-12-31", periods=N, freq="ME", name="t"),
    "49-business-days": pd.date_range("2024-02-26", periods=N, freq="B", name="t"),
    "49-holidays": pd.date_range(
        "2024-02-26",
        periods=N,
        freq=pd.offsets.CustomBusinessDay(holidays=["2024-03-01"]),
    ),
    "49-leap-day": pd.date_range("2024-02-20", periods=N, freq="D", name="t"),
    "49-year-1": pd.date_range("0001-01-01", periods=N, freq="D", unit="s"),
    "49-year-2500": pd.date_range("2500-01-01", periods=N, freq="YE", unit="s"),
}


@pytest.mark.parametrize("name", INDEXES)
def test_47_49_every_kind_of_time(name: str) -> None:
    X = frame(INDEXES[name])
    imputer = tiny().fit(X)
    filled = answers(imputer, X)
    pd.testing.assert_index_equal(filled.index, X.index, exact=True)
    part = X.iloc[25:45]
    pd.testing.assert_index_equal(answers(imputer, part).index, part.index)


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_48_units_of_stamps_make_no_difference(
    unit: str, fitted: DiffusionImputer
) -> None:
    X = frame(HOURS.as_unit(unit))
    filled = fitted.transform(X)
    assert filled.index.unit == unit
    np.testing.assert_array_equal(filled, fitted.transform(frame(HOURS.as_unit("ns"))))


@pytest.mark.parametrize("shift", [-30, 0, 30, 5000])
def test_50_51_rows_before_within_or_after_those_of_the_fit(
    shift: int, fitted: DiffusionImputer
) -> None:
    X = frame(HOURS + pd.Timedelta(shift, "h"))
    pd.testing.assert_index_equal(answers(fitted, X).index, X.index)


def test_53_a_window_longer_than_the_series_shrinks_with_a_warning() -> None:
    with pytest.warns(UserWarning, match=r"window=100 is longer.*shrinks to 60 row"):
        imputer = tiny(window=100).fit(frame())
    assert imputer.model_.n_steps == N
    answers(imputer, frame())
    answers(imputer, frame().iloc[:40])


# --- requests -------------------------------------------------------------------------


@pytest.mark.parametrize("n_samples", [0, -1, 2.0, "3", True, None])
def test_56_numbers_of_samples(n_samples: Any, fitted: DiffusionImputer) -> None:
    message = f"n_samples must be a whole number of at least 1, got {n_samples!r}"
    with pytest.raises(ValueError, match=message):
        fitted.sample(frame(), n_samples)


@pytest.mark.parametrize("n_samples", [1, np.int64(2), np.uint8(3)])
def test_55_56_numbers_of_samples_of_numpy(
    n_samples: Any, fitted: DiffusionImputer
) -> None:
    assert len(fitted.sample(frame(), n_samples)) == n_samples


@pytest.mark.parametrize("levels", [0, 1, -0.1, 1.5, [0.1, 0.1], [], [[0.5]], NAN])
def test_56_levels(levels: Any, fitted: DiffusionImputer) -> None:
    for ask in (fitted.predict_quantiles, fitted.predict_interval):
        with pytest.raises(ValueError, match="alpha|coverage"):
            ask(frame(), levels)


def test_57_draws_that_would_fill_the_memory_are_refused(
    fitted: DiffusionImputer,
) -> None:
    with pytest.raises(ValueError, match="100,000,000 samples of 7 .* take 5.6 GB"):
        fitted.sample(frame(), 100_000_000)


def test_58_ragged_series_with_any_ids(fitted: DiffusionImputer) -> None:
    X = frame()
    for ids in ((3, 1), ("u", "ü v"), (2.5, 1.5)):
        parts = {ids[0]: X, ids[1]: X.iloc[:25]}
        many = pd.concat(parts, names=["unique_id", "time"])
        filled = answers(tiny().fit(many), many)
        pd.testing.assert_index_equal(filled.index, many.index)
        pd.testing.assert_index_equal(answers(fitted, many).index, many.index)


@pytest.mark.parametrize("batch_size", [1, 1000, np.int64(3)])
def test_59_batches_of_any_size(batch_size: int) -> None:
    answers(tiny(batch_size=batch_size).fit(frame()), frame())


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        *((name, -1) for name in ("window", "width", "depth", "max_epochs")),
        *((name, 0) for name in ("n_steps", "batch_size", "patch_length")),
        ("n_steps", None),
        ("width", 8.0),
        ("depth", True),
        ("learning_rate", -0.1),
        ("learning_rate", NAN),
        ("learning_rate", "fast"),
        ("max_minutes", 0),
        ("validation_fraction", 1.0),
        ("validation_fraction", None),
        ("mask_mix", {"random": -1.0}),
        ("mask_mix", {"random": 0.0}),
        ("mask_mix", {"other": 1.0}),
        ("mask_mix", {}),
        ("mask_mix", ["random"]),
        ("mask_mix", {"random": "much"}),
        ("max_gap", 0),
        ("max_gap", -3),
        ("max_gap", 2.5),
        ("max_gap", "soon"),
        ("max_gap", "-2h"),
        ("max_gap", pd.NaT),
        ("warm_start", "yes"),
        ("insert_absent", 1),
        ("verbose", -1),
        ("verbose", "loud"),
        ("random_state", 0.5),
        ("random_state", -1),
        ("random_state", 2**64),
        ("random_state", "seed"),
    ],
)
def test_60_61_parameters_are_checked_in_fit(parameter: str, value: Any) -> None:
    imputer = tiny(**{parameter: value})
    with pytest.raises(ValueError, match=parameter):
        imputer.fit(frame())
    assert not hasattr(imputer, "model_")


@pytest.mark.parametrize(
    "random_state",
    [
        np.int64(3),
        2**63 - 1,
        np.random.default_rng(0),
        np.random.RandomState(0),
        None,
    ],
)
def test_61_every_kind_of_random_state(random_state: Any) -> None:
    answers(tiny(random_state=random_state).fit(frame()), frame())


def test_60_parameters_set_after_the_fit_are_checked_in_use() -> None:
    imputer = tiny().fit(frame()).set_params(n_steps=0)
    with pytest.raises(ValueError, match="n_steps must be"):
        imputer.sample(frame(), 2)
    with pytest.raises(ValueError, match="max_gap must be at least 1 row, got 0"):
        imputer.set_params(max_gap=0).transform(frame())
