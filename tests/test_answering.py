"""Draws are keyed by seed, series and place: nothing else asked for changes them."""

import itertools

import numpy as np
import pandas as pd
import pytest

from tsdiff import DiffusionImputer, answering
from tsdiff.asking import Asked

TINY = {"width": 16, "depth": 1, "max_epochs": 3, "random_state": 0, "window": 24}


def panel_frame(n_series=6, n_times=60, seed=0):
    """Two channels of noisy waves with a fifth of the cells missing, some gaps long."""
    rng = np.random.default_rng(seed)
    time = np.arange(n_times)
    phase = rng.uniform(0, 6, (n_series, 1))
    waves = np.stack([np.sin(phase + time / 4), 10 + 3 * np.cos(phase + time / 5)], -1)
    waves += 0.1 * rng.normal(size=waves.shape)
    waves[rng.random(waves.shape) < 0.2] = np.nan
    waves[1, 20:50, 0] = np.nan  # longer than the window
    index = pd.MultiIndex.from_product(
        [[f"s{i}" for i in range(n_series)], time], names=["unique_id", "ds"]
    )
    return pd.DataFrame(waves.reshape(-1, 2), index, ["a", "b"])


@pytest.fixture(scope="module")
def data():
    return panel_frame()


@pytest.fixture(scope="module")
def imputer(data):
    return DiffusionImputer(**TINY).fit(data)


def by_cell(draws):
    """Draws as a frame: a row for each answered cell (series, time, channel)."""
    row, column = np.divmod(draws.cells, 2)
    names = draws.panel.index[row].to_frame(index=False).assign(channel=column)
    return pd.DataFrame(draws.samples.T, pd.MultiIndex.from_frame(names)).sort_index()


def assert_close(one, other, data):
    """Equal within 1e-5 of the channels' scales."""
    assert one.index.equals(other.index)
    scale = data.std().to_numpy()[one.index.get_level_values("channel")]
    away = np.abs(one.to_numpy() - other.to_numpy()) / scale[:, None]
    assert away.max() < 1e-5


def test_first_draws_do_not_change_with_the_number_of_samples(imputer, data):
    two = data.loc[["s0", "s1"]]
    few, many = imputer.sample(two, 30), imputer.sample(two, 130)
    assert np.array_equal(few.samples, many.samples[:30])


def test_draws_do_not_change_with_the_memory_allowed(imputer, data, monkeypatch):
    some = data.loc[["s0", "s1", "s2"]]
    whole = by_cell(imputer.sample(some, 60))
    monkeypatch.setattr(answering, "_TOKENS_AT_ONCE", 1)
    assert_close(by_cell(imputer.sample(some, 60)), whole, data)


def test_draws_do_not_change_with_the_order_of_the_series(imputer, data):
    turned = pd.concat([data.xs(s, drop_level=False) for s in ["s3", "s0", "s5", "s1"]])
    some = by_cell(imputer.sample(data.loc[["s0", "s1", "s3", "s5"]], 20))
    assert_close(by_cell(imputer.sample(turned, 20)), some, data)


def test_draws_do_not_change_when_another_series_is_added(imputer, data):
    whole = by_cell(imputer.sample(data, 20))
    alone = by_cell(imputer.sample(data.loc[["s1"]], 20))
    assert_close(alone, whole.loc[["s1"]], data)


def test_quantiles_do_not_change_with_the_other_series(imputer, data):
    whole = imputer.predict_interval(data).loc[["s2"]]
    alone = imputer.predict_interval(data.loc[["s2"]])
    assert np.abs(whole - alone).max().max() < 1e-5 * data.std().min()


def test_four_times_the_data_gives_exactly_four_times_the_draws(imputer, data):
    large = DiffusionImputer(**TINY).fit(4 * data)
    one, four = imputer.sample(data, 9), large.sample(4 * data, 9)
    assert np.array_equal(four.samples, 4 * one.samples)


def test_a_hidden_value_changes_no_draw_by_a_bit(data):
    """Hidden cells are NaN, so nothing is left to see: two truths, one answer."""
    one, other = data.copy(), data.copy()
    hide = np.zeros(data.shape, dtype=bool)
    hide[10:14] = True
    other[hide] = 1e6
    answers = [
        DiffusionImputer(**TINY).fit(f.mask(hide)).sample(f.mask(hide), 5).samples
        for f in (one, other)
    ]
    assert np.array_equal(*answers)


def test_the_seed_moves_every_draw(imputer, data):
    some = data.loc[["s2"]]
    one, other = (imputer.sample(some, 5, random_state=s).samples for s in (1, 2))
    assert (one != other).mean() > 0.99


def test_quantiles_of_many_draws_are_the_closed_form_ones(imputer, data):
    """Ranks are spread evenly over the law, so quantiles agree to O(1 / n_samples)."""
    levels = [0.1, 0.5, 0.9]
    two = data.loc[["s0", "s1"]]
    closed = imputer.predict_quantiles(two, levels).to_numpy()
    drawn = imputer.sample(two, 500).quantile(levels).to_numpy()
    spread = (closed[:, [2, 5]] - closed[:, [0, 3]]).repeat(3, axis=1)
    assert (np.abs(drawn - closed) <= 0.03 * spread + 1e-9).all()


def test_long_gaps_are_joined_without_a_seam(imputer, data):
    """The gap of s1 crosses three windows; steps over the seams are as inside."""
    one = data.loc[["s1"]]
    draws = by_cell(imputer.sample(one, 200)).loc["s1"].xs(0, level="channel")
    path = draws.loc[22:47].to_numpy()
    step = np.abs(np.diff(path, axis=0)).mean(1)
    assert step.max() < 2.5 * np.median(step)


def test_waves_let_a_window_know_what_the_earlier_one_filled(imputer, data):
    """Cells beside a seam hang together as cells inside a window do."""
    one = data.loc[["s1"]]
    panel = imputer.schema_.read(imputer, one)
    asked = Asked(imputer.model_, panel, np.flatnonzero(one.isna()))
    waves = [wave.tolist() for wave in asked.waves()]
    assert len(waves) > 1
    assert sorted(itertools.chain(*waves)) == asked.windows.tolist()
