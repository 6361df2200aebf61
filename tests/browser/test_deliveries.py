"""The deliveries pages of a real hub in a browser: kept fresh by the script, by keyboard, on a phone in the dark."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from tests.e2e.house import House
from tests.e2e.house import house as build
from tests.e2e.test_publicity import canary, rolled_back
from tests.providers import refused
from tests.services.test_mailing import join
from trusthub.services import deliveries
from trusthub.services.deliveries import Act

SLOW = 30_000
"""Milliseconds that a busy machine may take."""


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[tuple[House, str]]:
    """Serve a hub whose messages leave when the test says so, with a failed message and subscribers' mail on hold."""
    made: list[House] = []

    def served(environ: Any, start: Any) -> Any:
        return made[0].parts.flask(environ, start)  # it is built when its address is known

    server = make_server("127.0.0.1", 0, served, threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    with build(f"sqlite:///{folder}/hub.db", folder, base_url=address, **settings) as hub:
        made.append(hub)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            join(hub, "ana@customer.example", "ben@customer.example")
            canary(hub)
            deliveries.pause(hub.parts.hub, "email", Act(actor="Mira", now=hub.clock()), "We look at the words first.")
            hub.slack.fail(*[refused("is_archived")] * 3)
            rolled_back(hub)
            hub.sign_in()
            yield hub, address
        finally:
            server.shutdown()
            thread.join(10)
            server.server_close()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[House, str]]:
    with running(tmp_path) as made:
        yield made


@contextmanager
def signed_in(browser: Browser, hub: House, address: str, **options: Any) -> Iterator[Page]:
    """Give a page of a browser in which Mira is signed in. What its console complains of fails the test."""
    context = browser.new_context(locale="en-GB", timezone_id="UTC", **options)
    context.set_default_timeout(SLOW)
    cookie = hub.web.get_cookie("session")
    assert cookie
    context.add_cookies([{"name": "session", "value": cookie.value, "url": address}])
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/console/deliveries")
    expect(page.get_by_role("heading", level=1)).to_have_text("Deliveries", timeout=SLOW)
    yield page
    context.close()
    assert complaints == []


def test_progress_is_shown_without_loading_the_page_again(hub: tuple[House, str], browser: Browser) -> None:
    house, address = hub
    with signed_in(browser, house, address) as page:
        for path in ("/console/deliveries", f"/console/incidents/{house.incident()}"):
            page.goto(address + path)
            expect(page.get_by_text("It is on hold. What waits goes on when it is let go.")).to_be_visible(timeout=SLOW)
            page.evaluate("window.sameone = true")
        page.locator("[data-live] h3 a").focus()
        deliveries.resume(house.parts.hub, "email", Act(actor="Mira", now=house.clock()))
        expect(page.get_by_text("It waits for its turn.")).to_be_visible(timeout=SLOW)
        expect(page.locator("[data-live] h3 a")).to_be_focused()
        house.tick(seconds=1)
        expect(page.get_by_text("All were handed over or given up by 14:")).to_be_visible(timeout=SLOW)
        assert page.evaluate("window.sameone")
        facts = page.locator("[data-live] .facts div").all_inner_texts()
        assert [" ".join(each.split()) for each in facts][:5] == [
            "Recipients 2",
            "Handed over 2",
            "Delivered 0",
            "Bounced 0",
            "Failed 0",
        ]


def test_the_same_can_be_read_without_scripts(hub: tuple[House, str], browser: Browser) -> None:
    house, address = hub
    with signed_in(browser, house, address, java_script_enabled=False) as page:
        expect(page.get_by_text("It is on hold. What waits goes on when it is let go.")).to_be_visible(timeout=SLOW)
        page.get_by_role("button", name="Let email go on").click()
        expect(page.get_by_role("status")).to_have_text("email goes on.", timeout=SLOW)
        house.tick(seconds=1)
        page.reload()
        expect(page.get_by_text("All were handed over or given up by 14:")).to_be_visible(timeout=SLOW)


def test_what_was_given_up_is_found_and_sent_by_keyboard(hub: tuple[House, str], browser: Browser) -> None:
    house, address = hub
    with signed_in(browser, house, address) as page:
        page.get_by_label("State").focus()
        page.keyboard.type("Given up")
        page.get_by_label("Destination").focus()
        page.keyboard.type("#support")
        page.keyboard.press("Enter")
        page.wait_for_url("**/console/deliveries?state=failed&channel=&to=%23support*")
        expect(page.get_by_label("State")).to_have_value("failed")
        expect(page.locator(".deliveries tbody tr")).to_have_count(1, timeout=SLOW)
        page.get_by_role("link", name="See them before you send them").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Send 1 message once more?", timeout=SLOW)
        button = page.get_by_role("button", name="Send 1 once more")
        page.get_by_role("button", name="Sign out").focus()
        page.keyboard.press("Tab")
        expect(button).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text(
            "1 will be sent once more, and says that it is late.", timeout=SLOW
        )
        house.tick(seconds=1)
        assert any("This message is late." in message.text for message in house.slack.messages)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_a_mail_is_shown_in_its_frame(
    hub: tuple[House, str], browser: Browser, scheme: Any
) -> None:
    house, address = hub
    with signed_in(browser, house, address, viewport={"width": 390, "height": 800}, color_scheme=scheme) as page:
        wide = "document.documentElement.scrollWidth"
        assert page.evaluate(wide) <= 390
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(20, 23, 27)" if scheme == "dark" else "rgb(255, 255, 255)")
        page.goto(f"{address}/console/deliveries?channel=email&state=held")
        page.locator(".deliveries tbody a").first.click()
        mail = page.frame_locator("iframe")
        expect(mail.get_by_role("paragraph").filter(has_text="we are sorry").first).to_be_visible(timeout=SLOW)
        link = mail.get_by_role("link").first
        assert link.evaluate("link => link.ownerDocument.defaultView.origin") == "null"  # it can do nothing in our name
        assert page.evaluate(wide) <= 390
