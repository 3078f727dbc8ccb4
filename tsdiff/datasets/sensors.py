"""Benchmarks of clinical and air-quality data; the files come from ``TSDIFF_DATA``."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.datasets.files import benchmark_file

_NAMES = (
    "DiasABP HR Na Lactate NIDiasABP PaO2 WBC pH Albumin ALT Glucose SaO2 Temp AST "
    "Bilirubin HCO3 BUN RespRate Mg HCT SysABP FiO2 K GCS Cholesterol NISysABP "
    "TroponinT MAP TroponinI PaCO2 Platelets Urine NIMAP Creatinine ALP"
)
#: The 35 variables of the PhysioNet 2012 benchmark, in the order of its array.
PHYSIONET_VARIABLES = tuple(_NAMES.split())
#: Hours of a stay that the benchmark looks at.
PHYSIONET_HOURS = 48

Stays = tuple[NDArray[np.float64], NDArray[np.int64]]


def load_physionet2012() -> Stays:
    """Load the vital signs of 4,000 intensive-care stays, hour by hour.

    The protocol of the imputation literature: set A, 48 hourly bins, the last value in
    file order within an hour, values stamped 48:00 left out, nothing cleaned. Three
    patients have none of the variables and stay in as empty rows.

    Returns
    -------
    values : ndarray of float, shape (4000, 48, 35)
        Patients x hours x `PHYSIONET_VARIABLES`; NaN = not measured (80.5 %).
    ids : ndarray of int, shape (4000,)
        The patients' record numbers, ascending.

    Raises
    ------
    FileNotFoundError
        If the file is not there; see `benchmark_file`.

    Examples
    --------
    >>> values, ids = load_physionet2012()  # doctest: +SKIP
    >>> values.shape  # doctest: +SKIP
    (4000, 48, 35)
    """
    return hourly_stays(pd.read_csv(benchmark_file("physionet2012")))


def hourly_stays(
    records: pd.DataFrame,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Arrange long PhysioNet records on the grid of patients, hours and variables.

    Parameters
    ----------
    records : DataFrame
        Columns ``RecordID``, ``Time`` ("HH:MM" since admission), ``Parameter`` and
        ``Value``, in file order.

    Returns
    -------
    values : ndarray of float, shape (n_patients, 48, 35)
    ids : ndarray of int, shape (n_patients,)

    Examples
    --------
    >>> records = pd.DataFrame(
    ...     [(7, "00:07", "HR", 73), (7, "00:37", "HR", 77), (7, "48:00", "HR", 60)],
    ...     columns=["RecordID", "Time", "Parameter", "Value"],
    ... )
    >>> values, ids = hourly_stays(records)
    >>> values[0, :2, PHYSIONET_VARIABLES.index("HR")]
    array([77., nan])
    """
    ids = np.unique(records["RecordID"].to_numpy(dtype=np.int64))
    wanted = records[records["Parameter"].isin(PHYSIONET_VARIABLES)]
    wanted = wanted.assign(hour=wanted["Time"].str.split(":").str[0].astype(int))
    wanted = wanted[wanted["hour"] < PHYSIONET_HOURS]
    wanted = wanted.drop_duplicates(["RecordID", "hour", "Parameter"], keep="last")
    patient = np.searchsorted(ids, wanted["RecordID"].to_numpy())
    variable = pd.Index(PHYSIONET_VARIABLES).get_indexer(pd.Index(wanted["Parameter"]))
    values = np.full((len(ids), PHYSIONET_HOURS, len(PHYSIONET_VARIABLES)), np.nan)
    values[patient, wanted["hour"].to_numpy(), variable] = wanted["Value"].to_numpy()
    return values, ids


def load_cgm_subjects() -> pd.DataFrame:
    """Load the glucose traces of five people in long form, as recorded.

    Returns
    -------
    DataFrame of shape (13866, 3)
        Columns ``unique_id``, ``ds`` (irregular stamps, about every 5 minutes) and
        ``glucose`` in mg/dL.

    Raises
    ------
    FileNotFoundError
        If the file is not there; see `benchmark_file`.

    Examples
    --------
    >>> load_cgm_subjects()["unique_id"].nunique()  # doctest: +SKIP
    5
    """
    table = pd.read_csv(benchmark_file("cgm_subjects"), parse_dates=["time"])
    table = table.rename(columns={"id": "unique_id", "time": "ds", "gl": "glucose"})
    return table[["unique_id", "ds", "glucose"]]


def load_pm25(version: Literal["ground", "missing"] = "ground") -> pd.DataFrame:
    """Load the fine dust at 36 stations in Beijing, with or without artificial gaps.

    Parameters
    ----------
    version : {"ground", "missing"}, default="ground"
        All observed values (13.2 % missing), or what is left of them after the
        benchmark's artificial gaps (24.6 % missing).

    Returns
    -------
    DataFrame of shape (8759, 36)
        Micrograms per cubic metre; columns are station numbers, index ``time``: every
        hour, 2014-05-01 01:00 to 2015-04-30 23:00.

    Raises
    ------
    FileNotFoundError
        If the file is not there; see `benchmark_file`.
    ValueError
        If `version` is neither of the two.

    Examples
    --------
    >>> load_pm25().shape  # doctest: +SKIP
    (8759, 36)
    """
    if version not in ("ground", "missing"):
        raise ValueError(f"version is 'ground' or 'missing', found {version!r}")
    table = pd.read_csv(benchmark_file(f"pm25_{version}"), parse_dates=["datetime"])
    return table.rename(columns={"datetime": "time"}).set_index("time").asfreq("h")


def load_air_quality() -> pd.DataFrame:
    """Load the air quality of an Italian city, hourly, with long common gaps.

    Returns
    -------
    DataFrame of shape (9357, 13)
        Gases, sensor signals, temperature and humidity, named as in the source; its
        code -200 is NaN and its 114 empty rows are left out. Index ``time``: hours.

    Raises
    ------
    FileNotFoundError
        If the file is not there; see `benchmark_file`.

    Examples
    --------
    >>> load_air_quality().shape  # doctest: +SKIP
    (9357, 13)
    """
    table = pd.read_csv(benchmark_file("air_quality"), sep=";", na_values=["-200"])
    table = table.dropna(axis=1, how="all").dropna(subset=["Date"])
    stamp = table["Date"] + " " + table["Time"]
    time = pd.to_datetime(stamp, format="%d/%m/%Y %H.%M.%S").rename("time")
    return table.drop(columns=["Date", "Time"]).set_index(time).asfreq("h")


def load_beijing(station: Literal["Aotizhongxin", "Changping"]) -> pd.DataFrame:
    """Load pollutants and weather at one Beijing station, with its real outages.

    Parameters
    ----------
    station : {"Aotizhongxin", "Changping"}

    Returns
    -------
    DataFrame of shape (35064, 12)
        Columns as in the source; ``wd``, the direction of the wind, is text. Index
        ``time``: every hour from 2013-03-01 to 2017-02-28.

    Raises
    ------
    FileNotFoundError
        If the file is not there; see `benchmark_file`.
    ValueError
        If `station` is neither of the two.

    Examples
    --------
    >>> load_beijing("Changping").shape  # doctest: +SKIP
    (35064, 12)
    """
    table = pd.read_csv(benchmark_file(f"beijing_{station.lower()}"))
    parts = ["year", "month", "day", "hour"]
    time = pd.to_datetime(table[parts]).rename("time")
    return table.drop(columns=["No", "station", *parts]).set_index(time).asfreq("h")
