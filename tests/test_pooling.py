"""Rubin's rules: closed forms, coverage, and shifts that tip a conclusion."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats
from sklearn.linear_model import LinearRegression

from tsdiff import plotting, pool, sensitivity
from tsdiff.datasets import make_linear_gaussian
from tsdiff.draws import Draws
from tsdiff.panel.frame import to_panel
from tsdiff.pooling import rubin

N_SETS, N_ROWS, M = 500, 200, 20
SLOPE = "x0"


def made(n_draws=20, seed=0):
    """Frame of two correlated columns with holes in one, and draws of these."""
    rng = np.random.default_rng(seed)
    x0 = rng.normal(size=120)
    frame = pd.DataFrame({"x0": x0, "x1": 1 + 0.7 * x0 + rng.normal(size=120)})
    frame.iloc[rng.choice(120, 40, replace=False), 0] = np.nan
    panel = to_panel(frame)
    cells = np.flatnonzero(~panel.observed)
    mean = 0.5 * (frame["x1"][frame["x0"].isna()].to_numpy() - 1)
    samples = mean + 0.8 * rng.normal(size=(n_draws, len(cells)))
    return Draws(panel, samples, cells)


# --- the rules ------------------------------------------------------------------------


def test_rules_are_those_of_rubin_and_of_barnard_and_rubin():
    rng = np.random.default_rng(0)
    q, u, df = rng.normal(size=(7, 3)), rng.random((7, 3)), 40
    pooled = rubin(q, u, df)
    w, b = u.mean(0), q.var(0, ddof=1)
    total = w + b + b / 7
    lam = (b + b / 7) / total
    old = 6 / lam**2
    seen = (df + 1) / (df + 3) * df * (1 - lam)
    np.testing.assert_allclose(pooled.estimate, q.mean(0))
    np.testing.assert_allclose(pooled.std_error**2, total)
    np.testing.assert_allclose(pooled.df, old * seen / (old + seen))
    low, high = pooled.interval(0.9)
    reach = stats.t.ppf(0.95, pooled.df) * np.sqrt(total)
    np.testing.assert_allclose([low, high], [q.mean(0) - reach, q.mean(0) + reach])
    expected = 2 * stats.t.sf(abs(q.mean(0) - 1) / np.sqrt(total), pooled.df)
    np.testing.assert_allclose(pooled.p_value(1.0), expected)


def test_equal_frames_are_analysed_as_one():
    pooled = rubin(np.ones((5, 2)), np.full((5, 2), 4.0), 30)
    np.testing.assert_allclose(pooled.std_error, 2)
    np.testing.assert_allclose(pooled.df, 30 * 31 / 33)  # known to Barnard and Rubin
    np.testing.assert_array_equal(pooled.missing_information, 0)
    sure = rubin([[1.0], [1.0]], [[0.0], [0.0]])
    assert (sure.std_error, sure.p_value(), sure.p_value(1)) == (0, 0, 1)


def proper_imputations(x0, x1, m, rng):
    """Draw x0 where it is missing, given x1: the exact posterior, parameters unknown.

    A normal regression of x0 on x1 under Jeffreys' prior, all sets and draws at once:
    arrays (n_sets, n_rows) in, (m, n_sets, n_rows) out.
    """
    seen = ~np.isnan(x0)
    n = seen.sum(1)
    design = np.stack([np.ones_like(x1), x1], axis=2) * seen[:, :, None]
    gram = np.einsum("srp,srq->spq", design, design)
    moment = np.einsum("srp,sr->sp", design, np.nan_to_num(x0))
    beta = np.linalg.solve(gram, moment[:, :, None])[:, :, 0]
    rest = np.nansum((x0 - beta[:, :1] - beta[:, 1:] * x1) ** 2, axis=1)
    sd = np.sqrt(rest / rng.chisquare(n - 2, (m, len(x0))))
    root = np.linalg.cholesky(np.linalg.inv(gram))
    away = np.einsum("spq,msq->msp", root, rng.normal(size=(m, len(x0), 2)))
    drawn = beta + sd[:, :, None] * away
    mean = drawn[:, :, :1] + drawn[:, :, 1:] * x1
    values = mean + sd[:, :, None] * rng.normal(size=mean.shape)
    return np.where(seen, x0, values)


def slopes(x, y, weight):
    """Slope of y on x by least squares and its variance; arrays (..., n_rows)."""
    n = weight.sum(-1)
    x, y = np.where(weight, x, 0), np.where(weight, y, 0)
    x = np.where(weight, x - (x.sum(-1) / n)[..., None], 0)
    y = np.where(weight, y - (y.sum(-1) / n)[..., None], 0)
    square = (x**2).sum(-1)
    slope = (x * y).sum(-1) / square
    rest = ((y - slope[..., None] * x) ** 2).sum(-1)
    return slope, rest / (n - 2) / square


def covered(pooled_low, pooled_high, truth):
    return float(((pooled_low <= truth) & (truth <= pooled_high)).mean())


def test_intervals_cover_on_500_sets_where_the_usual_ways_do_not():
    # rows of a Gaussian law; x0 is missing where x1 is low: at random, but not
    # completely, so complete rows alone tell another slope
    rng = np.random.default_rng(0)
    law = make_linear_gaussian(
        N_SETS, N_ROWS, 2, persistence=0, noise=0.5, random_state=0
    )
    x0, x1 = law.truth[:, :, 0].copy(), law.truth[:, :, 1]
    joint = law.mixing + law.noise**2 * np.eye(2)
    truth = joint[0, 1] / joint[0, 0]
    lost = rng.random(x0.shape) < 1 / (1 + np.exp(1 + 2 * x1))
    assert 0.25 < lost.mean() < 0.4
    x0[lost] = np.nan
    filled = proper_imputations(x0, x1, M, rng)
    slope, variance = slopes(filled, x1, np.ones_like(filled, dtype=bool))
    pooled = rubin(slope[:, :, None], variance[:, :, None], N_ROWS - 2)
    low, high = (end[:, 0] for end in pooled.interval())
    assert 0.93 <= covered(low, high, truth) <= 0.97
    reach = stats.t.ppf(0.975, N_ROWS - 2) * np.sqrt(variance[0])
    single = covered(slope[0] - reach, slope[0] + reach, truth)
    alone, spread = slopes(np.nan_to_num(x0), x1, ~lost)
    reach = 1.97 * np.sqrt(spread)
    complete = covered(alone - reach, alone + reach, truth)
    assert single < 0.9
    assert complete < 0.9


# --- analyses -------------------------------------------------------------------------


def test_formula_function_and_rules_by_hand_agree():
    draws = made()
    fits = [smf.ols("x1 ~ x0", frame).fit() for frame in draws]
    hand = rubin([f.params for f in fits], [f.bse**2 for f in fits], 118)
    by_formula = pool(draws, "x1 ~ x0")
    by_function = pool(draws, lambda df: smf.ols("x1 ~ x0", df).fit())
    for pooled in (by_formula, by_function):
        np.testing.assert_allclose(pooled.estimate, hand.estimate)
        np.testing.assert_allclose(pooled.std_error, hand.std_error)
        np.testing.assert_allclose(pooled.df, hand.df)
        assert pooled.terms == ("Intercept", "x0")
    robust = pool(draws, lambda df: smf.ols("x1 ~ x0", df).fit(cov_type="HC3"))
    assert (robust.std_error != hand.std_error).all()
    assert "x0" in repr(by_formula)


def test_an_estimator_gets_the_errors_of_least_squares():
    draws = made(8)
    expected = pool(draws, "x1 ~ x0")
    pooled = pool(draws, LinearRegression(), target="x1", n_resamples=200)
    np.testing.assert_allclose(pooled.estimate, expected.estimate)
    np.testing.assert_allclose(pooled.std_error, expected.std_error, rtol=0.12)
    assert pooled.terms == expected.terms


def test_blocks_of_rows_tell_of_dependent_residuals():
    rng = np.random.default_rng(3)
    slow = np.convolve(rng.normal(size=700), np.ones(30), "valid")[:600]
    slower = np.convolve(rng.normal(size=700), np.ones(30), "valid")[:600]
    frame = pd.DataFrame({"x": slow, "y": slow + slower})
    frame.iloc[::7, 1] = np.nan
    panel = to_panel(frame)
    cells = np.flatnonzero(~panel.observed)
    draws = Draws(panel, np.repeat(slow[None, ::7], 3, axis=0), cells)
    ask = {"target": "y", "features": ["x"]}
    alone = pool(draws, LinearRegression(), **ask).std_error[1]
    blocks = pool(draws, LinearRegression(), block_length=60, **ask).std_error[1]
    lags = {"cov_type": "HAC", "cov_kwds": {"maxlags": 60}}
    robust = pool(draws, lambda df: smf.ols("y ~ x", df).fit(**lags)).std_error[1]
    assert blocks > 2 * alone
    assert blocks == pytest.approx(robust, rel=0.35)


def test_a_figure_of_these_rows_has_the_uncertainty_of_the_draws():
    draws = made(200)
    pooled = pool(draws, lambda df: df["x0"].mean())
    means = [frame["x0"].mean() for frame in draws]
    assert pooled.estimate == pytest.approx(np.mean(means))
    assert pooled.std_error == pytest.approx(np.std(means, ddof=1), rel=0.01)
    both = pool(draws, lambda df: df.mean())
    assert both.terms == ("x0", "x1")
    assert both.std_error[1] == 0


def test_analyses_that_cannot_be_made_are_refused():
    draws = made(3)
    with pytest.raises(ValueError, match="at least 2 completed frames"):
        pool(made(1), "x1 ~ x0")
    with pytest.raises(TypeError, match="is a formula, an estimator"):
        pool(draws, 3)
    with pytest.raises(TypeError, match="go with scikit-learn's estimators"):
        pool(draws, "x1 ~ x0", target="x1")
    with pytest.raises(ValueError, match="needs target"):
        pool(draws, LinearRegression())
    with pytest.raises(ValueError, match="target and features name 'y'"):
        pool(draws, LinearRegression(), target="y")
    with pytest.raises(TypeError, match="must return results with params and bse"):
        pool(draws, lambda df: list(df))
    part = Draws(draws.panel, draws.samples[:, 1:], draws.cells[1:])
    with pytest.raises(ValueError, match="meets 1 of 120 rows"):
        pool(part, "x1 ~ x0")
    with pytest.raises(ValueError, match="hold cells that are missing"):
        pool(part, LinearRegression(), target="x1")
    with pytest.raises(ValueError, match="returned nan for 'x0'"):
        pool(part, lambda df: df.apply(lambda column: column.to_numpy().mean()))


# --- shifts ---------------------------------------------------------------------------


def test_a_mean_shifts_by_the_share_of_imputed_cells():
    draws = made()
    sd = np.nanstd(draws.panel.values[:, 0], ddof=1)
    result = sensitivity(draws, lambda df: df["x0"].mean(), [-1, 0.5, 2])
    frame = result.frame.set_index("shift")
    base = frame.loc[0.0]
    assert frame.index.tolist() == [-1, 0, 0.5, 2]
    slope = sd * len(draws.cells) / 120
    np.testing.assert_allclose(
        frame["estimate"], base["estimate"] + slope * frame.index
    )
    np.testing.assert_allclose(frame["std_error"], base["std_error"])
    # within variance of a formula, in closed form: shifted cells lie further apart
    lines = sensitivity(draws, "x0 ~ 1", [2.0]).frame
    moved = draws.samples + 2 * sd
    each = np.stack([np.append(draws.panel.values[:, 0], row) for row in moved])
    within = np.nanvar(each, axis=1, ddof=1).mean() / 120
    total = within + (1 + 1 / 20) * np.nanmean(each, axis=1).var(ddof=1)
    assert lines["std_error"].iloc[-1] == pytest.approx(np.sqrt(total))


def test_the_conclusion_tips_where_an_end_crosses_the_null():
    draws = made()
    ask = draws, lambda df: df["x0"].mean()
    base = sensitivity(*ask, [0]).frame.iloc[0]
    slope = np.nanstd(draws.panel.values[:, 0], ddof=1) * len(draws.cells) / 120
    for null in (base["lo-95"] - 0.1, base["hi-95"] + 0.1, base["estimate"]):
        result = sensitivity(*ask, np.linspace(-3, 3, 13), null=null)
        exact = np.sort((null - base[["lo-95", "hi-95"]].to_numpy(float)) / slope)
        down, up = result.tipping_points.loc["estimate"]
        if null < base["lo-95"]:
            assert (down, np.isnan(up)) == (pytest.approx(exact[1]), True)
        elif null > base["hi-95"]:
            assert (np.isnan(down), up) == (True, pytest.approx(exact[0]))
        else:
            np.testing.assert_allclose([down, up], exact)
        assert "Sensitivity(13 shifts of x0)" in repr(result)


def test_the_picture_says_the_numbers_of_the_frame():
    result = sensitivity(made(), "x1 ~ x0", [-2, -1, 1, 2], null=0.6)
    figure = plotting.plot_tipping_point(result)
    table = result.frame[result.frame["term"] == "x0"]
    band, null, line = figure.data
    np.testing.assert_allclose(line.y, table["estimate"])
    np.testing.assert_allclose(band.y, [*table["lo-95"], *table["hi-95"][::-1]])
    assert set(null.y) == {0.6}
    middle = table.iloc[2]
    assert line.text[2].startswith(f"{middle['estimate']:.4f}"[:5])
    points = result.tipping_points.loc["x0"].dropna()
    assert [shape.x0 for shape in figure.layout.shapes] == points.tolist()
    with pytest.raises(ValueError, match="term='z' is none of the analysis"):
        plotting.plot_tipping_point(result, "z")


def test_shifts_that_cannot_be_made_are_refused():
    with pytest.raises(ValueError, match="channels names 'x1'"):
        sensitivity(made(), "x1 ~ x0", channels="x1")
    with pytest.raises(ValueError, match="finite numbers"):
        sensitivity(made(), "x1 ~ x0", [np.nan])
