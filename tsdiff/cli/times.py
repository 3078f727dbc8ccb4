"""The time of rows: found among the columns, read in one format throughout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from pandas.tseries.api import guess_datetime_format

_ISO = "ISO8601"


@dataclass(frozen=True)
class Clock:
    """Column of time, and how its texts are read.

    Attributes
    ----------
    column : str
    format : str or None
        Of dates that are text, as `strptime` names it, or "ISO8601"; None for numbers,
        and for dates that come as dates.
    """

    column: str
    format: str | None

    def __str__(self) -> str:
        what = {None: "as it is", _ISO: "as ISO 8601"}.get(self.format, self.format)
        return f"time is column {self.column!r}, read {what}"

    def read(self, column: pd.Series, first: int) -> pd.Index:
        """Read the stamps of some rows.

        Parameters
        ----------
        column : Series
        first : int
            Number of its first row in the table.

        Returns
        -------
        Index

        Raises
        ------
        ValueError
            Naming column, row and value.
        """
        if self.format is None:
            if pd.api.types.is_datetime64_any_dtype(column.dtype):
                stamps, wanted = column, "date"
            else:
                stamps, wanted = pd.to_numeric(column, errors="coerce"), "number"
        else:
            stamps, wanted = self._dates(column), "date"
        bad = stamps.isna().to_numpy()
        if bad.any():
            row = int(bad.argmax())
            how = {None: "", _ISO: " (as 2024-12-31 23:59)"}.get(
                self.format, f" of the form {self.format}"
            )
            raise ValueError(
                f"Column {column.name!r}, row {first + row + 1}: "
                f"{column.iloc[row]!r} is no {wanted}{how}. Every row needs its time; "
                "mend the row, or say the format by --time-format."
            )
        return pd.Index(stamps, name=column.name)

    def write(self, stamps: Any) -> Any:
        """Write stamps in the way that the column has them."""
        if self.format in (None, _ISO) or not hasattr(stamps, "strftime"):
            return stamps
        return stamps.strftime(self.format)

    def _dates(self, column: pd.Series) -> pd.Series:
        try:
            return pd.to_datetime(column, format=self.format, errors="coerce")
        except ValueError as error:  # of clocks that are put forward and back
            raise ValueError(
                f"Column {column.name!r} changes its offset from UTC: {error}. Write "
                "its times in UTC."
            ) from error


def find_clock(
    head: pd.DataFrame, column: str | None, form: str | None, taken: str | None
) -> Clock | None:
    """Find the column of time.

    Parameters
    ----------
    head : DataFrame
        First rows of the table; text, or dates and numbers.
    column, form : str, optional
        What the user says.
    taken : str, optional
        Column that is none, as it names the series.

    Returns
    -------
    Clock or None
        None if no column holds dates.
    """
    for name in [column] if column is not None else head.columns:
        if name == taken:
            continue
        if pd.api.types.is_datetime64_any_dtype(head[name].dtype):
            return Clock(name, None)
        found = _format_of(head[name], form)
        if found is not None:
            return Clock(name, found)
    if column is None:
        return None
    return Clock(column, form or _format_of(head[column].iloc[:1], None))


def _format_of(column: pd.Series, form: str | None) -> str | None:
    """Format in which all texts of a column are dates; None if there is none."""
    texts = column[column.astype(str).str.strip() != ""]
    if not len(texts) or pd.api.types.is_numeric_dtype(column.dtype):
        return None
    if form is not None:
        return form if _fits(texts, form) else None
    if pd.to_numeric(texts, errors="coerce").notna().any():
        return None
    if _fits(texts, _ISO):
        return _ISO
    first = str(texts.iloc[0])
    guesses = {guess_datetime_format(first, dayfirst=day) for day in (False, True)}
    fitting = sorted(guess for guess in guesses if guess and _fits(texts, guess))
    if len(fitting) > 1:
        raise ValueError(
            f"Column {column.name!r}: {first!r} can be read as {fitting[0]} and as "
            f"{fitting[1]}. Say which by --time-format."
        )
    return fitting[0] if fitting else None


def _fits(texts: pd.Series, form: str) -> bool:
    try:
        pd.to_datetime(texts, format=form)
    except (ValueError, TypeError):
        return False
    return True
