"""A person asks a tool to roll back. The tool hears it when it asks next, and nothing else makes it hear it."""

from sqlalchemy import or_, select
from sqlmodel import Session, col

from trusthub.domain import gate as rules
from trusthub.domain.gate import Verdict
from trusthub.domain.rollout import UNDER_WAY
from trusthub.domain.site import Gate, GateKind
from trusthub.services.acts import Act, StaffError
from trusthub.services.cases import known_of
from trusthub.services.gate_requests import Asked
from trusthub.services.gate_rollouts import place_of, reporter, rollout_at
from trusthub.services.hub import Hub
from trusthub.store.tables import Audit, Rollout

ASKED = "asked the tool to roll back"
"""The act on record. It stands for one attempt: a new try is a new rollout."""
_HEARS = frozenset({GateKind.FLAGGER_ROLLBACK, GateKind.ARGO_METRIC})
"""Kinds of gates at which a tool asks while its rollout is under way."""


def rollback(hub: Hub, gate: Gate, asked: Asked) -> Verdict:
    """Decide whether a tool should roll back now: only the attempt for which a person has asked."""
    with hub.database.reading() as session:
        row = rollout_at(session, place_of(hub, gate, asked.event))
        known = known_of(row) if row else None
        return rules.goes_back(known, asker(session, row.public_id) if row else None)


def ask(hub: Hub, public_id: str, act: Act, why: str) -> None:
    """Record that a person wants a rollout rolled back; its tool hears it when it asks next. Raises StaffError."""
    with hub.database.transaction() as session:
        row = session.execute(select(Rollout).where(col(Rollout.public_id) == public_id).with_for_update()).scalar()
        if row is None:
            raise StaffError("There is no such rollout.")
        if who := asker(session, public_id):
            raise StaffError(f"{who} has asked for it already.")
        if not may_ask(session, hub, row):
            raise StaffError("This rollout is not under way, or its tool does not ask us whether to roll back.")
        session.add(Audit(at=act.now, actor=act.actor, action=ASKED, subject=f"rollout:{public_id}", detail=why))


def may_ask(session: Session, hub: Hub, row: Rollout) -> bool:
    """Whether a rollout is under way, and the tool that moves it asks us whether to roll back."""
    if row.phase not in UNDER_WAY or row.follows_id is not None:
        return False
    told = select(col(Rollout.connection)).where(or_(col(Rollout.id) == row.id, col(Rollout.follows_id) == row.id))
    connections = set(session.execute(told).scalars())
    return any(
        gate.kind in _HEARS
        and gate.component in (None, row.subject)
        and gate.environment in (None, row.environment)
        and reporter(hub, gate)[0] in connections
        for gate in hub.configuration.site.gates.values()
    )


def asker(session: Session, public_id: str) -> str | None:
    """Return who has asked for a rollback of a rollout, if somebody has."""
    mine = (col(Audit.subject) == f"rollout:{public_id}", col(Audit.action) == ASKED)
    return session.execute(select(col(Audit.actor)).where(*mine).limit(1)).scalar()
