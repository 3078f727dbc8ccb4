"""Quantile bands, densities and variograms against their oracles."""

from __future__ import annotations

import tracemalloc
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from tsdiff import metrics
from tsdiff.metrics import arrays


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def cells(rng):
    """Truth (4, 5), partly negative and missing once; draws (7, 4, 5)."""
    y = rng.normal(-5, 30, (4, 5))
    samples = y + rng.normal(1, 3, (7, 4, 5))
    y[1, 2] = np.nan
    return y, samples


class TestQuantiles:
    LEVELS = np.array([0.025, 0.05, 0.3, 0.5, 0.7, 0.95, 0.975])

    def test_weighted_interval_score_is_bracher_s_sum_of_interval_scores(self, cells):
        y, samples = cells
        q = np.sort(samples, axis=0)
        score = np.abs(y - q[3]) / 2
        for k in range(3):
            alpha = 2 * self.LEVELS[k]
            interval = metrics.interval_score(y, q[k], q[6 - k], 1 - alpha)
            score = score + alpha / 2 * interval
        found = metrics.weighted_interval_score(y, q, self.LEVELS)
        np.testing.assert_allclose(found, score / 3.5)
        turned = metrics.weighted_interval_score(y, q[::-1], self.LEVELS[::-1])
        np.testing.assert_allclose(turned, found)

    def test_the_two_pooled_forms_are_apart(self, rng):
        """Of a normal law with known quantiles, the deciles read 4 % higher."""
        y = rng.normal(size=20_000)
        nine, nineteen = (
            np.repeat(stats.norm.ppf(levels)[:, None], y.size, axis=1)
            for levels in (metrics.DECILES, metrics.LEVELS_19)
        )
        ratio = metrics.crps_deciles(y, nine) / metrics.crps_19(y, nineteen)
        assert 1.03 < ratio < 1.05
        with pytest.raises(ValueError, match="19 quantiles"):
            metrics.crps_deciles(y, nineteen)

    def test_qice_against_a_loop(self, cells):
        y, samples = cells
        q, levels = np.sort(samples, axis=0)[:3], [0.2, 0.5, 0.6]
        counts = np.zeros(4)
        for at in np.ndindex(y.shape):
            if not np.isnan(y[at]):
                counts[sum(y[at] > q[k][at] for k in range(3))] += 1
        expected = np.mean(np.abs(counts / 19 - [0.2, 0.3, 0.1, 0.4]))
        np.testing.assert_allclose(metrics.qice(y, q, levels), expected)

    def test_qice_is_zero_for_tenths_and_18_percent_for_one_heap(self):
        deciles = np.repeat(np.arange(1.0, 10)[:, None], 10, axis=1)
        assert metrics.qice(np.arange(10) + 0.5, deciles, metrics.DECILES) < 1e-12
        heap = metrics.qice(np.full(10, -1.0), deciles, metrics.DECILES)
        assert heap == pytest.approx(0.18)

    def test_small_integers_do_not_overflow(self):
        y, q, levels = [-120.0, 5.0], np.array([[-100, -100], [100, 100]]), [0.1, 0.9]
        for score in (metrics.qice, metrics.log_score_quantiles):
            found = score(y, q.astype(np.int8), levels)
            np.testing.assert_array_equal(found, score(y, q, levels))

    def test_bad_levels_and_quantiles_are_named(self):
        y, q = np.zeros(2), np.array([[0.0, 1.0], [1.0, 0.5]])
        with pytest.raises(ValueError, match=r"first in cell \(1,\): 1 at level 0.1"):
            metrics.qice(y, q, [0.1, 0.9])
        with pytest.raises(ValueError, match=r"must rise, but 0.1 follows 0.9"):
            metrics.qice(y, q, [0.9, 0.1])
        with pytest.raises(ValueError, match="No cell has a truth"):
            metrics.qice(y * np.nan, np.sort(q, axis=0), [0.1, 0.9])
        for levels in ([0.1, 0.9], [0.1, 0.4, 0.9]):
            with pytest.raises(ValueError, match="ends of central intervals"):
                metrics.weighted_interval_score(y, np.ones((len(levels), 2)), levels)


class TestLogScore:
    def test_of_a_density(self):
        density = stats.norm.pdf([0.0, 1.0, np.nan])
        expected = [-stats.norm.logpdf(x) for x in (0.0, 1.0, np.nan)]
        np.testing.assert_allclose(metrics.log_score(density), expected)
        with pytest.raises(ValueError, match=r"first at \(1,\): -2"):
            metrics.log_score([1.0, -2.0])

    def test_normal_quantiles_are_scored_as_their_law(self, rng):
        y = rng.normal(3, 8, 200)
        levels = [0.01, 0.3, 0.5, 0.99]
        q = np.repeat(stats.norm.ppf(levels, 3, 8)[:, None], 200, axis=1)
        found = metrics.log_score_quantiles(y, q, levels)
        np.testing.assert_allclose(found, -stats.norm.logpdf(y, 3, 8))

    def test_the_density_of_any_quantiles_sums_to_their_levels(self):
        levels, q = np.array([0.1, 0.4, 0.8, 0.95]), np.array([-2.0, 0.0, 0.3, 4.0])
        edges = np.r_[np.linspace(-30, -2, 5000), np.linspace(-2, 0, 2001)[1:]]
        edges = np.r_[edges, np.linspace(0, 0.3, 2001)[1:], np.linspace(0.3, 4, 4001)]
        edges = np.unique(np.r_[edges, np.linspace(4, 60, 20_000)])
        middle = (edges[1:] + edges[:-1]) / 2
        every = np.repeat(q[:, None], middle.size, axis=1)
        density = np.exp(-metrics.log_score_quantiles(middle, every, levels))
        level = np.r_[0, np.cumsum(density * np.diff(edges))]
        at = np.searchsorted(edges, q)
        np.testing.assert_allclose(level[at], levels, atol=1e-4)
        assert level[-1] == pytest.approx(1, abs=1e-4)

    def test_equal_quantiles_are_a_point_mass(self):
        levels = [0.2, 0.5, 0.8]
        inner = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
        found = metrics.log_score_quantiles([0.0, 0.5, -1.0], inner, levels)
        assert found[0] == -np.inf
        assert np.isfinite(found[1])
        assert found[2] == np.inf
        inner[1, 2] = np.nan
        assert np.isnan(metrics.log_score_quantiles([0.0, 0, 0], inner, levels)[2])

    def test_one_quantile_is_no_law(self):
        with pytest.raises(ValueError, match="at least two"):
            metrics.log_score_quantiles([0.0], [[1.0]], [0.5])


class TestVariogram:
    @pytest.mark.parametrize("vector_axes", [1, 2])
    def test_against_a_loop(self, cells, rng, vector_axes, monkeypatch):
        y, samples = cells
        size = y.shape[1] if vector_axes == 1 else y.size
        weights = rng.random((size, size))
        options = {"vector_axes": vector_axes, "order": 0.8, "weights": weights}
        score = metrics.variogram_score(y, samples, **options)
        flat_y = y.reshape(-1, size)
        flat = samples.reshape(7, -1, size)
        for v in range(len(flat_y)):
            total = 0.0
            for i, j in np.ndindex(size, size):
                apart = abs(flat_y[v, i] - flat_y[v, j]) ** 0.8
                answer = np.mean([abs(x[v, i] - x[v, j]) ** 0.8 for x in flat])
                if not np.isnan(apart):
                    total += weights[i, j] * (apart - answer) ** 2
            np.testing.assert_allclose(np.ravel(score)[v], total)
        monkeypatch.setattr(arrays, "BLOCK", 8)
        cut = metrics.variogram_score(y, samples, **options)
        np.testing.assert_allclose(cut, score)

    def test_against_scoringrules(self, cells):
        sr = pytest.importorskip("scoringrules")
        y, samples = np.nan_to_num(cells[0]), cells[1]
        np.testing.assert_allclose(
            metrics.variogram_score(y, samples, order=0.7),
            sr.vs_ensemble(y, samples.swapaxes(0, 1), p=0.7),
        )

    def test_lost_dependence_is_seen_and_a_common_shift_is_not(self, rng):
        y = np.repeat(rng.normal(size=(500, 1)), 4, axis=1)
        joint = np.repeat(rng.normal(size=(40, 500, 1)), 4, axis=2)
        torn = rng.permuted(joint, axis=0)  # same marginals, cells independent
        assert metrics.variogram_score(y, joint).max() < 1e-20
        assert metrics.variogram_score(y, torn).min() > 1
        np.testing.assert_allclose(
            metrics.variogram_score(y, torn + 9), metrics.variogram_score(y, torn)
        )

    def test_missing_and_bad_input(self):
        y, samples = np.full((2, 3), np.nan), np.ones((4, 2, 3))
        y[0, 0] = 1
        assert np.isnan(metrics.variogram_score(y, samples)).tolist() == [False, True]
        with pytest.raises(ValueError, match="order must be above 0, got 0"):
            metrics.variogram_score(y, samples, order=0)
        with pytest.raises(ValueError, match=r"weights has shape \(2,\)"):
            metrics.variogram_score(y, samples, weights=[1, 1])


class TestLargeInput:
    def test_float32_samples_score_as_their_float64_values(self, cells):
        y, samples = cells
        short = samples.astype(np.float32)
        for score in (
            metrics.crps,
            metrics.energy_score,
            metrics.pit,
            metrics.variogram_score,
        ):
            found = score(y, short)
            assert found.dtype == np.float64
            np.testing.assert_array_equal(found, score(y, short.astype(np.float64)))

    @pytest.mark.parametrize("score", [metrics.crps, metrics.pit])
    def test_scratch_memory_does_not_grow_with_the_cells(self, score):
        """100,000 cells of 20 float32 draws: as float64 they would be 16 MB."""
        y = np.zeros(100_000)
        samples = np.ones((20, 100_000), dtype=np.float32)
        tracemalloc.start()
        score(y, samples)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2 * y.nbytes + 4 * 8 * arrays.BLOCK

    def test_uniform_pit_survives_blocks(self, rng, monkeypatch):
        y, samples = rng.poisson(1, 500), rng.poisson(1, (9, 500))
        whole = metrics.pit(y, samples, rng=np.random.default_rng(0))
        monkeypatch.setattr(arrays, "BLOCK", 8)
        cut = metrics.pit(y, samples, rng=np.random.default_rng(0))
        np.testing.assert_array_equal(cut, whole)


def test_the_true_law_is_best_by_every_score_of_laws(rng):
    """Propriety: too narrow and too wide laws lose."""
    y, levels = rng.normal(size=20_000), np.arange(1, 20) / 20
    normal = np.array([NormalDist().inv_cdf(level) for level in levels])[:, None]

    def scores(scale):
        q = np.repeat(scale * normal, y.size, axis=1)
        return [
            metrics.weighted_interval_score(y, q, levels).mean(),
            metrics.log_score_quantiles(y, q, levels).mean(),
            metrics.qice(y, q, levels),
        ]

    best = scores(1.0)
    for scale in (0.7, 1.4):
        assert all(a < b for a, b in zip(best, scores(scale), strict=True))
