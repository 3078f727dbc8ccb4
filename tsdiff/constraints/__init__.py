"""What is known besides the data: bounds, totals, balances, preferences.

Handed to `sample`, `transform` and `predict` as ``constraints=``, or to `steer` with
draws of any model. Constraints wrap draws and know nothing of the models.
"""

from tsdiff.constraints.kinds import (
    Constraint,
    avoid,
    bounds,
    equality,
    integer,
    monotone,
    nonnegative,
    relation,
    reward,
    total,
)
from tsdiff.constraints.report import compare
from tsdiff.constraints.steering import FEWEST_PATHS, steer

__all__ = [
    "FEWEST_PATHS",
    "Constraint",
    "avoid",
    "bounds",
    "compare",
    "equality",
    "integer",
    "monotone",
    "nonnegative",
    "relation",
    "reward",
    "steer",
    "total",
]
