"""The browser itself: it opens pages, and reaches nobody but this machine."""

import http.server
import threading

from playwright.sync_api import Page


def test_chromium_opens_a_page(page: Page) -> None:
    page.goto("data:text/html,<title>Hello</title><h1>We are on it</h1>")
    assert page.title() == "Hello"
    assert page.get_by_role("heading").inner_text() == "We are on it"


def test_every_host_is_this_machine(page: Page) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        answer = page.goto(f"http://status.example:{server.server_port}/")
        thread.join()
    assert answer is not None
    assert answer.status == 501  # "Unsupported method": this handler knows none, but it is the one that answered
