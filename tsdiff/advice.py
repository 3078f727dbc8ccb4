"""Warnings that point at the caller's line."""

from __future__ import annotations

import sys
import warnings

_INNER = {"tsdiff", "sklearn", "joblib"}


def advise(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn of something in the caller's data, at the line of the caller's call.

    Between that line and the place where the fault is seen lie frames of this library
    and those that scikit-learn wraps around a method; they are passed over.

    Parameters
    ----------
    message : str
        What was found, and what to do.
    category : type of Warning, default UserWarning

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     advise("Only 3 values are observed.")
    >>> str(caught[0].message)
    'Only 3 values are observed.'
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _INNER:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
