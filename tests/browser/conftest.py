"""A real browser for the pages that customers and staff see."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import chromium

ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    # The browser must talk to nobody but the server under test: none of its own errands,
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    # and whatever host a page names is this machine. So http://status.example:<port>/ works in tests.
    "--host-resolver-rules=MAP * 127.0.0.1",
)


# For the package, not for the session: while Playwright lives, its event loop runs in this thread, and a test
# elsewhere that calls asyncio.run() would fail.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for the browser tests of this process."""
    executable = chromium.find()
    if executable is None:
        pytest.fail(chromium.MISSING, pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Give a new page with an empty profile. A script that throws on it fails the test."""
    context = browser.new_context(locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(5_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []
