"""The public page: fast, cacheable, readable by machines, and up when the hub is not well."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
from sqlalchemy.exc import OperationalError

from tests.e2e.house import House, house
from tests.e2e.test_publicity import canary, rolled_back
from trusthub.services import publish

UNPACK: dict[str | None, Callable[[bytes], bytes]] = {
    "br": brotli.decompress,
    "gzip": gzip.decompress,
    None: lambda body: body,
}


def test_an_unchanged_page_is_304_and_a_changed_one_is_not(hub: House) -> None:
    first = hub.web.get("/")
    tag = first.headers["ETag"]
    again = hub.web.get("/", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    canary(hub)
    rolled_back(hub)
    assert hub.web.get("/", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/static/page.css", "/api/v2/summary.json"])
@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("*", "br"),
        ("gzip;q=0, identity", None),
        ("deflate", None),
    ],
)
def test_it_is_sent_compressed_to_those_who_can(hub: House, path: str, accepted: str, encoding: str | None) -> None:
    packed, plain = hub.web.get(path, headers={"Accept-Encoding": accepted}), hub.web.get(path)
    assert packed.headers.get("Content-Encoding") == encoding
    assert UNPACK[encoding](packed.data) == plain.data
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert hub.web.head(path, headers={"Accept-Encoding": accepted}).data == b""
    again = hub.web.get(path, headers={"Accept-Encoding": accepted, "If-None-Match": plain.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_page_stays_up_without_its_database(hub: House, monkeypatch: pytest.MonkeyPatch) -> None:
    canary(hub)
    rolled_back(hub)
    page = hub.page()

    def gone(*_: object, **__: object) -> None:
        raise OperationalError("SELECT", {}, Exception("the database is gone"))

    monkeypatch.setattr(type(hub.parts.hub.database), "reading", gone)
    assert hub.page() == page
    assert hub.web.get("/readyz").status_code == 503
    assert hub.web.get("/healthz").status_code == 200


def test_it_is_written_as_plain_files(tmp_path: Path) -> None:
    folder = tmp_path / "public"
    with house(f"sqlite:///{tmp_path}/hub.db", tmp_path, publish_dir=folder) as hub:
        canary(hub)
        rolled_back(hub)
        incident = hub.incident()
        assert (folder / "index.html").read_text(encoding="utf-8") == hub.page()
        assert (folder / "incidents" / incident / "index.html").read_text(encoding="utf-8") == hub.page(
            f"/incidents/{incident}"
        )
        assert (folder / "api/v2/summary.json").read_bytes() == hub.web.get("/api/v2/summary.json").data
        assert (folder / "history.atom").exists()
        assert (folder / "static/page.css").exists()
        for path in (folder / "index.html", folder / "api/v2/summary.json", folder / "static/page.css"):
            assert gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes()) == path.read_bytes()
            assert brotli.decompress(path.with_name(f"{path.name}.br").read_bytes()) == path.read_bytes()


def test_nothing_on_it_comes_from_elsewhere_and_nothing_is_inline(hub: House) -> None:
    answer = hub.web.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy
    assert re.findall(r"<script[^>]*>.*?</script>", answer.text) == ['<script src="/static/bars.js" defer></script>']
    assert " style=" not in answer.text


def test_a_page_that_is_not_there_says_so_kindly(hub: House) -> None:
    answer = hub.web.get("/nowhere")
    assert answer.status_code == 404
    assert "<h1>" in answer.text


def test_a_calm_page_does_not_grow_old(hub: House) -> None:
    before = hub.web.get("/").headers["ETag"]
    hub.clock.forward(minutes=4)
    publish.refresh(hub.parts.hub, hub.clock.now)
    assert hub.web.get("/").headers["ETag"] == before
    hub.clock.forward(minutes=1)
    publish.refresh(hub.parts.hub, hub.clock.now)
    assert "As of" in hub.page()
    assert "14:05 UTC" in hub.page()
