"""Little's test against a case solved by hand and its law under the null."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, chi2

from tsdiff.missingness import co_missingness, count_gaps, little_test
from tsdiff.panel.frame import to_panel

NAN = np.nan


def test_two_channels_of_which_one_has_holes():
    """Anderson (1957): then the likelihood factors, and its maximum is a regression."""
    rng = np.random.default_rng(3)
    x = rng.normal(5, 2, 40)
    y = 1 + 0.7 * x + rng.normal(0, 1.5, 40)
    y[:13] = NAN
    n, seen = 40, ~np.isnan(y)
    slope = np.cov(x[seen], y[seen], bias=True)[0, 1] / x[seen].var()
    rest = (y[seen] - y[seen].mean() - slope * (x[seen] - x[seen].mean())).var()
    mean = np.array([x.mean(), y[seen].mean() + slope * (x.mean() - x[seen].mean())])
    law = x.var() * np.outer([1, slope], [1, slope]) + np.diag([0, rest])
    law *= n / (n - 1)
    gap = np.array([x[seen].mean(), y[seen].mean()]) - mean
    expected = seen.sum() * gap @ np.linalg.solve(law, gap)
    expected += 13 * (x[~seen].mean() - mean[0]) ** 2 / law[0, 0]
    found = little_test(np.stack([x, y], axis=1))
    assert found.statistic == pytest.approx(expected, rel=1e-6)
    assert (found.degrees, found.n_rows, found.n_patterns) == (1, 40, 2)
    assert found.p_value == pytest.approx(chi2.sf(expected, 1))


def holed(rng, n=120, share=0.2):
    values = rng.normal(size=(n, 3)) @ rng.normal(size=(3, 3)) + [1, 20, -300]
    return np.where(rng.random(values.shape) < share, NAN, values)


def test_its_level_is_kept_where_rows_are_independent():
    rng = np.random.default_rng(0)
    p = np.array([little_test(holed(rng)).p_value for _ in range(150)])
    for level in (0.05, 0.25, 0.5):
        low, high = binom.ppf([0.001, 0.999], 150, level)
        assert low <= (p < level).sum() <= high


def test_scale_and_shift_change_nothing():
    X = holed(np.random.default_rng(1))
    moved = little_test(X * [1e-6, 1, 1e6] + [5, 0, -1e3])
    assert little_test(X).statistic == pytest.approx(moved.statistic, rel=1e-5)


def test_rows_without_any_value_say_nothing():
    X = holed(np.random.default_rng(2))
    more = np.vstack([X, np.full((50, 3), NAN)])
    assert little_test(pd.DataFrame(more)) == little_test(pd.DataFrame(X))


@pytest.mark.parametrize(
    ("X", "said"),
    [
        (np.array([[1.0], [NAN]]), "only one"),
        (np.arange(8.0).reshape(4, 2) ** 2, "same cells"),
        (np.array([[1.0, NAN], [NAN, 2.0], [2.0, NAN]]), "never observed together"),
        (np.array([[1.0, NAN], [2.0, NAN]]), "never observed. Leave"),
        (np.array([[1.0, 2.0], [1.0, NAN], [NAN, 3.0]]), "constant"),
        (np.array([[1.0, 2], [2, 4], [3, 6], [4, NAN]]), "determine each other"),
    ],
)
def test_what_cannot_be_tested_is_refused(X, said):
    with pytest.raises(ValueError, match=said):
        little_test(X)


def test_gaps_end_with_their_series():
    y = np.array([1.0, NAN, NAN, NAN, 2.0, NAN])
    index = pd.MultiIndex.from_product([["a", "b"], range(3)], names=["unique_id", "t"])
    panel = to_panel(pd.DataFrame({"y": y, "z": 1.0}, index))
    lengths, counts = count_gaps(panel)
    assert lengths.tolist() == [1, 2]
    assert counts.tolist() == [[2, 0], [1, 0]]
    np.testing.assert_array_equal(co_missingness(panel), [[1, 0], [NAN, NAN]])
