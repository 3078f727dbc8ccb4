"""Benchmarks of energy, traffic and money; the files come from ``TSDIFF_DATA``."""

from __future__ import annotations

import json
import tarfile
from typing import Literal

import pandas as pd

from tsdiff.datasets.files import benchmark_file


def load_etth1() -> pd.DataFrame:
    """Load six loads and the oil temperature of a power transformer.

    Returns
    -------
    DataFrame of shape (17420, 7)
        Columns as in the source; index ``date``: every hour from 2016-07-01.

    Raises
    ------
    FileNotFoundError
        If the file is not there; see `benchmark_file`.

    Examples
    --------
    >>> load_etth1().columns[-1]  # doctest: +SKIP
    'OT'
    """
    return _dated("etth1").asfreq("h")


def load_appliances_energy() -> pd.DataFrame:
    """Load a house's use of energy, its temperatures and humidities, and the weather.

    Returns
    -------
    DataFrame of shape (19735, 28)
        Columns as in the source; index ``date``: every 10 minutes from 2016-01-11.

    Raises
    ------
    FileNotFoundError
        If the file is not there; see `benchmark_file`.

    Examples
    --------
    >>> load_appliances_energy().index.freqstr  # doctest: +SKIP
    '10min'
    """
    return _dated("appliances_energy").asfreq("10min")


def load_pjm(region: Literal["AEP", "PJME"]) -> pd.DataFrame:
    """Load the hourly electric load of a region of the United States, as published.

    The rows are *not* in order, some hours are absent and, since the stamps are local
    wall-clock times, one hour of every autumn comes twice.

    Parameters
    ----------
    region : {"AEP", "PJME"}

    Returns
    -------
    DataFrame of shape (n_rows, 1)
        Column ``AEP_MW`` or ``PJME_MW`` in megawatts; index ``Datetime``.

    Raises
    ------
    FileNotFoundError
        If the file is not there; see `benchmark_file`.
    ValueError
        If `region` is neither of the two.

    Examples
    --------
    >>> load_pjm("AEP").index.is_unique  # doctest: +SKIP
    False
    """
    return _dated(f"pjm_{region.lower()}")


def load_traffic() -> pd.DataFrame:
    """Load the occupancy of 20 road sensors, hourly; the source has no dates.

    Returns
    -------
    DataFrame of shape (17544, 20)
        Shares between 0 and 1; columns ``sensor0`` to ``sensor19``.

    Raises
    ------
    FileNotFoundError
        If the file is not there; see `benchmark_file`.

    Examples
    --------
    >>> load_traffic().shape  # doctest: +SKIP
    (17544, 20)
    """
    table = pd.read_csv(benchmark_file("traffic"), sep=" ", header=None)
    return table.add_prefix("sensor")


def load_nn5() -> pd.DataFrame:
    """Load the daily cash withdrawals at 111 machines, with their missing days.

    Returns
    -------
    DataFrame of shape (791, 111)
        Columns as in the source; index ``date``: every day from 1996-03-18.

    Raises
    ------
    FileNotFoundError
        If the file is not there; see `benchmark_file`.

    Examples
    --------
    >>> load_nn5().index.freqstr  # doctest: +SKIP
    'D'
    """
    return _dated("nn5").asfreq("D")


def load_m4_hourly(part: Literal["train", "test"] = "train") -> pd.DataFrame:
    """Load the 414 hourly series of the M4 competition in long form.

    Parameters
    ----------
    part : {"train", "test"}, default="train"
        700 or 960 hours a series, or the 48 hours that follow them.

    Returns
    -------
    DataFrame
        Columns ``unique_id`` ("H1" to "H414"), ``ds`` (hour of the part, from 1) and
        ``y``.

    Raises
    ------
    FileNotFoundError
        If the file is not there; see `benchmark_file`.
    ValueError
        If `part` is neither of the two.

    Examples
    --------
    >>> len(load_m4_hourly("test")) // 48  # doctest: +SKIP
    414
    """
    table = pd.read_csv(benchmark_file(f"m4_hourly_{part}"))
    table.columns = ["unique_id", *range(1, table.shape[1])]
    long = table.melt("unique_id", var_name="ds", value_name="y").dropna()
    order = long["unique_id"].str[1:].astype(int)
    long = long.assign(ds=long["ds"].astype(int), order=order)
    return (
        long.sort_values(["order", "ds"]).drop(columns="order").reset_index(drop=True)
    )


def load_exchange_rate() -> pd.DataFrame:
    """Load the exchange rates of 8 currencies, as the forecasting literature cuts them.

    Training ends after 6,071 rows; the five test windows of 30 rows follow one another
    from row 6,071 to the end.

    Returns
    -------
    DataFrame of shape (6221, 8)
        Columns ``rate0`` to ``rate7``; index ``date``: every weekday from 1990-01-01.

    Raises
    ------
    FileNotFoundError
        If the file is not there; see `benchmark_file`.

    Examples
    --------
    >>> load_exchange_rate().shape  # doctest: +SKIP
    (6221, 8)
    """
    member = "exchange_rate_nips/test/test.json"
    with tarfile.open(benchmark_file("exchange_rate")) as archive:
        content = archive.extractfile(member)
        if content is None:
            raise ValueError(f"the archive has no file {member}")
        lines = content.read().splitlines()
    # Five growing copies of the 8 series; the last copy holds all the others.
    longest = {f"rate{i}": json.loads(line) for i, line in enumerate(lines[-8:])}
    rates = pd.DataFrame({name: item["target"] for name, item in longest.items()})
    start = longest["rate0"]["start"]
    dates = pd.date_range(start, periods=len(rates), freq="B", name="date")
    return rates.set_index(dates)


def load_ecb_rates() -> pd.DataFrame:
    """Load the reference rates of 41 currencies against the euro.

    Returns
    -------
    DataFrame of shape (n_weekdays, 41)
        Units of the currency for one euro, NaN on holidays and where a currency did
        not exist; index ``Date``: every weekday, oldest first.

    Raises
    ------
    FileNotFoundError
        If the file is not there; see `benchmark_file`.

    Examples
    --------
    >>> load_ecb_rates().columns[0]  # doctest: +SKIP
    'USD'
    """
    table = _dated("ecb_rates").dropna(axis=1, how="all")
    return table.sort_index().asfreq("B")


def load_market(name: Literal["sp500", "nasdaq", "vix"]) -> pd.DataFrame:
    """Load a daily stock index or the VIX; NaN rows on weekdays without trading.

    Parameters
    ----------
    name : {"sp500", "nasdaq", "vix"}

    Returns
    -------
    DataFrame
        Columns as in the source; index ``Date``: every weekday.

    Raises
    ------
    FileNotFoundError
        If the file is not there; see `benchmark_file`.
    ValueError
        If `name` is none of the three.

    Examples
    --------
    >>> load_market("sp500").columns[0]  # doctest: +SKIP
    'Open'
    """
    if name not in ("sp500", "nasdaq", "vix"):
        raise ValueError(f"name is 'sp500', 'nasdaq' or 'vix', found {name!r}")
    table = pd.read_csv(benchmark_file(name), na_values=".")
    table["Date"] = pd.to_datetime(table["Date"], format="%m/%d/%Y")
    return table.set_index("Date").asfreq("B")


def _dated(name: str) -> pd.DataFrame:
    """Read a benchmark table whose first column holds the dates."""
    return pd.read_csv(benchmark_file(name), index_col=0, parse_dates=True)
