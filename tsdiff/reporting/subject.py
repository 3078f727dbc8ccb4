"""What a report is about: an estimator, data, and how to ask."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from tsdiff.backtesting.question import canonical
from tsdiff.calibrating.rehearsal import last_seen
from tsdiff.filling import GapFiller
from tsdiff.forecasting import Forecaster
from tsdiff.history import recall
from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_count, read_seed


@dataclass(frozen=True)
class Subject:
    """An estimator and the data that it is asked about.

    Attributes
    ----------
    estimator : GapFiller or Forecaster
        Fitted; nothing changes it.
    panel : Panel
        N rows, C channels.
    frame : DataFrame
        Its rows in the form that estimators are given.
    covariates, static : as for `DiffusionForecaster.predict`, optional
    n_samples : int
        Paths of a picture.
    template : str or plotly template, optional
    seed : int
    """

    estimator: Any
    panel: Panel
    frame: pd.DataFrame
    covariates: Any
    static: Any
    n_samples: int
    template: Any
    seed: int

    @classmethod
    def of(cls, estimator: Any, X: Any, **asked: Any) -> Self:
        """Read what a report is asked for.

        Raises
        ------
        NotFittedError, TypeError, ValueError
            If the estimator is none, or the data can't be used.
        """
        if not isinstance(estimator, GapFiller | Forecaster):
            estimator = getattr(estimator, "estimator_", estimator)  # of Calibrated
        if not isinstance(estimator, GapFiller | Forecaster):
            raise TypeError(
                "report is about a fitted imputer or forecaster of tsdiff, got "
                f"{estimator!r:.60}. See tsdiff.baselines.ForeignForecaster for others."
            )
        check_is_fitted(estimator, "schema_")
        seed = read_seed(asked.pop("random_state"))
        check_count("n_samples", asked["n_samples"])
        told = asked["covariates"], asked["static"]
        if isinstance(estimator, Forecaster):
            panel = recall(estimator, X, *told).panel
        elif any(part is not None for part in told):
            raise ValueError(
                "covariates and static are for forecasters; an imputer has none. Leave "
                "them out."
            )
        else:
            panel = estimator.schema_.read(estimator, X)
        return cls(estimator, panel, canonical(panel, X), seed=seed, **asked)

    @property
    def looks_ahead(self) -> bool:
        """Whether the estimator forecasts; else it fills gaps."""
        return isinstance(self.estimator, Forecaster)

    def of_series(self, series: int) -> str:
        """Name one of many series, for people; nothing if there is only one."""
        name = self.panel.ids[series]
        return "" if name is None else f"series {name}, "

    def part(self, rows: slice) -> Self:
        """Ask about some rows of the data alone."""
        frame = self.frame.iloc[rows]
        panel = self.estimator.schema_.read(self.estimator, frame)
        return replace(self, panel=panel, frame=canonical(panel, frame))

    def fresh(self) -> NDArray[np.bool_] | None:
        """Rows behind the last one of each series that the fit has seen, shape (N,).

        None if nothing tells what it has seen.
        """
        if not hasattr(self.estimator, "seen_"):
            return None
        last = last_seen(self.panel, self.estimator.seen_.seen(self.panel))
        length = np.diff(self.panel.bounds)
        return np.arange(len(self.frame)) > np.repeat(last, length)
