"""Repair: observed cells that the others don't bear out, and what they should be."""

from tsdiff.repairing.result import Repair
from tsdiff.repairing.scoring import repair

__all__ = ["Repair", "repair"]
