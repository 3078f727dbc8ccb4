"""Sets on which imputers are compared side by side; see peers.py.

- ``physionet``: 800 test stays of fold 0, 10 % of the cells hidden at random; 2,800
  stays train, 400 choose the weights (protocol of physionet.py).
- ``pm25``: 36 stations, windows of 36 hours of months 3, 6, 9, 12, the benchmark's own
  gaps hidden (protocol of pm25.py).
- ``air_quality``: twelve sensors in windows of 48 hours that do not overlap; the last
  30 % of the time is tested, a fifth of its cells hidden in blocks of half a day on
  average, each sensor for itself. The sensors' own gaps stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import physionet as stays
import pm25 as dust
from numpy.typing import NDArray
from sensors import air_quality as load_sensors

from tsdiff.datasets import make_gaps

Floats = NDArray[np.float64]

N_HOURS = 48
VALIDATED = 0.1  # of a series' rows, its last, as much as tsdiff holds out by default


@dataclass(frozen=True)
class PeerTask:
    """Windows with hidden cells, and what may be learned from.

    Test windows are in random order, so that the first ones are a fair sample.

    Attributes
    ----------
    name : str
    train : DataFrame or ndarray
        What tsdiff and the models of `tsdiff.baselines` are fitted on.
    shown : DataFrame or ndarray
        Test windows without the hidden cells, a series each, L rows after L rows.
    truth : ndarray of shape (W, L, C)
    hidden : ndarray of bool, shape (W, L, C)
        Cells to answer.
    order : ndarray of int, shape (W,)
        Place of each window in time.
    windows : ndarray of shape (n, L, C)
        What the peers train on.
    checked, checked_shown : ndarray of shape (m, L, C)
        Windows that choose the peers' weights, and the same without hidden cells.
    settings : dict
        Arguments of tsdiff that the protocol asks for.
    lent : bool
        Whether training lends the gaps of other windows ("mix" of CSDI).
    """

    name: str
    train: Any
    shown: Any
    truth: Floats
    hidden: NDArray[np.bool_]
    order: NDArray[np.int64]
    windows: Floats
    checked: Floats
    checked_shown: Floats
    settings: dict[str, Any] = field(default_factory=dict)
    lent: bool = False

    def part(self, first: int, stop: int) -> Any:
        """Test windows from the first to the stop, as a series each."""
        if isinstance(self.shown, pd.DataFrame):
            n_rows = self.truth.shape[1]
            return self.shown.iloc[first * n_rows : stop * n_rows]
        return self.shown[first:stop]

    def first(self, n_windows: int) -> PeerTask:
        """Keep the first test windows only, to try things out."""
        n_windows = min(n_windows, len(self.truth))
        return replace(
            self,
            shown=self.part(0, n_windows),
            truth=self.truth[:n_windows],
            hidden=self.hidden[:n_windows],
            order=self.order[:n_windows],
        )


def physionet(seed: int) -> PeerTask:
    """Make the windows of the stays."""
    task = stays.protocol(missing=0.1, fold=0)
    place = np.random.default_rng(seed).permutation(len(task["test"]))
    test, rest = task["test"][place], task["rest"]
    truth, hidden = task["values"][test], task["hidden"][test]
    windows, checked = np.split(task["values"][rest], [len(rest) - 400])
    return PeerTask(
        "physionet",
        train=task["values"][rest],
        shown=np.where(hidden, np.nan, truth),
        truth=truth,
        hidden=hidden,
        order=place,
        windows=windows,
        checked=checked,
        checked_shown=make_gaps(checked, "mcar", ratio=0.1, random_state=seed)[0],
        settings={
            "mask_mix": {"random": 1.0},
            "validation_fraction": 400 / len(rest),
        },
    )


def pm25(seed: int) -> PeerTask:
    """Make the windows of the four months."""
    ground, missing = dust.load_pm25("ground"), dust.load_pm25("missing")
    shown, new = dust.windows(dust.by_month(missing, dust.TESTED))
    truth, _ = dust.windows(dust.by_month(ground, dust.TESTED))
    hidden = truth.notna() & shown.isna() & new[:, None]
    months = tuple(m for m in range(1, 13) if m not in dust.TESTED)
    train = dust.by_month(ground, months)
    task = shuffled(train, truth, shown, hidden, dust.N_HOURS, seed)
    return PeerTask("pm25", **task, settings=dust.SETTINGS, lent=True)


def air_quality(seed: int) -> PeerTask:
    """Make the windows of the last months of the sensors, in units of their spread."""
    table = load_sensors()
    cut = round(0.7 * len(table))
    table = (table - table[:cut].mean()) / table[:cut].std()
    truth = table[cut:]
    truth = truth[: len(truth) // N_HOURS * N_HOURS]
    shown, hidden = make_gaps(truth, "blocks", ratio=0.2, random_state=seed)
    task = shuffled(table[:cut], truth, shown, hidden, N_HOURS, seed)
    return PeerTask("air_quality", **task)


def shuffled(
    train: pd.DataFrame,
    truth: pd.DataFrame,
    shown: pd.DataFrame,
    hidden: pd.DataFrame,
    n_rows: int,
    seed: int,
) -> dict[str, Any]:
    """Cut a test table into windows, in random order, and training into windows."""
    shape = (-1, n_rows, truth.shape[1])
    order = np.random.default_rng(seed).permutation(len(truth) // n_rows)
    stamps = shown.index.get_level_values(-1)
    series = [shown.to_numpy()[n_rows * w :][:n_rows] for w in order]
    index = pd.MultiIndex.from_arrays(
        [
            np.repeat([f"{number:04d}" for number in range(len(order))], n_rows),
            np.concatenate([stamps[n_rows * w :][:n_rows] for w in order]),
        ],
        names=["unique_id", "time"],
    )
    many = isinstance(train.index, pd.MultiIndex)
    parts = [part for _, part in train.groupby(level=0)] if many else [train]
    checked = sliding(parts, n_rows, lambda n: (round(n * (1 - VALIDATED)), n), 4)
    return {
        "train": train,
        "shown": pd.DataFrame(np.concatenate(series), index, columns=shown.columns),
        "truth": truth.to_numpy().reshape(shape)[order],
        "hidden": hidden.to_numpy().reshape(shape)[order],
        "order": order,
        "windows": sliding(parts, n_rows, lambda n: (0, round(n * (1 - VALIDATED)))),
        "checked": checked,
        "checked_shown": make_gaps(checked, "blocks", ratio=0.2, random_state=seed)[0],
    }


def sliding(
    parts: Sequence[pd.DataFrame],
    n_rows: int,
    rows: Callable[[int], tuple[int, int]],
    per_window: int | None = None,
) -> Floats:
    """Windows (n, L, C) of some rows of each series, at every row or so many a window.

    Windows without any value are left out.
    """
    step = n_rows // per_window if per_window else 1
    found = []
    for part in parts:
        first, stop = rows(len(part))
        starts = range(first, stop - n_rows + 1, step)
        found += [part.to_numpy()[start : start + n_rows] for start in starts]
    windows = np.stack(found)
    return windows[~np.isnan(windows).all(axis=(1, 2))]


SETS = {"air_quality": air_quality, "pm25": pm25, "physionet": physionet}
