"""Find values that the others don't bear out, mend them, and ask what if.

Run it by ``python examples/07_repair_and_what_if.py``; it takes about a minute.
"""

from __future__ import annotations

import sys

from tsdiff import DiffusionImputer, datasets, repair, scenario, sensitivity

minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 0.5

# 1. A sensor's export with three faults: a spike, a stuck sensor, and a stretch in
#    another unit (mmol/L among mg/dL).
glucose = datasets.load_glucose()[["glucose"]].iloc[:3000]
bad = glucose.copy()
bad.iloc[500] += 150
bad.iloc[900:930] = bad.iloc[900, 0]
bad.iloc[1500:1520] /= 18

# 2. The fit is to the faulty data themselves. Scores are tail probabilities; nothing is
#    changed unless asked.
imputer = DiffusionImputer(max_minutes=minutes, random_state=0).fit(bad)
found = repair(imputer, bad)
print(found.flagged(1e-4).head())
clean = found.repaired(alpha=1e-4)
print(f"{len(found.flagged(1e-4))} values replaced in a new frame")

# 3. What if the last value before a gap had been 40 higher? Both worlds start from the
#    same noise, so the difference is due to the edit.
gap = clean.iloc[2000:2100].copy()
gap.iloc[50:62] = float("nan")
edited = gap.copy()
edited.iloc[49] += 40
what_if = scenario(imputer, gap, edited)
print(what_if.difference.interval(0.9).iloc[49:56].round(1))

# 4. Would the mean of these hours be another one if the missing values were higher than
#    those that were measured, by up to two standard deviations?
draws = imputer.sample(gap, n_samples=50)
print(sensitivity(draws, lambda df: df["glucose"].mean(), [0, 1, 2], null=100).frame)
