"""The trigonometric flow between noise and Gaussianised data.

With ``z_t = cos(t) z_0 + sin(t) eps`` and t from 0 (data) to pi/2 (noise), the path
moves with ``v = cos(t) eps - sin(t) z_0``. A network that predicts v turns noise into
data by integrating ``dz/dt = v`` from pi/2 to 0 (Salimans and Ho, 2022, ICLR; Lu and
Song, 2025, ICLR, use the same parametrisation). Where the cells are independent
standard normal the expected velocity is zero and the path is right in any number of
steps: only dependence has to be integrated.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor

Velocity = Callable[[Tensor, float], Tensor]
NOISE = math.pi / 2


def noised(z_0: Tensor, noise: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Point and velocity on the path from `z_0` to `noise` at time `t`.

    Parameters
    ----------
    z_0, noise : Tensor, shape (B, ...)
    t : Tensor, broadcastable to them, in [0, pi / 2]

    Returns
    -------
    z_t, v : Tensor, shape (B, ...)
    """
    cos, sin = torch.cos(t), torch.sin(t)
    return cos * z_0 + sin * noise, cos * noise - sin * z_0


def times(n_steps: int, crowding: float = 1.0) -> list[float]:
    """List the times of an `n_steps` path from noise to data, ends included.

    Parameters
    ----------
    n_steps : int
    crowding : float, default 1.0
        Above one, steps are shorter near the noise, where strongly dependent cells
        part from independent ones.

    Returns
    -------
    list of float, length ``n_steps + 1``
    """
    return [NOISE * (1 - (k / n_steps) ** crowding) for k in range(n_steps + 1)]


def sample_first_order(velocity: Velocity, noise: Tensor, path: list[float]) -> Tensor:
    """Draw by Euler's step ``z_s = z_t - (t - s) v``.

    Parameters
    ----------
    velocity : callable (z, t) -> v
    noise : Tensor
        Standard normal; the draw is a deterministic function of it.
    path : list of float
        Times from pi / 2 down to 0, see `times`.

    Returns
    -------
    Tensor, shape of `noise`
    """
    z = noise
    for t, s in pairwise(path):
        z = z - (t - s) * velocity(z, t)
    return z


def sample(velocity: Velocity, noise: Tensor, path: list[float]) -> Tensor:
    """Draw by the two-step Adams-Bashforth method: order two, one evaluation a step.

    The step is taken in the time of the flow itself, not along the circle
    ``cos(t-s) z - sin(t-s) v``: where cells are independent v is zero, so this step
    leaves the noise as it is, while the circle shrinks it by cos(t-s) each time.

    Parameters
    ----------
    velocity : callable (z, t) -> v
    noise : Tensor
        Standard normal; the draw is a deterministic function of it.
    path : list of float
        Times from pi / 2 down to 0, see `times`.

    Returns
    -------
    Tensor, shape of `noise`
    """
    return deque(walk(velocity, noise, path), maxlen=1)[0]


def walk(velocity: Velocity, noise: Tensor, path: list[float]) -> Iterator[Tensor]:
    """Go the way of `sample`, and yield the point reached at each of its times.

    Parameters
    ----------
    velocity, noise, path
        As in `sample`.

    Yields
    ------
    Tensor, shape of `noise`
        First `noise`, last the draw: as many as `path` has times.
    """
    z, before, width = noise, None, 1.0
    yield z
    for t, s in pairwise(path):
        v = velocity(z, t)
        slope = 0.0 if before is None else (v - before) / width
        z = z - (t - s) * (v + 0.5 * (t - s) * slope)
        before, width = v, t - s
        yield z
