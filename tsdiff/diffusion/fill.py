"""First guesses of every cell, from which the network's answer is a correction.

Interpolation between shown neighbours, or a Gaussian smoother of each channel, or of
all of them together; and for each period of
the data interpolation between neighbours of the same phase, which at the end of a
window is the seasonal naive forecast, and the mean of the phase. They are mixed by how
well each one does at the shown cells of its window.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tsdiff.diffusion.autoregression import Autoregression
from tsdiff.diffusion.device import CPU
from tsdiff.diffusion.smoothing import Smoother
from tsdiff.diffusion.window import Window, interpolate

N_GUESSES = 4  # of a period
_LEAST_ERROR = 1e-3  # in units of the window's spread
_PRIOR_CELLS = 1.0  # weight of the channel's own spread against the window's, in cells


class Filled(NamedTuple):
    """First guesses of B windows.

    Attributes
    ----------
    anchor, spread : Tensor, shape (B, T, C)
        The guess, and the unit in which it is corrected.
    inputs : Tensor, shape (B, T, C, n_inputs)
        What the network reads of each cell.
    """

    anchor: Tensor
    spread: Tensor
    inputs: Tensor


def n_inputs(periods: tuple[int, ...], smooth: bool, joint: bool) -> int:
    """Count the inputs of a cell."""
    return 5 + 2 * smooth + 2 * joint + N_GUESSES * len(periods)


class Fill(nn.Module):
    """Make the first guesses of windows.

    Parameters
    ----------
    n_channels, n_steps : int
    periods : tuple of int
        Of the data, in steps.
    smooth : bool
        Whether a smoother takes the place of linear interpolation.
    joint : bool
        Whether a vector autoregression takes the place of either, or is mixed with the
        smoother.
    n_centred : int
        So many channels, the first ones, are measured in the centre and spread of what
        their window shows.
    """

    def __init__(
        self,
        n_channels: int,
        n_steps: int,
        periods: tuple[int, ...] = (),
        smooth: bool = False,
        joint: bool = False,
        n_centred: int = 0,
    ) -> None:
        super().__init__()
        self.n_steps, self.periods, self.n_centred = n_steps, periods, n_centred
        self.smoother = Smoother(n_channels) if smooth else None
        self.autoregression = Autoregression(n_channels) if joint else None
        if smooth and joint:
            self.either = _starting_at_zero(4, 1)
        n_guesses = 1 + N_GUESSES * len(periods)
        if periods:
            self.trust = _starting_at_zero(2 + n_guesses, n_guesses)  # by errors alone

    def forward(self, window: Window) -> Filled:
        """Fill B windows."""
        center, scale = self._moments(window)
        window = _in_units(window, center, scale)
        line, left, right = interpolate(window)
        shown = window.shown.to(line.dtype)
        reach = math.log1p(2.0 * self.n_steps)
        distance = [torch.log1p(side) / reach for side in (left, right)]
        anchor, spread = line, torch.ones_like(line)
        more: list[Tensor] = []
        gaussian = self._gaussian(window, distance)
        if gaussian is not None:
            mean, sd, more = gaussian
            anchor = torch.where(window.shown, line, mean)
            spread = math.e * sd  # an untrained law has a scale of 1 / e of it
        if self.periods:
            guesses, anchor, error = self._mix(window, anchor, left, right)
            anchor = torch.where(window.shown, line, anchor)
            spread = 1.25 * math.e * error  # of a normal law, whose scale is its sd
            more += guesses
        parts = [anchor, shown * window.values, shown, *distance, *more]
        inputs = torch.stack(parts, -1)
        return Filled(center + scale * anchor, scale * spread, inputs)

    def _gaussian(
        self, window: Window, distance: list[Tensor]
    ) -> tuple[Tensor, Tensor, list[Tensor]] | None:
        """Mean and spread by the smoother, the autoregression, or both; and inputs.

        Of two means each counts by its precision, at first; then as it is learned from
        how far the shown neighbours are and how sure both are.
        """
        laws = [law for law in (self.smoother, self.autoregression) if law is not None]
        if not laws:
            return None
        near, device = window.to(CPU), window.values.device
        with torch.no_grad():
            answers = [[part.to(device) for part in law(near)] for law in laws]
        more = [part for mean, sd in answers for part in (mean, sd.log() / 3)]
        if len(answers) == 1:
            return (*answers[0], more)
        (one, sd_one), (two, sd_two) = answers
        sure = 2 * (sd_two.log() - sd_one.log())  # log of the ratio of precisions
        hints = torch.stack([*distance, more[1], more[3]], -1)
        weight = torch.sigmoid(sure + self.either(hints)[..., 0])
        mean = torch.lerp(two, one, weight)
        return mean, torch.lerp(sd_two, sd_one, weight), more

    def _moments(self, window: Window) -> tuple[Tensor, Tensor]:
        """Centre and scale of the shown cells of each window, shape (B, 1, C).

        Few cells count little: the scale of a channel over all windows is one.
        """
        shown = window.shown.to(window.values.dtype)
        count = shown.sum(1, keepdim=True)
        center = (window.values * shown).sum(1, keepdim=True) / count.clamp_min(1)
        square = ((window.values - center) ** 2 * shown).sum(1, keepdim=True)
        scale = ((square + _PRIOR_CELLS) / (count + _PRIOR_CELLS)).sqrt()
        centred = torch.arange(shown.shape[2], device=shown.device) < self.n_centred
        return torch.where(centred, center, 0.0), torch.where(centred, scale, 1.0)

    def _mix(
        self, window: Window, line: Tensor, left: Tensor, right: Tensor
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        """Mix guesses by their errors at the shown cells.

        Returns
        -------
        guesses : list of Tensor, shape (B, T, C)
            Those of the periods.
        anchor, error : Tensor, shape (B, T, C)
            The mix, and the mean absolute error expected of it.
        """
        error, spread = line_error(window, left, right)
        guesses, errors = [line], [error]
        for period in self.periods:
            more, their_errors = seasonal_guesses(window, period, line)
            guesses += more
            errors += [torch.minimum(e, 1.5 * spread) for e in their_errors]
        error = torch.stack([e.expand_as(line) for e in errors], -1).clamp_min(
            _LEAST_ERROR
        )
        reach = math.log1p(2.0 * self.n_steps)
        hints = [torch.log1p(side)[..., None] / reach for side in (left, right)]
        trust = self.trust(torch.cat([*hints, error.log()], -1))
        weight = torch.softmax(trust - 2 * error.log(), -1)
        anchor = (weight * torch.stack(guesses, -1)).sum(-1)
        return guesses[1:], anchor, (weight * error).sum(-1)


def _starting_at_zero(n_inputs: int, n_outputs: int) -> nn.Sequential:
    """Make a small network whose answer is zero until it is trained."""
    last = nn.Linear(16, n_outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(n_inputs, 16), nn.GELU(), last)


def _in_units(window: Window, center: Tensor, scale: Tensor) -> Window:
    values = torch.where(window.shown, (window.values - center) / scale, 0.0)
    if window.edges is None:
        return replace(window, values=values)
    return replace(window, values=values, edges=(window.edges - center) / scale)


def _fold(x: Tensor, period: int) -> Tensor:
    """Put seasons under each other: (B, T, C) -> (B, T / period, period * C)."""
    n_windows, n_steps, _ = x.shape
    padded = F.pad(x, (0, 0, -n_steps % period, 0))
    return padded.reshape(n_windows, padded.shape[1] // period, -1)


def _unfold(x: Tensor, period: int, n_steps: int) -> Tensor:
    """Undo `_fold`."""
    n_windows, n_seasons, _ = x.shape
    return x.reshape(n_windows, n_seasons * period, -1)[:, -n_steps:]


def seasonal_guesses(
    window: Window, period: int, line: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """Guess from neighbours of the same phase, and by the mean of the phase.

    Both also corrected by their mean error over the last period shown: the level of
    the season may have moved.

    Parameters
    ----------
    window : Window
        Evenly spaced.
    period : int
    line : Tensor, shape (B, T, C)
        The guess where nothing of the same phase is shown.

    Returns
    -------
    guesses : list of `N_GUESSES` Tensor, shape (B, T, C)
    errors : list of `N_GUESSES` Tensor, shape (B, 1, C)
        Mean absolute errors of the guesses at the shown cells; infinite where unknown.
    """
    n_steps = line.shape[1]
    values, shown = _fold(window.values, period), _fold(window.shown, period)
    clock = torch.arange(values.shape[1], device=values.device).to(values.dtype)
    clock = clock.expand(len(values), -1)
    near, _, _ = interpolate(Window(values, shown, clock, clock[..., None]))
    count = shown.sum(1, keepdim=True)
    mean = (values * shown).sum(1, keepdim=True) / count.clamp_min(1)
    known = _unfold((count > 0).expand_as(near), period, n_steps)
    pairs = F.pad(shown[:, 1:] & shown[:, :-1], (0, 0, 1, 0))
    change = F.pad(values.diff(dim=1), (0, 0, 1, 0))
    alone = count / (count - 1).clamp_min(1)  # the mean holds the cell itself
    guesses, errors = [], []
    for guess, miss, usable in (
        (near, change, pairs),
        (mean.expand_as(near), (values - mean) * alone, shown & (count > 1)),
    ):
        plain = torch.where(known, _unfold(guess, period, n_steps), line)
        missed, seen = (_unfold(part, period, n_steps) for part in (miss, usable))
        shift, before = _recent(window, missed, seen, period)
        guesses += [plain, torch.where(known, plain + shift, line)]
        errors += [
            _mean_at(missed.abs(), seen),
            _mean_at((missed - before).abs(), seen),
        ]
    return guesses, errors


def _recent(
    window: Window, missed: Tensor, seen: Tensor, length: int
) -> tuple[Tensor, Tensor]:
    """Mean error over the last `length` steps: near each cell, and just before it."""
    parts = torch.stack([missed * seen, seen.to(missed.dtype)])
    total = parts.cumsum(2)
    past = F.pad(total, (0, 0, length, 0))[:, :, : total.shape[2]]
    sums, count = total - past
    recent = sums / count.clamp_min(1)
    shift, _, _ = interpolate(Window(recent, seen, window.elapsed, window.features))
    before = F.pad(shift, (0, 0, 1, 0))[:, :-1]
    return shift, before


def _mean_at(x: Tensor, chosen: Tensor) -> Tensor:
    """Mean over chosen cells, (B, T, C) -> (B, 1, C); infinite without any."""
    count = chosen.sum(1, keepdim=True)
    total = (x * chosen).sum(1, keepdim=True)
    return torch.where(count > 0, total / count.clamp_min(1), torch.inf)


def line_error(window: Window, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """Mean absolute error that interpolation is likely to have at each cell.

    It grows with the distance as that of a random walk, up to the window's spread.

    Returns
    -------
    error : Tensor, shape (B, T, C)
    spread : Tensor, shape (B, 1, C)
        Mean absolute deviation of the shown cells from their mean.
    """
    values, shown = window.values, window.shown
    count = shown.sum(1, keepdim=True).clamp_min(1)
    center = (values * shown).sum(1, keepdim=True) / count
    spread = ((values - center).abs() * shown).sum(1, keepdim=True) / count
    step = _mean_at(values.diff(dim=1).abs(), shown[:, 1:] & shown[:, :-1])
    far = 2 * values.shape[1]  # as `interpolate` says of a side without a neighbour
    one_side = (left >= far) | (right >= far)
    bridge = left * right / (left + right).clamp_min(1e-6)
    bridge = torch.where(one_side, torch.minimum(left, right), bridge)
    return torch.minimum(step * bridge.clamp_min(0.25).sqrt(), 1.5 * spread), spread
