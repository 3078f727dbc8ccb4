"""What is hidden was observed, follows the pattern asked for, and is read in order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsdiff.gaps import distances, gap_lengths
from tsdiff.holdout import hide
from tsdiff.panel.frame import to_panel

RNG = np.random.default_rng


def outages(n_rows=4000, share=0.3):
    """Two channels that fail together, one that fails alone."""
    rng = RNG(3)
    values = rng.standard_normal((n_rows, 3))
    starts = np.arange(0, n_rows - 20, 20)
    for start in starts[rng.random(len(starts)) < 2 * share]:
        values[start : start + rng.integers(3, 14), :2] = np.nan
    values[100:130, 2] = np.nan
    return pd.DataFrame(values, columns=list("abc"))


def mixed_up():
    """Rows of two series, turn by turn."""
    index = pd.MultiIndex.from_product([range(30), ["u", "v"]]).swaplevel()
    return pd.DataFrame({"a": np.arange(60.0)}, index.set_names(["unique_id", "ds"]))


def test_own_pattern_keeps_whole_outages_together_and_its_share():
    panel = to_panel(outages())
    hidden = hide(panel, "own", RNG(0), ratio=0.1)
    assert not (hidden & ~panel.observed).any()
    np.testing.assert_array_equal(hidden[:, 0], hidden[:, 1])  # they fail together
    share = hidden.sum(axis=0) / panel.observed.sum(axis=0)
    assert (share[:2] >= 0.1).all()
    assert (share[:2] < 0.1 + 14 / 2000).all()  # one outage more at most
    assert hidden[:, 2].sum() in range(1, 31)  # what it has is less than the share
    whole = hide(panel, "own", RNG(0), ratio=0.1, trim=False)
    edges = np.diff(hidden[:, 0].astype(int))
    for start in np.flatnonzero(edges == 1) + 1:  # each kept gap is kept whole
        stop = start + int(np.argmin(hidden[start:, 0]))
        assert whole[start:stop, 0].all()
        assert not whole[start - 1, 0]
        assert not whole[stop, 0]


def test_gaps_that_are_kept_are_as_long_as_those_that_are_not():
    panel = to_panel(outages(20_000))
    whole, kept = (hide(panel, "own", RNG(1), trim=trim) for trim in (False, True))
    mean = [np.mean(runs(hidden[:, 0])) for hidden in (whole, kept)]
    assert abs(mean[0] - mean[1]) < 0.1 * mean[0]


def runs(hidden):
    edges = np.flatnonzero(np.diff(hidden.astype(int), prepend=0, append=0))
    return edges[1::2] - edges[::2]


def test_masks_and_functions_see_the_callers_cells():
    X = mixed_up()
    panel = to_panel(X)
    mask = X > 53  # rows 54.. of the caller, three of each series
    expected = panel.values > 53
    np.testing.assert_array_equal(hide(panel, mask, RNG(0)), expected)
    np.testing.assert_array_equal(hide(panel, mask.to_numpy(), RNG(0)), expected)

    def late(observed, _):
        assert observed.index.get_level_values(0).is_monotonic_increasing
        return observed & (observed.index.get_level_values(1) > 26)[:, None]

    np.testing.assert_array_equal(hide(panel, late, RNG(0)), expected)


def test_distance_is_that_to_the_nearest_row_observed_in_the_series():
    rng = RNG(0)
    values = np.where(rng.random((60, 2)) < 0.6, np.nan, 1.0)
    values[20:40, 1] = np.nan
    ids = np.repeat(["a", "b", "c"], 20)
    panel = to_panel(pd.DataFrame(values, [ids, np.tile(range(20), 3)]))
    naive = np.full(values.shape, np.inf)
    for row, channel in np.ndindex(values.shape):
        seen = np.flatnonzero((ids == ids[row]) & ~np.isnan(values[:, channel]))
        if len(seen):
            naive[row, channel] = np.abs(seen - row).min()
    np.testing.assert_array_equal(distances(panel), naive)
    assert (distances(panel)[gap_lengths(panel) == 0] == 0).all()


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("own", "X has none: use 'blocks'"),
        ("holes", "pattern is one of own, blocks, random"),
        (np.zeros((60, 1)), "pattern must hold booleans, got dtype float64"),
        (np.zeros((9, 1), bool), r"pattern has shape \(9, 1\), but the data have"),
        (np.zeros((60, 1), bool), "pattern marks no cell to hide"),
        (lambda seen, _: seen.iloc[:5], r"the mask of pattern has shape \(5, 1\)"),
        (pd.DataFrame({"b": [True] * 60}), "The columns of pattern are 'b'"),
    ],
)
def test_patterns_that_cannot_be_had_are_named(pattern, message):
    with pytest.raises(ValueError, match=message):
        hide(to_panel(mixed_up()), pattern, RNG(0))


def test_the_first_cell_that_is_not_there_to_hide_is_named():
    X = mixed_up()
    X.iloc[41, 0] = np.nan  # row 20 of v
    message = r"1 cell\(s\) to hide that are not observed.*'a', row \('v', 20\)"
    for pattern in (X.isna() | (X > 55), lambda seen, _: ~seen):
        with pytest.raises(ValueError, match=message):
            hide(to_panel(X), pattern, RNG(0))
