"""A real browser for the figures: skipped where there is none, unless required."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def _missing(reason: str) -> None:
    """Skip, or fail where a browser is required."""
    if os.environ.get("TSDIFF_REQUIRE_BROWSER") == "1":
        pytest.fail(f"TSDIFF_REQUIRE_BROWSER=1, but {reason}.")
    pytest.skip(f"{reason}; see README on browser tests")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One headless Chromium for all tests."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        _missing("playwright is not installed")
    path = os.environ.get("BROWSER_PATH") or next(
        filter(None, map(shutil.which, NAMES)), ""
    )
    if not path:
        _missing(f"no browser was found under the names {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS.split())
        yield browser
        browser.close()


@dataclass
class Shown:
    """A figure in the browser."""

    page: Any
    errors: list[str]
    requests: list[str]

    def run(self, script: str) -> Any:
        """Evaluate JavaScript in which `gd` is the figure."""
        figure = "document.getElementById('tsdiff')"
        return self.page.evaluate(f"(() => {{ const gd = {figure}; return {script} }})")

    def change(self, figure: go.Figure) -> None:
        """Show another figure in the same page, which spares the time to open one."""
        self.page.evaluate(
            """async figure => {
                const gd = document.getElementById('tsdiff');
                Plotly.purge(gd);
                gd.style.height = `${figure.layout.height}px`;
                figure.config = {responsive: true};
                await Plotly.newPlot(gd, figure);
            }""",
            json.loads(figure.to_json()),
        )

    def resize(self, width: int, height: int = 900) -> None:
        """Give the window another size."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.wait_for_timeout(250)

    def choose(self, menu: int, entry: int) -> None:
        """Click an entry of a menu, counted from 0; menus as the figure lists them."""
        self.page.locator("#tsdiff .updatemenu-header").nth(menu).click()
        self.page.locator("#tsdiff .updatemenu-dropdown-button").nth(entry).click()
        self.page.wait_for_timeout(150)

    def hover(self, row: int, x: str | float, y: float) -> str:
        """Move the mouse to a point of a row and read the label."""
        self.page.mouse.move(1, 1)
        self.page.wait_for_timeout(120)
        axis = "yaxis" if row == 0 else f"yaxis{row + 1}"
        left, top = self.run(
            f"""(() => {{
                const layout = gd._fullLayout, box = gd.getBoundingClientRect();
                const xa = layout.xaxis, ya = layout.{axis};
                return [box.left + xa._offset + xa.d2p({json.dumps(x)}),
                        box.top + ya._offset + ya.d2p({float(y)})];
            }})()"""
        )
        for step in (0.8, 0.0):
            self.page.mouse.move(left + step, top)
            self.page.wait_for_timeout(150)
        return self.page.locator("#tsdiff .hoverlayer").text_content()


@dataclass
class Opened:
    """What is open in the browser."""

    context: Any
    views: list[Shown] = field(default_factory=list)

    def visit(self, file: Path, width: int = 1000, height: int = 800) -> Shown:
        """Open a saved page, and note what goes wrong and what it asks for."""
        page = self.context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(120_000)  # a busy machine is no failure
        view = Shown(page, [], [])
        page.on("pageerror", lambda error: view.errors.append(str(error)))
        page.on("dialog", lambda dialog: view.errors.append(dialog.message))
        page.on("request", lambda request: view.requests.append(request.url))
        self.views.append(view)
        page.goto(file.as_uri())
        return view

    def check(self) -> None:
        """No page has failed or asked the network for anything, in this test."""
        errors = [error for view in self.views for error in view.errors]
        requests = [url for view in self.views for url in view.requests]
        for view in self.views:  # the next test answers for its own alone
            view.errors.clear()
            view.requests.clear()
        assert not errors
        assert all(url.startswith(("file:", "data:", "blob:")) for url in requests)


@pytest.fixture(scope="module")
def opened(browser: Any) -> Iterator[Opened]:
    """Pages of a module, the first of which shows one figure after the other."""
    context = browser.new_context()
    yield Opened(context)
    context.close()


@pytest.fixture
def show(opened: Opened, tmp_path: Path) -> Iterator[Callable[..., Shown]]:
    """Show figures at a size; no page may fail or ask the network for anything.

    The first figure of a module, and any that asks for a page of its own, is opened as
    a saved page.
    """

    def open_figure(
        figure: go.Figure, width: int = 1000, height: int = 800, own: bool = False
    ) -> Shown:
        if opened.views and not own:
            view = opened.views[0]
            view.page.mouse.move(1, 1)
            view.page.set_viewport_size({"width": width, "height": height})
            view.change(figure)
            return view
        file = tmp_path / f"{len(opened.views)}.html"
        figure.write_html(file, include_plotlyjs=True, div_id="tsdiff", auto_play=False)
        view = opened.visit(file, width, height)
        view.page.wait_for_selector("#tsdiff .main-svg")
        return view

    yield open_figure
    opened.check()


@pytest.fixture
def visit(opened: Opened) -> Iterator[Callable[..., Shown]]:
    """Open saved pages at a size; none may fail or ask the network for anything."""
    yield opened.visit
    opened.check()
