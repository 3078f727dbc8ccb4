"""First guesses: exact where a series repeats itself, in units of its window."""

import pytest
import torch

from tsdiff.diffusion.fill import Fill
from tsdiff.diffusion.window import Window

PERIOD = 6


def window_of(values, hidden):
    """One window per row of `values`, shape (B, T), the last `hidden` steps hidden."""
    shown = torch.ones(values.shape, dtype=torch.bool)
    shown[:, len(values[0]) - hidden :] = False
    steps = torch.arange(float(values.shape[1])).expand(len(values), -1)
    known = torch.where(shown, values, 0.0)
    return Window(known[..., None], shown[..., None], steps, steps[..., None])


def season(n_steps=30):
    pattern = torch.tensor([0.0, 2.0, -1.0, 4.0, 1.0, 0.5])
    return pattern.repeat(n_steps // PERIOD)[None]


def test_a_repeating_series_is_continued():
    values = season()
    filled = Fill(1, 30, (PERIOD,), n_centred=1)(window_of(values, PERIOD + 2))
    assert torch.allclose(filled.anchor[..., 0], values, atol=0.01)
    hidden = filled.spread[0, -PERIOD:]
    assert (hidden < 0.02 * values.std()).all()


def test_a_season_whose_level_moves_is_continued_from_where_it_stands():
    """Each season lies one higher than the last: the corrected guess knows it."""
    values = season() + torch.arange(5.0).repeat_interleave(PERIOD)
    filled = Fill(1, 30, (PERIOD,), n_centred=1)(window_of(values, PERIOD))
    assert torch.allclose(filled.anchor[0, -PERIOD:, 0], values[0, -PERIOD:], atol=0.1)


def test_without_a_season_the_last_value_goes_on_and_errors_grow_with_the_distance():
    steps = torch.randn(64, 60, generator=torch.Generator().manual_seed(0))
    values = steps.cumsum(1)
    window = window_of(values, 20)
    filled = Fill(1, 60, (7,), n_centred=1)(window)
    error = (filled.anchor[..., 0] - values).abs()[:, 40:]
    naive = (values[:, 39:40] - values).abs()[:, 40:]
    assert error.mean() < 1.15 * naive.mean()
    spread = filled.spread[:, 40:, 0].mean(0)
    assert spread[0] < spread[5] < spread[15]


@pytest.mark.parametrize("periods", [(), (PERIOD,)])
def test_guesses_follow_level_and_scale_of_the_window(periods):
    values = season() + torch.randn(3, 30, generator=torch.Generator().manual_seed(0))
    fill = Fill(1, 30, periods, n_centred=1)
    one, other = (fill(window_of(v, 8)) for v in (100 * values, 900 * values + 5000))
    assert torch.allclose(9 * one.anchor + 5000, other.anchor, rtol=1e-3)
    assert torch.allclose(9 * one.spread, other.spread, rtol=1e-3)
    assert torch.allclose(one.inputs, other.inputs, atol=1e-2)


def test_channels_that_are_not_centred_keep_their_level():
    values = season()
    both = window_of(values, 8)
    two = Window(
        both.values.expand(-1, -1, 2),
        both.shown.expand(-1, -1, 2),
        both.elapsed,
        both.features,
    )
    inputs = Fill(2, 30, n_centred=1)(two).inputs[..., 1]  # values where shown
    shown = both.shown[0, :, 0]
    assert torch.equal(inputs[0, shown, 1], values[0, shown])
    assert not torch.allclose(inputs[0, shown, 0], values[0, shown])


def test_a_window_of_which_nothing_is_shown_is_at_the_mean_of_the_fit():
    window = window_of(season(), 30)
    filled = Fill(1, 30, (PERIOD,), n_centred=1)(window)
    assert (filled.anchor == 0).all()
    assert bool(torch.isfinite(filled.spread).all())
    assert bool(torch.isfinite(filled.inputs).all())
