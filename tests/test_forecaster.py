"""What a user sees of forecasts: stamps, kinds, intervals, draws, files."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from tsdiff import DiffusionForecaster, DiffusionImputer, from_long, to_long

NAN = np.nan
N, H = 60, 4
SIZES: dict[str, Any] = {
    **{"max_epochs": 1, "window": 16, "width": 16, "depth": 1, "random_state": 0},
}
DAYS = pd.date_range("2024-01-01", periods=N + 2 * H, name="day")


def quick(**parameters: Any) -> DiffusionForecaster:
    return DiffusionForecaster(**{"horizon": H} | SIZES | parameters)


def frame(index: Any = DAYS[:N]) -> pd.DataFrame:
    """Two waves with holes; the second one ends three rows early."""
    t = np.arange(len(index))
    y = pd.DataFrame({"a": np.sin(t / 4), "b": 5 + np.cos(t / 7)}, index)
    y.iloc[8:11, 0] = NAN
    y.iloc[30:32] = NAN
    y.iloc[-3:, 1] = NAN
    return y


def covariates(n: int = N + H) -> pd.DataFrame:
    """Two columns known ahead, one of the past alone."""
    t = np.arange(n)
    X = pd.DataFrame({"price": np.cos(t / 3), "shop": np.where(t % 3, "x", "y")})
    return X.assign(rain=np.where(t < N, t % 5.0, NAN)).set_index(DAYS[:n])


def panel() -> pd.DataFrame:
    """Series that end at different times, one of them very young."""
    y = frame()
    parts = {"b": y, "a": y.iloc[:25] * 100, "young": y.iloc[3:6]}
    return pd.concat(parts, names=["unique_id", "day"])


def same_stamps(got: pd.Index, expected: pd.Index) -> None:
    assert (got.dtype, got.names) == (expected.dtype, expected.names)
    assert got.tolist() == expected.tolist()


def numbers(draws: Any) -> np.ndarray:
    return draws.samples


@pytest.fixture(scope="module")
def fitted() -> DiffusionForecaster:
    return quick().fit(frame())


@pytest.fixture(scope="module")
def aided() -> DiffusionForecaster:
    return quick().fit(frame(), covariates())


@pytest.fixture(scope="module")
def many() -> DiffusionForecaster:
    static = pd.DataFrame({"size": [1.0, NAN, 3.0]}, ["a", "b", "young"])
    return quick(freq="D").fit(panel(), static=static)


# --- kinds and stamps -----------------------------------------------------------------

LABELS: dict[str, pd.Index] = {
    "30min": pd.date_range("2024-03-30", periods=N + H, freq="30min", tz="Europe/Rome"),
    "business": pd.date_range("2024-01-01", periods=N + H, freq="B"),
    "months": pd.date_range("2010-01-31", periods=N + H, freq="ME"),
    "periods": pd.period_range("2010-01", periods=N + H, freq="M"),
    "durations": pd.timedelta_range("0h", periods=N + H, freq="h"),
    "rows": pd.RangeIndex(N + H),
    "fives": pd.Index(np.arange(0, 5 * (N + H), 5)),
}


@pytest.mark.parametrize("kind", LABELS)
def test_answers_are_labelled_by_what_follows(kind: str) -> None:
    index = LABELS[kind]
    model = quick().fit(frame(index[:N]))
    same_stamps(model.predict().index, index[N:])
    same_stamps(model.predict(h=2, y=frame(index[:20])).index, index[20:22])


def test_series_and_arrays_go_in_and_come_out() -> None:
    series = frame()["a"].astype("float32")
    answer = quick().fit(series).predict()
    assert isinstance(answer, pd.Series)
    assert (answer.name, answer.dtype, len(answer)) == ("a", np.float32, H)
    cube = np.stack([frame().to_numpy(), 3 * frame().to_numpy()])
    model = quick().fit(cube)
    assert model.predict().shape == (2, H, 2)
    assert model.predict_interval(h=2).shape == (2, 2, 4)
    assert model.predict(y=cube[:1, :9]).shape == (1, H, 2)
    assert model.sample(n_samples=3).paths().shape == (3, 2 * H, 2)


def test_polars_goes_in_and_comes_out() -> None:
    days = pl.Series("day", list(DAYS[: N + H].date))
    y = pl.DataFrame({"day": days[:N], "a": np.sin(np.arange(N) / 4)})
    X = pl.DataFrame({"day": days, "shop": ["u", "v"] * ((N + H) // 2)})
    model = quick().fit(y, X)
    answer = model.predict(level=80)
    assert isinstance(answer, pl.DataFrame)
    assert answer.columns == ["day", "a", "a-lo-80", "a-hi-80"]
    assert answer["day"].equals(days[N:])
    again = model.predict(X=X.tail(H))
    assert again.equals(answer.select("day", "a"))


@pytest.mark.parametrize("h", [1, np.int64(3), 2 * H])
def test_any_horizon_is_answered_whatever_was_trained(
    h: int, fitted: DiffusionForecaster
) -> None:
    answer = fitted.predict(h)
    same_stamps(answer.index, DAYS[N : N + h])
    assert np.isfinite(answer).all(axis=None)
    assert fitted.sample(h, n_samples=2).samples.shape == (2, 2 * h)


def test_each_series_is_forecast_from_its_own_end(many: DiffusionForecaster) -> None:
    answer = many.predict(h=2)
    expected = [("b", 60), ("b", 61), ("a", 25), ("a", 26), ("young", 6), ("young", 7)]
    assert answer.index.tolist() == [(name, DAYS[i]) for name, i in expected]
    assert answer.index.names == ["unique_id", "day"]
    assert np.isfinite(answer).all(axis=None)


def test_new_series_are_welcome(fitted: DiffusionForecaster) -> None:
    new = pd.concat({7: frame(), 9: frame().iloc[:2]}, names=["unique_id", "day"])
    assert fitted.predict(1, new).index.tolist() == [(7, DAYS[N]), (9, DAYS[2])]


# --- numbers --------------------------------------------------------------------------


def test_intervals_are_quantiles_and_lie_in_each_other(
    fitted: DiffusionForecaster,
) -> None:
    bands = fitted.predict_interval(coverage=[0.5, 0.9])
    names = [f"{c}-{end}-{n}" for c in "ab" for n in (50, 90) for end in ("lo", "hi")]
    assert bands.columns.tolist() == names
    levels = [0.25, 0.75, 0.05, 0.95]
    quantiles = fitted.predict_quantiles(alpha=levels)
    np.testing.assert_array_equal(bands, quantiles)
    for c in "ab":
        ends = [bands[f"{c}-{x}"] for x in ("lo-90", "lo-50", "hi-50", "hi-90")]
        assert (np.diff(ends, axis=0) > 0).all()
    pd.testing.assert_frame_equal(fitted.predict_interval(level=[50, 90]), bands)


def test_level_puts_intervals_beside_the_median(fitted: DiffusionForecaster) -> None:
    both = fitted.predict(level=[80, 95])
    names = ["", "-lo-80", "-hi-80", "-lo-95", "-hi-95"]
    assert both.columns.tolist() == [c + name for c in "ab" for name in names]
    pd.testing.assert_frame_equal(both[["a", "b"]], fitted.predict())
    bands = fitted.predict_interval(level=[80, 95])
    pd.testing.assert_frame_equal(both[bands.columns], bands)


def test_draws_follow_the_quantiles_of_each_step(fitted: DiffusionForecaster) -> None:
    draws = fitted.sample(n_samples=500)
    exact = fitted.predict_quantiles(alpha=[0.1, 0.5, 0.9])
    drawn = draws.quantile([0.1, 0.5, 0.9])
    spread = (exact["a-q-0.9"] - exact["a-q-0.1"]).mean()
    assert (drawn - exact)[["a-q-0.1", "a-q-0.9"]].abs().max(axis=None) < 0.2 * spread


def test_draws_are_frames_of_the_rows_to_come(fitted: DiffusionForecaster) -> None:
    draws = fitted.sample(n_samples=7)
    assert len(draws) == 7
    for path in draws:
        same_stamps(path.index, DAYS[N : N + H])
        assert path.columns.tolist() == ["a", "b"]
    assert draws.paths().shape == (7, H, 2)
    total = draws.aggregate("sum", freq="ME")
    assert total.index.tolist() == [pd.Timestamp("2024-03-31")]
    assert set(draws.to_frame()["ds"]) == set(DAYS[N : N + H])


def test_a_seed_repeats_draws_and_more_of_them_begin_alike(
    fitted: DiffusionForecaster,
) -> None:
    few, more = (fitted.sample(n_samples=n, random_state=3) for n in (5, 20))
    np.testing.assert_array_equal(few.samples, more.samples[:5])
    other = fitted.sample(n_samples=5, random_state=4)
    assert (few.samples != other.samples).any()


def test_a_series_is_forecast_alike_alone_and_among_others(
    fitted: DiffusionForecaster,
) -> None:
    both = pd.concat({"u": frame(), "v": frame() * 2})
    alone = fitted.predict(y=both.loc[["v"]])
    pd.testing.assert_frame_equal(
        fitted.predict(y=both).loc[["v"]], alone, rtol=1e-4, atol=1e-5
    )


def test_the_history_of_the_fit_is_kept(
    fitted: DiffusionForecaster, aided: DiffusionForecaster
) -> None:
    y, X = frame(), covariates()
    pd.testing.assert_frame_equal(fitted.predict(), fitted.predict(y=y))
    pd.testing.assert_frame_equal(aided.predict(), aided.predict(y=y, X=X))
    ahead = X.iloc[N:]
    pd.testing.assert_frame_equal(aided.predict(), aided.predict(X=ahead))
    np.testing.assert_array_equal(
        numbers(fitted.sample(n_samples=3)), numbers(fitted.sample(y=y, n_samples=3))
    )


def test_covariates_known_ahead_make_a_difference(aided: DiffusionForecaster) -> None:
    ahead = covariates().iloc[N:]
    changed = aided.predict(X=ahead.assign(price=9.0))
    assert (changed != aided.predict()).any(axis=None)
    odd = aided.predict(X=ahead[["rain", "shop", "price"]])  # in any order
    pd.testing.assert_frame_equal(odd, aided.predict())
    with pytest.warns(UserWarning, match=r"'rain' of X have values ahead.*not used"):
        told = aided.predict(X=ahead.assign(rain=1.0))
    pd.testing.assert_frame_equal(told, aided.predict())


def test_covariates_of_which_the_future_is_unknown_need_none() -> None:
    model = quick().fit(frame(), covariates()[["rain"]])
    assert np.isfinite(model.predict(h=2 * H)).all(axis=None)
    ends = quick().fit(frame(), covariates(N)[["rain"]])
    assert np.isfinite(ends.predict()).all(axis=None)
    assert np.isfinite(ends.predict(y=frame(), X=covariates(N)[["rain"]])).all(
        axis=None
    )
    with pytest.warns(UserWarning, match="'rain'.*X gives none of them for this y"):
        ends.predict(y=frame())


def test_covariates_of_arrays_are_matched_by_place() -> None:
    y, X = frame().to_numpy(), covariates()[["price"]].to_numpy()
    model = quick().fit(y, X)
    np.testing.assert_array_equal(model.predict(X=X[N:]), model.predict())
    np.testing.assert_array_equal(model.predict(y=y, X=X), model.predict())
    cube = np.stack([y, 2 * y])
    model = quick().fit(cube, np.stack([X, X]))
    np.testing.assert_array_equal(
        model.predict(X=np.stack([X, X])[:, N:]), model.predict()
    )


def test_a_covariate_may_hold_for_all_series() -> None:
    model = quick(freq="D").fit(panel(), covariates()[["price"]])
    assert len(model.predict(1)) == 3
    assert len(model.predict(1, X=covariates()[["price"]])) == 3


def test_static_features_are_kept_and_asked_for(many: DiffusionForecaster) -> None:
    known = many.predict(y=panel().loc[["young", "b"]])
    kept = many.predict().loc[["young", "b"]]
    pd.testing.assert_frame_equal(known, kept, rtol=1e-4, atol=1e-5)
    new = panel().loc[["b"]].rename(index={"b": "new"})
    with pytest.raises(ValueError, match=r"Series 'new' are new.*'size'.*static="):
        many.predict(y=new)
    static = pd.DataFrame({"size": [2.0]}, ["new"])
    assert len(many.predict(y=new, static=static)) == H


def test_rows_made_by_insert_absent_need_no_covariates() -> None:
    y = frame().drop(DAYS[[20, 21]])
    X = covariates().drop(DAYS[[20, 21]])
    model = quick(freq="D", insert_absent=True).fit(y, X)
    same_stamps(model.predict().index, DAYS[N : N + H])


def test_history_without_a_value_is_answered_with_a_warning(
    fitted: DiffusionForecaster, many: DiffusionForecaster
) -> None:
    with pytest.warns(UserWarning, match="No value is observed in the history; the"):
        assert np.isfinite(fitted.predict(y=frame() * NAN)).all(axis=None)
    y = panel()
    y.loc["young"] = NAN
    with pytest.warns(UserWarning, match="in the history of series 'young'; the"):
        assert np.isfinite(many.predict(y=y)).all(axis=None)


# --- state ----------------------------------------------------------------------------


def test_nothing_of_the_callers_and_no_state_is_changed(
    aided: DiffusionForecaster,
) -> None:
    y, X = frame(), covariates()
    before = aided.predict()
    state = copy.deepcopy({k: v for k, v in vars(aided).items() if k != "model_"})
    aided.predict(y=y.iloc[:30] * 50, X=X)
    aided.sample(h=2, X=X.iloc[N:], n_samples=2)
    pd.testing.assert_frame_equal(y, frame())
    pd.testing.assert_frame_equal(X, covariates())
    assert sorted(state) == sorted(k for k in vars(aided) if k != "model_")
    pd.testing.assert_frame_equal(aided.predict(), before)
    fresh = frame()
    model = quick().fit(fresh)
    kept = model.predict()
    fresh.loc[:] = 77.0
    pd.testing.assert_frame_equal(model.predict(), kept)


def test_fit_leaves_the_data_and_the_parameters_alone() -> None:
    y, X = frame(), covariates()
    model = quick()
    given = model.get_params()
    model.fit(y, X)
    assert model.get_params() == given
    assert clone(model).get_params() == given
    pd.testing.assert_frame_equal(y, frame())
    pd.testing.assert_frame_equal(X, covariates())


def test_a_fit_that_fails_leaves_the_earlier_one(
    aided: DiffusionForecaster,
) -> None:
    model = copy.deepcopy(aided)
    before = model.predict()
    with pytest.raises(ValueError, match="X lacks"):
        model.fit(frame() * 2, covariates().iloc[3:])
    with pytest.raises(ValueError, match="horizon must be"):
        model.set_params(horizon=0).fit(frame() * 2)
    pd.testing.assert_frame_equal(model.set_params(horizon=H).predict(), before)


def test_a_fit_can_go_on_from_an_earlier_one(aided: DiffusionForecaster) -> None:
    model = copy.deepcopy(aided).set_params(warm_start=True)
    model.fit(frame(), covariates())
    assert (model.predict() != aided.predict()).any(axis=None)
    assert model.extras_ == aided.extras_
    with pytest.raises(ValueError, match="warm_start=True goes on from a fit with"):
        model.fit(frame())


# --- files ----------------------------------------------------------------------------


def test_draws_of_a_new_process_are_bit_identical(
    aided: DiffusionForecaster, tmp_path: Path
) -> None:
    aided.save(tmp_path / "model")
    code = f"""
import torch
from tsdiff import DiffusionForecaster
torch.set_num_threads(1)
model = DiffusionForecaster.load({str(tmp_path / "model")!r})
draws = model.sample(n_samples=9, random_state=5)
open({str(tmp_path / "draws")!r}, "wb").write(draws.samples.tobytes())
draws.median().to_pickle({str(tmp_path / "median")!r})
"""
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, timeout=100)
    expected = aided.sample(n_samples=9, random_state=5)
    assert (tmp_path / "draws").read_bytes() == expected.samples.tobytes()
    pd.testing.assert_frame_equal(
        pd.read_pickle(tmp_path / "median"), expected.median()
    )


@pytest.mark.parametrize("which", ["fitted", "aided", "many"])
def test_all_that_a_fit_has_learned_comes_back(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    model = request.getfixturevalue(which)
    model.save(tmp_path / "model")
    loaded = DiffusionForecaster.load(tmp_path / "model")
    assert sorted(vars(loaded)) == sorted(vars(model))
    assert loaded.get_params() == model.get_params()
    assert (loaded.extras_, loaded.schema_) == (model.extras_, model.schema_)
    pd.testing.assert_frame_equal(loaded.predict(level=80), model.predict(level=80))
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()
    with pytest.raises(ValueError, match="holds a DiffusionForecaster, not a"):
        DiffusionImputer.load(tmp_path / "model")


# --- one fit, any question ------------------------------------------------------------


def test_a_forecaster_fills_gaps_as_an_imputer(fitted: DiffusionForecaster) -> None:
    imputer = fitted.as_imputer()
    filled = imputer.transform(frame())
    seen = frame().notna()
    assert filled.notna().all(axis=None)
    assert filled.where(seen).equals(frame())
    assert imputer.model_ is fitted.model_
    again = imputer.as_forecaster(H, frame())
    pd.testing.assert_frame_equal(again.predict(), fitted.predict())


def test_an_imputer_of_a_model_with_covariates_is_refused(
    aided: DiffusionForecaster, many: DiffusionForecaster
) -> None:
    with pytest.raises(ValueError, match=r"with covariates \(price, shop=x.*imputer"):
        aided.as_imputer()
    with pytest.raises(ValueError, match="static:size"):
        many.as_imputer()


def test_an_imputer_looks_ahead(tmp_path: Path) -> None:
    imputer = DiffusionImputer(**SIZES).fit(frame())
    forecaster = imputer.as_forecaster(horizon=H)
    with pytest.raises(ValueError, match=r"No history is kept.*predict\(y="):
        forecaster.predict()
    answer = forecaster.predict(y=frame())
    same_stamps(answer.index, DAYS[N : N + H])
    pd.testing.assert_frame_equal(imputer.as_forecaster(H, frame()).predict(), answer)
    forecaster.save(tmp_path / "model")
    loaded = DiffusionForecaster.load(tmp_path / "model")
    pd.testing.assert_frame_equal(loaded.predict(y=frame()), answer)


# --- Nixtla's layout ------------------------------------------------------------------


def test_a_long_frame_goes_in_and_comes_out() -> None:
    long = to_long(panel()[["a"]].rename(columns={"a": "y"}))
    model = quick(freq="D").fit(from_long(long))
    out = to_long(model.predict(level=[80, 95]))
    assert out.columns.tolist() == [
        *("unique_id", "ds", "y"),
        *("y-lo-80", "y-hi-80", "y-lo-95", "y-hi-95"),
    ]
    assert out["unique_id"].tolist() == ["b"] * H + ["a"] * H + ["young"] * H
    last = long.groupby("unique_id")["ds"].max()
    first = out.groupby("unique_id")["ds"].min()
    assert (first - last == pd.Timedelta("1D")).all()
    assert (out["y-lo-95"] < out["y-lo-80"]).all()


def test_forecasts_named_after_the_model_stand_beside_the_truth() -> None:
    long = to_long(panel()[["a"]].rename(columns={"a": "y"}))
    model = quick(freq="D").fit(from_long(long))
    out = to_long(model.predict(level=90), model="tsdiff")
    names = ["unique_id", "ds", "tsdiff", "tsdiff-lo-90", "tsdiff-hi-90"]
    assert out.columns.tolist() == names
    truth = out[["unique_id", "ds"]].assign(y=1.0)
    assert truth.merge(out, on=["unique_id", "ds"]).notna().all(axis=None)


def test_only_one_channel_can_be_named_after_the_model() -> None:
    with pytest.raises(ValueError, match=r"one channel only.*'b'"):
        to_long(panel()[["a", "b"]], model="tsdiff")
