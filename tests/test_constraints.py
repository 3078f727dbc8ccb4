"""What is known holds exactly on every path, and conditions the law as Bayes' rule."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from tsdiff import constraints as c
from tsdiff.datasets import make_linear_gaussian
from tsdiff.draws import Draws
from tsdiff.panel.frame import to_panel

NAN = np.nan


def exact(n_samples=400, seed=0, **settings):
    """Draws of an exactly known normal law, with its mean and covariance."""
    options = {"n_times": 96, "n_channels": 2, "missing": 0.3, "random_state": seed}
    data = make_linear_gaussian(**(options | settings))
    mean, covariance = data.posterior()
    rng = np.random.default_rng(seed)
    paths = rng.multivariate_normal(mean, covariance, n_samples)
    panel = to_panel(data.frame())
    cells = np.flatnonzero(np.isnan(panel.values))
    return Draws(panel, paths, cells), data, mean, covariance


def conditional(mean, covariance, A, b):
    """Exact law of cells given A x = b."""
    gain = covariance @ A.T @ np.linalg.inv(A @ covariance @ A.T)
    return mean + gain @ (b - A @ mean), covariance - gain @ A @ covariance


def daily(draws, data, channel="x0"):
    """Totals of the days that hold a missing cell, of the truth."""
    truth = draws.panel.values.copy()
    truth.ravel()[draws.cells] = data.hidden_truth
    table = pd.DataFrame(truth, draws.panel.index, list(draws.panel.channels))
    holes = draws.panel.frame(draws.panel.values)[channel].isna().resample("D").sum()
    return table[channel].resample("D").sum()[holes > 0]


def system(draws, totals, channel=0):
    """Rows and right sides of daily totals, over the answered cells."""
    day = draws.panel.index.floor("D")
    values = np.nan_to_num(draws.panel.values)
    rows, right = [], []
    for label, total in totals.items():
        weight = np.zeros(values.shape)
        weight[day == label, channel] = 1
        rows.append(weight.ravel()[draws.cells])
        right.append(total - (weight * values).sum())
    return np.array(rows), np.array(right)


# --- linear ---------------------------------------------------------------------------


def test_totals_hold_on_every_path_and_condition_the_law_exactly():
    draws, data, mean, covariance = exact(4000)
    totals = daily(draws, data)
    steered = c.steer(draws, c.total("D", totals, "x0"))
    A, b = system(draws, totals)
    assert np.abs(steered.samples @ A.T - b).max() < 1e-9
    m, S = conditional(mean, covariance, A, b)
    sd = np.sqrt(np.diag(S).clip(0))
    free = sd > 0.05
    error = (steered.samples.mean(0) - m)[free] / sd[free]
    assert np.sqrt((error**2).mean()) < 0.06
    ratio = steered.samples.std(0)[free] / sd[free]
    assert np.abs(ratio - 1).max() < 0.08
    # joint: totals over other cells, such as all of the other channel
    other = draws.cells % 2 == 1
    spread = steered.samples[:, other].sum(1).std()
    assert spread == pytest.approx(np.sqrt(S[np.ix_(other, other)].sum()), rel=0.06)
    assert "total('D'" in repr(steered)


def test_few_paths_still_come_near_the_law():
    errors = []
    for seed in range(4):
        draws, data, mean, covariance = exact(c.FEWEST_PATHS, seed)
        totals = daily(draws, data)
        A, b = system(draws, totals)
        steered = c.steer(draws, c.total("D", totals, "x0"))
        m, S = conditional(mean, covariance, A, b)
        sd = np.sqrt(np.diag(S).clip(1e-4))
        errors.append(((steered.samples.mean(0) - m) / sd).std())
        assert steered.samples.std(0).mean() == pytest.approx(sd.mean(), rel=0.1)
    assert np.mean(errors) < 0.15  # of which 0.1 is that of the mean of 100 draws


def test_true_totals_do_not_worsen_and_other_cells_gain_too():
    free_crps, steered_crps = [], []
    for seed in range(8):
        draws, data, _, _ = exact(200, seed, missing=0.4)
        truth = draws.panel.values.copy()
        truth.ravel()[draws.cells] = data.hidden_truth
        steered = c.steer(draws, c.total("D", daily(draws, data), "x0"))
        table = c.compare(draws, steered, pd.DataFrame(truth, draws.panel.index))
        free_crps.append(table.loc["all", "crps"])
        steered_crps.append(table.loc["all", "crps_steered"])
        assert table.loc["all", "n_cells"] == len(draws.cells)
    assert stats.ttest_rel(steered_crps, free_crps).pvalue < 0.05
    assert np.mean(steered_crps) < np.mean(free_crps)


def test_relation_and_equality_hold_together():
    rng = np.random.default_rng(0)
    parts = rng.normal(10, 1, (60, 2)).cumsum(0) / 5
    table = pd.DataFrame({"a": parts[:, 0], "b": parts[:, 1], "whole": parts.sum(1)})
    gappy = table.mask(rng.random(table.shape) < 0.4)
    panel = to_panel(gappy)
    cells = np.flatnonzero(np.isnan(panel.values))
    truth = table.to_numpy().ravel()[cells]
    draws = Draws(panel, truth + rng.normal(size=(300, len(cells))), cells)
    A = np.zeros((1, 60, 3))
    A[0, :, 0] = 1
    known = [
        c.relation({"whole": 1, "a": -1, "b": -1}),
        c.equality(A, [table["a"].sum()]),
    ]
    steered = c.steer(draws, known)
    paths = steered.paths()
    assert np.abs(paths[..., 2] - paths[..., 0] - paths[..., 1]).max() < 1e-9
    assert np.abs(paths[..., 0].sum(1) - table["a"].sum()).max() < 1e-8
    alone = gappy.isna().sum(axis=1) == 1  # then the relation tells the cell
    found = steered.median().to_numpy()
    np.testing.assert_allclose(found[alone], table.to_numpy()[alone])


def test_panels_are_conditioned_series_by_series():
    draws, data, _, _ = exact(200)
    two = pd.concat({"u": data.frame(), "v": data.frame()}, names=["unique_id", "time"])
    panel = to_panel(two)
    cells = np.flatnonzero(np.isnan(panel.values))
    rng = np.random.default_rng(1)
    double = Draws(panel, rng.normal(size=(200, len(cells))), cells)
    label = daily(draws, data).index[0]
    steered = c.steer(double, c.total("D", {("u", label): 5.0}, "x0"))
    moved = (steered.samples != double.samples).any(0)
    assert moved.any()
    assert not moved[cells >= panel.bounds[1] * 2].any()


# --- bounds, whole numbers, order -----------------------------------------------------


def test_bounds_cut_the_law_off_and_do_not_clip():
    panel = to_panel(pd.DataFrame({"y": [1.0, NAN, NAN, NAN]}))
    rng = np.random.default_rng(0)
    paths = rng.normal([0.3, 5.0, -2.0], 1, (2000, 3))
    draws = Draws(panel, paths, np.array([1, 2, 3]))
    steered = c.steer(draws, c.bounds(0, 4))
    assert steered.samples.min() >= 0
    assert steered.samples.max() <= 4
    for k, mean in enumerate([0.3, 5.0, -2.0]):
        law = stats.truncnorm(0 - mean, 4 - mean, loc=mean)
        inside = ((paths[:, k] >= 0) & (paths[:, k] <= 4)).sum()
        far = stats.kstest(steered.samples[:, k], law.cdf).statistic
        assert far < 1.63 / np.sqrt(inside)
        assert (steered.samples[:, k] == 0).mean() < 0.01
    order = stats.spearmanr(paths[:, 0], steered.samples[:, 0]).statistic
    assert order > 0.999
    inside = c.steer(draws, c.bounds(-50, 50))
    np.testing.assert_array_equal(inside.samples, paths)


def test_far_outside_bounds_the_tail_of_a_normal_law_is_what_is_left():
    panel = to_panel(pd.DataFrame({"y": [1.0, NAN]}))
    paths = np.random.default_rng(0).normal(-30, 1, (400, 1))
    low = c.steer(Draws(panel, paths, np.array([1])), c.nonnegative()).samples
    assert low.min() >= 0
    assert 0.01 < low.mean() < 0.06  # of about an exponential law of mean 1 / 30
    assert len(np.unique(low)) > 300


def test_totals_hold_within_bounds():
    draws, _, _, _ = exact(300, seed=3)
    shifted = Draws(
        to_panel(draws.panel.frame(draws.panel.values) - draws.panel.values[0].min()),
        np.abs(draws.samples) * 0.3,
        draws.cells,
    )
    low = np.nanmin(shifted.panel.values)
    known = [c.bounds(min(low, 0.0), None), c.total("D", _some_totals(shifted), "x0")]
    steered = c.steer(shifted, known)
    assert steered.samples.min() >= min(low, 0.0)
    A, b = system(shifted, known[1].values)
    assert np.abs(steered.samples @ A.T - b).max() < 1e-8


def _some_totals(draws):
    """Totals of days as the paths have them at their most modest."""
    table = pd.DataFrame(draws.paths()[np.arange(1)][0], draws.panel.index)
    holes = pd.DataFrame(draws.panel.values, draws.panel.index)[0].isna()
    return table[0].resample("D").sum()[holes.resample("D").sum() > 0]


def test_counts_are_whole_and_add_up():
    days = pd.date_range("2024-01-01", periods=48, freq="h")
    y = pd.Series(np.random.default_rng(0).poisson(3, 48).astype(float), days, name="n")
    gappy = y.mask(np.random.default_rng(1).random(48) < 0.5)
    panel = to_panel(gappy)
    cells = np.flatnonzero(np.isnan(panel.values))
    paths = np.random.default_rng(2).normal(3, 1.7, (300, len(cells)))
    known = [c.integer(), c.nonnegative(), c.total("D", y.resample("D").sum())]
    steered = c.steer(Draws(panel, paths, cells), known)
    assert (steered.samples == np.round(steered.samples)).all()
    assert steered.samples.min() >= 0
    totals = steered.paths()[..., 0].reshape(300, 2, 24).sum(2)
    np.testing.assert_array_equal(totals, np.tile(y.resample("D").sum(), (300, 1)))


@pytest.mark.parametrize("increasing", [True, False])
def test_orders_rise_between_the_neighbours_of_a_gap(increasing):
    sign = 1 if increasing else -1
    level = sign * np.array([0.0, 1, NAN, NAN, NAN, 2, NAN, NAN, 5, NAN])
    panel = to_panel(pd.DataFrame({"meter": level}))
    cells = np.flatnonzero(np.isnan(level))
    paths = np.random.default_rng(0).normal(sign * 2, 2, (400, len(cells)))
    known = [c.monotone("meter", increasing=increasing)]
    steered = c.steer(Draws(panel, paths, cells), known).paths()[..., 0]
    assert (sign * np.diff(steered, axis=1) >= 0).all()
    assert np.std(steered, axis=0)[[2, 3, 4, 6, 7, 9]].min() > 0.05


# --- preferences ----------------------------------------------------------------------


def test_a_quadratic_reward_tilts_a_normal_law_as_in_closed_form():
    draws, _, mean, covariance = exact(3000, seed=5, n_channels=1, missing=0.2)
    where = draws.cells
    a = np.ones(len(where)) / len(where)
    weight, goal = 40.0, 1.0

    def near(paths):
        return -0.5 * (paths.flatten(1)[:, where].mean(1) - goal) ** 2

    steered = c.steer(draws, c.reward(near, weight)).samples
    precision = np.linalg.inv(covariance) + weight * np.outer(a, a)
    S = np.linalg.inv(precision)
    m = S @ (np.linalg.solve(covariance, mean) + weight * goal * a)
    sd = np.sqrt(np.diag(S))
    assert np.abs((steered.mean(0) - m) / sd).max() < 0.12
    assert (steered @ a).mean() == pytest.approx(a @ m, abs=0.1 * np.sqrt(a @ S @ a))
    assert (steered @ a).std() == pytest.approx(np.sqrt(a @ S @ a), rel=0.06)


def test_paths_avoid_what_they_are_told_to():
    draws, _, mean, _ = exact(500, n_channels=1)
    table = np.full(draws.panel.values.shape, NAN)
    table.ravel()[draws.cells] = mean + 0.3
    steered = c.steer(draws, c.avoid(table, weight=3.0, scale=0.5))
    before = ((draws.samples - mean - 0.3) ** 2).mean()
    assert ((steered.samples - mean - 0.3) ** 2).mean() > 1.1 * before


# --- what can't be met ----------------------------------------------------------------

DAYS = pd.date_range("2024-01-01", periods=4, freq="12h")
TABLE = pd.DataFrame({"y": [1.0, NAN, NAN, 4.0], "z": [1.0, 2, NAN, 3]}, DAYS)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ([c.bounds(2, None, "y"), c.bounds(None, 1.5, "y")], "observed value 1 in"),
        ([c.bounds(0, 9, "z"), c.bounds(9.5, 20, "y")], "contradicts the observed"),
        ([c.bounds(0, 5), c.total("D", {"2024-01-01": 30.0}, "y")], "at most"),
        ([c.nonnegative(), c.total("D", {"2024-01-01": 0.5}, "y")], "nonnegative"),
        (
            [c.total("D", {"2024-01-01": 3.0}, "y"), c.total("12h", {DAYS[1]: 5}, "y")],
            r"total\('D'.*and total\('12h'.*contradict each other",
        ),
        ([c.total("D", {"2024-01-01": 4.0}, "z")], "no cell of it is missing and"),
        ([c.total("D", {"2023-01-01": 4.0}, "z")], "which is no period"),
        ([c.total("D", {"2024-01-01": 4.0})], "needs the channel"),
        ([c.total("D", {"2024-01-01": 4.0}, "w")], "names column 'w'"),
        ([c.relation({"y": 1, "w": -1})], "names column 'w'"),
        ([c.bounds(0, 9, "w")], "names column 'w'"),
        ([c.integer("w")], "names column 'w'"),
        ([c.monotone("w")], "names column 'w'"),
        ([c.avoid(np.ones((3, 2)))], r"scenario of shape \(3, 2\), but the frame"),
        ([c.equality(np.ones((1, 3)), [1])], "weights of 3 cells"),
        ([c.integer("y"), c.bounds(2.2, 2.8, "z")], "observed value 1 in"),
        ([c.monotone("z", increasing=False)], "a step the other way"),
        (
            [c.monotone("y"), c.total("D", {"2024-01-01": 3.0}, "y")],
            "over a part of a gap",
        ),
    ],
)
def test_contradictions_are_named(known, message):
    panel = to_panel(TABLE)
    cells = np.flatnonzero(np.isnan(panel.values))
    paths = np.random.default_rng(0).normal(2, 1, (100, len(cells)))
    with pytest.raises(ValueError, match=message):
        c.steer(Draws(panel, paths, cells), known)


def test_rows_that_repeat_each_other_are_one():
    panel = to_panel(TABLE)
    cells = np.flatnonzero(np.isnan(panel.values))
    paths = np.random.default_rng(0).normal(2, 1, (100, len(cells)))
    once = c.total("D", {"2024-01-01": 3.0}, "y")
    both = c.steer(Draws(panel, paths, cells), [once, once]).samples
    np.testing.assert_allclose(both[:, 0], 2.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: c.bounds(), "needs low, high or both"),
        (lambda: c.bounds(3, 2), "low <= high"),
        (lambda: c.bounds(NAN, 2), "low <= high"),
        (lambda: c.bounds(2, NAN), "low <= high"),
        (lambda: c.total("D", {"2024-01-01": NAN}), "finite values by period"),
        (lambda: c.total("D", {}), "got no value"),
        (lambda: c.equality([[1.0, NAN]], [1]), "finite numbers"),
        (lambda: c.equality([[1.0, 1.0]], [NAN]), "finite numbers"),
        (lambda: c.equality([[0.0, 0.0]], [1]), "Row 0 of A is zero"),
        (lambda: c.relation({"y": NAN}), "finite weights"),
        (lambda: c.relation({"y": 1.0}, NAN), "finite weights"),
        (lambda: c.relation({"y": 0.0}), "not all zero"),
        (lambda: c.reward(torch.sum, -1), "above 0"),
        (lambda: c.avoid([[NAN]]), "at least one value"),
        (lambda: c.reward(torch.sum, NAN), "above 0"),
        (lambda: c.avoid([[1.0]], scale=0), "above 0"),
        (lambda: c.avoid([[1.0]], scale=NAN), "above 0"),
    ],
)
def test_what_says_nothing_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("fn", "error", "message"),
    [
        (
            lambda p: torch.from_numpy(p.detach().numpy().sum((1, 2))),
            TypeError,
            "can't",
        ),
        (lambda p: (p > 0).double().sum((1, 2)), TypeError, "can't be differentiated"),
        (lambda p: p.nansum(), TypeError, r"shape \(100,\)"),
        (lambda p: p.sum((1, 2)), ValueError, "is not finite"),
    ],
)
def test_rewards_that_cannot_steer_are_refused(fn, error, message):
    panel = to_panel(TABLE)
    cells = np.flatnonzero(np.isnan(panel.values))[:1]
    paths = np.random.default_rng(0).normal(2, 1, (100, 1))
    with pytest.raises(error, match=message):
        c.steer(Draws(panel, paths, cells), c.reward(fn))


def test_few_draws_and_strangers_are_refused():
    panel = to_panel(TABLE)
    cells = np.flatnonzero(np.isnan(panel.values))
    paths = np.random.default_rng(0).normal(2, 1, (20, len(cells)))
    with pytest.raises(ValueError, match="50 draws or more"):
        c.steer(Draws(panel, paths, cells), c.nonnegative())
    with pytest.raises(TypeError, match="must be made by"):
        c.steer(Draws(panel, paths, cells), [lambda x: x])


# --- estimators -----------------------------------------------------------------------


def test_estimators_answer_given_what_is_known():
    from tsdiff.baselines import LinearInterpolation, SeasonalNaive

    hours = pd.date_range("2024-01-01", periods=72, freq="h")
    wave = 5 + 3 * np.sin(np.arange(72) * np.pi / 12)
    y = pd.DataFrame({"load": np.where(np.arange(72) % 11 < 5, NAN, wave)}, hours)
    filler = LinearInterpolation(random_state=0).fit(y)
    days = pd.Series([100.0, 130.0, 90.0], hours[::24])
    known = [c.total("D", days), c.nonnegative()]
    draws = filler.sample(y, 60, constraints=known)
    assert len(draws) == 60
    assert draws.given
    totals = draws.paths()[..., 0].reshape(60, 3, 24).sum(2)
    np.testing.assert_allclose(totals, np.tile(days, (60, 1)), rtol=1e-9)
    more = filler.sample(y, 90, constraints=known)
    np.testing.assert_array_equal(more.samples[:60], draws.samples)
    filled = filler.transform(y, constraints=known)
    seen = y["load"].notna()
    pd.testing.assert_series_equal(filled["load"][seen], y["load"][seen])
    assert filled["load"].min() >= 0
    assert filler.sample(y, 10).given == ()

    ahead = SeasonalNaive(horizon=24, period=24, random_state=0).fit(
        filler.transform(y)
    )
    tomorrow = c.total("D", {"2024-01-04": 150.0})
    paths = ahead.sample(constraints=tomorrow).samples
    np.testing.assert_allclose(paths.sum(1), 150.0)
    table = ahead.predict(level=[80], constraints=[tomorrow, c.bounds(0, 20)])
    assert table.columns.tolist() == ["load", "load-lo-80", "load-hi-80"]
    assert abs(table["load"].sum() - 150) < 10
    point = ahead.predict(constraints=[tomorrow, c.bounds(0, 20)])
    pd.testing.assert_frame_equal(point, table[["load"]])


def test_intervals_and_quantiles_are_those_of_the_constrained_draws():
    from tsdiff.baselines import LinearInterpolation, SeasonalNaive

    hours = pd.date_range("2024-01-01", periods=48, freq="h")
    wave = 5 + 3 * np.sin(np.arange(48) * np.pi / 12)
    y = pd.DataFrame({"load": wave}, hours)
    gappy = y.mask(np.arange(48)[:, None] % 11 < 5)
    filler = LinearInterpolation(random_state=0).fit(gappy)
    ahead = SeasonalNaive(horizon=24, period=24, random_state=0).fit(y)
    day = {"2024-01-02": 140.0}, {"2024-01-03": 150.0}
    noisy = {"constraints": c.total("D", day[0]), "obs_std": 0.5}
    for model, question, known in (
        (filler, (gappy,), {"constraints": [c.total("D", day[0]), c.nonnegative()]}),
        (filler, (gappy,), noisy),
        (ahead, (24,), {"constraints": c.total("D", day[1])}),
    ):
        draws = model.sample(*question, n_samples=200, **known)
        ends = model.predict_interval(*question, level=[80, 95], **known)
        pd.testing.assert_frame_equal(ends, draws.interval([0.8, 0.95]))
        levels = model.predict_quantiles(*question, alpha=[0.1, 0.5], **known)
        pd.testing.assert_frame_equal(levels, draws.quantile([0.1, 0.5]))
    where = gappy.isna() & (np.arange(48)[:, None] < 24)
    known = {"constraints": c.bounds(0, 9)}
    some = filler.predict_interval(gappy, where=where, **known)
    assert some.iloc[:24].notna().all(axis=None)
    assert some.iloc[24:].isna().any(axis=None)


def test_constraints_are_checked_where_nothing_is_missing():
    from tsdiff.baselines import LinearInterpolation

    full = pd.DataFrame({"y": [5.0, 7.0, 7.5, 6.0]}, DAYS)
    filler = LinearInterpolation(random_state=0).fit(full)
    assert len(filler.sample(full, 20, constraints=c.nonnegative())) == 20
    assert len(filler.sample(full, 20, obs_std=0.0)) == 20
    with pytest.raises(ValueError, match="no cell of it is missing"):
        filler.sample(full, constraints=c.total("D", {"2024-01-01": 99.0}))
    with pytest.raises(ValueError, match="observed value 5"):
        filler.transform(full, constraints=c.bounds(0, 1))
    with pytest.raises(ValueError, match="names column 'w'"):
        filler.sample(full, constraints=c.nonnegative("w"))
    with pytest.raises(TypeError, match=r"made by tsdiff\.constraints"):
        filler.sample(full, constraints="junk")
