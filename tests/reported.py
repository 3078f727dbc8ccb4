"""Data with hostile names, small fits, and a reader of pages, for tests of reports."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
from small import tiny

from tsdiff import DiffusionForecaster

SCRIPT = "</script><script>alert(1)</script> %{y} $x$"
IMAGE = "<img src=x onerror=alert(2)>"
LINK = "javascript:alert(3)//' onclick='alert(4)"
HOURS = pd.date_range("2024-03-04", periods=300, freq="h", name="time")
SEEN = 200  # rows of the fit
H = 6


def data(names: tuple[str, ...] = (SCRIPT, IMAGE)) -> pd.DataFrame:
    """Waves with noise and gaps, some of them behind the rows of the fit."""
    t, rng = np.arange(len(HOURS)), np.random.default_rng(0)
    X = pd.DataFrame(
        {
            names[0]: 100 + 9 * np.sin(t / 4) + rng.normal(size=len(t)),
            names[1]: np.cos(t / 7) + rng.normal(size=len(t)) / 9,
        },
        HOURS,
    ).round(3)
    for first, length in ((20, 5), (90, 12), (160, 3), (230, 8), (270, 4)):
        X.iloc[first : first + length, 0] = np.nan
    X.iloc[120:131] = np.nan
    return X


def imputer(X: pd.DataFrame, **parameters: Any) -> Any:
    return tiny(max_epochs=2, **parameters).fit(X)


def forecaster(y: pd.DataFrame, **inputs: Any) -> Any:
    shared = tiny().get_params(deep=False)
    del shared["max_gap"]
    return DiffusionForecaster(horizon=H, **shared).fit(y, **inputs)


class Page(HTMLParser):
    """What a browser makes of a page: its elements, tables, figures and text.

    Attributes
    ----------
    elements : list of (str, dict)
        Names with their attributes.
    tables : dict of str to list of lists
        Rows of texts by caption, the head first.
    figures : list of dict
    text : str
        Outside of scripts and looks.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.figures: list[dict[str, Any]] = []
        self.text = ""
        self._held, self._rows, self._caption = "", [], ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        if tag in {"th", "td", "caption", "script", "style"}:
            self._held = ""

    def handle_data(self, data: str) -> None:
        self._held += data
        if self.elements and self.elements[-1][0] not in {"script", "style"}:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag in {"th", "td"}:
            self._rows[-1].append(self._held)
        elif tag == "caption":
            self._caption = self._held
        elif tag == "table":
            self.tables[self._caption] = self._rows
        elif tag == "script" and self.elements[-1][1].get("type"):
            self.figures.append(json.loads(self._held))
