"""Section: do intervals hold what they promise, and is it better than a plain model."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from tsdiff import plotting
from tsdiff.plotting.bounds import binomial_bounds, design_effect
from tsdiff.plotting.scored import Scored
from tsdiff.reporting.holes import MOST_CHANNELS
from tsdiff.reporting.markup import heading, paragraph, section, sentence, table
from tsdiff.reporting.pictures import picture
from tsdiff.reporting.subject import Subject
from tsdiff.reporting.trial import OURS, Trial

#: Of the intervals that are looked at.
COVERAGES = (0.5, 0.8, 0.9, 0.95)
_TITLE = "Calibration"


def calibration(subject: Subject, trial: Trial | str) -> str:
    """Show what intervals cover, and the scores beside those of a plain model.

    Parameters
    ----------
    subject : Subject
    trial : Trial or str
        Why there is none, in words.
    """
    if isinstance(trial, str):
        said = f"Nothing could be tried on these data. {trial}"
        return section("calibration", _TITLE, paragraph(said), _learned(subject))
    result, template = trial.result, subject.template
    by = "gap_length" if trial.unit == "gap" else "horizon"
    pictures = [picture(partial(plotting.plot_reliability, result), template)]
    if result.frame[by].nunique() > 1:
        pictures.append(picture(partial(plotting.plot_coverage, result, by), template))
    return section(
        "calibration",
        _TITLE,
        paragraph(provenance(trial), "alarm" if trial.known else ""),
        paragraph(trial.how),
        table("Share of the truths inside intervals", *_coverage(trial)),
        paragraph(
            "By chance: where 99 % of such shares lie if intervals are right, for "
            f"independent cells, and as cells of one {trial.unit} go astray together."
        ),
        _scores(subject, trial),
        *pictures,
        _learned(subject),
    )


def provenance(trial: Trial) -> str:
    """Say whether the fit has seen what it was tried on."""
    if trial.known is None:
        return "Nothing tells which rows the fit has seen; these may be among them."
    if trial.known:
        return (
            "In-sample: the data hold rows of the fit, so these figures flatter it. "
            "Report on rows that the fit has not seen for figures to rely on."
        )
    return "Out of sample: scored are rows behind those that the fit has seen."


class Share(NamedTuple):
    """What intervals of one coverage cover.

    Attributes
    ----------
    promised, covered, other : float
        Nominal, of the fit, of the other model (NaN if it failed).
    low, high : float
        Between which 99 % of such shares lie if intervals are right and cells
        independent.
    lower, higher : float
        The same if gaps or forecasts are, whose cells depend on each other as found.
    """

    promised: float
    covered: float
    other: float
    low: float
    high: float
    lower: float
    higher: float

    @property
    def verdict(self) -> str:
        """Say whether intervals are too narrow or too wide, beyond chance."""
        if self.covered < self.lower:
            return "too narrow"
        return "too wide" if self.covered > self.higher else "within chance"


def shares(trial: Trial) -> list[Share]:
    """Compare what intervals of the fit cover with what chance allows."""
    scored = Scored.of(trial.result)
    own, block = scored.owned(OURS), scored.blocks()
    found = []
    for share in COVERAGES:
        hits = scored.hits(share)
        bounds = []
        for weight in (1.0, design_effect(hits[own], block[own])):
            bounds += [
                float(end)
                for end in binomial_bounds(np.array(share), own.sum() / weight)
            ]
        other = hits[scored.owned(trial.other)]
        theirs = float(other.mean()) if len(other) else np.nan
        found.append(Share(share, float(hits[own].mean()), theirs, *bounds))
    return found


def _coverage(trial: Trial) -> tuple[list[str], Iterator[list[str]]]:
    units = f"by chance, {trial.unit}s as a whole"
    head = ["promised", OURS, trial.other, "by chance, single cells", units, ""]
    return head, (
        [
            f"{100 * share.promised:g} %",
            _percent(share.covered),
            _percent(share.other),
            f"{_percent(share.low)} to {_percent(share.high)}",
            f"{_percent(share.lower)} to {_percent(share.higher)}",
            share.verdict,
        ]
        for share in shares(trial)
    )


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.1f} %"


def _scores(subject: Subject, trial: Trial) -> str:
    """Scores of both models, over all cells and channel by channel."""
    result = trial.result
    whole = result.scores()
    unit = "of the data" if whole["unit"].iloc[0] == "y" else "of the channels' spreads"
    parts = [table(f"Errors, in units {unit}", ["model", *_ERRORS], _errors(whole))]
    if trial.other in result.models:
        parts.append(paragraph(sentence(result.verdict(OURS, trial.other))))
    if result.frame["channel"].nunique() > 1:
        each = result.scores("channel").swaplevel()
        channels = subject.panel.channels[:MOST_CHANNELS]
        rows = (
            [name, *row]
            for name in channels
            if name in each.index
            for row in _errors(each.loc[[name]].droplevel(0))
        )
        parts.append(table("Errors of each channel", ["", "model", *_ERRORS], rows))
    return "".join(parts)


_ERRORS = ["cells", "CRPS", "mean absolute error", "covered by 90 %"]


def _errors(scores: pd.DataFrame) -> Iterator[list[str]]:
    for key, row in scores.iterrows():
        share = _percent(row["coverage_90"])
        errors = f"{row['crps']:.4g}", f"{row['mae']:.4g}"
        yield [str(key), f"{row['n']:,}", *errors, share]


def _learned(subject: Subject) -> str:
    """Show what calibrate() has found, if it was called."""
    if not hasattr(subject.estimator, "calibration_"):
        return ""
    found = subject.estimator.calibration_report()
    head = ["cells of", "cells", "gaps or forecasts", "promised", "before", "after"]
    rows = (
        [
            row.bin,
            f"{row.n_cells:,}",
            f"{row.n_units:,}",
            f"{100 * row.coverage:g} %",
            _percent(row.before),
            _percent(row.after),
            f"{_percent(row.low)} to {_percent(row.high)}",
        ]
        for row in found.itertuples()
    )
    said = "What calibrate() found on the rows that it was given."
    return (
        heading("Calibration of the fit")
        + paragraph(said)
        + table("", [*head, "by chance"], rows)
    )
