"""The network: untrained it interpolates; it never sees what is hidden."""

import dataclasses

import numpy as np
import pytest
import torch

from tsdiff.diffusion.network import Network, NetworkConfig
from tsdiff.diffusion.window import Window, interpolate


def window_of(n_windows=3, n_steps=12, n_channels=2, seed=0, features=0):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(n_windows, n_steps, n_channels, generator=generator)
    shown = torch.rand(values.shape, generator=generator) < 0.5
    gaps = torch.rand(n_windows, n_steps, generator=generator) * 2 + 0.1
    elapsed = gaps.cumsum(1) - gaps[:, :1]
    calendar = torch.randn(n_windows, n_steps, features, generator=generator)
    return Window(torch.where(shown, values, 0.0), shown, elapsed, calendar)


def network_of(seed=0, **sizes):
    config = NetworkConfig(**{"n_channels": 2, "n_steps": 12, "width": 16, **sizes})
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        return Network(config).eval()


def test_interpolation_is_numpys_in_elapsed_time():
    window = window_of(n_windows=20)
    anchor, left, right = interpolate(window)
    for b in range(20):
        for c in range(2):
            shown = window.shown[b, :, c].numpy()
            time, known = window.elapsed[b].numpy(), window.values[b, shown, c].numpy()
            expected = np.interp(time, time[shown], known) if shown.any() else 0 * time
            assert np.allclose(anchor[b, :, c], expected, atol=1e-5)
            if shown.any():
                away = np.abs(time[:, None] - time[shown]).min(1)
                nearest = torch.minimum(left, right)[b, :, c]
                assert np.allclose(nearest, away, atol=1e-5)


def test_neighbours_outside_of_the_window_are_interpolated_to():
    """Nothing shown inside: a straight line from 3 steps before to 1 step after."""
    shape = (1, 4, 1)
    window = Window(
        torch.zeros(shape),
        torch.zeros(shape, dtype=torch.bool),
        torch.arange(4.0)[None],
        torch.zeros(1, 4, 0),
        edges=torch.tensor([[[0.0], [7.0]]]),
        away=torch.tensor([[[3.0], [1.0]]]),
    )
    anchor, left, right = interpolate(window)
    assert torch.allclose(anchor.ravel(), torch.tensor([3.0, 4, 5, 6]))
    assert left.ravel().tolist() == [3, 4, 5, 6]
    assert right.ravel().tolist() == [4, 3, 2, 1]
    ends = dataclasses.replace(window, away=torch.tensor([[[3.0], [torch.inf]]]))
    assert (interpolate(ends)[0] == 0).all()  # flat from the last value, which is 0


def test_a_channel_of_which_nothing_is_shown_is_at_the_mean():
    window = window_of()
    blind = dataclasses.replace(
        window,
        values=torch.zeros_like(window.values),
        shown=torch.zeros_like(window.shown),
    )
    anchor, left, _ = interpolate(blind)
    assert (anchor == 0).all()
    assert (left == 24).all()


@pytest.mark.parametrize("patch_length", [1, 5])
def test_untrained_median_is_linear_interpolation(patch_length):
    window = window_of(features=3)
    network = network_of(patch_length=patch_length, n_time_features=3)
    cells = (~window.shown).nonzero(as_tuple=True)
    context = network.encoder(window)
    law = network.encoder.marginals(context, cells)
    assert torch.equal(law.median, interpolate(window)[0][cells])
    assert (law.scale == law.scale[0]).all()


def test_answers_do_not_hang_on_the_windows_beside_them():
    network, window = network_of(), window_of(n_windows=5)
    with torch.no_grad():
        for parameter in network.parameters():  # away from the zero start
            parameter.add_(0.02 * torch.ones_like(parameter))
        fourth = {
            f.name: getattr(window, f.name)[3:4]
            for f in dataclasses.fields(window)
            if getattr(window, f.name) is not None
        }
        alone = network.encoder(Window(**fourth))
        together = network.encoder(window)
    assert torch.allclose(alone.time, together.time[3:4], atol=1e-5)
    assert torch.allclose(alone.channel, together.channel[3:4], atol=1e-5)


def test_denoiser_moves_only_the_cells_asked_for():
    network, window = network_of(), window_of()
    asked = ~window.shown
    z = torch.randn(asked.shape, generator=torch.Generator().manual_seed(1))
    context = network.encoder(window)
    prepared = network.denoiser.prepare(context, asked, torch.zeros_like(asked))
    v = network.denoiser(z, torch.full((3,), 0.5), prepared)
    assert (v[window.shown] == 0).all()
    assert (v[asked] != 0).any()


@pytest.mark.parametrize("patch_length", [1, 5])
def test_velocity_hangs_neither_on_cells_aside_nor_on_the_windows_beside(patch_length):
    """A window whose cells lie late is moved alike alone and beside one of all cells.

    Alone, only its last steps are computed; together, all steps are.
    """
    network, window = network_of(patch_length=patch_length), window_of()
    asked = ~window.shown
    asked[0, :7] = False
    given = torch.zeros_like(asked)
    given[0, 11] = asked[0, 11]
    asked &= ~given
    assert given.any()
    noise = torch.Generator().manual_seed(1)
    z = torch.randn(asked.shape, generator=noise)
    level = torch.full((3,), 0.5)
    context = network.encoder(window)
    denoiser = network.denoiser
    together = denoiser(z, level, denoiser.prepare(context, asked, given))
    alone = type(context)(*(part[:1] for part in context))
    prepared = denoiser.prepare(alone, asked[:1], given[:1])
    assert prepared.steps.start > 0
    aside = torch.where(asked | given, z, 9.0)  # not read where neither asked nor given
    answer = denoiser(aside[:1], level[:1], prepared)
    assert torch.allclose(answer, together[:1], atol=1e-5)
    changed = torch.where(given, z + 1, z)
    assert not torch.allclose(denoiser(changed[:1], level[:1], prepared), answer)


def test_one_pass_reaches_from_every_shown_cell_to_every_answer():
    """Gradient of each answered median with respect to each shown value."""
    network, window = network_of(), window_of(n_windows=1)
    with torch.no_grad():
        for parameter in network.parameters():
            noise = torch.Generator().manual_seed(parameter.numel())
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=noise))
    values = window.values.clone().requires_grad_()
    cells = (~window.shown).nonzero(as_tuple=True)
    context = network.encoder(dataclasses.replace(window, values=values))
    median = network.encoder.marginals(context, cells).median
    for answer in median:
        (slope,) = torch.autograd.grad(answer, values, retain_graph=True)
        assert (slope[window.shown] != 0).all()
