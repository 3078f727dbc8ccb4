"""Sensitivity: how far off missing cells have to be to change the answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.bands import as_coverage, interval_suffixes
from tsdiff.draws import Draws
from tsdiff.pooling import pool
from tsdiff.validation import listing

Floats = NDArray[np.float64]

#: Standard deviations by which imputed values are shifted unless others are asked for.
SHIFTS = tuple((np.arange(-8, 9) / 4).tolist())


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity:
    """Answers under imputed values that are shifted more and more.

    Attributes
    ----------
    frame : DataFrame
        A row for each `shift` (ascending) and `term`; columns ``estimate``,
        ``std_error``, ``df``, ``p_value`` (of being `null`), ``lo-95`` and ``hi-95``.
    channels : tuple of str
        Whose imputed values are shifted.
    null : float
    coverage : float
    """

    frame: pd.DataFrame
    channels: tuple[str, ...]
    null: float
    coverage: float

    @property
    def ends(self) -> list[str]:
        """Names of the columns of the interval."""
        suffixes = interval_suffixes(as_coverage(self.coverage))
        return [suffix.lstrip("-") for suffix in suffixes]

    @property
    def tipping_points(self) -> pd.DataFrame:
        """Nearest shifts at which the conclusion on a term is another one.

        The conclusion is whether the interval lies above `null`, below it, or holds it.
        Between the shifts of the grid the ends are taken to be straight lines.

        Returns
        -------
        DataFrame
            A row for each term; columns ``downwards`` and ``upwards``, NaN where the
            conclusion holds as far as the grid goes.
        """
        rows = {}
        for term, table in self.frame.groupby("term", sort=False):
            low, high = table[self.ends].to_numpy().T - self.null
            shift = table["shift"].to_numpy()
            below, above = shift <= 0, shift >= 0
            backwards = (part[below][::-1] for part in (shift, low, high))
            rows[term] = {
                "downwards": _tip(*backwards),
                "upwards": _tip(shift[above], low[above], high[above]),
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("term")

    def __repr__(self) -> str:
        n_shifts = self.frame["shift"].nunique()
        points = self.tipping_points.round(3).to_string()
        return f"Sensitivity({n_shifts} shifts of {listing(self.channels)})\n{points}"


def sensitivity(
    draws: Draws,
    analysis: Any,
    shift: Iterable[float] = SHIFTS,
    *,
    channels: str | Iterable[str] | None = None,
    null: float = 0.0,
    coverage: float = 0.95,
    **options: Any,
) -> Sensitivity:
    """Repeat an analysis with imputed values shifted: missing not at random.

    Imputations take missing cells to be like observed ones in the same surroundings.
    If cells went missing because of what they were, they are off by an amount that the
    data can't tell. Delta adjustment shifts every imputed value by `shift` standard
    deviations of the channel's observed values and asks again: a conclusion that holds
    for every shift one would believe in does not hang on the assumption.

    Parameters
    ----------
    draws : Draws
    analysis, **options
        As in `tsdiff.pool`.
    shift : iterable of float, default -2 to 2 by quarters
        In standard deviations. 0 is always among them.
    channels : str or iterable of str, optional
        Whose imputed values are shifted; by default all that have some.
    null : float, default 0
        What the conclusion compares the terms with.
    coverage : float, default 0.95
        Of the intervals.

    Returns
    -------
    Sensitivity
        Its ``frame`` and ``tipping_points``; see `tsdiff.plotting.plot_tipping_point`.

    Raises
    ------
    TypeError, ValueError
        As `tsdiff.pool`, if a channel is unknown or has no imputed value, or a shift is
        not finite.

    References
    ----------
    Rubin, Multiple Imputation for Nonresponse in Surveys, Wiley 1987, section 6.4;
    Yan, Lee and Li, Missing data handling methods in medical device clinical trials,
    Journal of Biopharmaceutical Statistics 2009 (tipping points).

    Examples
    --------
    >>> from tsdiff.baselines import LinearInterpolation
    >>> y = pd.DataFrame({"y": np.random.default_rng(0).normal(0.4, 1, 90)})
    >>> y.iloc[20:50] = np.nan
    >>> draws = LinearInterpolation(random_state=0).fit(y).sample(y, 20)
    >>> answer = sensitivity(draws, "y ~ 1", [-1, 0, 1])
    >>> answer.frame["estimate"].diff().round(3).tolist()  # a third of the cells
    [nan, 0.329, 0.329]
    """
    grid = np.unique(np.append(np.asarray(list(shift), dtype=float), 0.0))
    if not np.isfinite(grid).all():
        raise ValueError(f"shift must hold finite numbers, got {listing(grid)}.")
    (share,) = as_coverage(coverage)
    names, unit = _units(draws, channels)
    parts = []
    for step in grid:
        moved = replace(draws, samples=draws.samples + step * unit)
        pooled = pool(moved, analysis, **options)
        table = pooled.summary(coverage).drop(columns="missing_information")
        table["p_value"] = pooled.p_value(null)
        table.insert(0, "shift", step)
        parts.append(table.reset_index())
    frame = pd.concat(parts, ignore_index=True)
    return Sensitivity(frame, names, float(null), float(share))


def _units(draws: Draws, channels: Any) -> tuple[tuple[str, ...], Floats]:
    """Channels to shift, and one standard deviation for each of their cells, (M,)."""
    panel, of_cell = draws.panel, draws.cells % len(draws.panel.channels)
    imputed = [panel.channels[k] for k in np.unique(of_cell)]
    asked = [channels] if isinstance(channels, str) else channels
    names = tuple(imputed if asked is None else asked)
    strange = [name for name in names if name not in imputed]
    if strange or not names:
        raise ValueError(
            f"channels names {listing(map(repr, strange)) or 'none'}, but those with "
            f"imputed values are {listing(map(repr, imputed)) or 'none'}."
        )
    count = panel.observed.sum(axis=0)
    shifted = np.isin(panel.channels, names)
    if (count[shifted] < 2).any():
        name = np.array(panel.channels)[shifted & (count < 2)][0]
        raise ValueError(
            f"Column {name!r} has fewer than 2 observed values, so no standard "
            "deviation to shift by. Name others in channels."
        )
    spread = np.zeros(len(count))
    spread[shifted] = np.nanstd(panel.values[:, shifted], axis=0, ddof=1)
    return names, spread[of_cell]


def _tip(shift: Floats, low: Floats, high: Floats) -> float:
    """First shift, going outwards from 0, at which the conclusion is another one."""
    conclusion = np.where(low > 0, 1, np.where(high < 0, -1, 0))
    other = np.flatnonzero(conclusion != conclusion[0])
    if not len(other):
        return float("nan")
    after = other[0]
    before = after - 1
    # the end that leaves or meets the null: the lower one of an interval above it
    upper = 1 in (conclusion[before], conclusion[after])
    end = low if upper else high
    share = end[before] / (end[before] - end[after])
    return float(shift[before] + share * (shift[after] - shift[before]))
