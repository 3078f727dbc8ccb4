"""The answer of a vector autoregression, against its exact conditional law."""

import numpy as np
import pytest
import torch

from tsdiff import DiffusionImputer
from tsdiff.diffusion.autoregression import (
    Autoregression,
    _stationary,
    choose_noise,
    fit_autoregression,
)
from tsdiff.diffusion.window import Window

STEP = torch.tensor([[0.7, 0.2, 0.0], [0.0, 0.5, 0.3], [0.1, 0.0, 0.6]]).double()
N_STEPS, N_CHANNELS = 9, 3


def stationary(step, innovation):
    """Solve S = A S A' + Q."""
    n = len(step)
    flat = torch.eye(n * n, dtype=step.dtype) - torch.kron(step, step)
    return torch.linalg.solve(flat, innovation.flatten()).view(n, n)


def known(noise):
    """Make the process with A = STEP and innovations of variance 0.5."""
    innovation = 0.5 * torch.eye(N_CHANNELS).double()
    inner = torch.linalg.inv(innovation)
    model = Autoregression(N_CHANNELS)
    model.mean += 0.4
    model.start.copy_(torch.linalg.inv(stationary(STEP, innovation)))
    model.inner.copy_(inner)
    model.pull.copy_(STEP.T @ inner @ STEP)
    model.link.copy_(-STEP.T @ inner)
    model.noise.fill_(noise)
    return model


def covariance():
    """Covariance of all cells of a window, by powers of STEP: (T * C, T * C)."""
    level = stationary(STEP, 0.5 * torch.eye(N_CHANNELS).double())
    blocks = [
        [
            torch.linalg.matrix_power(STEP, i - j) @ level
            if i >= j
            else level @ torch.linalg.matrix_power(STEP, j - i).T
            for j in range(N_STEPS)
        ]
        for i in range(N_STEPS)
    ]
    return torch.cat([torch.cat(row, 1) for row in blocks])


def window(seed=0):
    """Make a window of which half is shown, in double precision."""
    draw = torch.Generator().manual_seed(seed)
    size = (2, N_STEPS, N_CHANNELS)
    values = torch.randn(size, generator=draw, dtype=torch.float64)
    shown = torch.rand(size, generator=draw) < 0.5
    clock = torch.arange(N_STEPS).double().expand(2, -1)
    return Window(values * shown, shown, clock, clock[..., None])


@pytest.mark.parametrize("noise", [0.01, 0.5])
def test_every_cell_is_answered_by_its_law_given_all_others(noise):
    asked = window()
    mean, spread = known(noise)(asked)
    joint = covariance() + noise * torch.eye(N_STEPS * N_CHANNELS)
    for w in range(2):
        shown, values = asked.shown[w].flatten(), asked.values[w].flatten() - 0.4
        for cell in range(len(shown)):
            others = shown.clone()
            others[cell] = False
            row = joint[cell, others]
            weight = torch.linalg.solve(joint[others][:, others], row)
            exact = 0.4 + weight @ values[others]
            variance = joint[cell, cell] - weight @ row
            assert mean[w].flatten()[cell] == pytest.approx(float(exact), abs=1e-8)
            assert spread[w].flatten()[cell] == pytest.approx(float(variance.sqrt()))


def test_moments_of_a_long_series_with_gaps_give_back_the_process():
    rng = np.random.default_rng(0)
    x = np.zeros((40_000, N_CHANNELS))
    shocks = rng.normal(0, np.sqrt(0.5), x.shape)
    for t in range(1, len(x)):
        x[t] = STEP.numpy() @ x[t - 1] + shocks[t]
    x[rng.random(x.shape) < 0.3] = np.nan
    model = fit_autoregression(
        torch.from_numpy(x + 0.4), torch.ones(len(x) - 1, dtype=torch.bool), N_CHANNELS
    )
    exact = known(0.01)
    for name in ("mean", "start", "inner", "pull", "link"):
        torch.testing.assert_close(
            getattr(model, name), getattr(exact, name), atol=0.08, rtol=0.05
        )


def test_channels_that_are_hardly_seen_together_are_held_to_be_stationary():
    """Their moments contradict each other; few of them must not spoil all."""
    rng = np.random.default_rng(0)
    n_rows, n_channels = 600, 24
    common = np.zeros(n_rows)
    for t in range(1, n_rows):
        common[t] = 0.97 * common[t - 1] + 0.24 * rng.standard_normal()
    x = common[:, None] + 0.2 * rng.standard_normal((n_rows, n_channels))
    for channel in range(n_channels):  # a third of the time each
        start = rng.integers(0, n_rows)
        x[np.arange(start, start + 400) % n_rows, channel] = np.nan
    values, follows = torch.from_numpy(x), torch.ones(n_rows - 1, dtype=torch.bool)
    model = fit_autoregression(values, follows, n_channels, least=0.01)
    step = -torch.linalg.solve(model.inner, model.link.T)
    root = float(torch.linalg.eigvals(step).abs().max())
    assert 0.9 < root <= 0.995
    level, inner = torch.linalg.inv(model.start), torch.linalg.inv(model.inner)
    torch.testing.assert_close(level, step @ level @ step.T + inner, atol=2e-2, rtol=0)
    truth = torch.from_numpy(common).float()[:576].view(16, 36, 1)
    hidden = torch.zeros(16, 36, n_channels, dtype=torch.bool)
    hidden[:, 12:15] = True  # all channels at once: only time can tell
    seen = ~values[:576].isnan().view(16, 36, n_channels) & ~hidden
    shown = torch.where(seen, values[:576].view(16, 36, n_channels), 0.0).float()
    clock = torch.arange(36.0).expand(16, -1)
    model.noise.fill_(0.01)
    mean, _ = model(Window(shown, seen, clock, clock[..., None]))
    error = (mean[:, 12:15] - truth[:, 12:15]).abs().mean()
    told = (
        truth[:, 12:15] - values[:576].nanmean()
    )  # a process without memory says this
    assert error < 0.7 * told.abs().mean()


def test_moments_that_fit_together_are_left_alone():
    level = stationary(STEP, 0.5 * torch.eye(N_CHANNELS).double())
    for wrong in (0.0, 0.5):
        later = STEP @ level + wrong * torch.eye(N_CHANNELS)
        together, moved = _stationary(level, later, 1e-3)
        both = torch.cat(
            [torch.cat([together, moved.T], 1), torch.cat([moved, together], 1)]
        )
        assert float(torch.linalg.eigvalsh(both)[0]) >= 0.9e-3
        assert torch.equal(moved, later) == (wrong == 0)


def test_the_noise_that_fits_hidden_cells_is_chosen():
    exact = covariance() + 0.3 * torch.eye(N_STEPS * N_CHANNELS)
    root = torch.linalg.cholesky(exact)
    draw = torch.Generator().manual_seed(1)
    noise = torch.randn(400, len(root), generator=draw, dtype=torch.float64)
    truth = (noise @ root.T).view(400, N_STEPS, N_CHANNELS) + 0.4
    shown = torch.rand(truth.shape, generator=draw) < 0.6
    clock = torch.arange(N_STEPS).double().expand(400, -1)
    asked = Window(truth * shown, shown, clock, clock[..., None])
    model = known(0.01)
    error = choose_noise(model, [(asked, truth, ~shown)])
    assert float(model.noise) == 0.3
    spread = exact.diagonal().sqrt().mean()
    assert error / int((~shown).sum()) < 0.8 * float(spread)


def test_values_outside_of_a_window_count_less_the_farther_away_they_are():
    asked = window()
    empty = torch.zeros_like(asked.shown)
    edges = torch.full((2, 2, N_CHANNELS), 2.0).double()
    answers = []
    for far in (1.0, 5.0, torch.inf):
        away = torch.full_like(edges, torch.inf)
        away[:, 0] = far
        outside = Window(
            asked.values, empty, asked.elapsed, asked.features, edges, away
        )
        answers.append(known(0.1)(outside)[0][:, 0])
    near, farther, none = answers
    assert (near > farther).all()
    assert (farther > none).all()
    torch.testing.assert_close(none, torch.full_like(none, 0.4))


def test_channels_that_tell_of_each_other_are_answered_from_each_other():
    rng = np.random.default_rng(0)
    common = rng.standard_normal(1200)
    x = np.column_stack([common, common, common]) + 0.1 * rng.standard_normal((1200, 3))
    imputer = DiffusionImputer(
        window=24, width=16, depth=1, max_epochs=1, random_state=0
    ).fit(x[:1000])
    assert imputer.model_.network.config.joint
    shown = x[1000:].copy()
    shown[:, 0] = np.nan
    answer = imputer.transform(shown)
    assert np.abs(answer[:, 0] - x[1000:, 0]).mean() < 0.2  # of a spread of one
