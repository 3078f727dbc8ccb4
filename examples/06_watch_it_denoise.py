"""Watch answers emerge from noise: press play, or move the slider.

Run it by ``python examples/06_watch_it_denoise.py``; it takes about a minute. The same
idea is built from nothing in ``examples/diffusion_from_the_ground_up.ipynb``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tsdiff import DiffusionImputer, datasets, plotting

minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 0.5

# 1. A day of a glucose sensor, with two hours hidden.
glucose = datasets.load_glucose()[["glucose"]]
imputer = DiffusionImputer(max_minutes=minutes, random_state=0).fit(glucose)
day = glucose.loc["2010-08-12"].copy()
day.iloc[100:124] = float("nan")

# 2. Paths at 20 times of the flow: pure noise at first, the draws of `sample` at last.
trace = imputer.trace(day, n_frames=20)
print(trace)

# 3. The picture has a play button; what was measured stays where it is.
page = Path("denoising.html")
plotting.plot_denoising(trace).write_html(page, include_plotlyjs=True)
print(f"picture: {page.resolve()}")
