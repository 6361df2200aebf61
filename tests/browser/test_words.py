"""What the linter says beside the field while Mira writes, in a browser: found, and mended, in each language."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_deliveries import SLOW, running, signed_in
from tests.e2e.house import House, site_with
from trusthub.settings import packaged

BAD = "🛠 Sorry for any inconvenience. We are looking into it."


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[House, str]]:
    site = site_with(tmp_path)
    text = site.read_text(encoding="utf-8").replace("  name: Acme\n", "  name: Acme\n  locales: [en, de]\n", 1)
    site.write_text(text, encoding="utf-8")
    with running(tmp_path, site=site, playbooks_dir=packaged("playbooks")) as made:
        yield made


def test_words_are_read_while_they_are_written(hub: tuple[House, str], browser: Browser) -> None:
    house, address = hub
    with signed_in(browser, house, address) as page:
        page.goto(f"{address}/console/incidents/{house.incident()}")
        note, german = page.locator("#note"), page.locator("#note-de")
        said = page.locator("#note + .heard")
        note.press_sequentially(BAD)
        finding = said.locator("li").filter(has_text="You could not")
        expect(finding.locator("q")).to_have_text("any inconvenience", timeout=SLOW)
        finding.get_by_role("button", name="Write this instead").click()
        expect(note).not_to_have_value(BAD)
        assert note.input_value().startswith("🛠 Sorry for You could not {say what}")
        expect(said.locator("q", has_text="{say what}").first).to_be_visible(timeout=SLOW)
        expect(note).to_be_focused()
        note.fill("The rollback is under way.")
        expect(said).to_be_empty(timeout=SLOW)
        german.fill("Wir bitten um Entschuldigung für etwaige Unannehmlichkeiten.")
        expect(page.locator("#note-de + .heard")).to_contain_text("etwaige Unannehmlichkeiten", timeout=SLOW)
        expect(said).to_be_empty()
        page.get_by_text("It is over").click()
        page.locator("#end").fill("We are investigating. Search is down.")
        expect(page.locator("#end + .heard")).to_contain_text(
            "The text says something else than the state", timeout=SLOW
        )


def test_the_form_that_opens_an_incident_reads_along(hub: tuple[House, str], browser: Browser) -> None:
    house, address = hub
    with signed_in(browser, house, address) as page:
        page.goto(f"{address}/console/open")
        page.locator("#note").fill("Payments fail. We will update you soon.")
        expect(page.locator("#note + .heard")).to_contain_text("soon", timeout=SLOW)


def test_without_scripts_the_form_is_as_it_was(hub: tuple[House, str], browser: Browser) -> None:
    house, address = hub
    with signed_in(browser, house, address, java_script_enabled=False) as page:
        page.goto(f"{address}/console/incidents/{house.incident()}")
        page.locator("#note").fill(BAD)
        expect(page.get_by_role("button", name="Publish the update")).to_be_enabled(timeout=SLOW)
        assert page.locator(".heard").count() == 0
