"""M4 hourly: 414 series, 48 hours ahead, by the protocol of GluonTS and TSDiff.

One window a series: the 48 hours that follow its 700 or 960 of training. Scores: mean
weighted quantile loss over the 9 deciles, pooled over all series, and coverage of the
central 80 %. The series are unrelated, so the paired test is over the 414 of them.
Also the seconds that 100 joint paths of all series take.

    TSDIFF_DATA=... python examples/benchmarks/m4_hourly.py --minutes 10

Published (Kollovieh et al., TSDiff, NeurIPS 2023): seasonal naive 0.048, DeepAR 0.052,
CSDI 0.040, TFT 0.039, TSDiff 0.036. Needs the files of the benchmark in the folder
TSDIFF_DATA; see `tsdiff.datasets`.
"""

from __future__ import annotations

from typing import Any

from forecasting import DECILES, Task, fit_and_score, samples, timed
from forecasting_peers import peer_scores
from results import parser, report
from scores import quantile_score, score_deciles, score_points

from tsdiff.datasets import load_m4_hourly
from tsdiff.panel.long import from_long

HORIZON, SEASON = 48, 24
SHORT = 504  # three weeks; with all of it AutoARIMA is slower and no better


def protocol() -> Task:
    """Take the training part as history, and for the fit."""
    truth = load_m4_hourly("test")["y"].to_numpy().reshape(-1, HORIZON, 1)
    history = from_long(load_m4_hourly("train"))
    return Task("m4_hourly", history, truth, SEASON, SEASON, SHORT)


def main() -> None:
    """Read the options, run, print and write the results."""
    options = parser(__doc__, minutes=10).parse_args()
    task = protocol()
    fitted, scores = fit_and_score(task, task.history, score_deciles, options)
    scores["seasonal_naive_point"] = score_points(task)
    scores |= peer_scores(task, DECILES, quantile_score, options)
    facts: dict[str, Any] = {"levels": DECILES.tolist()}
    if "tsdiff" in fitted:
        facts["seconds_of_100_paths"] = timed(samples, fitted["tsdiff"], task, 100)[1]
        print(f"100 paths: {facts['seconds_of_100_paths']:.0f} s")
    report(task, scores, options, **facts)


if __name__ == "__main__":
    main()
