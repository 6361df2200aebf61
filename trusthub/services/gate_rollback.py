"""A person asks a tool to roll back. It hears so when it asks next, or is called; nothing else makes it hear it."""

from datetime import UTC
from typing import Any

from sqlalchemy import or_, select
from sqlmodel import Session, col

from trusthub.domain import gate as rules
from trusthub.domain.destination import Destination
from trusthub.domain.gate import Verdict
from trusthub.domain.message import Rendered
from trusthub.domain.rollout import UNDER_WAY
from trusthub.domain.site import Gate, GateKind
from trusthub.services import proposals
from trusthub.services.acts import Act, StaffError, audit_row
from trusthub.services.announce import payload
from trusthub.services.cases import known_of
from trusthub.services.gate_requests import Asked
from trusthub.services.gate_rollouts import place_of, reporter, rollout_at
from trusthub.services.hub import Hub
from trusthub.store import outbox
from trusthub.store.tables import Audit, Delivery, Rollout

ASKED = "asked the tool to roll back"
"""The act on record. It stands for one attempt: a new try is a new rollout."""
CALL = "rollback.asked"
"""The type of the call to a tool's own hook."""
_HEARS = frozenset({GateKind.FLAGGER_ROLLBACK, GateKind.ARGO_METRIC})
"""Kinds of gates at which a tool asks while its rollout is under way."""


def rollback(hub: Hub, gate: Gate, asked: Asked) -> Verdict:
    """Decide whether a tool should roll back now: only the attempt for which a person has asked."""
    with hub.database.reading() as session:
        row = rollout_at(session, place_of(hub, gate, asked.event))
        known = known_of(row) if row else None
        return rules.goes_back(known, asker(session, row.public_id) if row else None)


def ask(hub: Hub, public_id: str, act: Act, why: str) -> None:
    """Record that a person wants a rollout rolled back; its tool hears it when it asks next, or by a call to its hook.

    Raises StaffError.
    """
    with hub.database.transaction() as session:
        row = session.execute(select(Rollout).where(col(Rollout.public_id) == public_id).with_for_update()).scalar()
        if row is None:
            raise StaffError("There is no such rollout.")
        if who := asker(session, public_id):
            raise StaffError(f"{who} has asked for it already.")
        if not may_ask(session, hub, row):
            raise StaffError("This rollout is not under way, or its tool does not ask us whether to roll back.")
        audit_row(session, act, ASKED, f"rollout:{public_id}", why)
        outbox.enqueue(session, [_call(row, place, act, why) for place in hooks(session, hub, row)], act.now)
        proposals.decide(session, hub, row, "asked", act.now, act.actor)


def may_ask(session: Session, hub: Hub, row: Rollout) -> bool:
    """Whether a rollout is under way, and the tool that moves it asks us whether to roll back, or can be called."""
    if row.phase not in UNDER_WAY or row.follows_id is not None:
        return False
    connections = _connections(session, row)
    return bool(hooks(session, hub, row)) or any(
        gate.kind in _HEARS
        and gate.component in (None, row.subject)
        and gate.environment in (None, row.environment)
        and reporter(hub, gate)[0] in connections
        for gate in hub.configuration.site.gates.values()
    )


def hooks(session: Session, hub: Hub, row: Rollout) -> list[Destination]:
    """Return the hooks of the tools that told of a rollout; each is called when a person asks."""
    known = hub.configuration.site.connections
    names = sorted(_connections(session, row) & known.keys())
    return list({place.lane: place for name in names if (place := known[name].rollback)}.values())


def asker(session: Session, public_id: str) -> str | None:
    """Return who has asked for a rollback of a rollout, if somebody has."""
    mine = (col(Audit.subject) == f"rollout:{public_id}", col(Audit.action) == ASKED)
    return session.execute(select(col(Audit.actor)).where(*mine).limit(1)).scalar()


def _connections(session: Session, row: Rollout) -> set[str]:
    told = select(col(Rollout.connection)).where(or_(col(Rollout.id) == row.id, col(Rollout.follows_id) == row.id))
    return set(session.execute(told).scalars())


def _call(row: Rollout, place: Destination, act: Act, why: str) -> Delivery:
    words = Rendered(subject=f"{row.subject}: roll back", body=f"{act.actor} asks for a rollback: {why}")
    return Delivery(
        lane=place.lane,
        key=f"rollout:{row.public_id}/{CALL}/{place.lane}",
        moment=CALL,
        rollout_id=row.id,
        payload=payload(words, place.lane.partition(":")[2], data=_data(row, act, why)),
        created_at=act.now,
    )


def _data(row: Rollout, act: Act, why: str) -> dict[str, Any]:
    known = known_of(row)
    return {
        "at": act.now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "rollout": {
            "id": row.public_id,
            "connection": row.connection,
            "attempt": row.attempt,
            "component": row.subject,
            "environment": row.environment,
            "from_version": known.from_version,
            "to_version": known.to_version,
            "exposure": known.exposure,
        },
        "asked_by": act.actor,
        "why": why,
    }
