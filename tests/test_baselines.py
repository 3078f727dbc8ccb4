"""What baselines have in common: honest spread, one law, draws that stand alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from tsdiff import datasets
from tsdiff.baselines import KalmanSmoother, LastValue, LinearInterpolation
from tsdiff.baselines import contract as contract_module

ALL = [LinearInterpolation, LastValue, KalmanSmoother]
Z90 = ndtri(0.95)


@parametrize_with_checks(
    [LinearInterpolation(random_state=0), LastValue(random_state=0)]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_walks_keep_sklearns_contract(estimator, check):
    check(estimator)


def walk(n_rows, rate=1.0, seed=0):
    rng = np.random.default_rng(seed)
    stamps = pd.date_range("2024-01-01", periods=n_rows, freq="h", name="time")
    steps = np.sqrt(rate) * rng.standard_normal(n_rows)
    return pd.Series(steps.cumsum(), index=stamps, name="y")


def with_gap(y, *gaps):
    y = y.copy()
    for gap in gaps:
        y.iloc[gap] = np.nan
    return y


def law(model, X):
    """Mean and standard deviation of all cells, by the public methods."""
    ends = np.asarray(model.predict_interval(X, 0.9), dtype=float)
    filled = np.asarray(model.transform(X), dtype=float).reshape(len(ends), -1)
    return filled, (ends[:, 1::2] - ends[:, ::2]) / (2 * Z90)


@pytest.mark.parametrize("baseline", ALL)
def test_intervals_cover_what_they_say_on_walks(baseline):
    y = walk(20_000, rate=4.0, seed=3)
    gappy, hidden = datasets.make_gaps(y, "blocks", ratio=0.2, length=5)
    model = baseline().fit(gappy)
    for share in (0.5, 0.9):
        ends = model.predict_interval(gappy, share).to_numpy()[hidden]
        inside = (ends[:, 0] <= y[hidden]) & (y[hidden] <= ends[:, 1])
        assert inside.mean() == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("baseline", ALL)
def test_spread_is_honest_on_real_gaps_of_a_smooth_series(baseline):
    glucose = datasets.load_glucose()[["glucose"]]
    gappy, hidden = datasets.make_gaps(glucose, "blocks", ratio=0.1, random_state=5)
    ends = baseline().fit(gappy).predict_interval(gappy, 0.9).to_numpy()
    truth, cells = glucose.to_numpy()[:, 0], hidden.to_numpy()[:, 0]
    inside = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
    assert 0.84 < inside[cells].mean() < 0.97


def panel_frame(seed=0):
    """Three series of two channels, one of them without any value."""
    values = datasets.make_linear_gaussian(3, 60, 2, random_state=seed).frame()
    values.loc["s1", "x1"] = np.nan
    return values


@pytest.mark.parametrize("baseline", ALL)
@pytest.mark.parametrize("kind", ["frame", "series", "float32", "3-d"])
def test_observed_cells_pass_bit_for_bit(baseline, kind):
    frame = panel_frame()
    data = {
        "frame": frame,
        "series": frame.loc["s0", "x0"],
        "float32": frame.astype("float32"),
        "3-d": frame.to_numpy().reshape(3, 60, 2),
    }[kind]
    before = np.array(data, copy=True)
    model = baseline(random_state=0).fit(data)
    for answer in (model.transform(data), next(iter(model.sample(data, 2)))):
        assert type(answer) is type(data)
        found, seen = np.asarray(answer), ~np.isnan(before)
        assert found.dtype == before.dtype
        assert not np.isnan(found).any()
        assert found[seen].tobytes() == before[seen].tobytes()
    np.testing.assert_array_equal(np.asarray(data), before)


@pytest.mark.parametrize("baseline", ALL)
def test_draws_stand_alone(baseline):
    frame = panel_frame()
    model = baseline(random_state=7).fit(frame)
    draws = model.sample(frame, 6)
    all_cells = pd.DataFrame(draws.paths()[3], index=frame.index, columns=frame.columns)
    alone = model.sample(frame.loc[["s2"]], 4)
    np.testing.assert_array_equal(alone.paths()[3], all_cells.loc[["s2"]])
    turned = frame.loc[["s2", "s0", "s1"]]
    path = list(model.sample(turned, 5))[3]
    pd.testing.assert_frame_equal(path.loc[frame.index], all_cells)
    where = frame.isna() & (np.arange(len(frame)) % 3 == 0)[:, None]
    some = model.sample(frame, 6, where=where)
    known = np.isin(draws.cells, some.cells)
    np.testing.assert_array_equal(some.samples, draws.samples[:, known])
    other = model.sample(frame, 6, random_state=8)
    assert (other.samples != draws.samples).all()


@pytest.mark.parametrize("baseline", ALL)
def test_series_and_channels_have_noise_of_their_own(baseline):
    same = np.repeat([with_gap(walk(50), slice(20, 24))], 4, axis=0)
    data = same.reshape(2, 2, 50).transpose(0, 2, 1)  # two series, two channels
    samples = baseline(random_state=0).fit(data).sample(data, 500).samples
    middle = samples[:, [4, 5, 12, 13]]  # the same row of all four
    correlation = np.corrcoef(middle.T) - np.eye(4)
    assert np.abs(correlation).max() < 5 / np.sqrt(500)


@pytest.mark.parametrize("baseline", ALL)
def test_draws_do_not_depend_on_the_memory_they_are_made_in(baseline, monkeypatch):
    frame = panel_frame()
    model = baseline(random_state=7).fit(frame)
    whole = model.sample(frame, 9).samples
    monkeypatch.setattr(contract_module, "_BLOCK", 130)  # two paths of 60 rows
    np.testing.assert_allclose(model.sample(frame, 9).samples, whole, rtol=1e-12)


@pytest.mark.parametrize("baseline", ALL)
def test_quantiles_intervals_and_draws_tell_the_same_law(baseline):
    frame = panel_frame()
    model = baseline(random_state=0).fit(frame)
    ends = model.predict_interval(frame, coverage=0.8)
    assert list(ends.columns) == ["x0-lo-80", "x0-hi-80", "x1-lo-80", "x1-hi-80"]
    pd.testing.assert_frame_equal(ends, model.predict_interval(frame, level=80))
    quantiles = model.predict_quantiles(frame, [0.1, 0.9])
    np.testing.assert_allclose(quantiles.to_numpy(), ends.to_numpy(), rtol=1e-12)
    draws = model.sample(frame, 4000)
    mean, sd = (part.ravel()[draws.cells] for part in law(model, frame))
    assert (np.abs(draws.samples.mean(0) - mean) < 5 * sd / np.sqrt(4000)).all()
    np.testing.assert_allclose(draws.samples.std(0), sd, rtol=5 / np.sqrt(8000))


@pytest.mark.parametrize("baseline", ALL)
def test_series_without_a_value_get_the_law_of_the_channel(baseline):
    frame = panel_frame()
    model = baseline(random_state=0).fit(frame)
    column = frame["x1"].dropna()
    mean, sd = law(model, frame)
    np.testing.assert_allclose(mean[60:120, 1], column.mean())
    np.testing.assert_allclose(sd[60:120, 1], column.std(ddof=0))
    levels = model.sample(frame, 50).paths()[:, 60:120, 1]
    assert (np.ptp(levels, axis=1) == 0).all()  # one level per path
    assert np.ptp(levels[:, 0]) > column.std()


@pytest.mark.parametrize("baseline", ALL)
def test_constant_columns_stay_constant(baseline):
    frame = pd.DataFrame({"a": np.full(50, 3.0)})
    frame.iloc[10:20] = np.nan
    mean, sd = law(baseline(random_state=0).fit(frame), frame)
    np.testing.assert_allclose(mean, 3.0, rtol=1e-6)
    assert sd.max() < 1e-4


@pytest.mark.parametrize("baseline", ALL)
def test_bad_requests_are_refused_in_words(baseline):
    y = with_gap(walk(60), slice(20, 30))
    with pytest.raises(NotFittedError):
        baseline().transform(y)
    with pytest.raises(ValueError, match="nothing to learn from"):
        baseline().fit(np.full((5, 2), np.nan))
    frame = y.to_frame().assign(empty=np.nan)
    with pytest.warns(UserWarning, match="'empty' hold no value"):
        model = baseline().fit(frame)
    assert (model.transform(frame)["empty"] == 0).all()
    model = baseline().fit(y)
    for wrong in (0, 2.0, "3"):
        with pytest.raises(ValueError, match="n_samples must be a whole number"):
            model.sample(y, wrong)
    with pytest.raises(ValueError, match=r"missing cells take 16\.0 GB"):
        model.sample(y, 200_000_000)
    with pytest.raises(ValueError, match="feature names"):
        model.transform(y.rename("z"))


@pytest.mark.parametrize("baseline", ALL)
def test_long_gaps_and_absent_rows_are_treated_as_asked(baseline):
    y = with_gap(walk(60), slice(20, 30), slice(40, 42))
    model = baseline(max_gap=5, random_state=0).fit(y)
    with pytest.warns(UserWarning, match=r"1 gap\(s\) longer than max_gap=5"):
        filled = model.transform(y)
    assert filled.isna().sum() == 10
    model = baseline(freq="h", insert_absent=True).fit(y)
    answer = model.transform(y.drop(y.index[5:7]))
    assert answer.index.equals(y.index)
    assert not answer.isna().any()
