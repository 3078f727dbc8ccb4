"""One fit, any question: a gap, the future, the past, and what if.

Whatever is NaN is asked for. Run it by ``python examples/03_one_fit_any_question.py``;
it takes about a minute.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd

from tsdiff import DiffusionImputer, datasets

minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 0.5

# 1. Fit once, keep the file, and go on from the file alone.
glucose = datasets.load_glucose()
file = Path(tempfile.mkdtemp()) / "glucose.tsdiff"
imputer = DiffusionImputer(max_minutes=minutes, random_state=0, verbose=1)
imputer.fit(glucose).save(file)
model = DiffusionImputer.load(file)
day = glucose.loc["2010-08-13"].copy()

# 2. A gap: two hours in which the sensor was off.
gap = day.copy()
gap.iloc[120:144] = None
print("the gap\n", model.predict_interval(gap)["glucose-lo-90"].iloc[118:126].round(0))

# 3. The future: the next hour, as rows to fill or by the forecaster's face.
ahead = model.as_forecaster(horizon=12, history=day)
print("the next hour\n", ahead.predict(level=[90]).round(0))

# 4. The past: an hour before the first row.
before = pd.date_range(end=day.index[0], periods=13, freq="5min")[:-1]
longer = day.reindex(before.append(day.index)).rename_axis(day.index.name)
print("the hour before\n", model.transform(longer).head(12).round(0))

# 5. One channel given the other: glucose from the sensor's current alone.
blind = day.assign(glucose=float("nan"))
error = (model.transform(blind)["glucose"] - day["glucose"]).abs().mean()
print(f"glucose from the current alone: off by {error:.0f} mg/dL on average")

# 6. What if: had the current been a tenth higher all afternoon?
edited = blind.copy()
edited.loc[edited.index[144:216], "current"] *= 1.1
change = model.transform(edited)["glucose"] - model.transform(blind)["glucose"]
print(f"a tenth more current: {change.iloc[144:216].mean():+.0f} mg/dL")
