"""How good a fit is: its validation scores against the best of plain first guesses.

The reference is linear interpolation (or, looking ahead, the last value or the value
one period before, whichever does best) with normal errors, whose size in each window is
that of its own steps, times one factor a channel that is fitted to the very cells that
are scored. So it is strict: the network has seen none of these cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tsdiff.diffusion.fill import line_error, seasonal_guesses
from tsdiff.diffusion.losses import Batch
from tsdiff.diffusion.marginals import normal_score
from tsdiff.diffusion.network import Network
from tsdiff.diffusion.widening import best_log_width, widen
from tsdiff.diffusion.window import interpolate
from tsdiff.metrics import pinball

_LEVELS = np.arange(1, 20) / 20
_LEAST_ERROR, _LEAST_UNIT = 1e-3, 0.05  # in units of the channel
_FEWEST_CELLS, _FEWEST_WINDOWS = 500, 30  # fewer say nothing for certain
_CERTAIN, _NOTABLE = 3.0, -0.02  # standard errors, and loss of skill, of a warning

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Skill:
    """Scores of a fit on the cells that were held out of it.

    Attributes
    ----------
    crps, crps_reference : float
        Twice the mean pinball loss at 19 levels, in units of the channels.
    reference : str
        The first guess that the fit is compared with.
    skill : float
        ``1 - crps / crps_reference``; below zero the first guess is better.
    coverage_90 : float
        Share of the cells inside their raw 90 % intervals.
    n_cells : int
    certain : bool
        Whether the sign of the skill is beyond chance, by the differences of windows.
    """

    crps: float
    crps_reference: float
    reference: str
    skill: float
    coverage_90: float
    n_cells: int
    certain: bool

    @property
    def poor(self) -> bool:
        """Whether a first guess is better beyond chance, and not by a hair."""
        return self.certain and self.skill < _NOTABLE

    def summary(self) -> dict[str, float | str]:
        """Give the scores by their names."""
        scores = asdict(self)
        del scores["certain"]
        return scores

    def __str__(self) -> str:
        return (
            f"skill against {self.reference}: {100 * self.skill:+.0f} % CRPS; 90 % "
            f"intervals cover {self.coverage_90:.2f} of {self.n_cells:,} held-out cells"
        )


def measure_skill(
    network: Network, batches: Sequence[Batch], ahead: bool
) -> Skill | None:
    """Score a network and the first guesses on validation batches.

    Parameters
    ----------
    network : Network
        In evaluation mode.
    batches : sequence of Batch
        Of windows that training did not see.
    ahead : bool
        Whether the cells lie behind the end of the data; windows then count in units
        of their own spread.

    Returns
    -------
    Skill or None
        None if there is no cell.
    """
    parts = [_held_out(network, batch, ahead) for batch in batches]
    if not sum(len(part.truth) for part in parts):
        return None
    held = _HeldOut._make(map(np.concatenate, zip(*parts, strict=True)))
    names = ["the last value" if ahead else "linear interpolation"]
    names += [f"the value {period} steps before" for period in network.config.periods]
    own = _crps(held.truth, held.law)
    others = [_reference(held, number) for number in range(len(names))]
    best = min(range(len(names)), key=lambda number: float(others[number].mean()))
    other = others[best]
    inside = (held.law[:, 0] <= held.truth) & (held.truth <= held.law[:, -1])
    mean, reference = float(own.mean()), float(other.mean())
    n_windows = [len(batch.truth) for batch in batches]
    window = held.window + np.repeat(
        np.cumsum([0, *n_windows[:-1]]), [len(part.truth) for part in parts]
    )
    return Skill(
        crps=mean,
        crps_reference=reference,
        reference=names[best],
        skill=1 - mean / reference if reference else 0.0,
        coverage_90=float(inside.mean()),
        n_cells=len(held.truth),
        certain=_certain(own - other, window),
    )


def judge(network: Network, batches: Sequence[Batch], ahead: bool) -> dict[str, Any]:
    """Learn from the held-out cells what they can tell of a network.

    Parameters
    ----------
    network : Network
        In evaluation mode; it stays as it is.
    batches : sequence of Batch
    ahead : bool
        See `measure_skill`.

    Returns
    -------
    dict
        "log_width", by which its laws should be wider, and the fields of its "skill"
        then, or None; as JSON holds them.
    """
    log_width = best_log_width(network, batches)
    widen(network, log_width)
    skill = measure_skill(network, batches, ahead)
    widen(network, -log_width)
    return {"log_width": log_width, "skill": None if skill is None else asdict(skill)}


class _HeldOut(NamedTuple):
    """Cells of validation windows, what is said of them and what they are."""

    truth: Floats  # (n,)
    law: Floats  # (n, k) quantiles
    guesses: Floats  # (n, G) first guesses
    errors: Floats  # (n, G) mean absolute errors that they are likely to have
    channel: Ints  # (n,)
    window: Ints  # (n,) in its batch


@torch.no_grad()
def _held_out(network: Network, batch: Batch, ahead: bool) -> _HeldOut:
    """Ask a network and the first guesses for the cells of a batch."""
    batch = batch.to(network.device)
    at = batch.target.nonzero(as_tuple=True)
    context = network.encoder(batch.window)
    law = network.encoder.marginals(context, at).quantile(torch.from_numpy(_LEVELS))
    line, left, right = interpolate(batch.window)
    error, spread = line_error(batch.window, left, right)
    guesses, errors = [line], [error]
    for period in network.config.periods:
        guess, missed = seasonal_guesses(batch.window, period, line)
        guesses.append(guess[0])
        errors.append(torch.minimum(missed[0], 1.5 * spread).expand_as(line))
    unit = spread.clamp_min(_LEAST_UNIT) if ahead else torch.ones_like(spread)
    unit = unit.expand_as(line)[at][:, None]

    def cells(tables: list[Tensor]) -> Tensor:
        return torch.stack([table[at] for table in tables], 1) / unit

    numbers = [
        batch.truth[at] / unit[:, 0],
        law / unit,
        cells(guesses),
        cells(errors).clamp_min(_LEAST_ERROR),
    ]
    own = [number.cpu().double().numpy() for number in numbers]
    return _HeldOut._make([*own, at[2].cpu().numpy(), at[0].cpu().numpy()])


def _reference(held: _HeldOut, number: int) -> Floats:
    """Scores of a first guess, with normal errors as large as in each channel."""
    miss = np.abs(held.truth - held.guesses[:, number])
    likely = held.errors[:, number]
    factor = np.bincount(held.channel, miss) / np.maximum(
        np.bincount(held.channel, likely), _LEAST_ERROR
    )
    sd = np.sqrt(np.pi / 2) * factor[held.channel] * likely
    scores = normal_score(torch.from_numpy(_LEVELS)).numpy()
    law = held.guesses[:, number, None] + sd[:, None] * scores
    return _crps(held.truth, law)


def _crps(truth: Floats, law: Floats) -> Floats:
    """Twice the mean pinball loss of quantiles at all levels, shape (n,)."""
    return 2 * pinball(truth, law.T, _LEVELS).mean(axis=0)


def _certain(difference: Floats, window: Ints) -> bool:
    """Whether a mean difference of scores is beyond chance, by windows as a whole."""
    size = np.bincount(window)
    total = np.bincount(window, difference - difference.mean())[size > 0]
    if len(difference) < _FEWEST_CELLS or len(total) < _FEWEST_WINDOWS:
        return False
    error = np.sqrt(np.sum(total**2)) / len(difference)
    return bool(abs(difference.mean()) > _CERTAIN * error)
