"""Foreign forecasters, of Nixtla's or sktime's layout, with the faces of our own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri
from sklearn.base import clone

from tsdiff.bands import as_coverage, interval_alpha
from tsdiff.baselines.ahead import read_alone
from tsdiff.baselines.contract import channel_moments
from tsdiff.baselines.layouts import (
    History,
    is_sktimes,
    nixtla_quantiles,
    sktime_quantiles,
)
from tsdiff.baselines.paths import chained, neighbour_correlation, read_quantiles
from tsdiff.baselines.strands import generator
from tsdiff.forecasting import Forecaster
from tsdiff.panel.frame import Panel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LEVELS = (20, 40, 60, 80, 90, 95, 98)


class ForeignForecaster(Forecaster):
    """Any forecaster of Nixtla's or sktime's layout, to compare with.

    Of Nixtla's layout is what has ``fit(df)`` on a long frame (`unique_id`, `ds`, `y`)
    and ``predict(h, level=[...])`` with columns ``MODEL``, ``MODEL-lo-80``,
    ``MODEL-hi-80`` (statsforecast, mlforecast, neuralforecast); of sktime's what has
    ``fit(y, fh=...)`` and ``predict_quantiles`` or ``predict_interval``. Each channel
    of each series goes in as a series of its own. Neither library is needed here.

    A copy of the model learns the history of every question anew: it is `fit` that
    such models forecast from. What was asked last is kept, so that quantiles and paths
    of one history cost one fit. Rows before the first value of a series are left out.

    **Quantiles** are read from the intervals at `level`: between them the quantile
    function is linear in normal scores (exact for normal intervals), beyond the
    outermost it goes on with its last slope: normal tails. Ends that cross are sorted.

    **Paths** need an assumption, as intervals say nothing of how steps hang together.
    By default the error of a step is a share of that of the step before plus fresh
    noise as large as the error of the first step; what the spread grows by tells the
    share. So neighbours have the correlation ``sqrt(1 - var_1 / var_h)``, which is
    right for a random walk, for an AR(1) and for white noise. A number makes it the
    correlation of neighbours at every step (0: independent steps). Series and channels
    are independent.

    Parameters
    ----------
    model : object
        One model; never changed, copies of it learn.
    horizon : int, optional
        Steps ahead that are answered unless `h` is given.
    level : tuple of float, default (20, 40, 60, 80, 90, 95, 98)
        Coverage in percent of the intervals that the model is asked for.
    dependence : float, optional
        Correlation of the normal scores of neighbouring steps, in [0, 1); None reads it
        off the spread.
    fill : gap filler, optional
        Copies of it fill gaps of a history, and values that are missing at its end,
        before the model sees it. By default a history with gaps is refused.
    freq : str or int, optional
        Step of the time index, as pandas names it. Inferred by default.
    insert_absent : bool, default False
        Make rows of stamps that are absent from the grid of `freq`.
    random_state : int, Generator, RandomState or None, default None
        An int repeats draws at every call; None gives fresh ones.

    Attributes
    ----------
    center_, scale_ : ndarray, shape (n_channels,)
        Mean and spread of each channel, the answer for series without any value.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if `y` has names.

    Examples
    --------
    >>> class Drift:  # of Nixtla's layout
    ...     def fit(self, df):
    ...         self.last = df.groupby("unique_id", as_index=False).last()
    ...     def predict(self, h, level):
    ...         df = self.last.loc[self.last.index.repeat(h)].reset_index(drop=True)
    ...         step = df.groupby("unique_id").cumcount() + 1
    ...         ends = {
    ...             f"Drift-{end}-{share}": df["y"] + sign * share / 50
    ...             for share in level for end, sign in (("lo", -1), ("hi", 1))
    ...         }
    ...         df = df.assign(ds=df["ds"] + step, **ends)
    ...         return df.rename(columns={"y": "Drift"})
    >>> y = pd.Series([1.0, 2.0, 4.0], name="y")
    >>> ForeignForecaster(Drift()).fit(y).predict(h=1, level=[80]).to_dict("records")
    [{'y': 4.0, 'y-lo-80': 2.4, 'y-hi-80': 5.6}]
    """

    def __init__(
        self,
        model: Any,
        *,
        horizon: int | None = None,
        level: Sequence[float] = _LEVELS,
        dependence: float | None = None,
        fill: Any = None,
        freq: str | int | None = None,
        insert_absent: bool = False,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.horizon = horizon
        self.level = level
        self.dependence = dependence
        self.fill = fill
        self.freq = freq
        self.insert_absent = insert_absent
        self.random_state = random_state

    def fit(self, y: Any, X: Any = None, *, static: Any = None) -> Self:
        """Keep the history; the model learns from it when it is asked.

        Parameters
        ----------
        y : DataFrame, Series, array or polars frame
            As for `tsdiff.DiffusionForecaster.fit`.
        X, static : None
            Not handed on, and refused.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            For data, parameters or a model that can't be used.
        """
        is_sktimes(self.model)
        as_coverage(0.5, self.level)
        if self.dependence is not None and not 0 <= self.dependence < 1:
            raise ValueError(
                "dependence is a correlation in [0, 1), or None to read it off the "
                f"spread; got {self.dependence!r}."
            )
        lesson = read_alone(self, y, X, static)
        self.center_, self.scale_ = channel_moments(lesson.panel)
        self.schema_, self.extras_ = lesson.schema, lesson.extras
        self.past_ = lesson.past
        self._latest: tuple[Any, Floats] | None = None
        return self

    def _quantiles(self, panel: Panel, cells: Ints, levels: Floats) -> Floats:
        table = self._table(panel, cells)
        scores = np.repeat(ndtri(levels)[:, None], table.shape[1], axis=1)
        return read_quantiles(table, self._scores(), scores)

    def _samples(self, panel: Panel, cells: Ints, n_samples: int, seed: int) -> Floats:
        table, grid = self._table(panel, cells), self._scores()
        samples = np.empty((n_samples, len(cells)))
        for each, channel, place in _places(panel, cells):
            rng = generator(seed, panel.ids[each], panel.channels[channel])
            own = table[:, place]
            if self.dependence is None:
                middle = slice(len(grid) // 2 - 1, len(grid) // 2 + 2)
                spread = own[middle][-1] - own[middle][0]
                link = neighbour_correlation(spread)
            else:
                link = np.full(len(place) - 1, float(self.dependence))
            noise = rng.standard_normal((n_samples, len(place)))
            samples[:, place] = read_quantiles(own, grid, chained(noise, link))
        return samples

    def _scores(self) -> Floats:
        """Give the normal scores of what the model is asked for, ascending."""
        return ndtri(np.sort(np.append(0.5, interval_alpha(self._shares()))))

    def _shares(self) -> Floats:
        return np.sort(as_coverage(0.5, self.level))

    def _table(self, panel: Panel, cells: Ints) -> Floats:
        """Quantiles of the model for the cells, at ascending levels: (k, M)."""
        key = (
            panel.values.tobytes(),
            panel.ids,
            cells.tobytes(),
            self._shares().tobytes(),
        )
        if self._latest is None or self._latest[0] != key:
            self._latest = key, self._ask_model(panel, cells)
        return self._latest[1]

    def _ask_model(self, panel: Panel, cells: Ints) -> Floats:
        """Let the model answer for all series that have a value."""
        column = cells % len(panel.channels)
        unit = self._scores()[:, None]
        table = self.center_[column] + self.scale_[column] * unit
        places = list(_places(panel, cells))
        values = self._filled(panel, len(places[0][2]))
        told: list[Ints] = []
        histories: list[History] = []
        for each, channel, place in places:
            history = _history(panel, values, each, channel, len(place))
            if history is not None:
                told.append(place)
                histories.append(history)
        if not histories:
            return table
        percent = 100 * self._shares()
        if is_sktimes(self.model):
            answer = np.stack(
                [sktime_quantiles(self.model, one, percent) for one in histories],
                axis=1,
            )
        else:
            answer = nixtla_quantiles(self.model, histories, percent)
        if not np.isfinite(answer).all():
            _, series, _ = np.argwhere(~np.isfinite(answer))[0]
            raise ValueError(
                f"The model's answer for {histories[series].name} is not finite."
            )
        table[:, np.concatenate(told)] = np.sort(
            answer.reshape(len(answer), -1), axis=0
        )
        return table

    def _filled(self, panel: Panel, h: int) -> Floats:
        """Values of a panel whose histories have no gap, if there is who fills them."""
        if self.fill is None:
            return panel.values
        ahead = np.zeros(len(panel.values), dtype=bool)
        ahead[(panel.bounds[1:, None] - np.arange(1, h + 1)).ravel()] = True
        frame = pd.DataFrame(panel.values, panel.index, list(panel.channels))[~ahead]
        values = panel.values.copy()
        filler = clone(self.fill)
        values[~ahead] = np.asarray(filler.fit(frame).transform(frame), dtype=float)
        return values


def _places(panel: Panel, cells: Ints) -> Iterator[tuple[int, int, Ints]]:
    """Series and channel of each run of steps ahead, and where its cells stand."""
    n_channels = len(panel.channels)
    h = len(cells) // (len(panel.ids) * n_channels)
    step = np.arange(h) * n_channels
    for series in range(len(panel.ids)):
        for channel in range(n_channels):
            yield series, channel, series * h * n_channels + channel + step


def _history(
    panel: Panel, values: Floats, series: int, channel: int, h: int
) -> History | None:
    """History of a channel of a series from its first value on; None without one."""
    first, stop = panel.bounds[series], panel.bounds[series + 1]
    seen = np.flatnonzero(~np.isnan(panel.values[first : stop - h, channel]))
    if not len(seen):
        return None
    first += seen[0]
    own = values[first : stop - h, channel]
    name = f"series {panel.ids[series]!r}, column {panel.channels[channel]!r}"
    missing = np.flatnonzero(np.isnan(own))
    if len(missing):
        raise ValueError(
            f"{len(missing)} value(s) of {name} are missing, the first at "
            f"{panel.stamps[first + missing[0]]}, and the model can't read gaps. Name "
            "who fills them: fill=baselines.LinearInterpolation()."
        )
    stamps = panel.stamps[first:stop]
    if panel.freq is not None and isinstance(stamps, pd.DatetimeIndex):
        stamps = pd.DatetimeIndex(stamps, freq=panel.freq)
    return History(name, stamps[: stop - h - first], stamps[stop - h - first :], own)
