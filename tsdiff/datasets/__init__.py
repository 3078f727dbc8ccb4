"""Data to try tsdiff on: real series with gaps, hidden cells, and known laws.

Shipped with the package: `load_co2`, `load_glucose`, `load_wti`. `make_gaps` hides
cells of any data; `make_linear_gaussian`, `make_switching` and `make_counts` draw
series whose missing cells have an exactly known law. The other loaders read public
benchmark files from the folder named by the environment variable ``TSDIFF_DATA``.
"""

from tsdiff.datasets.demand import (
    load_appliances_energy,
    load_ecb_rates,
    load_etth1,
    load_exchange_rate,
    load_m4_hourly,
    load_market,
    load_nn5,
    load_pjm,
    load_traffic,
)
from tsdiff.datasets.files import benchmark_file, benchmarks
from tsdiff.datasets.gaps import make_gaps
from tsdiff.datasets.gaussian import LinearGaussian, make_linear_gaussian
from tsdiff.datasets.laws import NormalMixture, ZeroInflatedPoisson
from tsdiff.datasets.regimes import Counts, Switching, make_counts, make_switching
from tsdiff.datasets.sensors import (
    PHYSIONET_VARIABLES,
    load_air_quality,
    load_beijing,
    load_cgm_subjects,
    load_physionet2012,
    load_pm25,
)
from tsdiff.datasets.shipped import load_co2, load_glucose, load_wti

__all__ = [
    "PHYSIONET_VARIABLES",
    "Counts",
    "LinearGaussian",
    "NormalMixture",
    "Switching",
    "ZeroInflatedPoisson",
    "benchmark_file",
    "benchmarks",
    "load_air_quality",
    "load_appliances_energy",
    "load_beijing",
    "load_cgm_subjects",
    "load_co2",
    "load_ecb_rates",
    "load_etth1",
    "load_exchange_rate",
    "load_glucose",
    "load_m4_hourly",
    "load_market",
    "load_nn5",
    "load_physionet2012",
    "load_pjm",
    "load_pm25",
    "load_traffic",
    "load_wti",
    "make_counts",
    "make_gaps",
    "make_linear_gaussian",
    "make_switching",
]
