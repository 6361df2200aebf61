"""The pages as visitors see them, for docs/pages: `python -m tests.browser.pictures` draws them from a real hub."""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser import chromium
from tests.browser.conftest import ARGUMENTS
from tests.browser.serving import served
from tests.e2e import test_maintenance
from tests.e2e.house import House, house
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.cli.serve import free_port

FOLDER = Path(__file__).parents[2] / "docs" / "pages"


class Camera:
    """Takes pictures of one hub."""

    def __init__(self, browser: Browser, hub: House) -> None:
        self._browser, self.hub = browser, hub

    def take(self, name: str, path: str = "/", *, width: int = 860, height: int = 980, dark: bool = False) -> None:
        """Keep what a visitor sees first at a path."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", timezone_id="UTC"
        )
        page = context.new_page()
        page.clock.set_fixed_time(self.hub.clock.now)
        page.goto(f"{self.hub.parts.hub.base_url}{path}")
        page.screenshot(path=FOLDER / f"{name}.png")
        context.close()


def draw() -> None:
    """Play a day, and take a picture of each page when there is most to see."""
    port = free_port("127.0.0.1")
    with (
        tempfile.TemporaryDirectory() as folder,
        house(f"sqlite:///{folder}/hub.db", Path(folder), base_url=f"http://hub.example:{port}") as hub,
        served(hub.parts.wsgi, port=port),
        sync_playwright() as playwright,
    ):
        camera = Camera(playwright.chromium.launch(executable_path=chromium.find(), args=ARGUMENTS), hub)
        camera.take("well")
        camera.take("subscribe", "/subscribe")
        canary(hub)
        rolled_back(hub)
        camera.take("incident")
        camera.take("incident-dark", dark=True)
        camera.take("incident-phone", width=390, height=844)
        camera.take("one-incident", f"/incidents/{hub.incident()}", height=1200)
        hub.event("rollback.finished")
        while not hub.calm:
            hub.wait()
        hub.tick(days=1)
        test_maintenance.plan(hub)
        test_maintenance.at(hub, test_maintenance.BEGIN)
        camera.take("maintenance")
        camera.take("history", "/history")


if __name__ == "__main__":
    draw()
