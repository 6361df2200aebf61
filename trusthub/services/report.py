"""Reading rows into views: what the public page, the feeds and the console show."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, false, or_, select
from sqlmodel import Session, col

from trusthub.domain.events import Phase
from trusthub.domain.incident import OVER, PLANNED, ComponentStatus, Impact, worst_status
from trusthub.domain.promise import Kind
from trusthub.domain.rollout import public_version
from trusthub.domain.site import Routing
from trusthub.rendering import markdown
from trusthub.rendering.locales import Locale
from trusthub.services import ending, uptime
from trusthub.services.cases import (
    as_told,
    components_of,
    corrected,
    known_of,
    known_to,
    postmortem_of,
    question,
    rollout_behind,
    site_component,
    the_page,
)
from trusthub.services.curve import ExposureView
from trusthub.services.facts import basis_facts
from trusthub.services.hub import Hub
from trusthub.services.language import in_language
from trusthub.services.said import said
from trusthub.services.views import (
    STATE_WORDS,
    STATUS_WORDS,
    ComponentView,
    IncidentView,
    LanguageView,
    PageView,
    PromiseView,
    UpdateView,
    UptimeView,
)
from trusthub.services.voices import betrays, discreet
from trusthub.store.tables import Component, Incident, IncidentComponent, Promise, Rollout, Snapshot

View = Callable[[Incident], IncidentView]

RECENT = timedelta(days=14)
_MARGIN = timedelta(minutes=1)
SHOWN = 30
"""Incidents on the front page, and pieces of planned work: a storm must not make it too heavy to load."""
FEED = 25
"""Entries of a feed, as Statuspage has them."""

_GOING_BACK = frozenset({Phase.ROLLING_BACK, Phase.ROLLED_BACK})

_HEADLINES = {
    ComponentStatus.OPERATIONAL: ("All systems operational", "All systems operational"),
    ComponentStatus.DEGRADED: ("{} is not working as it should", "{} are not working as they should"),
    ComponentStatus.PARTIAL_OUTAGE: ("Part of {} is not working", "Parts of {} are not working"),
    ComponentStatus.MAJOR_OUTAGE: ("{} is not working", "{} are not working"),
    ComponentStatus.MAINTENANCE: ("We are working on {}", "We are working on {}"),
}
"""For one component and for several."""
_AGAIN = "Everything works again, and we are watching it"
_MANY = 3
"""From this many components on, the headline counts them; they are named below it."""
_INDICATORS = {
    ComponentStatus.OPERATIONAL: "none",
    ComponentStatus.DEGRADED: "minor",
    ComponentStatus.PARTIAL_OUTAGE: "major",
    ComponentStatus.MAJOR_OUTAGE: "critical",
    ComponentStatus.MAINTENANCE: "maintenance",
}


def page(session: Session, hub: Hub, now: datetime, locale: str = "") -> PageView:
    """Return the page with the one sentence that sums it up, in a language; in its own when none is given."""
    language = hub.configuration.templates.locale(locale or hub.page.main)
    rows = [component for component in listed(session, hub) if not component.is_group]
    worst = worst_status(component.status for component in rows)
    watching = session.execute(_public(hub, unresolved=True)).first() is not None
    calm = worst is ComponentStatus.OPERATIONAL
    names = [component.name for component in rows if component.status == worst]
    own, look = hub.page, hub.look
    intro, intro_lang = own.said(own.intro, language.code, own.main)
    footer, footer_lang = own.said(own.footer, language.code, own.main)
    return PageView(
        name=hub.page.name,
        url=hub.page.url,
        hub_url=hub.front,
        support=hub.page.support,
        indicator=_INDICATORS[worst],
        headline=str(language.said(_AGAIN)) if calm and watching else _headline(language, worst, names),
        rendered_at=now,
        locale=language.code,
        languages=tuple(
            LanguageView(code=code, name=hub.configuration.templates.locale(code).name, home=f"{hub.home_url(code)}/")
            for code in hub.page.locales
        ),
        promises=hub.page.promises.value,
        trust=hub.page.trust,
        files=hub.files is not None,
        title=language.said("{name}: incidents", name=hub.page.name).unescape(),
        sheet=look.sheet,
        logo=look.logo is not None,
        intro=markdown.to_html(intro),
        intro_lang=intro_lang,
        footer=markdown.to_html(footer),
        footer_lang=footer_lang,
    )


def _headline(language: Locale, worst: ComponentStatus, names: Sequence[str]) -> str:
    """Say in one sentence what is wrong, with the worst first: a visitor looks for one name."""
    one, several = _HEADLINES[worst]
    if len(names) == 1:
        return language.said(one, names[0]).unescape()
    listed = language.speech.listed(list(names))
    return language.said(several, listed if len(names) < _MANY else language.said("{} systems", len(names))).unescape()


def listed(session: Session, hub: Hub) -> Sequence[Component]:
    """Return the components that a page shows, and their groups, in the page's order."""
    rows = select(Component).where(col(Component.listed).is_(True)).order_by(col(Component.position))
    found, shows = session.execute(rows).scalars().all(), hub.shows
    if shows is None:
        return found
    groups = {row.group_id for row in found if row.key in shows}
    return [row for row in found if row.key in shows or row.id in groups]


def components(session: Session, hub: Hub, now: datetime) -> tuple[ComponentView, ...]:
    """Return components as the page groups them, with how they did in the last 90 days."""
    rows = listed(session, hub)
    known = uptime.of(session, [row for row in rows if not row.is_group], now)
    return tuple(_component(row, rows, known) for row in rows if row.group_id is None)


def each_once(session: Session, hub: Hub, now: datetime, locale: str = "") -> View:
    """Return what reads an incident as customers see it in a language, and reads each only once."""
    made: dict[int, IncidentView] = {}

    def view(row: Incident) -> IncidentView:
        if row.id not in made:
            made[row.id] = incident(session, hub, row, now, locale)
        return made[row.id]

    return view


def shown(session: Session, hub: Hub, now: datetime, view: View) -> tuple[IncidentView, ...]:
    """Return the incidents of the front page: unresolved ones, then those of the last two weeks, newest first.

    Planned work is among them once it is over.
    """
    rows = session.execute(
        _public(hub)
        .where(
            or_(
                col(Incident.state).not_in(OVER | PLANNED),
                col(Incident.state).in_(OVER) & (col(Incident.resolved_at) >= now - RECENT),
            )
        )
        .order_by(None)
        .order_by(col(Incident.state).in_(OVER), col(Incident.created_at).desc(), col(Incident.id).desc())
        .limit(SHOWN)
    )
    return tuple(map(view, rows.scalars().all()))


def planned(session: Session, hub: Hub, view: View) -> tuple[IncidentView, ...]:
    """Return the planned work that is under way or still to come, what begins first before the rest."""
    rows = session.execute(works(hub, over=False).limit(SHOWN)).scalars().all()
    return tuple(map(view, rows))


def works(hub: Hub, *, over: bool | None = None) -> Select[Incident]:
    """Select planned work that customers know of, by when it begins; `over` leaves out what is not, or what is."""
    rows = (
        _public(hub)
        .where(col(Incident.scheduled_for).is_not(None))
        .order_by(None)
        .order_by(col(Incident.scheduled_for))
    )
    if over is None:
        return rows
    return rows.where(col(Incident.state).in_(OVER) if over else col(Incident.state).not_in(OVER))


def latest(session: Session, hub: Hub, view: View) -> tuple[IncidentView, ...]:
    """Return the incidents of the feeds."""
    rows = session.execute(_public(hub).limit(FEED)).scalars().all()
    return tuple(map(view, rows))


def changed(session: Session, hub: Hub, view: View, *, prefix: str = "", everything: bool) -> tuple[IncidentView, ...]:
    """Return the incidents whose own page is missing or older than they are; with `everything`, unresolved ones too.

    Their page in a language is meant, whose paths begin with `prefix`.

    What was decided before the last rendering may have been committed after it: hence the margin.
    """
    since = the_page(session, hub)
    there = select(col(Snapshot.path)).where(col(Snapshot.page_id) == since.id)
    fresh = or_(
        col(Incident.updated_at) >= since.updated_at - _MARGIN,
        col(Incident.state).not_in(OVER) if everything else false(),
        (f"{prefix}/incidents/" + col(Incident.public_id)).not_in(there),
    )
    return tuple(map(view, session.execute(_public(hub).where(fresh)).scalars().all()))


def incident(session: Session, hub: Hub, row: Incident, now: datetime, locale: str = "") -> IncidentView:
    """Return one incident as customers see it in a language; in the page's own when none is given.

    While they get a holding message, because nobody has approved more, it has no count and no cause either.
    """
    code, made = locale or hub.page.main, promises(session, hub, row, locale)
    asked, right, (name, lang) = question(session, row.id), corrected(row), title(hub, row, locale)
    held = asked is not None and asked.held_at is not None
    written = postmortem_of(session, row.id) if row.postmortem_at else None
    own = written.words if written and not betrays(hub, written.words) else {}
    main = hub.page.main if hub.page.main in own else hub.configuration.site.page.main
    due = next(
        (promise.due for promise in made if promise.kind == Kind.NEXT_UPDATE and promise.standing == "pending"), None
    )
    return IncidentView(
        public_id=row.public_id,
        url=hub.incident_url(row.public_id, code),
        name=name,
        lang=lang,
        state=row.state,
        state_words=STATE_WORDS[row.state],
        impact=row.impact,
        components=tuple(component.name for component in components_of(session, row, hub)),
        started_at=row.started_at,
        resolved_at=row.resolved_at,
        next_update=due,
        overdue=due is not None and due < now,
        updates=updates(session, hub, row, code),
        promises=made,
        exposure=None if held else _exposure(session, hub, row),
        failed=None if held else row.failed,
        customers=None if held else right.customers,
        retracted=row.settled == "false_alarm",
        scheduled_for=row.scheduled_for,
        scheduled_until=row.scheduled_until,
        cancelled=row.settled == "cancelled",
        me_too=ending.count(session, row.id),
        postmortem=markdown.to_html(own[code if code in own else main]) if own else None,
        postmortem_lang=None if code in own else main,
        change=not held
        and not row.scheduled_for
        and (behind := rollout_behind(session, hub, row)) is not None
        and behind.phase not in _GOING_BACK,
    )


def updates(session: Session, hub: Hub, row: Incident, locale: str) -> tuple[UpdateView, ...]:
    """Return what was published on an incident, newest first."""
    return tuple(
        UpdateView(
            state=update.state,
            state_words=STATE_WORDS[update.state],
            html=markdown.to_html(text.body),
            at=update.created_at,
            lang=text.locale if text.locale != locale else None,
        )
        for update, text in said(session, hub, [row.id], locale)[row.id]
    )


def title(hub: Hub, row: Incident, locale: str = "") -> tuple[str, str | None]:
    """Return what an incident is called in a language, and the language of that when it is another one."""
    code, own = locale or hub.page.main, hub.configuration.site.page.main
    name = row.name if code == own else row.names.get(code)
    if betrays(hub, name or row.name):
        return discreet(hub, name or row.name, code), None
    return name or row.name, None if name else own


def promises(session: Session, hub: Hub, row: Incident, locale: str = "") -> tuple[PromiseView, ...]:
    """Return the promises of an incident, oldest first; replaced ones that were never due are left out."""
    found = session.execute(select(Promise).where(col(Promise.incident_id) == row.id).order_by(col(Promise.id)))
    return tuple(promise(session, hub, made, row, locale) for made in found.scalars() if made.standing != "withdrawn")


def promise(session: Session, hub: Hub, made: Promise, row: Incident, locale: str = "") -> PromiseView:
    """Return one promise of an incident, with its basis in the words of a language as far as it has some."""
    names = [component.name for component in components_of(session, row, hub)] if made.comparable else []
    code, templates = locale or hub.page.main, hub.configuration.templates
    about = {"component": templates.locale(code).speech.listed(names), **basis_facts(made)}
    return PromiseView(
        kind=made.kind,
        earliest=made.earliest,
        due=made.due,
        basis=templates.line("_basis.txt", code, **in_language(hub, about, code)),
        standing=made.standing,
        settled_at=made.settled_at,
        made_at=made.created_at,
        owner=made.owner,
    )


def component(
    session: Session, hub: Hub, row: Component, now: datetime, locale: str
) -> tuple[ComponentView, tuple[IncidentView, ...]]:
    """Return a component as it is now, with what is unresolved on it, newest first."""
    mine = select(col(IncidentComponent.incident_id)).where(col(IncidentComponent.component_id) == row.id)
    found = session.execute(_public(hub, unresolved=True).where(col(Incident.id).in_(mine)).limit(SHOWN)).scalars()
    return _component(row, [row], {}), tuple(incident(session, hub, each, now, locale) for each in found)


def _public(hub: Hub, *, unresolved: bool = False) -> Select[Incident]:
    rows = select(Incident).where(*known_to(hub))
    if unresolved:
        rows = rows.where(col(Incident.state).not_in(OVER | PLANNED))
    return rows.order_by(col(Incident.id).desc())


def _component(row: Component, rows: Sequence[Component], known: Mapping[int, UptimeView]) -> ComponentView:
    members = tuple(_component(member, rows, known) for member in rows if member.group_id == row.id)
    status = worst_status(member.status for member in members) if row.is_group else ComponentStatus(row.status)
    return ComponentView(
        name=row.name,
        description=row.description,
        status=status,
        status_words=STATUS_WORDS[status],
        members=members,
        public_id=row.public_id,
        uptime=known.get(row.id),
    )


def _exposure(session: Session, hub: Hub, row: Incident) -> ExposureView | None:
    rollout = session.get(Rollout, row.rollout_id) if row.rollout_id else None
    if rollout is None or row.impact == Impact.NONE or (hub.shows is not None and rollout.subject not in hub.shows):
        return None
    known = as_told(session, rollout, known_of(rollout))
    component = site_component(hub, rollout.subject)
    if not known.peak:
        return None
    right = corrected(row)
    return ExposureView(
        steps=tuple((step.at, step.percent) for step in known.steps),
        peak=known.peak if right.peak is None else right.peak,
        corrected=any(value is not None for value in (right.peak, right.began, right.ended)),
        ended=known.exposed_until,
        version=public_version(known.to_version),
        sticky=component is not None and component.routing is Routing.STICKY,
    )
