"""Fill the gaps of a real table: CO2 in the air of Mauna Loa, weekly, 59 weeks missing.

Run it by ``python examples/01_fill_gaps.py``; it takes about a minute.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tsdiff import DiffusionImputer, datasets, plotting

minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 0.5

# 1. A frame with holes: rows are time, columns are channels, NaN is missing.
co2 = datasets.load_co2()
print(f"{co2['co2'].isna().sum()} of {len(co2):,} weeks are missing")

# 2. Learn from what was measured.
imputer = DiffusionImputer(max_minutes=minutes, random_state=0, verbose=1).fit(co2)

# 3. Fill in the medians. The index is the same, and so is every measured value.
filled = imputer.transform(co2)
missing = co2["co2"].isna()
assert filled[~missing].equals(co2[~missing])

# 4. How sure is that? Intervals that hold nine truths in ten.
bands = imputer.predict_interval(co2, coverage=0.9)
print(filled.join(bands)[missing].head(8).round(1))

# 5. Joint paths answer what single values cannot, such as means over years.
draws = imputer.sample(co2, n_samples=100)
print(draws.aggregate("mean", freq="YE").head(8).round(1))

# 6. The picture: zoom in, switch bands and paths on and off.
page = Path("fill_gaps.html")
plotting.plot_imputation(co2, draws).write_html(page, include_plotlyjs=True)
print(f"picture: {page.resolve()}")
