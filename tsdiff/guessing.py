"""Which first guess the network corrects: the best one on held-out cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from tsdiff.batches import Source
from tsdiff.diffusion.autoregression import (
    Autoregression,
    Examples,
    choose_autoregression,
)
from tsdiff.diffusion.initial import new_network
from tsdiff.diffusion.losses import Batch
from tsdiff.diffusion.network import Network, NetworkConfig
from tsdiff.diffusion.smoothing import Smoother, fit_smoother
from tsdiff.diffusion.window import Window, interpolate

_FEWEST_STEPS, _MOST_STEPS = 8, 80  # of the smoother: the network's, within these
_GUESSED_CELLS = 2**15  # of a batch, at most
_MOST_CHANNELS = 48  # of an autoregression, whose cost grows with their third power
_WORTH = 0.98  # of another guess's error: an autoregression takes longer


def learn_fill(
    source: Source,
    config: NetworkConfig,
    rng: np.random.Generator,
    n_steps: int,
    seed: int,
) -> Network:
    """Make a network that corrects the best of its possible guesses.

    A straight line, unless a smoother of each channel is better on held-out cells; an
    autoregression of all of them goes with it where it is better still. Where there are
    periods, their guesses take the place of both.

    Parameters
    ----------
    source : Source
    config : NetworkConfig
    rng : Generator
        Of the windows that the smoother learns from.
    n_steps : int
        Of the network's training; a smoother takes a bounded number of them.
    seed : int
        Of the network's first weights.

    Returns
    -------
    Network
    """
    smoother: Smoother | None = None
    joint: Autoregression | None = None
    if not config.periods:
        count = int(np.clip(n_steps, _FEWEST_STEPS, _MOST_STEPS))
        smoother = _learned_smoother(source, config, rng, count)
        examples = [_some(batch, config) for batch in source.validation]
        error, straight = _error(examples, smoother), _error(examples, interpolate)
        if not error < straight:
            smoother, error = None, straight
        joint = _learned_autoregression(source, config, examples, _WORTH * error)
    found = replace(config, smooth=smoother is not None, joint=joint is not None)
    network = new_network(found, seed)
    network.encoder.fill.smoother = smoother
    network.encoder.fill.autoregression = joint
    return network


def _some(batch: Batch, config: NetworkConfig) -> tuple[Window, Tensor, Tensor]:
    """Give as many windows as it takes to tell guesses apart."""
    size = slice(0, max(_GUESSED_CELLS // (config.n_channels * config.n_steps), 1))
    return batch.window.some(size), batch.truth[size], batch.target[size]


def _learned_smoother(
    source: Source, config: NetworkConfig, rng: np.random.Generator, n_steps: int
) -> Smoother:
    smoother = Smoother(config.n_channels)
    examples = [_some(source.draw(rng), config) for _ in range(n_steps)]
    fit_smoother(smoother, examples)
    return smoother


def _learned_autoregression(
    source: Source, config: NetworkConfig, examples: Examples, most: float
) -> Autoregression | None:
    """Fit an autoregression; None if its error is not below `most`, or can't be told.

    It takes more than one channel, and rows that are evenly spaced.
    """
    panel = source.panel
    follows = np.ones(max(len(panel.values) - 1, 0), dtype=bool)
    follows[panel.bounds[1:-1] - 1] = False
    even = np.allclose(np.diff(panel.elapsed)[follows], 1.0)
    if not 1 < config.n_channels <= _MOST_CHANNELS or not (follows.any() and even):
        return None
    values, pairs = torch.from_numpy(source.scene.scaled), torch.from_numpy(follows)
    model, error = choose_autoregression(values, pairs, examples)
    return model if error < most else None


def _error(examples: Examples, guess: Callable[[Window], Sequence[Tensor]]) -> float:
    """Sum of a guess's absolute errors at the held-out cells."""
    return sum(
        float((guess(window)[0] - truth)[target].abs().sum())
        for window, truth, target in examples
    )
