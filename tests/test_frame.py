"""Panel: data of every kind come in, and answers go out in the same kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from anyframe import KINDS, frames
from hypothesis import given, settings
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data

from tsdiff.panel.frame import Panel, to_panel

NAN = np.nan


def complete(panel: Panel) -> Any:
    """Fill with the flat number of each cell, so that a misplaced one is seen."""
    cells = np.arange(panel.values.size, dtype=float).reshape(panel.values.shape)
    return panel.frame(1000 + cells)


@settings(max_examples=150, deadline=None)
@given(frames())
def test_frames_come_back_with_their_observed_cells_and_kinds(X: pd.DataFrame) -> None:
    before = X.copy()
    panel = to_panel(X)
    answer = complete(panel)
    pd.testing.assert_frame_equal(X, before)
    pd.testing.assert_index_equal(answer.index, X.index, exact=True)
    pd.testing.assert_index_equal(answer.columns, X.columns)
    assert [str(d) for d in answer.dtypes] == [KINDS[str(d)] for d in X.dtypes]
    cells = 1000 + np.arange(X.size, dtype=float).reshape(X.shape)
    for i, name in enumerate(X.columns):
        holes = X[name].isna()
        assert answer[name].notna().all()
        assert (answer[name][holes] == cells[holes.to_numpy(), i]).all()
        assert (answer[name][~holes] == X[name][~holes].astype(float)).all()
        np.testing.assert_array_equal(panel.observed[:, i], ~holes)


def test_cells_left_missing_stay_missing() -> None:
    X = pd.DataFrame({"a": [1.0, NAN], "b": pd.array([pd.NA, 2], dtype="Int64")})
    panel = to_panel(X)
    answer = panel.frame(panel.values)
    assert answer.isna().to_numpy().tolist() == [[False, True], [True, False]]
    assert answer["b"].dtype == "Float64"
    assert answer["b"][0] is pd.NA


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_observed_cells_pass_bit_for_bit(dtype: str) -> None:
    values = np.array([[-0.0, NAN], [NAN, 1 / 3], [6e-8, 6e4]], dtype=dtype)
    answer = complete(to_panel(values))
    assert answer.dtype == dtype
    seen = ~np.isnan(values)
    assert answer[seen].tobytes() == values[seen].tobytes()


@pytest.mark.parametrize("name", [None, "glucose", 3, ("a", "b")])
def test_a_series_comes_back_as_a_series(name: object) -> None:
    index = pd.date_range("2024", periods=3, freq="h", name="t")
    X = pd.Series([1.0, NAN, 3.0], index, dtype="float32", name=name)
    panel = to_panel(X)
    expected = pd.Series([1.0, 1001.0, 3.0], index, dtype="float32", name=name)
    pd.testing.assert_series_equal(complete(panel), expected)
    assert panel.channels == ("x0" if name is None else str(name),)
    bands = panel.columns_frame(np.ones((3, 2)), ["lo", "hi"])
    assert bands.columns.tolist() == ["lo", "hi"]
    pd.testing.assert_index_equal(bands.index, index)


def views(X: np.ndarray, folder: Path) -> dict[str, Any]:
    mapped = np.memmap(folder / "x", dtype=X.dtype, mode="w+", shape=X.shape)
    mapped[:] = X
    mapped.flush()
    readonly = X.copy()
    readonly.flags.writeable = False
    return {
        "C": X,
        "F": np.asfortranarray(X),
        "reversed": X[::-1].copy()[::-1],
        "strided": np.repeat(X, 2, axis=0)[::2],
        "readonly": readonly,
        "memmap": np.memmap(folder / "x", dtype=X.dtype, mode="r", shape=X.shape),
        "object": X.astype(object),
        "list": X.tolist(),
    }


def test_arrays_in_any_memory_are_read_alike_and_never_shared(tmp_path: Path) -> None:
    X = np.array([[1.0, NAN], [3.0, 4.0], [NAN, 6.0]])
    expected = np.array([[1, 1001], [3, 4], [1004, 6]])
    for kind, view in views(X, tmp_path).items():
        panel = to_panel(view)
        np.testing.assert_array_equal(panel.values, X, err_msg=kind)
        np.testing.assert_array_equal(complete(panel), expected, err_msg=kind)
        assert panel.values.flags.c_contiguous
        assert panel.values.flags.writeable
        assert not np.shares_memory(panel.values, view)
    assert panel.channels == ("x0", "x1")
    assert panel.elapsed.tolist() == [0, 1, 2]
    assert panel.calendar.shape == (3, 0)
    assert panel.freq is None


def test_changes_of_the_caller_after_reading_have_no_effect() -> None:
    X = pd.DataFrame({"a": [1.0, NAN, 3.0], "b": [4.0, 5.0, 6.0]})
    panel = to_panel(X)
    expected = complete(panel)
    X.iloc[0, 0] = 99.0
    X.columns = ["c", "d"]
    X.index = [7, 8, 9]
    answer = complete(panel)
    pd.testing.assert_frame_equal(answer, expected)
    answer.iloc[:, :] = -1.0
    pd.testing.assert_frame_equal(complete(panel), expected)


class FillZero(TransformerMixin, BaseEstimator):
    """The smallest imputer that sees its data through the panel alone."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def fit(self, X: Any, y: object = None) -> FillZero:
        del y  # part of the contract, not of the method
        to_panel(X)
        validate_data(self, X, skip_check_array=True)
        return self

    def transform(self, X: Any) -> Any:
        check_is_fitted(self, "n_features_in_")
        panel = to_panel(X)
        validate_data(self, X, reset=False, skip_check_array=True)
        return panel.frame(np.zeros_like(panel.values))


@pytest.mark.filterwarnings("ignore:Estimator's parameters:UserWarning")
def test_scikit_learns_checks_pass_on_an_estimator_behind_the_panel() -> None:
    results = check_estimator(FillZero(), on_fail=None, on_skip=None)
    failed = {
        r["check_name"]: r["exception"] for r in results if r["status"] == "failed"
    }
    assert not failed
