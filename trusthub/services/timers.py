"""Things that happen because time passes: a promise comes due, a quiet window ends, a failure was not followed up."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Select, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col

from trusthub.domain.approval import OnTimeout
from trusthub.domain.incident import By, State
from trusthub.domain.message import Moment
from trusthub.domain.promise import Kind, Standing, may_hold
from trusthub.services import approvals, fuse, incidents, promises, rounds, window
from trusthub.services.announce import Telling, tell
from trusthub.services.cases import Case, open_case, pending
from trusthub.services.facts import case_facts
from trusthub.services.hub import Hub
from trusthub.services.unattended import held, wait
from trusthub.store.tables import Timer

log = structlog.get_logger()

_LATER = timedelta(minutes=1)
_NEXT = select(col(Timer.due)).where(col(Timer.state) == "pending").order_by(col(Timer.due)).limit(1)


def fire(hub: Hub, now: datetime, limit: int = 20) -> int:
    """Fire what is due and return how much that was. Each timer fires once, however many workers look.

    Each has a transaction of its own: one that fails, which is a bug, waits a minute and holds up no other.
    """
    count = 0
    while count < limit and _fire_next(hub, now):
        count += 1
    return count


def _fire_next(hub: Hub, now: datetime) -> bool:
    with hub.database.reading() as session:
        if session.execute(_due(now).limit(1)).first() is None:
            return False
    timer = None
    try:
        with hub.database.transaction() as session:
            timer = session.execute(_due(now).limit(1).with_for_update(skip_locked=True)).scalar()
            if timer is None:
                return False
            timer.state = "fired"
            _FIRE[timer.kind](session, hub, open_case(session, hub, timer.incident_id), timer, now)
    except SQLAlchemyError:
        raise
    except Exception:
        if timer is None:
            raise
        log.exception("timer.crashed", timer_id=timer.id, kind=timer.kind)
        with hub.database.transaction() as session:
            session.get_one(Timer, timer.id).due = now + _LATER
    return True


def next_due(session: Session) -> datetime | None:
    """Return when the next timer is due."""
    return session.execute(_NEXT).scalar()


def _due(now: datetime) -> Select[Timer]:
    """Select due timers, oldest first; at the same time a quiet window's end comes before a promise, which it keeps."""
    return (
        select(Timer)
        .where(col(Timer.state) == "pending", col(Timer.due) <= now)
        .order_by(col(Timer.due), col(Timer.kind).desc())
    )


def _promise_due(session: Session, hub: Hub, case: Case, timer: Timer, now: datetime) -> None:
    """Nobody has written. What we know can keep the promise of an update, twice; else say that it was missed."""
    due = {made.kind: made for made in pending(session, case.incident) if made.due <= now}
    if not due or not case.incident.public:
        return
    if case.incident.scheduled_until is not None and Kind.RECOVERY in due:
        window.end(session, hub, case, due[Kind.RECOVERY], now=now, cause=f"timer:{timer.id}")
        return
    cause, facts = f"timer:{timer.id}", promises.changes(session, case, now)
    made = due.get(Kind.RECOVERY) or due[Kind.NEXT_UPDATE]
    holds = made.kind == Kind.NEXT_UPDATE and may_hold(made.due, now, promises.unattended(session, case))
    moment = Moment.PROMISE_HOLDING if holds else Moment.PROMISE_MISSED
    if not holds:
        facts.update(promise_kind=made.kind, promised_by=made.due)
    if why := held(session, hub, case, moment, now, **facts):
        for each in due.values():
            each.standing, each.settled_at = Standing.MISSED, now
        said = f"A promise was missed, and customers have not been told. {why}"
        wait(session, hub, case, said, now=now, cause=cause)
        return
    if not holds:
        made.standing, made.settled_at = Standing.MISSED, now
    incidents.speak(session, hub, case, moment, now=now, cause=cause, **facts)


def _remind(session: Session, hub: Hub, case: Case, timer: Timer, now: datetime) -> None:
    """A promise is due soon: tell who keeps it, and the others who work here."""
    made = pending(session, case.incident)
    facts = {**case_facts(hub, case, made), **promises.changes(session, case, now)}
    for each in made:
        if each.remind_at == timer.due and each.due > now and not _resolves_before(session, case, each.due):
            told = Telling(
                moment=Moment.PROMISE_DUE_SOON,
                playbook=case.playbook,
                facts={**facts, **promises.reminder(session, hub, case, each)},
                conversation=case.conversation,
                cause=f"timer:{timer.id}/{each.kind}",
                now=now,
                also=promises.addresses_of(session, each.owner),
                incident_id=case.incident.id,
                rollout_id=case.incident.rollout_id,
            )
            tell(session, hub, told)


def _resolves_before(session: Session, case: Case, due: datetime) -> bool:
    """Whether a quiet window ends by then, whose end is the news: nobody needs to write."""
    incident = case.incident
    if incident.state != State.MONITORING or incident.monitoring_at is None:
        return False
    end = incident.monitoring_at + case.playbook.quiet
    waits = (col(Timer.kind) == "quiet", col(Timer.state) == "pending", col(Timer.due) == end)
    found = select(Timer).where(col(Timer.incident_id) == incident.id, *waits)
    return end <= due and session.execute(found).first() is not None


def _quiet_over(session: Session, hub: Hub, case: Case, timer: Timer, now: datetime) -> None:
    """Nothing happened since the rollback: the playbook calls it resolved, unless a person has taken it over."""
    incident = case.incident
    since = incident.monitoring_at
    if incident.state != State.MONITORING or since is None or since + case.playbook.quiet > now:
        return
    if incident.public:
        approvals.further(session, hub, case, Moment.INCIDENT_RESOLVED, now=now, cause=f"timer:{timer.id}")
    elif case.approval is None:
        incident.state, incident.resolved_at, incident.updated_at = State.RESOLVED, now, now
    if incident.state == State.RESOLVED:
        incident.closed_by = By.MACHINE


def _failure_unanswered(session: Session, hub: Hub, case: Case, timer: Timer, now: datetime) -> None:
    """No rollback followed the failure: customers are told of the failure itself."""
    incident, cause = case.incident, f"timer:{timer.id}"
    overtaken = case.known is not None and case.known.superseded
    over = State(incident.state) in (State.MONITORING, State.RESOLVED)
    if incident.settled or incident.closed_by or overtaken or (incident.public and not over):
        return
    if incident.public:
        approvals.further(session, hub, case, Moment.INCIDENT_INVESTIGATING, now=now, cause=cause, again=True)
    elif case.playbook.approval is None and (why := held(session, hub, case, incidents.first_words(case), now)):
        wait(session, hub, case, why, now=now, cause=cause)
    elif not fuse.trips(session, hub, case, now=now, cause=cause):
        approvals.first(session, hub, case, incidents.first_words(case), now=now, cause=cause)


def _approval_due(session: Session, hub: Hub, case: Case, timer: Timer, now: datetime) -> None:
    """Nobody has decided in time what customers read: the playbook says what they get, and the next one is called."""
    row, rule, cause = case.approval, case.playbook.approval, f"timer:{timer.id}"
    if row is None or rule is None or row.due is None or row.due > now:
        return
    quiet = case.incident.public or rule.on_timeout is OnTimeout.HOLD
    may_tell = quiet or not fuse.trips(session, hub, case, now=now, cause=cause)
    approvals.overdue(session, hub, case, now=now, cause=cause, may_tell=may_tell)


def _window_near(session: Session, hub: Hub, case: Case, timer: Timer, now: datetime) -> None:
    window.remind(session, hub, case, timer.due, now=now, cause=f"timer:{timer.id}")


def _window_begins(session: Session, hub: Hub, case: Case, timer: Timer, now: datetime) -> None:
    window.begin(session, hub, case, timer.due, now=now, cause=f"timer:{timer.id}")


def _threads_follow(session: Session, hub: Hub, case: Case, _: Timer, now: datetime) -> None:
    rounds.go_on(session, hub, case, now)


_FIRE: dict[str, Callable[[Session, Hub, Case, Timer, datetime], None]] = {
    "promise": _promise_due,
    "reminder": _remind,
    "quiet": _quiet_over,
    "failure": _failure_unanswered,
    "approval": _approval_due,
    "window.reminder": _window_near,
    "window.start": _window_begins,
    rounds.TIMER: _threads_follow,
}
