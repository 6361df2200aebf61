"""Promises on an incident: made with a message, kept or missed by the next, and never without an owner."""

from datetime import datetime, timedelta
from itertools import takewhile

from sqlalchemy import Select, func, select
from sqlmodel import Session, col

from trusthub.domain import promise as rules
from trusthub.domain.events import Phase
from trusthub.domain.incident import OVER, CauseClass, Impact, State
from trusthub.domain.message import Moment
from trusthub.domain.promise import Kind, Standing
from trusthub.domain.rollout import Rollout as Known
from trusthub.services.cases import Case, known_of, pending, wake
from trusthub.services.facts import Facts
from trusthub.services.hub import Hub
from trusthub.store.tables import Promise, Rollout, Thread, Update, User

UNATTENDED = frozenset({Moment.INCIDENT_HOLDING, Moment.PROMISE_HOLDING, Moment.PROMISE_MISSED})
"""Updates that the hub writes because nobody else did."""
_OVER = OVER | {State.MONITORING}
_LAST = 10
"""Comparable rollbacks to look at."""
_FAR = 100
"""Rollouts of one component to find them among."""


def news(
    session: Session,
    case: Case,
    now: datetime,
    *,
    since: datetime | None = None,
    author: str | None,
    retracts: bool = False,
) -> None:
    """Let an update keep the promises that it keeps, and promise the next one while the incident lasts.

    The next one is counted from `since`, when its words were written, or else from now. `retracts` takes everything
    back: there was nothing to recover from.
    """
    settle(session, case, Kind.NEXT_UPDATE, now, now)
    if case.incident.state in _OVER and not retracts:
        settle(session, case, Kind.RECOVERY, (case.known.ended_at if case.known else None) or now, now)
    if case.incident.state in OVER:
        withdraw(session, case, now)
    elif not _within_window(case, now):
        make(
            session,
            case,
            rules.next_update(since or now, case.playbook.pace(Impact(case.incident.impact)).every),
            now,
            owner=author,
        )


def _within_window(case: Case, now: datetime) -> bool:
    """Whether it is planned work whose end has not come: that is what customers wait for, and no other news."""
    end = case.incident.scheduled_until
    return end is not None and now < end


def make(session: Session, case: Case, made: rules.Promise, now: datetime, *, owner: str | None = None) -> None:
    """Record a promise, and set the timers that remind of it and tell when it is due.

    It replaces a pending one of its kind. Without an `owner`, it is the plan's.
    """
    for old in pending(session, case.incident):
        if old.kind == made.kind:
            old.standing, old.settled_at = Standing.WITHDRAWN, now
    remind_at = rules.remind_at(now, made.due, case.playbook.remind_before)
    session.add(
        Promise(
            incident_id=case.incident.id,
            kind=made.kind,
            earliest=made.earliest,
            due=made.due,
            basis=made.basis,
            comparable=list(made.comparable),
            owner=owner or case.plan.owner,
            remind_at=remind_at,
            created_at=now,
        )
    )
    wake(session, case.incident, "promise", made.due)
    if remind_at is not None:
        wake(session, case.incident, "reminder", remind_at)


def settle(session: Session, case: Case, kind: Kind, done_at: datetime, now: datetime) -> None:
    """End the pending promises of a kind as kept or missed."""
    for made in pending(session, case.incident):
        if made.kind == kind:
            made.standing, made.settled_at = rules.settled(made.due, done_at), now


def withdraw(session: Session, case: Case, now: datetime) -> None:
    """End what is still promised: the incident is over."""
    for made in pending(session, case.incident):
        made.standing, made.settled_at = Standing.WITHDRAWN, now


def expect_recovery(session: Session, case: Case, now: datetime) -> None:
    """Promise recovery once, while a rollback of ours is under way, as a range that has not passed already."""
    if made := estimate(session, case, now):
        make(session, case, made, now)


def estimate(session: Session, case: Case, now: datetime) -> rules.Promise | None:
    """Return the recovery that we would promise now; None when there is none to promise, or one is promised already."""
    known = case.known
    if known is None or known.rollback_started_at is None or known.ended_at is not None:
        return None
    if not rules.may_estimate(_cause(case)):
        return None
    made = rules.recovery(known.rollback_started_at, case.plan.recovery, comparable(session, case))
    promised = any(each.kind == Kind.RECOVERY for each in pending(session, case.incident))
    return made if made.due > now and not promised else None


def _cause(case: Case) -> CauseClass:
    """Return whose fault it is. Unless a person says otherwise, a rollback under way undoes a change of ours."""
    going_back = case.known is not None and case.known.rollback_started_at is not None
    return CauseClass.OUR_CHANGE if going_back and not case.incident.cause_by else case.cause


def comparable(session: Session, case: Case) -> tuple[timedelta, ...]:
    """Return how long the last rollbacks of this component took, here and by this strategy, newest first."""
    row, known = case.rollout, case.known
    if row is None or known is None:
        return ()
    rows = session.execute(
        select(Rollout)
        .where(
            col(Rollout.subject) == row.subject,
            col(Rollout.environment).is_not_distinct_from(row.environment),
            col(Rollout.id) != row.id,
            col(Rollout.follows_id).is_(None),
            col(Rollout.phase).in_((Phase.ROLLED_BACK, Phase.COMPLETED)),
        )
        .order_by(col(Rollout.ended_at).desc())
        .limit(_FAR)
    ).scalars()
    alike = (each for each in map(known_of, rows) if each.strategy is known.strategy and _went_back(each))
    return tuple(filter(None, map(rules.duration, alike)))[:_LAST]


def _went_back(known: Known) -> bool:
    return known.phase is Phase.ROLLED_BACK or known.basis is not None


def unattended(session: Session, case: Case) -> int:
    """Return how many of the latest updates in a row the hub wrote because nobody else did."""
    latest = session.execute(_updates(case, Update.moment).limit(rules.HOLDINGS)).scalars()
    return len(list(takewhile(UNATTENDED.__contains__, latest)))


def changes(session: Session, case: Case, now: datetime) -> Facts:
    """Return what can have changed since the last update: the facts of a holding update."""
    last = session.execute(_updates(case, Update.created_at).limit(1)).scalar()
    known = case.known
    back = known.rollback_started_at if known and known.ended_at is None else None
    mine = select(func.count()).select_from(Thread).where(col(Thread.incident_id) == case.incident.id)
    since = mine.where(col(Thread.created_at) > last) if last else mine
    return {
        "last_told_at": last,
        "minutes": _minutes(case.incident.started_at, now),
        "rollback_minutes": _minutes(back, now) if back else None,
        "reports": session.execute(mine).scalar_one() or None,
        "new_reports": session.execute(since).scalar_one() or None,
    }


def write_url(hub: Hub, case: Case) -> str:
    """Return where a person writes to customers."""
    return f"{hub.console_url('incidents', case.incident.public_id)}#write"


def reminder(session: Session, hub: Hub, case: Case, made: Promise) -> Facts:
    """Return the facts that a reminder has besides those of its incident."""
    return {
        "promise_kind": made.kind,
        "promised_by": made.due,
        "promise_owner": made.owner or None,
        "write_url": write_url(hub, case),
        "holdings_left": rules.holdings_left(unattended(session, case)),
    }


def addresses_of(session: Session, owner: str) -> tuple[str, ...]:
    """Return where the owner of a promise reads mail, as far as it is known: a colleague by name, or the address."""
    if "@" in owner:
        return (owner.lower(),)
    named = select(col(User.email)).where(col(User.name) == owner, col(User.active).is_(True)).limit(1)
    return tuple(session.execute(named).scalars())


def _updates(case: Case, column: object) -> Select[object]:
    return select(col(column)).where(col(Update.incident_id) == case.incident.id).order_by(col(Update.id).desc())


def _minutes(since: datetime, now: datetime) -> int:
    return max(int((now - since).total_seconds() // 60), 0)
