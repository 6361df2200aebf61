"""A customer's conversation in a real browser, with what they answer by mail in between."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.serving import served
from tests.e2e import inbound
from tests.e2e.house import House, house
from tests.e2e.test_publicity import canary, rolled_back
from tests.e2e.test_threads import png
from trusthub.cli.serve import free_port

QUOTE = "\n\nOn Mon, Mar 2, 2026 at 2:05 PM Acme <status@acme.example> wrote:\n\n> You are right.\n"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    port = free_port("127.0.0.1")
    settings: dict[str, Any] = {**inbound.OPEN, "base_url": f"http://hub.example:{port}"}
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, **settings) as made:
        canary(made)
        rolled_back(made)
        with served(made.parts.wsgi, port=port):
            yield made


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(5_000)
    yield context.new_page()
    context.close()


def mail(hub: House) -> dict[str, Any]:
    """Return the newest mail to Ana."""
    hub.parts.worker.drain()
    mine = [each for each in hub.sendgrid.messages if each["personalizations"][0]["to"][0]["email"].startswith("ana@")]
    return mine[-1]


def sign_in(hub: House, staff: Page) -> None:
    address, password = hub.colleague()
    staff.goto(f"{hub.parts.hub.base_url}/console/")
    staff.locator("input[name=email]").fill(address)
    staff.locator("input[name=password]").fill(password)
    staff.locator("button[type=submit]").click()


def test_a_conversation_from_the_first_word_to_the_last(hub: House, visitor: Page, page: Page, tmp_path: Path) -> None:
    staff, home, incident, shot = page, hub.parts.hub.base_url, hub.incident(), tmp_path / "shot.png"
    shot.write_bytes(png())
    visitor.goto(f"{home}/incidents/{incident}")
    visitor.get_by_role("button", name="This hits me too").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("We have counted you")

    visitor.goto(f"{home}/incidents/{incident}")
    visitor.locator("textarea[name=words]").fill("I paid twice. <script>alert(1)</script>")
    visitor.get_by_label("I cannot go on").check()
    visitor.locator("input[name=name]").fill("Ana")
    visitor.locator("input[name=email]").fill("ana@customer.example")
    visitor.locator("input[name=files]").set_input_files(shot)
    visitor.get_by_role("button", name="Send", exact=True).click()
    visitor.locator("a[href*='/threads/']").first.click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("We owe you an answer")
    expect(visitor.get_by_text("I paid twice. <script>alert(1)</script>")).to_be_visible()
    with visitor.expect_download() as download:
        visitor.get_by_role("link", name="shot.png").click()
    assert download.value.path().read_bytes() == png()
    private = visitor.url

    sign_in(hub, staff)
    hub.parts.worker.drain()
    staff.get_by_role("link", name="Ana").first.click()
    expect(staff.get_by_text("They say that it is blocking.")).to_be_visible()
    staff.locator("textarea[name=words]").fill("You are right. It was not charged.")
    staff.locator("form[action$='/reply'] button[type=submit]").click()
    thread = staff.url

    words = f"Thank you. The receipt is missing.{QUOTE}"
    inbound.post(hub, inbound.form(sender="Ana <ana@customer.example>", to=mail(hub)["reply_to"]["email"], text=words))
    staff.goto(thread)
    expect(staff.get_by_text("The receipt is missing.").first).to_be_visible()
    visitor.goto(private)
    expect(visitor.get_by_text("The receipt is missing.")).to_be_visible()

    hub.sign_in()
    hub.console(f"/console/incidents/{incident}/resolve", f"/console/incidents/{incident}", note="We keep 2.7.4.")
    assert "is it fixed for you?" in mail(hub)["subject"]
    visitor.goto(private)
    visitor.get_by_role("button", name="No, it is not").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("We owe you an answer")
    staff.goto(thread)
    expect(staff.get_by_text("No, it is not fixed.")).to_be_visible()
    expect(staff.get_by_text("Waits for us").or_(staff.get_by_text("waits")).first).to_be_visible()
    staff.locator("form[action$='/close'] button[type=submit]").click()

    visitor.goto(private)
    visitor.get_by_role("button", name="Yes, it is fixed").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("It is fixed for you")
    visitor.get_by_role("button", name="4", exact=True).click()
    expect(visitor.get_by_text("How did we treat you?")).to_have_count(0)
    staff.goto(thread)
    expect(staff.get_by_text("They rated us 4 of 5.")).to_be_visible()


def test_nothing_a_stranger_sends_runs_in_the_console(hub: House, visitor: Page, page: Page) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    hub.answer(hub.incident(), words=evil, name=evil[:80], email="ana@customer.example")
    to = mail(hub)["reply_to"]["email"]
    name = evil.replace('"', "'")
    form = inbound.form(sender=f'"{name}" <eve@evil.example>', to=to, text=evil, files=[(f"{name}.txt", b"x")])
    assert inbound.fate(inbound.post(hub, form)) == "held"
    sign_in(hub, page)
    page.locator("a[href*='/console/threads/']").first.click()
    expect(page.get_by_text("eve@evil.example").first).to_be_visible()
    assert page.title() != "owned"
    assert page.locator("main img").count() == 0
    page.get_by_role("button", name="It is the customer's word").click()
    expect(page.get_by_text("eve@evil.example")).to_have_count(0)
