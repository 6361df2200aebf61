"""The page's incidents for feed readers: Atom, RSS and JSON Feed, each in every language of the page."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from feedgenerator import Atom1Feed, Rss201rev2Feed

from trusthub.services.hub import Hub
from trusthub.services.views import IncidentView, PageView

ATOM, RSS, JSON = "/history.atom", "/history.rss", "/feed.json"
TYPES = {
    ATOM: "application/atom+xml; charset=utf-8",
    RSS: "application/rss+xml; charset=utf-8",
    JSON: "application/feed+json; charset=utf-8",
}


def feeds(hub: Hub, page: PageView, incidents: Sequence[IncidentView]) -> Iterator[tuple[str, str, bytes]]:
    """Yield path, content type and bytes of each feed in the page's language.

    An entry is an incident with all its updates, newest first. Its id stays when its words change, and is another one
    in another language, so that a reader who follows both has both.
    """
    content = {incident.public_id: _content(hub, page, incident) for incident in incidents}
    for path, body in (
        (ATOM, _xml(Atom1Feed, page, incidents, content, ATOM)),
        (RSS, _xml(Rss201rev2Feed, page, incidents, content, RSS)),
        (JSON, _json(page, incidents, content)),
    ):
        yield f"{page.prefix}{path}", TYPES[path], body


def _content(hub: Hub, page: PageView, incident: IncidentView) -> str:
    return hub.configuration.templates.page("pages/_entry.html", page.locale, page=page, incident=incident).strip()


def _xml(
    kind: type[Atom1Feed | Rss201rev2Feed],
    page: PageView,
    incidents: Sequence[IncidentView],
    content: dict[str, str],
    path: str,
) -> bytes:
    """Return a feed as RFC 4287 or RSS 2.0 has it. Only Atom tells apart when it began and when it changed."""
    feed = kind(
        title=page.title,
        link=page.home,
        feed_url=f"{page.url}{page.prefix}{path}",
        feed_guid=f"tag:{urlsplit(page.url).hostname},2005:/history{page.prefix}",
        description=page.headline,
        author_name=page.name,
        language=page.locale,
    )
    rss = kind is Rss201rev2Feed
    for incident in incidents:
        words = content[incident.public_id]
        feed.add_item(
            title=incident.name,
            link=incident.url,
            unique_id=_id(page, incident),
            unique_id_is_permalink=False,
            description=words if rss else None,
            content=None if rss else words,
            pubdate=_changed(incident) if rss else _published(incident),
            updateddate=_changed(incident),
            categories=incident.components,
        )
    return bytes(feed.writeString("utf-8"), "utf-8")


def _json(page: PageView, incidents: Sequence[IncidentView], content: dict[str, str]) -> bytes:
    """Return a feed as JSON Feed 1.1 has it (https://www.jsonfeed.org/version/1.1/)."""
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": page.title,
        "home_page_url": page.home,
        "feed_url": f"{page.url}{page.prefix}{JSON}",
        "description": page.headline,
        "language": page.locale,
        "authors": [{"name": page.name, "url": page.home}],
        "items": [
            {
                "id": _id(page, incident),
                "url": incident.url,
                "title": incident.name,
                "content_html": content[incident.public_id],
                "date_published": _published(incident).isoformat(timespec="seconds"),
                "date_modified": _changed(incident).isoformat(timespec="seconds"),
                "tags": list(incident.components),
                "language": incident.lang or page.locale,
            }
            for incident in incidents
        ],
    }
    return json.dumps(feed, ensure_ascii=False).encode()


def _id(page: PageView, incident: IncidentView) -> str:
    return f"tag:{urlsplit(page.url).hostname},2005:Incident/{incident.public_id}{page.prefix}"


def _changed(incident: IncidentView) -> datetime:
    return incident.updates[0].at if incident.updates else incident.started_at


def _published(incident: IncidentView) -> datetime:
    """Return when it began, or when it was told if that is earlier: what is planned has not begun."""
    return min([incident.started_at, *(update.at for update in incident.updates[-1:])])
