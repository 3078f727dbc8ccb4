"""Calibration of laws: learned maps of normal scores, on arrays alone."""

from tsdiff.calibration.learned import COVERAGES, N_FOLDS, Calibration, Scored

__all__ = ["COVERAGES", "N_FOLDS", "Calibration", "Scored"]
