"""Windows as the engine sees them, and linear interpolation between what they show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Window:
    """What the model is shown of B windows.

    Attributes
    ----------
    values : Tensor, shape (B, T, C)
        Scaled values, zero where not shown.
    shown : Tensor of bool, shape (B, T, C)
    elapsed : Tensor, shape (B, T)
        Time since the window's first step, in steps; rows need not be evenly spaced.
    features : Tensor, shape (B, T, F)
        Calendar features.
    edges : Tensor, shape (B, 2, C), optional
        Last value shown before the window and first one after it.
    away : Tensor, shape (B, 2, C), optional
        Their distance from the window's first and last step; infinite where there is
        none.
    """

    values: Tensor
    shown: Tensor
    elapsed: Tensor
    features: Tensor
    edges: Tensor | None = None
    away: Tensor | None = None

    def some(self, rows: slice) -> Window:
        """Take some of the windows."""
        return self._each(lambda part: part[rows])

    def to(self, device: torch.device) -> Window:
        """Move them to a device."""
        return self._each(lambda part: part.to(device))

    def _each(self, change: Callable[[Tensor], Tensor]) -> Window:
        parts = (self.values, self.shown, self.elapsed, self.features)
        outside = (self.edges, self.away)
        return Window(
            *map(change, parts),
            *(None if part is None else change(part) for part in outside),
        )


def interpolate(window: Window) -> tuple[Tensor, Tensor, Tensor]:
    """Linear interpolation in time between shown neighbours, with flat ends.

    The neighbours may lie outside of the window.

    Parameters
    ----------
    window : Window

    Returns
    -------
    anchor : Tensor, shape (B, T, C)
        Zero (the scaled mean) in a channel of which nothing is shown.
    left, right : Tensor, shape (B, T, C)
        Time to the nearest shown cell on each side, in steps; twice the window's
        length at most, and where there is none.
    """
    values, shown = window.values, window.shown
    n_steps = values.shape[1]
    step = torch.arange(n_steps, device=values.device)[None, :, None]
    before = torch.where(shown, step, -1).cummax(1).values
    after = torch.where(shown, step, n_steps).flip(1).cummin(1).values.flip(1)
    inside_before, inside_after = before >= 0, after < n_steps
    before, after = before.clamp_min(0), after.clamp_max(n_steps - 1)
    clock = window.elapsed[:, :, None].expand_as(values)
    edges, away = _outside(window)
    left = torch.where(
        inside_before, clock - clock.gather(1, before), clock + away[:, :1]
    )
    right = torch.where(
        inside_after,
        clock.gather(1, after) - clock,
        clock[:, -1:] - clock + away[:, 1:],
    )
    low = torch.where(inside_before, values.gather(1, before), edges[:, :1])
    high = torch.where(inside_after, values.gather(1, after), edges[:, 1:])
    no_left, no_right = torch.isinf(left), torch.isinf(right)
    share = left / (left + right).clamp_min(1e-6)
    share = torch.where(no_left | no_right, no_left.to(share.dtype), share)
    anchor = torch.where(no_left & no_right, 0.0, torch.lerp(low, high, share))
    far = 2.0 * n_steps
    return anchor, left.clamp_max(far), right.clamp_max(far)


def _outside(window: Window) -> tuple[Tensor, Tensor]:
    """Values beyond both ends of the window and how far they are."""
    if window.edges is None or window.away is None:
        shape = (len(window.values), 2, window.values.shape[2])
        none = torch.full(shape, torch.inf, device=window.values.device)
        return torch.zeros_like(none), none
    return window.edges, window.away
