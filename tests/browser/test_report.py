"""The report as a reader meets it: sizes, grounds, hostile names, no way out."""

from __future__ import annotations

import pandas as pd
import pytest
from reported import IMAGE, LINK, SCRIPT, SEEN, data, forecaster, imputer

from tsdiff import report

GROUNDS = """[getComputedStyle(document.body).backgroundColor,
    ...[...document.querySelectorAll('.plot .main-svg:first-child')].map(
        svg => getComputedStyle(svg).backgroundColor)]"""
WIDTHS = """all => all.map(place => [place, place.querySelector('.main-svg')].map(
    box => box.getBoundingClientRect().width))"""


def opened_page(visit, path):
    """Scroll to every figure, so that it is drawn."""
    view = visit(path, 400)
    places = view.page.locator(".plot")
    for number in range(places.count()):
        places.nth(number).scroll_into_view_if_needed()
        places.nth(number).locator(".main-svg").first.wait_for()
    return view, places


def nothing_sticks_out(view, places):
    for width in (400, 1000, 1600):
        view.resize(width)
        assert view.page.evaluate("document.documentElement.scrollWidth") <= width
        for place, drawn in places.evaluate_all(WIDTHS):
            assert drawn == pytest.approx(place, abs=1)
    assert view.page.locator("main img, main a, iframe, form").count() == 0
    buttons = view.page.locator(".modebar-btn").evaluate_all(
        "all => all.map(button => button.dataset.title)"
    )
    assert "Reset axes" in buttons
    assert not [title for title in buttons if "hare" in title or "loud" in title]
    tried = view.page.evaluate("fetch('https://example.org').then(() => 1, () => 0)")
    assert tried == 0  # the page's own policy: no request leaves


def test_a_report_on_gaps(visit, tmp_path):
    X = data()
    report(imputer(X.iloc[:SEEN]), X, tmp_path / "page.html", n_samples=5)
    view, places = opened_page(visit, tmp_path / "page.html")
    nothing_sticks_out(view, places)
    rows = view.page.locator("#data tbody th").all_text_contents()
    assert rows == [SCRIPT, IMAGE]
    texts = view.page.locator(".plot .annotation-text").all_text_contents()
    assert any(IMAGE in text for text in texts)
    light, dark = "rgb(255, 255, 255)", "rgb(21, 24, 28)"
    for scheme, ground in (("light", light), ("dark", dark), ("light", light)):
        view.page.emulate_media(color_scheme=scheme)
        view.page.wait_for_timeout(600)
        found = view.page.evaluate(GROUNDS)
        assert len(found) == 1 + places.count()
        assert set(found) == {ground}


def test_a_report_on_forecasts(visit, tmp_path):
    X = data()
    parts = {IMAGE: X.iloc[:90], "b" * 300: X.iloc[100:190]}
    y = pd.concat(parts, names=["unique_id", "ds"]).rename(columns={IMAGE: LINK})
    report(forecaster(y), y, tmp_path / "page.html", n_samples=5)
    view, places = opened_page(visit, tmp_path / "page.html")
    nothing_sticks_out(view, places)
    heads = view.page.locator("#pictures h3").all_text_contents()
    assert any(f"series {IMAGE}, " in head or "b" * 300 in head for head in heads)
    assert view.page.locator("#data tbody th").all_text_contents() == [SCRIPT, LINK]
