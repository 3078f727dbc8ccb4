"""Laws that hold for frames of any index, kinds, holes and shape."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from anyframe import INDEXES, KINDS, frames
from hypothesis import given, settings
from hypothesis import strategies as st
from small import same, tiny

from tsdiff import DiffusionImputer, baselines

LEVELS = [0.05, 0.5, 0.95]
H = 3  # steps ahead
WALKS = [baselines.LinearInterpolation, baselines.LastValue]
FITTED = ("hours", "rows", "irregular")  # kinds of time that a model is fitted for
EIGHTHS = {"kinds": ["float64"], "index": ["hours", "rows"], "unit": 1 / 8}

pytestmark = pytest.mark.filterwarnings(
    "ignore:Column.*hold no value",
    "ignore:Column.*have a single value",
    "ignore:No value is observed in the history",
)
EXACT = {"derandomize": True, "deadline": None}
some, few, two = (settings(max_examples=n, **EXACT) for n in (20, 8, 2))


@cache
def fitted(index: str, n_channels: int = 2) -> DiffusionImputer:
    t = np.arange(60)[:, None] / np.arange(4, 4 + n_channels)
    names = [f"c{i}" for i in range(n_channels)]
    return tiny().fit(pd.DataFrame(50 * np.sin(t), INDEXES[index](60), names))


def numbers(frame: pd.DataFrame) -> np.ndarray:
    return frame.to_numpy(dtype=np.float64, na_value=np.nan)


def levels(answer: pd.DataFrame) -> np.ndarray:
    """Quantiles of shape (rows, channels, levels), which are in order."""
    found = numbers(answer).reshape(len(answer), -1, len(LEVELS))
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()
    return found


def fills(filler: Any, X: pd.DataFrame) -> None:
    """Shape, labels, kinds and observed cells are those of X, which stays as it is."""
    before = X.copy()
    filled = filler.transform(X)
    medians = levels(filler.predict_quantiles(X, alpha=LEVELS))[..., 1]
    paths = filler.sample(X, n_samples=2, random_state=0)
    same(X, before)
    seen, given_ = X.notna().to_numpy(), numbers(X)
    for answer in (filled, *paths):
        pd.testing.assert_index_equal(answer.index, X.index, exact=True)
        assert getattr(answer.index, "freq", None) == getattr(X.index, "freq", None)
        assert [str(kind) for kind in answer.dtypes] == [
            KINDS[str(k)] for k in X.dtypes
        ]
        assert answer.columns.equals(X.columns)
        assert np.isfinite(numbers(answer)).all()
        assert numbers(answer)[seen].tobytes() == given_[seen].tobytes()
    np.testing.assert_allclose(medians, numbers(filled), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("make", WALKS)
@some
@given(X=frames())
def test_gaps_are_filled_by_a_walk(make: Any, X: pd.DataFrame) -> None:
    fills(make().fit(X), X)


@pytest.mark.parametrize("index", FITTED)
@few
@given(data=st.data())
def test_gaps_are_filled_by_a_fitted_model(index: str, data: Any) -> None:
    fills(fitted(index), data.draw(frames([index], n_channels=(2, 2))))


def looks_ahead(forecaster: Any, y: pd.DataFrame, expected: pd.Index) -> None:
    """Rows are those that follow, in the kinds of y, which stays as it is."""
    before = y.copy()
    point = forecaster.predict(H, y)
    medians = levels(forecaster.predict_quantiles(H, y, alpha=LEVELS))[..., 1]
    path = next(iter(forecaster.sample(H, y, n_samples=2, random_state=0)))
    same(y, before)
    for answer in (point, path):
        pd.testing.assert_index_equal(answer.index, expected, exact="equiv")
        assert [str(kind) for kind in answer.dtypes] == [
            KINDS[str(k)] for k in y.dtypes
        ]
        assert answer.columns.equals(y.columns)
        assert np.isfinite(numbers(answer)).all()
    np.testing.assert_allclose(medians, numbers(point), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("index", ["hours", "bare", "months", "numbers"])
@few
@given(data=st.data())
def test_the_rows_to_come_by_a_season(index: str, data: Any) -> None:
    y = data.draw(frames([index]))
    model = baselines.SeasonalNaive(period=3).fit(y)
    looks_ahead(model, y, INDEXES[index](len(y) + H)[-H:])


@pytest.mark.parametrize("index", ["hours", "rows"])
@few
@given(data=st.data())
def test_the_rows_to_come_by_a_fitted_model(index: str, data: Any) -> None:
    y = data.draw(frames([index], n_channels=(2, 2)))
    model = fitted(index).as_forecaster(H)
    looks_ahead(model, y, INDEXES[index](len(y) + H)[-H:])


units = st.lists(
    st.tuples(st.integers(-6, 6), st.integers(-1000, 1000)), min_size=4, max_size=4
)


def in_other_units(X: pd.DataFrame, chosen: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """The same data in other units, exactly, and the units."""
    scale = 2.0 ** np.array([k for k, _ in chosen[: X.shape[1]]])
    shift = np.array([b for _, b in chosen[: X.shape[1]]]) * 8 * scale
    return X * scale + shift, scale, shift


def differs(got: Any, plain: Any, scale: np.ndarray, shift: np.ndarray) -> float:
    """Most that answers differ by beyond their units, in units of 100 and the shift."""
    size = 100 * scale + np.abs(shift)
    moved = levels(plain) * scale[:, None] + shift[:, None]
    return float(np.abs((levels(got) - moved) / size[:, None]).max())


@some
@given(X=frames(**EIGHTHS), chosen=units)
def test_other_units_are_answered_in_those_units(X: pd.DataFrame, chosen: Any) -> None:
    X = X.dropna(axis=1, how="all")  # which are answered by 0 in any units
    moved, *unit = in_other_units(X, chosen)
    for make in WALKS:
        answers = [make().fit(Z).predict_quantiles(Z, alpha=LEVELS) for Z in (moved, X)]
        assert differs(*answers, *unit) < 1e-12
    make = baselines.SeasonalNaive(period=3).fit
    ahead = [make(Z).predict_quantiles(H, alpha=LEVELS) for Z in (moved, X)]
    assert differs(*ahead, *unit) < 1e-12


@two
@given(chosen=units)
def test_a_fit_in_other_units_answers_in_those_units(chosen: Any) -> None:
    """To the rounding of the shift: inside, the numbers are the same to the bit."""
    X = data_of_waves()
    moved, *unit = in_other_units(X, chosen)
    models = [tiny().fit(Z) for Z in (moved, X)]
    pairs = list(zip(models, (moved, X), strict=True))
    filled = [m.predict_quantiles(Z, alpha=LEVELS) for m, Z in pairs]
    ahead = [m.as_forecaster(H, Z).predict_quantiles(alpha=LEVELS) for m, Z in pairs]
    assert differs(*filled, *unit) < 1e-12
    assert differs(*ahead, *unit) < 1e-12


def data_of_waves() -> pd.DataFrame:
    t = np.arange(60)[:, None] / np.array([4, 7])
    X = pd.DataFrame(np.round(800 * np.sin(t)) / 8, INDEXES["hours"](60), ["a", "b"])
    X.iloc[8:11, 0] = np.nan
    X.iloc[30:32] = np.nan
    return X


@some
@given(X=frames(), order=st.permutations(range(4)))
def test_channels_may_stand_in_any_order(X: pd.DataFrame, order: list[int]) -> None:
    turned = X.iloc[:, [i for i in order if i < X.shape[1]]]
    for make in WALKS:
        filled = make().fit(X).transform(X)
        same(make().fit(turned).transform(turned), filled[turned.columns])


@few
@given(
    parts=st.lists(frames(["hours"], ["float64"], (2, 2), 12), min_size=2, max_size=3),
    data=st.data(),
)
def test_series_may_stand_in_any_order(parts: list[Any], data: Any) -> None:
    """A walk answers alike to the bit, a model to the rounding of its batches."""
    named = {f"s{i}": part for i, part in enumerate(parts)}
    order = data.draw(st.permutations(sorted(named)))
    X, turned = (
        pd.concat({k: named[k] for k in names}, names=["unique_id", "ds"])
        for names in (sorted(named), order)
    )
    model = fitted("hours")
    walk = baselines.LinearInterpolation()
    same(walk.fit(turned).transform(turned).loc[X.index], walk.fit(X).transform(X))
    for ask in (model.transform, lambda Z: model.sample(Z, 2, random_state=0).mean()):
        np.testing.assert_allclose(ask(turned).loc[X.index], ask(X), atol=1e-3)


BAD = [(np.inf, "infinity"), ("1.5", "text"), (1j, "[Cc]omplex"), ([], "list")]


@some
@given(X=frames(), data=st.data(), bad=st.sampled_from(BAD))
def test_a_cell_that_is_no_number_is_named(
    X: pd.DataFrame, data: Any, bad: tuple[Any, str]
) -> None:
    row = data.draw(st.integers(0, len(X) - 1))
    column = data.draw(st.sampled_from(list(X.columns)))
    value, message = bad
    cells = list(X[column].astype(object))
    cells[row] = value
    Z = X.assign(**{column: pd.Series(cells, X.index, dtype=object)})
    where = re.escape(f"'{column}', row {X.index[row]}")
    with pytest.raises((TypeError, ValueError), match=f"{message}.*{where}"):
        baselines.LinearInterpolation().fit(Z)
