"""All numbers of a figure, packed into JSON for the script of its page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.plotting.shapes import MAX_POINTS, gap_rows
from tsdiff.plotting.strips import Strip
from tsdiff.plotting.style import decimals

Array = NDArray[np.float64]

_OBSERVED, _ANSWERED = 1, 2  # bits of a row's state
_RUN = 8  # rows of an even run, at least, for runs to be shorter than all stamps


@dataclass(frozen=True)
class Whole:
    """What the traces of a figure are thinned from.

    Attributes
    ----------
    strips : list over series of lists over rows of Strip
    numbers : list over series of lists over rows of ndarray
        As `tsdiff.plotting.strips.band_data` takes them.
    coverage : sequence of float
        Of the bands, widest first.
    n_paths : int
    truth_name : str
        What the labels call the values that the model was not shown.
    menu : int or None
        Which of the figure's menus chooses the series.
    """

    strips: list[list[Strip]]
    numbers: list[list[Array]]
    coverage: Sequence[float]
    n_paths: int
    truth_name: str
    menu: int | None

    def is_thinned(self) -> bool:
        """Whether a trace of the figure lacks points."""
        return any(
            _most(strip) > MAX_POINTS * 2 // 5 for row in self.strips for strip in row
        )

    def packed(self) -> dict[str, Any]:
        """Pack it into what JSON holds; of names there are none.

        Returns
        -------
        dict
            Read by `tsdiff.plotting.zooming.SCRIPT`.
        """
        return {
            "levels": [f"{100 * share:g}" for share in self.coverage],
            "paths": self.n_paths,
            "truth": self.truth_name,
            "menu": self.menu,
            "strips": [
                [
                    pack_strip(strip, numbers, self.n_paths)
                    for strip, numbers in zip(*rows, strict=True)
                ]
                for rows in zip(self.strips, self.numbers, strict=True)
            ],
        }


def _most(strip: Strip) -> int:
    """Count the points of the longest trace; those beyond 4,000 or in gaps 2,000 go."""
    in_gaps = len(gap_rows(strip.answered, strip.observed))
    known = int((~np.isnan(strip.given)).sum())
    return max(in_gaps, known // 2)


def pack_strip(strip: Strip, numbers: Array, n_paths: int) -> dict[str, Any]:
    """Pack a strip: a byte and a number per row, some per answered cell.

    What was given stays exact. Answers are single precision around their middle, so
    that they are right to seven digits of their spread.

    Parameters
    ----------
    strip : Strip
    numbers : ndarray of shape (1 + 2 * n_bands, m)
        Median of each answered cell, then low and high end of each band.
    n_paths : int

    Returns
    -------
    dict

    Examples
    --------
    >>> nothing = np.zeros(3, dtype=bool)
    >>> given = np.array([1.0, 0.5, 2.0])
    >>> strip = Strip(np.arange(3), given, ~nothing, nothing, np.empty((0, 0)))
    >>> pack_strip(strip, np.empty((1, 0)), 0)["given"]
    {'f4': 'AACAPwAAAD8AAABA'}
    """
    answers = np.concatenate([numbers, strip.samples[:n_paths]])
    middle = _middle(answers)
    state = _OBSERVED * strip.observed + _ANSWERED * strip.answered
    said = {None: "", False: ", raw", True: ", calibrated"}[strip.calibrated]
    return {
        "time": _pack_time(strip.time),
        "dates": strip.time.dtype.kind == "M",
        "state": _text(state, "u1"),
        "given": _pack_floats(strip.given),
        "middle": middle,
        "answers": _text(answers - middle, "<f4"),
        "digits": decimals(strip.given),
        "of": said,
        "gaps": strip.gaps,
    }


def _middle(values: Array) -> float:
    """Find a number of few bits amid values: what is left keeps its ties."""
    spread = np.ptp(values) if values.size else 0.0
    if spread == 0.0:
        return float(values.flat[0]) if values.size else 0.0
    bit = 2.0 ** np.floor(np.log2(spread))
    return float(bit * np.round(values.mean() / bit))


def _pack_floats(values: Array) -> dict[str, str]:
    """Take half the space where it loses nothing."""
    with np.errstate(over="ignore"):
        short = values.astype("<f4")
    kind = "f4" if np.array_equal(short, values, equal_nan=True) else "f8"
    return {kind: _text(values, f"<{kind}")}


def _pack_time(time: NDArray) -> dict[str, Any]:
    """Pack numbers, or dates as milliseconds: even runs of stamps, or all of them."""
    if time.dtype.kind == "M":
        time = time.astype("M8[ns]").astype(np.int64)
        unit = 1e6
    else:
        unit = 1.0
    odd = np.flatnonzero(np.diff(np.diff(time))) + 2  # where another run begins
    first = np.concatenate([[0], odd]).astype(np.int64)
    second = np.minimum(first + 1, len(time) - 1)
    start, step = time[first], time[second] - time[first]
    run = np.repeat(np.arange(len(first)), np.diff(first, append=len(time)))
    even = start[run] + (np.arange(len(time)) - first[run]) * step[run]
    if len(odd) * _RUN > len(time) or not np.array_equal(even, time):
        return {"f8": _text(time / unit, "<f8")}
    runs = {"first": first, "start": start / unit, "step": step / unit}
    return {key: values.tolist() for key, values in runs.items()}


def _text(values: NDArray, kind: str) -> str:
    """Write bytes as base64."""
    return base64.b64encode(values.astype(kind).tobytes()).decode("ascii")
