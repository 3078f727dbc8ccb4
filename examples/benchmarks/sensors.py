"""Sensors with gaps of an hour to days: air, weather, energy and traffic.

    TSDIFF_DATA=... python examples/benchmarks/sensors.py --minutes 3

Protocol in gap_runs.py. Needs the files of the benchmark in the folder TSDIFF_DATA; see
`tsdiff.datasets`.
"""

from __future__ import annotations

import pandas as pd
from gap_runs import Gaps, main

from tsdiff import datasets


def air_quality() -> pd.DataFrame:
    """Twelve sensors with long outages of several together; one is nearly empty."""
    return datasets.load_air_quality().drop(columns="NMHC(GT)")


def beijing() -> pd.DataFrame:
    """Eleven pollutants and weather readings of a station in its last year."""
    table = datasets.load_beijing("Aotizhongxin").drop(columns="wd")
    return table.loc["2016-03-01":]


def etth1() -> pd.DataFrame:
    """Seven channels of a transformer in their first year, without a gap."""
    return datasets.load_etth1().iloc[:8640]


def appliances() -> pd.DataFrame:
    """Load a house, every ten minutes: energy, temperatures and humidities of rooms."""
    return datasets.load_appliances_energy()


def traffic() -> pd.DataFrame:
    """Twenty road sensors in a year."""
    return datasets.load_traffic().iloc[:8760]


SETS = {
    "air_quality": Gaps(air_quality, "own", [3, 24]),
    "beijing": Gaps(beijing, "blocks", [3, 12, 36]),
    "etth1": Gaps(etth1, "blocks", [3, 12, 36]),
    "appliances": Gaps(appliances, "blocks", [6, 36, 144], length=48),
    "traffic": Gaps(traffic, "blocks", [3, 12, 36]),
    # where a straight line is hard to beat: single cells of smooth series
    "etth1_random": Gaps(etth1, "random", [1]),
    "appliances_random": Gaps(appliances, "random", [1]),
    "traffic_random": Gaps(traffic, "random", [1]),
}


if __name__ == "__main__":
    main(__doc__, SETS)
