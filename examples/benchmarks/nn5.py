"""NN5: cash withdrawals at 111 machines, 56 days ahead, with their missing days.

The split of the competition: 735 days of training, the last 56 to forecast. Missing
days stay missing: in the history they are for the models to cope with, in the truth
they are not scored. AutoETS and AutoARIMA can't read gaps; for them these are filled
by the median of the same weekday. Scores: mean weighted quantile loss over the 9
deciles, pooled, and coverage of the central 80 %. The paired test is over the machines.

    TSDIFF_DATA=... python examples/benchmarks/nn5.py --minutes 5

Needs the file of the benchmark in the folder TSDIFF_DATA; see `tsdiff.datasets`.
"""

from __future__ import annotations

from forecasting import DECILES, Task, fit_and_score, stack
from forecasting_peers import peer_scores
from results import parser, report
from scores import quantile_score, score_deciles, score_points

from tsdiff.datasets import load_nn5

HORIZON, SEASON, N_TRAIN = 56, 7, 735


def protocol() -> Task:
    """One window a machine; its training days are what the models are fitted on."""
    cash = load_nn5()
    days = cash.iloc[:N_TRAIN]
    history = stack({name: days[[name]].set_axis(["cash"], axis=1) for name in days})
    truth = cash.to_numpy()[N_TRAIN : N_TRAIN + HORIZON].T[:, :, None]
    return Task("nn5", history, truth, SEASON, SEASON, N_TRAIN)


def main() -> None:
    """Read the options, run, print and write the results."""
    options = parser(__doc__, minutes=5).parse_args()
    task = protocol()
    _, scores = fit_and_score(task, task.history, score_deciles, options)
    scores["seasonal_naive_point"] = score_points(task)
    scores |= peer_scores(task, DECILES, quantile_score, options)
    report(task, scores, options, levels=DECILES.tolist())


if __name__ == "__main__":
    main()
