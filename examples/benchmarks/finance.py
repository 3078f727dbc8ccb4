"""Missing days of markets: oil and shares, volatility, currencies.

    TSDIFF_DATA=... python examples/benchmarks/finance.py --minutes 3

Protocol in gap_runs.py. Needs the files of the benchmark in the folder TSDIFF_DATA; see
`tsdiff.datasets`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from gap_runs import Gaps, main

from tsdiff import datasets


def oil_and_shares() -> pd.DataFrame:
    """Oil price and S&P 500 on business days, in logarithms, with their holidays."""
    index = datasets.load_market("sp500")[["Close"]].rename(columns={"Close": "sp500"})
    return np.log(datasets.load_wti().join(index, how="inner").asfreq("B"))


def volatility() -> pd.DataFrame:
    """Volatility index, in logarithms."""
    return np.log(datasets.load_market("vix")).asfreq("B")


def currencies() -> pd.DataFrame:
    """Currencies against the euro since 2012, in logarithms; those that are quoted."""
    rates = np.log(datasets.load_ecb_rates()).asfreq("B").loc["2012":]
    return rates.loc[:, rates.notna().mean() > 0.9]


SETS = {
    "finance": Gaps(oil_and_shares, "blocks", [3, 12]),
    "volatility": Gaps(volatility, "blocks", [3, 12]),
    "currencies": Gaps(currencies, "blocks", [3, 12]),
}


if __name__ == "__main__":
    main(__doc__, SETS)
