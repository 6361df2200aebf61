"""The feeds, read the way a feed reader reads them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from time import struct_time
from typing import Any

import feedparser
import pytest

from tests.e2e.house import House
from tests.e2e.test_languages import speaking
from tests.e2e.test_maintenance import plan
from tests.e2e.test_publicity import canary, rolled_back

HOST = "https://status.acme.example"
XML = {"/history.atom": "application/atom+xml", "/history.rss": "application/rss+xml"}


def read(hub: House, path: str) -> Any:
    answer = hub.web.get(path)
    assert answer.status_code == 200
    feed = feedparser.parse(answer.data, response_headers={"content-type": answer.headers["Content-Type"]})
    assert not feed.bozo, feed.bozo_exception
    return feed


def moment(parsed: struct_time) -> datetime:
    return datetime(*parsed[:6], tzinfo=UTC)


def recovered(hub: House) -> str:
    """Roll a canary back in front of everybody; return the incident."""
    canary(hub)
    rolled_back(hub)
    hub.event("rollback.finished")
    return hub.incident()


@pytest.mark.parametrize("path", XML)
def test_a_reader_shows_what_was_said(hub: House, path: str) -> None:
    incident = recovered(hub)
    feed = read(hub, path)
    assert feed.feed.title == "Acme: incidents"
    assert feed.feed.language == "en"
    (entry,) = feed.entries
    assert entry.title == "Checkout: a problem with 2.8.0"
    assert entry.link == f"{HOST}/incidents/{incident}"
    assert entry.id == f"tag:status.acme.example,2005:Incident/{incident}"
    assert [tag.term for tag in entry.tags] == ["Checkout"]
    html = entry.content[0].value if "content" in entry else entry.summary
    assert html.index("Monitoring") < html.index("Identified")
    assert "<strong>" in html
    assert "14:05 UTC" in html
    assert moment(entry.updated_parsed if path == "/history.atom" else entry.published_parsed) == datetime(
        2026, 3, 2, 14, 5, tzinfo=UTC
    )


def test_the_json_feed_says_the_same(hub: House) -> None:
    incident = recovered(hub)
    answer = hub.web.get("/feed.json")
    assert answer.headers["Content-Type"] == "application/feed+json; charset=utf-8"
    feed = json.loads(answer.data)
    assert (feed["version"], feed["feed_url"]) == ("https://jsonfeed.org/version/1.1", f"{HOST}/feed.json")
    (item,) = feed["items"]
    (entry,) = read(hub, "/history.atom").entries
    assert (item["id"], item["url"], item["title"]) == (entry.id, entry.link, entry.title)
    assert item["url"].endswith(incident)
    assert item["date_modified"] == "2026-03-02T14:05:00+00:00"
    assert "<strong>Monitoring</strong>" in item["content_html"]


@pytest.mark.parametrize("path", [*XML, "/feed.json"])
def test_an_entry_keeps_its_id_while_its_words_and_time_change(hub: House, path: str) -> None:
    def known() -> tuple[str, str]:
        answer = hub.web.get(path).data
        if path.endswith("json"):
            (item,) = json.loads(answer)["items"]
            return item["id"], item["date_modified"]
        (entry,) = feedparser.parse(answer).entries
        return entry.id, entry.updated if path == "/history.atom" else entry.published

    canary(hub)
    rolled_back(hub)
    first = known()
    hub.event("rollback.finished")
    later = known()
    assert first[0] == later[0]
    assert first[1] != later[1]


def test_what_a_person_writes_is_escaped_once_and_cannot_run(hub: House) -> None:
    recovered(hub)
    hub.sign_in()
    form = f"/console/incidents/{hub.incident()}"
    note = "Fewer than 1 & 2 [cards](javascript:alert%281%29) fail."
    hub.console(f"{form}/update", form, note=note, state="monitoring")
    for html in (
        json.loads(hub.web.get("/feed.json").data)["items"][0]["content_html"],
        feedparser.parse(hub.web.get("/history.atom").data, sanitize_html=False).entries[0].content[0].value,
        feedparser.parse(hub.web.get("/history.rss").data, sanitize_html=False).entries[0].summary,
    ):
        assert "Fewer than 1 &amp; 2 " in html
        assert "javascript:" not in html


def test_each_language_has_its_own_feeds(tmp_path: Path) -> None:
    with speaking(tmp_path, "[en, de]") as hub:
        incident = recovered(hub)
        feed = read(hub, "/de/history.atom")
        assert feed.feed.language == "de"
        assert feed.feed.title == "Acme: Vorfälle"
        assert [link.href for link in feed.feed.links if link.rel == "self"] == [f"{HOST}/de/history.atom"]
        (entry,) = feed.entries
        assert entry.title == "Checkout: ein Problem mit 2.8.0"
        assert entry.link == f"{HOST}/de/incidents/{incident}"
        assert entry.id.endswith(f"{incident}/de")
        assert "Wird beobachtet" in entry.content[0].value
        assert 'href="/de/history.rss"' in hub.page("/de/")
        assert json.loads(hub.web.get("/de/feed.json").data)["items"][0]["language"] == "de"


def test_what_is_planned_was_published_when_it_was_told(hub: House) -> None:
    hub.sign_in()
    plan(hub)
    (item,) = json.loads(hub.web.get("/feed.json").data)["items"]
    (atom,), (rss,) = read(hub, "/history.atom").entries, read(hub, "/history.rss").entries
    assert item["date_published"] == "2026-03-02T14:00:00+00:00"
    assert moment(atom.published_parsed) == moment(rss.published_parsed) == hub.clock.now


@pytest.mark.parametrize("path", [*XML, "/feed.json"])
def test_a_page_without_incidents_has_feeds_too(hub: House, path: str) -> None:
    answer = hub.web.get(path)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert f'href="{path}"' in hub.page()
    feed = json.loads(answer.data)["items"] if path.endswith("json") else read(hub, path).entries
    assert feed == []
