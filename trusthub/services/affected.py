"""Those whom an incident hit hear of it personally, also while the public page stays calm; nobody else learns who.

The list is kept for a short time (`retention.affected`), and so are the mails to those on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, func, or_, select
from sqlmodel import Session, col

from trusthub.domain.affected import MOST, Hit
from trusthub.domain.incident import OVER, CauseClass
from trusthub.domain.message import Moment
from trusthub.services import acts, subscribe, unattended
from trusthub.services.acts import Act, StaffError
from trusthub.services.announce import Telling, mail_asked
from trusthub.services.cases import Case, components_of, open_case, pages_of, pending, read_case
from trusthub.services.facts import Facts, case_facts, page_facts
from trusthub.services.hub import Hub
from trusthub.services.seldom import Seldom
from trusthub.store.tables import Affected, Attempt, Delivery, Incident, Person, Recipient, Subscriber
from trusthub.store.types import public_id

ASKS = 3
"""Answers to one address in a day, whoever asks: nobody can fill a stranger's mailbox."""
LOOK = timedelta(seconds=15)
PART = 1000
"""Customers that one transaction lists."""
BATCH = 100
"""Mails that one transaction writes."""
_ROUNDS = 10
"""Of these in one look: the worker has more to look after."""
_DAY = timedelta(days=1)
_HOLDING = select(col(Incident.id)).where(
    or_(col(Incident.cause_class) == CauseClass.ATTACK, col(Incident.data_at_risk)), col(Incident.cleared_by).is_(None)
)
"""Of these, customers get holding messages only."""
_OURS = col(Delivery.conversation).startswith("affected:")
"""Mails of this kind; a holding message can be one."""
_TOLD = (Moment.AFFECTED_TOLD, Moment.AFFECTED_ENDED)
"""Those for which nobody asked."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a list."""

    count: int
    """Customers who are listed on the incident now."""
    reachable: int
    """Of them, those to whom we can write."""


def add(hub: Hub, incident_public_id: str, hits: Sequence[Hit], act: Act) -> Kept:
    """List whom an incident hit; those with an address hear of it at once. Twice the same one is one.

    Raises StaffError when there is no such incident, or nothing may be said about it now.
    """
    if len(hits) > MOST:
        raise StaffError(f"These are {len(hits):,}. Send at most {MOST:,} at a time.")
    for start in range(0, max(len(hits), 1), PART):
        with hub.database.transaction() as session:
            case = _case(session, hub, incident_public_id, act)
            _list(session, hub, case.incident.id, hits[start : start + PART], act.now)
            kept = _kept(session, case.incident.id)
            if start + PART >= len(hits):
                acts.audit(session, act, "listed whom it hit", case, f"{kept.count:,} in all")
    return kept


def _case(session: Session, hub: Hub, name: str, act: Act) -> Case:
    """Return an incident about which something may be said now."""
    number = session.execute(select(col(Incident.id)).where(col(Incident.public_id) == name)).scalar()
    if number is None:
        raise StaffError("There is no such incident.")
    case = open_case(session, hub, number)
    acts.not_held(case)
    if why := unattended.held(session, hub, case, Moment.AFFECTED_TOLD, act.now, affected=True):
        raise StaffError(why)
    return case


def _kept(session: Session, number: int) -> Kept:
    mine = select(func.count(), func.count(col(Affected.person_id))).where(col(Affected.incident_id) == number)
    return Kept(*session.execute(mine).one())


def _list(session: Session, hub: Hub, number: int, hits: Sequence[Hit], now: datetime) -> None:
    """Add those who are not there yet, in two statements: others wait meanwhile."""
    known = _subscribers(session, [hit.id for hit in hits if not hit.address])
    there = set(session.execute(select(col(Affected.who)).where(col(Affected.incident_id) == number)).scalars())
    people, rows = list[Person](), list[tuple[Affected, Person | None]]()
    for hit in hits:
        address = (hit.address or known.get(hit.id, "")).lower()
        who = hub.tokens.hide("affected", address or hit.id.lower())
        if who in there:
            continue
        there.add(who)
        person = Person(email=address, created_at=now) if address else None
        people += [person] if person else []
        locale = hub.page.nearest(hit.locale)
        rows.append((Affected(incident_id=number, who=who, locale=locale, created_at=now), person))
    session.add_all(people)
    session.flush()
    for row, person in rows:
        row.person_id = person.id if person else None
    session.add_all(row for row, _ in rows)
    session.flush()


def _subscribers(session: Session, names: Sequence[str]) -> dict[str, str]:
    """Return the addresses of subscribers by their ids here; ids of other systems are nobody's."""
    mine = (col(Subscriber.public_id).in_(names), col(Subscriber.channel) == "email")
    found = session.execute(select(col(Subscriber.public_id), col(Subscriber.address)).where(*mine))
    return {row[0]: row[1] for row in found}


# ---------------------------------------------------------------------------------------------- telling them


class Personally:
    """Tells those who are listed, and how it ended, and forgets them in time."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._seldom, self._forget = hub, Seldom(LOOK), Seldom(timedelta(hours=1))

    def watch(self, now: datetime) -> None:
        """Write the next mails. Of several workers, each writes to others."""
        if self._seldom.due(now):
            for _ in range(_ROUNDS):
                if not tell_some(self._hub, now):
                    break
        if self._forget.due(now):
            forget(self._hub, now)


def tell_some(hub: Hub, now: datetime) -> int:
    """Put the next mails on their way; return how many."""
    over = select(col(Incident.id)).where(col(Incident.state).in_(OVER))
    reachable = col(Affected.person_id).is_not(None) & col(Affected.incident_id).not_in(_HOLDING)
    told = col(Affected.told_at).is_not(None)
    ended = told & col(Affected.ended_at).is_(None) & col(Affected.incident_id).in_(over)
    with hub.database.reading() as session:
        if session.execute(select(col(Affected.id)).where(reachable, ~told | ended).limit(1)).first() is None:
            return 0
    with hub.database.transaction() as session:
        rows = session.execute(
            select(Affected)
            .where(reachable, ~told | ended)
            .order_by(col(Affected.id))
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        found, facts = rows.scalars().all(), dict[int, tuple[Hub, Case, Facts]]()
        for row in found:
            if row.incident_id not in facts:
                page = _pages(session, hub, row.incident_id)[0]
                facts[row.incident_id] = (page, *_facts(session, page, row.incident_id))
            _write(session, row, *facts[row.incident_id], now)
        return len(found)


def _write(session: Session, row: Affected, hub: Hub, case: Case, facts: Facts, now: datetime) -> None:
    moment = Moment.AFFECTED_TOLD if row.told_at is None else Moment.AFFECTED_ENDED
    person = session.get_one(Person, row.person_id)
    if moment is Moment.AFFECTED_TOLD:
        row.told_at = now
    else:
        row.ended_at = now
    if not person.email or subscribe.suppressed(session, person.email):
        return
    telling = _telling(case, facts, moment, f"affected:{row.id}/{moment}", now)
    mail_asked(
        session, hub, telling, address=person.email, locale=row.locale, zone=hub.page.time_zone, reader="affected"
    )


def _pages(session: Session, hub: Hub, number: int) -> tuple[Hub, ...]:
    """Return the hub as each page that shows what an incident touches."""
    return pages_of(hub, components_of(session, session.get_one(Incident, number)))


def _facts(session: Session, hub: Hub, number: int) -> tuple[Case, Facts]:
    case = read_case(session, hub, number)
    facts = case_facts(hub, case, pending(session, case.incident))
    if not facts["answer_url"] and case.components:
        facts["answer_url"] = f"{hub.component_url(case.components[0].public_id)}#answer"
    return case, {**facts, "affected": True}


def _telling(case: Case, facts: Facts, moment: Moment, cause: str, now: datetime) -> Telling:
    return Telling(
        moment=moment,
        playbook=case.playbook,
        facts=facts,
        conversation=cause,
        cause=cause,
        now=now,
        incident_id=case.incident.id if case.incident.public else None,  # answers by mail go to what customers know
    )


# ---------------------------------------------------------------------------------------------- am I affected?


def answer(hub: Hub, address: str, locale: str, now: datetime) -> None:
    """Mail whoever has an address whether anything on a page hit them lately: an answer for who reads that mailbox."""
    with hub.database.transaction() as session:
        if subscribe.suppressed(session, address) or _answers(session, address.lower(), now) >= ASKS:
            return
        who = hub.tokens.hide("affected", address.lower())
        listed = select(col(Affected.incident_id)).where(col(Affected.who) == who).order_by(col(Affected.id).desc())
        mine = (each for each in session.execute(listed).scalars() if hub in _pages(session, hub, each))
        number, cause = next(mine, None), f"affected:{public_id()}"
        if number is not None:
            case, facts = _facts(session, hub, number)
            moment = Moment.INCIDENT_HOLDING if case.holding else Moment.AFFECTED_ANSWERED
            telling = _telling(case, facts, moment, cause, now)
        else:
            telling = Telling(
                moment=Moment.AFFECTED_ANSWERED,
                playbook=hub.configuration.everyday,
                facts={**page_facts(hub), "affected": False},
                conversation=cause,
                cause=cause,
                now=now,
            )
        zone = hub.page.time_zone
        mail_asked(session, hub, telling, address=address, locale=hub.page.nearest(locale), zone=zone)


def _answers(session: Session, address: str, now: datetime) -> int:
    """Return how many such answers an address had within a day."""
    mine = (func.lower(col(Delivery.lane)) == f"email:{address}", _OURS, col(Delivery.moment).not_in(_TOLD))
    counted = select(func.count()).select_from(Delivery).where(*mine, col(Delivery.created_at) > now - _DAY)
    return int(session.execute(counted).scalar_one())


# ---------------------------------------------------------------------------------------------- forgetting them


def forget(hub: Hub, now: datetime) -> None:
    """Forget who was listed on what is over, and the mails to them; a legal hold keeps both."""
    period = hub.configuration.site.retention.affected
    if period == timedelta.max:
        return
    free = (col(Incident.state).in_(OVER), col(Incident.legal_hold_by).is_(None))
    over = select(col(Incident.id)).where(*free, col(Incident.updated_at) < now - period)
    held = exists().where(col(Incident.legal_hold_by).is_not(None))
    with hub.database.transaction(quiet=True) as session:
        listed = select(col(Affected.id), col(Affected.person_id)).where(col(Affected.incident_id).in_(over))
        gone = session.execute(listed).all()
        session.execute(delete(Affected).where(col(Affected.id).in_([row[0] for row in gone])))
        session.execute(delete(Person).where(col(Person.id).in_([row[1] for row in gone if row[1]])))
        mails = select(col(Delivery.id)).where(
            _OURS,
            col(Delivery.created_at) < now - period,
            col(Delivery.state) != "pending",
            ~held,
        )
        old = list(session.execute(mails.limit(500)).scalars())
        for table in (Attempt, Recipient):
            session.execute(delete(table).where(col(table.delivery_id).in_(old)))
        session.execute(delete(Delivery).where(col(Delivery.id).in_(old)))
