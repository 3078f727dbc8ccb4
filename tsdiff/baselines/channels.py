"""Channels of a panel as a whole: whether there is anything to learn, mean, spread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tsdiff.advice import advise
from tsdiff.panel.frame import Panel
from tsdiff.validation import listing


def check_learnable(panel: Panel) -> None:
    """Refuse data without a value, and warn of channels without one.

    Parameters
    ----------
    panel : Panel

    Raises
    ------
    ValueError
        If no cell is observed.
    """
    counts = panel.observed.sum(axis=0)
    empty = [name for name, n in zip(panel.channels, counts, strict=True) if not n]
    if len(empty) == len(counts):
        raise ValueError(
            "No cell is observed, so there is nothing to learn from: every value of "
            f"column(s) {listing(map(repr, empty))} is missing."
        )
    if empty:
        advise(
            f"Column(s) {listing(map(repr, empty))} hold no value; they will be filled "
            "by 0, for want of anything better. Drop them, or fit on data in which "
            "they are observed."
        )


def moments(panel: Panel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each channel.

    Parameters
    ----------
    panel : Panel

    Returns
    -------
    mean, sd : ndarray, shape (C,)
        Both 0 for a channel without a value.

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> mean, sd = moments(to_panel(np.array([[1.0], [np.nan], [3.0]])))
    >>> float(mean[0]), float(sd[0])
    (2.0, 1.0)
    """
    count = np.maximum(panel.observed.sum(axis=0), 1)
    mean = np.nansum(panel.values, axis=0) / count
    square = np.nansum((panel.values - mean) ** 2, axis=0) / count
    return mean, np.sqrt(square)
