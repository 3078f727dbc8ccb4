"""Support: each part of the score has a value known beforehand; abstaining is exact."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.torch import save_file
from sklearn import clone
from small import HOURS, NAN, N, frame, tiny

from tsdiff import DiffusionForecaster, DiffusionImputer
from tsdiff.panel.frame import to_panel
from tsdiff.panel.scaling import fit_scaler
from tsdiff.plain import digest_of
from tsdiff.support import support_scores

WINDOW = 16


def scores(
    X: Any, fit: Any = None, window: int = WINDOW, horizon: int | None = None
) -> np.ndarray:
    """Scores of numbers of shape (N, C), by the scaling of others."""
    scaler = fit_scaler(to_panel(waves(len(X)) if fit is None else fit))
    return support_scores(to_panel(X), scaler, window, horizon)


def waves(n: int = 80) -> np.ndarray:
    """Two channels between 0 and 4."""
    t = np.arange(n)[:, None]
    return (t + np.array([0, 2])) % 5.0


def with_gap(length: int, start: int = 30) -> np.ndarray:
    X = waves()
    X[start : start + length, 0] = NAN
    return X


# --- the parts ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "score"), [(1, 1.0), (8, 1.0), (10, 0.75), (12, 0.5), (16, 0), (30, 0)]
)
def test_gap_counts_against_the_window(length: int, score: float) -> None:
    support = scores(with_gap(length))
    np.testing.assert_array_equal(support[30 : 30 + length, 0], score)
    assert (np.delete(support[:, 0], np.arange(30, 30 + length)) == 1).all()
    assert (support[:, 1] == 1).all()


def test_support_never_rises_with_the_length_of_a_gap() -> None:
    found = [scores(with_gap(length))[30, 0] for length in range(1, 40)]
    assert (np.diff(found) <= 0).all()
    assert (found[0], found[-1]) == (1, 0)


def test_gap_at_an_end_is_counted_up_to_the_cell() -> None:
    falling = np.clip((WINDOW - np.arange(1.0, 21)) / 8, 0, 1)
    np.testing.assert_array_equal(scores(with_gap(20, 60))[60:, 0], falling)
    np.testing.assert_array_equal(scores(with_gap(20, 0))[:20, 0], falling[::-1])


def test_gaps_of_up_to_the_horizon_count_as_short() -> None:
    support = scores(with_gap(16, 64), horizon=12)[64:, 0]
    np.testing.assert_array_equal(support, [1.0] * 12 + [0.75, 0.5, 0.25, 0])


def test_channel_without_a_value_in_the_fit_has_no_support() -> None:
    X, fit = waves(), waves()
    X[10, :] = NAN
    fit[:, 1] = NAN
    assert scores(X, fit)[10].tolist() == [1, 0]


@pytest.mark.parametrize("value", [0.0, 0.5, 3.0])
def test_constant_channel_is_no_channel_without_a_value(value: float) -> None:
    X = np.full((80, 1), value)
    X[10] = NAN
    assert scores(X, np.full((80, 1), value))[10, 0] == 1
    assert scores(X + 1, np.full((80, 1), value))[10, 0] == 0


@pytest.mark.parametrize(
    ("value", "score"), [(4.0, 1), (8.0, 1 / 2), (-4.0, 1 / 2), (12.0, 1 / 3)]
)
def test_values_outside_of_the_range_count_less(value: float, score: float) -> None:
    X = with_gap(1)
    X[:, 0] = np.where(np.isnan(X[:, 0]), NAN, value)
    X[10, 1] = NAN
    support = scores(X)
    assert support[30, 0] == pytest.approx(score)
    assert support[10, 1] == 1  # the other channel is as it was


def test_odd_value_counts_where_a_window_holds_it_and_the_cell() -> None:
    X = waves()
    X[40, 0] = 8.0  # one range above: half of one of the values nearby
    for row in (24, 25, 55, 56):
        hidden = X.copy()
        hidden[row, 0] = NAN
        near = abs(row - 40) < WINDOW
        expected = 1 - 0.5 / 30 if near else 1.0
        assert scores(hidden)[row, 0] == pytest.approx(expected, abs=1e-12)


def test_largest_numbers_have_a_score() -> None:
    X = waves()
    X[::2, 0], X[1::2, 0], X[40, 0] = 1.7e308, -1.7e308, NAN
    assert scores(X)[40, 0] == pytest.approx(0, abs=1e-12)
    ends = {"low": np.array([-1.7e308, 0]), "high": np.array([1.7e308, 4])}
    wide = replace(fit_scaler(to_panel(waves())), **ends)
    assert support_scores(to_panel(X), wide, WINDOW)[40, 0] == 1


def test_other_channels_alone_are_half_a_context_and_nothing_is_none() -> None:
    X = waves(8)
    X[:, 0] = NAN
    assert scores(X, waves())[:, 0].tolist() == [0.5] * 8
    X[:] = NAN
    assert not scores(X, waves()).any()


def test_parts_multiply_and_series_know_nothing_of_each_other() -> None:
    X = with_gap(12)
    X[:, 0] = np.where(np.isnan(X[:, 0]), NAN, 8.0)
    both = np.stack([X, with_gap(4, 0)])
    support = scores(both, waves()).reshape(2, 80, 2)
    np.testing.assert_allclose(support[0, 30:42, 0], 0.5 * 0.5)
    np.testing.assert_array_equal(support[1], scores(with_gap(4, 0), waves()))
    assert (support[1] == 1).all()


# --- abstaining -----------------------------------------------------------------------


def holed() -> pd.DataFrame:
    """Gaps of 3 rows in both columns, and one of 12, with support 1/2."""
    X = frame()
    X.iloc[44:56, 0] = NAN
    return X


@pytest.fixture(scope="module")
def imputer() -> DiffusionImputer:
    return tiny().fit(frame())


@pytest.fixture(scope="module")
def forecaster(imputer: DiffusionImputer) -> DiffusionForecaster:
    return imputer.as_forecaster(4, frame())


def abstaining(model: Any, abstain: Any) -> Any:
    """Answer by the same fit with another threshold."""
    return copy.copy(model).set_params(abstain=abstain)


def said(n: int) -> Any:
    return pytest.warns(UserWarning, match=f"^{n} missing cell.* stay NaN")


def test_imputer_scores_in_the_kind_and_order_of_the_data(
    imputer: DiffusionImputer,
) -> None:
    X = holed()
    support = imputer.support(X)
    assert isinstance(support, pd.DataFrame)
    assert support.columns.equals(X.columns)
    assert support.index.equals(X.index)
    expected = np.ones((N, 2))
    expected[44:56, 0] = 0.5
    np.testing.assert_array_equal(support, expected)
    several = pd.concat({"p": X, "q": frame()}).sort_index(level=1)  # row by row
    found = imputer.support(several)
    assert found.index.equals(several.index)
    np.testing.assert_array_equal(found.loc["p"], expected)
    assert (found.loc["q"] == 1).all(axis=None)


def test_threshold_takes_out_the_cells_below_it_and_nothing_else(
    imputer: DiffusionImputer,
) -> None:
    X, strict = holed(), abstaining(imputer, 0.6)
    low = imputer.support(X).to_numpy() < 0.6
    assert low.sum() == 12
    wide = np.repeat(low, 2, axis=1)
    for ask, out in (
        (lambda model: model.transform(X), low),
        (lambda model: model.predict_interval(X), wide),
        (lambda model: model.predict_quantiles(X, [0.2, 0.7]), wide),
        (lambda model: model.sample(X, 3).median(), low),
        (lambda model: model.trace(X, 2, 3)[-1].mean(), low),
    ):
        with said(12):
            answer = ask(strict)
        pd.testing.assert_frame_equal(answer, ask(imputer).mask(out), check_exact=True)
    with said(12):
        draws = strict.sample(X, 3)
    all_draws = imputer.sample(X, 3)
    kept = ~low.ravel()[all_draws.cells]
    np.testing.assert_array_equal(draws.cells, all_draws.cells[kept])
    np.testing.assert_array_equal(draws.samples, all_draws.samples[:, kept])


def test_threshold_itself_and_lower_ones_take_out_nothing(
    imputer: DiffusionImputer,
) -> None:
    X = holed()
    for abstain in (0.5, 0, None):  # a warning would be an error
        filled = abstaining(imputer, abstain).transform(X)
        pd.testing.assert_frame_equal(filled, imputer.transform(X), check_exact=True)


def test_warning_names_columns_and_first_rows(imputer: DiffusionImputer) -> None:
    X = holed()
    X.iloc[20:32, 1] = NAN
    message = (
        "23 missing cell(s) with less support than abstain=0.6 stay NaN: 'a' from "
        f"{HOURS[44]} (12 cell(s)), 'b' from {HOURS[20]} (11 cell(s))."
    )
    where = X.isna()
    where.iloc[31, 1] = False  # not asked for, not told of
    with said(23) as caught:
        abstaining(imputer, 0.6).predict_interval(X, where=where)
    assert [str(warning.message) for warning in caught] == [message]
    assert caught[0].filename == __file__


def test_calibrated_answers_are_taken_out_alike(imputer: DiffusionImputer) -> None:
    X = holed()
    model = copy.copy(imputer).calibrate(shifted(), pattern="blocks", length=2)
    with said(12):
        answer = abstaining(model, 0.6).predict_interval(X)
    out = np.repeat(imputer.support(X).to_numpy() < 0.6, 2, axis=1)
    whole = model.predict_interval(X)
    pd.testing.assert_frame_equal(answer, whole.mask(out), check_exact=True)


def shifted() -> pd.DataFrame:
    """Rows behind those of the fit."""
    return frame(HOURS + pd.Timedelta(N, "h"))


def test_forecaster_scores_steps(forecaster: DiffusionForecaster) -> None:
    y = frame()
    y.iloc[-3:, 1] = NAN
    support = forecaster.support(20, y)
    steps = np.arange(1, 21)
    falling = np.clip((WINDOW - np.stack([steps, steps + 3], axis=1)) / 8, 0, 1)
    np.testing.assert_array_equal(support, falling)
    assert support.columns.tolist() == ["a", "b"]
    assert support.index.equals(forecaster.predict(20, y).index)
    np.testing.assert_array_equal(forecaster.support(5, y), falling[:5])


def test_forecaster_takes_out_steps_without_support(
    forecaster: DiffusionForecaster,
) -> None:
    y = frame()
    y.iloc[-3:, 1] = NAN
    strict = abstaining(forecaster, 0.5)
    low = forecaster.support(14, y).to_numpy() < 0.5
    assert low.sum(axis=0).tolist() == [2, 5]
    wide = np.repeat(low, 2, axis=1)
    for ask, out in (
        (lambda model: model.predict(14, y), low),
        (lambda model: model.predict(14, y, level=80), np.repeat(low, 3, axis=1)),
        (lambda model: model.predict_interval(14, y), wide),
        (lambda model: model.predict_quantiles(14, y, alpha=[0.2, 0.7]), wide),
        (lambda model: model.sample(14, y, n_samples=3).median(), low),
    ):
        with said(7):
            answer = ask(strict)
        whole = ask(forecaster).mask(out)
        pd.testing.assert_frame_equal(answer, whole, check_exact=True)
    with said(7):
        draws = strict.sample(14, y, n_samples=3)
    np.testing.assert_array_equal(draws.cells, np.flatnonzero(~low))
    assert np.isfinite(draws.samples).all()


def test_covariates_shift_no_cell() -> None:
    y = frame()
    X = pd.DataFrame({"x": np.arange(N + 12.0)}, HOURS.union(shifted().index[:12]))
    sizes = {"max_epochs": 1, "window": 16, "width": 8, "depth": 1, "random_state": 0}
    model = DiffusionForecaster(horizon=4, abstain=0.5, **sizes).fit(y, X)
    falling = np.clip((WINDOW - np.arange(1, 13)) / 8, 0, 1)
    support = model.support(12)
    np.testing.assert_array_equal(support, np.stack([falling, falling], axis=1))
    assert np.isfinite(model.predict(12)).all(axis=None)
    with said(2):
        answer = model.set_params(abstain=0.6).predict(12)
    np.testing.assert_array_equal(answer.isna().sum(), [1, 1])


# --- the parameter --------------------------------------------------------------------


@pytest.mark.parametrize("abstain", [-0.1, 1.1, NAN, "0.5", True, [0.5]])
def test_wrong_thresholds_are_refused(imputer: DiffusionImputer, abstain: Any) -> None:
    with pytest.raises(ValueError, match="abstain must be a number from 0 to 1"):
        tiny(abstain=abstain).fit(frame())
    with pytest.raises(ValueError, match="abstain must be a number from 0 to 1"):
        abstaining(imputer, abstain).transform(frame())
    forecaster = DiffusionForecaster(horizon=3, abstain=abstain)
    with pytest.raises(ValueError, match="abstain must be a number from 0 to 1"):
        forecaster.fit(frame())


def test_threshold_is_kept_by_files_clones_and_the_other_estimator(
    imputer: DiffusionImputer, tmp_path: Path
) -> None:
    strict = abstaining(imputer, np.float64(0.6))
    strict.save(tmp_path / "model")
    loaded = DiffusionImputer.load(tmp_path / "model")
    assert loaded.abstain == clone(strict).abstain == 0.6
    with said(12):
        answer = loaded.transform(holed())
    with said(12):
        pd.testing.assert_frame_equal(answer, strict.transform(holed()))
    pd.testing.assert_frame_equal(loaded.support(holed()), strict.support(holed()))
    ahead = strict.as_forecaster(4, frame())
    assert ahead.abstain == ahead.as_imputer().abstain == 0.6


def test_file_that_knows_of_no_threshold_is_read(
    imputer: DiffusionImputer, tmp_path: Path
) -> None:
    imputer.save(tmp_path / "model")
    with safe_open(tmp_path / "model", framework="pt") as file:
        metadata = json.loads(file.metadata()["tsdiff"])
        names = file.keys()
        weights = {name: file.get_tensor(name) for name in names}
    del metadata["parameters"]["abstain"], metadata["sha256_of_metadata"]
    metadata["sha256_of_metadata"] = digest_of(json.dumps(metadata))
    save_file(weights, tmp_path / "old", metadata={"tsdiff": json.dumps(metadata)})
    loaded = DiffusionImputer.load(tmp_path / "old")
    assert loaded.abstain is None
    pd.testing.assert_frame_equal(
        loaded.transform(holed()), imputer.transform(holed()), check_exact=True
    )
