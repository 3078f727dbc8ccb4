"""Hidden cells were observed, are as many as asked, and follow the asked pattern."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsdiff import datasets


def toy(n_rows=400, n_channels=3):
    rng = np.random.default_rng(5)
    values = rng.standard_normal((n_rows, n_channels)).cumsum(0)
    values[rng.random(values.shape) < 0.1] = np.nan
    index = pd.date_range("2024-01-01", periods=n_rows, freq="h")
    return pd.DataFrame(values, index=index, columns=list("abc")[:n_channels])


@pytest.mark.parametrize("kind", ["mcar", "blocks", "channel", "own", "mnar"])
def test_hidden_cells_were_observed_and_the_others_are_untouched(kind):
    frame = toy()
    before = frame.copy()
    gappy, hidden = datasets.make_gaps(frame, kind, random_state=1)
    pd.testing.assert_frame_equal(frame, before)
    assert frame.notna().to_numpy()[hidden.to_numpy()].all()
    pd.testing.assert_frame_equal(gappy, frame.mask(hidden))
    again, _ = datasets.make_gaps(frame, kind, random_state=1)
    pd.testing.assert_frame_equal(gappy, again)
    other, _ = datasets.make_gaps(frame, kind, random_state=2)
    assert not gappy.equals(other)


@pytest.mark.parametrize("kind", ["mcar", "blocks", "channel", "own", "mnar"])
def test_frames_and_arrays_lose_the_same_cells(kind):
    frame = toy()
    _, hidden = datasets.make_gaps(frame, kind)
    array, mask = datasets.make_gaps(frame.to_numpy(), kind)
    np.testing.assert_array_equal(mask, hidden)
    np.testing.assert_array_equal(np.isnan(array), mask | frame.isna())
    _, cube = datasets.make_gaps(frame.to_numpy()[None], kind)
    np.testing.assert_array_equal(cube[0], mask)


@pytest.mark.parametrize("kind", ["mcar", "mnar"])
@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.9])
def test_share_of_hidden_cells_is_exact(kind, ratio):
    frame = toy()
    _, hidden = datasets.make_gaps(frame, kind, ratio=ratio)
    assert hidden.to_numpy().sum() == round(ratio * frame.count().sum())


def test_blocks_last_as_long_as_asked():
    values = np.zeros((20_000, 2))
    _, hidden = datasets.make_gaps(values, "blocks", ratio=0.2, length=25)
    edges = np.diff(hidden.astype(int), axis=0)
    mean_run = hidden.sum() / (edges == 1).sum()
    assert 22 < mean_run < 28
    assert 0.17 < hidden.mean() < 0.23


def test_whole_channels_go():
    _, hidden = datasets.make_gaps(toy(), "channel")
    shares = hidden.sum() / toy().count()
    assert sorted(shares.unique()) == [0, 1]


def test_own_pattern_is_the_pattern_moved_in_time():
    frame = toy()
    _, hidden = datasets.make_gaps(frame, "own")
    absent = frame.isna().to_numpy()
    moved = [np.roll(absent, offset, axis=0) & ~absent for offset in range(1, 400)]
    assert sum(np.array_equal(hidden, pattern) for pattern in moved) == 1


def test_large_values_are_likelier_to_be_hidden_in_every_channel():
    frame = toy() * [1, 1e6, 1e-6]
    _, hidden = datasets.make_gaps(frame, "mnar", ratio=0.2)
    assert (frame[hidden].mean() > frame[~hidden].mean() + 0.5 * frame.std()).all()


def test_series_of_a_panel_get_their_own_gaps_whatever_their_length():
    long, short = toy(300), toy(40)
    panel = pd.concat({"long": long, "short": short}, names=["unique_id", "ds"])
    _, hidden = datasets.make_gaps(panel, "mcar", ratio=0.25)
    for name, series in (("long", long), ("short", short)):
        assert hidden.loc[name].to_numpy().sum() == round(0.25 * series.count().sum())
    # The end of a short series is no gap of the panel: it must not be lent.
    complete = long.ffill().bfill()
    panel = pd.concat({"long": complete, "short": short}, names=["unique_id", "ds"])
    _, hidden = datasets.make_gaps(panel, "own", random_state=3)
    assert hidden.loc["long"].to_numpy()[40:].sum() == 0


def test_series_and_integers_are_kept_in_kind():
    counts = pd.Series(range(50), name="n")
    gappy, hidden = datasets.make_gaps(counts, ratio=0.2)
    assert gappy.name == hidden.name == "n"
    assert gappy.isna().sum() == hidden.sum() == 10
    assert hidden.dtype == bool


def test_requests_that_cannot_be_met_are_named():
    frame, full = toy(), toy().fillna(0.0)
    with pytest.raises(ValueError, match=r"strictly between 0 and 1, found 1\.5"):
        datasets.make_gaps(frame, ratio=1.5)
    with pytest.raises(ValueError, match="kind is one of mcar, blocks"):
        datasets.make_gaps(frame, "holes")
    with pytest.raises(ValueError, match="two channels or more, found one"):
        datasets.make_gaps(frame[["a"]], "channel")
    with pytest.raises(ValueError, match="but X has none"):
        datasets.make_gaps(full, "own")
    with pytest.raises(ValueError, match="none to hide"):
        datasets.make_gaps(full * np.nan)
    with pytest.raises(ValueError, match="hid none of the 3 observed cells"):
        datasets.make_gaps(np.ones((3, 1)), ratio=0.1)
    with pytest.raises(ValueError, match="give an array of 2 or 3"):
        datasets.make_gaps(np.ones(3))
    with pytest.raises(TypeError, match=r"X is a builtins\.list; give a pandas"):
        datasets.make_gaps([1.0, 2.0])
