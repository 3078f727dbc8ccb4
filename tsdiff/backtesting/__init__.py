"""How good a model is on the user's own data: rolling origin, and hidden cells."""

from tsdiff.backtesting.forecasts import backtest
from tsdiff.backtesting.imputations import imputation_backtest
from tsdiff.backtesting.result import BacktestResult

__all__ = ["BacktestResult", "backtest", "imputation_backtest"]
