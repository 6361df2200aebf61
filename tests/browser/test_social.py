"""What a link to the page looks like where it is shared."""

import re
import struct
from pathlib import Path

import pytest

from tests.browser.samples import PAGES
from tests.browser.social import HEIGHT, ICONS, STATIC, WIDTH
from tests.browser.test_pages import render

SHARED = [name for name, (template, _) in PAGES.items() if template in {"status.html", "incident.html"}]
LIMIT = 30_000
"""Bytes: who looks at a link has not asked for the page yet."""


@pytest.mark.parametrize("tone", ICONS)
def test_there_is_a_picture_for_each_tone(tone: str) -> None:
    picture = (STATIC / f"social-{tone}.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert struct.unpack(">II", picture[16:24]) == (WIDTH, HEIGHT)
    assert len(picture) < LIMIT


@pytest.mark.parametrize("name", SHARED)
def test_a_page_names_the_picture_of_its_state(name: str) -> None:
    page = render(name)
    (picture,) = re.findall(r'property="og:image"\s+content="https://status\.acme\.example/static/([^"]+)"', page)
    tones = re.findall(r'class="(?:headline|pill) tone-(\w+)"', page)
    assert Path(STATIC / picture).is_file()
    assert picture == f"social-{tones[0]}.png"
    assert re.search(r'property="og:description"\s+content="[^"]{20,}"', page)
