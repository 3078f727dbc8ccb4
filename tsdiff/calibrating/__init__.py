"""How estimators are calibrated, and answer by it."""

from tsdiff.calibrating.ahead import ForecastCalibration
from tsdiff.calibrating.gaps import GapCalibration

__all__ = ["ForecastCalibration", "GapCalibration"]
