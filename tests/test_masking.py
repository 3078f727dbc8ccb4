"""Masks: always a subset of what is observed, with the share and shape promised."""

import numpy as np
import pytest

from tsdiff.panel import masking

RNG = np.random.default_rng


@pytest.fixture
def observed():
    return RNG(0).random((200, 40, 6)) < 0.7


def strategies(observed):
    ratio = np.full(len(observed), 0.3)
    return {
        "random": masking.random_cells(observed, ratio, RNG(1)),
        "blocks": masking.blocks(observed, ratio, RNG(1)),
        "channels": masking.whole_channels(observed, RNG(1)),
        "tails": masking.tails(observed, RNG(1)),
        "lent": masking.lent_pattern(observed, RNG(1)),
        "mixed": masking.mixed(observed, RNG(1)),
    }


def test_hidden_cells_are_observed_ones(observed):
    for name, hidden in strategies(observed).items():
        assert hidden.shape == observed.shape, name
        assert hidden.any(), name
        assert not (hidden & ~observed).any(), name


def test_random_cells_hide_exactly_the_share_asked_for(observed):
    ratio = np.linspace(0, 1, len(observed))
    hidden = masking.random_cells(observed, ratio, RNG(1))
    count = observed.sum((1, 2))
    assert (hidden.sum((1, 2)) == np.round(ratio * count)).all()


def test_random_cells_are_equally_likely():
    full = np.ones((4000, 5, 2), bool)
    hidden = masking.random_cells(full, np.full(4000, 0.3), RNG(2))
    share = hidden.mean(0)  # binomial: five standard errors
    assert np.abs(share - 0.3).max() < 5 * np.sqrt(0.21 / 4000)


def test_blocks_have_the_share_and_the_mean_length_asked_for():
    full = np.ones((300, 400, 2), bool)
    hidden = masking.blocks(full, np.full(300, 0.25), RNG(3), length=8)
    assert hidden.mean() == pytest.approx(0.25, abs=0.01)
    starts = (hidden[:, 1:] & ~hidden[:, :-1]).sum() + hidden[:, 0].sum()
    assert hidden.sum() / starts == pytest.approx(8, rel=0.05)


def test_tails_hide_an_end_or_a_beginning_only():
    hidden = masking.tails(np.ones((500, 30, 3), bool), RNG(4))
    turns = (hidden[:, 1:] != hidden[:, :-1]).sum(1)
    assert turns.max() == 1  # one change between shown and hidden a channel
    assert (~hidden).any(axis=(1, 2)).all()


def test_whole_channels_leave_half_of_them():
    hidden = masking.whole_channels(np.ones((300, 10, 6), bool), RNG(5))
    assert (hidden.all(1) | ~hidden.any(1)).all()
    lost = hidden.all(1).sum(1)
    assert lost.min() >= 1
    assert lost.max() <= 3


def test_lent_pattern_hides_what_the_donor_lacks():
    donor = RNG(6).random((1, 20, 4)) < 0.5
    hidden = masking.lent_pattern(np.ones((3, 20, 4), bool), RNG(7), donor)
    assert (hidden == ~donor).all()


def test_mixed_leaves_no_window_without_a_target_if_it_can():
    complete = np.ones((400, 12, 2), bool)  # lends no gap: random cells step in
    hidden = masking.mixed(complete, RNG(8), {"lent": 1.0})
    assert (hidden.any(axis=(1, 2))).mean() > 0.9


def test_masks_repeat_with_the_seed(observed):
    again = strategies(observed)
    for name, hidden in strategies(observed).items():
        assert (hidden == again[name]).all(), name
