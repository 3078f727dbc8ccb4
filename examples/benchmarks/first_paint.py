"""Size and first paint of the largest figures, in a headless browser.

Run it by ``python examples/benchmarks/first_paint.py``. Each figure is saved with
plotly.js inside and opened from the disk; first paint is the time from opening the page
until the figure is drawn. Size is that of the page without plotly.js. Of the long
series, also the time from zooming in until its points are drawn anew, as the page
measures it: into a tenth, a thousandth and 200 rows, and out again. Draws are made up:
what is measured does not depend on a fit.
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
N_ROWS = 1_000_000
ZOOM = """async range => {
    const gd = document.getElementById("figure"), start = performance.now();
    const drawn = new Promise(done => gd.once("plotly_redraw", done));
    Plotly.relayout(gd, range);
    await drawn;
    return performance.now() - start;
}"""


def film() -> Any:
    """60 frames of 3 channels of 500 rows, all of them missing but two."""
    X = pd.DataFrame(np.nan, pd.RangeIndex(500), list("abc"))
    X.iloc[[0, -1]] = 1.0
    panel = to_panel(X)
    cells = np.flatnonzero(np.isnan(panel.values))
    points = np.random.default_rng(0).normal(size=(9, 20, len(cells)))
    return plotting.plot_denoising(Trace.between(panel, points, cells, 60))


def gaps(n_rows: int = N_ROWS) -> Any:
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


def zooms(page: Any) -> str:
    """Zoom into the middle of the long series and out again; say how long it takes."""
    page.wait_for_timeout(3_000)  # until it is drawn at first
    stamps = pd.date_range("2000-01-01", periods=N_ROWS, freq="min")
    middle, seconds = N_ROWS // 2, []
    for n_rows in (N_ROWS // 10, N_ROWS // 1000, 200):
        ends = [str(stamps[middle]), str(stamps[middle + n_rows])]
        seconds.append(page.evaluate(ZOOM, {"xaxis.range": ends}) / 1e3)
    seconds.append(page.evaluate(ZOOM, {"xaxis.autorange": True}) / 1e3)
    return ", ".join(f"{one:.2f}" for one in seconds)


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
            options = {"auto_play": False, "div_id": "figure"}
            figure.write_html(file, include_plotlyjs=True, **options)
            size = len(figure.to_html(include_plotlyjs=False).encode()) / 1e6
            waits = []
            for _ in range(REPEATS):
                page = browser.new_page(viewport={"width": 1000, "height": 800})
                start = time.perf_counter()
                page.goto(file.as_uri())
                page.wait_for_selector(".main-svg .scatterlayer .trace")
                waits.append(time.perf_counter() - start)
                zoomed = zooms(page) if make is gaps else ""
                page.close()
            print(
                f"{make.__name__}: made in {made:.1f} s, {size:.2f} MB beyond "
                f"plotly.js, first paint {np.median(waits):.2f} s "
                f"({min(waits):.2f} to {max(waits):.2f})"
                + (f", zooming {zoomed} s" if zoomed else "")
            )
        browser.close()


if __name__ == "__main__":
    main()
