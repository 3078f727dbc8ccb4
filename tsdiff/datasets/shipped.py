"""Three small real series with real gaps; sources and licences: datasets/README.md."""

from __future__ import annotations

import pandas as pd

from tsdiff.datasets.files import shipped_file


def load_co2() -> pd.DataFrame:
    """Load weekly CO2 in the air of Mauna Loa, with its 59 missing weeks.

    Returns
    -------
    DataFrame of shape (2284, 1)
        Column ``co2`` in ppm; index ``date``: every Saturday, 1958-03-29 to 2001-12-29.

    Examples
    --------
    >>> co2 = load_co2()
    >>> int(co2["co2"].isna().sum()), co2.index.freqstr
    (59, 'W-SAT')
    """
    table = pd.read_csv(shipped_file("co2.csv"), dtype={"date": str})
    table["date"] = pd.to_datetime(table["date"], format="%Y%m%d")
    return table.set_index("date").asfreq("W-SAT")


def load_glucose() -> pd.DataFrame:
    """Load four weeks of one person's glucose sensor on a regular 5-minute grid.

    The readings' stamps drift by some minutes against the grid and are moved back to
    it, by less than 5 minutes; two readings that meet on one grid point are averaged.
    Grid points without a reading are NaN rows: 32 gaps of 5 minutes to 7 hours. From
    24 to 28 August only the current is missing, for 4 days.

    Returns
    -------
    DataFrame of shape (8064, 2)
        Columns ``glucose`` in mg/dL and ``current``, the sensor's raw signal in nA;
        index ``time``: every 5 minutes, 2010-08-09 00:00 to 2010-09-05 23:55.

    Examples
    --------
    >>> glucose = load_glucose()
    >>> glucose.isna().mean().round(3).to_dict()
    {'glucose': 0.075, 'current': 0.207}
    """
    readings = pd.read_csv(shipped_file("glucose.csv.gz"), na_values="nil")
    time = pd.to_datetime(readings["datetime"]).dt.floor("5min").rename("time")
    readings = readings.rename(columns={"isig": "current"})
    grid = readings.groupby(time)[["glucose", "current"]].mean()
    return grid.asfreq("5min")


def load_wti() -> pd.DataFrame:
    """Load the daily oil price (West Texas Intermediate), with its missing days.

    Returns
    -------
    DataFrame of shape (8611, 1)
        Column ``wti`` in US dollars per barrel; index ``date``: every weekday,
        1986-01-02 to 2019-01-03. The 290 missing days are holidays of the market.

    Examples
    --------
    >>> wti = load_wti()
    >>> int(wti["wti"].isna().sum()), wti.index.freqstr
    (290, 'B')
    """
    table = pd.read_csv(shipped_file("wti.csv.gz"), na_values=".")
    table.columns = ["date", "wti"]
    table["date"] = pd.to_datetime(table["date"], format="%m/%d/%Y")
    return table.set_index("date").asfreq("B")
