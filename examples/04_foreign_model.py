"""A foreign model beside our own: AutoETS of statsforecast, by the same words.

Run it by ``python examples/04_foreign_model.py``. statsforecast is no dependency of
tsdiff; without it (``pip install statsforecast``) the example says so and ends.
"""

from __future__ import annotations

from tsdiff import backtest, baselines, datasets

try:
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS
except ImportError:
    StatsForecast = None


def main() -> None:
    """Compare AutoETS with our own baselines on years of carbon dioxide."""
    # 1. Monthly means of CO2, with a few months missing.
    months = datasets.load_co2()["co2"].resample("MS").mean()

    # 2. The foreign model as it is. It can't read gaps, so name who fills them.
    autoets = StatsForecast(models=[AutoETS(season_length=12)], freq="MS")
    models = {
        "AutoETS": baselines.ForeignForecaster(
            autoets, fill=baselines.KalmanSmoother(), random_state=0
        ),
        "ETS": baselines.ETS(random_state=0),
        "SeasonalNaive": baselines.SeasonalNaive(random_state=0),
    }

    # 3. All forecast the same years, each fitted on what came before.
    result = backtest(models, months, h=12, n_windows=8)
    print(result.scores()[["n", "crps", "mae", "coverage_80", "width_80"]].round(3))
    print(result.verdict("AutoETS", "SeasonalNaive"))
    print(result.verdict("AutoETS", "ETS"))

    # 4. It has joint paths too: next year's mean, with its interval.
    fitted = models["AutoETS"].fit(months)
    print(fitted.sample(h=12, n_samples=200).aggregate("mean").round(2))


if StatsForecast is None:
    print("statsforecast is not installed: pip install statsforecast")
else:
    main()
