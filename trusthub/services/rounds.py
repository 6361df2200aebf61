"""What goes to every open thread of an incident: a few at a time by a timer, so that nothing else waits for it.

A round keeps the words and facts of the moment in which it began, and how far it has got. It ends by being deleted.
"""

from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from trusthub.domain.incident import OVER
from trusthub.domain.message import FACTS, Moment
from trusthub.domain.parts import Share
from trusthub.services import feedback
from trusthub.services.announce import customers_words
from trusthub.services.cases import Case, hub_of, the_page, wake
from trusthub.services.facts import Facts, page_facts
from trusthub.services.feedback import Said
from trusthub.services.hub import Hub
from trusthub.services.topic import Topic
from trusthub.store.tables import Thread, ThreadRound

TIMER = "threads"
BATCH = 25
"""Threads of one transaction."""
APART = timedelta(seconds=1)
"""Between two of them, so that other messages get their turn."""


def close(session: Session, hub: Hub, case: Case, facts: Facts, now: datetime) -> None:
    """Begin to tell every customer with an open thread how it ended, and to ask whether it is fixed for them."""
    begin(session, case, Moment.THREAD_CLOSED, facts, now, page_id=_page(session, hub))


def pass_on(session: Session, hub: Hub, case: Case, moment: Moment, facts: Facts, said: Said, now: datetime) -> None:
    """Begin to let every open thread of an incident read a public update.

    It is no answer to what the customer said, so who waits for us still does. Only those who asked get it by mail.
    """
    bodies = {code: _body(hub, case, moment, facts, said, code) for code in said.texts}
    begin(
        session,
        case,
        moment,
        facts,
        now,
        page_id=_page(session, hub),
        bodies=bodies,
        edited={code: dict(each) for code, each in said.edited.items()},
    )


def _page(session: Session, hub: Hub) -> int | None:
    """Return the page for whose customers a hub speaks; None for all."""
    return the_page(session, hub).id if hub.on else None


def _body(hub: Hub, case: Case, moment: Moment, facts: Facts, said: Said, code: str) -> str:
    """Return a public update without the link to answer it, as far as the hub worded it: the form is just below."""
    alone = {**facts, "answer_url": None, "support_address": None}
    own = None if code in said.edited else customers_words(hub, case.playbook, moment, alone, locale=code)
    return own.body if own else said.texts[code]["body"]


def begin(
    session: Session,
    case: Case,
    moment: Moment,
    facts: Facts,
    now: datetime,
    *,
    wait: timedelta = timedelta(),
    **words: Any,
) -> None:
    """Begin a round for the threads that there are now; nothing leaves for a `wait`. `words` are columns of it."""
    mine = (col(Thread.incident_id) == case.incident.id, col(Thread.state) != "closed")
    last = session.execute(select(func.max(col(Thread.id))).where(*mine)).scalar()
    if last is None:
        return
    kept = pack({name: value for name, value in facts.items() if name in FACTS and FACTS[name].public})
    begun: dict[str, Any] = {
        "incident_id": case.incident.id,
        "moment": moment.value,
        "begun_at": now,
        "due": now + wait,
    }
    session.add(ThreadRound(facts=kept, last=last, **begun, **words))
    wake(session, case.incident, TIMER, now + wait)


def go_on(session: Session, hub: Hub, case: Case, now: datetime) -> None:
    """Take the next few threads of the oldest round of an incident."""
    due = (col(ThreadRound.incident_id) == case.incident.id, col(ThreadRound.due) <= now)
    mine = select(ThreadRound).where(*due).order_by(col(ThreadRound.id))
    row = session.execute(mine.limit(1)).scalar()
    if row is None:
        return
    reopened = row.moment == Moment.THREAD_CLOSED and case.incident.state not in OVER
    few = [] if reopened else _next(session, row)
    facts = {**page_facts(hub_of(session, hub, row.page_id) if row.page_id else hub), **unpack(row.facts)}
    topic = Topic(playbook=case.playbook, facts=facts, incident_id=case.incident.id, said=row.edited)
    for thread in few:
        row.after = thread.id
        _reach(session, hub_of(session, hub, thread.page_id), topic, row, thread, now)
    if len(few) < BATCH or row.after >= row.last:
        session.delete(row)
        session.flush()
    if session.execute(mine.limit(1)).first():
        wake(session, case.incident, TIMER, now + APART)


def _reach(session: Session, hub: Hub, topic: Topic, row: ThreadRound, thread: Thread, now: datetime) -> None:
    """Let one thread have it. Whoever wrote since it began is left to a person, who reads that first."""
    code, meanwhile = feedback.language(hub, thread), thread.state == "open" and thread.updated_at > row.begun_at
    if row.author is not None:
        if thread.state == "open" and not thread.routed and code in row.bodies and not meanwhile:
            feedback.staff_replies(session, hub, thread, row.bodies[code], row.author, now)
    elif row.moment != Moment.THREAD_CLOSED:
        feedback.pass_to(session, hub, topic, thread, Moment(row.moment), row.bodies, now)
    elif not meanwhile:
        feedback.close(session, hub, topic, thread, now)


def _next(session: Session, row: ThreadRound) -> list[Thread]:
    mine = (col(Thread.incident_id) == row.incident_id, col(Thread.state) != "closed")
    left = (col(Thread.id) > row.after, col(Thread.id) <= row.last)
    found = select(Thread).where(*mine, *left).order_by(col(Thread.id)).limit(BATCH)
    there = found if row.page_id is None else found.where(col(Thread.page_id) == row.page_id)
    return list(session.execute(there).scalars())


def pack(value: Any) -> Any:
    """Return facts as JSON. Raises TypeError for what no fact is made of."""
    match value:
        case datetime():
            return {"$time": value.isoformat()}
        case Share():
            return {"$share": [value.percent, value.minutes]}
        case Enum():
            return value.value
        case dict():
            return {str(name): pack(each) for name, each in value.items()}
        case list() | tuple():
            return [pack(each) for each in value]
        case None | bool() | int() | float() | str():
            return value
    raise TypeError(f"{type(value).__name__} cannot be kept")


def unpack(value: Any) -> Any:
    """Return what `pack` has kept."""
    match value:
        case {"$time": at}:
            return datetime.fromisoformat(at)
        case {"$share": [percent, minutes]}:
            return Share(percent, minutes)
        case dict():
            return {name: unpack(each) for name, each in value.items()}
        case list():
            return tuple(map(unpack, value))
    return value
