"""steer: draws that meet what is known, from draws that don't."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.constraints.cells import places
from tsdiff.constraints.compiling import Linear, linear, reduced
from tsdiff.constraints.conditioning import condition, truncate
from tsdiff.constraints.consistency import check_limits, independent
from tsdiff.constraints.kinds import Constraint, Monotone, Reward
from tsdiff.constraints.limits import Limits, limits, whole
from tsdiff.constraints.ordering import put_in_order, round_to_whole
from tsdiff.constraints.projection import project
from tsdiff.constraints.tilting import tilt
from tsdiff.draws import Draws
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Paths that a law is read off, at least.
FEWEST_PATHS = 100


def steer(draws: Draws, constraints: Constraint | Sequence[Constraint]) -> Draws:
    """Condition joint draws on what is known besides the data.

    In this order: rewards tilt the law; bounds cut the law of each cell off; linear
    constraints (totals, relations, equalities) condition the joint law by Matheron's
    rule with the draws' own covariance, and are then met exactly, within the bounds, by
    the smallest move; whole numbers and orders come last. For normal laws and linear
    constraints the result is the exact conditional law up to the Monte-Carlo error of
    the covariance: with 100 draws that is about as much as the error of their mean.
    That is why estimators draw 100 paths at least. Networks draw by 50, so up to 50
    paths cost twice as much with constraints as without, and more paths the same; what
    is done here takes a hundredth of the time of the draws.

    Parameters
    ----------
    draws : Draws
        Of any model.
    constraints : Constraint or sequence of them
        From `tsdiff.constraints`.

    Returns
    -------
    Draws
        As many; observed cells are as they were. Linear constraints hold within 1e-6 of
        the channel's scale on every path, bounds exactly.

    Raises
    ------
    TypeError
        If one is no constraint.
    ValueError
        If constraints contradict each other (naming the pair) or observed cells, name
        unknown columns or periods, hold cells that are not answered, or there are fewer
        than 50 draws.

    References
    ----------
    Journel and Huijbregts, Mining Geostatistics, 1978 (conditioning by kriging;
    Matheron's rule); Evensen, 2003, Ocean Dynamics 53 (ensembles).

    Examples
    --------
    >>> import pandas as pd
    >>> from tsdiff import constraints
    >>> from tsdiff.baselines import LinearInterpolation
    >>> days = pd.date_range("2024-01-01", periods=4, freq="12h")
    >>> y = pd.Series([5.0, np.nan, np.nan, 6.0], index=days, name="y")
    >>> draws = LinearInterpolation(random_state=0).fit(y).sample(y, 200)
    >>> known = constraints.total("D", {"2024-01-01": 12.0})
    >>> steered = constraints.steer(draws, known)
    >>> float(steered.median().iloc[1].round(6))  # what is left of the first day
    7.0
    """
    known = listed(constraints)
    if len(draws) < 50:
        raise ValueError(
            f"Constraints need 50 draws or more to read a law off, got {len(draws)}."
        )
    panel, cells = draws.panel, draws.cells
    scale = _scale(panel, draws.samples, cells)
    bounds = limits(panel, known)
    bounds = Limits(*(getattr(bounds, f)[cells] for f in Limits.__annotations__))
    system = reduced(panel, cells, linear(panel, known), scale)
    check_limits(system, bounds, known)
    system = independent(system)
    samples = _steered(draws, known, system, bounds)
    given = (*draws.given, *(one.words for one in known))
    return replace(draws, samples=samples, given=given)


def listed(constraints: Any) -> list[Constraint]:
    """List constraints, given as one, as some or as None.

    Raises
    ------
    TypeError
        If one is no constraint.
    """
    if constraints is None:
        return []
    known = [constraints] if isinstance(constraints, Constraint) else list(constraints)
    for one in known:
        if not isinstance(one, Constraint):
            raise TypeError(
                f"constraints must be made by tsdiff.constraints, got {one!r}."
            )
    return known


def _steered(
    draws: Draws, known: Sequence[Constraint], system: Linear, bounds: Limits
) -> Floats:
    panel, cells, samples = draws.panel, draws.cells, draws.samples
    if not len(cells):
        return samples
    rewards = [one for one in known if isinstance(one, Reward)]
    if rewards:
        samples = tilt(samples, panel, cells, rewards)
    samples = truncate(samples, bounds.low, bounds.high)
    if len(system):
        exact = np.zeros(len(system))
        samples = condition(samples, system, places(panel, cells), exact)
        sd = samples.std(axis=0)
        sd = np.maximum(sd, 1e-6 * max(float(sd.max()), 1e-300))
        samples = project(samples, system, bounds, sd)
    integers = whole(panel, known)[cells]
    if integers.any():
        samples = round_to_whole(samples, system, bounds, integers)
    for one in known:
        if isinstance(one, Monotone):
            samples = put_in_order(samples, panel, cells, one, system)
    return samples


def _scale(panel: Panel, samples: Floats, cells: Ints) -> Floats:
    """Spread of each cell's channel, over what is known and drawn: (N * C,)."""
    n_channels = len(panel.channels)
    scale = np.ones(n_channels)
    for channel in range(n_channels):
        drawn = samples[:, cells % n_channels == channel].ravel()
        values = panel.values[:, channel]
        some = np.concatenate([values[~np.isnan(values)], drawn])
        spread = float(some.std()) if len(some) else 0.0
        scale[channel] = spread if spread > 0 else 1.0
    return np.tile(scale, len(panel.values))
