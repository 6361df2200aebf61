"""The widget and the badge on other people's pages: another origin, a strict policy, no request to anybody else."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.wrappers import Response

from tests.browser.serving import served
from tests.e2e.house import House, house
from tests.e2e.test_languages import speaking
from tests.e2e.test_publicity import canary, rolled_back

SLOW = 30_000
"""Milliseconds that a busy machine may take."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path) as made:
        yield made


@dataclass
class Shop:
    """Another site, on an origin of its own."""

    browser: Browser
    address: str = ""
    html: str = ""
    policy: str = ""
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def serve(self, environ: Any, start: Any) -> Any:
        page = f"<!DOCTYPE html><html lang=en><title>Shop</title><link rel=icon href=data:,><h1>Shop</h1>{self.html}"
        answer = Response(page, mimetype="text/html", headers={"Content-Security-Policy": self.policy})
        return answer(environ, start)

    def open(self, hub: str, html: str, **options: Any) -> Page:
        """Open its page with some HTML, under a policy that lets it ask nobody but the hub."""
        self.html = html
        self.policy = (
            f"default-src 'none'; script-src {hub}; connect-src {hub}; img-src {hub} data:; "
            "require-trusted-types-for 'script'"
        )
        page = self.browser.new_context(locale="en-GB", **options).new_page()
        page.set_default_timeout(SLOW)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url.partition("//")[2].partition("/")[0]))
        page.clock.install()
        page.route("**/*", lambda route: route.continue_())  # no cache: its ten seconds are real ones
        page.goto(self.address)
        self.hosts = {hub.removeprefix("http://"), self.address.removeprefix("http://"), ","}
        return page


@pytest.fixture
def shop(browser: Browser) -> Iterator[Shop]:
    made = Shop(browser)
    with served(made.serve, "shop.example") as made.address:
        yield made
        for context in browser.contexts:
            context.close()
    assert set(made.asked) - made.hosts == set()


def test_the_widget_says_the_state_and_leads_to_the_page(hub: House, shop: Shop) -> None:
    with served(hub.parts.wsgi) as address:
        page = shop.open(address, f'<script src="{address}/embed.js" async></script>')
        link = page.get_by_role("link", name="Acme: All systems operational")
        expect(link).to_be_visible()
        expect(link).to_have_attribute("href", "https://status.acme.example/")
        expect(link).to_have_attribute("lang", "en")
    assert shop.complaints == []


def test_the_widget_follows_the_page(hub: House, shop: Shop) -> None:
    with served(hub.parts.wsgi) as address:
        page = shop.open(address, f'<p id=here></p><script src="{address}/embed.js" data-target="#here"></script>')
        link = page.locator("#here a")
        expect(link).to_have_text("Acme: All systems operational")
        canary(hub)
        rolled_back(hub)
        page.clock.run_for(61_000)
        expect(link).to_have_text("Acme: Checkout is not working as it should")
        expect(link).to_have_class("minor")
    assert shop.complaints == []


def test_the_widget_claims_nothing_when_nobody_answers(hub: House, shop: Shop) -> None:
    with served(hub.parts.wsgi) as address:
        link = shop.open(address, f'<script src="{address}/embed.js"></script>').get_by_role("link")
        expect(link).to_have_text("Acme: All systems operational")
    link.page.clock.run_for(200_000)
    expect(link).to_have_text("Acme: All systems operational")
    link.page.clock.run_for(240_000)
    expect(link).to_have_text(address.removeprefix("http://"))
    expect(link).to_have_class("unknown")


def test_the_widget_speaks_the_readers_language(tmp_path: Path, shop: Shop) -> None:
    with speaking(tmp_path, "[en, de]") as hub, served(hub.parts.wsgi) as address:
        for wanted, words in (("de-AT", "Acme: Alles funktioniert"), ("fr", "Acme: All systems operational")):
            page = shop.open(address, f'<script src="{address}/embed.js" data-language="{wanted}"></script>')
            expect(page.get_by_role("link")).to_have_text(words)


def test_the_widget_can_be_read_in_light_and_dark(hub: House, shop: Shop) -> None:
    colours = "(link) => { const style = getComputedStyle(link); return [style.color, style.backgroundColor]; }"
    with served(hub.parts.wsgi) as address:
        script = f'<meta name="color-scheme" content="light dark"><script src="{address}/embed.js"></script>'
        light = shop.open(address, script, color_scheme="light").get_by_role("link").evaluate(colours)
        dark = shop.open(address, script, color_scheme="dark").get_by_role("link").evaluate(colours)
    assert light == ["rgb(26, 30, 36)", "rgb(255, 255, 255)"]
    assert dark == ["rgb(232, 235, 238)", "rgb(20, 23, 27)"]


def test_the_badge_says_the_state_by_word_and_name(hub: House, shop: Shop) -> None:
    canary(hub)
    rolled_back(hub)
    answer = hub.web.get("/badge.svg")
    assert answer.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    picture = ET.fromstring(answer.data)  # noqa: S314 - our own document
    space = {"svg": "http://www.w3.org/2000/svg"}
    assert picture.findtext("svg:title", namespaces=space) == "Acme status: Degraded performance"
    assert [text.text for text in picture.findall("svg:text", space)] == ["Acme", "Degraded performance"]
    assert (picture.get("role"), picture.get("aria-labelledby")) == ("img", "title")
    with served(hub.parts.wsgi) as address:
        page = shop.open(address, f'<img src="{address}/badge.svg" alt="Acme status">')
        drawn = page.get_by_role("img").evaluate("(image) => [image.complete, image.naturalWidth, image.naturalHeight]")
    assert drawn == [True, int(picture.get("width", "0")), 24]
