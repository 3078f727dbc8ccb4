"""Schema: what data to answer must have in common with those of the fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import (
    CustomBusinessDay,
    CustomBusinessMonthBegin,
    CustomBusinessMonthEnd,
)

from tsdiff.advice import advise
from tsdiff.features import check_features, is_named
from tsdiff.panel.frame import Panel, to_panel
from tsdiff.panel.layout import NarwhalsLayout
from tsdiff.validation import listing

_KINDS = {
    pd.DatetimeIndex: "dates",
    pd.PeriodIndex: "periods",
    pd.TimedeltaIndex: "durations",
}

_CUSTOM = CustomBusinessDay | CustomBusinessMonthBegin | CustomBusinessMonthEnd


@dataclass(frozen=True)
class Schema:
    """What data to answer must have in common with those of the fit.

    Attributes
    ----------
    channels : tuple of str
    named : bool
        Whether the channels' names came with the data.
    columns : tuple of str
        Columns of an answer: the channels, and the time where it is a column.
    kind : {"dates", "periods", "durations", "numbers"}
        Of the time labels.
    freq : str or None
        None if the stamps of the fit were irregular or no dates.
    step : float or None
        Length of a step where no frequency gives it; see `Panel.step`.
    tz : str or None
        Time zone whose wall clock days and calendar follow.
    calendar_names : tuple of str
    """

    channels: tuple[str, ...]
    named: bool
    columns: tuple[str, ...]
    kind: str
    freq: str | None
    step: float | None
    tz: str | None
    calendar_names: tuple[str, ...]

    @classmethod
    def of(cls, panel: Panel, named: bool) -> Schema:
        """Note the schema of the data of a fit.

        Parameters
        ----------
        panel : Panel
        named : bool
            Whether the channels' names came with the data.

        Returns
        -------
        Schema

        Examples
        --------
        >>> days = pd.period_range("2024-01", periods=3, freq="M")
        >>> schema = Schema.of(to_panel(pd.DataFrame({"a": [1.0, 2, 3]}, days)), True)
        >>> schema.channels, schema.kind, schema.freq
        (('a',), 'periods', 'ME')
        """
        columns = list(panel.channels)
        layout = panel.layout
        if isinstance(layout, NarwhalsLayout) and layout.time is not None:
            columns.insert(layout.time[1], layout.time[0])
        return cls(
            channels=panel.channels,
            named=named,
            columns=tuple(columns),
            kind=_kind(panel),
            freq=panel.freq,
            step=panel.step,
            tz=_zone(panel),
            calendar_names=panel.calendar_names,
        )

    def read(self, estimator: Any, X: Any) -> Panel:
        """Read data to answer, checking them against those of the fit.

        Time is measured in the step of the fit, on the wall clock of its zone.

        Parameters
        ----------
        estimator : fitted estimator
            With parameters `freq` and `insert_absent`.
        X : DataFrame, Series, array or polars frame

        Returns
        -------
        Panel

        Raises
        ------
        TypeError, ValueError
            If they can't be used, or differ from those of the fit in channels, kind
            of time labels or frequency.
        """
        panel = self.place(estimator, X)
        self._check_columns(estimator, panel, X)
        if _kind(panel) != self.kind and not is_bare(X):
            raise ValueError(
                f"The rows are labelled by {_kind(panel)}, those of the fit by "
                f"{self.kind}. Give X the same kind of index."
            )
        if self.kind == "dates" and not is_bare(X):
            self._check_zone(_zone(panel))
        return panel

    def place(self, estimator: Any, X: Any) -> Panel:
        """Read data on the grid and calendar of the fit, whatever their columns."""
        if is_bare(X) and self.kind != "numbers":
            panel = read_panel(X)
            self._check_timeless()
            return panel
        freq = estimator.freq
        if freq is None and not _has_holidays(self.freq):  # else the index has to know
            freq = self.freq
        try:
            panel = read_panel(
                X,
                freq=freq,
                insert_absent=estimator.insert_absent,
                step=self.step,
                calendar=self.calendar_names,
                tz=self.tz,
            )
            if freq is None and panel.freq != self.freq:
                raise ValueError(
                    f"The rows have freq={panel.freq!r}, those of the fit had "
                    f"{self.freq!r} with holidays of its own. Give the index that "
                    "frequency, or fit with freq= set to the offset itself."
                )
            return panel
        except ValueError as error:
            if "freq=" in str(error):
                error.add_note(
                    f"The rows of the fit are labelled by {self.kind}, "
                    f"freq={self.freq!r}; those to answer must be of the same kind."
                )
            raise

    def _check_timeless(self) -> None:
        """Let arrays follow data with a time index, if the time itself is not used."""
        if self.calendar_names or self.step is not None:
            used = "the calendar" if self.calendar_names else "real time"
            raise ValueError(
                f"X is an array, whose rows have no time, but the model uses {used} of "
                f"its rows, which were labelled by {self.kind} in fit. Give X such an "
                "index."
            )
        advise(
            f"X is an array, whose rows have no time; they are taken to follow each "
            f"other by one step of freq={self.freq!r}, as in fit."
        )

    def _check_columns(self, estimator: Any, panel: Panel, X: Any) -> None:
        check_features(estimator, panel, X, reset=False)
        if self.named and is_named(X) and panel.channels != self.channels:
            raise ValueError(
                "The feature names should match those that were passed during fit: got "
                f"{listing(map(repr, panel.channels))}, expected "
                f"{listing(map(repr, self.channels))}, in this order."
            )

    def _check_zone(self, zone: str | None) -> None:
        if (zone is None) == (self.tz is None):
            return
        was, now = ("aware", "naive") if self.tz else ("naive", "aware")
        raise ValueError(
            f"The stamps are time zone {now} ({zone}), those of the fit were {was} "
            f"({self.tz}). Use tz_localize or tz_convert on the index so that both are "
            "of a kind."
        )

    def names_out(self, estimator: Any, input_features: Any) -> NDArray[Any]:
        """Give the names of the columns of an answer, as scikit-learn asks.

        Parameters
        ----------
        estimator : fitted estimator
        input_features : array-like of str or None
            Checked against the names of the fit.

        Returns
        -------
        ndarray of str objects

        Raises
        ------
        ValueError
            If `input_features` are not those of the fit.
        """
        columns = np.asarray(self.columns, dtype=object)
        if input_features is None:
            return columns
        given = np.asarray(input_features, dtype=object)
        if len(given) != len(self.channels):
            raise ValueError(
                "input_features should have length equal to number of features "
                f"({len(self.channels)}), got {len(given)}"
            )
        if not hasattr(estimator, "feature_names_in_"):
            return given
        if tuple(given) != self.channels:
            raise ValueError("input_features is not equal to feature_names_in_")
        return columns


def read_panel(X: Any, **options: Any) -> Panel:
    """Read data as `to_panel` does, and rows with names for labels besides.

    Names are no time, but scikit-learn's users have them: with a warning, such rows are
    numbered. Text that can be read as a date stays an error.

    Parameters
    ----------
    X : DataFrame, Series, array or polars frame
    **options
        As for `to_panel`.

    Returns
    -------
    Panel

    Raises
    ------
    TypeError, ValueError
        If the data can't be used.

    Examples
    --------
    >>> read_panel(pd.Series([1.0, 2.0], [0, 1])).elapsed
    array([0., 1.])
    """
    index = X.index if isinstance(X, pd.DataFrame | pd.Series) else None
    if index is None or not _is_text(index):
        return to_panel(X, **options)
    advise(
        f"The index is text ({index[0]!r}, ...), no time: the rows are numbered in "
        "their order. Give X a DatetimeIndex if they have times."
    )
    panel = to_panel(X.reset_index(drop=True), **options)
    return replace(panel, layout=replace(panel.layout, index=index))


def _is_text(index: pd.Index) -> bool:
    """Whether the labels are text of which the first can't be read as a date."""
    if index.nlevels > 1:  # whose labels would be made one by one, to be looked at
        return False
    if pd.api.types.infer_dtype(index) != "string":
        return False
    try:
        return bool(pd.isna(pd.Timestamp(index[0])))
    except ValueError:
        return True


def is_bare(X: Any) -> bool:
    """Tell whether the data are numbers without any labels.

    Parameters
    ----------
    X : DataFrame, Series, array or polars frame

    Returns
    -------
    bool

    Examples
    --------
    >>> is_bare([[1.0], [2.0]]), is_bare(pd.Series([1.0]))
    (True, False)
    """
    return isinstance(X, np.ndarray | list | tuple)


def _has_holidays(freq: str | None) -> bool:
    """Whether an alias leaves out which days are no business days."""
    return freq is not None and isinstance(to_offset(freq), _CUSTOM)


def _kind(panel: Panel) -> str:
    return _KINDS.get(type(panel.stamps), "numbers")


def _zone(panel: Panel) -> str | None:
    zone = getattr(panel.stamps, "tz", None)
    return None if zone is None else str(zone)
