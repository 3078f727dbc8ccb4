"""Classic ways to fill gaps and to look ahead, to compare with.

Gap fillers keep the contract of `tsdiff.DiffusionImputer`; forecasters (`ARIMA`, `ETS`,
`SeasonalNaive`) that of `tsdiff.DiffusionForecaster`, and fill gaps by `as_imputer`.
Each treats every channel of every series on its own.
"""

from tsdiff.baselines.arima import ARIMA
from tsdiff.baselines.components import SeasonalDecomposition
from tsdiff.baselines.ets import ETS
from tsdiff.baselines.filler import ForecastFiller
from tsdiff.baselines.foreign import ForeignForecaster
from tsdiff.baselines.kalman import KalmanSmoother
from tsdiff.baselines.knearest import KNearestWindows
from tsdiff.baselines.lookahead import FillForecaster
from tsdiff.baselines.seasonal import SeasonalNaive
from tsdiff.baselines.tabular import SklearnImputer
from tsdiff.baselines.walks import LastValue, LinearInterpolation

__all__ = [
    "ARIMA",
    "ETS",
    "FillForecaster",
    "ForecastFiller",
    "ForeignForecaster",
    "KNearestWindows",
    "KalmanSmoother",
    "LastValue",
    "LinearInterpolation",
    "SeasonalDecomposition",
    "SeasonalNaive",
    "SklearnImputer",
]
