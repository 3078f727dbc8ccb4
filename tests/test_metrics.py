"""Every score against a naive loop, a closed form and, if installed, scoringrules."""

from __future__ import annotations

import tracemalloc
from statistics import NormalDist

import numpy as np
import pytest

from tsdiff import metrics
from tsdiff.metrics import arrays

LEVELS = np.arange(1, 20) / 20


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def cells(rng):
    """Truth (4, 5) far from zero, partly negative and missing once; draws (7, 4, 5)."""
    y = rng.normal(-50, 30, (4, 5))
    samples = y + rng.normal(1, 3, (7, 4, 5))
    y[1, 2] = np.nan
    samples[2, 0, 0] = samples[3, 0, 0]  # a tie
    return y, samples


def naive_crps(y, x, fair):
    n = len(x)
    apart = sum(abs(a - b) for a in x for b in x) / (n * (n - fair))
    return sum(abs(a - y) for a in x) / n - apart / 2


def naive_energy(y, x, fair):
    n, seen = len(x), ~np.isnan(y)
    norm = np.linalg.norm
    apart = sum(norm((a - b)[seen]) for a in x for b in x) / (n * (n - fair))
    return sum(norm((a - y)[seen]) for a in x) / n - apart / 2


class TestAgainstNaiveLoops:
    @pytest.mark.parametrize("fair", [True, False])
    def test_crps(self, cells, fair):
        y, samples = cells
        score = metrics.crps(y, samples, fair=fair)
        for at in np.ndindex(y.shape):
            expected = naive_crps(y[at], samples[(slice(None), *at)], fair)
            np.testing.assert_allclose(score[at], expected, rtol=1e-12)

    @pytest.mark.parametrize("fair", [True, False])
    @pytest.mark.parametrize("vector_axes", [1, 2])
    def test_energy_score(self, cells, fair, vector_axes):
        y, samples = cells
        score = metrics.energy_score(y, samples, vector_axes=vector_axes, fair=fair)
        assert score.shape == y.shape[: 2 - vector_axes]
        for at in np.ndindex(score.shape):
            expected = naive_energy(y[at], samples[(slice(None), *at)], fair)
            np.testing.assert_allclose(score[at], expected, rtol=1e-10)

    def test_pinball(self, cells):
        y, samples = cells
        quantiles = np.sort(samples, axis=0)[:3]
        levels = [0.1, 0.5, 0.8]
        loss = metrics.pinball(y, quantiles, levels)
        for k, level in enumerate(levels):
            for at in np.ndindex(y.shape):
                gap = y[at] - quantiles[k][at]
                expected = level * gap if gap >= 0 else (level - 1) * gap
                np.testing.assert_allclose(loss[k][at], expected)

    def test_crps_quantiles_is_the_code_of_csdi(self, cells):
        y, samples = cells
        quantiles = np.quantile(samples, LEVELS, axis=0)
        seen = ~np.isnan(y)
        truth, total = y[seen], 0.0
        for level, q in zip(LEVELS, quantiles[:, seen], strict=True):
            total += 2 * np.abs((q - truth) * ((truth <= q) - level)).sum()
        expected = total / np.abs(truth).sum() / len(LEVELS)
        answer = metrics.crps_quantiles(y, quantiles, LEVELS)
        np.testing.assert_allclose(answer, expected)

    def test_intervals(self, cells):
        y, samples = cells
        low, high = np.quantile(samples, [0.25, 0.75], axis=0)
        inside = metrics.coverage(y, low, high)
        score = metrics.interval_score(y, low, high, coverage=0.5)
        for at in np.ndindex(y.shape):
            if np.isnan(y[at]):
                assert np.isnan(inside[at])
                assert np.isnan(score[at])
                continue
            fine = max(low[at] - y[at], 0, y[at] - high[at])
            assert inside[at] == (fine == 0)
            np.testing.assert_allclose(score[at], high[at] - low[at] + 4 * fine)

    def test_pit_is_the_rank_among_the_draws(self, cells):
        y, samples = cells
        u = metrics.pit(y, samples)
        for at in np.ndindex(y.shape):
            if not np.isnan(y[at]):
                below = sum(x < y[at] for x in samples[(slice(None), *at)])
                assert u[at] == (below + 0.5) / 8
        assert np.isnan(u[1, 2])

    def test_errors(self, cells):
        y, samples = cells
        np.testing.assert_array_equal(
            metrics.absolute_error(y, samples[0]), np.abs(y - samples[0])
        )
        np.testing.assert_array_equal(
            metrics.squared_error(y, samples[0]), (y - samples[0]) ** 2
        )


class TestAgainstScoringrules:
    def test_all(self, cells):
        sr = pytest.importorskip("scoringrules")
        y, samples = cells
        y = np.nan_to_num(y)
        same = np.testing.assert_allclose
        last = np.moveaxis(samples, 0, -1)
        same(
            metrics.crps(y, samples, fair=False),
            sr.crps_ensemble(y, last, estimator="nrg"),
            rtol=1e-9,
        )
        same(
            metrics.crps(y, samples, fair=True),
            sr.crps_ensemble(y, last, estimator="fair"),
            rtol=1e-9,
        )
        same(
            metrics.energy_score(y, samples, fair=False),
            sr.es_ensemble(y, samples.swapaxes(0, 1)),
            rtol=1e-9,
        )
        low, high = np.quantile(samples, [0.05, 0.95], axis=0)
        same(
            metrics.interval_score(y, low, high, 0.9),
            sr.interval_score(y, low, high, 0.1),
        )
        same(metrics.pinball(y, low[None], [0.05])[0], sr.quantile_score(y, low, 0.05))


class TestTheorems:
    def test_fair_crps_is_unbiased_and_plain_is_not(self, rng):
        """For N(0, 1) and y = 0 the law's score is (sqrt(2) - 1) / sqrt(pi)."""
        law = (np.sqrt(2) - 1) / np.sqrt(np.pi)
        draws = rng.normal(size=(4, 200_000))
        y = np.zeros(200_000)
        fair = metrics.crps(y, draws, fair=True)
        plain = metrics.crps(y, draws, fair=False)
        error = fair.std() / np.sqrt(fair.size)
        assert abs(fair.mean() - law) < 4 * error
        # E|x - x'| / 2 = 1 / sqrt(pi), of which 4 plain draws miss a quarter
        assert abs(plain.mean() - law - 0.25 / np.sqrt(np.pi)) < 4 * error

    def test_crps_is_twice_the_pinball_loss_over_all_levels(self, cells):
        """Of the step distribution: 2 * integral of pinball over the levels."""
        y, samples = np.nan_to_num(cells[0]), cells[1]
        levels = (np.arange(70_000) + 0.5) / 70_000
        quantiles = np.quantile(samples, levels, axis=0, method="inverted_cdf")
        integral = 2 * metrics.pinball(y, quantiles, levels).mean(axis=0)
        plain = metrics.crps(y, samples, fair=False)
        np.testing.assert_allclose(integral, plain, rtol=1e-4)

    def test_energy_score_of_one_cell_is_the_crps(self, cells):
        y, samples = cells
        score = metrics.energy_score(y[..., None], samples[..., None])
        np.testing.assert_allclose(score, metrics.crps(y, samples), rtol=1e-7)

    def test_energy_score_sees_lost_dependence_and_crps_does_not(self, rng):
        common = rng.normal(size=(2000, 1))
        y = np.repeat(common, 6, axis=1)
        joint = np.repeat(rng.normal(size=(50, 2000, 1)), 6, axis=2)
        torn = rng.permuted(joint, axis=0)  # same marginals, cells independent
        np.testing.assert_allclose(metrics.crps(y, joint), metrics.crps(y, torn))
        better = metrics.energy_score(y, joint).mean()
        assert better < 0.9 * metrics.energy_score(y, torn).mean()

    def test_true_quantiles_minimise_every_score(self, rng):
        y = rng.normal(size=40_000)
        normal = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
        scores = {}
        for scale in (0.7, 1.0, 1.4):
            quantiles = np.repeat(scale * normal[:, None], y.size, axis=1)
            low, high = quantiles[0], quantiles[-1]
            scores[scale] = (
                metrics.crps_quantiles(y, quantiles, LEVELS),
                metrics.interval_score(y, low, high, 0.9).mean(),
            )
        assert all(a < b for a, b in zip(scores[1.0], scores[0.7], strict=True))
        assert all(a < b for a, b in zip(scores[1.0], scores[1.4], strict=True))

    def test_coverage_of_the_true_interval(self, rng):
        y = rng.normal(size=40_000)
        half = NormalDist().inv_cdf(0.95)
        share = metrics.coverage(y, np.full(y.shape, -half), np.full(y.shape, half))
        assert abs(share.mean() - 0.9) < 4 * np.sqrt(0.09 / y.size)

    @pytest.mark.parametrize("law", ["normal", "poisson"])
    def test_randomised_pit_is_uniform_also_with_ties(self, rng, law):
        draw = {"normal": rng.normal, "poisson": lambda size: rng.poisson(0.7, size)}
        y, samples = draw[law](size=20_000), draw[law](size=(9, 20_000))
        u = np.sort(metrics.pit(y, samples, rng=rng))
        distance = np.abs(u - (np.arange(u.size) + 0.5) / u.size).max()
        assert distance < 1.95 / np.sqrt(u.size)  # Kolmogorov-Smirnov at 0.1 %
        assert u.min() > 0
        assert u.max() < 1

    def test_scores_are_equivariant(self, cells):
        """Shifting changes nothing, scaling scales: also at 1e9 from zero."""
        y, samples = cells
        for score in (metrics.crps, metrics.energy_score):
            moved = score(3 * y + 1e9, 3 * samples + 1e9)
            np.testing.assert_allclose(moved, 3 * score(y, samples), rtol=1e-5)
        low, high = np.quantile(samples, [0.1, 0.9], axis=0)
        same = metrics.crps_quantiles(y, np.stack([low, high]), [0.1, 0.9])
        wide = metrics.crps_quantiles(-9 * y, -9 * np.stack([high, low]), [0.1, 0.9])
        np.testing.assert_allclose(same, wide)

    def test_a_point_mass_scores_its_absolute_error(self, rng):
        y = rng.normal(size=10)
        same = np.broadcast_to(rng.normal(size=10), (6, 10))
        error = metrics.absolute_error(y, same[0])
        np.testing.assert_allclose(metrics.crps(y, same, fair=False), error)
        np.testing.assert_allclose(metrics.crps(y, same, fair=True), error)
        one = metrics.crps(y, same[:1], fair=False)
        np.testing.assert_allclose(one, error)


class TestBlocks:
    def test_small_blocks_change_nothing(self, cells, monkeypatch):
        y, samples = cells
        whole = [metrics.crps(y, samples), metrics.energy_score(y, samples)]
        monkeypatch.setattr(arrays, "BLOCK", 8)
        cut = [metrics.crps(y, samples), metrics.energy_score(y, samples)]
        for a, b in zip(whole, cut, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10)

    @pytest.mark.parametrize("score", [metrics.crps, metrics.energy_score])
    def test_memory_is_bounded(self, rng, score, monkeypatch):
        """1,000 draws x 60 cells: all pairs would take 480 MB, the draws 0.5 MB."""
        monkeypatch.setattr(arrays, "BLOCK", 2**13)
        y, samples = np.zeros((60, 1)), rng.normal(size=(1_000, 60, 1))
        tracemalloc.start()
        score(y, samples)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 16 * 8 * arrays.BLOCK  # a handful of scratch arrays


class TestBadInput:
    def test_shapes_are_never_broadcast(self, rng):
        y = rng.normal(size=4)
        with pytest.raises(ValueError, match=r"point has shape \(4, 1\).*\(4,\)"):
            metrics.absolute_error(y, y[:, None])
        with pytest.raises(ValueError, match=r"samples has shape \(4, 3\).*'n', 4"):
            metrics.crps(y, rng.normal(size=(4, 3)))
        with pytest.raises(ValueError, match="samples is empty"):
            metrics.crps(y, np.empty((0, 4)))

    def test_levels(self, rng):
        y = rng.normal(size=4)
        with pytest.raises(ValueError, match="2 quantiles"):
            metrics.pinball(y, [y, y], [0.1])
        for wrong in (0.0, 1.0, 5.0, np.nan):
            with pytest.raises(ValueError, match="between 0 and 1"):
                metrics.pinball(y, [y], [wrong])

    def test_one_sample_has_no_fair_score(self):
        with pytest.raises(ValueError, match="at least 2 samples, got 1"):
            metrics.crps([0.0], [[1.0]])

    def test_normalisation_needs_something_to_divide_by(self):
        with pytest.raises(ValueError, match="sum of"):
            metrics.crps_quantiles([0.0, np.nan], np.ones((1, 2)), [0.5])

    def test_swapped_ends_are_found(self):
        with pytest.raises(ValueError, match=r"first at \(1,\): \[3, 2\]"):
            metrics.interval_width([0.0, 3.0], [1.0, 2.0])

    def test_vector_axes_and_coverage(self):
        with pytest.raises(ValueError, match="vector_axes"):
            metrics.energy_score([0.0], [[0.0], [1.0]], vector_axes=2)
        with pytest.raises(ValueError, match="coverage must"):
            metrics.interval_score([0.0], [0.0], [1.0], coverage=90)
