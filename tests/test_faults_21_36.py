"""Faults 21 to 36 of the list in docs/faults.md: types and shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from faults import Case, H
from small import HOURS, NAN, N, frame, same, with_cell

from tsdiff import DiffusionForecaster


def dtypes(answer: pd.DataFrame) -> set[str]:
    return set(answer.dtypes.astype(str))


def test_fault_21_objects(case: Case) -> None:
    """Numbers, None and NaN are read; any other cell is named in an error."""
    X = frame().astype(object)
    X = X.where(X.notna(), None)
    assert dtypes(case.learns(X)) == {"float64"}
    case.refuses(with_cell([2.0]), TypeError, r"'list': column 'b', row .* 03:")


@pytest.mark.parametrize("kind", ["int64", "uint8", "bool"])
def test_fault_22_whole_numbers_and_booleans(kind: str, case: Case) -> None:
    """They are read as they are and answered as float64."""
    X = frame().ffill()
    X = (10 * X["b"]).astype(kind).to_frame().assign(a=frame()["a"])
    answer = case.learns(X)
    assert answer["b"].dtype == "float64"
    if case.fills:
        assert (answer["b"] == X["b"]).all()


@pytest.mark.parametrize("kind", ["float32", "Float32", "Float64", "Int64"])
def test_fault_23_nullable_and_narrow_kinds(kind: str, case: Case) -> None:
    """Floats keep their kind, Int64 becomes Float64; NA and NaN are both missing."""
    X = frame() if "loat" in kind else (10 * frame()).round()
    X = X.astype(kind)
    if kind[0].isupper():
        X.loc[HOURS[20], "b"] = pd.NA
    assert dtypes(case.learns(X)) == {kind.replace("Int", "Float")}


def test_fault_24_arrow_and_polars(case: Case) -> None:
    """The same kind comes out, with the answers that pandas gets."""
    pl = pytest.importorskip("polars")
    X = pl.from_pandas(frame().reset_index())
    before = X.clone()
    answer = case.point(case.new().fit(X), X)
    assert X.equals(before)
    expected = case.point(case.new().fit(frame()), frame())
    assert answer.columns == ["time", "a", "b"]
    np.testing.assert_array_equal(answer.select("a", "b").to_numpy(), expected)


def test_fault_25_categorical_column(case: Case) -> None:
    """An error names the column and advises to make numbers of it."""
    X = frame().astype({"b": "category"})
    case.refuses(X, TypeError, r"'b' is categorical.*get_dummies")


def test_fault_26_sparse_data(case: Case) -> None:
    """An error tells how to make them dense."""
    X = frame().astype({"b": "Sparse[float]"})
    case.refuses(X, TypeError, r"'b' is sparse.*to_dense")
    matrix = scipy.sparse.csr_matrix(np.eye(N))
    case.refuses(matrix, TypeError, r"Sparse data.*toarray")


def test_fault_27_series(case: Case) -> None:
    """A Series comes out, with its name."""
    answer = case.learns(frame()["b"])
    assert isinstance(answer, pd.Series)
    assert answer.name == "b"


def test_fault_28_one_and_many_dimensions(case: Case) -> None:
    """One or four dimensions are an error with advice; three are many series."""
    case.refuses(np.zeros(N), ValueError, r"Expected 2D array, got 1D.*reshape")
    case.refuses(np.zeros((2, 2, 2, 2)), ValueError, r"dim 4.*n_series")
    cube = np.stack([frame().to_numpy()] * 2)
    assert case.learns(cube).shape == (2, N if case.fills else H, 2)


def test_fault_29_no_rows_or_columns(case: Case) -> None:
    """An error in scikit-learn's words."""
    case.refuses(frame().iloc[:0], ValueError, r"0 sample\(s\) \(shape=\(0, 2\)\)")
    case.refuses(frame()[[]], ValueError, r"0 feature\(s\) \(shape=\(60, 0\)\)")


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (2, 1), (10, 1)])
def test_fault_30_one_row_or_column(shape: tuple[int, int], case: Case) -> None:
    """They are fitted with a warning, and answered."""
    X = np.arange(shape[0] * shape[1], dtype=float).reshape(shape)
    with pytest.warns(UserWarning, match="Only .* observed in the best column"):
        model = case.new(window=None).fit(X)
    case.answer(model, np.vstack([X, np.full((1, shape[1]), NAN)]))


def test_fault_31_memory_of_any_kind(case: Case, tmp_path: Path) -> None:
    """Read-only maps, columns first and turned arrays will do; none is written."""
    X = frame().to_numpy()
    expected = case.point(case.new().fit(X), X)
    np.save(tmp_path / "x.npy", X)
    locked = np.load(tmp_path / "x.npy", mmap_mode="r")
    for data in (locked, np.asfortranarray(X), np.flip(np.flip(X).copy())):
        np.testing.assert_array_equal(case.point(case.new().fit(data), data), expected)


def test_fault_32_duplicate_column_names(case: Case) -> None:
    """An error names them."""
    X = frame().set_axis(["a", "a"], axis=1)
    case.refuses(X, ValueError, r"more than once: 'a'")


def test_fault_33_column_levels_and_mixed_names(case: Case) -> None:
    """Levels are an error that tells how to flatten; mixed names are scikit-learn's."""
    levels = pd.MultiIndex.from_product([["p"], ["a", "b"]])
    X = frame().set_axis(levels, axis=1)
    case.refuses(X, ValueError, r"columns have 2 levels.*Flatten")
    X = frame().set_axis(["a", 1], axis=1)
    case.refuses(X, TypeError, r"only supported if all input features have string")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["b", "a"], "must be in the same order"),
        (["a"], r"missing:\n- b"),
        (["a", "b", "c"], r"unseen at fit time:\n- c"),
        (["a", "z"], r"unseen at fit time:\n- z"),
    ],
)
def test_fault_34_other_columns_than_in_fit(
    columns: list[str], message: str, case: Case
) -> None:
    """Reordered, missing and extra columns are an error that names them."""
    X = frame().assign(c=1.0, z=2.0)[columns]
    for ask in case.requests()[1:]:
        with pytest.raises(ValueError, match=message):
            ask(X)


def test_fault_35_an_array_after_a_frame(case: Case) -> None:
    """A warning if rows without time will do; an error where the calendar is used."""
    X = frame().reset_index(drop=True)
    model = case.new().fit(X)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        answer = case.point(model, X.to_numpy())
    np.testing.assert_array_equal(answer, case.point(model, X))
    with pytest.raises(ValueError, match=r"rows have no time, .* uses the calendar"):
        case.point(case.fitted, frame().to_numpy())
    years = frame(pd.date_range("2024", periods=N, freq="YE"))  # calendar tells nothing
    model = case.new().fit(years)
    with (
        pytest.warns(UserWarning, match="X does not have valid feature names"),
        pytest.warns(UserWarning, match=r"rows have no time; .* freq='YE-DEC'"),
    ):
        answer = case.point(model, years.to_numpy())
    np.testing.assert_array_equal(answer, case.point(model, years))


def test_fault_36_the_caller_changes_the_data_later(case: Case) -> None:
    """Nothing of the fit or of its answers changes with them."""
    X = frame()
    model = case.new().fit(X)
    expected, before = case.point(model, X), case.draws(model, X)
    kept = before.copy()
    ahead: Any = model.predict() if isinstance(model, DiffusionForecaster) else None
    X.iloc[:] = 0.0
    same(case.point(model, frame()), expected)
    np.testing.assert_array_equal(before, kept)
    if ahead is not None:
        same(model.predict(), ahead)
