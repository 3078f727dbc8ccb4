"""Faults 1 to 20 of the list in docs/faults.md: values.

The first line of each docstring says what happens; the table is made of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from faults import Case
from small import HOURS, NAN, N, frame, same, with_cell

from tsdiff import DiffusionImputer


def with_column(column: Any) -> pd.DataFrame:
    return frame().assign(b=pd.Series(column, HOURS))


def test_fault_01_all_nan_column(case: Case) -> None:
    """A warning names the column, which is answered by 0; nothing at all is refused."""
    X = frame().assign(empty=NAN)
    with pytest.warns(UserWarning, match=r"Column\(s\) 'empty' hold no value.*by 0"):
        model = case.new().fit(X)
    assert np.isfinite(model.history_.to_numpy()).all()
    assert (case.answer(model, X)["empty"] == 0).all()
    with pytest.raises(ValueError, match=r"No cell is observed.*'a', 'b' is missing"):
        case.new().fit(frame() * NAN)


def test_fault_02_column_all_nan_only_at_predict(case: Case) -> None:
    """It is answered from the other columns, by wide intervals."""
    X = frame().assign(b=NAN)
    case.answer(case.fitted, X)
    key = "X" if case.fills else "y"
    band = case.fitted.predict_interval(**{key: X})
    assert (band["b-hi-90"] - band["b-lo-90"]).min() > 0.1


@pytest.mark.parametrize("value", [0.0, 7.25, -1e9])
def test_fault_03_constant_column(value: float, case: Case) -> None:
    """It is answered by its value, exactly."""
    X = frame()
    X["b"] = X["b"].where(X["b"].isna(), value)
    assert (case.learns(X)["b"] == value).all()


def test_fault_04_almost_constant_column(case: Case) -> None:
    """The scale has a floor relative to the magnitude: the digits are kept."""
    X = frame()
    X["b"] = 1e6 + 1e-9 * (np.arange(N) % 3) + 0 * X["b"]
    np.testing.assert_allclose(case.learns(X)["b"], 1e6, rtol=1e-12)


def test_fault_05_infinite_values(case: Case) -> None:
    """An error names column, row and value; nothing is turned into NaN."""
    X = with_cell(np.inf, float)
    case.refuses(X, ValueError, r"infinity.*'b', row 2024-03-04 03")
    case.refuses(with_cell(-np.inf, float), ValueError, r"'b', row .*value -inf")
    table = X.to_numpy()
    for data in (X["b"], X.astype("Float32"), table, table.astype(object), table[None]):
        with pytest.raises(ValueError, match="infinity"):
            case.new().fit(data)


def test_fault_06_huge_values(case: Case) -> None:
    """1e300 is scaled in float64; beyond float64, or far from the fit, is an error."""
    X = frame()
    X["b"] *= 1e300
    assert 0.8 * X["b"].min() <= case.learns(X)["b"].min() <= 1.2 * X["b"].max()
    message = r"'b' holds a whole number too large"
    case.refuses(with_cell(10**400), ValueError, message)
    with pytest.raises(ValueError, match=r"'b', row .*1e\+300.* too far from the data"):
        case.point(case.fitted, frame().assign(b=[*frame()["b"][:-1], 1e300]))


@pytest.mark.parametrize("scale", [1e-300, 5e-320])
def test_fault_07_tiny_and_subnormal_values(scale: float, case: Case) -> None:
    """They are scaled in float64 and answered at their own size."""
    X = frame()
    X["b"] *= scale
    answer = case.learns(X)["b"]
    assert 0.8 * X["b"].min() <= answer.min() <= answer.max() <= 1.2 * X["b"].max()


def test_fault_08_integers_beyond_single_precision(case: Case) -> None:
    """They are centred in float64 first and keep the digits that float64 has there."""
    X = frame()
    far = X + 2.0**40  # float32 has steps of 2 ** 17 there, float64 of 2 ** -12
    plain, shifted = case.learns(X), case.learns(far)
    np.testing.assert_allclose(shifted - 2.0**40, plain, atol=16 * 2.0**-12)


def test_fault_09_mixed_scales(case: Case) -> None:
    """Each column has its own scale: answers are the same in any units."""
    X = frame()
    factors = np.array([2.0**-20, 2.0**20])  # exact in binary
    plain, scaled = case.learns(X), case.learns(X * factors)
    np.testing.assert_allclose(scaled, plain * factors, rtol=1e-6)


def test_fault_10_nothing_missing(
    pair: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A complete frame comes back from the imputer unchanged, without any sampling."""
    monkeypatch.setattr("tsdiff.engine.quantiles", None)
    monkeypatch.setattr("tsdiff.engine.draw", None)
    X, imputer = frame().ffill(), pair["imputer"]
    same(imputer.transform(X), X)
    same(imputer.sample(X, 5).median(), X)
    assert (imputer.predict_interval(X)["a-lo-90"] == X["a"]).all()


def test_fault_11_everything_missing(case: Case) -> None:
    """A fitted model answers with a warning, from the law it has learned."""
    says = "No cell of X" if case.fills else "No value is observed in the history"
    with pytest.warns(UserWarning, match=says):
        answer = case.point(case.fitted, frame() * NAN)
    assert answer["b"].between(-5, 15).all()


def test_fault_12_hardly_anything_observed(case: Case) -> None:
    """Fewer than 30 observed cells in the best column are warned of in fit."""
    X = frame()
    X.iloc[:-3] = NAN
    with pytest.warns(UserWarning, match=r"Only 3 value\(s\) are observed"):
        model = case.new().fit(X)
    case.answer(model, X)


@pytest.mark.parametrize("gap", [slice(None, 40), slice(25, None), slice(10, 50)])
def test_fault_13_gaps_longer_than_the_window(gap: slice, case: Case) -> None:
    """They are answered from afar; a forecaster that sees no value warns of it."""
    X = frame()
    X.iloc[gap] = NAN
    if case.fills or gap.stop is not None:
        case.answer(case.fitted, X)
    else:
        with pytest.warns(UserWarning, match="No value is observed in the history"):
            assert np.isfinite(case.point(case.fitted, X)).all(axis=None)


def test_fault_14_outliers(case: Case) -> None:
    """The scale is robust: one of a million spoils neither losses nor answers."""
    X = frame()
    X.iloc[50, 1] = 1e6
    model = case.new().fit(X)
    assert np.isfinite(model.history_.to_numpy()).all()
    answer = case.answer(model, X)["b"]
    if case.fills:  # a forecast may rightly go on from the outlier
        assert answer.iloc[8:32].between(-20, 30).all()


def test_fault_15_step_change_after_the_fit(case: Case) -> None:
    """Data that moved away are answered where they are."""
    answer = case.answer(case.fitted, frame() + 1000)
    assert answer["b"].between(900, 1100).all()


def test_fault_16_negative_values_with_a_log_transform(case: Case) -> None:
    """There is no log transform to ask for; negative values are data like any other."""
    with pytest.raises(TypeError, match="log"):
        type(case.fitted)(log=True)
    X = frame()
    X["b"] -= 1000
    assert case.learns(X)["b"].between(-1100, -900).all()


def test_fault_17_negative_zero_and_nan_payloads(pair: dict[str, Any]) -> None:
    """Minus zero is kept as it is; every NaN is missing, signalling ones too."""
    signalling = np.array([0x7FF0000000000001], dtype=np.uint64).view(np.float64)
    values = frame().to_numpy().copy()
    values[0, 0], values[40, 1] = -0.0, signalling[0]
    X = pd.DataFrame(values, HOURS, ["a", "b"])
    for name, model in pair.items():
        answer = Case(name, model).answer(model, X)
        if isinstance(model, DiffusionImputer):
            assert np.signbit(answer.iloc[0, 0])
            assert np.isfinite(answer.iloc[40, 1])


def test_fault_18_complex_values(case: Case) -> None:
    """An error names the column, or the cell among objects."""
    case.refuses(with_column(np.ones(N) * 1j), ValueError, r"Complex data.*'b'")
    case.refuses(with_cell(1j), ValueError, r"'b', row 2024-03-04 03.*1j")


def test_fault_19_dates_among_the_features(case: Case) -> None:
    """An error names the column and tells how to make it the index."""
    case.refuses(with_column(HOURS), TypeError, r"'b' has dtype datetime64.*set_index")
    case.refuses(with_column(HOURS - HOURS[0]), TypeError, r"'b'.*timedelta")


def test_fault_20_strings_that_look_like_numbers(case: Case) -> None:
    """An error names the column, or the cell among objects; text is not parsed."""
    text = with_column(["1.5"] * N)  # of objects, before pandas 3
    case.refuses(text, ValueError, "'b' holds text|text in column 'b'")
    case.refuses(with_cell("1.5"), ValueError, r"'b', row 2024-03-04 03.*'1.5'")
    case.refuses(np.full((N, 2), "1"), ValueError, r"holds text")
