"""What a forecaster keeps of a fit: which columns are what, and the latest rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tsdiff.panel.covariates import Covariates, with_covariates
from tsdiff.panel.frame import Panel
from tsdiff.panel.future import append, tail, tail_rows
from tsdiff.panel.layout import ArrayLayout
from tsdiff.panel.statics import Statics, with_statics

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Extras:
    """What a fit had besides the series themselves.

    Attributes
    ----------
    covariates : Covariates or None
    statics : Statics or None
    """

    covariates: Covariates | None = None
    statics: Statics | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the covariate channels."""
        return () if self.covariates is None else self.covariates.channels

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the static features."""
        return () if self.statics is None else self.statics.names

    @property
    def known(self) -> tuple[bool | None, ...]:
        """What is known of the future of each covariate channel."""
        return () if self.covariates is None else self.covariates.known_channels


@dataclass(frozen=True)
class Past:
    """History to forecast from.

    Attributes
    ----------
    panel : Panel
        The targets.
    covariates : ndarray of shape (n_rows, n_covariates)
    ahead : Panel or None
        Covariates behind the end, if any were given.
    statics : ndarray of shape (n_series, n_features)
    """

    panel: Panel
    covariates: Floats
    ahead: Panel | None
    statics: Floats

    def latest(self, n_rows: int | None) -> Past:
        """Keep the last rows of each series; None keeps all."""
        if n_rows is None or np.diff(self.panel.bounds).max() <= n_rows:
            return self
        keep = tail_rows(self.panel, n_rows)
        panel = tail(self.panel, n_rows)
        return replace(self, panel=panel, covariates=self.covariates[keep])

    def whole(self, extras: Extras) -> Panel:
        """Targets, covariates and static features as the engine reads them."""
        panel = with_covariates(self.panel, self.covariates, extras.channels)
        return with_statics(panel, self.statics, extras.features)

    def continued(self, future: Panel, covariates: Floats, extras: Extras) -> Panel:
        """`whole`, and behind it the rows to forecast with what is known of them.

        Parameters
        ----------
        future : Panel
            Of the targets.
        covariates : ndarray of shape (n_future_rows, n_covariates)
        extras : Extras

        Returns
        -------
        Panel
        """
        ahead = with_covariates(future, covariates, extras.channels)
        ahead = with_statics(ahead, self.statics, extras.features)
        return append(self.whole(extras), ahead)


def some_rows(x: Panel, rows: Ints) -> Panel | None:
    """Keep some rows of covariates, for looking up; None if there are none.

    Parameters
    ----------
    x : Panel
    rows : ndarray of int
        Ascending.

    Returns
    -------
    Panel or None

    Examples
    --------
    >>> from tsdiff.panel.frame import to_panel
    >>> x = to_panel(pd.Series([1.0, 2.0, 3.0], [5, 6, 7]))
    >>> some_rows(x, np.array([2])).stamps.tolist()
    [7]
    """
    if not len(rows):
        return None
    series = np.searchsorted(x.bounds, rows, side="right") - 1
    kept, count = np.unique(series, return_counts=True)
    index: pd.Index = x.index.take(rows)
    values = x.values[rows]
    return replace(
        x,
        values=values,
        bounds=np.append(0, np.cumsum(count)),
        ids=tuple(x.ids[i] for i in kept),
        elapsed=x.elapsed[rows],
        calendar=x.calendar[rows],
        layout=ArrayLayout(index, None, values.shape, np.dtype(np.float64)),
    )
