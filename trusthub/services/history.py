"""Every incident, month by month: of the whole page, and of each component that had one.

A page is rendered anew when an incident on it has changed, so that their number costs nothing on a calm day. There are
at most as many as incidents have months and components.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.incident import OVER, PLANNED
from trusthub.services import report
from trusthub.services.cases import known_to, the_page
from trusthub.services.hub import Hub
from trusthub.services.uptime import FALSE_ALARM
from trusthub.services.views import STATE_WORDS, PageView
from trusthub.store.tables import Component, Incident, IncidentComponent, Snapshot

PATH = "/history"
MONTHS = 3
"""Months whose incidents an overview shows."""
SHOWN = 50
"""Incidents of each of them; the month's own page has all."""
_MARGIN = timedelta(minutes=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastView:
    """An incident in a list of them."""

    url: str
    name: str
    lang: str | None
    """The language of its name, when that is not the page's."""
    state: str
    state_words: str
    impact: str
    retracted: bool
    components: tuple[str, ...]
    started_at: datetime
    resolved_at: datetime | None
    cancelled: bool = False
    scheduled_for: datetime | None = None
    """Both are for planned work, which has no place here."""

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.state in OVER

    @property
    def lasted(self) -> timedelta | None:
        """From start to end; None while it lasts."""
        return self.resolved_at - self.started_at if self.resolved_at and self.over else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """Where else to look. `count` is how many incidents are there."""

    words: str
    path: str
    count: int = 0
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthView:
    """A month (UTC) with its incidents, newest first, or the newest of them."""

    first: datetime
    path: str
    incidents: tuple[PastView, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """What one page shows."""

    path: str
    """Its own address, without the language."""
    component: str | None
    months: tuple[MonthView, ...]
    filters: tuple[LinkView, ...]
    """The same for each component, and for all."""
    all_months: tuple[MonthView, ...]
    """Every month with an incident, newest first, without them. On an overview."""
    overview: str | None = None
    """Where a month's page came from."""


class History:
    """When incidents of which component began, read once for all pages and languages."""

    def __init__(self, session: Session, hub: Hub, now: datetime) -> None:
        self._session, self._hub, self._now = session, hub, now
        self._components = {row.id: row for row in report.listed(session, hub) if not row.is_group}
        last = the_page(session, hub)
        there = select(col(Snapshot.path)).where(col(Snapshot.page_id) == last.id)
        self._there = set(session.execute(there.where(col(Snapshot.path).contains(PATH))).scalars())
        self._known: dict[int | None, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        self._touched: set[tuple[int | None, str]] = set()
        self._read(last.updated_at - _MARGIN)

    def _read(self, since: datetime) -> None:
        """Sort incidents into months. One that changed may have been in the month when it was told, or before."""
        touching: dict[int, list[int]] = defaultdict(list)
        for link in self._session.execute(select(IncidentComponent)).scalars():
            touching[link.incident_id].append(link.component_id)
        fields = (Incident.id, Incident.started_at, Incident.told_at, Incident.updated_at)
        rows = select(*map(col, fields)).where(*known_to(self._hub), col(Incident.state).not_in(PLANNED))
        for number, started_at, told_at, updated_at in self._session.execute(rows.order_by(col(Incident.id).desc())):
            for scope in (None, *touching[number]):
                self._known[scope][_month(started_at)].append(number)
                if updated_at >= since:
                    times = [started_at] if told_at is None else [started_at, told_at, told_at.replace(day=1) - _DAY]
                    self._touched |= {(scope, _month(at)) for at in times}

    def pages(self, hub: Hub, page: PageView, *, everything: bool) -> Iterator[tuple[str, bytes]]:
        """Yield path and bytes of each page in a language that may have changed; overviews too with `everything`."""
        for scope in (None, *self._components):
            base = self._base(scope)
            fresh = any(each == scope for each, _ in self._touched)
            if everything or fresh or page.prefix + base not in self._there:
                yield self._page(hub, page, self._overview(hub, page, scope))
            there = {month for each, month in self._touched if each == scope and self._has(page, base, month)}
            for month in there | {month for month in self._known[scope] if not self._has(page, base, month)}:
                yield self._page(hub, page, self._one(hub, page, scope, month))

    def _has(self, page: PageView, base: str, month: str) -> bool:
        return f"{page.prefix}{base}/{month}" in self._there

    @staticmethod
    def _page(hub: Hub, page: PageView, seen: HistoryView) -> tuple[str, bytes]:
        body = hub.configuration.templates.page("pages/history.html", page.locale, page=page, history=seen)
        return page.prefix + seen.path, body.encode()

    def _base(self, scope: int | None) -> str:
        return PATH if scope is None else f"{PATH}/{self._components[scope].public_id}"

    def _overview(self, hub: Hub, page: PageView, scope: int | None) -> HistoryView:
        known = self._known[scope]
        return HistoryView(
            path=self._base(scope),
            component=None if scope is None else self._components[scope].name,
            months=tuple(self._month(hub, page, scope, month, SHOWN) for month in _last(self._now)),
            filters=self._filters(scope, None),
            all_months=tuple(self._month(hub, page, scope, month, 0) for month in sorted(known, reverse=True)),
        )

    def _one(self, hub: Hub, page: PageView, scope: int | None, month: str) -> HistoryView:
        return HistoryView(
            path=f"{self._base(scope)}/{month}",
            component=None if scope is None else self._components[scope].name,
            months=(self._month(hub, page, scope, month, None),),
            filters=self._filters(scope, month),
            all_months=(),
            overview=self._base(scope),
        )

    def _filters(self, current: int | None, month: str | None) -> tuple[LinkView, ...]:
        """Return a link for each component; in a month, for those that had an incident then."""
        scopes = (None, *(each for each in self._components if month is None or month in self._known[each]))
        return tuple(
            LinkView(
                words="" if scope is None else self._components[scope].name,
                path=self._base(scope) + (f"/{month}" if month else ""),
                current=scope == current,
            )
            for scope in scopes
        )

    def _month(self, hub: Hub, page: PageView, scope: int | None, month: str, most: int | None) -> MonthView:
        numbers = self._known[scope].get(month, [])
        return MonthView(
            first=datetime.strptime(f"{month}+0000", "%Y-%m%z").astimezone(UTC),
            path=f"{self._base(scope)}/{month}",
            incidents=_incidents(self._session, hub, page, numbers[:most]),
            count=len(numbers),
        )


def _month(at: datetime) -> str:
    return f"{at:%Y-%m}"


def _last(now: datetime) -> list[str]:
    """Return the newest months, this one first."""
    found = [now]
    while len(found) < MONTHS:
        found.append(found[-1].replace(day=1) - _DAY)
    return list(map(_month, found))


def _incidents(session: Session, hub: Hub, page: PageView, numbers: Sequence[int]) -> tuple[PastView, ...]:
    if not numbers:
        return ()
    rows = session.execute(select(Incident).where(col(Incident.id).in_(numbers))).scalars().all()
    names = _names(session, hub, numbers)
    newest_first = sorted(rows, key=lambda row: (row.started_at, row.id), reverse=True)
    return tuple(_past(hub, page, row, tuple(names.get(row.id, ()))) for row in newest_first)


def _names(session: Session, hub: Hub, numbers: Sequence[int]) -> Mapping[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    rows = (
        select(col(IncidentComponent.incident_id), col(Component.name))
        .join(Component, col(Component.id) == IncidentComponent.component_id)
        .where(col(IncidentComponent.incident_id).in_(numbers))
        .order_by(col(Component.position))
    )
    if hub.shows is not None:
        rows = rows.where(col(Component.key).in_(hub.shows))
    for number, name in session.execute(rows):
        found[number].append(name)
    return found


def _past(hub: Hub, page: PageView, row: Incident, components: tuple[str, ...]) -> PastView:
    name, lang = report.title(hub, row, page.locale)
    return PastView(
        url=hub.incident_url(row.public_id, page.locale),
        name=name,
        lang=lang,
        state=row.state,
        state_words=STATE_WORDS[row.state],
        impact=row.impact,
        retracted=row.settled == FALSE_ALARM,
        components=components,
        started_at=row.started_at,
        resolved_at=row.resolved_at,
    )
