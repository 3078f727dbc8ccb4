"""Pictures: data in, a plotly Figure out. They work offline and upload nothing."""

from tsdiff.plotting.forecast import plot_forecast
from tsdiff.plotting.imputation import plot_imputation

__all__ = ["plot_forecast", "plot_imputation"]
