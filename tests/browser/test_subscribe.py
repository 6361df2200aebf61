"""Getting news by mail with nothing but a keyboard, on a narrow phone, with scripts off."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.serving import served
from tests.e2e.house import House, house
from tests.e2e.test_publicity import canary, rolled_back
from tests.e2e.test_subscribe import ANA, mails
from trusthub.cli.serve import free_port

TABS = 80
"""More than any of these pages has."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    port = free_port("127.0.0.1")
    with (
        house(f"sqlite:///{tmp_path}/hub.db", tmp_path, base_url=f"http://hub.example:{port}") as made,
        served(made.parts.wsgi, port=port),
    ):
        yield made


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A narrow phone that runs no scripts."""
    context = browser.new_context(viewport={"width": 320, "height": 640}, java_script_enabled=False, locale="en-GB")
    context.set_default_timeout(5_000)
    yield context.new_page()
    context.close()


def press(page: Page, role: Literal["button", "checkbox", "link", "textbox"], name: str, key: str = "Enter") -> None:
    """Reach a control by the tab key alone, and use it."""
    target = page.get_by_role(role, name=name).first
    for _ in range(TABS):
        page.keyboard.press("Tab")
        if page.locator(":focus").count() and target.and_(page.locator(":focus")).count():
            page.keyboard.press(key)
            return
    pytest.fail(f"the tab key does not reach {role} {name!r}")


def fits(page: Page) -> None:
    """Nothing is wider than the phone: what is whole on it ends before its edge."""
    box = page.locator("body").bounding_box()
    assert box
    assert box["width"] <= 320, page.url
    for each in page.locator("input:visible, button:visible, h1:visible, p:visible").all():
        place = each.bounding_box()
        assert place is None or place["x"] + place["width"] <= 320, each.inner_text()


def test_a_visitor_subscribes_changes_and_ends_it(hub: House, phone: Page) -> None:
    phone.goto(f"{hub.parts.hub.base_url}/")
    fits(phone)
    press(phone, "link", "Choose what you hear")
    expect(phone.get_by_role("heading", level=1)).to_have_text("Get our news by mail")
    fits(phone)
    press(phone, "textbox", "Your email address", "Home")
    phone.keyboard.type(ANA)
    phone.keyboard.press("Enter")
    expect(phone.get_by_role("heading", level=1)).to_contain_text("mail")
    fits(phone)

    (mail,) = mails(hub)
    phone.goto(found(mail["text/plain"]))
    fits(phone)
    press(phone, "button", "Yes, write to me")
    expect(phone.get_by_role("status")).to_be_visible()
    fits(phone)
    press(phone, "checkbox", "Planned work", "Space")
    press(phone, "button", "Save")
    expect(phone.get_by_role("checkbox", name="Planned work")).not_to_be_checked()

    canary(hub)
    rolled_back(hub)
    news = mails(hub)[-1]["text/plain"]
    phone.goto(found(news))
    fits(phone)
    press(phone, "button", "Stop mail")
    before = len(mails(hub))
    hub.event("rollback.finished")
    assert len(mails(hub)) == before


def test_a_visitor_subscribes_on_the_status_page(hub: House, phone: Page) -> None:
    phone.goto(f"{hub.parts.hub.base_url}/")
    press(phone, "textbox", "Get our news by mail", "Home")
    phone.keyboard.type(ANA)
    phone.keyboard.press("Enter")
    expect(phone.get_by_role("heading", level=1)).to_contain_text("mail")
    assert len(mails(hub)) == 1


def test_a_visitor_writes_about_a_component(hub: House, page: Page) -> None:
    canary(hub)
    (checkout,) = [each["id"] for each in hub.summary()["components"] if each["name"] == "Checkout"]
    page.goto(f"{hub.parts.hub.base_url}/components/{checkout}")
    page.get_by_label(re.compile("what happened|your question", re.IGNORECASE)).first.fill("I paid twice.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We have it")


def found(text: str) -> str:
    links = re.findall(r"http://hub\.example:\d+/subscriptions/[\w.]+", text)
    assert links, text
    return str(links[-1])
