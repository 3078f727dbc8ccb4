"""Size and first paint of the largest figures, in a headless browser.

Run it by ``python examples/benchmarks/first_paint.py``. Each figure is saved with
plotly.js inside and opened from the disk; first paint is the time from opening the page
until the figure is drawn. Size is that of the page without plotly.js. Draws are made
up: what is measured does not depend on a fit.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tsdiff import plotting
from tsdiff.draws import Draws
from tsdiff.panel.frame import to_panel
from tsdiff.trace import Trace

REPEATS = 3


def film() -> Any:
    """60 frames of 3 channels of 500 rows, all of them missing but two."""
    X = pd.DataFrame(np.nan, pd.RangeIndex(500), list("abc"))
    X.iloc[[0, -1]] = 1.0
    panel = to_panel(X)
    cells = np.flatnonzero(np.isnan(panel.values))
    points = np.random.default_rng(0).normal(size=(9, 20, len(cells)))
    return plotting.plot_denoising(Trace.between(panel, points, cells, 60))


def gaps(n_rows: int = 1_000_000) -> Any:
    """Draw one channel of a million rows, an eighth of them missing, by 20 draws."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=n_rows).cumsum()
    y[np.arange(n_rows) % 96 < 12] = np.nan
    stamps = pd.date_range("2000-01-01", periods=n_rows, freq="min")
    X = pd.DataFrame({"y": y}, stamps)
    panel = to_panel(X)
    cells = np.flatnonzero(np.isnan(y))
    middle = X["y"].ffill().fillna(0.0).to_numpy()[cells]
    samples = middle + rng.normal(size=(20, len(cells)))
    return plotting.plot_imputation(X, Draws(panel, samples, cells))


def main() -> None:
    """Print a line for each figure."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("google-chrome")
    flags = ["--headless", "--no-sandbox", "--disable-gpu"]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        for make in (film, gaps):
            start = time.perf_counter()
            figure = make()
            made = time.perf_counter() - start
            file = Path(folder) / f"{make.__name__}.html"
            figure.write_html(file, include_plotlyjs=True, auto_play=False)
            size = len(figure.to_html(include_plotlyjs=False).encode()) / 1e6
            waits = []
            for _ in range(REPEATS):
                page = browser.new_page(viewport={"width": 1000, "height": 800})
                start = time.perf_counter()
                page.goto(file.as_uri())
                page.wait_for_selector(".main-svg .scatterlayer .trace")
                waits.append(time.perf_counter() - start)
                page.close()
            print(
                f"{make.__name__}: made in {made:.1f} s, {size:.2f} MB beyond "
                f"plotly.js, first paint {np.median(waits):.2f} s "
                f"({min(waits):.2f} to {max(waits):.2f})"
            )
        browser.close()


if __name__ == "__main__":
    main()
