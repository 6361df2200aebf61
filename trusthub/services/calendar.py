"""Planned work as calendar entries (RFC 5545): one file each, and a feed that a calendar subscribes to."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from icalendar import Calendar, Event
from sqlmodel import Session, col

from trusthub.rendering import markdown
from trusthub.services import report
from trusthub.services.cases import components_of
from trusthub.services.hub import Hub
from trusthub.services.voices import betrays
from trusthub.store.tables import Incident

CONTENT_TYPE = "text/calendar; charset=utf-8"
_KEPT = timedelta(days=90)
"""How long work that is over stays in the feed."""
_LOOK = timedelta(hours=1)
"""How often a calendar that subscribes should look (RFC 7986, 5.7)."""


def documents(session: Session, hub: Hub, now: datetime, locale: str) -> Iterator[tuple[str, bytes]]:
    """Return each file's path and bytes in a language: the feed, and an entry for each piece of planned work."""
    prefix = hub.page.prefix(locale)
    rows = session.execute(report.works(hub).where(col(Incident.scheduled_until) >= now - _KEPT)).scalars().all()
    events = [(row, _event(session, hub, row, locale)) for row in rows]
    yield f"{prefix}/calendar.ics", _calendar(hub, locale, (event for _, event in events))
    for row, event in events:
        yield f"{prefix}/incidents/{row.public_id}.ics", _calendar(hub, locale, [event])


def _calendar(hub: Hub, locale: str, events: Iterable[Event]) -> bytes:
    calendar = Calendar()
    name = f"{hub.page.name}: {hub.configuration.templates.locale(locale).said('Planned work').unescape()}"
    calendar.add("prodid", "-//trusthub//status page//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)  # what Google and Apple read instead of RFC 7986's NAME
    calendar.add("refresh-interval", _LOOK, parameters={"VALUE": "DURATION"})
    for event in events:
        calendar.add_component(event)
    made: bytes = calendar.to_ical()
    return made


def _event(session: Session, hub: Hub, row: Incident, locale: str) -> Event:
    """Return one entry. Times are UTC, which every calendar shows in its reader's zone."""
    main, url = hub.page.main, hub.incident_url(row.public_id, locale)
    name = report.title(hub, row, locale)[0]
    what = ", ".join(component.name for component in components_of(session, row, hub))
    words = [
        markdown.to_text(text)
        for said in (row.effect, row.advice)
        if (text := said.get(locale) or said.get(main)) and not betrays(hub, text)
    ]
    event = Event()
    event.add("uid", f"{row.public_id}@{urlsplit(hub.page.url).hostname}")
    event.add("sequence", row.sequence)
    event.add("dtstamp", row.updated_at)
    event.add("created", row.created_at)
    event.add("last-modified", row.updated_at)
    event.add("dtstart", row.scheduled_for)
    event.add("dtend", _end(row))
    event.add("summary", f"{what}: {name}" if what not in name else name)
    event.add("description", "\n\n".join([*words, url]))
    event.add("url", url)
    event.add("status", "CANCELLED" if row.settled == "cancelled" else "CONFIRMED")
    event.add("transp", "TRANSPARENT")  # it takes none of its reader's time
    return event


def _end(row: Incident) -> datetime | None:
    """Return when the work ended, or will by what we said."""
    return row.scheduled_until if row.settled == "cancelled" else row.resolved_at or row.scheduled_until
