"""Covariates and static features: which rows, columns and categories are which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from tsdiff.panel.alignment import rows_after, rows_in
from tsdiff.panel.covariates import learn_covariates, told
from tsdiff.panel.frame import to_panel
from tsdiff.panel.past import some_rows
from tsdiff.panel.statics import learn_statics, with_statics

NAN = np.nan
DAYS = pd.date_range("2024-01-01", periods=6, name="day")


def mixed() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "price": [1.5, 2.0, NAN, 4.0, 5.0, 6.0],
            "open": [True, False, True, True, False, True],
            "shop": ["b", "a", None, "b", "b", "a"],
            "size": pd.Categorical(["s", "l", "s", "s", NAN, "l"], ["s", "m", "l"]),
        },
        DAYS,
    )


# --- columns --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_numbers_stay_and_categories_become_columns_of_0_and_1(kind: str) -> None:
    X: Any = mixed()
    if kind == "polars":
        columns = {name: X[name].tolist() for name in ("price", "open")}
        columns |= {
            name: [None if pd.isna(c) else c for c in X[name]]
            for name in ("shop", "size")
        }
        X = pl.DataFrame({"day": list(DAYS.date), **columns})
        X = X.with_columns(pl.col("size").cast(pl.Categorical))
    covariates, x = learn_covariates(X, ("y",))
    names = ("price", "open", "shop=a", "shop=b", "size=l", "size=s")
    assert x.channels == covariates.channels == names
    expected = [
        [1.5, 1, 0, 1, 0, 1],
        [2.0, 0, 1, 0, 1, 0],
        [NAN, 1, NAN, NAN, 0, 1],
        [4.0, 1, 0, 1, 0, 1],
        [5.0, 0, 0, 1, NAN, NAN],
        [6.0, 1, 1, 0, 1, 0],
    ]
    np.testing.assert_array_equal(x.values, expected)
    np.testing.assert_array_equal(covariates.read(X).values, expected)


def test_reading_leaves_the_frame_of_the_caller_alone() -> None:
    X = mixed()
    covariates, _ = learn_covariates(X, ("y",))
    covariates.read(X)
    pd.testing.assert_frame_equal(X, mixed())


def test_columns_come_in_any_order_and_categories_need_not_all_come() -> None:
    covariates, x = learn_covariates(mixed(), ("y",))
    turned = mixed()[["size", "shop", "open", "price"]].iloc[3:5]
    np.testing.assert_array_equal(covariates.read(turned).values, x.values[3:5])
    empty = mixed().assign(shop=NAN).iloc[:2]
    got = covariates.read(empty).values
    assert np.isnan(got[:, 2:4]).all()
    np.testing.assert_array_equal(got[:, [0, 1, 4, 5]], x.values[:2, [0, 1, 4, 5]])


def test_an_unknown_category_is_none_of_the_known_ones_and_is_named() -> None:
    covariates, _ = learn_covariates(mixed(), ("y",))
    odd = mixed().assign(shop=["a", "zoo", "b", "a", "a", "a"])
    with pytest.warns(UserWarning, match="'shop' of X holds categories.*'zoo'"):
        got = covariates.read(odd)
    assert got.values[1, 2:4].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (mixed().drop(columns=["price"]), r"lacks column\(s\) 'price' of the fit"),
        (mixed().assign(rain=1.0), r"column\(s\) 'rain' that the fit had not"),
        (mixed().assign(price="low"), r"'price' of X holds text, and numbers"),
        (mixed().assign(shop=1.0), r"'shop' of X holds numbers, and categories"),
    ],
)
def test_other_columns_than_those_of_the_fit(X: Any, message: str) -> None:
    covariates, _ = learn_covariates(mixed(), ("y",))
    with pytest.raises(ValueError, match=message):
        covariates.read(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (mixed().rename(columns={"price": "y"}), r"'y' of X have the name of a column"),
        (pd.DataFrame({"a": ["x", "z"], "a=x": [1.0, 2]}), "channels of the same name"),
        (pd.DataFrame({"a": [f"{i}" for i in range(31)]}), r"'a' has 31 categories"),
        (pd.DataFrame({"a": [1.0, np.inf]}), r"infinity.*'a'"),
    ],
)
def test_columns_that_can_not_be_covariates(X: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        learn_covariates(X, ("y",))


def test_arrays_have_columns_by_number() -> None:
    covariates, x = learn_covariates(np.arange(6.0).reshape(3, 2), ("x0",))
    assert x.channels == ("X[0]", "X[1]")
    with pytest.raises(ValueError, match=r"X has 3 column\(s\), that of the fit had 2"):
        covariates.read(np.ones((3, 3)))


# --- rows -----------------------------------------------------------------------------


def looked_up(x: Any, y: Any) -> list[int]:
    return rows_in(to_panel(x, step=1.0), to_panel(y, step=1.0)).tolist()


def test_rows_are_found_by_series_and_stamp() -> None:
    rng = np.random.default_rng(0)
    stamps = pd.date_range("2024-01-01", periods=9)
    parts = {
        name: pd.Series(rng.random(n), stamps[rng.choice(9, n, replace=False)])
        for name, n in (("c", 5), ("a", 9), ("b", 1))
    }
    x = pd.concat({k: v.sort_index() for k, v in parts.items()})
    y = pd.concat({k: pd.Series(1.0, stamps) for k in ("a", "b", "c")})
    found = looked_up(x, y)
    for (name, stamp), row in zip(y.index, found, strict=True):
        if (name, stamp) in x.index:
            assert x.iloc[row] == x[name, stamp]
        else:
            assert row == -1


def test_a_plain_time_index_holds_for_all_series() -> None:
    x = pd.Series(np.arange(6.0), DAYS)
    y = pd.concat({"a": x.iloc[1:3], "b": x.iloc[4:]})
    assert looked_up(x, y) == [1, 2, 4, 5]


def test_stamps_are_the_same_instant_in_any_zone_and_unit() -> None:
    x = pd.Series(np.arange(6.0), DAYS.tz_localize("UTC").as_unit("ns"))
    tokyo = DAYS[2:4].tz_localize("UTC").tz_convert("Asia/Tokyo").as_unit("s")
    assert looked_up(x, pd.Series(1.0, tokyo)) == [2, 3]


@pytest.mark.parametrize(
    ("x_index", "y_index", "message"),
    [
        (DAYS.tz_localize("UTC"), DAYS, "X have time zone UTC, those of y None"),
        (pd.RangeIndex(6), DAYS, "X are labelled by numbers, those of y by dates"),
        (DAYS.to_period("M")[:1], DAYS.to_period("D"), "periods of 'M'.*of 'D'"),
    ],
)
def test_labels_of_another_kind(x_index: Any, y_index: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        looked_up(pd.Series(1.0, x_index), pd.Series(1.0, y_index))


def test_series_of_x_must_be_those_of_y() -> None:
    one = pd.Series(1.0, DAYS)
    both = pd.concat({"a": one, "b": one})
    with pytest.raises(ValueError, match=r"X has no rows of series 'b'"):
        looked_up(both.loc[["a"]], both)
    with pytest.raises(ValueError, match=r"X has 2 series \('a', 'b'\) and y has one"):
        looked_up(both, one)


def test_what_is_known_ahead_is_told_by_the_rows_behind_the_end_of_y() -> None:
    X = mixed().drop(columns=["open"])
    X.loc[DAYS[4:], "price"] = NAN
    covariates, x = learn_covariates(X, ("y",))
    y = to_panel(pd.Series(np.arange(4.0), DAYS[:4]))
    later = rows_after(x, y)
    assert later.tolist() == [4, 5]
    known = told(covariates, x, later)
    assert known.known == (False, True, True)
    assert known.known_columns == ("shop", "size")
    assert known.known_channels == (False, True, True, True, True)
    ends = to_panel(pd.Series(np.arange(6.0), DAYS))
    assert told(covariates, x, rows_after(x, ends)).known == (None, None, None)


def test_rows_behind_the_end_are_told_series_by_series() -> None:
    x = pd.concat({name: pd.Series(np.arange(6.0), DAYS) for name in "abc"})
    y = pd.concat({"c": x["c"].iloc[:5], "a": x["a"].iloc[:3]})
    x_panel, y_panel = to_panel(x, step=1.0), to_panel(y, step=1.0)
    later = rows_after(x_panel, y_panel)
    assert later.tolist() == [3, 4, 5, 17]
    kept = some_rows(x_panel, later)
    assert kept is not None
    assert (kept.ids, kept.bounds.tolist()) == (("a", "c"), [0, 3, 4])
    assert kept.values.ravel().tolist() == [3, 4, 5, 5]


# --- static ---------------------------------------------------------------------------


def towns() -> pd.DataFrame:
    table = {
        "size": [1.0, 3.0, NAN],
        "kind": ["x", "y", "x"],
        "big": [False, True, True],
    }
    return pd.DataFrame(table, ["a", "b", "c"])


def test_numbers_are_standardised_and_missing_ones_flagged() -> None:
    statics, features = learn_statics(towns(), ("c", "a", "b"))
    assert statics.names == (
        *("static:size", "static:size missing"),
        *("static:kind=x", "static:kind=y", "static:big"),
    )
    half = (0 - 2 / 3) / np.sqrt(2 / 9)
    expected = [
        [0, 1, 1, 0, -half / 2],
        [-1, 0, 1, 0, half],
        [1, 0, 0, 1, -half / 2],
    ]
    np.testing.assert_allclose(features, expected, atol=1e-12)
    new = pd.DataFrame({"big": [True], "kind": [None], "size": [5.0]}, ["z"])
    np.testing.assert_allclose(
        statics.read(new, ("z",)), [[3, 0, 0, 0, -half / 2]], atol=1e-12
    )


def test_static_features_are_the_same_in_all_rows_of_a_series() -> None:
    y = pd.concat({"b": pd.Series([1.0, 2.0]), "a": pd.Series([1.0, 2.0, 3.0])})
    panel = with_statics(to_panel(y), np.array([[7.0], [9.0]]), ("static:size",))
    assert panel.calendar[:, -1].tolist() == [7, 7, 9, 9, 9]
    assert panel.calendar_names[-1] == "static:size"


def test_a_series_of_pandas_is_one_column() -> None:
    statics, features = learn_statics(towns()["big"], ("a", "b"))
    assert statics.names == ("static:big",)
    assert features.tolist() == [[-1], [1]]


@pytest.mark.parametrize(
    ("static", "error", "message"),
    [
        (towns().drop("b"), ValueError, r"static has no row of series 'b'"),
        (pd.concat([towns(), towns()]), ValueError, r"several rows of series 'a'"),
        (towns()[[]], ValueError, r"no columns"),
        (towns().to_numpy(), TypeError, r"must be a pandas DataFrame.*ndarray"),
        (towns().assign(size=np.inf), ValueError, r"infinity.*'size'"),
    ],
)
def test_static_tables_that_can_not_be_used(
    static: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        learn_statics(static, ("a", "b"))


def test_static_features_must_be_those_of_the_fit() -> None:
    statics, _ = learn_statics(towns(), ("a", "b", "c"))
    with pytest.raises(ValueError, match=r"static lacks column\(s\) 'kind' of the fit"):
        statics.read(towns().drop(columns="kind"), ("a",))
    with pytest.raises(ValueError, match=r"'size' of static holds text"):
        statics.read(towns().assign(size="much"), ("a",))
    with pytest.warns(UserWarning, match=r"'kind' of static holds categories.*'q'"):
        statics.read(towns().assign(kind="q"), ("a",))
