"""What axe-core finds on the public pages, in light and in dark, on a wide screen and on a phone: nothing."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Route

from tests import clients
from tests.browser.samples import STATUS, asset
from tests.browser.test_pages import render

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
    "unsubscribe",
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
