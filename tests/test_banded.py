"""Banded algebra against dense algebra, and the noise against its own law."""

import numpy as np
import pytest
import torch

from tsdiff.diffusion import banded
from tsdiff.diffusion.field import Field
from tsdiff.diffusion.window import Window

T = 9


def matrices(n=3, seed=0):
    """Random positive definite matrices with five diagonals, shape (n, T, T)."""
    root = torch.randn(n, T, T, generator=torch.Generator().manual_seed(seed)).double()
    root = root.tril().triu(-2)
    return root @ root.mT + 0.1 * torch.eye(T)


def diagonals(dense):
    """Three diagonals, those beside the main one padded to its length."""
    return [
        torch.nn.functional.pad(dense.diagonal(k, -2, -1), (0, k)) for k in range(3)
    ]


def factors(dense):
    return banded.factor(*map(banded.steps, diagonals(dense)))


def test_solution_is_that_of_the_dense_system():
    dense, right = matrices(), torch.ones(3, T).double()
    answer = banded.together(banded.solve(factors(dense), banded.steps(right)))
    assert torch.allclose(answer, torch.linalg.solve(dense, right))


def test_variances_are_the_diagonal_of_the_inverse():
    dense = matrices()
    answer = banded.together(banded.variances(factors(dense)))
    assert torch.allclose(answer, torch.linalg.inv(dense).diagonal(0, -2, -1))


def test_determinant_is_that_of_the_dense_matrix():
    dense = matrices()
    assert torch.allclose(banded.log_determinant(factors(dense)), torch.logdet(dense))


def test_coloured_noise_has_the_inverse_as_covariance():
    """Colouring is linear: its matrix times its transpose is the covariance."""
    dense = matrices(1)
    unit = banded.steps(torch.eye(T).double())  # row k: noise in step k alone
    root = banded.together(banded.colour(factors(dense), unit))
    assert torch.allclose(root.mT @ root, torch.linalg.inv(dense)[0])


def field_of(step, bend, level, sharp):
    field = Field(1)
    field.log_weights.copy_(torch.tensor([[step, bend, level, sharp]]).log())
    return field


def window_of(shown):
    shape = (1, len(shown), 1)
    return Window(
        torch.zeros(shape),
        torch.tensor(shown).view(shape),
        torch.arange(float(len(shown)))[None],
        torch.zeros(1, len(shown), 0),
    )


def dense_covariance(weights, shown):
    """Of the noise of a window, from the definition of the field."""
    step, bend, level, sharp = weights
    n = len(shown)
    first = np.diff(np.eye(n), axis=0)
    second = np.diff(np.eye(n), 2, axis=0)
    precision = step * first.T @ first + bend * second.T @ second
    precision += level * np.eye(n) + sharp * np.diag(shown)
    covariance = np.linalg.inv(precision) + np.eye(n) / sharp
    sd = np.sqrt(np.diag(covariance))
    return covariance / np.outer(sd, sd), sd


WEIGHTS = (2.0, 0.5, 0.3, 5.0)
SHOWN = [True, False, False, False, False, True, False]


def test_noise_has_unit_variance_and_the_fields_correlation():
    torch.manual_seed(0)
    white, own = torch.randn(2, 1, 200_000, len(SHOWN), 1)
    noise = field_of(*WEIGHTS)(window_of(SHOWN), white, own)[0, :, :, 0]
    expected, _ = dense_covariance(WEIGHTS, SHOWN)
    # a correlation of n draws has a standard error of at most 1 / sqrt(n) = 0.0022
    assert np.allclose(np.cov(noise.numpy().T), expected, atol=0.012)


def test_loss_is_the_normal_log_likelihood_of_the_scores_asked_for():
    from scipy.stats import multivariate_normal

    window, scores = window_of(SHOWN), torch.randn(1, len(SHOWN), 1)
    target = ~window.shown
    target[0, 2] = False  # missing: neither shown nor known
    field = field_of(*WEIGHTS)
    loss = field.loss(window, scores, target, field.log_weights)
    chosen = target[0, :, 0].numpy()
    covariance, _ = dense_covariance(WEIGHTS, SHOWN)
    law = multivariate_normal(cov=covariance[np.ix_(chosen, chosen)])
    expected = -law.logpdf(scores[0, chosen, 0].numpy()) / chosen.sum()
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_likelihood_finds_smooth_scores_smooth_and_white_ones_white():
    """Lag-one correlation of the learned noise is that of the scores."""
    torch.manual_seed(0)
    hidden = [False] * 20
    window = window_of(hidden)
    many = Window(
        window.values.expand(128, -1, -1),
        window.shown.expand(128, -1, -1),
        window.elapsed.expand(128, -1),
        window.features.expand(128, -1, -1),
    )
    for persistence in (0.0, 0.9):
        scores = torch.randn(128, 20, 1)
        for t in range(1, 20):
            scores[:, t] *= (1 - persistence**2) ** 0.5
            scores[:, t] += persistence * scores[:, t - 1]
        field = Field(1)
        weights = field.log_weights.clone().requires_grad_()
        optimizer = torch.optim.Adam([weights], lr=0.2)
        for _ in range(80):
            optimizer.zero_grad()
            field.loss(many, scores, ~many.shown, weights).backward()
            optimizer.step()
        field.log_weights.copy_(weights.detach())
        noise = field(many, *torch.randn(2, 128, 50, 20, 1))[..., 0]
        lag_one = (noise[..., 1:] * noise[..., :-1]).mean()
        assert float(lag_one) == pytest.approx(persistence, abs=0.05)
