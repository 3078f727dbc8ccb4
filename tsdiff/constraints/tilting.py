"""Rewards: paths flow from their law to the one that the reward tilts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.constraints.kinds import Reward
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LONGEST_STEP = 0.1  # of a path, in its cells' spread
_MOST_STEPS = 1000


def tilt(
    samples: Floats, panel: Panel, cells: Ints, rewards: Sequence[Reward]
) -> Floats:
    """Tilt the law of paths by ``exp(weight * fn)`` of each reward.

    The density is tilted little by little, and paths follow: each moves by the paths'
    covariance times the mean of its own gradient and that of all. For normal laws and
    quadratic rewards mean and covariance are exact.

    Parameters
    ----------
    samples : ndarray, shape (S, M)
    panel : Panel
    cells : ndarray of int, shape (M,)
    rewards : sequence of Reward

    Returns
    -------
    ndarray, shape (S, M)

    Raises
    ------
    TypeError, ValueError
        If a reward can't be differentiated, has another shape, or is not finite.
    """
    done = 0.0
    for _ in range(_MOST_STEPS):
        velocity = _velocity(samples, panel, cells, rewards)
        sd = samples.std(axis=0) + np.finfo(float).tiny
        longest = float((np.abs(velocity) / sd).max())
        step = min(1.0 - done, _LONGEST_STEP / max(longest, 1e-300))
        ahead = samples + step * velocity
        samples = samples + step / 2 * (
            velocity + _velocity(ahead, panel, cells, rewards)
        )
        done += step
        if done >= 1.0 - 1e-12:
            return samples
    names = ", ".join(one.words for one in rewards)
    raise ValueError(
        f"{names} pulls the paths further than {_MOST_STEPS} steps of a tenth of their "
        "spread. Lower the weight, or state it as a bound or a total."
    )


def _velocity(
    samples: Floats, panel: Panel, cells: Ints, rewards: Sequence[Reward]
) -> Floats:
    gradient = _gradient(samples, panel, cells, rewards)
    both = (gradient + gradient.mean(axis=0)) / 2
    off = samples - samples.mean(axis=0)
    return (both @ off.T) @ off / (len(samples) - 1)


def _gradient(
    samples: Floats, panel: Panel, cells: Ints, rewards: Sequence[Reward]
) -> Floats:
    import torch

    paths = np.repeat(panel.values.reshape(1, -1), len(samples), axis=0)
    paths[:, cells] = samples
    with torch.enable_grad():
        leaf = torch.from_numpy(paths).requires_grad_()
        shaped = leaf.view(len(samples), *panel.values.shape)
        total: Any = 0.0
        for one in rewards:
            total = total + one.weight * _scored(one, shaped, len(samples))
        (gradient,) = torch.autograd.grad(total.sum(), leaf, allow_unused=True)
    if gradient is None:
        raise ValueError(f"{rewards[0].words} does not depend on the paths.")
    answer = gradient.numpy()[:, cells]
    if not np.isfinite(answer).all():
        raise ValueError(f"The gradient of {rewards[0].words} is not finite.")
    return answer


def _scored(one: Reward, paths: Any, n_samples: int) -> Any:
    """Reward of each path, checked."""
    import torch

    answer = one.fn(paths)
    if not isinstance(answer, torch.Tensor) or answer.shape != (n_samples,):
        shape = tuple(answer.shape) if isinstance(answer, torch.Tensor) else answer
        raise TypeError(
            f"{one.words} must return a torch tensor of shape ({n_samples},), one "
            f"number for each path, got {type(answer).__name__} {shape}."
        )
    if not answer.requires_grad:
        raise TypeError(
            f"{one.words} can't be differentiated: it leaves torch (numpy, detach), or "
            "is made of comparisons. Use smooth functions of torch, such as sigmoid."
        )
    if not bool(torch.isfinite(answer).all()):
        raise ValueError(
            f"{one.words} is not finite. Cells that are missing and not answered are "
            "NaN: leave them out."
        )
    return answer
