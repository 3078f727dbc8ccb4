"""Ranks of many models, and comparisons in a plain sentence."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tsdiff.significance import friedman, holm, nemenyi, verdict

NAMES = ("tsdiff", "linear interpolation")
EDGES = ["1 hour", "3 hours", "a day"]


class TestRanks:
    @pytest.mark.parametrize("ties", [False, True])
    def test_friedman_is_that_of_scipy(self, ties):
        losses = np.random.default_rng(0).normal(size=(12, 4)) + np.arange(4) / 3
        losses = losses.round(0) if ties else losses
        expected = stats.friedmanchisquare(*losses.T)
        found = friedman(losses)
        np.testing.assert_allclose(
            [found.statistic, found.p_value], [expected.statistic, expected.pvalue]
        )
        np.testing.assert_allclose(
            found.mean_ranks, np.mean([stats.rankdata(row) for row in losses], axis=0)
        )

    def test_equal_models_are_found_different_about_as_often_as_the_level_says(self):
        rng = np.random.default_rng(1)
        sets = rng.exponential(size=(400, 15, 5))
        friedmans = np.mean([friedman(losses).p_value < 0.05 for losses in sets])
        assert 0.02 < friedmans < 0.08
        pairs = [nemenyi(losses).p_values.min() < 0.05 for losses in sets[:50]]
        assert np.mean(pairs) < 0.12  # any pair of the ten

    @pytest.mark.parametrize(
        ("n_models", "quantile"), [(3, 2.343), (5, 2.728), (10, 3.164)]
    )
    def test_critical_difference_is_that_of_demsars_table(self, n_models, quantile):
        losses = np.random.default_rng(2).normal(size=(30, n_models))
        expected = quantile * np.sqrt(n_models * (n_models + 1) / (6 * 30))
        found = nemenyi(losses).critical_difference
        assert found == pytest.approx(expected, abs=2e-3)

    def test_a_pair_differs_exactly_if_its_ranks_are_further_apart(self):
        losses = np.random.default_rng(3).normal(size=(40, 6)) + np.arange(6) / 4
        found = nemenyi(losses)
        apart = np.abs(found.mean_ranks[:, None] - found.mean_ranks)
        different = apart > found.critical_difference
        np.testing.assert_array_equal(found.p_values < 0.05, different)
        assert 0 < different.sum() < 30
        np.testing.assert_array_equal(np.diag(found.p_values), 1)

    def test_only_order_within_a_series_counts(self):
        losses = np.random.default_rng(4).exponential(size=(9, 4))
        unit = np.arange(1.0, 10)[:, None]
        assert friedman(unit * np.log(losses)).statistic == friedman(losses).statistic

    def test_models_that_tie_everywhere_do_not_differ(self):
        assert friedman(np.ones((5, 3))).p_value == 1
        assert (nemenyi(np.ones((5, 3))).p_values == 1).all()

    @pytest.mark.parametrize("test", [friedman, nemenyi])
    def test_missing_answers_are_named(self, test):
        losses = np.ones((4, 3))
        losses[[1, 3], [2, 0]] = np.nan
        with pytest.raises(ValueError, match="series 1, model 2; series 3, model 0"):
            test(losses)
        for shape in ((1, 3), (4, 2), (4,)):
            with pytest.raises(ValueError, match="at least 2 series and 3 models"):
                test(np.ones(shape))

    def test_alpha_is_checked(self):
        with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
            nemenyi(np.ones((4, 3)), alpha=5)


class TestHolm:
    def test_against_the_steps_of_the_paper(self):
        p_values = np.random.default_rng(5).random(7) ** 3
        for alpha in (0.01, 0.05, 0.2, 0.5):
            rejected = np.zeros(7, dtype=bool)
            for step, at in enumerate(np.argsort(p_values)):
                if p_values[at] > alpha / (7 - step):
                    break
                rejected[at] = True
            np.testing.assert_array_equal(holm(p_values) <= alpha, rejected)

    def test_bad_p_values_are_named(self):
        for wrong in (np.nan, -0.1, 1.5):
            with pytest.raises(ValueError, match=f"p-value 1 is {wrong}"):
                holm([0.5, wrong])


def say(changes, p_values, **options):
    """Verdict on groups whose other loss is 100, and whose own is changed by this."""
    loss = 100.0 + np.array(changes)
    options = {"names": NAMES, "edges": EDGES[: len(loss) - 1]} | options
    other = np.full(len(loss), 100.0)
    return verdict(loss, other, p_values, group=np.arange(len(loss)), **options)


class TestVerdict:
    @pytest.mark.parametrize(
        ("changes", "p_values", "sentence"),
        [
            (
                [-18],
                [0.002],
                "better than linear interpolation (CRPS -18 %, p = 0.002)",
            ),
            ([4], [0.2], "no different from linear interpolation"),
            (
                [3, -1, -18],
                [0.8, 0.4, 0.0006],
                "better than linear interpolation for gaps over 3 hours (CRPS -18 %, "
                "p = 0.002); no different below",
            ),
            (
                [-10, -20, 5],
                [0.001, 0.02, 0.6],
                "better than linear interpolation for gaps up to 3 hours (CRPS -15 %, "
                "p = 0.04); no different above",
            ),
            (
                [7, -1, -9],
                [0.0001, 0.6, 0.0001],
                "better than linear interpolation for gaps over 3 hours (CRPS -9 %, "
                "p < 0.001); worse up to 1 hour (CRPS +7 %, p < 0.001); no different "
                "between 1 hour and 3 hours",
            ),
            (
                [-5, 1, -9, 0],
                [0.001, 0.6, 0.001, 0.9],
                "better than linear interpolation for gaps up to 1 hour (CRPS -5 %, "
                "p = 0.004) and between 3 hours and a day (CRPS -9 %, p = 0.004); no "
                "different between 1 hour and 3 hours and over a day",
            ),
            (
                [6, 8, -9],
                [0.01, 0.01, 0.01],
                "better than linear interpolation for gaps over 3 hours (CRPS -9 %, "
                "p = 0.03); worse below (CRPS +7 %, p = 0.03)",
            ),
            (
                [-6, -8],
                [0.01, 0.02],
                "better than linear interpolation for all gaps (CRPS -7 %, p = 0.02)",
            ),
            ([1, 2], [0.5, 0.5], "no different from linear interpolation for all gaps"),
            ([2, 2.6], [0.9, 0.02], "worse"),
        ],
    )
    def test_sentence(self, changes, p_values, sentence):
        found = say(changes, p_values)
        assert found.startswith(f"tsdiff is {sentence}")
        assert sentence == "worse" or found == f"tsdiff is {sentence}"

    def test_p_values_are_corrected_for_the_number_of_groups(self):
        assert "no different" not in say([-9, -9], [0.02, 0.04])
        assert "better" not in say([-9, -9, -9], [0.03, 0.04, 0.9])
        assert "better" in say([-9, -9, -9], [0.03, 0.04, 0.9], alpha=0.1)

    def test_percentage_is_over_the_cells_not_the_groups(self):
        found = verdict(
            [80.0, 80, 80, 100],
            [100.0, 100, 100, 120],
            [0.001, 0.001],
            group=[0, 0, 0, 1],
            edges=["a day"],
            words=("MAE", "steps ahead"),
        )
        assert found == (
            "the model is better than the other for all steps ahead (MAE -19 %, "
            "p = 0.002)"
        )

    def test_a_score_without_a_zero_has_no_percentage(self):
        found = verdict([-1.5, -1.5], [-1.0, -1.0], [0.001], words=("log score", ""))
        assert "(log score -0.5, p = 0.001)" in found

    def test_small_changes_are_not_rounded_away(self):
        assert "CRPS -0.3 %" in say([-0.3], [0.001])

    def test_bad_input_is_named(self):
        with pytest.raises(ValueError, match="2 edges make 3 groups, but there are 2"):
            say([1, 2], [0.5, 0.5], edges=EDGES[:2])
        with pytest.raises(ValueError, match=r"Group\(s\) 1 have no cell"):
            verdict([1.0], [1.0], [0.5, 0.5], group=[0], edges=["a day"])
        with pytest.raises(ValueError, match="numbers from 0 to 0, got 0 to 3"):
            verdict([1.0, 1.0], [1.0, 1.0], [0.5], group=[0, 3])
        with pytest.raises(ValueError, match=r"1 cell\(s\) have no loss"):
            verdict([1.0, np.nan], [1.0, 1.0], [0.5])
        with pytest.raises(ValueError, match=r"shapes \(2,\), \(1,\)"):
            verdict([1.0, 1.0], [1.0], [0.5])
