"""Rows on an even grid, for baselines that count rows and not time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tsdiff.advice import advise
from tsdiff.panel.frame import Panel

Ints = NDArray[np.int64]

_ROUNDING = 1e-6  # of a step
_MOST_ROWS = 8  # times those there are, that a grid may have


def evenly(panel: Panel) -> tuple[Panel, Ints]:
    """Put stamps that lie on an even grid onto it: absent ones become missing rows.

    Parameters
    ----------
    panel : Panel
        N rows.

    Returns
    -------
    even : Panel
        Without calendar; its layout is that of `panel` still. The panel itself if its
        rows are evenly spaced, or lie on no grid.
    place : ndarray of int, shape (N,)
        Where each row is now.

    Warns
    -----
    UserWarning
        If the stamps lie on no grid, so that rows count as evenly spaced.

    Examples
    --------
    >>> import pandas as pd
    >>> from tsdiff.panel.frame import to_panel
    >>> days = pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-06"])
    >>> even, place = evenly(to_panel(pd.Series([1.0, 2.0, 3.0, 4.0], days)))
    >>> even.values.ravel(), place
    (array([ 1.,  2.,  3., nan, nan,  4.]), array([0, 1, 2, 5]))
    """
    first = panel.bounds[:-1]
    same = np.arange(len(panel.values))
    step = np.delete(np.diff(panel.elapsed), first[1:] - 1)
    if (step == 1).all():
        return panel, same
    slot = np.round(panel.elapsed).astype(np.int64)
    length = slot[panel.bounds[1:] - 1] + 1
    on_grid = (np.abs(panel.elapsed - slot) <= _ROUNDING).all()
    if not on_grid or length.sum() > _MOST_ROWS * len(slot):
        advise(
            f"Steps between rows are {step.min():.3g} to {step.max():.3g} times the "
            "usual one, and this baseline counts rows as evenly spaced. Put them onto "
            "a grid (resample), or use LinearInterpolation or LastValue, which know "
            "the time of each row."
        )
        return panel, same
    bounds = np.concatenate([[0], np.cumsum(length)])
    place = slot + np.repeat(bounds[:-1], np.diff(panel.bounds))
    values = np.full((bounds[-1], len(panel.channels)), np.nan)
    values[place] = panel.values
    even = replace(
        panel,
        values=values,
        bounds=bounds,
        elapsed=np.arange(bounds[-1]) - np.repeat(bounds[:-1], length).astype(float),
        calendar=np.empty((bounds[-1], 0), dtype=np.float32),
        calendar_names=(),
    )
    return even, place


def moved(cells: Ints, place: Ints, n_channels: int) -> Ints:
    """Find cells again whose rows have a new place.

    Parameters
    ----------
    cells : ndarray of int, shape (M,)
        Flat indices, ascending.
    place : ndarray of int, shape (N,)
        From `evenly`.
    n_channels : int

    Returns
    -------
    ndarray of int, shape (M,)

    Examples
    --------
    >>> moved(np.array([1, 2]), np.array([0, 3]), 2)
    array([1, 6])
    """
    row, channel = np.divmod(cells, n_channels)
    return place[row] * n_channels + channel
