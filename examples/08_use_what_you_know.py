"""Bend answers to what is known: totals, bounds, balances, noise of a sensor.

Run it by ``python examples/08_use_what_you_know.py``; it takes about a minute.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from tsdiff import DiffusionImputer
from tsdiff import constraints as c

minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 0.5

# 1. Two heat meters and their sum, hourly, with outages.
rng = np.random.default_rng(0)
hours = pd.date_range("2024-01-01", periods=24 * 60, freq="h")
day = np.sin(np.arange(len(hours)) * 2 * np.pi / 24)
flat = 5 + 2 * day + rng.normal(0, 0.5, len(hours))
shop = 8 + 4 * np.maximum(day, 0) + rng.normal(0, 0.7, len(hours))
truth = pd.DataFrame({"flat": flat, "shop": shop, "house": flat + shop}, hours)
gappy = truth.copy()
gappy.iloc[700:724, 0] = np.nan
gappy.iloc[715:730, 1] = np.nan
gappy.iloc[900:930] = np.nan
imputer = DiffusionImputer(max_minutes=minutes, random_state=0).fit(gappy)

# 2. What is known besides: energy is not negative, parts make the whole, and the
#    utility's bill has the totals of the days.
bill = truth["house"].resample("D").sum().loc["2024-02-07":"2024-02-08"]
known = [
    c.nonnegative(),
    c.relation({"house": 1, "flat": -1, "shop": -1}),
    c.total("D", bill, "house"),
]
free = imputer.sample(gappy, n_samples=200)
steered = imputer.sample(gappy, n_samples=200, constraints=known)
off = steered.paths()[..., 2] - steered.paths()[..., 0] - steered.paths()[..., 1]
print(f"house - flat - shop: {np.abs(off[:, gappy.isna().any(axis=1)]).max():.1e}")
print(steered.aggregate("sum", freq="D")["house"].loc[bill.index].round(3).to_list())

# 3. Did it help? Here the truth is known.
print(c.compare(free, steered, truth).round(3))

# 4. A meter that is off by 0.5 or so: its values are hints, and the answer may move.
smooth = imputer.transform(gappy.iloc[600:700], obs_std={"flat": 0.5})
print((smooth["flat"] - gappy["flat"].iloc[600:700]).std().round(2))
