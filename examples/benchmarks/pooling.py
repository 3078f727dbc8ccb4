"""Coverage of pooled regression coefficients when the imputer had to be fitted.

Each set is a series of two channels of a known Gaussian law; a third of the first one
is hidden, likelier where the second is low (at random, but not completely). An imputer
of its own is fitted to every set. The slope of the second on the first is estimated by
least squares with autocorrelation-consistent errors, from the whole truth, the complete
rows, one imputation, and all of them by Rubin's rules.

    python examples/benchmarks/pooling.py --sets 40

The exact posterior takes the place of the imputer in `tests/test_pooling.py`, on 500
sets.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from records import record
from scipy.special import expit

from tsdiff import DiffusionImputer, datasets, pool

N_ROWS, N_DRAWS = 400, 20
WAYS = ("truth", "complete rows", "one imputation", "pooled")


def fit(frame: pd.DataFrame) -> Any:
    """Least squares whose errors allow for dependence over 8 rows."""
    lags = {"cov_type": "HAC", "cov_kwds": {"maxlags": 8}}
    return smf.ols("x1 ~ x0", frame).fit(**lags)


def intervals(
    seed: int, epochs: int | None
) -> tuple[float, dict[str, tuple[float, float]]]:
    """Give the true slope, and the 95 % interval of each way."""
    rng = np.random.default_rng(seed)
    law = datasets.make_linear_gaussian(
        1, N_ROWS, 2, persistence=0.6, noise=0.5, random_state=seed
    )
    truth = pd.DataFrame(law.truth[0], columns=list(law.channels))
    joint = law.mixing + law.noise**2 * np.eye(2)
    holes = rng.random(N_ROWS) < expit(-1 - 2 * truth["x1"])
    seen = truth.assign(x0=truth["x0"].mask(holes))
    imputer = DiffusionImputer(
        width=32, depth=2, window=32, max_epochs=epochs, random_state=seed
    ).fit(seen)
    draws = imputer.sample(seen, N_DRAWS)
    frames = truth, seen.dropna(), next(iter(draws))
    found = {
        way: tuple(fit(frame).conf_int().loc["x0"])
        for way, frame in zip(WAYS, frames, strict=False)
    }
    table = pool(draws, fit).summary()
    found["pooled"] = tuple(table.loc["x0", ["lo-95", "hi-95"]])
    return joint[0, 1] / joint[0, 0], found


def main() -> None:
    """Read the options, run and write the results."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sets", type=int, default=40)
    options.add_argument("--epochs", type=int, help="of a step here; else 1,500 steps")
    chosen = options.parse_args()
    warnings.filterwarnings("ignore", category=UserWarning)
    rows = []
    for seed in range(chosen.sets):
        slope, found = intervals(seed, chosen.epochs)
        for way, (low, high) in found.items():
            rows.append((way, low <= slope <= high, high - low))
    frame = pd.DataFrame(rows, columns=["way", "covered", "width"])
    table = frame.groupby("way", sort=False).mean()
    print(table.round(3).to_string())
    result = {
        "n_sets": chosen.sets,
        "n_rows": N_ROWS,
        "n_draws": N_DRAWS,
        "epochs": chosen.epochs,
        "coverage_95": table["covered"].to_dict(),
        "mean_width": table["width"].to_dict(),
    }
    record("pooling", result)


if __name__ == "__main__":
    main()
