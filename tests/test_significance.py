"""Paired tests: exact cases, and true nulls rejected as often as the level says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from tsdiff.significance import (
    automatic_block_length,
    block_bootstrap,
    diebold_mariano,
)

N_SETS = 300


def equal_losses(rng, n_series, n_times, memory, common=1.0):
    """Losses (2, N, T) of two equally good models, skewed as losses are.

    Each is an AR(1) of exponential shocks; those of a time that all series share weigh
    `common` times those of a series of its own. 100 times of warm-up are cut off.
    """
    own = rng.exponential(size=(2, n_series, n_times + 100))
    shared = rng.exponential(size=(2, 1, n_times + 100))
    return lfilter([1], [1, -memory], own + common * shared)[..., 100:]


def rejections(p_values):
    """Share of sets rejected at 5 %."""
    return np.mean(np.asarray(p_values) <= 0.05)


class TestTrueNullsAreRejectedInThreeToSevenPercent:
    """Of 300 sets of 100 to 300 times, memory up to 0.5, by test and kind of set."""

    def test_diebold_mariano(self):
        rng, robust, blind = np.random.default_rng(0), [], []
        for _ in range(N_SETS):
            n_times, memory = rng.integers(100, 301), rng.uniform(0, 0.5)
            (loss,), (other,) = equal_losses(rng, 1, n_times, memory)
            robust.append(diebold_mariano(loss, other, None)[1])
            blind.append(diebold_mariano(loss, other)[1])
        assert 0.03 <= rejections(robust) <= 0.07
        assert rejections(blind) > 0.1  # so the sets are no easy ones

    def test_diebold_mariano_of_windows_that_overlap(self):
        rng, aware, blind = np.random.default_rng(0), [], []
        for _ in range(N_SETS):
            (loss,), (other,) = equal_losses(rng, 1, rng.integers(100, 301), 0)
            sums = [np.convolve(part, np.ones(3), "valid") for part in (loss, other)]
            aware.append(diebold_mariano(*sums, 3)[1])
            blind.append(diebold_mariano(*sums)[1])
        assert 0.03 <= rejections(aware) <= 0.07
        assert rejections(blind) > 0.15

    def test_bootstrap_over_time(self):
        rng, p_values = np.random.default_rng(0), []
        for _ in range(N_SETS):
            n_times, memory = rng.integers(100, 301), rng.uniform(0, 0.5)
            (loss,), (other,) = equal_losses(rng, 1, n_times, memory)
            found = block_bootstrap(loss - other, n_resamples=299, rng=rng)
            p_values.append(found.p_value)
        assert 0.03 <= rejections(p_values) <= 0.07

    @pytest.mark.slow
    def test_bootstrap_over_series_and_time(self):
        """Shared shocks; in half of the sets series differ, in half cells lack."""
        rng, p_values, blind = np.random.default_rng(0), [], []
        for k in range(N_SETS):
            n_times, memory = rng.integers(100, 301), rng.uniform(0, 0.5)
            loss, other = equal_losses(rng, 6, n_times, memory)
            apart = loss - other + k % 2 * rng.normal(0, 0.5, size=(6, 1))
            series, time = np.nonzero(rng.random(apart.shape) > 0.3 * (k % 4 > 1))
            cells = apart[series, time]
            found = block_bootstrap(cells, series, time, n_resamples=199, rng=rng)
            p_values.append(found.p_value)
            blind.append(stats.ttest_1samp(cells, 0).pvalue)
        assert 0.03 <= rejections(p_values) <= 0.07
        assert rejections(blind) > 0.4


class TestDieboldMariano:
    def test_windows_that_do_not_overlap_get_the_paired_t_test(self):
        ours, other = np.random.default_rng(0).normal(size=(2, 12))
        expected = stats.ttest_rel(ours, other)
        found = diebold_mariano(ours, other)
        np.testing.assert_allclose(found, [expected.statistic, expected.pvalue])

    def test_overlapping_windows_by_the_formula_of_harvey_and_others(self):
        ours, other = np.random.default_rng(3).normal(size=(2, 25))
        d, n, h = ours - other, 25, 3
        error = d - d.mean()
        variance = sum(
            (error[k:] * error[: n - k]).sum() / n * (1 if k == 0 else 2)
            for k in range(h)
        )
        plain = d.mean() / np.sqrt(variance / n)
        corrected = plain * np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
        p_value = 2 * stats.t.sf(abs(corrected), n - 1)
        found = diebold_mariano(ours, other, h)
        np.testing.assert_allclose(found, [corrected, p_value])

    @pytest.mark.parametrize("n_overlapping", [1, 3, None])
    def test_swapping_the_models_turns_the_sign_only(self, n_overlapping):
        ours, other = np.random.default_rng(2).normal(size=(2, 30))
        statistic, p_value = diebold_mariano(ours, other, n_overlapping)
        assert diebold_mariano(other, ours, n_overlapping) == (-statistic, p_value)
        assert diebold_mariano(ours, ours, n_overlapping) == (0.0, 1.0)

    def test_sum_of_autocovariances_below_zero_falls_back_on_bartlett(self):
        turning = np.tile([1.0, -1.0], 10) + 0.1
        statistic, p_value = diebold_mariano(turning, np.zeros(20), 2)
        assert statistic > 0
        assert 0 < p_value < 1

    @pytest.mark.parametrize("n_overlapping", [1, None])
    def test_a_real_difference_is_found(self, n_overlapping):
        rng = np.random.default_rng(4)
        (loss,), (other,) = equal_losses(rng, 1, 200, 0.3)
        statistic, p_value = diebold_mariano(loss, other + 2, n_overlapping)
        assert statistic < 0
        assert p_value < 0.001

    def test_bad_input_is_named(self):
        with pytest.raises(ValueError, match=r"shapes \(3,\) and \(2,\)"):
            diebold_mariano([1.0, 2, 3], [1.0, 2])
        with pytest.raises(ValueError, match=r"1 window\(s\) .* the first at 1"):
            diebold_mariano([1.0, np.nan, 3], [1.0, 2, 3])


@pytest.fixture
def cells():
    """Loss differences of 6 series at 60 times, some missing: cells, series, time."""
    rng = np.random.default_rng(5)
    loss, other = equal_losses(rng, 6, 60, 0.3)
    series, time = np.nonzero(rng.random(loss.shape) < 0.8)
    return (loss - other)[series, time] - 0.4, series, time


def bootstrap(difference, series=None, time=None, **options):
    options = {"n_resamples": 199, "rng": np.random.default_rng(0)} | options
    return block_bootstrap(difference, series, time, **options)


class TestBlockBootstrap:
    def test_cells_of_one_series_and_time_are_one_event(self, cells):
        """Writing each twice, or in another order, is no more evidence."""
        once = bootstrap(*cells)
        twice = bootstrap(*(np.repeat(part, 2) for part in cells))
        turned = bootstrap(*(part[::-1] for part in cells))
        for other in (twice, turned):
            for name in ("mean", "standard_error", "p_value", "lower", "upper"):
                same = pytest.approx(getattr(once, name))
                assert getattr(other, name) == same

    def test_series_that_move_as_one_count_as_one(self, cells):
        one = cells[0][cells[1] == 0]
        time = np.arange(len(one))
        alone = bootstrap(one)
        many = bootstrap(np.tile(one, 9), time=np.tile(time, 9))
        assert many.p_value == pytest.approx(alone.p_value)
        assert many.standard_error == pytest.approx(alone.standard_error)

    def test_swapping_models_turns_the_interval_and_units_scale_it(self, cells):
        difference, *labels = cells
        found, turned = bootstrap(*cells), bootstrap(-8 * difference, *labels)
        assert turned.p_value == pytest.approx(found.p_value)
        np.testing.assert_allclose(
            [turned.lower, turned.upper], [-8 * found.upper, -8 * found.lower]
        )

    @pytest.mark.parametrize("confidence", [0.8, 0.95])
    def test_the_interval_leaves_out_zero_exactly_if_the_test_rejects(
        self, cells, confidence
    ):
        difference, *labels = cells
        shifts, rejected = np.linspace(-0.6, 1.2, 60), []
        for shift in shifts:
            found = bootstrap(difference + shift, *labels, confidence=confidence)
            excluded = not found.lower <= 0 <= found.upper
            assert excluded == (found.p_value <= 1 - confidence + 1e-9)
            rejected.append(excluded)
        assert 0 < sum(rejected) < 60

    def test_many_independent_cells_get_the_t_test(self):
        sample = np.random.default_rng(6).normal(-0.06, 1, size=1_000)
        expected = stats.ttest_1samp(sample, 0)
        found = bootstrap(sample, np.arange(1_000), n_resamples=1999)
        assert found.p_value == pytest.approx(expected.pvalue, abs=0.02)
        assert found.standard_error == pytest.approx(sample.std(ddof=1) / 1_000**0.5)
        interval = expected.confidence_interval()
        np.testing.assert_allclose([found.lower, found.upper], interval, atol=0.005)

    def test_the_verdict_for_other_series_is_wider_than_for_these(self):
        """Series that differ among themselves, each known well from many times."""
        rng = np.random.default_rng(7)
        apart = rng.normal(size=(10, 1)) + 0.5 * rng.normal(size=(10, 200))
        series, time = np.indices(apart.shape).reshape(2, -1)
        these = bootstrap(apart.ravel(), time=time).standard_error
        others = bootstrap(apart.ravel(), series, time).standard_error
        spread = apart.mean(axis=1).std(ddof=1) / np.sqrt(10)
        assert these < 0.05
        assert others == pytest.approx(spread, rel=0.05)

    def test_it_is_given_by_the_generator_alone(self, cells):
        assert bootstrap(*cells) == bootstrap(*cells)
        series_alone = cells[:2]
        other = bootstrap(*series_alone, rng=np.random.default_rng(1))
        assert other.lower != bootstrap(*series_alone).lower

    def test_stamps_and_names_are_labels(self, cells):
        difference, series, time = cells
        stamps = np.datetime64("2024-01-01") + time
        named = bootstrap(difference, np.array(list("abcdef"))[series], stamps)
        assert named == bootstrap(*cells)

    def test_differences_that_never_vary(self):
        assert bootstrap(np.zeros(9)).p_value == 1
        assert bootstrap(np.full(8, -0.5)).p_value == 1 / 200

    def test_shocks_at_few_times_prove_nothing_however_many_series(self):
        """Five cutoffs, each good for one of two models on all of 50 series."""
        rng, p_values = np.random.default_rng(9), []
        series, time = np.indices((50, 5)).reshape(2, -1)
        for _ in range(100):
            apart = rng.normal(size=(1, 5)) + rng.normal(size=(50, 5))
            p_values.append(bootstrap(apart.ravel(), series, time).p_value)
        assert rejections(p_values) < 0.1

    def test_bad_input_is_named(self, cells):
        difference, series, time = cells
        for wrong, message in [
            ((difference[:, None],), "one dimension is needed"),
            ((np.r_[difference, np.nan],), rf"the first at {len(difference)}"),
            ((difference, series[1:], time), "series has shape"),
            ((difference, series, np.where(time == 3, np.nan, time)), "time has no"),
            ((difference[:1],), "at least 2 series or times"),
        ]:
            with pytest.raises(ValueError, match=message):
                bootstrap(*wrong)
        with pytest.raises(ValueError, match=r"19 resamples .* confidence 0\.99"):
            bootstrap(*cells, n_resamples=19, confidence=0.99)
        for length in (0, 61, 2.5):
            with pytest.raises(ValueError, match="from 1 to the 60"):
                bootstrap(*cells, block_length=length)
        with pytest.raises(ValueError, match="too large"):
            bootstrap(np.zeros(20_000), np.arange(20_000), np.arange(20_000))


@pytest.mark.parametrize("memory", [0.3, 0.7])
def test_blocks_are_as_long_as_the_best_ones_of_an_autoregression(memory):
    """For AR(1) they are (6 rho^2 / (1 - rho^2)^2 n)^(1/3) long, with rho known."""
    rng = np.random.default_rng(8)
    series = lfilter([1], [1, -memory], rng.normal(size=(60, 2_000)))
    best = (6 * memory**2 / (1 - memory**2) ** 2 * 2_000) ** (1 / 3)
    found = np.median([automatic_block_length(values) for values in series])
    assert 0.75 * best < found < 1.35 * best
    assert automatic_block_length(np.zeros(50)) == 1
