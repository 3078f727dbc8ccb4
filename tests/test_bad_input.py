"""Data that can't be used are refused, naming column, row and value.

The numbers in the names here and in `test_odd_values`, `test_odd_times` and
`test_requests` are those of the list of faults that this library promises to survive.
Numbers 16 and 52 to 54 ask for what an imputer hasn't got (a log transform, covariates,
a horizon).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from small import HOURS, N, frame, same, tiny, with_cell

from tsdiff import DiffusionImputer


@pytest.fixture(scope="module")
def fitted() -> DiffusionImputer:
    return tiny().fit(frame())


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
    "05-inf": (
        with_cell(np.inf, float),
        ValueError,
        r"infinity.*'b', row 2024-03-04 03",
    ),
    "05-minus-inf": (with_cell(-np.inf, float), ValueError, r"'b', row .*value -inf"),
    "06-beyond-float64": (
        with_cell(10**400),
        ValueError,
        r"'b' holds a whole number too large",
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
    "28-one-dimension": (
        np.zeros(N),
        ValueError,
        r"Expected 2D array, got 1D.*reshape",
    ),
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
