"""Look ahead: glucose for the next two hours, from a sensor's history with holes.

Run it by ``python examples/02_forecast.py``; it takes about a minute.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tsdiff import DiffusionForecaster, datasets, plotting

minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 0.5

# 1. A history with holes in it; the last two hours are kept to compare with.
glucose = datasets.load_glucose()[["glucose"]]
history, truth = glucose.iloc[:-24], glucose.iloc[-24:]

# 2. Learn to look 24 steps of five minutes ahead.
forecaster = DiffusionForecaster(
    horizon=24, max_minutes=minutes, random_state=0, verbose=1
).fit(history)

# 3. Medians with intervals, in closed form.
print(forecaster.predict(level=[50, 90]).join(truth.add_suffix("-true")).round(0))

# 4. Joint paths: will glucose leave the range from 70 to 180 mg/dL?
draws = forecaster.sample(n_samples=200)
leaves = draws.probability(
    lambda path: bool(((path["glucose"] < 70) | (path["glucose"] > 180)).any())
)
print(f"leaves 70 to 180 mg/dL within two hours: {leaves}")

# 5. Another history, another horizon, no second fit.
earlier = history.iloc[:-288]
print(forecaster.predict(h=36, y=earlier).tail(3).round(0))

# 6. The picture.
page = Path("forecast.html")
figure = plotting.plot_forecast(history, draws, truth=truth)
figure.write_html(page, include_plotlyjs=True)
print(f"picture: {page.resolve()}")
