"""Rolling origin: the windows asked for, answers of the models, and no leak."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from backtested import Constant, Drawing, H, looking_ahead, ragged, waves
from sklearn.base import clone

from tsdiff import DiffusionForecaster, backtest, imputation_backtest
from tsdiff.baselines import LinearInterpolation, SeasonalNaive
from tsdiff.conformal import Calibrated

NAN = np.nan


def quantiles(result: Any) -> pd.DataFrame:
    return result.frame.filter(like="q-")


# --- windows --------------------------------------------------------------------------


def test_windows_end_with_the_data_of_each_series_and_lie_a_step_apart():
    y = ragged()
    y.iloc[-2] = NAN  # not scored: its truth is not known
    result = backtest({"0": Constant()}, y, h=3, n_windows=4, step_size=2, gap=1)
    frame = result.frame
    assert list(frame.columns[:7]) == (
        ["unique_id", "ds", "channel", "cutoff", "horizon", "model", "y"]
    )
    for name, series in y.groupby(level=0):
        stamps = series.index.get_level_values(1)
        mine = frame[frame["unique_id"] == name]
        cutoffs = stamps[[-5 - 2 * k for k in (3, 2, 1, 0)]]
        assert list(mine["cutoff"].unique()) == list(cutoffs)
        ahead = (mine["ds"] - mine["cutoff"]) // pd.Timedelta("1h")
        np.testing.assert_array_equal(ahead, mine["horizon"] + 1)  # past the gap
        truth = series["b"].to_numpy()[stamps.get_indexer(mine["ds"])]
        np.testing.assert_array_equal(mine["y"], truth)
    count = frame.groupby(["unique_id", "cutoff"]).size()
    assert sorted(count) == [2] + [3] * 7
    assert list(result.levels) == [float(name[2:]) for name in frame.columns[7:]]


def test_answers_are_those_of_a_fit_on_the_rows_up_to_the_cutoff():
    y = waves()
    for model, n_windows in (
        (SeasonalNaive(period=6), 3),
        (looking_ahead(random_state=0), 1),
    ):
        windows = {"h": H, "n_windows": n_windows, "step_size": 3, "gap": 2}
        result = backtest({"m": model}, y, **windows)
        assert result.frame["cutoff"].nunique() == n_windows
        for cutoff, part in result.frame.groupby("cutoff"):
            fitted = clone(model).fit(y[:cutoff])
            own = fitted.predict_quantiles(H + 2, alpha=result.levels)[2:]
            expected = own.to_numpy().reshape(2 * H, -1)
            np.testing.assert_array_equal(part.filter(like="q-"), expected)


@pytest.mark.parametrize("many", [False, True])
def test_one_fit_answers_all_windows_as_if_asked_one_by_one(many):
    y = ragged() if many else waves()
    cut = y.groupby(level=0).head(-H - 8) if many else y[: -H - 8]
    fitted = looking_ahead(random_state=0).fit(cut)  # used as it is: not fitted again
    result = backtest({"m": fitted}, y, h=H, n_windows=5, step_size=2, refit=False)
    for back in range(0, 10, 2):
        known = y.groupby(level=0).head(-H - back) if many else y[: -H - back]
        own = fitted.predict_quantiles(H, y=known, alpha=result.levels)
        own = own.to_numpy().reshape(-1, len(result.levels))
        last = known.groupby(level=0).tail(1) if many else known[-1:]
        stamps = last.index.get_level_values(-1)
        mine = result.frame["cutoff"].isin(stamps)
        np.testing.assert_allclose(quantiles(result)[mine], own, atol=1e-4)


def test_refit_every_k_windows_fits_at_each_kth_cutoff():
    y = waves(40)[["b"]]
    told = []

    class Told(Constant):
        def fit(self, y, X=None):
            told.append(len(y))
            return super().fit(y, X)

    for refit, expected in (
        (True, [28, 30, 32, 34, 36]),
        (2, [28, 32, 36]),
        (False, [28]),
    ):
        told.clear()
        backtest({"m": Told()}, y, h=4, n_windows=5, step_size=2, refit=refit)
        assert told == expected


def test_models_with_draws_alone_are_answered_by_their_quantiles():
    y = waves()[["b"]].dropna()
    naive = SeasonalNaive(period=6, freq="h", insert_absent=True, random_state=0)
    models = {"law": naive, "draws": Drawing(naive)}
    result = backtest(models, y, h=H, levels=[0.25, 0.5, 0.75])
    law, draws = (quantiles(result)[result.frame["model"] == name] for name in models)
    spread = (law["q-0.75"] - law["q-0.25"]).max()
    np.testing.assert_allclose(draws, law, atol=0.25 * spread)


def test_windows_without_a_truth_are_left_out_with_a_word():
    y = waves(40)[["b"]]
    y.iloc[36:38] = NAN
    with pytest.warns(UserWarning, match=r"Window\(s\) 2 of 4 .* are left out"):
        result = backtest({"m": Constant()}, y, h=2, n_windows=4, refit=2)
    assert result.frame["cutoff"].tolist() == [
        y.index[k] for k in (31, 31, 33, 33, 37, 37)
    ]


# --- no leak --------------------------------------------------------------------------


def beside(n_rows):
    """Covariates known ahead and of the past only, numbers and text."""
    index = pd.date_range("2024-03-04", periods=n_rows, freq="h")
    t = np.arange(n_rows)
    X = pd.DataFrame({"plan": t % 5, "seen": np.cos(t), "flag": t % 3 == 0}, index)
    X = X.assign(shop=np.where(t % 4 > 1, "u", "v"))
    X["flag"] = X["flag"].where(t < 60)
    X.loc[X.index[60:], ["seen", "shop"]] = None
    return X


@pytest.mark.parametrize("refit", [True, False])
def test_values_behind_a_cutoff_change_no_answer_by_a_bit(refit):
    y, X = waves(), beside(60 + H)
    models = {"naive": SeasonalNaive(period=6), "tsdiff": looking_ahead(random_state=0)}
    windows = {"h": H, "n_windows": 2, "step_size": 2, "refit": refit}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of skill that one epoch does not give
        before = backtest(models, y, X=X, **windows)
        cutoff = before.frame["cutoff"].min()
        changed, others = y.copy(), X.copy()
        changed.loc[changed.index > cutoff] *= -7
        behind = (others.index > cutoff) & (np.arange(len(X)) < 60)
        others.loc[behind, "seen"] = 99.0
        others.loc[behind, "shop"] = "u"
        others.loc[behind, "flag"] = True
        after = backtest(models, changed, X=others, **windows)
    known = before.frame["cutoff"] == cutoff
    pd.testing.assert_frame_equal(
        quantiles(after)[known], quantiles(before)[known], check_exact=True
    )
    assert not quantiles(after)[~known].equals(quantiles(before)[~known])


@pytest.mark.parametrize("refit", [True, False])
def test_calibration_knows_nothing_behind_a_cutoff(refit):
    y = waves(120)[["b"]].dropna()
    naive = SeasonalNaive(period=6, horizon=H, freq="h", insert_absent=True)
    models = {"raw": naive, "m": Calibrated(naive)}
    windows = {"h": H, "n_windows": 3, "refit": refit}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of bins with few cells
        before = backtest(models, y, **windows)
        cutoff = before.frame["cutoff"].min()
        changed = y.copy()
        changed.loc[y.index > cutoff] *= -7
        after = backtest(models, changed, **windows)
    known = (before.frame["cutoff"] == cutoff) & (before.frame["model"] == "m")
    pd.testing.assert_frame_equal(
        quantiles(after)[known], quantiles(before)[known], check_exact=True
    )
    raw = quantiles(before)[before.frame["model"] == "raw"].to_numpy()
    assert not np.allclose(quantiles(before)[before.frame["model"] == "m"], raw)


def test_covariates_are_cut_as_they_were_known():
    y = waves(60)[["b"]]
    seen = {}

    class Spy(Constant):
        def fit(self, y, X=None):
            seen["fit"] = X
            return super().fit(y, X)

    backtest({"m": Spy()}, y, h=H, X=beside(60 + H))
    X = seen["fit"]
    assert len(X) == 60  # the rows to forecast as well
    known = X.notna().sum()
    assert known.to_dict() == {"plan": 60, "seen": 56, "flag": 56, "shop": 56}
    backtest({"m": Spy()}, y, h=H, X=beside(60))  # ends with y: nothing is told
    assert len(seen["fit"]) == 56


# --- what goes wrong ------------------------------------------------------------------


def test_a_model_that_fails_in_one_window_is_named_and_the_others_go_on():
    y = waves(40)[["b"]]
    models = {"good": Constant(), "bad": Constant(fails_at=34)}
    with pytest.warns(UserWarning, match=r"failed: 'bad' in 1 fold.*34 rows are unl"):
        result = backtest(models, y, h=2, n_windows=4)
    assert result.failures.to_numpy().tolist() == (
        [["bad", 1, "ArithmeticError: 34 rows are unlucky"]]
    )
    assert result.scores()["n"].to_dict() == {"good": 8, "bad": 6}
    assert "1 failure" in repr(result)
    with pytest.raises(RuntimeError, match="Every model failed everywhere; 'bad' fir"):
        backtest({"bad": Constant(fails_at=38)}, y, h=2)


def test_what_models_warn_of_is_said_once():
    young = waves(40)[["b"]].iloc[:12]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        backtest({"m": looking_ahead()}, young, h=2)
    said = [str(one.message) for one in caught]
    assert len(said) == len(set(said))
    assert any("'m', in 1 of its fits: window=16 is longer" in text for text in said)


def test_a_fitted_model_is_used_only_if_it_cannot_have_seen_what_is_scored():
    y = waves()
    with pytest.raises(ValueError, match=r"'m' was fitted on rows up to 2024-03-06 11"):
        backtest({"m": looking_ahead().fit(y)}, y, h=H, refit=False)
    past = SeasonalNaive(period=6, horizon=H).fit(y[:-H])
    backtest({"m": past}, y, h=H, refit=False)
    past.calibration_ = object()  # of rows that nobody knows
    for model in (past, Constant().fit(y)):
        with pytest.raises(ValueError, match="nothing tells which rows it has seen"):
            backtest({"m": model}, y, h=H, refit=False)


Y = waves(40)[["b"]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_windows": 99}, r"At most 19 window\(s\) fit; give n_windows=19"),
        ({"h": 40}, r"h=40 and gap=0 leave no history: y has 40 row\(s\)"),
        ({"h": 2.0}, "h must be a whole number of at least 1, got 2.0"),
        ({"gap": -1}, "gap must be a whole number"),
        ({"step_size": 0}, "step_size must be a whole number"),
        ({"n_windows": True}, "n_windows must be a whole number"),
        ({"refit": 0}, "refit, if it is neither True nor False, must be a whole"),
        ({"levels": [0.9, 0.1]}, r"levels must ascend, got \[0.9, 0.1\]"),
        ({"levels": [1.0]}, "alpha must lie between 0 and 1"),
        ({"random_state": "a"}, "random_state='a' cannot be used"),
        ({"n_jobs": 0}, "n_jobs must be a whole number other than 0, got 0"),
        (
            {"y": Y.where(np.arange(40)[:, None] < 38)},
            "None of the 1 window",
        ),
        ({"models": {}}, "models is a mapping of names to estimators"),
        ({"models": [Constant()]}, "models is a mapping of names to estimators"),
        ({"models": {3: Constant()}}, "A model's name is text, got 3"),
        ({"models": {"m": Constant}}, "'m' is the class Constant. Give an instance"),
        ({"models": {"m": object()}}, "'m' is a object, which lacks fit"),
        ({"models": {"m": LinearInterpolation()}}, "'m' is a LinearInterpolation; bac"),
    ],
)
def test_what_cannot_be_asked_is_said(changes, message):
    asked: dict[str, Any] = {"models": {"m": Constant()}, "y": Y, "h": 2} | changes
    with pytest.raises((TypeError, ValueError), match=message):
        backtest(**asked)


def test_an_imputer_is_no_forecaster_nor_the_other_way_round():
    with pytest.raises(TypeError, match="imputation_backtest wants imputers"):
        imputation_backtest({"m": DiffusionForecaster(horizon=2)}, Y)


def test_short_series_of_a_panel_are_named():
    with pytest.raises(ValueError, match=r"the shortest series, 'v', has 48\. At mo"):
        backtest({"m": Constant()}, ragged(), h=10, n_windows=5)


def test_answers_of_another_shape_fail_in_words():
    class Odd(Constant):
        def predict_quantiles(self, h, y=None, X=None, *, alpha):
            answer = super().predict_quantiles(h, y, X, alpha=alpha)
            if self.value == 1:
                return answer.iloc[:, :5]
            if self.value == 2:
                return answer.shift(freq="999h")
            return answer - np.arange(len(alpha)) if self.value == 3 else answer.values

    for value, message in (
        (1, r"The answer has 5 column\(s\)"),
        (2, "none of those asked for"),
        (3, "quantiles that cross"),
        (4, "The answer is a ndarray, not a DataFrame"),
    ):
        with pytest.raises(RuntimeError, match=message):
            backtest({"m": Odd(value)}, Y, h=2)


@pytest.mark.parametrize("kind", ["array", "cube", "series", "polars"])
def test_other_kinds_of_data_give_the_same_answers(kind):
    values = waves()[["b"]].to_numpy()
    frame = pd.DataFrame(values, columns=["b"])
    polars = pytest.importorskip("polars")
    data = {
        "array": values,
        "cube": values[None],
        "series": frame["b"],
        "polars": polars.DataFrame({"b": values.ravel()}),
    }
    windows = {"h": H, "n_windows": 2}
    model = {"m": SeasonalNaive(period=6)}
    expected = backtest(model, frame, **windows)
    result = backtest(model, data[kind], **windows)
    np.testing.assert_array_equal(quantiles(result), quantiles(expected))
    assert (result.frame["unique_id"] == 0).all()
