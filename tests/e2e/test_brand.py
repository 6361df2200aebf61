"""The page in its owner's colours, through the front door: style sheet, logo, words, mail and published files."""

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.house import House, house, site_with
from tests.e2e.test_publicity import canary, rolled_back
from tests.providers import sendgrid
from trusthub.settings import packaged

PLAYBOOKS = packaged("playbooks")
LOGO = Path(__file__).parents[1] / "browser" / "logo.svg"
BRAND = "{name: Acme, url: 'http://status.example', support: help@acme.example, locales: [en, de], color: '#8a2be2', "
WORDS = "intro: {en: 'About *us*.', de: 'Über *uns*.'}, footer: 'Acme GmbH <script>alert(1)</script>'}"


def png() -> bytes:
    """Return the smallest picture there is."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    shape = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\x00\x8a\x2b\xe2")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", shape) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def site(folder: Path, page: str) -> Path:
    path = site_with(folder)
    text = re.sub(r"^page:\n(?:  .*\n)+", f"page: {page}\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    return path


def branded(folder: Path, more: str = "logo: logo.svg, " + WORDS) -> Path:
    (folder / "logo.svg").write_bytes(LOGO.read_bytes())
    (folder / "logo.png").write_bytes(png())
    return site(folder, BRAND + more)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    url, out = f"sqlite:///{tmp_path}/hub.db", tmp_path / "out"
    with house(url, tmp_path, playbooks_dir=PLAYBOOKS, site=branded(tmp_path), publish_dir=out) as made:
        yield made


def test_the_page_is_in_its_owners_colour_and_words(hub: House, tmp_path: Path) -> None:
    page, german = hub.page(), hub.page("/de/")
    (sheet,) = re.findall(r'<link rel="stylesheet"\s+href="([^"]+)"', page)
    answer = hub.web.get(sheet)
    assert "--link: #8a2be2" in answer.text
    assert "data:image/svg+xml," in answer.text
    assert answer.text.startswith(hub.web.get("/static/page.css").text)
    assert "immutable" in answer.headers["Cache-Control"]
    assert "<em>us</em>" in page
    assert "<em>uns</em>" in german
    assert "Acme GmbH &lt;script&gt;" in page
    assert "<script>alert" not in page
    assert re.search(r'lang="en">\s*<p>Acme GmbH', german)
    assert (tmp_path / "out" / sheet.lstrip("/")).read_text(encoding="utf-8") == answer.text
    assert (tmp_path / "out" / f"{sheet.lstrip('/')}.br").is_file()


def test_the_logo_can_do_nothing_but_be_seen(hub: House, tmp_path: Path) -> None:
    name = hub.parts.hub.look.logo
    answer = hub.web.get(f"/static/{name}")
    assert answer.data == LOGO.read_bytes() == (tmp_path / "out" / "static" / f"{name}").read_bytes()
    assert answer.content_type.startswith("image/svg+xml")
    assert answer.headers.getlist("Content-Security-Policy") == [
        "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    ]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_another_colour_reaches_pages_that_have_not_changed_since(hub: House, tmp_path: Path) -> None:
    canary(hub)
    rolled_back(hub)
    path = f"/incidents/{hub.incident()}"
    before = hub.page(path)
    url, again = f"sqlite:///{tmp_path}/hub.db", tmp_path / "again"
    again.mkdir()
    other = site(again, "{name: Acme, url: 'http://status.example', color: '#0a7a3c'}")
    with house(url, again, playbooks_dir=PLAYBOOKS, site=other) as made:
        after, sheet = made.page(path), made.parts.hub.look.sheet
        assert sheet not in before
        assert sheet in after
        assert sheet in made.page("/history")
        assert made.web.get(f"/static/{sheet}").status_code == 200


@pytest.mark.parametrize(("logo", "shown"), [("logo.png", 1), ("logo.svg", 0)])
def test_mail_is_in_the_colour_too_and_has_a_logo_that_mail_readers_show(tmp_path: Path, logo: str, shown: int) -> None:
    with house(
        f"sqlite:///{tmp_path}/hub.db",
        tmp_path,
        playbooks_dir=PLAYBOOKS,
        site=branded(tmp_path, f"logo: {logo}, {WORDS}"),
    ) as made:
        canary(made)
        rolled_back(made)
        (html, *_) = [mail["text/html"] for body in made.sendgrid.messages for mail in sendgrid.read(body)]
        assert "#8a2be2" in html
        pictures = re.findall(r'<img[^>]*src="([^"]+)"', html)
        assert len(pictures) == shown
        for each in pictures:
            assert made.web.get(each.removeprefix("http://status.example")).data == png()
