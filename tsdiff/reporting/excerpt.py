"""Some rows of draws, to be looked at more closely."""

from __future__ import annotations

import pandas as pd

from tsdiff.draws import Draws
from tsdiff.panel.frame import to_panel


def excerpt(draws: Draws, frame: pd.DataFrame, rows: slice) -> Draws:
    """Cut the draws of some rows out.

    Parameters
    ----------
    draws : Draws
    frame : DataFrame
        What they were drawn for: rows as in ``draws.panel``.
    rows : slice
        Rows that follow each other, `start` and `stop` given.

    Returns
    -------
    Draws

    Examples
    --------
    >>> import numpy as np
    >>> data = pd.DataFrame({"y": [1.0, np.nan, 3.0, np.nan]})
    >>> draws = Draws(to_panel(data), np.array([[2.0, 4.0]]), np.array([1, 3]))
    >>> excerpt(draws, data, slice(2, 4)).median()["y"].tolist()
    [3.0, 4.0]
    """
    part = frame.iloc[rows]
    cells = draws.cells - rows.start * frame.shape[1]
    inside = (cells >= 0) & (cells < part.size)
    freq = draws.panel.freq if len(part) < 3 else None  # too few rows tell no step
    panel = to_panel(part, freq=freq)
    return Draws(panel, draws.samples[:, inside], cells[inside], draws.calibrated)
