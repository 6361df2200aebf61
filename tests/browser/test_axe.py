"""What axe-core finds on the public pages, in light and in dark, on a wide screen and on a phone: nothing."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Route

from tests import clients
from tests.browser.samples import STATUS, asset
from tests.browser.serving import served
from tests.browser.test_pages import render
from tests.e2e.house import STAFF, House, house
from trusthub import app
from trusthub.cli.serve import free_port

TYPES = {"css": "text/css", "js": "text/javascript"}
PUBLIC = (
    "status",
    "status-calm",
    "status-branded",
    "incident-branded",
    "incident-postmortem",
    "incident",
    "incident-resolved",
    "history",
    "history-month",
    "promises",
    "thread-open",
    "answered",
    "subscribe",
    "subscribe-follow",
    "subscribe-asked",
    "subscribe-confirm",
    "subscription",
    "unsubscribe",
    "affected",
    "affected-asked",
    "trust",
    "error",
)
"""Each public page, with as much on it as there can be."""


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clients.npm("axe-core@4.14.1", tmp_path_factory.mktemp("npm")) / "axe-core" / "axe.min.js"


@pytest.fixture(params=[("light", 1000), ("dark", 390)], ids=["light", "dark"])
def context(request: pytest.FixtureRequest, browser: Browser) -> Iterator[BrowserContext]:
    scheme, width = request.param
    made = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    yield made
    made.close()


def serve(name: str, route: Route) -> None:
    path = route.request.url.removeprefix(f"{STATUS}/")
    if path:
        route.fulfill(body=asset(path.removeprefix("static/")), content_type=TYPES[path.rpartition(".")[2]])
    else:
        route.fulfill(body=render(name), content_type="text/html; charset=utf-8")


def test_axe_finds_nothing(axe: Path, context: BrowserContext) -> None:
    found: dict[str, list[str]] = {}
    for name in PUBLIC:
        page = context.new_page()
        page.route("**/*", partial(serve, name))
        page.goto(f"{STATUS}/")
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        page.add_script_tag(path=axe)
        said = page.evaluate("axe.run({ resultTypes: ['violations'] })")
        found[name] = [f"{each['id']}: {node['html'][:160]}" for each in said["violations"] for node in each["nodes"]]
        page.close()
    assert {name: problems for name, problems in found.items() if problems} == {}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    port = free_port("127.0.0.1")
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, base_url=f"http://hub.example:{port}") as made:
        app.add_user(made.parts.settings, email=STAFF[0], name=STAFF[1], password=STAFF[2])
        with served(made.parts.wsgi, port=port):
            yield made


def test_axe_finds_nothing_on_the_way_into_the_console(axe: Path, context: BrowserContext, hub: House) -> None:
    page, home, found = context.new_page(), hub.parts.hub.base_url, {}
    page.set_default_timeout(5_000)

    def look(name: str) -> None:
        page.add_script_tag(path=axe)
        said = page.evaluate("axe.run({ resultTypes: ['violations'] })")
        found[name] = [f"{each['id']}: {node['html'][:160]}" for each in said["violations"] for node in each["nodes"]]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[name].append("wider than the window")

    def sign_in() -> None:
        page.goto(f"{home}/console/login?next=/console/account")
        page.get_by_label("Email address").fill(STAFF[0])
        page.get_by_label("Password").fill(STAFF[2])
        page.get_by_role("button", name="Sign in").click()

    page.goto(f"{home}/console/login")
    look("login")
    sign_in()
    look("account")
    page.get_by_role("link", name="Set it up").click()
    look("factor")
    phone = pyotp.TOTP(page.locator("code").inner_text())
    page.get_by_label("Six digits").fill(phone.at(hub.clock()))
    page.get_by_label("Your password").fill(STAFF[2])
    page.get_by_role("button", name="Turn it on").click()
    look("recovery")
    page.goto(f"{home}/console/colleagues")
    look("colleagues")
    page.get_by_role("button", name="Sign out").click()
    sign_in()
    look("second")
    page.get_by_label("Six digits").fill(phone.at(hub.clock.forward(seconds=30)))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", level=1, name="Mira").wait_for()
    assert {name: problems for name, problems in found.items() if problems} == {}
