"""What is told beside a series is used."""

import numpy as np
import pandas as pd
import pytest

from tsdiff import DiffusionForecaster

pytestmark = pytest.mark.slow
H = 6
FIT = {"window": 30, "width": 32, "depth": 2, "max_epochs": 50, "random_state": 0}
DAYS = pd.date_range("2022-01-01", periods=900, name="day")
NOISE = 0.3


def mean_error(model, y, X, cutoffs):
    """Mean absolute error of the median, over windows behind the fit."""
    errors = []
    for cut in cutoffs:
        past, ahead = y.iloc[:cut], y.iloc[cut : cut + H]
        inputs = None if X is None else X.iloc[: cut + H]
        errors.append((model.predict(y=past, X=inputs) - ahead).abs().to_numpy())
    return np.mean(errors, axis=0)  # by steps ahead


@pytest.mark.long
def test_a_covariate_known_ahead_is_worth_what_it_explains():
    """Promotions come at random and add three: nothing else can tell them."""
    rng = np.random.default_rng(0)
    promotion = (rng.random(900) < 0.3).astype(float)
    y = pd.Series(3 * promotion + NOISE * rng.normal(size=900), DAYS, name="sales")
    X = pd.DataFrame({"promotion": promotion}, DAYS)
    model = DiffusionForecaster(horizon=H, **FIT).fit(y.iloc[:800], X.iloc[:850])
    cutoffs = range(800, 890, 6)
    told = mean_error(model, y, X, cutoffs).mean()
    assert told < 2 * 0.8 * NOISE  # the noise alone has a mean size of 0.8 NOISE
    without = y.iloc[800:].sub(y.iloc[:800].median()).abs().mean()
    assert told < 0.5 * without
