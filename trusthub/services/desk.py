"""What staff see: incidents with what customers do not, threads by waiting time, messages that do not get through."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlmodel import Session, col

from trusthub.domain.incident import OVER
from trusthub.domain.parts import Heard
from trusthub.services import complaints, gate_rollback, outcomes, outgoing, postmortem, proposals, queue, report, talk
from trusthub.services.cases import known_of, read_case, rollout_behind
from trusthub.services.desk_views import AskView, OutcomeView, StaffIncidentView, ThreadLine
from trusthub.services.hub import Hub
from trusthub.services.outgoing import DeliveryView
from trusthub.services.queue import Wanted
from trusthub.services.views import ThreadView
from trusthub.store.tables import Audit, Delivery, Incident, Rollout, Thread
from trusthub.store.which import has_state

_MANY = 50
_DETAILED = frozenset({"correct", "change"})
"""Acts on an incident whose detail is no published text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The console's first page."""

    incidents: tuple[StaffIncidentView, ...]
    threads: tuple[ThreadLine, ...]
    deliveries: tuple[DeliveryView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutView:
    """One line of the list of rollouts."""

    public_id: str
    component: str
    environment: str | None
    from_version: str | None
    to_version: str | None
    phase: str
    exposure: float | None
    tool: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutDetail:
    """One rollout, for the person who looks at it."""

    line: str
    ask: AskView | None
    audit: tuple[str, ...]
    outcome: OutcomeView | None = None
    heard: tuple[Heard, ...] = ()
    """What customers say of it, step by step."""
    proposed: tuple[int, int] | None = None
    """How many asked for a rollback, of how many who complained, while nobody has decided about it."""


def desk(session: Session, hub: Hub, now: datetime) -> Desk:
    """Return open incidents, threads that wait for us (the first page of the list), and messages in trouble."""
    open_ones = select(Incident).where(col(Incident.state).not_in(OVER)).order_by(col(Incident.id).desc())
    late = has_state("pending") & (col(Delivery.last_error) != "")
    troubled = select(Delivery).where(or_(has_state("dead"), late)).order_by(col(Delivery.id).desc()).limit(_MANY)
    return Desk(
        incidents=tuple(incident(session, hub, row, now) for row in session.execute(open_ones.limit(_MANY)).scalars()),
        threads=queue.sheet(session, Wanted()).lines,
        deliveries=outgoing.views(session, hub, session.execute(troubled).scalars().all()),
    )


def find_incident(session: Session, hub: Hub, public_id: str, now: datetime) -> StaffIncidentView | None:
    """Return an incident by its public id."""
    row = session.execute(select(Incident).where(col(Incident.public_id) == public_id)).scalar()
    return incident(session, hub, row, now) if row else None


def incident(session: Session, hub: Hub, row: Incident, now: datetime) -> StaffIncidentView:
    """Return an incident as staff see it."""
    rollout = session.get(Rollout, row.rollout_id) if row.rollout_id else None
    case = read_case(session, hub, row.id)
    behind = rollout_behind(session, hub, row)
    return StaffIncidentView(
        id=row.id,
        incident=report.incident(session, hub, row, now),
        public=row.public,
        decision=row.decision,
        settled=row.settled,
        open=row.state not in OVER,
        rollout=_one_line(rollout) if rollout else "Planned work" if row.scheduled_for else "Opened by hand",
        reason=known_of(rollout).reason if rollout else "",
        threads=queue.sheet(session, Wanted(state="all", incident_id=row.id)).lines,
        waiting=queue.waiting(session, row.id),
        audit=_acts(session, f"incident:{row.public_id}", f"rollout:{behind.public_id}" if behind else ""),
        ask=ask_of(session, hub, behind) if behind else None,
        cause=case.cause.value,
        data_at_risk=row.data_at_risk,
        safeguard_missing=row.safeguard_missing,
        legal_hold=row.legal_hold_by,
        holding=case.holding,
        postmortem=postmortem.view(session, hub, row.id),
        approval=case.approval.public_id if case.approval else None,
    )


def find_thread(session: Session, hub: Hub, public_id: str) -> ThreadView | None:
    """Return a thread by its public id."""
    row = session.execute(select(Thread).where(col(Thread.public_id) == public_id)).scalar()
    return thread(session, hub, row) if row else None


def thread(session: Session, hub: Hub, row: Thread, *, customer: bool = False) -> ThreadView:
    """Return one thread with its messages, oldest first, as staff see it or as its customer does."""
    return talk.thread(session, hub, row, customer=customer)


def find_rollout(session: Session, hub: Hub, public_id: str) -> RolloutDetail | None:
    """Return a rollout by its public id, with what people did about it."""
    row = session.execute(select(Rollout).where(col(Rollout.public_id) == public_id)).scalar()
    if row is None:
        return None
    return RolloutDetail(
        line=_one_line(row),
        ask=ask_of(session, hub, row),
        audit=_acts(session, f"rollout:{public_id}"),
        outcome=outcomes.view(session, row),
        heard=complaints.stepwise(session, row),
        proposed=proposals.asked(session, row),
    )


def ask_of(session: Session, hub: Hub, row: Rollout) -> AskView | None:
    """Return what a person can ask the tool of a rollout, or has asked it; None when it does not listen."""
    who = gate_rollback.asker(session, row.public_id)
    if who is None and not gate_rollback.may_ask(session, hub, row):
        return None
    called = bool(gate_rollback.hooks(session, hub, row))
    return AskView(public_id=row.public_id, tool=row.source, asked_by=who, called=called)


def _acts(session: Session, *subjects: str) -> tuple[str, ...]:
    found = select(Audit).where(col(Audit.subject).in_(subjects)).order_by(col(Audit.id))
    return tuple(_act(act) for act in session.execute(found).scalars())


def _act(row: Audit) -> str:
    ours = row.subject.startswith("rollout:") or row.action in _DETAILED  # the words of other acts are published
    why = f": {row.detail}" if row.detail and ours else ""
    return f"{row.at:%H:%M} UTC, {row.actor}: {row.action}{why}"


def rollouts(session: Session) -> tuple[RolloutView, ...]:
    """Return the latest rollouts."""
    rows = session.execute(select(Rollout).order_by(col(Rollout.id).desc()).limit(_MANY)).scalars()
    return tuple(_rollout(row) for row in rows)


def _rollout(row: Rollout) -> RolloutView:
    known = known_of(row)
    return RolloutView(
        public_id=row.public_id,
        component=row.subject,
        environment=row.environment,
        from_version=known.from_version,
        to_version=known.to_version,
        phase=(known.phase or "heard of").replace("_", " "),
        exposure=known.exposure,
        tool=row.source,
        started_at=known.started_at or row.created_at,
        ended_at=known.ended_at,
    )


def _one_line(row: Rollout) -> str:
    view = _rollout(row)
    place = f" in {view.environment}" if view.environment else ""
    versions = f"{view.from_version or 'an earlier version'} to {view.to_version or 'a new version'}"
    return f"{view.component}: {versions}{place}, {view.phase}, heard from {view.tool}"
