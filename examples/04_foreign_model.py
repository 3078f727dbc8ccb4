"""A foreign model beside our own: AutoETS of statsforecast, by the same words.

Run it by ``python examples/04_foreign_model.py``. statsforecast is no dependency of
tsdiff; without it (``pip install statsforecast``) the example says so and ends.
"""

from __future__ import annotations

import sys

import pandas as pd

from tsdiff import baselines, datasets, metrics

try:
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS
except ImportError:
    print("statsforecast is not installed: pip install statsforecast")
    sys.exit()

# 1. Monthly means of CO2, the last two years kept to compare with.
months = datasets.load_co2()["co2"].resample("MS").mean()
history, truth = months.iloc[:-24], months.iloc[-24:]

# 2. The foreign model as it is. It can't read gaps, so name who fills them.
autoets = StatsForecast(models=[AutoETS(season_length=12)], freq="MS")
models = {
    "AutoETS": baselines.ForeignForecaster(
        autoets, fill=baselines.KalmanSmoother(), random_state=0
    ),
    "ETS": baselines.ETS(random_state=0),
    "SeasonalNaive": baselines.SeasonalNaive(random_state=0),
}

# 3. All answer the same questions: medians, intervals, joint paths.
rows = {}
for name, model in models.items():
    answer = model.fit(history).predict(h=24, level=[80])
    inside = truth.between(answer["co2-lo-80"], answer["co2-hi-80"])
    year = model.sample(h=12, n_samples=200).samples.mean(axis=1)
    rows[name] = {
        "MAE": metrics.absolute_error(truth, answer["co2"]).mean(),
        "in 80 %": 100 * inside.mean(),
        "next year's mean": year.mean(),
        "its sd": year.std(),
    }
print(pd.DataFrame(rows).T.round(2))
