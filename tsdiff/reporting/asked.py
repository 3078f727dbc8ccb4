"""Section: what was asked, of which data, by what."""

from __future__ import annotations

import inspect
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from tsdiff import __version__
from tsdiff.reporting.markup import beside, paragraph, section, table
from tsdiff.reporting.subject import Subject

_PACKAGES = ("torch", "numpy", "pandas", "scikit-learn", "plotly")
_LONGEST = 200  # characters of a parameter


def asked(subject: Subject) -> str:
    """Say what the report is about."""
    return section(
        "asked",
        "What was asked",
        paragraph(law(subject)),
        beside(
            table("Question", ["", ""], _facts(subject), "words"),
            table("Parameters", ["", "", ""], _parameters(subject.estimator), "words"),
            table("Versions", ["", ""], _versions(), "words"),
        ),
    )


def law(subject: Subject) -> str:
    """Say whether answers follow the raw law of the fit, or a calibrated one."""
    own = getattr(subject.estimator, "calibration_", None)
    if own is None:
        return (
            "The answers follow the raw law of the fit: their intervals have not been "
            "corrected by calibrate()."
        )
    return (
        "The answers are calibrated: their intervals were corrected by calibrate() on "
        f"{int(own.n_cells.sum()):,} cells, in all bins of cells together."
    )


def _facts(subject: Subject) -> Iterator[tuple[str, str]]:
    panel, n_rows = subject.panel, np.diff(subject.panel.bounds)
    yield "Estimator", type(subject.estimator).__name__
    if subject.looks_ahead:
        yield "Question", f"the next {subject.estimator.horizon:,} rows"
    else:
        yield "Question", "the missing cells"
    yield "Rows", f"{len(panel.values):,}"
    yield "Channels", f"{len(panel.channels):,}"
    if panel.ids != (None,):
        yield (
            "Series",
            f"{len(panel.ids):,} of {n_rows.min():,} to {n_rows.max():,} rows",
        )
    yield "First row", str(panel.stamps.min())
    yield "Last row", str(panel.stamps.max())
    yield "Step", _step(subject)
    yield "Random state", str(subject.seed)
    yield "Date", f"{datetime.now(UTC):%Y-%m-%d}"


def _step(subject: Subject) -> str:
    panel = subject.panel
    if panel.freq is not None:
        return str(panel.freq)
    if panel.step is None:
        return "a row"
    seconds = panel.stamps.dtype.kind in "mM"
    return f"irregular, {panel.step:g}{' seconds' if seconds else ''} in the middle"


def _parameters(estimator: Any) -> Iterator[tuple[str, str, str]]:
    known = inspect.signature(type(estimator)).parameters
    for name, value in estimator.get_params(deep=False).items():
        shown = repr(value)
        if len(shown) > _LONGEST:
            shown = f"{shown[: _LONGEST - 1]}…"
        usual = name in known and known[name].default is value
        yield name, shown, "default" if usual else ""


def _versions() -> Iterator[tuple[str, str]]:
    yield "tsdiff", __version__
    yield "Python", platform.python_version()
    for name in _PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "not known"
