"""Every promise we made in public, and what became of it: an overview, and a page and a document for each month."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlmodel import Session, col

from trusthub.domain.page import Ledger
from trusthub.domain.promise import Record
from trusthub.services import report
from trusthub.services.cases import known_to, the_page
from trusthub.services.hub import Hub
from trusthub.services.views import PageView, PromiseView
from trusthub.store.tables import Incident, Promise, Snapshot

PATH = "/promises"
NEWEST = 50
"""Promises on the overview; the pages of the months have all."""
_MARGIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One promise with its incident."""

    promise: PromiseView
    incident_id: str
    incident_name: str
    incident_url: str
    lang: str | None = None
    """The language of the incident's name, when that is not the page's."""
    replaced_by: datetime | None = None
    """The time that took its place before it had passed."""
    retracted: bool = False
    """It was withdrawn because it was a false alarm."""

    @property
    def day(self) -> str:
        """When it was made (UTC), such as `2026-11-22`."""
        return f"{self.promise.made_at:%F}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """How the promises that were made in a month (UTC) ended."""

    first: datetime
    tally: Record

    @property
    def name(self) -> str:
        """Such as `2026-11`."""
        return f"{self.first:%Y-%m}"

    @property
    def path(self) -> str:
        """Where all of it is."""
        return f"{PATH}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """What one page shows."""

    months: tuple[Month, ...]
    """Newest first; one, on a month's own page."""
    entries: tuple[Entry, ...]
    """Newest first."""
    whole: bool
    """Whether the entries are all that the months count."""

    @property
    def tally(self) -> Record:
        """All months together."""
        every = [month.tally for month in self.months]
        return Record(
            kept=sum(one.kept for one in every),
            missed=sum(one.missed for one in every),
            withdrawn=sum(one.withdrawn for one in every),
            pending=sum(one.pending for one in every),
        )


def overview(session: Session, hub: Hub, locale: str = "") -> LedgerView:
    """Return every month, and the newest promises, in a language; in the page's own when none is given."""
    months = _months(session, hub)
    entries = _entries(session, hub, _promises(hub).limit(NEWEST), locale)
    return LedgerView(months=months, entries=entries, whole=sum(month.tally.made for month in months) <= NEWEST)


def month_of(session: Session, hub: Hub, month: Month, locale: str = "") -> LedgerView:
    """Return every promise of a month, in a language."""
    after = (month.first + timedelta(days=31)).replace(day=1)
    rows = _promises(hub).where(col(Promise.created_at) >= month.first, col(Promise.created_at) < after)
    return LedgerView(months=(month,), entries=_entries(session, hub, rows, locale), whole=True)


def documents(
    session: Session, hub: Hub, pages: Sequence[PageView], *, everything: bool
) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of each page and document that may have changed; with `everything`, of all.

    `pages` is the page in each of its languages. Documents are for programs: they are in the page's own only.
    """
    if hub.page.promises is not Ledger.PUBLIC:
        return
    for page in pages:
        prefix = hub.page.prefix(page.locale)
        for path, seen in _changed(session, hub, page.locale, everything=everything):
            context = {"page": page, "ledger": seen, "path": path}
            body = hub.configuration.templates.page("pages/promises.html", page.locale, **context)
            yield f"{prefix}{path}", body.encode()
            if not prefix:
                yield f"{path}.json", json.dumps(_json(hub, seen), ensure_ascii=False).encode()


def _changed(session: Session, hub: Hub, locale: str, *, everything: bool) -> Iterator[tuple[str, LedgerView]]:
    """Yield the overview, and each month that may have changed, in a language.

    What was decided before the last rendering may have been committed after it: hence the margin.
    """
    seen = overview(session, hub, locale)
    yield PATH, seen
    last, prefix = the_page(session, hub), hub.page.prefix(locale)
    mine = col(Snapshot.path).startswith(f"{prefix}{PATH}/")
    kept = select(col(Snapshot.path)).where(col(Snapshot.page_id) == last.id, mine)
    there, fresh = set(session.execute(kept).scalars()), _touched(session, hub, last.updated_at - _MARGIN)
    for month in seen.months:
        if everything or f"{prefix}{month.path}" not in there or month.name in fresh:
            yield month.path, month_of(session, hub, month, locale)


def belongs(path: str) -> bool:
    """Whether a published file is part of the ledger, in whatever language."""
    return re.fullmatch(rf"(/[A-Za-z_-]+)?{PATH}(\.json|/.*)?", path) is not None


def _promises(hub: Hub) -> Select[Promise, Incident]:
    return (
        select(Promise, Incident)
        .join(Incident, col(Incident.id) == Promise.incident_id)
        .where(*known_to(hub))
        .order_by(col(Promise.id).desc())
    )


def _months(session: Session, hub: Hub) -> tuple[Month, ...]:
    found: dict[str, Counter[str]] = {}
    rows: Select[datetime, str] = _promises(hub).with_only_columns(col(Promise.created_at), col(Promise.standing))
    for made_at, standing in session.execute(rows):
        found.setdefault(f"{made_at:%Y-%m}", Counter())[standing] += 1
    return tuple(
        Month(first=datetime.strptime(f"{name}+0000", "%Y-%m%z").astimezone(UTC), tally=Record(**counts))
        for name, counts in found.items()
    )


def _touched(session: Session, hub: Hub, since: datetime) -> set[str]:
    """Return the months with a promise that was made or ended since then."""
    rows = _promises(hub).with_only_columns(col(Promise.created_at))
    changed = (col(Promise.created_at) >= since) | (col(Promise.settled_at) >= since)
    return {f"{made_at:%Y-%m}" for made_at in session.execute(rows.where(changed)).scalars()}


def _entries(session: Session, hub: Hub, rows: Select[Promise, Incident], locale: str) -> tuple[Entry, ...]:
    return tuple(_entry(session, hub, made, incident, locale) for made, incident in session.execute(rows).all())


def _replacement(session: Session, made: Promise) -> datetime | None:
    """Return the time that was given in place of a withdrawn one."""
    if made.standing != "withdrawn":
        return None
    same = (col(Promise.incident_id) == made.incident_id, col(Promise.kind) == made.kind)
    found = select(col(Promise.due)).where(*same, col(Promise.created_at) == made.settled_at, col(Promise.id) > made.id)
    return session.execute(found.limit(1)).scalar()


def _entry(session: Session, hub: Hub, made: Promise, incident: Incident, locale: str) -> Entry:
    name, lang = report.title(hub, incident, locale)
    return Entry(
        promise=report.promise(session, hub, made, incident, locale),
        incident_id=incident.public_id,
        incident_name=name,
        incident_url=hub.incident_url(incident.public_id, locale),
        lang=lang,
        replaced_by=_replacement(session, made),
        retracted=incident.settled == "false_alarm",
    )


def _json(hub: Hub, seen: LedgerView) -> dict[str, Any]:
    return {
        "page": {"name": hub.page.name, "url": hub.page.url},
        "months": [
            {
                "month": month.name,
                "url": f"{hub.page.url}{month.path}.json",
                "made": month.tally.made,
                "kept": month.tally.kept,
                "missed": month.tally.missed,
                "withdrawn": month.tally.withdrawn,
                "pending": month.tally.pending,
                "kept_percent": None if month.tally.share is None else round(month.tally.share, 1),
            }
            for month in seen.months
        ],
        "promises": [_promise_json(entry) for entry in seen.entries],
    }


def _promise_json(entry: Entry) -> dict[str, Any]:
    made = entry.promise
    return {
        "incident": {"id": entry.incident_id, "name": entry.incident_name, "url": entry.incident_url},
        "kind": made.kind,
        "made_at": _time(made.made_at),
        "earliest": _time(made.earliest),
        "due": _time(made.due),
        "basis": made.basis or None,
        "standing": made.standing,
        "settled_at": _time(made.settled_at),
        "replaced_by": _time(entry.replaced_by),
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else None
