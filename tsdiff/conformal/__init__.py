"""Conformal wrappers: hold data back to calibrate on, or adapt to a stream.

Every estimator and baseline of tsdiff has `calibrate` of its own; `Calibrated` holds
back the data for it, and `AdaptiveIntervals` goes on learning as forecasts come true.
"""

from tsdiff.conformal.adaptive import AdaptiveIntervals, Tracker
from tsdiff.conformal.calibrated import Calibrated

__all__ = ["AdaptiveIntervals", "Calibrated", "Tracker"]
