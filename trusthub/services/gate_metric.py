"""The customer as a metric of a rollout: how many real ones complain since its current step began."""

import structlog
from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain import gate as rules
from trusthub.domain.gate import Measurement
from trusthub.domain.rollout import UNDER_WAY
from trusthub.domain.site import Gate
from trusthub.services import complaints
from trusthub.services.cases import known_of
from trusthub.services.gate_requests import Asked
from trusthub.services.gate_rollback import asker
from trusthub.services.gate_rollouts import place_of
from trusthub.services.hub import Hub
from trusthub.store.tables import Rollout

log = structlog.get_logger()


def measure(hub: Hub, gate: Gate, asked: Asked) -> Measurement:
    """Count the customers who complain about the rollout that is under way there. It never fails: see `BLIND`."""
    try:
        return _measure(hub, gate, asked)
    except Exception:
        log.exception("gate.blind", names=asked.event.names)
        return rules.BLIND


def _measure(hub: Hub, gate: Gate, asked: Asked) -> Measurement:
    place = place_of(hub, gate, asked.event)
    where = f"{place.subject} in {place.environment}" if place.environment else place.subject
    with hub.database.reading() as session:
        rows = _under_way(session, place)
        if len(rows) != 1:
            several = "Rollouts of {} are under way in several environments. Say which." if rows else ""
            return Measurement(reason=(several or "No rollout of {} is under way.").format(where))
        known = known_of(rows[0])
        since = rules.step_began(known) or rows[0].created_at
        return rules.measure(complaints.of(session, rows[0], since), since, gate, asker(session, rows[0].public_id))


def _under_way(session: Session, place: Rollout) -> list[Rollout]:
    """Return the newest rollout that is under way, of each environment if none is named."""
    here = [col(Rollout.environment) == place.environment] if place.environment else []
    found = session.execute(
        select(Rollout)
        .where(
            col(Rollout.subject) == place.subject,
            col(Rollout.follows_id).is_(None),
            col(Rollout.phase).in_(UNDER_WAY),
            *here,
        )
        .order_by(col(Rollout.id))
    ).scalars()
    return list({row.environment: row for row in found}.values())
