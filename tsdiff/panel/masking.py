"""Which observed cells to hide: for training windows and for hold-outs.

Every strategy takes ``observed``, a boolean array of shape (B, T, C) - B windows, T
steps, C channels - and returns ``hidden``, a subset of it of the same shape.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

#: Share of the training windows that each strategy gets when none is asked for.
#: Random cells dominate because they teach every distance at once; the others are
#: the questions asked in use: outages, the data's own gaps, a lost channel, a future.
DEFAULT_MIX: Mapping[str, float] = {
    "random": 0.45,
    "blocks": 0.2,
    "lent": 0.15,
    "channels": 0.05,
    "tails": 0.15,
}

#: The same for a model that is made to forecast.
FORECAST_MIX: Mapping[str, float] = {
    "tails": 0.7,
    "random": 0.12,
    "blocks": 0.12,
    "channels": 0.06,
}


def random_cells(observed: Mask, ratio: NDArray, rng: np.random.Generator) -> Mask:
    """Hide each window's share of its observed cells, completely at random.

    Parameters
    ----------
    observed : ndarray of bool, shape (B, T, C)
    ratio : ndarray, shape (B,)
        Share of the observed cells to hide; ``round(ratio * n_observed)`` are hidden.
    rng : Generator

    Returns
    -------
    ndarray of bool, shape (B, T, C)
    """
    n_windows = len(observed)
    flat = observed.reshape(n_windows, -1)
    noise = np.where(flat, rng.random(flat.shape, dtype=np.float32), np.float32(2))
    n_hidden = np.round(np.asarray(ratio) * flat.sum(1)).astype(np.int64)
    ranked = np.sort(noise, axis=1)
    edge = np.take_along_axis(ranked, np.maximum(n_hidden - 1, 0)[:, None], axis=1)
    hidden = (noise <= edge) & (n_hidden > 0)[:, None] & flat
    return hidden.reshape(observed.shape)


def blocks(
    observed: Mask,
    ratio: NDArray,
    rng: np.random.Generator,
    length: float | None = None,
) -> Mask:
    """Hide runs of consecutive steps, drawn for each channel on its own.

    A channel is a two-state chain (shown, hidden) whose stationary share of hidden
    steps is `ratio` and whose hidden runs last `length` steps on average.

    Parameters
    ----------
    observed : ndarray of bool, shape (B, T, C)
    ratio : ndarray, shape (B,)
    rng : Generator
    length : float, optional
        Mean length of a run in steps; drawn per window, log-uniform in [2, T / 2],
        when not given.

    Returns
    -------
    ndarray of bool, shape (B, T, C)
    """
    n_windows, n_steps, n_channels = observed.shape
    ratio = np.clip(np.asarray(ratio, dtype=float), 1e-3, 0.95)[:, None]
    if length is None:
        longest = max(n_steps / 2, 2.0)
        mean = np.exp(rng.uniform(np.log(2.0), np.log(longest), (n_windows, 1)))
    else:
        mean = np.full((n_windows, 1), max(float(length), 1.0))
    leave = np.clip(1 / mean, 1e-6, 1.0)  # P(hidden -> shown)
    enter = np.clip(leave * ratio / (1 - ratio), 0.0, 1.0)  # P(shown -> hidden)
    uniform = rng.random((n_steps, n_windows, n_channels), dtype=np.float32)
    hidden = np.empty((n_steps, n_windows, n_channels), dtype=bool)
    hidden[0] = uniform[0] < ratio
    for step in range(1, n_steps):
        hidden[step] = np.where(
            hidden[step - 1], uniform[step] >= leave, uniform[step] < enter
        )
    return hidden.transpose(1, 0, 2) & observed


def whole_channels(observed: Mask, rng: np.random.Generator) -> Mask:
    """Hide all of one to a half of the channels of each window; never the only one.

    Parameters
    ----------
    observed : ndarray of bool, shape (B, T, C)
    rng : Generator

    Returns
    -------
    ndarray of bool, shape (B, T, C)
    """
    n_windows, _, n_channels = observed.shape
    count = rng.integers(1, max(n_channels // 2, 1) + 1, (n_windows, 1))
    count = count * (n_channels > 1)
    order = rng.random((n_windows, n_channels)).argsort(axis=1).argsort(axis=1)
    return observed & (order < count)[:, None, :]


def tails(observed: Mask, rng: np.random.Generator, horizon: int | None = None) -> Mask:
    """Hide the end of each window, or sometimes its beginning.

    Half the windows lose all channels at once, the others only some of them, or each
    from another step on, so that ragged ends are seen too. At least one step is hidden,
    at most three quarters.

    Parameters
    ----------
    observed : ndarray of bool, shape (B, T, C)
    rng : Generator
    horizon : int, optional
        Steps that will be asked for. Two windows in three lose just these, the others
        some of them, all at the end; without it one in five loses its beginning.

    Returns
    -------
    ndarray of bool, shape (B, T, C)
    """
    n_windows, n_steps, n_channels = observed.shape
    most = horizon or max(3 * n_steps // 4, 1)
    count = rng.integers(1, most + 1, (n_windows, 1))
    if horizon is not None:
        count = np.where(rng.random((n_windows, 1)) < 2 / 3, horizon, count)
    step = np.arange(n_steps)[None, :]
    share_at_end = 1.0 if horizon else 0.8
    at_end = rng.random((n_windows, 1)) < share_at_end
    from_edge = np.where(at_end, n_steps - 1 - step, step)  # (B, T)
    some = rng.random((n_windows, n_channels)) < rng.random((n_windows, 1))
    kind = rng.random((n_windows, 1)) * (n_channels > 1)
    chosen = some | (kind < 0.5)
    own = rng.integers(0, count + 1, (n_windows, n_channels))
    lost = np.where(kind < 0.75, count, own) * chosen  # steps, of each channel
    lost = np.where(lost.any(axis=1, keepdims=True), lost, count)
    hidden = from_edge[:, :, None] < lost[:, None, :]
    return observed & hidden


def lent_pattern(
    observed: Mask, rng: np.random.Generator, donors: Mask | None = None
) -> Mask:
    """Hide what is missing in another window: the data's own pattern of gaps.

    Parameters
    ----------
    observed : ndarray of bool, shape (B, T, C)
    rng : Generator
    donors : ndarray of bool, shape (D, T, C), optional
        Observed cells of the windows that lend their gaps; `observed` itself by
        default. A donor without a gap hides nothing.

    Returns
    -------
    ndarray of bool, shape (B, T, C)
    """
    donors = observed if donors is None else donors
    lender = rng.integers(0, len(donors), len(observed))
    return observed & ~donors[lender]


def mixed(
    observed: Mask,
    rng: np.random.Generator,
    mix: Mapping[str, float] = DEFAULT_MIX,
    donors: Mask | None = None,
    horizon: int | None = None,
) -> Mask:
    """Hide cells of every window by one strategy each, drawn from `mix`.

    A window in which the drawn strategy hides nothing falls back to random cells, so
    that no window is trained on in vain.

    Parameters
    ----------
    observed : ndarray of bool, shape (B, T, C)
    rng : Generator
    mix : mapping of str to float
        Weights of "random", "blocks", "lent", "channels" and "tails".
    donors : ndarray of bool, shape (D, T, C), optional
        See `lent_pattern`.
    horizon : int, optional
        See `tails`.

    Returns
    -------
    ndarray of bool, shape (B, T, C)
    """
    n_windows = len(observed)
    names = list(mix)
    weight = np.array([mix[name] for name in names], dtype=float)
    drawn = rng.choice(len(names), size=n_windows, p=weight / weight.sum())
    ratio = rng.random(n_windows)
    hidden = random_cells(observed, ratio, rng)
    for number, name in enumerate(names):
        rows = np.flatnonzero(drawn == number)
        if name == "random" or not len(rows):
            continue
        chosen = _hide(name, observed[rows], ratio[rows], rng, donors, horizon)
        something = chosen.any(axis=(1, 2))
        hidden[rows[something]] = chosen[something]
    return hidden


def _hide(
    name: str,
    observed: Mask,
    ratio: NDArray,
    rng: np.random.Generator,
    donors: Mask | None,
    horizon: int | None,
) -> Mask:
    """Dispatch to the strategy called `name`."""
    if name == "blocks":
        return blocks(observed, ratio, rng)
    if name == "lent":
        return lent_pattern(observed, rng, donors)
    if name == "channels":
        return whole_channels(observed, rng)
    return tails(observed, rng, horizon)
