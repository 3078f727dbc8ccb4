"""Extras and past of a forecaster as JSON and arrays, for files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from tsdiff.panel.covariates import Covariates
from tsdiff.panel.packing import Arrays, pack_panel, unpack_panel
from tsdiff.panel.past import Extras, Past
from tsdiff.panel.statics import Statics

_COVARIATES, _STATICS = "covariates", "statics"


def pack_past(extras: Extras, past: Past | None) -> tuple[dict[str, Any], Arrays]:
    """Write what a forecaster keeps as JSON and arrays.

    Parameters
    ----------
    extras : Extras
    past : Past or None

    Returns
    -------
    packed : dict
    arrays : dict of str to ndarray

    Raises
    ------
    TypeError
        If a name has no form in JSON.
    """
    packed: dict[str, Any] = {"extras": dataclasses.asdict(extras), "past": None}
    if past is None:
        return packed, {}
    packed["past"], parts = pack_panel(past.panel)
    arrays = {f"panel/{name}": array for name, array in parts.items()}
    packed["ahead"] = None
    if past.ahead is not None:
        packed["ahead"], parts = pack_panel(past.ahead)
        arrays |= {f"ahead/{name}": array for name, array in parts.items()}
    arrays[_COVARIATES] = np.ascontiguousarray(past.covariates)
    arrays[_STATICS] = np.ascontiguousarray(past.statics)
    return packed, arrays


def unpack_past(
    packed: Mapping[str, Any], arrays: Arrays
) -> tuple[Extras, Past | None]:
    """Read what `pack_past` wrote.

    Parameters
    ----------
    packed : dict
    arrays : dict of str to ndarray

    Returns
    -------
    extras : Extras
    past : Past or None

    Raises
    ------
    KeyError, TypeError, ValueError
        If they don't fit together.
    """
    stored = packed["extras"]
    extras = Extras(
        None
        if stored[_COVARIATES] is None
        else Covariates(**_tuples(stored[_COVARIATES])),
        None if stored[_STATICS] is None else Statics(**_tuples(stored[_STATICS])),
    )
    if packed["past"] is None:
        return extras, None
    panel = unpack_panel(packed["past"], _under("panel/", arrays))
    ahead = None
    if packed["ahead"] is not None:
        ahead = unpack_panel(packed["ahead"], _under("ahead/", arrays))
    covariates, statics = np.array(arrays[_COVARIATES]), np.array(arrays[_STATICS])
    if covariates.shape != (len(panel.values), len(extras.channels)):
        raise ValueError("its covariates have another shape than its history")
    if statics.shape != (len(panel.ids), len(extras.features)):
        raise ValueError("its static features have another shape than its series")
    if ahead is not None and ahead.channels != extras.channels:
        raise ValueError("its covariates ahead are others than those of the past")
    return extras, Past(panel, covariates, ahead, statics)


def _tuples(value: Any) -> Any:
    """Turn lists of JSON into tuples, at any depth."""
    if isinstance(value, Mapping):
        return {name: _tuples(part) for name, part in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _under(prefix: str, arrays: Arrays) -> Arrays:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
