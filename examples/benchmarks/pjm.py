"""PJM: electric load of two regions, a week ahead, with clock changes and gaps.

The files hold local wall-clock stamps of the ends of hours, out of order: in spring an
hour is absent, in autumn one comes twice (in older years it is absent), and a few more
hours are missing. Here they become stamps of the starts of hours, with their time zone,
and what is absent is NaN. The two regions are channels of one table.

26 windows of 168 hours, one every two weeks of the last year; each may look at the 52
weeks before it. Models are fitted once, on all rows before the first window. AutoETS
and AutoARIMA get 8 weeks with a season of a day (AutoETS knows none beyond 24 steps),
gaps filled by the median of the same hour. Scores: mean weighted quantile loss over the
9 deciles, pooled over hours and regions in MW, and coverage of the central 80 %. The
paired test is over the windows, which don't overlap.

    TSDIFF_DATA=... python examples/benchmarks/pjm.py --minutes 10

Needs the files of the benchmark in the folder TSDIFF_DATA; see `tsdiff.datasets`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from forecasting import DECILES, Task, fit_and_score, stack
from forecasting_peers import peer_scores
from results import parser, report
from scores import quantile_score, score_deciles, score_points

from tsdiff.datasets import load_pjm

WEEK = 168
HORIZON, SEASON = WEEK, WEEK
N_WINDOWS, STRIDE = 26, 2 * WEEK
HISTORY, SHORT = 52 * WEEK, 8 * WEEK
ZONE = "America/New_York"


def hourly(region: Literal["AEP", "PJME"]) -> pd.Series:
    """Load of a region on the grid of real hours; NaN where none was recorded."""
    load = load_pjm(region).iloc[:, 0].sort_index(kind="stable")
    summer = ~load.index.duplicated()  # the first of two hours of the same name
    starts = load.index - pd.Timedelta(hours=1)
    load.index = starts.tz_localize(ZONE, ambiguous=summer).rename("time")
    return load.asfreq("h").rename(region)


def protocol() -> tuple[Task, pd.DataFrame]:
    """Windows, and the rows before the first of them, for the fit."""
    load = pd.concat([hourly("PJME"), hourly("AEP")], axis=1).asfreq("h")
    starts = len(load) - HORIZON - STRIDE * np.arange(N_WINDOWS)[::-1]
    history = {str(load.index[i]): load.iloc[i - HISTORY : i] for i in starts}
    truth = np.stack([load.to_numpy()[i : i + HORIZON] for i in starts])
    task = Task("pjm", stack(history), truth, SEASON, 24, SHORT)
    return task, load.iloc[: starts[0]]


def main() -> None:
    """Read the options, run, print and write the results."""
    options = parser(__doc__, minutes=10).parse_args()
    task, train = protocol()
    _, scores = fit_and_score(task, train, score_deciles, options)
    scores["seasonal_naive_point"] = score_points(task)
    scores |= peer_scores(task, DECILES, quantile_score, options)
    facts = {"levels": DECILES.tolist(), "stride": STRIDE, "history": HISTORY}
    report(task, scores, options, **facts)


if __name__ == "__main__":
    main()
