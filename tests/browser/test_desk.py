"""The support desk in a real browser, by mouse and by keyboard: from a customer's word to an answer to many."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_thread import hub, sign_in, visitor
from tests.e2e.house import House
from tests.e2e.test_feedback import link

__all__ = ["hub", "visitor"]

CLIPBOARD = """
const writeText = async (words) => { window.copied = words; };
Object.defineProperty(navigator, "clipboard", { value: { writeText } });
"""
"""Browsers give theirs to pages of https only."""


def test_a_colleague_takes_notes_and_answers_with_a_saved_answer(hub: House, visitor: Page, page: Page) -> None:
    home, incident = hub.parts.hub.base_url, hub.incident()
    private = home + link(hub.answer(incident, words="It feels invasive.", name="Ana", pain="painful").text)
    hub.answer(incident, words="It is slow.", name="Bo")
    sign_in(hub, page)
    page.get_by_role("link", name="Customers", exact=True).click()
    page.wait_for_url("**/console/threads")  # with its script
    page.keyboard.press("/")
    expect(page.get_by_label("Words")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Ana")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ana")

    page.get_by_label("Whose it is").select_option(label="Mira (you)")
    page.get_by_role("button", name="Assign").click()
    expect(page.get_by_text("This conversation is Mira's now.")).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.type("She is on the early access list.")
    page.get_by_role("button", name="Keep the note").click()
    expect(page.get_by_text("She is on the early access list.")).to_be_visible()

    page.get_by_label("A saved answer").select_option(label="You are right")
    page.get_by_role("button", name="Put it into the answer").click()
    words = page.get_by_label("Your answer")
    expect(words).to_have_value(re.compile(r"Hello Ana,.*\[THE ROOT\]", re.DOTALL))
    expect(page.get_by_label("About these words").first).to_contain_text("Fill the slot")  # while it is typed
    words.fill(re.sub(r"\[[^\]]+\]", "14:30", words.input_value()))
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_text("Answered", exact=False).first).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_role("link", name="Ana")).to_have_count(0)

    visitor.goto(private)
    expect(visitor.get_by_text("you are right, and thank you")).to_be_visible()
    expect(visitor.get_by_text("early access")).to_have_count(0)


def test_what_to_tell_customers_now_is_copied(hub: House, page: Page) -> None:
    page.add_init_script(CLIPBOARD)
    sign_in(hub, page)
    page.goto(f"{hub.parts.hub.base_url}/console/incidents/{hub.incident()}")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = str(page.evaluate("window.copied"))
    assert "we are sorry" in copied
    assert f"/incidents/{hub.incident()}" in copied
    assert "  " not in copied


@pytest.mark.parametrize("shown", [0, 1], ids=["taken back", "sent"])
def test_an_answer_to_many_is_seen_first_and_can_be_taken_back(
    hub: House, visitor: Page, page: Page, shown: int
) -> None:
    home, incident = hub.parts.hub.base_url, hub.incident()
    private = home + link(hub.answer(incident, words="It fails.", name="Ana").text)
    hub.answer(incident, words="It fails here too.", name="Bo")
    sign_in(hub, page)
    page.goto(f"{home}/console/incidents/{incident}")
    page.get_by_role("link", name="Answer everybody who waits (2)").click()
    page.get_by_label("Your answer").first.fill("You are right. It works again since 14:05 UTC.")
    page.get_by_role("button", name="Look at it first").click()
    expect(page.get_by_text("2 customers get it")).to_be_visible()
    expect(page.get_by_role("figure")).to_have_count(2)
    page.get_by_role("button", name="Send it to 2").click()
    expect(page.get_by_text("An answer is about to leave.")).to_be_visible()
    if not shown:
        page.get_by_role("button", name="Take it back").click()
        expect(page.get_by_text("Nobody got it.")).to_be_visible()
    hub.tick(seconds=31)
    visitor.goto(private)
    expect(visitor.get_by_text("It works again since 14:05 UTC.")).to_have_count(shown)
