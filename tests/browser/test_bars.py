"""The strips of days in a real browser: one tab stop each, arrow keys, a pointer, a phone; and the table without."""

import gzip
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.samples import STATUS
from tests.browser.test_pages import _HUB, LIMIT, STATIC, render
from trusthub.web.security import SCRIPTS, headers

SERVED = dict(headers(_HUB, SCRIPTS))
TYPES = {"css": "text/css", "js": "text/javascript"}
Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open the status page as it is served, with its script; nothing may go wrong, and three requests are enough."""
    complaints: list[str] = []

    def open_page(*, width: int = 1000, scripts: bool = True, **options: Any) -> Page:
        asked: list[str] = []
        context = browser.new_context(
            java_script_enabled=scripts, viewport={"width": width, "height": 800}, locale="en-GB", **options
        )
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.route("**/*", serve)
        page.goto(f"{STATUS}/")
        assert len([url for url in asked if not url.startswith("data:")]) <= 3
        return page

    def serve(route: Route) -> None:
        name = route.request.url.removeprefix(f"{STATUS}/")
        if not name:
            route.fulfill(body=render("status"), content_type="text/html; charset=utf-8", headers=SERVED)
        else:
            route.fulfill(path=STATIC / name.removeprefix("static/"), content_type=TYPES[name.rpartition(".")[2]])

    yield open_page
    for context in browser.contexts:
        context.close()
    assert complaints == []


def checkout(page: Page) -> Any:
    return page.get_by_role("slider", name="Checkout: day by day")


def test_the_keyboard_reaches_every_day_by_one_tab_stop(open_page: Open) -> None:
    page = open_page()
    strip = checkout(page)
    assert page.get_by_role("slider").count() == 8
    strip.focus()
    expect(strip).to_have_attribute("aria-valuetext", "22 November 2026: Partial outage (32 minutes)")
    expect(page.locator(".said:visible")).to_have_text("22 November 2026: Partial outage (32 minutes)")
    for key, words in (
        ("ArrowLeft", "21 November 2026: No trouble"),
        ("ArrowUp", "22 November 2026: Partial outage (32 minutes)"),
        ("ArrowRight", "22 November 2026: Partial outage (32 minutes)"),
        ("PageUp", "15 November 2026: No trouble"),
        ("Home", "25 August 2026: No trouble"),
        ("End", "22 November 2026: Partial outage (32 minutes)"),
    ):
        page.keyboard.press(key)
        expect(strip).to_have_attribute("aria-valuetext", words)
    page.keyboard.press("Escape")
    expect(page.locator(".said:visible")).to_have_count(0)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="4 incidents")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Refunds", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("slider", name="Refunds: day by day")).to_be_focused()


def test_a_pointer_reads_the_day_under_it(open_page: Open) -> None:
    page = open_page()
    strip = checkout(page)
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * (18.3 / 90), box["y"] + 10)  # 71 days ago
    expect(page.locator(".said:visible")).to_have_text(
        "12 September 2026: Major outage (48 minutes), Partial outage (30 minutes)"
    )
    page.mouse.move(0, 0)
    expect(page.locator(".said:visible")).to_have_count(0)


@pytest.mark.parametrize(("width", "days", "share"), [(1000, 90, "99.92"), (700, 60, "99.94"), (390, 30, "99.89")])
def test_a_small_screen_shows_fewer_days_and_counts_those(open_page: Open, width: int, days: int, share: str) -> None:
    page = open_page(width=width)
    strip = checkout(page)
    expect(strip).to_have_attribute("aria-valuemax", str(days))
    line = page.locator(".uptime", has=strip).locator("p").first
    assert " ".join(line.inner_text().split()).startswith(f"{days} days ago {share} % uptime · ")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    strip.focus()
    page.keyboard.press("Home")
    expect(strip).to_have_attribute("aria-valuenow", "1")


def test_days_before_a_component_was_there_say_so(open_page: Open) -> None:
    page = open_page()
    strip = page.get_by_role("slider", name="Invoices: day by day")
    strip.focus()
    page.keyboard.press("Home")
    expect(strip).to_have_attribute("aria-valuetext", "25 August 2026: Not on this page yet")


def test_a_table_says_the_same_without_scripts(open_page: Open) -> None:
    page = open_page(scripts=False)
    assert page.get_by_role("slider").count() == 0
    page.get_by_text("How we count, and the same as a table").click()
    expect(page.get_by_text("a partial outage as 30 % of its time")).to_be_visible()
    rows = [row.split("\t") for row in page.get_by_role("row").all_inner_texts()]
    assert rows[0] == ["Component", "90 days", "60 days", "30 days", "Incidents"]
    assert rows[1] == ["Checkout", "99.92 %", "99.94 %", "99.89 %", "4"]
    assert ["12 September 2026", "Checkout", "Major outage (48 minutes), Partial outage (30 minutes)"] in rows


def test_a_worse_day_is_a_taller_bar(open_page: Open) -> None:
    drawn = checkout(open_page()).locator("path")
    heights = [box["height"] for box in (path.bounding_box() for path in drawn.all()) if box]
    calm, outage, degraded, partial, _ = (round(height) for height in heights)
    assert outage > partial > degraded > calm


def test_it_all_stays_small() -> None:
    parts = [render("status").encode(), *((STATIC / name).read_bytes() for name in ("page.css", "bars.js"))]
    assert sum(len(gzip.compress(part)) for part in parts) < LIMIT
