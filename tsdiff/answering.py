"""From a trained engine to answers: quantiles in closed form, joint paths by the flow.

Windows overlap by half. Each missing cell is answered by the window in which it lies
most central; windows are sampled in order, and a later one is told the normal scores of
what an earlier one has filled. Nothing is averaged, so paths stay paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from tsdiff.asking import Asked
from tsdiff.learning import Model
from tsdiff.panel.frame import Panel
from tsdiff.passing import GROUP, Pass

_TOKENS_AT_ONCE = 16_384  # bounds the memory of one pass, whatever is asked for
_PILOTS = 32  # windows that show how many steps are enough

Ints = NDArray[np.int64]


def quantiles(
    model: Model, panel: Panel, cells: Ints, levels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Quantiles of single cells, in closed form: one pass, no sampling.

    Parameters
    ----------
    model : Model
    panel : Panel
    cells : ndarray of int, shape (M,)
        Flat indices of the cells asked for, ascending.
    levels : ndarray, shape (k,)

    Returns
    -------
    ndarray, shape (k, M)
        In the units of the data.
    """
    asked = Asked(model, panel, cells)
    scaled = np.empty((len(levels), len(cells)), dtype=np.float32)
    level = torch.from_numpy(np.asarray(levels, dtype=np.float64))
    tokens = asked.tokens
    with torch.inference_mode():
        for chunk in _chunks(asked.windows, max(_TOKENS_AT_ONCE // tokens, 1)):
            window = asked.window(chunk)
            b, t, c, position, owned = asked.cells_of(chunk)
            own = torch.from_numpy(np.stack([b, t, c])[:, owned]).to(
                window.values.device
            )
            context = model.network.encoder(window)
            law = model.network.encoder.marginals(context, tuple(own))
            scaled[:, position[owned]] = law.quantile(level).T.cpu().numpy()
    return asked.units.leave(scaled, cells)


def draw(
    model: Model,
    panel: Panel,
    cells: Ints,
    n_samples: int,
    seed: int,
    n_steps: int,
    raw: bool = False,
) -> NDArray[np.float64]:
    """Joint sample paths of the cells asked for.

    Parameters
    ----------
    model : Model
    panel : Panel
    cells : ndarray of int, shape (M,)
        Flat indices, ascending.
    n_samples : int
    seed : int
        With series, place and number of the sample it keys the noise, so a draw does
        not depend on what else is asked for.
    n_steps : int
        Steps of the sampler.
    raw : bool, default False
        Leave scores as the flow has them: single cells don't quite follow their laws.

    Returns
    -------
    ndarray, shape (n_samples, M)
    """
    asked = Asked(model, panel, cells)
    (answer,) = _walked(asked, 1, n_samples, seed, n_steps, raw)
    return asked.units.leave(answer, cells)


def pilot(
    model: Model, panel: Panel, cells: Ints, seed: int
) -> Callable[[int], NDArray[np.float64]]:
    """Prepare a look at some of the windows, by one group of paths.

    Parameters
    ----------
    model, panel, cells, seed
        As in `draw`.

    Returns
    -------
    callable
        From a number of steps to the totals of the windows' cells, measured in units
        of their channels: shape (GROUP, at most 32). Noise is always the same.
    """
    asked = Asked(model, panel, cells)
    some = np.linspace(0, len(asked.windows) - 1, _PILOTS).round().astype(np.int64)
    chosen = np.isin(asked.owner, asked.windows[np.unique(some)])
    asked = Asked(model, panel, cells[chosen])
    window = np.searchsorted(asked.windows, asked.owner)

    def totals(n_steps: int) -> NDArray[np.float64]:
        (answer,) = _walked(asked, 1, GROUP, seed, n_steps)
        sums = np.zeros((len(asked.windows), GROUP))
        np.add.at(sums, window, answer.T)
        return sums.T

    return totals


def trace(
    model: Model, panel: Panel, cells: Ints, n_samples: int, seed: int, n_steps: int
) -> NDArray[np.float64]:
    """Draw as `draw`, and keep what the paths are on their way from noise.

    At time t of the flow a cell with normal score z is shown at ``cos(t)`` times the
    value that its law gives z, plus ``sin(t)`` times z itself in the scale of its
    channel: noise at first, at last the draw.

    Returns
    -------
    ndarray, shape (n_steps + 1, n_samples, M)
        The last one is the answer of `draw`.
    """
    asked = Asked(model, panel, cells)
    way = _walked(asked, n_steps + 1, n_samples, seed, n_steps)
    return np.stack([asked.units.leave(points, cells) for points in way])


def _walked(
    asked: Asked,
    n_kept: int,
    n_samples: int,
    seed: int,
    n_steps: int,
    raw: bool = False,
) -> NDArray[np.float32]:
    """Scaled paths at the last `n_kept` times of the flow: (n_kept, n_samples, M)."""
    n_groups = -(-n_samples // GROUP)
    n_cells = len(asked.owner)
    way = np.empty((n_kept, n_groups * GROUP, n_cells), dtype=np.float32)
    largest = max(asked.tokens, asked.moved_tokens() * GROUP)
    per_pass = max(_TOKENS_AT_ONCE // largest, 1)
    network = asked.model.network
    with torch.inference_mode():
        for wave in asked.waves():
            for chunk in _chunks(wave, per_pass):
                window = asked.window(chunk)
                context = network.encoder(window)
                passing = Pass(network, asked, chunk, window, context, raw)
                for group in range(n_groups):
                    paths = slice(group * GROUP, (group + 1) * GROUP)
                    passing.fill(way[:, paths], (seed, group), n_steps)
    return way[:, :n_samples]


def draw_together(
    model: Model, panel: Panel, cells: Ints, key: tuple[int, ...], n_steps: int
) -> NDArray[np.float64]:
    """Draw once of each series, where GROUP series are paths of one.

    Parameters
    ----------
    model : Model
    panel : Panel
        The paths of a series follow each other; they have the same cells asked for.
    cells : ndarray of int, shape (M,)
        Flat indices, ascending, of rows behind the end of the data.
    key : tuple of int
        Of the noise, with the names of the series.
    n_steps : int

    Returns
    -------
    ndarray, shape (M,)
    """
    asked = Asked(model, panel, cells)
    scaled = np.empty(len(cells), dtype=np.float32)
    size = max(_TOKENS_AT_ONCE // (asked.tokens * GROUP), 1) * GROUP
    with torch.inference_mode():
        for chunk in _chunks(asked.windows, size):
            window = asked.window(chunk)
            context = model.network.encoder(window)
            passing = Pass(model.network, asked, chunk, window, context)
            passing.fill_together(scaled, key, n_steps)
    return asked.units.leave(scaled, cells)


def _chunks(windows: Ints, size: int) -> Iterator[Ints]:
    """Split windows into runs of `size`."""
    for first in range(0, len(windows), size):
        yield windows[first : first + size]
