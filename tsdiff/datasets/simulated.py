"""What all makers with known truth return."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Simulated:
    """Series drawn from a known law, with holes.

    Parameters
    ----------
    values : ndarray, shape (n_series, n_times, n_channels)
        What is shown; NaN = missing.
    truth : ndarray, shape (n_series, n_times, n_channels)
        The same without holes.
    channels : tuple of str
    """

    values: Floats
    truth: Floats
    channels: tuple[str, ...]

    @property
    def cells(self) -> NDArray[np.int64]:
        """Missing cells as ascending indices into ``values.ravel()``, shape (M,)."""
        return np.flatnonzero(np.isnan(self.values))

    @property
    def hidden_truth(self) -> Floats:
        """What the missing cells really are, in the order of `cells`, shape (M,)."""
        return self.truth.ravel()[self.cells]

    def frame(self) -> pd.DataFrame:
        """Return the values as a user would hold them.

        Returns
        -------
        DataFrame of shape (n_series * n_times, n_channels)
            Hourly rows from 2024-01-01. One series: index ``time``; several: index
            ``(unique_id, ds)`` with ids "s0", "s1", ...; rows in the order of `cells`.

        Examples
        --------
        >>> from tsdiff.datasets import make_linear_gaussian
        >>> make_linear_gaussian(n_times=48).frame().index.freqstr
        'h'
        """
        n_series, n_times, n_channels = self.values.shape
        stamps = pd.date_range("2024-01-01", periods=n_times, freq="h", name="time")
        index: pd.Index = stamps
        if n_series > 1:
            ids = [f"s{number}" for number in range(n_series)]
            index = pd.MultiIndex.from_product([ids, stamps], names=["unique_id", "ds"])
        flat = self.values.reshape(-1, n_channels).copy()
        return pd.DataFrame(flat, index=index, columns=list(self.channels))


def check_noise(noise: float) -> None:
    """Raise ValueError unless `noise`, a standard deviation, is above 0.

    Parameters
    ----------
    noise : float

    Raises
    ------
    ValueError
        If it is zero, negative or NaN.

    Examples
    --------
    >>> check_noise(0.1)
    """
    if not noise > 0:
        raise ValueError(f"noise is a standard deviation above 0, found {noise}")
