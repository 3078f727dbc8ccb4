"""The flow: exact velocity of a normal law, orders of convergence, independence."""

import math

import numpy as np
import pytest
import torch

from tsdiff.diffusion import flow


def normal_velocity(variance):
    """Velocity for z_0 ~ N(0, variance), known in closed form."""

    def velocity(z, t):
        sin, cos = math.sin(t), math.cos(t)
        return (1 - variance) * sin * cos / (variance * cos**2 + sin**2) * z

    return velocity


@pytest.mark.parametrize(
    ("sampler", "order"), [(flow.sample_first_order, 1), (flow.sample, 2)]
)
@pytest.mark.parametrize("variance", [0.25, 3.0])
def test_error_falls_with_the_order_of_the_sampler(sampler, order, variance):
    noise = torch.linspace(-2, 2, 9, dtype=torch.float64)
    exact = np.sqrt(variance) * noise
    counts = np.array([32, 64, 128, 256])
    error = [
        float((sampler(normal_velocity(variance), noise, flow.times(n)) - exact)
              .abs().max())
        for n in counts
    ]  # fmt: skip
    slope = -np.polyfit(np.log2(counts), np.log2(error), 1)[0]
    assert slope == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("sampler", [flow.sample_first_order, flow.sample])
def test_independent_normal_cells_pass_unchanged_in_a_single_step(sampler):
    noise = torch.randn(50, dtype=torch.float64, generator=torch.Generator())
    assert torch.equal(sampler(normal_velocity(1.0), noise, flow.times(1)), noise)


def test_second_order_keeps_the_variance_of_dependent_cells_in_few_steps():
    """Eight cells of correlation 0.9: one direction of variance 7.3, seven of 0.1."""
    covariance = 0.9 * torch.ones(8, 8, dtype=torch.float64) + 0.1 * torch.eye(8)
    variance, axes = torch.linalg.eigh(covariance.double())

    def velocity(z, t):
        return normal_velocity(variance)(z @ axes, t) @ axes.T

    noise = torch.eye(8, dtype=torch.float64)  # the draw is linear in the noise
    moved = flow.sample(velocity, noise, flow.times(16))
    got = moved.T @ moved
    assert torch.allclose(got.diagonal(), torch.ones(8).double(), atol=0.08)
    assert float(got.sum()) == pytest.approx(float(covariance.sum()), rel=0.12)


def test_noised_point_and_velocity_are_the_circle_and_its_derivative():
    z_0, noise = torch.tensor([1.0, -2.0]).double(), torch.tensor([0.5, 3.0]).double()
    t, h = torch.tensor(0.7).double(), 1e-6
    ahead, _ = flow.noised(z_0, noise, t + h)
    behind, _ = flow.noised(z_0, noise, t - h)
    here, velocity = flow.noised(z_0, noise, t)
    assert torch.allclose((ahead - behind) / (2 * h), velocity, atol=1e-8)
    back = torch.cos(t) * here - torch.sin(t) * velocity
    assert torch.allclose(back, z_0)


def test_times_run_from_noise_to_data_and_crowd_near_the_noise():
    even, crowded = np.array(flow.times(4)), np.array(flow.times(4, crowding=2.0))
    assert even[0] == crowded[0] == flow.NOISE
    assert even[-1] == crowded[-1] == 0
    assert np.ptp(np.diff(even)) < 1e-12
    assert (np.diff(np.diff(crowded)) < 0).all()
