"""The demo: hide what a glucose sensor saw, fill it, and compare with the truth."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff import metrics
from tsdiff.baselines import KalmanSmoother, LastValue, LinearInterpolation
from tsdiff.datasets import load_glucose, make_gaps
from tsdiff.draws import Draws
from tsdiff.filling import GapFiller
from tsdiff.imputer import DiffusionImputer
from tsdiff.panel.frame import to_panel

_UNITS = {"glucose": "mg/dL", "current": "nA"}
_N_SAMPLES = 100
_SHOWN = 3 * 288  # rows of the picture: three days
_QUICK_DAYS = slice("2010-08-12", "2010-08-15")
_QUICK_SIZE = {"max_epochs": 15, "window": 48, "width": 32, "depth": 1}


@dataclass(frozen=True)
class Exam:
    """A frame with holes that somebody knows how to fill.

    Attributes
    ----------
    full : DataFrame of shape (n_rows, 2)
        What the sensor saw, its own gaps included.
    gappy : DataFrame of shape (n_rows, 2)
        The same with more holes.
    hidden : ndarray of bool, shape (n_rows,)
        Where glucose was seen and is hidden.
    """

    full: pd.DataFrame
    gappy: pd.DataFrame
    hidden: NDArray[np.bool_]

    @property
    def truth(self) -> NDArray[np.float64]:
        """Hidden glucose in mg/dL, shape (n_hidden,)."""
        return self.full["glucose"].to_numpy()[self.hidden]


def run_demo(
    minutes: float = 1.5,
    output: Path = Path(),
    seed: int = 0,
    quick: bool = False,
) -> pd.DataFrame:
    """Fill hidden gaps of a glucose trace by four methods, and print their scores.

    Parameters
    ----------
    minutes : float, default 1.5
        Wall-clock minutes of training; not used if `quick`.
    output : Path, default the working folder
        Where ``demo.html`` and ``demo_filled.csv`` go.
    seed : int, default 0
        Of gaps, training and draws.
    quick : bool, default False
        A few days and a small model, for a few seconds.

    Returns
    -------
    DataFrame of shape (4, 7)
        The table: a row per method, scores in mg/dL, coverage in percent.
    """
    output.mkdir(parents=True, exist_ok=True)
    exam = make_exam(seed, quick)
    _print_exam(exam)
    budget = _QUICK_SIZE if quick else {"max_minutes": minutes}
    methods: dict[str, GapFiller] = {
        "tsdiff": DiffusionImputer(random_state=seed, verbose=1, **budget),
        "linear interpolation": LinearInterpolation(random_state=seed),
        "last value": LastValue(random_state=seed),
        "Kalman smoother": KalmanSmoother(random_state=seed),
    }
    answers, rows = {}, {}
    for name, method in methods.items():
        start = time.perf_counter()
        answers[name] = method.fit(exam.gappy).sample(exam.gappy, _N_SAMPLES)
        seconds = time.perf_counter() - start
        rows[name] = {**scores(exam, answers[name]), "seconds": seconds}
    table = pd.DataFrame.from_dict(rows, orient="index")
    _print_table(table)
    _write(exam, answers["tsdiff"], output)
    return table


def make_exam(seed: int, quick: bool = False) -> Exam:
    """Hide an eighth of the glucose readings in blocks of one hour on average.

    The sensor's current, from which glucose is computed, is hidden in the same rows,
    as if the sensor had been off: else a model of both columns had the answer at hand.
    The trace's own gaps stay, and are not scored.

    Parameters
    ----------
    seed : int
    quick : bool, default False
        Four days instead of four weeks.

    Returns
    -------
    Exam
    """
    full = load_glucose()
    if quick:
        full = full.loc[_QUICK_DAYS]
    glucose = full["glucose"]
    _, hidden = make_gaps(glucose, "blocks", ratio=1 / 8, length=12, random_state=seed)
    return Exam(full, full.mask(hidden), hidden.to_numpy())


def scores(exam: Exam, draws: Draws) -> dict[str, float]:
    """Score draws on the hidden readings, from the same number of draws for all.

    Parameters
    ----------
    exam : Exam
    draws : Draws

    Returns
    -------
    dict of str to float
        CRPS (fair), MAE of the median, and for the 50 % and 90 % intervals the share
        inside in percent and the mean width; all else in mg/dL.
    """
    rows, channel = np.divmod(draws.cells, exam.gappy.shape[1])
    asked = (channel == 0) & exam.hidden[rows]
    samples, truth = draws.samples[:, asked], exam.truth
    answer = {
        "CRPS": metrics.crps(truth, samples).mean(),
        "MAE": metrics.absolute_error(truth, np.median(samples, axis=0)).mean(),
    }
    for share in (0.5, 0.9):
        low, high = np.quantile(samples, [(1 - share) / 2, (1 + share) / 2], axis=0)
        inside = metrics.coverage(truth, low, high).mean()
        answer[f"in {100 * share:g} %"] = 100 * inside
        answer[f"width {100 * share:g} %"] = metrics.interval_width(low, high).mean()
    return {name: float(value) for name, value in answer.items()}


def _print_exam(exam: Exam) -> None:
    starts = np.diff(exam.hidden.astype(int), prepend=0) == 1
    lengths = np.bincount(np.cumsum(starts)[exam.hidden])[1:]
    print(
        f"Data: a glucose sensor's trace, one reading every 5 minutes for "
        f"{len(exam.full) / 288:g} days.\n"
        f"Hidden: {exam.hidden.sum():,} readings in {len(lengths)} outages of "
        f"{5 * lengths.min()} minutes to {5 * lengths.max() / 60:.1f} hours.\n"
        "Each method sees what is left, and draws 100 paths through the gaps.\n"
    )


def _print_table(table: pd.DataFrame) -> None:
    digits = (2, 2, 0, 1, 0, 1, 1)
    lines = table.copy().astype(object)
    for name, n in zip(table, digits, strict=True):
        lines[name] = table[name].map(f"{{:.{n}f}}".format)
    print("\nOn the hidden readings (mg/dL):\n")
    print(lines.to_string())
    print(
        "\nCRPS and MAE are errors, of the whole distribution and of its median: lower "
        "is\nbetter. 'in 50 %' is the share of truths inside the 50 % intervals: 50 is "
        "right,\nand narrow is better if it is. Seconds are for learning and drawing."
    )


def _write(exam: Exam, draws: Draws, output: Path) -> None:
    """Write picture and table, and say where they are."""
    from tsdiff import plotting

    page, sheet = output / "demo.html", output / "demo_filled.csv"
    first = _busiest(exam.hidden)
    full = exam.full.iloc[first : first + _SHOWN]
    full.attrs["units"] = _UNITS
    part = _part(draws, exam.gappy, first)
    figure = plotting.plot_imputation(full, part)
    figure.write_html(page, include_plotlyjs=True)
    filled = pd.concat([draws.median(), draws.interval(0.9)], axis=1)
    filled.round(2).to_csv(sheet)
    print(f"\nPicture of three days:           {page.resolve()}")
    print(f"Filled, with 90 % intervals:     {sheet.resolve()}")


def _busiest(hidden: NDArray[np.bool_]) -> int:
    """First of the rows of the picture: those with most hidden readings."""
    count = np.concatenate([[0], np.cumsum(hidden)])
    shown = min(_SHOWN, len(hidden))
    return int(np.argmax(count[shown:] - count[:-shown]))


def _part(draws: Draws, gappy: pd.DataFrame, first: int) -> Draws:
    """Cut the draws of the picture's rows out."""
    part = gappy.iloc[first : first + _SHOWN]
    cells = draws.cells - first * gappy.shape[1]
    inside = (cells >= 0) & (cells < part.size)
    return Draws(to_panel(part), draws.samples[:, inside], cells[inside])
