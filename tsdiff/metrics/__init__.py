"""Scores of point answers, intervals, quantiles and samples against the truth.

Arrays in, unreduced scores out: every function keeps the axes of the truth ``y``, so
the caller decides what to average; `grouped` does it by any grouping, with weights and
masks. A cell whose truth is NaN scores NaN, and is left out there. Samples and
quantiles stand on a leading axis: ``samples`` has shape ``(n_samples, *y.shape)``.
`crps_quantiles`, `crps_deciles`, `crps_19` and `qice` are pooled by their definition.

==========  =========================================================
MAE         mean of `absolute_error`
RMSE        root of the mean of `squared_error`
MASE        mean of `absolute_scaled_error`, its scale by `naive_scale`
RMSSE       root of the mean of `squared_scaled_error`, likewise
==========  =========================================================
"""

from tsdiff.metrics.densities import log_score, log_score_quantiles
from tsdiff.metrics.groups import Grouped, grouped
from tsdiff.metrics.intervals import coverage, interval_score, interval_width
from tsdiff.metrics.joint import energy_score, variogram_score
from tsdiff.metrics.points import absolute_error, bias, smape, squared_error
from tsdiff.metrics.quantiles import (
    DECILES,
    LEVELS_19,
    crps_19,
    crps_deciles,
    crps_quantiles,
    pinball,
    qice,
    weighted_interval_score,
)
from tsdiff.metrics.samples import crps, pit
from tsdiff.metrics.scaled import (
    absolute_scaled_error,
    naive_scale,
    squared_scaled_error,
)

__all__ = [
    "DECILES",
    "LEVELS_19",
    "Grouped",
    "absolute_error",
    "absolute_scaled_error",
    "bias",
    "coverage",
    "crps",
    "crps_19",
    "crps_deciles",
    "crps_quantiles",
    "energy_score",
    "grouped",
    "interval_score",
    "interval_width",
    "log_score",
    "log_score_quantiles",
    "naive_scale",
    "pinball",
    "pit",
    "qice",
    "smape",
    "squared_error",
    "squared_scaled_error",
    "variogram_score",
    "weighted_interval_score",
]
