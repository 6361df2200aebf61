"""Deciding whether a rollout may begin, and telling people of it first."""

from collections import defaultdict
from contextlib import suppress
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from trusthub.domain import gate as rules
from trusthub.domain.events import Phase
from trusthub.domain.gate import Circumstances, Glass, Notice, Verdict
from trusthub.domain.message import Audience, Moment
from trusthub.domain.rollout import TROUBLED, UNDER_WAY
from trusthub.domain.site import Gate
from trusthub.services import attempts, rollouts
from trusthub.services.attempts import Heard
from trusthub.services.cases import known_of, playbook_for
from trusthub.services.gate_requests import Asked
from trusthub.services.gate_rollouts import place_of, reporter, rollout_at
from trusthub.services.hub import Hub
from trusthub.store.tables import Audit, Delivery, Event, Rollout

log = structlog.get_logger()

GLASS = "broke the glass"
"""The act on record."""


def confirm(hub: Hub, name: str, gate: Gate, asked: Asked, now: datetime) -> Verdict:
    """Decide whether a rollout may begin, and announce it when nobody has been told of it yet.

    A rollback passes without a look at anything that could be down, and a broken glass whatever is down.
    """
    if asked.event.rollback:
        return rules.ROLLBACK
    try:
        return _confirm(hub, name, gate, asked, now)
    except Exception:  # whatever is broken here, it is not what the glass is broken for
        verdict = regardless(asked)
        if verdict is None:
            raise
        log.exception("gate.not_recorded", gate=name, reason=verdict.reason)
        return verdict


def regardless(asked: Asked) -> Verdict | None:
    """Return yes for what passes whatever is known of it; None for all else."""
    if asked.event.rollback:
        return rules.ROLLBACK
    return rules.by_glass(asked.glass) if asked.glass else None


def _confirm(hub: Hub, name: str, gate: Gate, asked: Asked, now: datetime) -> Verdict:
    place = place_of(hub, gate, asked.event)
    around = _circumstances(hub, place, asked)
    verdict = rules.may_begin(around)
    if verdict.announce:
        with suppress(IntegrityError):  # asked twice at once: the other one told them
            _announce(hub, gate, place, asked, now)
        if not verdict.passes:
            verdict = rules.may_begin(_circumstances(hub, place, asked, announced=True))
    if asked.glass is not None and not around.restores:
        _record(hub, name, place, asked.glass, now)
    return verdict


def _circumstances(hub: Hub, place: Rollout, asked: Asked, *, announced: bool = False) -> Circumstances:
    """Look at what is known. One that failed begins anew, and is announced again, if it has not just been."""
    event = asked.event
    with hub.database.reading() as session:
        row, versions = rollout_at(session, place), attempts.history(session, place)
        past = row is not None and row.phase in TROUBLED and not announced
        playbook = playbook_for(hub, row or place, known_of(row).strategy if row else event.strategy)
        return Circumstances(
            plan=hub.configuration.plans[playbook.plan],
            notice=Notice.NONE if row is None or past else rules.notice(_told(session, hub, row)),
            restores=versions.name(event) in versions.completed or (row is not None and row.phase == Phase.COMPLETED),
            exposed=row is not None and row.phase in UNDER_WAY and rules.exposed(known_of(row)),
            glass=asked.glass,
        )


def _told(session: Session, hub: Hub, row: Rollout) -> dict[str, set[str]]:
    """Return the states of the notice of a rollout's risks, by destination of stakeholders."""
    lanes = {destination.lane for destination in hub.configuration.site.audiences.get(Audience.STAKEHOLDERS, ())}
    mine = (
        col(Delivery.rollout_id) == row.id,
        col(Delivery.moment) == Moment.ROLLOUT_PLANNED,
        col(Delivery.lane).in_(lanes),
    )
    states: dict[str, set[str]] = defaultdict(set)
    for lane, state in session.execute(select(col(Delivery.lane), col(Delivery.state)).where(*mine)):
        states[lane].add(state)
    return states


def _announce(hub: Hub, gate: Gate, place: Rollout, asked: Asked, now: datetime) -> None:
    """Take the question for the news that a rollout is planned, as if its tool had sent it.

    Of one that has begun, as GitHub says before it asks, only the notice is made up for.
    """
    name, connection = reporter(hub, gate)
    with hub.database.transaction() as session:
        kept = Event(
            connection=name,
            source=connection.source,
            received_at=now,
            body=asked.body,
            state="done",
            summary="rollout.planned, asked at a gate",
        )
        session.add(kept)
        session.flush()
        heard = Heard(event=asked.event, name=name, connection=connection, event_id=kept.id, now=now)
        row = rollout_at(session, place)
        if row is None or row.phase not in UNDER_WAY:
            rollouts.follow(session, hub, heard)
            return
        session.refresh(row, with_for_update=True)  # asked twice at once: the second one finds it told
        if rules.notice(_told(session, hub, row)) is Notice.NONE:
            rollouts.announce(session, hub, row, heard)


def _record(hub: Hub, name: str, place: Rollout, glass: Glass, now: datetime) -> None:
    """Keep who broke the glass and why, once for each rollout."""
    with hub.database.transaction() as session:
        row = rollout_at(session, place)
        subject = f"rollout:{row.public_id}" if row else f"gate:{name}"
        same = (col(Audit.subject) == subject, col(Audit.action) == GLASS, col(Audit.actor) == glass.who)
        if session.execute(select(col(Audit.id)).where(*same).limit(1)).first() is None:
            session.add(Audit(at=now, actor=glass.who, action=GLASS, subject=subject, detail=glass.why))
