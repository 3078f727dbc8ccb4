"""Long frames, one row per series and stamp, to and from the indexed form."""

from __future__ import annotations

import pandas as pd

from tsdiff.validation import listing


def from_long(
    df: pd.DataFrame, id_col: str = "unique_id", time_col: str = "ds"
) -> pd.DataFrame:
    """Turn a long frame into one indexed by series and time.

    Parameters
    ----------
    df : DataFrame of shape (n_rows, 2 + n_channels)
        One row per series and stamp; the other columns are channels.
    id_col : str, default="unique_id"
        Column that names the series.
    time_col : str, default="ds"
        Column that holds the time.

    Returns
    -------
    frame : DataFrame of shape (n_rows, n_channels)
        Same rows in the same order, with a MultiIndex (`id_col`, `time_col`).

    Raises
    ------
    TypeError
        If `df` is no pandas DataFrame.
    ValueError
        If one of the two columns is not there.

    Examples
    --------
    >>> long = pd.DataFrame({"unique_id": ["a", "a"], "ds": [1, 2], "y": [0.5, 0.7]})
    >>> from_long(long)["y"].to_dict()
    {('a', 1): 0.5, ('a', 2): 0.7}
    """
    if not isinstance(df, pd.DataFrame):
        raise TypeError(
            f"from_long reads a pandas DataFrame, not {type(df).__name__}. Convert it "
            "first, e.g. by df.to_pandas()."
        )
    absent = [column for column in (id_col, time_col) if column not in df.columns]
    if absent:
        raise ValueError(
            f"Column(s) {listing(map(repr, absent))} are not in the frame, which has "
            f"{listing(map(repr, df.columns))}. Name them by id_col= and time_col=."
        )
    return df.set_index([id_col, time_col])


def to_long(
    frame: pd.DataFrame | pd.Series,
    id_col: str = "unique_id",
    time_col: str = "ds",
    *,
    model: str | None = None,
) -> pd.DataFrame:
    """Turn a frame indexed by series and time, or by time alone, into a long one.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_channels) or Series of shape (n_rows,)
        Indexed by (series, time) or, for a single series, by time.
    id_col : str, default="unique_id"
        Name of the column of series.
    time_col : str, default="ds"
        Name of the column of time.
    model : str, optional
        Takes the place of the one channel's name, also in those of its intervals, as
        Nixtla's tables of forecasts name the model: ``tsdiff``, ``tsdiff-lo-90``.

    Returns
    -------
    df : DataFrame of shape (n_rows, 2 + n_channels)
        Same rows in the same order; a single series has the id 0, and a Series
        without a name becomes the column "y".

    Raises
    ------
    ValueError
        If the index has more than two levels, a channel has one of the two names, or
        `model` is to name several channels.

    Examples
    --------
    >>> to_long(pd.Series([0.5, 0.7], name="y"))
       unique_id  ds    y
    0          0   0  0.5
    1          0   1  0.7
    """
    if isinstance(frame, pd.Series):
        frame = frame.to_frame("y" if frame.name is None else frame.name)
    if model is not None:
        frame = frame.set_axis(_named_after(model, frame.columns), axis=1)
    index = frame.index
    if index.nlevels > 2:
        raise ValueError(
            f"The index has {index.nlevels} levels ({listing(index.names)}); at most "
            "two can be written, series and time. Join the names of a series into one."
        )
    taken = [column for column in (id_col, time_col) if column in frame.columns]
    if taken:
        raise ValueError(
            f"{listing(map(repr, taken))} is already the name of a channel. Choose "
            "another id_col or time_col."
        )
    many = index.nlevels == 2
    df = frame.reset_index(drop=True)
    df.insert(0, id_col, index.get_level_values(0) if many else 0)
    df.insert(1, time_col, index.get_level_values(1) if many else index)
    return df


def _named_after(model: str, columns: pd.Index) -> list[str]:
    """Name the one channel, and what belongs to it, after a model."""
    channel = str(columns[0])
    for mark in ("-lo-", "-hi-", "-q-"):
        channel = channel.split(mark)[0]
    rests = [str(column).removeprefix(channel) for column in columns]
    foreign = [
        column
        for column, rest in zip(columns, rests, strict=True)
        if rest and not rest.startswith(("-lo-", "-hi-", "-q-"))
    ]
    if foreign:
        raise ValueError(
            f"model={model!r} can name one channel only, and beside {channel!r} there "
            f"is {listing(map(repr, foreign))}. Take the channels one by one."
        )
    return [model + rest for rest in rests]
