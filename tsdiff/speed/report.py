"""speed_report: where more steps and more paths stop paying."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsdiff.draws import Draws
from tsdiff.parameters import check_count, read_seed
from tsdiff.questions import joint
from tsdiff.speed.asking import Asked, ahead, hidden
from tsdiff.speed.scoring import excess, scored

#: Loss of score that the recommendation puts up with.
CONTENT = 0.01
_SCORES = ("total_crps", "energy_score")


def speed_report(
    estimator: Any,
    X: Any,
    *,
    n_steps: Iterable[int] = (2, 4, 8, 16),
    n_samples: Iterable[int] = (25, 50, 100, 200),
    covariates: Any = None,
    pattern: Any = "blocks",
    ratio: float = 0.1,
    random_state: Any = 0,
) -> pd.DataFrame:
    """Show on your data where more steps and more paths stop paying.

    Observed cells are hidden: of a forecaster's data the last horizons, eight of each
    series at most. Every row answers the same cells from the same noise, so that
    differences between rows are due to effort. With the defaults it costs as much as 15
    times `sample` with 8 steps and 100 paths of these cells.

    Parameters
    ----------
    estimator : fitted DiffusionImputer or DiffusionForecaster
        It stays as it is; its own `n_steps` plays no part.
    X : as in `fit`
        For a forecaster its `y`, with the rows to forecast. Best are data that the fit
        has not seen.
    n_steps, n_samples : iterable of int
        Steps of the sampler, and paths (2 at least); all pairs are tried.
    covariates : as `X` in `DiffusionForecaster.fit`, optional
        At every stamp of a forecaster's data, if it was fitted with some.
    pattern, ratio
        Which cells of an imputer's data are hidden, and how many; see
        `tsdiff.holdout.hide`. By default a tenth, in runs of 12 rows on average.
    random_state : int, Generator, RandomState or None, default 0
        Decides which cells are hidden, and the noise.

    Returns
    -------
    DataFrame
        A row for each pair, the most expensive one last. Values are in units of the
        standard deviation of each channel of `X`; scores are those of the paths as they
        are, so that few paths cost something (lower is better):

        ==================  =====================================================
        seconds             that the answer took, `ms_per_window` those of a window
        crps                of single cells
        total_crps          of totals: of a gap, or of a series and channel ahead
        energy_score        of the hidden cells of a window as a vector
        coverage_90         share of totals inside their 90 % intervals
        monte_carlo_error   of quantiles of totals, in units of their spread
        ==================  =====================================================

        ``total_crps_excess``, ``energy_score_excess``: mean difference to the last row,
        paired by window, and ``..._se`` its standard error (NaN if there is one window
        only). ``attrs["recommendation"]`` names in a sentence the cheapest row whose
        scores are within 1 % of the last one's.

    Raises
    ------
    NotFittedError, TypeError, ValueError
        If an argument or the data can't be used.

    Examples
    --------
    >>> from tsdiff import DiffusionImputer
    >>> y = np.sin(np.arange(120) / 5)[:, None]
    >>> imputer = DiffusionImputer(max_epochs=1, width=16, depth=1, random_state=0)
    >>> report = speed_report(imputer.fit(y), y, n_steps=[2, 4], n_samples=[25, 50])
    >>> report[["n_steps", "n_samples"]].values.tolist()
    [[2, 25], [2, 50], [4, 25], [4, 50]]
    >>> report.attrs["recommendation"][:8]
    'n_steps='
    """
    if not hasattr(estimator, "n_steps"):
        raise TypeError(
            "speed_report wants a DiffusionImputer or DiffusionForecaster, found a "
            f"{type(estimator).__name__}, which has no n_steps to choose."
        )
    steps, paths = _counts("n_steps", n_steps, 1), _counts("n_samples", n_samples, 2)
    check_is_fitted(estimator, "schema_")
    rng = np.random.default_rng(read_seed(random_state))
    if hasattr(estimator, "transform"):
        asked = [hidden(estimator, X, pattern, ratio, rng)]
    else:
        asked = list(ahead(estimator, X, covariates))
    seed = int(rng.integers(2**31))
    _timed(estimator, asked, steps[0], paths[0], seed)  # what the first call loads
    pairs = [(n, k) for n in steps for k in paths]
    rows, scores = [], []
    for pair in pairs:
        samples, seconds = _timed(estimator, asked, *pair, seed)
        row, score = scored(asked, samples)
        n_windows = len(score["energy_score"])
        cost = {"seconds": seconds, "ms_per_window": 1e3 * seconds / n_windows}
        rows.append(dict(zip(("n_steps", "n_samples"), pair, strict=True)) | cost | row)
        scores.append(score)
    for row, score in zip(rows, scores, strict=True):
        for name in _SCORES:
            more, error = excess(score[name], scores[-1][name], score[f"{name} window"])
            row[f"{name}_excess"], row[f"{name}_excess_se"] = more, error
    report = pd.DataFrame(rows)
    report.attrs["recommendation"] = _recommendation(report)
    return report


def _counts(name: str, values: Iterable[int], least: int) -> list[int]:
    """Check numbers of steps or paths; each once, ascending."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ValueError(f"{name} must be some numbers, e.g. [4, 8], got {values!r}.")
    counts = sorted({check_count(f"each of {name}", value) for value in values})
    if not counts or counts[0] < least:
        raise ValueError(
            f"{name} must be numbers of at least {least}, got {counts or 'none'}."
        )
    return counts


def _timed(
    estimator: Any, asked: list[Asked], n_steps: int, n_samples: int, seed: int
) -> tuple[list[Draws], float]:
    """Answer all questions by so many steps and paths; also the seconds it took."""
    view = copy.copy(estimator)  # whose steps are others, while the model is shared
    view.n_steps = n_steps
    start = time.perf_counter()
    draws = [joint(view, one.question, n_samples, seed) for one in asked]
    return draws, time.perf_counter() - start


def _recommendation(report: pd.DataFrame) -> str:
    """Name the cheapest row that is as good as the last one, nearly."""
    last = report.iloc[-1]
    worse = {name: report[name] / last[name] - 1 for name in _SCORES}
    good = np.logical_and.reduce([part <= CONTENT for part in worse.values()])
    cost = report["n_steps"] * report["n_samples"]
    k = int(np.argmin(np.where(good, cost, np.inf)))  # the last one is good
    row = report.iloc[k]
    return (
        f"n_steps={row.n_steps:.0f} and n_samples={row.n_samples:.0f}: CRPS of totals "
        f"{100 * worse['total_crps'][k]:+.1f} % and energy score "
        f"{100 * worse['energy_score'][k]:+.1f} % against {last.n_steps:.0f} steps and "
        f"{last.n_samples:.0f} paths, at {100 * row.seconds / last.seconds:.0f} % of "
        f"their time; quantiles of totals have a Monte-Carlo error of "
        f"{100 * row.monte_carlo_error:.0f} % of their spread."
    )
