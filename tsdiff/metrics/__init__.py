"""Scores of point answers, intervals, quantiles and samples against the truth.

Arrays in, unreduced scores out: every function keeps the axes of the truth ``y``, so
the caller decides what to average (`crps_quantiles` is pooled by its definition and
says so). A cell whose truth is NaN scores NaN: average with `numpy.nanmean`. Samples
and quantiles stand on a leading axis: ``samples`` has shape (n_samples, *y.shape).
"""

from tsdiff.metrics.points import (
    absolute_error,
    coverage,
    crps_quantiles,
    interval_score,
    interval_width,
    pinball,
    squared_error,
)
from tsdiff.metrics.samples import crps, energy_score, pit

__all__ = [
    "absolute_error",
    "coverage",
    "crps",
    "crps_quantiles",
    "energy_score",
    "interval_score",
    "interval_width",
    "pinball",
    "pit",
    "squared_error",
]
