"""Calibrated answers cover as they say, whatever the raw law was."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from small import frame, tiny

from tsdiff import DiffusionForecaster, DiffusionImputer, baselines
from tsdiff.baselines import LinearInterpolation, SeasonalNaive
from tsdiff.baselines.ahead import Seasonal
from tsdiff.baselines.contract import Baseline
from tsdiff.calibration import COVERAGES, Calibration, Scored
from tsdiff.calibration.bins import Bins
from tsdiff.calibration.laws import GRID, GRID_LEVELS, look_up, score
from tsdiff.calibration.maps import KNOTS, LEVELS, conformal_map, evaluate
from tsdiff.gaps import gap_lengths

NAN = np.nan


class Noise(Baseline):
    """Takes data for noise of a standard deviation of its own choice."""

    spread: ClassVar[Any] = staticmethod(lambda number: np.ones(len(number)))

    def _learn(self, panel: Any) -> None:
        pass

    def _law(self, strand: Any) -> tuple[Any, Any]:
        gap = np.cumsum(strand.observed)
        length = np.bincount(gap[~strand.observed])[gap[strand.asked]]
        return np.zeros(len(length)), self.spread(length)

    def _deviations(self, strand: Any, n_samples: int, rng: Any) -> Any:
        _, sd = self._law(strand)
        return sd * rng.standard_normal((n_samples, len(sd)))


class NoiseAhead(Seasonal):
    """The same, looking ahead; its spread is a function of the step."""

    spread: ClassVar[Any] = staticmethod(lambda step: np.ones(len(step)))

    def _law(self, strand: Any) -> tuple[Any, Any]:
        step = np.arange(1, len(strand.asked) + 1)
        return np.zeros(len(step)), self.spread(step)

    def _deviations(self, strand: Any, n_samples: int, rng: Any) -> Any:
        return self._law(strand)[1] * rng.standard_normal(
            (n_samples, len(strand.asked))
        )


def noise(seed: int, n: int = 12_000, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, channels))


def holes(X: Any, seed: Any, longest: int = 4) -> np.ndarray:
    """Mark gaps of 1 to `longest` rows, a fifth of the rows or so."""
    rng, hidden = np.random.default_rng(seed), np.zeros(len(X), dtype=bool)
    starts = np.arange(1, len(X) - 12, 12)
    length = rng.integers(1, longest + 1, len(starts))
    for step in range(longest):
        hidden[starts[length > step] + step] = True
    return hidden


def covered(model: Any, X: np.ndarray, hidden: np.ndarray, coverage: float) -> Any:
    """Whether each hidden cell is inside its interval."""
    gappy = np.where(hidden[:, None], NAN, X)
    low, high = model.predict_interval(gappy, coverage)[hidden].T
    return (low <= X[hidden, 0]) & (X[hidden, 0] <= high)


def agree(share: float, level: float, n: int, n_learned: float) -> bool:
    """Whether a share is within 99.9 % bounds of two independent samples."""
    noise = np.sqrt(level * (1 - level) * (1 / n + 1 / n_learned))
    return bool(abs(share - level) < 3.3 * noise)


@pytest.mark.parametrize("n", [7, 19, 40])
def test_conformal_quantiles_are_valid_for_any_number_of_scores(n):
    # P(new <= k-th smallest of n) is k / (n + 1) for any continuous law: here they are
    # not even centred. Where levels are beyond the scores nothing is promised.
    rng = np.random.default_rng(n)
    trials = 4000
    scores = rng.exponential(size=(trials, n + 1)) - 2
    maps = np.array([conformal_map(row[:-1], KNOTS) for row in scores])
    share = (scores[:, -1:] <= maps).mean(axis=0)
    noise_of = 3.3 * np.sqrt(LEVELS * (1 - LEVELS) / trials)
    inside = ((n + 1) * LEVELS >= 1) & ((n + 1) * LEVELS <= n)
    upper, lower = inside & (LEVELS > 0.5), inside & (LEVELS < 0.5)
    assert (share >= LEVELS - noise_of)[upper].all()
    assert (share <= LEVELS + noise_of)[lower].all()
    assert (np.abs(share - LEVELS) <= 1 / (n + 1) + noise_of)[inside].all()  # no waste


def test_new_clusters_are_covered_although_few_were_seen():
    """Scores of a week share its shift: a dozen weeks tell little of the next one."""
    rng, n_weeks, trials = np.random.default_rng(0), 12, 1000
    shift = 0.7 * rng.standard_normal((trials, n_weeks + 1, 1))
    scores = shift + rng.standard_normal((trials, n_weeks + 1, 40))
    week = np.repeat(np.arange(n_weeks), 40)
    levels = np.searchsorted(LEVELS, [0.25, 0.75, 0.1, 0.9, 0.05, 0.95])
    share = {}
    for name, cluster in (("known", week), ("ignored", None)):
        inside = []
        for known in scores:
            ends = conformal_map(known[:-1].ravel(), KNOTS, cluster)[levels]
            low, high = ends.reshape(3, 2).T
            inside.append((low[:, None] <= known[-1]) & (known[-1] <= high[:, None]))
        share[name] = np.mean(inside, axis=(0, 2))
    np.testing.assert_allclose(share["known"], [0.5, 0.8, 0.9], atol=0.012)
    assert share["ignored"][1] < 0.785


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_mis_scaled_law_covers_after_calibration_in_every_bin(factor, monkeypatch):
    # short gaps are too sure and long ones not sure enough, or the other way round
    spread = staticmethod(lambda length: np.where(length < 3, factor, 1 / factor))
    monkeypatch.setattr(Noise, "spread", spread)
    X, fresh = noise(0, 24_000), noise(1, 24_000)
    model = Noise().fit(noise(3))
    once = {"n_repeats": 1, "random_state": 0}  # so that truths are independent
    model.calibrate(X, pattern=lambda seen, rng: holes(seen, rng)[:, None], **once)
    assert len(model.calibration_.bins) > 3
    hidden = holes(fresh, 4)
    panel = model.schema_.read(model, np.where(hidden[:, None], NAN, fresh))
    length = gap_lengths(panel)[hidden, 0]
    number = model.calibration_.bins.number(
        *model._place(panel, np.flatnonzero(hidden))
    )
    for coverage in COVERAGES:
        raw = covered(model.raw(), fresh, hidden, coverage)
        inside = covered(model, fresh, hidden, coverage)
        for short in (True, False):
            some = (length < 3) == short
            assert abs(raw[some].mean() - coverage) > 0.02  # it was off
        for each in np.unique(number):
            some = number == each
            n_learned = model.calibration_.n_cells[each]
            assert agree(inside[some].mean(), coverage, some.sum(), n_learned)


def test_forecasts_cover_at_every_step_after_calibration(monkeypatch):
    monkeypatch.setattr(NoiseAhead, "spread", staticmethod(lambda step: 2.0 / step))
    model = NoiseAhead(horizon=6).fit(noise(0, 100))
    model.calibrate(noise(1, 12_000))
    y = noise(2, 12_000).reshape(1000, 12, 1)  # fresh: 1000 series, 6 rows of history
    low, high = np.moveaxis(model.predict_interval(y=y[:, :6], coverage=0.8), -1, 0)
    share = ((low <= y[:, 6:, 0]) & (y[:, 6:, 0] <= high)).mean(axis=0)
    assert all(agree(part, 0.8, 1000, 2000) for part in share)
    raw = model.raw().predict_interval(y=y[:, :6], coverage=0.8)
    width = (raw[0, :, 1] - raw[0, :, 0]) / (high - low)[0]
    assert width[0] > 1.5
    assert width[-1] < 0.5


def test_bins_hold_many_cells_of_many_gaps_each():
    rng = np.random.default_rng(0)
    short, long = np.arange(2000), np.repeat(np.arange(2000, 2006), 400)
    length = np.r_[rng.integers(1, 6, 2000), np.full(1200, 300), np.full(1200, 400)]
    zero = np.zeros(len(length))
    few = Bins.of(length, zero, np.concatenate([short, long]))
    assert few.first.max() < 5  # six long gaps are corrected as shorter ones are
    many = Bins.of(length, zero, np.arange(len(length)))
    assert 300 in many.first
    for bins in (few, many):
        number = bins.number(length, zero)
        assert np.unique(number, return_counts=True)[1].min() >= 300


def test_a_law_that_is_right_stays_as_it_is_within_noise():
    X = noise(5)
    gappy = np.where(holes(X, 6)[:, None], NAN, X)
    calibration = Noise().fit(noise(7)).calibrate(gappy, random_state=0).calibration_
    for maps, n in zip(calibration.maps[:, 0], calibration.n_cells, strict=True):
        drift = np.abs(ndtr(maps) - LEVELS)
        assert (drift < 4 * np.sqrt(LEVELS * (1 - LEVELS) / max(n / 8, 100))).all()


def test_without_scores_a_map_is_the_parents_and_with_few_it_leans_on_it():
    np.testing.assert_array_equal(conformal_map(np.empty(0), 2 * KNOTS), 2 * KNOTS)
    one = np.zeros(1, dtype=int)
    cells = Scored(np.array([3.0]), one, one, one, one, one, one)
    maps = Calibration.learn(cells, 1).maps[0, 0]
    assert 0 < maps[len(KNOTS) // 2] < 1.5  # a single forecast moves little
    assert (np.diff(maps) > 0).all()


def test_maps_are_looked_up_linearly_and_go_on_with_their_mean_slope():
    maps = np.stack([KNOTS, 1 + 2 * KNOTS])
    scores = np.array([[-6.0], [-0.3], [0.0], [1.1], [7.0]])
    answer = evaluate(maps, np.array([0, 1]), scores)
    np.testing.assert_allclose(answer, np.hstack([scores, 1 + 2 * scores]), atol=1e-12)


def test_a_table_gives_scores_back_and_spreads_those_of_equal_values():
    table = np.stack([10 + 2 * GRID, np.maximum(GRID, 0)], axis=1)
    scores = np.random.default_rng(0).standard_normal((50, 2))
    values = look_up(table, scores)
    back = score(table, values, np.full((50, 1), 0.5))
    np.testing.assert_allclose(back[:, 0], scores[:, 0], atol=1e-9)
    place = (np.arange(1000)[:, None] + 0.5) / 1000
    zero = ndtr(score(table[:, 1:], np.zeros((1000, 1)), place))
    assert zero.max() == pytest.approx(0.5, abs=0.03)
    np.testing.assert_allclose(np.diff(zero[:, 0]), zero.max() / 1000, rtol=0.01)
    assert score(table, np.array([[1e9, 1e9]]), place[:1]).tolist() == [[8.0, 8.0]]
    np.testing.assert_array_equal(GRID_LEVELS, ndtr(GRID))


def walk(
    seed: int, n: int = 600, scale: float = 1.0, shift: float = 0.0
) -> pd.DataFrame:
    steps = np.random.default_rng(seed).standard_t(3, (n, 2)).cumsum(axis=0)
    days = pd.date_range("2020-01-01", periods=n, freq="D", name="day") + pd.Timedelta(
        1000 * seed, "D"
    )
    return pd.DataFrame(shift + scale * steps, days, ["a", "b"])


def calibrated(scale: float = 1.0, shift: float = 0.0) -> LinearInterpolation:
    model = LinearInterpolation(random_state=0).fit(walk(0, 600, scale, shift))
    return model.calibrate(walk(1, 600, scale, shift), pattern="blocks", length=3)


def gappy(scale: float = 1.0, shift: float = 0.0) -> pd.DataFrame:
    X = walk(2, 80, scale, shift)
    X.iloc[10:14, 0] = X.iloc[40:49] = X.iloc[70:71, 1] = NAN
    return X


def test_answers_are_equivariant_under_scale_and_shift():
    alpha = [0.01, 0.3, 0.5, 0.99]
    plain = calibrated().predict_quantiles(gappy(), alpha)
    other = calibrated(-4.0, 7.0).predict_quantiles(gappy(-4.0, 7.0), alpha)
    flipped = [f"{name}-q-{1 - a:g}" for name in "ab" for a in alpha]
    plain = calibrated().predict_quantiles(gappy(), [1 - a for a in alpha])
    np.testing.assert_allclose(other, 7 - 4 * plain[flipped], rtol=1e-3, atol=0.3)
    larger = calibrated(4.0, 7.0).predict_quantiles(gappy(4.0, 7.0), alpha)
    same = calibrated().predict_quantiles(gappy(), alpha)
    np.testing.assert_allclose(larger, 7 + 4 * same, rtol=1e-8)


def test_draws_quantiles_intervals_and_medians_agree():
    model, X = calibrated(), gappy()
    alpha = [0.05, 0.25, 0.5, 0.75, 0.95]
    quantiles = model.predict_quantiles(X, alpha)
    draws = model.sample(X, 4000, random_state=1)
    for k, level in enumerate(alpha):
        edges = quantiles.to_numpy()[:, k :: len(alpha)].ravel()[draws.cells]
        share = (draws.samples <= edges).mean(axis=0)
        assert (np.abs(share - level) < 3.9 * np.sqrt(level * (1 - level) / 4000)).all()
    median = quantiles[["a-q-0.5", "b-q-0.5"]].to_numpy()
    np.testing.assert_array_equal(model.transform(X), median)
    interval = model.predict_interval(X, coverage=0.5)
    ends = [f"{name}-q-{level}" for name in "ab" for level in (0.25, 0.75)]
    np.testing.assert_allclose(interval, quantiles[ends], rtol=1e-12)


def test_draws_are_the_raw_ones_moved_in_order_and_independent_of_their_number():
    model, X = calibrated(), gappy()
    draws, raw = model.sample(X, 60), model.raw().sample(X, 60)
    order = np.argsort(raw.samples, axis=0)
    assert (np.diff(np.take_along_axis(draws.samples, order, 0), axis=0) >= 0).all()
    assert np.abs(draws.samples - raw.samples).max() > 0.01
    np.testing.assert_allclose(
        model.sample(X, 5).samples, draws.samples[:5], rtol=1e-12
    )


def test_quantiles_ascend_and_observed_cells_stay():
    model, X = calibrated(), gappy()
    levels = [1e-6, 0.001, 0.01, 0.2, 0.5, 0.7, 0.999, 1 - 1e-6]
    table = model.predict_quantiles(X, levels).to_numpy().reshape(80, 2, 8)
    assert (np.diff(table) >= 0).all()
    seen = X.notna().to_numpy()
    np.testing.assert_array_equal(
        table[seen], np.repeat(X.to_numpy()[seen], 8).reshape(-1, 8)
    )
    filled = model.transform(X)
    np.testing.assert_array_equal(filled.to_numpy()[seen], X.to_numpy()[seen])


def test_every_answer_says_whether_it_is_calibrated():
    model, X = calibrated(), gappy()
    for answer in (model, model.raw()):
        word = "raw" if answer is not model else "calibrated"
        draws = answer.sample(X, 3)
        assert answer.predict_interval(X).attrs["tsdiff"] == word
        assert answer.predict_quantiles(X).iloc[:5].attrs["tsdiff"] == word  # survives
        assert draws.interval(0.5).attrs["tsdiff"] == word
        assert draws.calibrated == (word == "calibrated")
        assert f"3 {word} samples" in repr(draws)
    ahead = SeasonalNaive(horizon=3, period=7).fit(X)
    assert ahead.predict(level=80).attrs["tsdiff"] == "raw"
    ahead.calibrate(walk(3))
    assert ahead.predict(level=80).attrs["tsdiff"] == "calibrated"
    assert ahead.sample(n_samples=2).calibrated
    arrays = SeasonalNaive(horizon=3, period=7).fit(X.to_numpy())
    assert isinstance(arrays.predict_interval(), np.ndarray)


def test_steps_beyond_those_calibrated_are_corrected_as_the_last():
    model = NoiseAhead(horizon=4).fit(noise(0, 100)).calibrate(2 * noise(1, 6000))
    table = model.predict_quantiles(8, alpha=[0.1, 0.9])
    np.testing.assert_array_equal(table[4:], np.repeat(table[3:4], 4, axis=0))
    assert abs(table[7, 1] - 2 * ndtri(0.9)) < 0.2


def test_the_report_judges_by_data_that_the_calibration_has_not_seen():
    # a fifth of the data is ten times as wild: maps of the others miss it, though maps
    # of all would hold it
    rng, n = np.random.default_rng(0), 5000
    zero, unit = np.zeros(n, dtype=int), np.arange(n)
    fold = unit % 5
    wild = np.where(fold == 0, 10.0, 1.0) * rng.standard_normal(n)
    own = Calibration.learn(Scored(wild, zero, zero, zero, unit, unit, fold), 1)
    seen = np.abs(own.raw_scores(KNOTS[[3], None], zero, zero, zero)[0]) >= np.abs(wild)
    assert seen.mean() > 0.88  # what it was learned from: 0.9
    assert own.after[0, 2] / n < 0.87
    calm = Scored(rng.standard_normal(n), zero, zero, zero, unit, unit, fold)
    honest = Calibration.learn(calm, 1)
    assert agree(honest.after[0, 2] / n, 0.9, n, n)
    alone = Calibration.learn(replace(calm, fold=zero), 1)
    assert (alone.after == -1).all()


def test_report_gives_bins_counts_and_bounds():
    model = calibrated()
    report = model.calibration_report()
    every = report[report["bin"] == "all"]
    assert every["coverage"].tolist() == COVERAGES.tolist()
    parts = report[report["bin"] != "all"]
    for name in ("n_cells", "n_units"):
        assert parts[parts["coverage"] == 0.5][name].sum() == every[name].iloc[0]
    assert (report["low"] < report["coverage"]).all()
    assert (report["coverage"] < report["high"]).all()
    assert every["after"].between(every["low"], every["high"]).all()
    assert parts["bin"].str.startswith("gap 1").any()


class Spy(LinearInterpolation):
    """Remembers what it is shown."""

    def _quantiles(self, panel: Any, cells: Any, levels: Any) -> Any:
        self.shown = [*getattr(self, "shown", []), (panel.values.copy(), cells)]
        return super()._quantiles(panel, cells, levels)


def test_hidden_truth_is_not_shown_while_calibrating():
    model = Spy().fit(walk(0)).calibrate(walk(1), pattern="random", random_state=0)
    assert len(model.shown) == 8
    for values, cells in model.shown:
        assert np.isnan(values.ravel()[cells]).all()
        assert np.isnan(values).sum() == len(cells)


def test_what_comes_after_a_cutoff_changes_nothing_that_is_learned_before_it(
    monkeypatch,
):
    seen: list[Any] = []
    plain = NoiseAhead._quantiles
    monkeypatch.setattr(
        NoiseAhead,
        "_quantiles",
        lambda self, panel, *rest: seen.append(panel) or plain(self, panel, *rest),
    )
    model, y = NoiseAhead(horizon=5).fit(noise(0, 100)), noise(1, 60)
    model.calibrate(y, n_windows=3)
    y[-5:] = 1e6  # the last truth
    model.calibrate(y, n_windows=3)
    first, second = seen
    np.testing.assert_array_equal(first.values[:55], second.values[:55])
    ends = first.bounds[1:, None] - np.arange(1, 6)
    assert np.isnan(first.values[ends]).all()
    assert np.isfinite(np.delete(first.values, ends.ravel())).all()


def test_a_calibrated_imputer_keeps_counts_and_its_file_keeps_it(tmp_path):
    rng = np.random.default_rng(0)
    counts = pd.DataFrame({"n": rng.poisson(2.0, 160), "x": rng.normal(size=160)})
    counts = counts.astype(float).mask(rng.random((160, 2)) < 0.1)
    imputer = tiny().fit(counts[:100])
    later = counts[100:]
    imputer.calibrate(later, n_repeats=2, random_state=0)
    answers = imputer.predict_quantiles(later, [0.1, 0.5, 0.9])
    assert (answers.filter(like="n-q") % 1 == 0).all(axis=None)
    draws = imputer.sample(later, 20)
    n_cells = draws.cells % 2 == 0
    assert (draws.samples[:, n_cells] % 1 == 0).all()
    imputer.save(tmp_path / "model")
    loaded = DiffusionImputer.load(tmp_path / "model")
    pd.testing.assert_frame_equal(
        loaded.predict_interval(later), imputer.predict_interval(later)
    )
    np.testing.assert_array_equal(loaded.sample(later, 20).samples, draws.samples)
    assert loaded.calibration_report().equals(imputer.calibration_report())
    assert not hasattr(imputer.as_forecaster(3), "calibration_")
    imputer.fit(counts[:100])
    assert not hasattr(imputer, "calibration_")


def test_a_calibrated_forecaster_agrees_with_itself_and_its_file(tmp_path):
    y = frame()["a"].ffill()
    sizes = {"max_epochs": 1, "window": 16, "width": 8, "depth": 1, "random_state": 0}
    model = (
        DiffusionForecaster(horizon=3, **sizes).fit(y[:40]).calibrate(y, n_windows=6)
    )
    assert model.calibration_.n_units.sum() >= 6
    draws, bands = model.sample(n_samples=50), model.predict_interval(coverage=0.8)
    share = (
        (bands.iloc[:, 0].to_numpy() <= draws.samples)
        & (draws.samples <= bands.iloc[:, 1].to_numpy())
    ).mean(axis=0)
    assert (np.abs(share - 0.8) < 0.05).all()
    model.save(tmp_path / "model")
    loaded = DiffusionForecaster.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.sample(n_samples=50).samples, draws.samples)
    assert loaded.predict_interval(5).shape == (5, 2)
    assert not hasattr(model.as_imputer(), "calibration_")


@pytest.mark.parametrize("name", ["LastValue", "KalmanSmoother", "SeasonalNaive"])
def test_a_fit_drops_the_calibration_and_copies_keep_it(name):
    model = getattr(baselines, name)()
    X = walk(0, 120)
    if hasattr(model, "horizon"):
        model.set_params(horizon=2)
    own = {} if hasattr(model, "horizon") else {"pattern": "random"}
    model.fit(X).calibrate(walk(1, 120), **own)
    kept = model.calibration_
    assert not hasattr(clone(model), "calibration_")
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.calibration_.maps, kept.maps)
    model.calibrate(walk(2, 120), **own)
    assert model.calibration_ is not kept
    assert not hasattr(model.fit(X), "calibration_")


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("maps", lambda a: a[..., ::-1].copy(), "monotone"),
        ("maps", lambda a: a * np.inf, "finite"),
        ("maps", lambda a: a[..., 1:], "maps"),
        ("maps", lambda a: a.astype(np.float32), "float32"),
        ("n_cells", lambda a: a[1:], "counts"),
        ("before", lambda a: a + 10**6, "impossible"),
        ("first", lambda a: a * NAN, "out of order"),
        ("second", lambda a: a[1:], "fit together"),
    ],
)
def test_damaged_calibrations_are_refused(name, damage, message):
    arrays = calibrated().calibration_.arrays()
    Calibration.of_arrays(arrays)
    with pytest.raises(ValueError, match=message):
        Calibration.of_arrays(arrays | {name: damage(arrays[name])})


def test_files_with_a_forged_calibration_are_refused_and_those_without_load(tmp_path):
    imputer = tiny().fit(frame())
    imputer.save(tmp_path / "old")
    assert not hasattr(DiffusionImputer.load(tmp_path / "old"), "calibration_")
    three = Calibration.learn(Scored(*np.zeros((7, 9), dtype=int)), 3)
    imputer.calibration_ = three
    imputer.save(tmp_path / "forged")
    with pytest.raises(ValueError, match="channels of its calibration"):
        DiffusionImputer.load(tmp_path / "forged")


def test_requests_that_cannot_be_met_say_why():
    model = LinearInterpolation()
    with pytest.raises(NotFittedError):
        model.calibrate(walk(1))
    model.fit(walk(0))
    with pytest.raises(NotFittedError):
        model.calibration_report()
    with pytest.raises(ValueError, match="X has none: use 'blocks'"):
        model.calibrate(walk(1))
    with pytest.raises(ValueError, match="n_repeats must be a whole number"):
        model.calibrate(walk(1), n_repeats=0)
    ahead = SeasonalNaive(horizon=10, period=7).fit(walk(0))
    with pytest.raises(ValueError, match=r"5 forecast\(s\) of 10 rows, 10 rows apart"):
        ahead.calibrate(walk(1, 50), n_windows=5)
    with pytest.raises(ValueError, match="need 40 rows; the longest series has 39"):
        ahead.calibrate(walk(1, 39))
