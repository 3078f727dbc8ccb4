"""Checks at the border: every fault is refused with its place, and nothing else is."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from tsdiff.panel.frame import to_panel
from tsdiff.validation import check_columns, check_shape, float_column, listing

DAYS = pd.date_range("2024-01-01", periods=3, freq="D")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((), "Expected 2D array, got scalar array instead.*Reshape your data"),
        ((3,), r"Expected 2D array, got 1D array instead.*Reshape your data"),
        ((2, 2, 2, 2), "Found array with dim 4, while dim <= 3 is required"),
        ((0, 3), r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\) while a minimum"),
        ((2, 0, 3), r"0 sample\(s\) \(shape=\(2, 0, 3\)\) while a minimum of 1 is r"),
        ((15, 0), r"0 feature\(s\) \(shape=\(15, 0\)\) while a minimum of 1 is requ"),
    ],
)
def test_shapes_are_refused_in_the_words_of_scikit_learn(
    shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_shape(shape)
    with pytest.raises(ValueError, match=message):
        to_panel(np.zeros(shape))


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        (["a", "b", "a"], ValueError, "occur more than once: 'a'"),
        ([1, 1, 2], ValueError, "occur more than once: '1'"),
        (["a", 1], TypeError, "Feature names are only supported if all input feat"),
        (pd.MultiIndex.from_product([["a"], ["b"]]), ValueError, "have 2 levels"),
    ],
)
def test_column_names(columns: list, error: type[Exception], message: str) -> None:
    frame = pd.DataFrame(np.zeros((3, len(columns))), DAYS, columns)
    with pytest.raises(error, match=message):
        to_panel(frame)


def test_names_of_one_kind_other_than_text_are_kept() -> None:
    assert check_columns(pd.RangeIndex(3)) == ("0", "1", "2")
    assert check_columns(pd.Index([1, 2.5], dtype=object)) == ("1", "2.5")


@pytest.mark.parametrize(
    ("column", "error", "message"),
    [
        (pd.Series(["1.5", "2", "nan"]), ValueError, "'bad'.*text is not read as num"),
        (pd.Series(["1", "2", "3"], dtype="string"), ValueError, "'bad' holds text"),
        (pd.Series([1.0, "2", None], dtype=object), ValueError, "'bad', row 1, .*'2'"),
        (pd.Series([1.0, b"2", 3], dtype=object), ValueError, "row 1, value b'2'"),
        (pd.Series([1.0, {"a": 1}, 3]), TypeError, r"argument must be a string or a r"),
        (pd.Series([1.0, [2], 3]), TypeError, "not 'list': column 'bad', row 1"),
        (pd.Series([1 + 2j, 0, 0]), ValueError, "Complex data not supported.*'bad'"),
        (pd.Series([0, 1j, 0], dtype=object), ValueError, "Complex data not supported"),
        (pd.Series(["a", "b", "a"], dtype="category"), TypeError, "'bad' is categori"),
        (pd.Series([1, 2, 1], dtype="category"), TypeError, "get_dummies"),
        (pd.Series(pd.arrays.SparseArray([0.0, 0, 1])), TypeError, "'bad' is sparse"),
        (pd.Series(DAYS), TypeError, r"'bad' has dtype datetime64.*set_index\('bad'\)"),
        (pd.Series(DAYS - DAYS[0]), TypeError, "'bad' has dtype timedelta64"),
        (pd.Series(DAYS.to_period("M")), TypeError, "'bad' has dtype period"),
        (pd.Series(pd.interval_range(0, 3)), TypeError, "'bad' has dtype interval"),
        (pd.Series([1.0, DAYS[0], 2.0], dtype=object), TypeError, "not 'Timestamp'"),
    ],
)
def test_columns_that_are_no_numbers(
    column: pd.Series, error: type[Exception], message: str
) -> None:
    frame = pd.DataFrame({"good": [1.0, 2.0, 3.0], "bad": column})
    with pytest.raises(error, match=message):
        to_panel(frame)
    with pytest.raises(error, match=message):
        to_panel(column.rename("bad"))


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (np.array([["1", "2"]]), ValueError, "holds text"),
        (np.array([[b"1", b"2"]]), ValueError, "holds text"),
        (np.ones((2, 2), dtype=complex), ValueError, "Complex data not supported"),
        (np.array([["2024-01-01"]], dtype="M8[D]"), TypeError, "datetime64"),
        (np.ones((2, 1), dtype=[("a", "f8")]), TypeError, "is not a number"),
        ([[1, 2], [3]], ValueError, "rows differ in length"),
        (np.ma.masked_array([[1.0]], mask=[[True]]), TypeError, "masked array"),
        (scipy.sparse.csr_matrix(np.eye(2)), TypeError, "Sparse data was passed"),
        (scipy.sparse.csr_array(np.eye(2)), TypeError, "dense data is required"),
        (None, ValueError, "got scalar array"),
        ({"a": [1.0]}, ValueError, "got scalar array"),
    ],
)
def test_arrays_that_are_no_numbers(
    array: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        to_panel(array)


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinity_is_refused_with_its_place(bad: float) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [np.nan, bad, bad]}, DAYS)
    place = rf"'b', row 2024-01-02 00:00:00, value {bad} \(2 in all\)"
    with pytest.raises(ValueError, match=f"contains infinity.*{place}"):
        to_panel(frame)
    with pytest.raises(ValueError, match="infinity or a value too large for dtype"):
        to_panel(frame["b"].astype("Float32"))
    with pytest.raises(ValueError, match="infinity"):
        to_panel(frame.to_numpy().astype(object))


def test_a_value_beyond_float64_is_refused() -> None:
    wide = np.full((2, 1), np.finfo(np.float64).max, dtype=np.longdouble) * 4
    if np.isinf(wide).any():
        pytest.skip("long double is no wider than double here")
    with pytest.raises(ValueError, match="too large"):
        to_panel(wide)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, None, 3], dtype=object),
        pd.Series([True, pd.NA, 3.0], dtype=object),
        pd.Series([np.float32(1), pd.NaT, np.int8(3)], dtype=object),
        pd.Series([Decimal(1), None, Decimal(3)], dtype=object),
        pd.Series([np.True_, None, 3], dtype=object),
        pd.Series([1, pd.NA, 3], dtype="Int64"),
        pd.Series([1, pd.NA, 3], dtype="Float32"),
        pd.Series([1, pd.NA, 3], dtype="UInt8"),
        pd.Series([1, np.nan, 3], dtype="float16"),
    ],
)
def test_every_mark_of_missing_is_nan(column: pd.Series) -> None:
    np.testing.assert_array_equal(float_column("a", column), [1, np.nan, 3])


@pytest.mark.parametrize(
    "values",
    [
        [1e300, -1e300],
        [5e-324, 1e-300],
        [2.0**53 + 2, 2.0**24 + 1],
        [-0.0, 0.0],
    ],
)
def test_extreme_floats_pass_bit_for_bit(values: list[float]) -> None:
    column = pd.Series(values)
    assert float_column("a", column).tobytes() == column.to_numpy().tobytes()


def test_a_payload_in_nan_means_missing() -> None:
    signalling = np.array([0x7FF0000000000001], dtype=np.uint64).view(np.float64)
    panel = to_panel(np.array([[1.0], signalling]))
    assert panel.observed.ravel().tolist() == [True, False]


def test_nullable_and_arrow_kinds_are_checked_too() -> None:
    pytest.importorskip("pyarrow")
    column = pd.Series([1, None, 3], dtype="int64[pyarrow]")
    np.testing.assert_array_equal(float_column("a", column), [1, np.nan, 3])
    for kind in ("string[pyarrow]", "timestamp[s][pyarrow]"):
        bad = pd.Series(["2024-01-01"], dtype="string[pyarrow]").astype(kind)
        with pytest.raises((TypeError, ValueError), match="'a'"):
            float_column("a", bad)


def test_listing_counts_what_it_leaves_off() -> None:
    assert listing([]) == ""
    assert listing("abcde") == "a, b, c, d, e"
    assert listing("abcdef") == "a, b, c, d, e and 1 more"
