"""The whole spine as people live it: a real hub process, a real browser without JavaScript, real HTTP from a tool."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from trusthub import demo
from trusthub.cli.serve import free_port
from trusthub.demo import Client, Story


@dataclass
class Running:
    """A hub with the demo's sandbox, played up to the moment when the page shows the rollback."""

    address: str
    password: str
    client: Client
    story: Story


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    port = free_port("127.0.0.1")
    folder: Path = tmp_path_factory.mktemp("hub")
    environment, password = demo._environment(folder, port)
    client = Client(port)
    with demo._hub(environment, port):
        story = Story(client, pause=0)
        argo = demo._Argo()
        story._argo(argo.completed("2.7.4"), argo.updated("2.8.0"), argo.step(2), argo.failed(), argo.aborted())
        story.incident = story._on_page("identified")
        yield Running(f"http://127.0.0.1:{port}", password, client, story)


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.fixture
def staff(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_a_customer_is_told_answers_and_is_answered(hub: Running, visitor: Page, staff: Page) -> None:
    visitor.goto(hub.address)
    expect(visitor.get_by_text("Up to 5 % of Checkout requests have reached 2.8.0").first).to_be_visible()
    expect(visitor.get_by_text(re.compile(r"Next update by \d\d:\d\d UTC")).first).to_be_visible()
    visitor.get_by_role("link", name="Checkout: a problem with 2.8.0").first.click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Checkout: a problem with 2.8.0")

    visitor.locator("textarea[name=words]").fill("I paid twice.")
    visitor.locator("input[name=name]").fill("Ana")
    visitor.locator("input[name=email]").fill("ana@customer.example")
    visitor.get_by_role("button", name="Send").click()
    private = visitor.locator("a[href*='/threads/']").first.get_attribute("href")
    assert private
    visitor.goto(private)
    expect(visitor.get_by_text("I paid twice.")).to_be_visible()

    staff.goto(f"{hub.address}/console/")
    staff.locator("input[name=email]").fill("mira@acme.example")
    staff.locator("input[name=password]").fill(hub.password)
    staff.locator("button[type=submit]").click()
    staff.get_by_role("link", name="Ana").first.click()
    staff.locator("textarea[name=words]").fill("You are right. It was not charged.")
    staff.locator("form[action$='/reply'] button[type=submit]").first.click()
    expect(staff.get_by_text("You are right. It was not charged.")).to_be_visible()

    visitor.reload()
    expect(visitor.get_by_text("You are right. It was not charged.")).to_be_visible()
    expect(visitor.get_by_text("Mira").first).to_be_visible()

    visitor.goto(f"{hub.address}/sandbox")
    expect(visitor.get_by_text("Mira answered you").first).to_be_visible()


def test_a_body_of_30_mb_can_still_read_its_refusal(hub: Running) -> None:
    status, text = hub.client.call("POST", "/hooks/generic", b" " * (30 * 1024 * 1024))
    assert status == 413
    assert "larger than 25 MB" in text


def test_a_body_without_a_length_is_read(hub: Running) -> None:
    connection = HTTPConnection("127.0.0.1", hub.client.port, timeout=10)
    parts = [b'{"event": "rollout.planned", ', b'"component": "search", "to_version": "3.1.0"}']
    connection.request("POST", "/hooks/generic", iter(parts), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, b'"state":"done"' in answer.read()) == (200, True)
    connection.close()
