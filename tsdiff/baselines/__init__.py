"""Classic ways to fill gaps, to compare with: the same contract as the estimators.

Each has ``fit``, ``transform``, ``predict_interval``, ``predict_quantiles`` and
``sample``, and treats every channel of every series on its own.
"""

from tsdiff.baselines.kalman import KalmanSmoother
from tsdiff.baselines.walks import LastValue, LinearInterpolation

__all__ = ["KalmanSmoother", "LastValue", "LinearInterpolation"]
