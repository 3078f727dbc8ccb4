"""The loop: budget, best weights, divergence, interruption, repeatability."""

import math

import numpy as np
import pytest
import torch

from tsdiff.diffusion.losses import Batch, validation_crps
from tsdiff.diffusion.network import Network, NetworkConfig
from tsdiff.diffusion.training import Budget, train
from tsdiff.diffusion.window import Window

CONFIG = NetworkConfig(1, 16, width=16, depth=1, denoiser_width=16)


def sine_batch(rng, n_windows=8):
    """Sines of random phase, a third of the cells hidden."""
    phase = rng.uniform(0, 2 * np.pi, (n_windows, 1, 1))
    truth = np.sin(phase + np.arange(16)[None, :, None] / 2).astype(np.float32)
    hidden = torch.from_numpy(rng.random(truth.shape) < 0.33)
    truth = torch.from_numpy(truth)
    window = Window(
        torch.where(hidden, 0.0, truth),
        ~hidden,
        torch.arange(16.0).expand(n_windows, -1),
        torch.zeros(n_windows, 16, 0),
    )
    return Batch(window, truth, hidden)


def untrained():
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        return Network(CONFIG)


@pytest.fixture
def network():
    return untrained()


@pytest.fixture(scope="module")
def validation():
    return [sine_batch(np.random.default_rng(9), 32)]


@pytest.fixture(scope="module")
def after_150(validation):
    """History and weights of 150 steps, which several tests go on from."""
    network = untrained()
    history = train(network, sine_batch, validation, Budget(150), seed=0)
    return history, network.state_dict()


def test_training_beats_the_interpolation_it_starts_from(
    network, validation, after_150
):
    before = validation_crps(network, validation)
    history, weights = after_150
    network.load_state_dict(weights)
    assert validation_crps(network, validation) < 0.7 * before
    assert history.n_steps == 150


def test_a_callers_autocast_changes_no_weight(network, validation):
    train(network, sine_batch, validation, Budget(30), seed=0)
    inside = untrained()
    with torch.autocast("cpu", enabled=False):
        train(inside, sine_batch, validation, Budget(30), seed=0)
    expected = network.state_dict()
    assert all(torch.equal(expected[n], t) for n, t in inside.state_dict().items())


def test_the_weights_kept_are_the_latest_of_the_best(network, validation):
    history = train(network, sine_batch, validation, Budget(60), seed=0)
    scores = np.array(history.validation_crps)
    latest = np.flatnonzero(scores <= 1.01 * np.minimum.accumulate(scores))[-1]
    assert history.best_step == history.step[latest]
    kept = validation_crps(network, validation)
    assert kept == pytest.approx(scores[latest], rel=1e-5)


def test_training_that_only_spoils_keeps_the_first_weights(
    network, validation, after_150
):
    network.load_state_dict(after_150[1])
    good = validation_crps(network, validation)

    def nonsense(rng):
        batch = sine_batch(rng)
        return Batch(batch.window, 5 + torch.zeros_like(batch.truth), batch.target)

    train(network, nonsense, validation, Budget(100, n_validations=50), seed=1)
    assert validation_crps(network, validation) < 1.05 * good


def test_same_seed_same_weights_bit_for_bit(network, validation):
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    train(network, sine_batch, validation, Budget(10), seed=3)
    first = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(state)
    train(network, sine_batch, validation, Budget(10), seed=3)
    assert all(torch.equal(first[n], t) for n, t in network.state_dict().items())


def test_the_clock_ends_training_and_anneals_to_it(network, validation):
    budget = Budget(10**9, max_seconds=1.0)
    shares = []

    def note(share, _history):
        shares.append(share)

    history = train(network, sine_batch, validation, budget, 0, note)
    assert 1.0 <= history.seconds[-1] < 3.0
    assert shares == sorted(shares)
    assert shares[-1] > 0.8


def poisoned(good):
    """Batches that turn to NaN after `good` of them."""
    count = 0

    def draw(rng):
        nonlocal count
        count += 1
        batch = sine_batch(rng)
        return Batch(batch.window, batch.truth * (math.nan if count > good else 1),
                     batch.target)  # fmt: skip

    return draw


def test_a_loss_that_stays_nan_stops_with_the_last_good_weights(network, validation):
    history = train(network, poisoned(good=20), validation, Budget(100), seed=0)
    assert history.diverged
    assert history.n_skipped == 5
    assert history.n_steps == 25
    assert all(torch.isfinite(tensor).all() for tensor in network.parameters())
    assert validation_crps(network, validation) <= 1.011 * min(history.validation_crps)


def test_a_single_bad_batch_is_skipped_and_counted(network, validation):
    bad = iter([False, False, True] + 100 * [False])

    def draw(rng):
        batch = sine_batch(rng)
        factor = math.nan if next(bad) else 1.0
        return Batch(batch.window, batch.truth * factor, batch.target)

    history = train(network, draw, validation, Budget(20), seed=0)
    assert history.n_skipped == 1
    assert not history.diverged
    assert history.n_steps == 20


def test_an_interrupt_keeps_the_best_weights(network, validation):
    def interrupt(_share, history):
        if history.n_steps == 30:
            raise KeyboardInterrupt

    history = train(network, sine_batch, validation, Budget(100), 0, interrupt)
    assert history.interrupted
    assert validation_crps(network, validation) <= 1.011 * min(history.validation_crps)


def test_training_leaves_global_state_alone(network, validation):
    torch.random.default_generator.manual_seed(5)
    expected = torch.rand(3)
    torch.random.default_generator.manual_seed(5)
    train(network, sine_batch, validation, Budget(5), seed=0)
    assert torch.equal(torch.rand(3), expected)


def test_batches_without_a_target_are_no_failure(network, validation):
    def draw(rng):
        batch = sine_batch(rng)
        return Batch(batch.window, batch.truth, torch.zeros_like(batch.target))

    history = train(network, draw, validation, Budget(8), seed=0)
    assert history.n_steps == 8
    assert not history.diverged


# --- held-out cells join the training at last -----------------------------------------


def released_at(network, validation, draw=sine_batch, **budget):
    """Step at which the held-out cells were released, or None; and the history."""
    count, when = 0, []

    def counted(rng):
        nonlocal count
        count += 1
        return draw(rng)

    history = train(
        network,
        counted,
        validation,
        Budget(80, **budget),
        seed=0,
        release=lambda _: when.append(count),
    )
    return when, history


def test_held_out_cells_are_released_once_in_the_last_quarter(network, validation):
    when, history = released_at(network, validation)
    assert len(when) == 1
    assert 60 <= when[0] < 80
    assert history.step[-1] == when[0]  # never scored on what it has learned from
    assert history.best_step == 80


def test_nothing_is_released_while_the_latest_weights_are_worse(
    network, validation, after_150
):
    network.load_state_dict(after_150[1])

    def nonsense(rng):
        batch = sine_batch(rng)
        return Batch(batch.window, 5 + torch.zeros_like(batch.truth), batch.target)

    when, history = released_at(network, validation, nonsense)
    assert not when
    assert history.best_step < 60


def test_few_validations_release_nothing(network, validation):
    when, _ = released_at(network, validation, n_validations=3)
    assert not when
