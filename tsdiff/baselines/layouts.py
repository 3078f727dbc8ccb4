"""Quantiles of foreign forecasters, asked in their own words.

Two layouts are known: that of Nixtla's libraries (long frames, a column for each end of
an interval) and that of sktime (one series at a time, `fh`). Neither is imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from tsdiff.bands import interval_alpha, interval_suffixes
from tsdiff.validation import listing

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """One channel of one series up to where it is forecast from.

    Attributes
    ----------
    name : str
        For messages.
    stamps, ahead : Index, length T and h
        Of the history, and of the rows to forecast.
    values : ndarray, shape (T,)
    """

    name: str
    stamps: pd.Index
    ahead: pd.Index
    values: Floats


def is_sktimes(model: Any) -> bool:
    """Tell which of the two layouts a model has.

    Parameters
    ----------
    model : object

    Returns
    -------
    bool

    Raises
    ------
    TypeError
        If it has neither.
    """
    sktimes = hasattr(model, "predict_quantiles") or hasattr(model, "predict_interval")
    if not (hasattr(model, "fit") and (sktimes or hasattr(model, "predict"))):
        raise TypeError(
            f"{type(model).__name__} has neither Nixtla's fit(df) and predict(h, "
            "level=) nor sktime's fit(y, fh=) and predict_quantiles(fh, alpha=) or "
            "predict_interval(fh, coverage=). Wrap it in a class that has."
        )
    return sktimes


def nixtla_quantiles(
    model: Any, histories: Sequence[History], levels: Floats
) -> Floats:
    """Let a copy of a model of Nixtla's layout learn all histories, and ask it.

    Parameters
    ----------
    model : object
        With ``fit(df)`` and ``predict(h, level=[...])``; not changed.
    histories : sequence of History, length n
        All with h rows ahead.
    levels : ndarray, shape (k,)
        Coverage in percent, ascending.

    Returns
    -------
    ndarray, shape (1 + 2 * k, n, h)
        The point forecast, then lower and upper ends level by level.

    Raises
    ------
    ValueError
        If the answer lacks columns or rows.
    """
    sizes = [len(history.values) for history in histories]
    df = pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(histories)), sizes),
            "ds": _joined([_plain(history.stamps) for history in histories]),
            "y": np.concatenate([history.values for history in histories]),
        }
    )
    h = len(histories[0].ahead)
    learned = clone(model, safe=False)
    learned.fit(df)
    answer = learned.predict(h, level=[_short(level) for level in levels])
    if "unique_id" not in answer.columns:  # older releases have it as the index
        answer = answer.reset_index()
    name = _one_column(answer)
    columns = [name, *(name + suffix for suffix in interval_suffixes(levels / 100))]
    absent = [str(each) for each in columns if each not in answer.columns]
    if absent:
        raise ValueError(
            f"The answer lacks column(s) {listing(map(repr, absent))}; it has "
            f"{listing(map(repr, answer.columns))}. The model has to give intervals "
            "for level=."
        )
    answer = answer.sort_values(["unique_id", "ds"], kind="stable")
    ahead = _joined([_plain(history.ahead) for history in histories])
    found = pd.Index(answer["ds"])
    if len(found) != len(ahead) or not (np.asarray(found) == np.asarray(ahead)).all():
        raise ValueError(
            f"The model answers {len(found)} rows from {found[0]} to {found[-1]}, but "
            f"{len(ahead)} from {ahead[0]} to {ahead[-1]} were asked. Is its freq that "
            "of the data?"
        )
    return answer[columns].to_numpy(float).T.reshape(len(columns), len(histories), h)


def sktime_quantiles(model: Any, history: History, levels: Floats) -> Floats:
    """Let a copy of a model of sktime's layout learn one history, and ask it.

    Parameters
    ----------
    model : object
        With ``fit(y, fh=...)`` and ``predict_quantiles(fh, alpha=[...])`` or
        ``predict_interval(fh, coverage=[...])``; not changed.
    history : History
    levels : ndarray, shape (k,)
        Coverage in percent, ascending.

    Returns
    -------
    ndarray, shape (1 + 2 * k, h)
        As those of `nixtla_quantiles`; first the median, if it is given.
    """
    fh = np.arange(1, len(history.ahead) + 1)
    learned = clone(model, safe=False)
    learned.fit(pd.Series(history.values, history.stamps, name=history.name), fh=fh)
    shares = levels / 100
    if hasattr(learned, "predict_quantiles"):
        alpha = np.append(0.5, interval_alpha(shares)).round(6).tolist()
        answer = learned.predict_quantiles(fh=fh, alpha=alpha)
        at = {round(float(name[-1]), 6): i for i, name in enumerate(answer.columns)}
        return np.asarray(answer, dtype=float).T[[at[level] for level in alpha]]
    middle = np.asarray(learned.predict(fh=fh), dtype=float).reshape(1, -1)
    coverage = shares.round(6).tolist()
    answer = learned.predict_interval(fh=fh, coverage=coverage)
    place = {
        (round(float(name[-2]), 6), str(name[-1])): i
        for i, name in enumerate(answer.columns)
    }
    ends = [place[share, end] for share in coverage for end in ("lower", "upper")]
    return np.concatenate([middle, np.asarray(answer, dtype=float).T[ends]])


def _plain(stamps: pd.Index) -> pd.Index:
    """Periods as the dates they begin at; others as they are."""
    return stamps.to_timestamp() if isinstance(stamps, pd.PeriodIndex) else stamps


def _joined(stamps: Sequence[pd.Index]) -> pd.Index:
    return stamps[0].append(list(stamps[1:]))


def _short(level: float) -> int | float:
    """Percent as users write them: 90, 99.5; columns are named after them."""
    return int(level) if level == int(level) else float(level)


def _one_column(answer: pd.DataFrame) -> str:
    """Find the name of the model in the columns of its answer."""
    known = {"unique_id", "ds", "cutoff", "index"}
    names = [str(name) for name in answer.columns if name not in known]
    names = [name for name in names if "-lo-" not in name and "-hi-" not in name]
    if len(names) != 1:
        raise ValueError(
            f"The model's answer has columns {listing(map(repr, names))}, and one is "
            "needed. Wrap one model at a time."
        )
    return names[0]
