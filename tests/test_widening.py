"""Laws that are too narrow for held-out cells are made wider; others are left alone."""

import numpy as np
import pytest
import torch

from tsdiff.diffusion.losses import Batch
from tsdiff.diffusion.network import Network, NetworkConfig
from tsdiff.diffusion.widening import best_log_width, widen
from tsdiff.diffusion.window import Window

CONFIG = NetworkConfig(2, 12, width=16, depth=1, denoiser_width=16)
N_WINDOWS = 400


@pytest.fixture
def network():
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        return Network(CONFIG).eval()


def batch_of(network, factor):
    """Windows whose truths are draws of the network's own laws, spread by a factor."""
    rng = torch.Generator().manual_seed(1)
    values = torch.randn(N_WINDOWS, 12, 2, generator=rng)
    target = torch.rand(values.shape, generator=rng) < 0.3
    clock = torch.arange(12.0).expand(N_WINDOWS, -1)
    shown = torch.where(target, 0.0, values)
    window = Window(shown, ~target, clock, torch.zeros(N_WINDOWS, 12, 0))
    cells = target.nonzero(as_tuple=True)
    with torch.no_grad():
        law = network.encoder.marginals(network.encoder(window), cells)
        z = torch.randn(len(cells[0]), 1, generator=rng)
        truth = law.widened(np.log(factor)).from_z(z)[:, 0]
    return Batch(window, torch.zeros_like(values).index_put(cells, truth), target)


def test_the_factor_by_which_laws_are_too_narrow_is_found(network):
    found = best_log_width(network, [batch_of(network, 1.4)])
    assert found == pytest.approx(np.log(1.4), abs=0.08)


@pytest.mark.parametrize("factor", [0.7, 1.0])
def test_laws_that_are_right_or_too_wide_are_left_alone(network, factor):
    assert best_log_width(network, [batch_of(network, factor)]) <= 0.05


def test_a_few_windows_count_little(network):
    whole = batch_of(network, 1.4)
    few = Batch(whole.window.some(slice(4)), whole.truth[:4], whole.target[:4])
    assert best_log_width(network, [few]) <= 0.6 * 4 / (4 + 16)


def test_no_held_out_cell_changes_nothing(network):
    batch = batch_of(network, 2.0)
    nothing = Batch(batch.window, batch.truth, torch.zeros_like(batch.target))
    assert best_log_width(network, []) == best_log_width(network, [nothing]) == 0.0


def test_a_widened_network_answers_by_wider_laws(network):
    batch = batch_of(network, 1.0)
    cells = batch.target.nonzero(as_tuple=True)
    levels = torch.tensor([0.05, 0.5, 0.95])
    with torch.no_grad():
        context = network.encoder(batch.window)
        before = network.encoder.marginals(context, cells)
        widen(network, 0.3)
        after = network.encoder.marginals(context, cells)
    expected = before.widened(0.3).quantile(levels)
    assert torch.allclose(after.quantile(levels), expected, rtol=1e-4, atol=1e-5)
