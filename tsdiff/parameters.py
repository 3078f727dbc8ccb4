"""Constructor parameters of the estimators: checked in `fit`, in plain words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from tsdiff.panel.masking import DEFAULT_MIX

_LARGEST_SEED = 2**63 - 1  # torch takes no larger one
_COUNTS = ("window", "patch_length", "width", "depth", "max_epochs", "batch_size")
_SWITCHES = ("insert_absent", "warm_start")


def check_count(name: str, value: Any) -> int:
    """Check a whole number of at least 1.

    Parameters
    ----------
    name : str
        Of the parameter, for the message.
    value : int or numpy integer

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is anything else; True and 2.0 are no counts.

    Examples
    --------
    >>> check_count("n_samples", np.int64(3))
    3
    """
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}.")
    return int(value)


def check_effort(name: str, value: Any) -> int | None:
    """Check a whole number of at least 1, or "auto", for which None is returned.

    Raises
    ------
    ValueError
        If it is anything else.

    Examples
    --------
    >>> check_effort("n_steps", 8), check_effort("n_steps", "auto")
    (8, None)
    >>> check_effort("n_steps", "many")
    Traceback (most recent call last):
    ValueError: n_steps must be a whole number of at least 1, got 'many', or "auto".
    """
    if isinstance(value, str):
        if value == "auto":
            return None
        raise ValueError(
            f'{name} must be a whole number of at least 1, got {value!r}, or "auto".'
        )
    return check_count(name, value)


def check_parameters(estimator: Any) -> None:
    """Check the parameters that say how an engine is built and trained.

    Parameters
    ----------
    estimator : DiffusionImputer or its like

    Raises
    ------
    ValueError
        Naming the parameter, what was found and what is needed.

    Examples
    --------
    >>> from tsdiff import DiffusionImputer
    >>> check_parameters(DiffusionImputer(width=-1))
    Traceback (most recent call last):
    ValueError: width must be a whole number of at least 1, got -1.
    """
    check_effort("n_steps", estimator.n_steps)
    for name in _COUNTS:
        value = getattr(estimator, name)
        if value is not None:
            check_count(name, value)
    _check_positive("learning_rate", estimator.learning_rate)
    if estimator.max_minutes is not None:
        _check_positive("max_minutes", estimator.max_minutes)
    share = estimator.validation_fraction
    if not isinstance(share, Real) or not 0 < float(share) < 1:
        raise ValueError(
            "validation_fraction must lie between 0 and 1 (both excluded), got "
            f"{share!r}."
        )
    for name in _SWITCHES:
        value = getattr(estimator, name)
        if not isinstance(value, bool | np.bool_):
            raise ValueError(f"{name} must be True or False, got {value!r}.")
    if not isinstance(estimator.verbose, Integral) or int(estimator.verbose) < 0:
        raise ValueError(f"verbose must be 0 or 1, got {estimator.verbose!r}.")
    _check_mix(estimator.mask_mix)
    check_abstain(estimator.abstain)
    _check_path(estimator)


def check_abstain(value: Any) -> float | None:
    """Check the least support of an answer.

    Parameters
    ----------
    value : float or None

    Returns
    -------
    float or None

    Raises
    ------
    ValueError
        If it is no number between 0 and 1.

    Examples
    --------
    >>> check_abstain(0.5), check_abstain(None)
    (0.5, None)
    """
    if value is None:
        return None
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not 0 <= float(value) <= 1:
        raise ValueError(
            "abstain must be a number from 0 to 1, the least support of a cell that is "
            f"answered, or None, got {value!r}."
        )
    return float(value)


def _check_path(estimator: Any) -> None:
    """Check that a fit which is to be resumed can be."""
    path, seed = estimator.checkpoint_path, estimator.random_state
    if path is None:
        return
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise ValueError(f"checkpoint_path must be the path of a file, got {path!r}.")
    if not isinstance(seed, Integral) or isinstance(seed, bool):
        raise ValueError(
            "checkpoint_path lets a fit go on with the seed it began with, which "
            f"random_state={seed!r} does not repeat. Set random_state to an int."
        )


def _check_positive(name: str, value: Any) -> None:
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not 0 < float(value) < np.inf:
        raise ValueError(f"{name} must be a positive number, got {value!r}.")


def _check_mix(mix: Any) -> None:
    if mix is None:
        return
    fine = isinstance(mix, Mapping) and set(mix) <= set(DEFAULT_MIX)
    if fine:
        weights = list(mix.values())
        fine = all(isinstance(w, Real) and 0 <= float(w) < np.inf for w in weights)
        fine = fine and any(weights)
    if not fine:
        raise ValueError(
            "mask_mix must give non-negative weights, not all zero, to some of "
            f"{list(DEFAULT_MIX)}, got {mix!r}."
        )


def read_seed(random_state: Any) -> int:
    """Read one non-negative integer out of what the caller gave as `random_state`.

    Parameters
    ----------
    random_state : int, numpy Generator, numpy RandomState or None
        A generator moves on by one number; None is a fresh seed.

    Returns
    -------
    int
        Below 2 ** 63. The global generators are not touched.

    Raises
    ------
    ValueError
        If it is none of these, or an int out of range.

    Examples
    --------
    >>> read_seed(np.int64(7)), read_seed(None) == read_seed(None)
    (7, False)
    """
    if random_state is None:
        return int(np.random.default_rng().integers(_LARGEST_SEED))
    if isinstance(random_state, Integral) and not isinstance(random_state, bool):
        if not 0 <= int(random_state) <= _LARGEST_SEED:
            raise ValueError(
                f"random_state must lie between 0 and 2**63 - 1, got {random_state}."
            )
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(_LARGEST_SEED))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    raise ValueError(
        f"random_state={random_state!r} cannot be used to seed a generator. Give an "
        "int, a numpy Generator or RandomState, or None."
    )
