"""The smoother: interpolation and bridges as limits, Kalman's answer when learned."""

import numpy as np
import pytest
import torch

from tsdiff.batches import Source
from tsdiff.datasets import make_linear_gaussian
from tsdiff.diffusion.field import Field
from tsdiff.diffusion.smoothing import Smoother, fit_smoother, normal_crps, smooth
from tsdiff.diffusion.window import Window, interpolate
from tsdiff.metrics import crps
from tsdiff.panel.frame import to_panel
from tsdiff.panel.scaling import fit_scaler


def window_of(seed=0, n_steps=20):
    """Irregular steps, both ends shown, half of the others hidden."""
    rng = np.random.default_rng(seed)
    shown = rng.random((3, n_steps, 1)) < 0.5
    shown[:, [0, -1]] = True
    values = np.where(shown, rng.normal(size=shown.shape), 0)
    elapsed = np.cumsum(rng.uniform(0.2, 3, (3, n_steps)), axis=1)
    parts = (values.astype("f4"), shown, (elapsed - elapsed[:, :1]).astype("f4"))
    return Window(*map(torch.from_numpy, parts), torch.zeros(3, n_steps, 0))


def weights(step=1e-6, bend=1e-6, level=1e-6, sharp=1e6):
    return torch.tensor([[step, bend, level, sharp]], dtype=torch.float64).log()


def test_increments_alone_are_linear_interpolation_with_bridges():
    window = window_of()
    mean, spread = smooth(window, weights(step=4.0))
    anchor, left, right = interpolate(window)
    hidden = ~window.shown
    assert torch.allclose(mean[hidden], anchor[hidden], atol=1e-3)
    bridge = (left * right / (left + right) / 4.0).sqrt()  # Brownian bridge, rate 1 / 4
    assert torch.allclose(spread[hidden], bridge[hidden], rtol=1e-3)


def test_changes_of_slope_alone_continue_a_straight_line():
    window = window_of()
    line = 0.3 * window.elapsed[..., None] - 1
    shown = window.shown & (window.elapsed[..., None] < 15)
    known = torch.where(shown, line, 0.0)
    ahead = Window(known, shown, window.elapsed, window.features)
    mean, _ = smooth(ahead, weights(bend=1e4))
    assert torch.allclose(mean, line, atol=0.02)


def test_level_alone_answers_by_the_mean_and_its_spread():
    window = window_of()
    mean, spread = smooth(window, weights(level=4.0))
    hidden = ~window.shown
    assert torch.allclose(mean[hidden], torch.zeros(1), atol=1e-4)
    assert torch.allclose(spread[hidden], torch.tensor(0.5), atol=1e-3)


def test_neighbours_outside_of_the_window_pull():
    shape = (1, 4, 1)
    window = Window(
        torch.zeros(shape),
        torch.zeros(shape, dtype=torch.bool),
        torch.arange(4.0)[None],
        torch.zeros(1, 4, 0),
        edges=torch.tensor([[[0.0], [7.0]]]),
        away=torch.tensor([[[3.0], [1.0]]]),
    )
    mean, _ = smooth(window, weights(step=1.0))
    assert torch.allclose(mean.ravel(), torch.tensor([3.0, 4, 5, 6]), atol=1e-2)


def test_gradients_are_those_of_finite_differences():
    single = window_of()
    window = Window(
        single.values.double().expand(-1, -1, 2),
        single.shown.expand(-1, -1, 2),
        single.elapsed,
        single.features,
        edges=torch.zeros(3, 2, 2).double(),
        away=torch.full((3, 2, 2), 2.0).double(),
    )
    log_weights = torch.tensor([[1.0, -1.0, 0.5, 2.0], [2.0, 0.3, -2.0, 1.0]]).double()
    assert torch.autograd.gradcheck(
        lambda w: smooth(window, w), log_weights.requires_grad_()
    )
    scores = torch.ones_like(window.values)
    assert torch.autograd.gradcheck(
        lambda w: Field(2).loss(window, scores, ~window.shown, w), log_weights
    )


def test_weights_beyond_their_bounds_have_no_gradient():
    log_weights = weights(step=1e-7, sharp=1e7).requires_grad_()
    smooth(window_of(), log_weights)[1].sum().backward()
    assert (log_weights.grad != 0).tolist() == [[False, True, True, False]]


def test_normal_crps_is_that_of_many_draws():
    draws = np.random.default_rng(0).normal(1.0, 2.0, (20_000, 3))
    truth = np.array([-3.0, 1.0, 2.5])
    exact = normal_crps(torch.from_numpy(truth), torch.tensor(1.0), torch.tensor(2.0))
    assert np.allclose(exact, crps(truth, draws), rtol=0.02)


@pytest.mark.slow
def test_learned_weights_give_nearly_the_kalman_posterior():
    """A first-order autoregression with noise lies within the smoother's reach."""
    data = make_linear_gaussian(
        300, 32, persistence=0.9, noise=0.3, missing=0.3, random_state=0
    )
    panel = to_panel(data.values)
    scaler = fit_scaler(panel)
    source = Source(panel, scaler, 32, np.random.default_rng(0))
    smoother = Smoother(1)
    batches = [source.draw(np.random.default_rng(k)) for k in range(80)]
    fit_smoother(smoother, [(b.window, b.truth, b.target) for b in batches])
    scaled = np.nan_to_num(scaler.units(panel).enter(panel.values, panel.channels))
    shown = ~np.isnan(data.values)
    window = Window(
        torch.from_numpy(scaled.reshape(shown.shape)),
        torch.from_numpy(shown),
        torch.arange(32.0).expand(300, -1),
        torch.zeros(300, 32, 0),
    )
    mean, spread = (part.numpy()[~shown] * scaler.scale[0] for part in smoother(window))
    exact = [data.posterior(s) for s in range(300)]
    middle = np.concatenate([m for m, _ in exact])
    width = np.concatenate([np.sqrt(np.diag(c)) for _, c in exact])
    error = (mean + scaler.center[0] - middle) / width
    assert np.sqrt((error**2).mean()) < 0.2
    assert (spread / width).mean() == pytest.approx(1, abs=0.1)
