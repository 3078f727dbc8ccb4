"""Sections: how the fit went, and how good it is on cells held out of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from tsdiff.plotting.chart import curve, draw_chart, model_looks
from tsdiff.reporting.markup import paragraph, section, table
from tsdiff.reporting.pictures import picture
from tsdiff.reporting.subject import Subject

_CURVES = {
    "training loss": "loss",
    "velocity loss": "velocity_loss",
    "validation CRPS": "validation_crps",
}
_NEARLY = 0.9  # of max_minutes, at the last score that was kept


def history(subject: Subject) -> str:
    """Draw the losses of the fit, and say why it ended."""
    own, title = subject.estimator, "Fit history"
    steps = getattr(own, "history_", None)
    if steps is None:
        said = f"{type(own).__name__} is not trained in steps, so it has no history."
        return section("fit", title, paragraph(said))
    minutes = steps["seconds"].max() / 60 if len(steps) else 0.0
    time = f"{minutes:.3g} minutes" if minutes >= 1 else f"{60 * minutes:.2g} seconds"
    said = f"{own.n_iter_:,} steps in {time}. {_ending(own, minutes)}"
    drawn = picture(partial(_plot, steps), subject.template) if len(steps) else ""
    kind = "alarm" if own.interrupted_ else ""
    return section("fit", title, paragraph(said, kind), drawn)


def _ending(own: Any, minutes: float) -> str:
    """Say why a fit ended."""
    steps = own.history_
    if own.interrupted_:
        return (
            "It was interrupted before its end; the best weights until then are kept. "
            "Fit again for all that the data can teach."
        )
    if len(steps) and not np.isfinite(steps["loss"].iloc[-1]):
        return "It ended as its loss was no longer finite; the best weights are kept."
    limit = own.get_params().get("max_minutes")
    if limit is not None and minutes >= _NEARLY * limit:
        return f"It ended as its time was up (max_minutes={limit:g})."
    epochs = own.get_params().get("max_epochs")
    asked = "by default" if epochs is None else f"max_epochs={epochs}"
    return f"It ended as all its steps were made ({asked})."


def _plot(steps: Any, *, template: Any = None) -> Any:
    """Draw the losses against the steps."""
    step = steps["step"].to_numpy()
    traces = [
        curve(look, step, steps[column].to_numpy(), [f"{y:.4g}" for y in steps[column]])
        for (_, column), look in zip(
            _CURVES.items(), model_looks(list(_CURVES)), strict=True
        )
    ]
    said = "Validation CRPS, on cells held out, chooses the weights; lower is better."
    axes = "optimiser step", "loss"
    return draw_chart(traces, ("Losses of the fit", said), axes, template=template)


def skill(subject: Subject) -> str:
    """Show how good the fit is on the cells that were held out of it."""
    title, own = "Skill against a plain first guess", subject.estimator
    scores = getattr(own, "skill_", None)
    if scores is None:
        said = (
            f"{type(own).__name__} keeps no score of its own; see Calibration for how "
            "it does on these data."
        )
    elif not scores:
        said = "No cell was held out of the fit, so nothing tells its skill."
    else:
        return section(
            "skill",
            title,
            paragraph(in_words(scores), "alarm" if scores["skill"] < 0 else ""),
            table("On cells held out of the fit", ["", "value"], _rows(scores)),
        )
    return section("skill", title, paragraph(said))


def in_words(scores: dict[str, Any]) -> str:
    """Say what the skill of a fit means."""
    change = 100 * scores["skill"]
    better = "lower" if change >= 0 else "higher"
    return (
        f"On {scores['n_cells']:,} cells held out of the fit its CRPS is "
        f"{abs(change):.0f} % {better} than that of {scores['reference']}, and "
        f"{100 * scores['coverage_90']:.0f} % of them lie in the raw 90 % intervals."
    )


def _rows(scores: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "CRPS (units of the channels)", f"{scores['crps']:.4g}"
    yield f"CRPS of {scores['reference']}", f"{scores['crps_reference']:.4g}"
    yield "skill (1 - ratio)", f"{scores['skill']:.4g}"
    yield "inside 90 % intervals", f"{scores['coverage_90']:.4g}"
    yield "cells", f"{scores['n_cells']:,}"
