"""Which model fills the gaps of these data best? Hide cells, and see.

Run it by ``python examples/05_backtest.py``; it takes a few minutes.
"""

from __future__ import annotations

import sys

from tsdiff import DiffusionImputer, backtest, baselines, datasets, imputation_backtest

minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 0.5

# 1. A week of a glucose sensor, a reading every five minutes.
glucose = datasets.load_glucose()[["glucose"]].iloc[-2016:]

# 2. Hide runs of an hour on average. Models are fitted without them; the same cells are
#    asked of all.
models = {
    "tsdiff": DiffusionImputer(max_minutes=minutes, random_state=0),
    "linear": baselines.LinearInterpolation(),
    "kalman": baselines.KalmanSmoother(),
}
gaps = imputation_backtest(
    models, glucose, pattern="blocks", length=12, n_repeats=3, refit=False, verbose=1
)
print(gaps)

# 3. Scores by length of the gap, in steps of five minutes; mg/dL.
columns = ["n", "crps", "mae", "coverage_90", "width_90"]
print(gaps.scores({"gap_length": [6, 12, 24]})[columns].round(2))

# 4. The difference, in words and with its p-value.
for other in ("linear", "kalman"):
    print(gaps.verdict("tsdiff", other))

# 5. Forecasts from a rolling origin: carbon dioxide, month by month.
co2 = datasets.load_co2()["co2"].resample("MS").mean()
forecasters = {"naive": baselines.SeasonalNaive(), "ets": baselines.ETS()}
ahead = backtest(forecasters, co2, h=12, n_windows=8)
print(ahead.scores("cutoff")[["n", "crps", "mae"]].round(2))
print(ahead.verdict("ets", "naive"))
