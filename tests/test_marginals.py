"""The law of a cell: inverse, levels, propriety, shapes it can take."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from tsdiff.diffusion.marginals import (
    LEVELS,
    N_PARAMETERS,
    Marginals,
    normal_score,
)


@pytest.fixture
def laws():
    """Forty laws of all shapes, in float32 as in use."""
    generator = torch.Generator().manual_seed(3)
    raw = 1.5 * torch.randn(40, N_PARAMETERS, generator=generator)
    raw[20:, 4:] += 4 * torch.randn(20, N_PARAMETERS - 4, generator=generator)
    return Marginals(raw, torch.randn(40, generator=generator))


def test_to_z_inverts_from_z_also_in_the_tails(laws):
    z = torch.linspace(-4, 4, 81).expand(40, -1)
    assert torch.allclose(laws.to_z(laws.from_z(z)), z, atol=2e-3)


def test_quantiles_rise_with_the_level(laws):
    levels = torch.linspace(0.001, 0.999, 500)
    assert (laws.quantile(levels).diff(dim=1) > 0).all()


def test_levels_match_the_share_of_draws_below_the_quantile(laws):
    z = torch.from_numpy(norm.ppf((np.arange(20_000) + 0.5) / 20_000)).float()
    draws = laws.from_z(z.expand(40, -1))
    for level in (0.003, 0.05, 0.37, 0.9, 0.995):
        below = (draws <= laws.quantile(torch.tensor([level]))).double().mean(1)
        assert torch.allclose(below, torch.tensor(level).double(), atol=2e-4)


def test_an_untrained_law_is_nearly_normal_around_its_anchor():
    law = Marginals(torch.zeros(1, N_PARAMETERS), torch.tensor([5.0]))
    quantile = law.quantile(torch.tensor(LEVELS))[0] - 5
    assert quantile[len(LEVELS) // 2] == 0
    assert torch.allclose(quantile, -quantile.flip(0), atol=1e-5)


def test_score_is_the_crps_of_the_law():
    """Against the closed form of a normal law, with its parameters fitted by hand."""
    raw = torch.zeros(1, N_PARAMETERS)
    raw[0, 3] = -20.0  # no tail
    law = Marginals(raw, torch.zeros(1))
    scale = float(law.scale)
    for x in (-3.0, -0.2, 0.0, 0.7):
        w = x / scale
        exact = scale * (
            w * (2 * norm.cdf(w) - 1) + 2 * norm.pdf(w) - 1 / np.sqrt(np.pi)
        )
        assert float(law.crps(torch.tensor([x]))) == pytest.approx(exact, rel=0.01)


def test_the_true_law_has_the_lowest_score_on_average():
    generator = torch.Generator().manual_seed(0)
    raw = torch.randn(1, N_PARAMETERS, generator=generator)
    law = Marginals(raw, torch.zeros(1))
    z = torch.from_numpy(norm.ppf((np.arange(4_000) + 0.5) / 4_000)).float()
    truth = law.from_z(z[None])[0]

    def score(change, size):
        shifted = raw.clone()
        shifted[0, change] += size
        other = Marginals(shifted.expand(4_000, -1), torch.zeros(4_000))
        return float(other.crps(truth).mean())

    best = score(0, 0.0)
    for parameter in range(4):
        assert score(parameter, 0.3) > best
        assert score(parameter, -0.3) > best


def test_slopes_can_make_two_modes_with_nothing_between_them():
    """A coin toss between -2 and 2, each with spread 0.1, fitted by the score alone."""
    generator = torch.Generator().manual_seed(0)
    side = torch.where(torch.rand(4_000, generator=generator) < 0.4, -2.0, 2.0)
    truth = side + 0.1 * torch.randn(4_000, generator=generator)
    raw = torch.zeros(1, N_PARAMETERS, requires_grad=True)
    optimizer = torch.optim.Adam([raw], lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        law = Marginals(raw.expand(4_000, -1), torch.zeros(4_000))
        law.crps(truth).mean().backward()
        optimizer.step()
    law = Marginals(raw.detach(), torch.zeros(1))
    levels = torch.linspace(0.005, 0.995, 200)
    between = (law.quantile(levels).abs() < 1.5).double().mean()
    assert between < 0.1  # the jump is spread over two bands of levels at most
    # the score of the exact law: 0.4 * 0.6 * 4 from the coin, 0.1 / sqrt(pi) a mode
    exact = 0.4 * 0.6 * 4 + (0.4**2 + 0.6**2) * 0.1 / np.sqrt(np.pi)
    tiled = Marginals(raw.detach().expand(4_000, -1), torch.zeros(4_000))
    assert float(tiled.crps(truth).mean()) < 1.03 * exact


def test_normal_score_is_the_normal_quantile():
    levels = torch.tensor([1e-6, 0.2, 0.5, 0.999], dtype=torch.float64)
    assert np.allclose(normal_score(levels), norm.ppf(levels), rtol=1e-9)


def between_jumps(laws):
    """Edges of fine cells in value, none across a knot: each is smooth inside."""
    z = torch.linspace(-4, 4, 4001)
    knots = normal_score(torch.tensor(LEVELS, dtype=torch.float64)).float()
    return laws.from_z(torch.cat([z, knots]).sort().values.expand(40, -1))


def test_density_holds_the_probability_of_every_range(laws):
    """Summed between any two values it is the difference of their levels."""
    edges = between_jumps(laws).double()
    middle = ((edges[:, 1:] + edges[:, :-1]) / 2).float()
    mass = laws.log_density(middle).double().exp() * edges.diff(dim=1)
    level = torch.from_numpy(norm.cdf(laws.to_z(edges.float()).double()))
    assert torch.allclose(mass.cumsum(1), (level - level[:, :1])[:, 1:], atol=2e-3)
    assert torch.allclose(mass.sum(1), torch.ones(40).double(), atol=2e-3)


def test_density_is_the_derivative_of_the_level(laws):
    """By central differences, away from the knots and in both tails."""
    z = torch.tensor([-3.5, -2.8, -1.1, -0.31, 0.06, 0.93, 1.45, 2.6, 3.5])
    x, width = laws.from_z(z.expand(40, -1)), 0.02
    low, high = (laws.from_z((z + d).expand(40, -1)).double() for d in (-width, width))
    found = laws.log_density(x).double() + (high - low).log()
    np.testing.assert_allclose(
        found, np.broadcast_to(norm.logpdf(z) + np.log(2 * width), (40, 9)), atol=0.02
    )


def test_an_untrained_density_is_that_of_a_normal_law():
    raw = torch.zeros(1, N_PARAMETERS)
    raw[0, 3] = -20.0  # no tail
    law = Marginals(raw, torch.tensor([5.0]))
    x = 5 + float(law.scale) * torch.linspace(-3, 3, 21)[None]
    exact = norm.logpdf(x.numpy(), 5, float(law.scale))
    np.testing.assert_allclose(law.log_density(x), exact, atol=0.01)


def test_wider_laws_have_quantiles_as_much_further_from_the_median(laws):
    z = torch.linspace(-4, 4, 17).expand(40, -1)
    wider = laws.widened(np.log(1.5))
    away = laws.from_z(z) - laws.median[:, None]
    moved = wider.from_z(z) - laws.median[:, None]
    assert torch.allclose(moved, 1.5 * away, rtol=1e-4, atol=1e-5)
    assert torch.allclose(wider.to_z(wider.from_z(z)), z, atol=2e-3)
