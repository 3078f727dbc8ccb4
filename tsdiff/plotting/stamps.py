"""Labels of rows as a browser can place and show them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def time_axis(stamps: pd.Index) -> NDArray:
    """Turn labels of rows into numbers or dates that a browser can place.

    Parameters
    ----------
    stamps : pandas.Index of length n
        With several levels, the last one is time.

    Returns
    -------
    ndarray of shape (n,)
        Dates as the wall clock shows them, start of a period, seconds of a duration,
        or the numbers themselves.

    Examples
    --------
    >>> time_axis(pd.PeriodIndex(["2024-02"], freq="M")).astype("M8[D]")
    array(['2024-02-01'], dtype='datetime64[D]')
    """
    stamps = stamps.get_level_values(-1)
    if isinstance(stamps, pd.PeriodIndex):
        stamps = stamps.to_timestamp()
    if isinstance(stamps, pd.DatetimeIndex):
        return stamps.tz_localize(None).to_numpy()
    if isinstance(stamps, pd.TimedeltaIndex):
        return stamps.total_seconds().to_numpy()
    return stamps.to_numpy()


def written_dates(time: NDArray) -> NDArray:
    """Write dates as short as they can be; numbers stay.

    Parameters
    ----------
    time : ndarray
        From `time_axis`.

    Returns
    -------
    ndarray
        Of str for dates: a browser would get nanoseconds otherwise.

    Examples
    --------
    >>> written_dates(np.array(["2024-02-01T05:30:00"], dtype="M8[us]")).tolist()
    ['2024-02-01T05:30']
    """
    if time.dtype.kind != "M":
        return time
    for unit in ("D", "m", "s", "ms", "us"):
        coarse = time.astype(f"M8[{unit}]")
        if (coarse == time).all():
            return np.datetime_as_string(coarse)
    return np.datetime_as_string(time)
