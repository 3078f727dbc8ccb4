"""speed_report: its figures are the scores by hand, of the same cells and noise."""

from __future__ import annotations

import numpy as np
import pytest
from small import frame

from tsdiff import baselines, metrics, speed_report
from tsdiff.speed.scoring import excess

GRID = {"n_steps": (2, 4), "n_samples": (50, 200)}


@pytest.fixture(scope="module")
def reports(pair):
    return {name: speed_report(pair[name], frame(), **GRID) for name in pair}


pytestmark = pytest.mark.filterwarnings("default::UserWarning")


@pytest.fixture(scope="module")
def pair():
    from faults import fitted_pair

    return fitted_pair()


@pytest.mark.parametrize("name", ["imputer", "forecaster"])
def test_rows_are_all_pairs_paired_with_the_most_expensive_one(reports, name):
    report = reports[name]
    pairs = [[2, 50], [2, 200], [4, 50], [4, 200]]
    assert report[["n_steps", "n_samples"]].to_numpy().tolist() == pairs
    for score in ("total_crps", "energy_score"):
        more = report[score] - report[score].iloc[-1]
        np.testing.assert_allclose(report[f"{score}_excess"], more, atol=1e-12)
        assert (report[f"{score}_excess_se"].iloc[:-1] > 0).all()
        assert report[f"{score}_excess_se"].iloc[-1] == 0
    assert report["coverage_90"].between(0, 1).all()
    error = report["monte_carlo_error"].to_numpy()
    assert (error[[0, 2]] > error[[1, 3]]).all()
    assert report.attrs["recommendation"].startswith("n_steps=")


def test_figures_are_those_of_the_forecasts_by_hand(reports, pair):
    """The forecaster has 60 rows, so all of eight last horizons of three rows."""
    model, X = pair["forecaster"], frame()
    seed = int(np.random.default_rng(0).integers(2**31))
    model = model.raw()
    model.n_steps = 4
    crps, totals = [], []
    for k in range(8, 0, -1):
        end = len(X) - 3 * k
        draws = model.sample(3, X.iloc[:end], n_samples=200, random_state=seed)
        paths = draws.samples.reshape(200, 3, 2) / X.std(ddof=0).to_numpy()
        truth = X.iloc[end : end + 3].to_numpy() / X.std(ddof=0).to_numpy()
        seen = ~np.isnan(truth)
        crps.append(metrics.crps(truth[seen], paths[:, seen], fair=False))
        for c in range(2):
            total = paths[:, seen[:, c], c].sum(1)
            if seen[:, c].any():
                exact = truth[seen[:, c], c].sum()
                totals.append(metrics.crps([exact], total[:, None], fair=False)[0])
    row = reports["forecaster"].iloc[-1]
    assert row["crps"] == pytest.approx(np.concatenate(crps).mean())
    assert row["total_crps"] == pytest.approx(np.mean(totals))


def test_standard_error_is_that_of_the_mean_over_windows():
    rng = np.random.default_rng(0)
    best, score = rng.random(20), rng.random(20)
    mean, error = excess(score, best, np.arange(20))
    assert mean == pytest.approx((score - best).mean())
    assert error == pytest.approx((score - best).std(ddof=1) / np.sqrt(20))
    twice = excess(*(np.tile(part, 2) for part in (score, best, np.arange(20))))
    assert twice == pytest.approx((mean, error))  # the same windows know no more


def test_asking_changes_nothing_and_repeats(pair, reports):
    imputer, X = pair["imputer"], frame()
    before = imputer.get_params()
    again = speed_report(imputer, X, **GRID)
    assert imputer.get_params() == before
    figures = [c for c in again if c not in ("seconds", "ms_per_window")]
    assert again[figures].equals(reports["imputer"][figures])


def test_what_can_not_be_tried_is_refused_in_words(pair):
    X = frame()
    line = baselines.LinearInterpolation().fit(X)
    with pytest.raises(TypeError, match="found a LinearInterpolation"):
        speed_report(line, X)
    with pytest.raises(ValueError, match="n_samples must be numbers of at least 2"):
        speed_report(pair["imputer"], X, n_samples=[1, 50])
    with pytest.raises(ValueError, match=r"n_steps must be some numbers, e.g. \[4"):
        speed_report(pair["imputer"], X, n_steps=8)
    with pytest.raises(ValueError, match="the last 3 are hidden"):
        speed_report(pair["forecaster"], X.iloc[:3])
