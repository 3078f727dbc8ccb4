"""Glucose every five minutes: gaps of a quarter of an hour to six hours.

    TSDIFF_DATA=... python examples/benchmarks/glucose.py --minutes 3

Protocol in gap_runs.py. Needs the files of the benchmark in the folder TSDIFF_DATA; see
`tsdiff.datasets`.
"""

from __future__ import annotations

import pandas as pd
from gap_runs import Gaps, main

from tsdiff import datasets


def one_patient() -> pd.DataFrame:
    """Four weeks of one patient; the sensor's current would tell, it is left out."""
    return datasets.load_glucose()[["glucose"]]


def five_patients() -> pd.DataFrame:
    """Five people; stamps are put on the grid, the first one of a slot counts."""
    long = datasets.load_cgm_subjects()
    long["ds"] = long["ds"].dt.round("5min")
    long = long.drop_duplicates(["unique_id", "ds"]).set_index("ds")
    people = {
        name: part[["glucose"]].astype(float).asfreq("5min")
        for name, part in long.groupby("unique_id")
    }
    return pd.concat(people, names=["unique_id", "ds"])


SETS = {
    "glucose": Gaps(one_patient, "blocks", [3, 12, 36]),
    "glucose_5": Gaps(five_patients, "blocks", [3, 12, 36], length=18),
}


if __name__ == "__main__":
    main(__doc__, SETS)
