"""Hidden cells: never seen, answered as asked; scores and groups by naive loops."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from backtested import Constant, Drawing, filling, ragged, waves

from tsdiff import imputation_backtest
from tsdiff.backtesting.comparing import _length
from tsdiff.baselines import KalmanSmoother, LastValue, LinearInterpolation
from tsdiff.conformal import Calibrated

NAN = np.nan
LEVELS_19 = np.arange(1, 20) / 20


def quantiles(result: Any) -> pd.DataFrame:
    return result.frame.filter(like="q-")


def two(**options: Any) -> Any:
    models = {"linear": LinearInterpolation(), "last": LastValue()}
    return imputation_backtest(models, waves(200), pattern="blocks", **options)


# --- what is hidden, and what is seen of it -------------------------------------------


@pytest.mark.parametrize("refit", [True, False])
def test_hidden_values_change_no_answer_by_a_bit(refit):
    X = waves(80)
    mask = np.zeros(X.shape, dtype=bool)
    mask[40:46] = mask[60:62, 1] = True
    models: dict[str, Any] = {
        "linear": LinearInterpolation(),
        "kalman": KalmanSmoother(),
        "calibrated": Calibrated(LinearInterpolation(), holdout=0.4),
        "tsdiff": filling(random_state=0),
    }
    if not refit:
        del models["tsdiff"]  # the way is the same, and fits take their time
    changed = X.mask(mask, 5 * X + 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of skill that one epoch does not give
        before, after = (
            imputation_backtest(models, data, pattern=mask, refit=refit)
            for data in (X, changed)
        )
    assert not after.frame["y"].equals(before.frame["y"])
    pd.testing.assert_frame_equal(quantiles(after), quantiles(before), check_exact=True)
    mine = before.frame["model"] == "linear"
    fitted = LinearInterpolation().fit(X.mask(mask))
    own = fitted.predict_quantiles(X.mask(mask), alpha=before.levels).to_numpy()
    own = own.reshape(*X.shape, -1)[mask]
    np.testing.assert_array_equal(quantiles(before)[mine], own)


def test_one_fit_for_all_repeats_sees_none_of_their_cells():
    X = waves(100)[["b"]]
    given: dict[str, list] = {"fit": [], "ask": []}

    class Told(LinearInterpolation):
        def fit(self, X, y=None):
            given["fit"].append(X.copy())
            return super().fit(X, y)

        def predict_quantiles(self, X, alpha=0.5, *, where=None):
            given["ask"].append(X.copy())
            return super().predict_quantiles(X, alpha, where=where)

    options = {"pattern": "random", "n_repeats": 3, "refit": False}
    result = imputation_backtest({"m": Told()}, X, **options)
    assert [len(given["fit"]), len(given["ask"])] == [1, 3]
    for repeat, part in result.frame.groupby("repeat"):
        rows = part["ds"]
        assert given["fit"][0].loc[rows].isna().all(axis=None)
        asked = given["ask"][repeat]
        assert asked.loc[rows].isna().all(axis=None)
        assert asked.notna().to_numpy().sum() == X.count().sum() - len(rows)


def test_gap_length_and_distance_are_those_that_the_model_faced():
    X = waves(40)[["b"]]  # missing itself: rows 30 and 31
    mask = np.zeros(40, dtype=bool)
    mask[[5, 28, 29, 39]] = True
    result = imputation_backtest({"m": LinearInterpolation()}, X, pattern=mask)
    frame = result.frame
    assert frame["repeat"].unique().tolist() == [0]  # a mask is hidden once
    assert frame["gap_length"].tolist() == [1, 4, 4, 1]
    assert frame["distance"].tolist() == [1, 1, 2, 1]
    np.testing.assert_array_equal(frame["y"], X["b"][mask])
    assert frame["ds"].tolist() == X.index[mask].tolist()


def test_series_of_a_panel_and_models_with_draws_alone():
    models = {"law": LinearInterpolation(), "draws": Drawing(LastValue(random_state=0))}
    result = imputation_backtest(models, ragged(), pattern="blocks", n_repeats=1)
    assert set(result.frame["unique_id"]) == {"u", "v"}
    truth = ragged()["b"]
    place = pd.MultiIndex.from_frame(result.frame[["unique_id", "ds"]])
    np.testing.assert_array_equal(truth[place], result.frame["y"])
    assert np.isfinite(quantiles(result)).all(axis=None)


def test_rows_that_a_model_makes_itself_are_passed_over():
    X = waves(100)[["b"]]
    X = X.drop(X.index[[20, 21, 50]])
    models = {
        "plain": LinearInterpolation(),
        "made": LinearInterpolation(freq="h", insert_absent=True),
    }
    result = imputation_backtest(models, X, pattern="blocks", n_repeats=1)
    assert len(result.failures) == 0
    assert result.scores()["n"].nunique() == 1


def test_cells_left_unanswered_are_reported_and_do_not_count():
    models = {"all": LinearInterpolation(), "short": LinearInterpolation(max_gap=3)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = imputation_backtest(models, waves(200), pattern="blocks", n_repeats=2)
    said = " ".join(str(one.message) for one in caught)
    assert "Model 'short' left" in said
    assert "stay NaN" in said
    long = (result.frame["gap_length"] > 3) & (result.frame["model"] == "short")
    assert quantiles(result)[long].isna().all(axis=None)
    n = result.scores()["n"]
    assert n["all"] - n["short"] == long.sum() > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pattern": "own", "X": waves(20)[["b"]]}, "X has none: use 'blocks'"),
        ({"pattern": "holes"}, "pattern is one of own, blocks, random"),
        ({"pattern": np.ones((40, 1), bool)}, "not observed, the first in column 'b'"),
        ({"pattern": np.zeros((40, 1), bool)}, "marks no cell to hide"),
        ({"n_repeats": 0}, "n_repeats must be a whole number"),
        ({"refit": 2}, "refit is True or False here, got 2"),
        ({"ratio": 1.0}, "ratio is a share strictly between 0 and 1"),
        ({"models": {"m": Constant}}, "'m' is the class Constant"),
    ],
)
def test_what_cannot_be_asked_is_said(changes, message):
    asked = {"models": {"m": LinearInterpolation()}, "X": waves(40)[["b"]]} | changes
    with pytest.raises((TypeError, ValueError), match=message):
        imputation_backtest(**asked)


# --- scores ---------------------------------------------------------------------------


def naive_scores(frame, scale=1.0):
    """Loop over the cells."""
    rows = []
    for _, cell in frame.iterrows():
        y, q = cell["y"] / scale, lambda a, cell=cell: cell[f"q-{a:g}"] / scale
        loss = [2 * max(a * (y - q(a)), (a - 1) * (y - q(a))) for a in LEVELS_19]
        low, high = q(0.05), q(0.95)
        fine = max(low - y, 0) + max(y - high, 0)
        rows.append(
            {
                "crps": np.mean(loss),
                "mae": abs(y - q(0.5)),
                "rmse": (y - q(0.5)) ** 2,
                "bias": q(0.5) - y,
                "coverage_90": low <= y <= high,
                "width_90": high - low,
                "interval_score_90": high - low + 20 * fine,
            }
        )
    table = pd.DataFrame(rows).mean()
    table["rmse"] = np.sqrt(table["rmse"])
    return table


def test_scores_are_the_means_of_a_naive_loop():
    result = two(n_repeats=2)
    by_channel = result.scores("channel")
    assert (by_channel["unit"] == "y").all()
    for (model, channel), part in result.frame.groupby(["model", "channel"]):
        row = by_channel.loc[(model, channel)]
        naive = naive_scores(part)
        np.testing.assert_allclose(row[naive.index].astype(float), naive, rtol=1e-9)
        assert row["n"] == len(part)


def test_pooled_scores_do_not_hang_on_the_units_of_a_channel():
    X = waves(200)
    options = {"pattern": "blocks", "n_repeats": 2}
    plain, mixed = (
        imputation_backtest({"m": LinearInterpolation()}, data, **options).scores()
        for data in (X, X * [1000.0, 1])
    )
    assert (plain["unit"] == "scale").all()
    np.testing.assert_allclose(
        mixed.drop(columns="unit").astype(float),
        plain.drop(columns="unit").astype(float),
    )
    scales = two(n_repeats=1).scales
    spread = (X["b"] - X["b"].median()).abs().mean()
    assert scales[0, "b"] == pytest.approx(spread)
    raw = two(n_repeats=1).scores(scaled=False)
    assert (raw["unit"] == "y").all()


def test_gap_lengths_are_grouped_by_quarters_or_by_given_edges():
    result = two(n_repeats=4)
    lengths = result.frame["gap_length"]
    table = result.scores({"gap_length": [2, 9]})
    labels = table.loc["linear"].index
    bins = pd.cut(lengths[: len(lengths) // 2], [0, 2, 9, 999])
    groups = lengths.groupby(bins, observed=True)
    named = [
        f"{low}-{high}" for low, high in zip(groups.min(), groups.max(), strict=True)
    ]
    assert labels.tolist() == named
    assert table.loc["linear", "n"].tolist() == groups.count().tolist()
    quarters = result.scores("gap_length").loc["linear", "n"]
    assert len(quarters) == 4
    assert quarters.sum() == len(lengths) // 2
    both = result.scores(["channel", "repeat"])
    assert both.index.names == ["model", "channel", "repeat"]


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("horizon", "by='horizon' is no column of the result; there are 'unique_id', "),
        ({"gap_length": [3, 1]}, "edges of 'gap_length' are a list of ascending"),
        ({"gap_length": [3, 900, 950]}, "No scored cell has gap_length above 900 and "),
    ],
)
def test_groups_that_are_not_there_are_named(by, message):
    with pytest.raises(ValueError, match=message):
        two(n_repeats=1).scores(by)


def test_fewer_levels_give_the_scores_that_they_allow():
    result = two(n_repeats=1, levels=[0.1, 0.9])
    scores = result.scores()
    assert scores.columns.tolist() == [
        "n",
        "pinball",
        "coverage_80",
        "width_80",
        "interval_score_80",
        "unit",
    ]
    assert repr(result).startswith("BacktestResult(linear, last: ")
    assert result.to_frame().equals(result.frame)


# --- comparisons ----------------------------------------------------------------------


def test_a_comparison_is_of_the_cells_that_both_have_answered():
    models = {
        "all": LinearInterpolation(),
        "short": LinearInterpolation(max_gap=3),
        "last": LastValue(),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the gaps that one leaves
        result = imputation_backtest(models, waves(200), pattern="blocks", n_repeats=2)
    alike = result.compare("all", "short")
    n = result.scores()["n"]
    assert alike.loc["all", "n"] == n["short"] < n["all"]
    assert alike.loc["all", "change"] == 0
    assert alike.loc["all", "p_value"] == 1
    ours = result.compare("all", "last", ["channel"])
    means = result.scores("channel")["crps"]
    for channel in "ab":
        row = ours.loc[channel]
        assert row["crps"] == pytest.approx(means["all", channel])
        assert row["crps_other"] == pytest.approx(means["last", channel])
        assert row["change"] == pytest.approx(row["crps"] / row["crps_other"] - 1)
    assert (ours["unit"] == "y").all()
    mirrored = result.compare("last", "all", ["channel"])
    np.testing.assert_allclose(mirrored["p_value"], ours["p_value"], atol=0.02)


def test_the_verdict_is_a_sentence_with_lengths_in_time():
    walk = np.random.default_rng(1).standard_normal(600).cumsum()
    X = pd.Series(walk, pd.date_range("2024-01-01", periods=600, freq="h"), name="b")
    models = {"linear": LinearInterpolation(), "last": LastValue()}
    options = {"pattern": "blocks", "length": 4, "ratio": 0.2, "n_repeats": 4}
    result = imputation_backtest(models, X, **options)
    said = result.verdict("linear", "last")
    assert said.startswith("linear is better than last for gaps up to 4 hours (CRPS -")
    said = result.verdict("last", "linear", {"gap_length": [6]})
    assert said.startswith("last is worse than linear for all gaps (CRPS +")
    same = result.verdict("linear", "linear", {"gap_length": [6]})
    assert same == "linear is no different from linear for all gaps"
    with pytest.raises(ValueError, match="there are 'gap_length', 'distance'"):
        result.verdict("linear", "last", "channel")
    with pytest.raises(ValueError, match="'lst' is not in the result; there are 'lin"):
        result.compare("linear", "lst")


@pytest.mark.parametrize(
    ("rows", "step", "expected"),
    [
        (12, pd.Timedelta("5min"), "1 hour"),
        (18, pd.Timedelta("5min"), "1.5 hours"),
        (2, pd.Timedelta("24h"), "2 days"),
        (1, None, "1 row"),
        (4, None, "4 rows"),
        (1, pd.Timedelta("250ms"), "0.25 seconds"),
    ],
)
def test_lengths_are_said_in_time_where_rows_are_time(rows, step, expected):
    assert _length(rows, step) == expected
