"""Fill gaps in time series and forecast them, with honest uncertainty."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tsdiff._version import __version__

if TYPE_CHECKING:
    from tsdiff import (
        baselines,
        conformal,
        constraints,
        datasets,
        metrics,
        plotting,
        significance,
    )
    from tsdiff.backtesting import BacktestResult, backtest, imputation_backtest
    from tsdiff.draws import Draws
    from tsdiff.explaining import explain
    from tsdiff.fanout import FanOut, fan_out
    from tsdiff.forecaster import DiffusionForecaster
    from tsdiff.imputer import DiffusionImputer
    from tsdiff.panel.arrays import ArrayPanel
    from tsdiff.panel.long import from_long, to_long
    from tsdiff.panel.parquet import ParquetPanel
    from tsdiff.pooling import pool
    from tsdiff.repairing import repair
    from tsdiff.reporting import report
    from tsdiff.scenarios import scenario
    from tsdiff.shifting import sensitivity
    from tsdiff.speed import speed_report

_HOMES = {
    "ArrayPanel": "tsdiff.panel.arrays",
    "BacktestResult": "tsdiff.backtesting",
    "DiffusionForecaster": "tsdiff.forecaster",
    "DiffusionImputer": "tsdiff.imputer",
    "Draws": "tsdiff.draws",
    "FanOut": "tsdiff.fanout",
    "ParquetPanel": "tsdiff.panel.parquet",
    "backtest": "tsdiff.backtesting",
    "explain": "tsdiff.explaining",
    "fan_out": "tsdiff.fanout",
    "from_long": "tsdiff.panel.long",
    "imputation_backtest": "tsdiff.backtesting",
    "pool": "tsdiff.pooling",
    "repair": "tsdiff.repairing",
    "report": "tsdiff.reporting",
    "scenario": "tsdiff.scenarios",
    "sensitivity": "tsdiff.shifting",
    "speed_report": "tsdiff.speed",
    "to_long": "tsdiff.panel.long",
}
_MODULES = (
    "baselines",
    "conformal",
    "constraints",
    "datasets",
    "metrics",
    "plotting",
    "significance",
)

__all__ = [
    "ArrayPanel",
    "BacktestResult",
    "DiffusionForecaster",
    "DiffusionImputer",
    "Draws",
    "FanOut",
    "ParquetPanel",
    "__version__",
    "backtest",
    "baselines",
    "conformal",
    "constraints",
    "datasets",
    "explain",
    "fan_out",
    "from_long",
    "imputation_backtest",
    "metrics",
    "plotting",
    "pool",
    "repair",
    "report",
    "scenario",
    "sensitivity",
    "significance",
    "speed_report",
    "to_long",
]


def __getattr__(name: str) -> Any:
    """Import on first use: a plot should not wait for torch, nor a fit for plotly."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"tsdiff.{name}")
    raise AttributeError(f"module 'tsdiff' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
