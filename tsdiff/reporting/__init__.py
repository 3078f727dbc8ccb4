"""A page about a fit: what was asked, how it went, how far to trust it."""

from tsdiff.reporting.building import report

__all__ = ["report"]
