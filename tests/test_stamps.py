"""Labels that are no time, and time that does not run forward, are named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tsdiff.panel.stamps import check_increasing, check_stamps

MIXED = pd.Index([pd.Timestamp("2024", tz="UTC"), pd.Timestamp("2024")], dtype=object)


@pytest.mark.parametrize(
    ("stamps", "error", "message"),
    [
        (pd.DatetimeIndex(["2024-01-01", None]), ValueError, r"\(NaT\) at row\(s\) 1"),
        (pd.Index([1.0, np.nan]), ValueError, "no stamp"),
        (pd.Index(["2024-01-01", "2024-01-02"]), TypeError, "to_datetime"),
        (pd.Index([True, False]), TypeError, "boolean"),
        (pd.CategoricalIndex([1, 2]), TypeError, "is no time"),
        (pd.interval_range(0, 2), TypeError, "is no time"),
        (MIXED, TypeError, "mixed time zones"),
        (pd.Index([pd.Timestamp("2024").date()] * 2), TypeError, "plain dates"),
    ],
)
def test_labels_that_are_no_time(
    stamps: pd.Index, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        check_stamps(stamps)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([4, 3, 2, 1, 0], "runs backwards"),
        ([0, 1, 1, 2, 3], "more than once: 2024-01-02 00:00:00"),
        ([0, 1, 4, 2, 3], "not sorted.*2024-01-03 00:00:00. Use"),
        ([0, 2, 1, 2, 3], "more than once: 2024-01-03"),
    ],
)
def test_time_must_run_forward(order: list[int], message: str) -> None:
    stamps = pd.date_range("2024-01-01", periods=5)[order]
    with pytest.raises(ValueError, match=message):
        check_increasing(stamps, np.array([0, 5]), (None,))
    with pytest.raises(ValueError, match=f"{message[:7]}"):
        check_increasing(stamps.append(stamps), np.array([0, 5, 10]), ("a", "b"))


def test_at_most_five_duplicates_are_listed() -> None:
    stamps = pd.DatetimeIndex(["2024-01-01"] * 9)
    with pytest.raises(ValueError, match="and 3 more") as error:
        check_increasing(stamps, np.array([0, 9]), (None,))
    assert str(error.value).count("2024-01-01") == 5
