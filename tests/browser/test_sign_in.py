"""Signing in as people do: the real form in a real browser, with and without HTTPS in front."""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from werkzeug.test import Client

from tests.browser.serving import served
from tests.e2e.house import STAFF, House, house
from trusthub import app
from trusthub.cli.serve import free_port


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    port = free_port("127.0.0.1")
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, base_url=f"http://hub.example:{port}") as made:
        app.add_user(made.parts.settings, email=STAFF[0], name=STAFF[1], password=STAFF[2])
        with served(made.parts.wsgi, port=port):
            yield made


def sign_in(hub: House, page: Page, path: str = "/console/") -> None:
    """Sign in with what the labels of the form say."""
    page.goto(f"{hub.parts.hub.base_url}{path}")
    page.get_by_label("Email address").fill(STAFF[0])
    page.get_by_label("Password").fill(STAFF[2])
    page.get_by_role("button", name="Sign in").click()


def test_the_form_leads_to_what_was_asked_for(hub: House, page: Page) -> None:
    sign_in(hub, page, "/console/deliveries?state=failed")
    expect(page).to_have_url(f"{hub.parts.hub.base_url}/console/deliveries?state=failed")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_form_is_told_apart_from_a_foreign_one_by_what_the_browser_sends(hub: House, page: Page) -> None:
    """Behind HTTPS the CSRF check reads the Referer, so console pages must let the browser send it to ourselves."""
    with page.expect_request(lambda sent: sent.method == "POST") as sent:
        sign_in(hub, page)
    headers = sent.value.all_headers()
    assert headers["origin"] == hub.parts.hub.base_url
    assert headers["referer"].startswith(f"{hub.parts.hub.base_url}/console/login")
    behind = Client(hub.parts.wsgi)
    https = {"base_url": "https://hub.example"}
    form = behind.get("/console/login", **https).text
    token = form.partition('name="csrf_token" value="')[2].partition('"')[0]
    data = {"csrf_token": token, "email": STAFF[0], "password": STAFF[2]}
    for referer, status in (("https://hub.example/console/login", 302), ("https://evil.example/", 400)):
        sent_as = {"data": data, "headers": {"Referer": referer}}
        assert behind.post("/console/login", **https, **sent_as).status_code == HTTPStatus(status)
