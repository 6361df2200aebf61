"""When a visitor sees the first words of the page, against a plain static page with the same words.

Each load begins with an empty cache, in real Chromium, the two in turn. It fails on what was promised: 50 ms.
"""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks import servers
from tests.benchmarks.figures import milliseconds, percentile, report
from tests.benchmarks.providers import Provider
from tests.benchmarks.test_page import _get, _roll_back, _shows
from tests.browser import chromium
from tests.browser.conftest import ARGUMENTS
from tests.e2e.test_process import until

LOADS = 15
PROMISED = 0.050
"""Seconds later than the plain page, at the median."""
PAINT = """() => new Promise((done) => new PerformanceObserver((list) => {
  for (const each of list.getEntriesByName("first-contentful-paint")) done(each.startTime);
}).observe({ type: "paint", buffered: true }))"""


def test_first_words(sqlite_url: str, tmp_path: Path) -> None:
    with Provider() as slack, servers.hub(sqlite_url, tmp_path, slack) as port:
        _roll_back(port, "2.8.0")
        until(partial(_shows, port, "rolling back"))
        words = _words(_get(port).decode())
        with _static(tmp_path / "plain", words) as other, _chromium() as browser:
            hosts: set[str] = set()
            rounds = [[_seconds(browser, each, hosts) for each in (port, other)] for _ in range(LOADS)]
    ours, plain = zip(*rounds, strict=True)
    later = percentile(ours, 0.5) - percentile(plain, 0.5)
    kept = "PASS" if later < PROMISED else "FAIL"
    report(
        f"The first words of the page, {LOADS} loads with an empty cache",
        f"the page        {milliseconds(ours)}",
        f"plain           {milliseconds(plain)}   a static page with the same words and no style",
        f"later           {later * 1000:9.1f} ms   under {PROMISED * 1000:.0f}: {kept}",
        f"hosts asked     {', '.join(sorted(hosts))}",
    )
    assert hosts == {"127.0.0.1"}
    assert later < PROMISED


def _seconds(browser: Browser, port: int, hosts: set[str]) -> float:
    """Load a page with an empty profile; return the seconds until its first words are painted."""
    context = browser.new_context()
    page = context.new_page()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or request.url))
    page.goto(f"http://127.0.0.1:{port}/", wait_until="load")
    painted = page.evaluate(PAINT)
    context.close()
    return float(painted) / 1000


def _words(page: str) -> str:
    """Return what a page says, without its marks, styles and icons."""
    bare = re.sub(r"<(style|script|svg|head)\b.*?</\1>", " ", page, flags=re.DOTALL)
    lines = (html.escape(line) for line in html.unescape(re.sub(r"<[^>]+>", "\n", bare)).split("\n") if line.strip())
    return "<!DOCTYPE html><title>plain</title>" + "".join(f"<p>{line}</p>" for line in lines)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _static(folder: Path, body: str) -> Iterator[int]:
    folder.mkdir()
    (folder / "index.html").write_text(body, encoding="utf-8")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=ARGUMENTS)
        yield browser
        browser.close()
