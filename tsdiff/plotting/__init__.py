"""Pictures: data in, a plotly Figure out. They work offline and upload nothing."""

from tsdiff.plotting.calibration import plot_coverage, plot_reliability
from tsdiff.plotting.comparison import plot_scores
from tsdiff.plotting.denoising import plot_denoising
from tsdiff.plotting.explanation import plot_explanation
from tsdiff.plotting.explorer import plot_backtest
from tsdiff.plotting.forecast import plot_forecast
from tsdiff.plotting.holes import plot_missingness
from tsdiff.plotting.imputation import plot_imputation
from tsdiff.plotting.pit import plot_pit
from tsdiff.plotting.ranks import plot_critical_differences
from tsdiff.plotting.tipping import plot_tipping_point

__all__ = [
    "plot_backtest",
    "plot_coverage",
    "plot_critical_differences",
    "plot_denoising",
    "plot_explanation",
    "plot_forecast",
    "plot_imputation",
    "plot_missingness",
    "plot_pit",
    "plot_reliability",
    "plot_scores",
    "plot_tipping_point",
]
