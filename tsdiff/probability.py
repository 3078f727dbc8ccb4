"""Probability: the share of draws in which an event happened."""

from __future__ import annotations

import math


class Probability(float):
    """A share of draws: a float that knows its Monte-Carlo error.

    Parameters
    ----------
    n_hits : int
        Draws in which the event happened.
    n_samples : int
        All draws.

    Examples
    --------
    >>> p = Probability(30, 100)
    >>> p
    0.3 ± 0.046 (100 draws)
    >>> p > 0.2, round(1 - p, 3), round(p.std_error, 3)
    (True, 0.7, 0.046)
    """

    n_hits: int
    n_samples: int

    def __new__(cls, n_hits: int, n_samples: int) -> Probability:
        """Divide and keep both numbers."""
        self = super().__new__(cls, n_hits / n_samples)
        self.n_hits, self.n_samples = n_hits, n_samples
        return self

    def __reduce__(self) -> tuple[type[Probability], tuple[int, int]]:
        return Probability, (self.n_hits, self.n_samples)

    @property
    def std_error(self) -> float:
        """Standard error of the share; 0 when all draws agree (see `interval`)."""
        return math.sqrt(self * (1 - self) / self.n_samples)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share, honest at 0 and at 1 as well."""
        z, n, p = 1.959964, self.n_samples, float(self)
        centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) * z / (1 + z**2 / n)
        return max(centre - half, 0.0), min(centre + half, 1.0)

    def __repr__(self) -> str:
        return f"{float(self):.4g} ± {self.std_error:.2g} ({self.n_samples} draws)"
