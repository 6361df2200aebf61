"""The pictures that links to the page are shared with, one for each tone: `python -m tests.browser.social` draws them.

They have no words: a picture would have to be drawn for every page, language and minute, while title and text beside
it say what is so.
"""

from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import chromium
from tests.browser.conftest import ARGUMENTS

STATIC = Path(__file__).parents[2] / "trusthub" / "web" / "static"
ICONS = {"ok": "check", "info": "wrench", "minor": "triangle", "major": "alert", "critical": "stop", "calm": "clock"}
WIDTH, HEIGHT = 1200, 630
"""Pixels: https://developers.facebook.com/docs/sharing/webmasters/images"""
PAGE = """<!DOCTYPE html><style>{css} body {{ margin: 0; max-width: none; padding: 0 }}
main.headline {{ display: grid; grid-template-columns: 1fr; place-items: center; width: 1200px; height: 630px;
  max-width: none; margin: 0; padding: 0; border: 0; border-radius: 0 }}
main.headline svg {{ width: 300px; height: 300px }}</style>{icons}
<main class="headline tone-{tone}"><svg class="icon"><use href="#i-{icon}"></use></svg></main>"""


def draw() -> None:
    """Draw each from the page's own marks and colours."""
    css = (STATIC / "page.css").read_text(encoding="utf-8")
    marks = Path(__file__).parents[2].joinpath("templates/pages/_icons.html").read_text(encoding="utf-8")
    marks = marks.partition("#}")[2]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        for tone, icon in ICONS.items():
            page.set_content(PAGE.format(css=css, icons=marks, tone=tone, icon=icon))
            page.screenshot(path=STATIC / f"social-{tone}.png")
        browser.close()


if __name__ == "__main__":
    draw()
