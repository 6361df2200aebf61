"""What a person does about planned work: plan it, change its window, say how it goes, finish it, cancel it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain import maintenance as rules
from trusthub.domain.incident import AT_WORK, By, Impact, State
from trusthub.domain.message import Moment
from trusthub.domain.playbook import Kind as Occasion
from trusthub.services import acts, incidents, window
from trusthub.services.acts import Act, StaffError
from trusthub.services.admitting import TITLE, admit
from trusthub.services.cases import Case, create, open_case
from trusthub.services.hub import Hub
from trusthub.services.language import Translations, translations
from trusthub.store.tables import Component, Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a person writes to plan work. Times are UTC-aware; words by the codes of the page's languages."""

    components: Sequence[str]
    """Their ids in site.yaml."""
    name: Translations
    effect: Translations
    """What customers cannot do meanwhile."""
    start: datetime
    end: datetime
    advice: Translations = field(default_factory=dict)
    """What they can do about it."""
    ends_itself: bool = False
    """Whether it is over at its end, unless a person says otherwise before."""


def plan(hub: Hub, act: Act, planned: Plan) -> str:
    """Publish planned work, and set its timers; return its public id."""
    _checked(lambda: rules.check(planned.start, planned.end, act.now))
    name, effect = (
        _words(hub, planned.name, "a title"),
        _words(hub, planned.effect, "what customers cannot do meanwhile"),
    )
    advice = _given(hub, planned.advice)
    with hub.database.transaction() as session:
        touched = _components(session, planned.components)
        playbook = hub.configuration.playbook(
            component=touched[0].key, environment=None, severity=Impact.NONE, kind=Occasion.MAINTENANCE
        )
        incident = create(
            session,
            Incident(
                name=name[hub.page.main],
                names=dict(name),
                state=State.SCHEDULED,
                impact=Impact.NONE,
                public=True,
                opened_by=By.PERSON,
                planned_by=act.actor,
                decision=f"{act.actor} planned it.",
                playbook=playbook.name,
                scheduled_for=planned.start,
                scheduled_until=planned.end,
                ends_itself=planned.ends_itself,
                effect=dict(effect),
                advice=dict(advice),
                started_at=planned.start,
                created_at=act.now,
                updated_at=act.now,
            ),
            touched,
        )
        case = open_case(session, hub, incident.id)
        window.arm(session, case, planned.start, act.now)
        admit(session, hub, act, [name, effect, advice], TITLE, f"incident:{incident.public_id}")
        _speak(session, hub, case, act, Moment.MAINTENANCE_PLANNED, "plan")
        return incident.public_id


def change(
    hub: Hub,
    public_id: str,
    act: Act,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    note: Translations | None = None,
    verifying: bool = False,
) -> None:
    """Give planned work another window, or say something about it, or both.

    What has begun keeps its start; `end` extends or shortens it. `verifying` says that it is done and being checked.
    """
    with hub.database.transaction() as session:
        case = _case(session, hub, public_id)
        incident = case.incident
        said_from, said_until = incident.scheduled_for, incident.scheduled_until
        assert said_from is not None and said_until is not None  # noqa: S101, PT018 -- `_case` has seen to it
        begun = incident.state in AT_WORK
        start, end = start or said_from, end or said_until
        moved, words = (start, end) != (said_from, said_until), _given(hub, note or {})
        checked = verifying and incident.state == State.IN_PROGRESS
        if begun and start != said_from:
            raise StaffError("The work has begun. Only its end can be changed.")
        if not moved and not words and not checked:
            raise StaffError("Nothing is different. Give another time, or write something.")
        if verifying and not begun:
            raise StaffError("The work has not begun, so there is nothing to check yet.")
        if moved:
            check = rules.check_end if begun else rules.check
            _checked(lambda: check(start, end, act.now))
            incident.scheduled_for = incident.started_at = start
            incident.scheduled_until = end
            if begun:
                window.promise_end(session, case, end, act.now, owner=act.actor)
            else:
                window.arm(session, case, start, act.now)
        if checked:
            incident.state = State.VERIFYING
        _speak(
            session,
            hub,
            case,
            act,
            Moment.MAINTENANCE_UPDATED,
            "change" if moved else "update",
            detail=f"{_span(said_from, said_until)} became {_span(start, end)}" if moved else "",
            said_from=said_from if moved else None,
            said_until=said_until if moved else None,
            note=words,
        )


def finish(hub: Hub, public_id: str, act: Act, *, note: Translations | None = None) -> None:
    """Say that the work is done, early or late. What is touched counts as working again."""
    with hub.database.transaction() as session:
        case = _case(session, hub, public_id)
        if case.incident.state not in AT_WORK:
            raise StaffError("The work has not begun. Cancel it, or give it another time.")
        case.incident.closed_by = By.PERSON
        words = _given(hub, note or {})
        late = window.missed(case, act.now)
        _speak(session, hub, case, act, Moment.MAINTENANCE_COMPLETED, "finish", note=words, promised_by=late)


def cancel(hub: Hub, public_id: str, act: Act, *, note: Translations | None = None) -> None:
    """Say that the work will not be done. Only what has not begun can be cancelled."""
    with hub.database.transaction() as session:
        case = _case(session, hub, public_id)
        if case.incident.state != State.SCHEDULED:
            raise StaffError("The work has begun. Say that it is finished, with a note that says what was not done.")
        case.incident.closed_by, case.incident.settled = By.PERSON, "cancelled"
        case.incident.started_at = act.now  # it stands under the day on which it was called off
        words = _given(hub, note or {})
        _speak(session, hub, case, act, Moment.MAINTENANCE_CANCELLED, "cancel", note=words)


def _case(session: Session, hub: Hub, public_id: str) -> Case:
    found = select(col(Incident.id)).where(
        col(Incident.public_id) == public_id, col(Incident.scheduled_for).is_not(None)
    )
    number = session.execute(found).scalar()
    if number is None:
        raise StaffError("There is no such planned work.")
    case = open_case(session, hub, number)
    if case.incident.state == State.COMPLETED:
        raise StaffError("This work is over.")
    return case


def _components(session: Session, keys: Sequence[str]) -> list[Component]:
    rows = session.execute(
        select(Component)
        .where(col(Component.key).in_(keys), col(Component.is_group).is_(False), col(Component.listed).is_(True))
        .order_by(col(Component.position))
    )
    found = list(rows.scalars())
    if missing := set(keys) - {row.key for row in found}:
        raise StaffError(f"There is no component {min(missing)!r}.")
    if not found:
        raise StaffError("Choose what the work is on.")
    return found


def _words(hub: Hub, words: Translations, what: str) -> Translations:
    """Return words in the page's own language and those in others that are not empty; without the first it refuses."""
    if not words.get(hub.page.main, "").strip():
        raise StaffError(f"Please write {what}.")
    return translations(hub, words[hub.page.main], words)


def _given(hub: Hub, words: Translations) -> Translations:
    """Return what was written, or nothing. Words in another language alone are refused: they would be lost."""
    if not any(text.strip() for text in words.values()):
        return {}
    return _words(hub, words, "it in the page's own language as well")


def _checked(check: Callable[[], None]) -> None:
    try:
        check()
    except ValueError as error:
        raise StaffError(str(error)) from error


def _span(start: datetime, end: datetime) -> str:
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"


def _speak(
    session: Session,
    hub: Hub,
    case: Case,
    act: Act,
    moment: Moment,
    action: str,
    *,
    note: Translations | None = None,
    detail: str = "",
    **more: Any,
) -> None:
    if note:
        admit(session, hub, act, [note], TITLE, f"incident:{case.incident.public_id}")
    cause = f"audit:{acts.audit(session, act, action, case, detail).id}"
    incidents.speak(session, hub, case, moment, now=act.now, cause=cause, author=act.actor, note=note or None, **more)
