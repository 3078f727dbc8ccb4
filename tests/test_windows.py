"""Windows: every row is answered once, by the window in which it lies most central."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsdiff.panel.frame import to_panel
from tsdiff.panel.windows import Scene, cover, random_starts


def panel_of(lengths):
    frames = {
        f"s{i}": pd.DataFrame({"y": np.arange(n, dtype=float)})
        for i, n in enumerate(lengths)
    }
    return to_panel(pd.concat(frames, names=["unique_id", "ds"]))


@given(
    st.lists(st.integers(1, 90), min_size=1, max_size=5),
    st.integers(1, 40),
)
def test_owner_holds_the_row_and_is_the_most_central(lengths, n_steps):
    panel = panel_of(lengths)
    layout = cover(panel, n_steps)
    stop = panel.bounds[layout.series + 1]
    begin = np.maximum(layout.start, panel.bounds[layout.series])
    end = np.minimum(layout.start + n_steps, stop)
    rows = np.arange(len(panel.values))
    assert (begin[layout.owner] <= rows).all()
    assert (rows < end[layout.owner]).all()
    middle = layout.start + (n_steps - 1) / 2
    away = np.abs(rows[:, None] - middle)
    away[(rows[:, None] < begin) | (rows[:, None] >= end)] = np.inf
    mine = away[rows, layout.owner]
    assert (mine <= away.min(1) + 1e-9).all()


@given(st.integers(1, 200), st.integers(2, 40))
def test_windows_overlap_by_half_and_reach_the_end(length, n_steps):
    layout = cover(panel_of([length]), n_steps)
    assert layout.start[0] == min(length - n_steps, 0)  # short ones end with the window
    assert layout.start[-1] == length - n_steps
    assert (np.diff(layout.start) > 0).all()
    assert (np.diff(layout.start) <= max(n_steps // 2, 1)).all()


def test_take_gathers_the_rows_and_marks_what_lies_beyond():
    panel = panel_of([3, 5])
    scaled = panel.values.astype(np.float32)
    windows = Scene(panel, scaled).take(np.array([0, 4]), np.array([0, 1]), 4)
    assert np.array_equal(windows.values[0, :, 0], [0, 1, 2, np.nan], equal_nan=True)
    assert np.array_equal(windows.values[1, :, 0], [1, 2, 3, 4])
    assert windows.elapsed.tolist() == [[0, 1, 2, 3], [0, 1, 2, 3]]
    assert windows.inside.tolist() == [[True, True, True, False], [True] * 4]


def test_short_series_end_with_their_window_and_its_clock_starts_before_them():
    panel = panel_of([3, 5])
    scaled = panel.values.astype(np.float32)
    windows = Scene(panel, scaled).take(np.array([-1, 2]), np.array([0, 1]), 4)
    values = [[np.nan, 0, 1, 2], [np.nan, 0, 1, 2]]
    assert np.array_equal(windows.values[..., 0], values, equal_nan=True)
    assert windows.elapsed.tolist() == [[0, 1, 2, 3], [0, 1, 2, 3]]
    assert np.isinf(windows.away[:, 0]).all()


@given(st.lists(st.integers(1, 90), min_size=1, max_size=5), st.integers(1, 40))
def test_rows_ahead_are_answered_by_the_last_window(lengths, n_steps):
    panel = panel_of(lengths)
    ahead = np.minimum(lengths, n_steps)
    layout = cover(panel, n_steps, ahead)
    for series, (n, stop) in enumerate(zip(ahead, panel.bounds[1:], strict=True)):
        owner = np.unique(layout.owner[stop - n : stop])
        assert layout.start[owner].tolist() == [stop - n_steps]
        assert layout.series[owner].tolist() == [series]


def test_irregular_stamps_keep_their_elapsed_time():
    index = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-05", "2024-01-06"])
    panel = to_panel(pd.DataFrame({"y": [1.0, 2, 3, 4]}, index))
    scene = Scene(panel, panel.values.astype(np.float32))
    windows = scene.take(*np.zeros((2, 1), int), 4)
    assert windows.elapsed[0].tolist() == [0, 1, 4, 5]


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_edges_are_the_nearest_observed_cells_outside_of_the_window(seed, n_steps):
    rng = np.random.default_rng(seed)
    panel = panel_of([30, 25])
    scaled = rng.normal(size=(55, 1)).astype(np.float32)
    scaled[rng.random((55, 1)) < 0.7] = np.nan
    start, series = random_starts(panel.bounds, n_steps, 8, rng)
    windows = Scene(panel, scaled).take(start, series, n_steps)
    for b in range(8):
        first, stop = panel.bounds[series[b]], panel.bounds[series[b] + 1]
        before = np.flatnonzero(~np.isnan(scaled[first : start[b], 0]))
        after = np.flatnonzero(~np.isnan(scaled[start[b] + n_steps : stop, 0]))
        if len(before):
            assert windows.edges[b, 0, 0] == scaled[first + before[-1], 0]
            assert windows.away[b, 0, 0] == start[b] - first - before[-1]
        else:
            assert np.isinf(windows.away[b, 0, 0])
        if len(after):
            assert windows.edges[b, 1, 0] == scaled[start[b] + n_steps + after[0], 0]
            assert windows.away[b, 1, 0] == after[0] + 1
        else:
            assert np.isinf(windows.away[b, 1, 0])


def test_random_starts_stay_inside_and_see_every_row_about_equally_often():
    panel = panel_of([50, 200])
    start, series = random_starts(panel.bounds, 20, 40_000, np.random.default_rng(0))
    assert (start >= panel.bounds[series]).all()
    assert (start + 20 <= panel.bounds[series + 1]).all()
    seen = np.zeros(251)
    np.add.at(seen, start, 1)
    np.add.at(seen, start + 20, -1)
    count = np.cumsum(seen)[:250]
    assert count.min() > 0.4 * count.mean()
    assert count[:50].mean() == pytest.approx(count[50:].mean(), rel=0.1)
