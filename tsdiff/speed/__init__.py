"""Steps and paths of the sampler against what they cost and bring."""

from tsdiff.speed.report import speed_report

__all__ = ["speed_report"]
