"""Which rollout an event is about: tools start over under the same name, and several tools speak of the same thing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, ScalarSelect, func, or_, select
from sqlmodel import Session, col

from trusthub.domain.events import Evidence, Phase, RolloutEvent, SourceEvent
from trusthub.domain.rollout import AFTERWARDS, ENDED, TROUBLED, Versions, begins_again, is_routine
from trusthub.domain.rollout import Rollout as Known
from trusthub.domain.site import Connection
from trusthub.services.cases import keep, known_of
from trusthub.services.hub import Hub
from trusthub.store.tables import Component, Rollout

_COMMIT = re.compile(r"[0-9a-f]{7,64}", re.ASCII)
_RECENT = 20
"""Rollouts of one component to look back on."""


E = TypeVar("E", bound=SourceEvent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard(Generic[E]):
    """One event on its way through: what it says, over which connection it came, and as which row it is kept."""

    event: E
    name: str
    connection: Connection
    event_id: int
    now: datetime
    replayed: bool = False

    @property
    def cause(self) -> str:
        """What deliveries that follow from it are keyed by."""
        return f"event:{self.event_id}"


def rollout_of(session: Session, hub: Hub, heard: Heard[RolloutEvent]) -> tuple[Rollout, RolloutEvent]:
    """Return the rollout an event is about, locked, and the event as that rollout sees it."""
    event = heard.event
    tries = _tries(session, heard)
    row = next((row for row in reversed(tries) if _begun(row) <= event.occurred_at), tries[0]) if tries else None
    if row is not None and not (row is tries[-1] and _again(session, row, event)):
        return row, _as_far_as_it_knows(session, row, event)
    row = _new_row(session, hub, heard, round=len(tries) + 1)
    restored = _restores(session, row, event)
    if restored is not None:
        less = known_of(restored).measured and not _measures(event)
        phase = Phase.ROLLED_BACK if event.phase in ENDED and not less else None
        return restored, replace(event, phase=phase, exposure=None, evidence=Evidence.NONE)
    row.follows_id = _lead(session, row, event, heard.now)
    session.add(row)
    session.flush()
    return row, _as_far_as_it_knows(session, row, event)


def history(session: Session, row: Rollout) -> Versions:
    """Return the versions that were complete for this component and environment, oldest first.

    One version may be deployed by its tag and by its commit: it goes by its tag.
    """
    found = session.execute(
        select(col(Rollout.to_version), Rollout.known["artifact"].as_string())
        .where(
            *_here(row),
            col(Rollout.phase) == Phase.COMPLETED,
            col(Rollout.to_version).is_not(None),
            col(Rollout.follows_id).is_(None),
            *([col(Rollout.id) != row.id] if row.id else []),
        )
        .order_by(col(Rollout.ended_at))
    ).all()
    tags = {artifact: version for version, artifact in found if artifact and not _COMMIT.fullmatch(version)}
    return Versions([tags.get(artifact, version) for version, artifact in found], tags)


def take_over(session: Session, lead: Rollout, row: Rollout) -> None:
    """Let `lead` go on with what `row` says, whose tool knows more; `row` keeps what the other tool says.

    What people were told of stays where it is: the row that messages, alerts and incidents refer to.
    """
    known, told = known_of(row), known_of(lead)
    mine = {name: getattr(row, name) for name in _IDENTITY}
    theirs = {name: getattr(lead, name) for name in _IDENTITY}
    row.attempt = f"{row.attempt} is moved"  # two rows cannot bear one name while they exchange theirs
    session.flush()
    for name in _IDENTITY:
        setattr(lead, name, mine[name])
    keep(lead, replace(known, moments=tuple(dict.fromkeys((*told.moments, *known.moments)))))
    session.flush()
    for name in _IDENTITY:
        setattr(row, name, theirs[name])
    keep(row, told)
    session.flush()


_IDENTITY = ("connection", "attempt", "round", "source")


def passed_on(told: Known, known: Known, event: RolloutEvent) -> RolloutEvent | None:
    """Return what a rollout learns from an event of another tool about the same rollout; None when nothing."""
    if not told.measured or known.measured:
        return event
    return None if event.evidence is Evidence.NONE else replace(event, phase=None, exposure=None)


def _tries(session: Session, heard: Heard[RolloutEvent]) -> Sequence[Rollout]:
    mine = (col(Rollout.connection) == heard.name, col(Rollout.attempt) == heard.event.attempt)
    return session.execute(select(Rollout).where(*mine).order_by(col(Rollout.round)).with_for_update()).scalars().all()


def _again(session: Session, row: Rollout, event: RolloutEvent) -> bool:
    """Whether an event about an attempt that is over begins it anew.

    Flux names an attempt by its revision: one that is complete again after another was is brought back.
    """
    known = known_of(row)
    if begins_again(known, event):
        return True
    if known.phase is not Phase.COMPLETED or event.phase is not Phase.COMPLETED or row.ended_at is None:
        return False
    since = (
        *_here(row),
        col(Rollout.follows_id).is_(None),
        col(Rollout.phase) == Phase.COMPLETED,
        col(Rollout.to_version) != row.to_version,
        col(Rollout.ended_at) > row.ended_at,
        col(Rollout.ended_at) < event.occurred_at,
    )
    return session.execute(select(col(Rollout.id)).where(*since).limit(1)).first() is not None


def _begun(row: Rollout) -> datetime:
    return known_of(row).started_at or row.created_at


def _new_row(session: Session, hub: Hub, heard: Heard[RolloutEvent], *, round: int) -> Rollout:  # noqa: A002 -- the column's name
    event, site = heard.event, hub.configuration.site
    component = site.component(event.names)
    key = component.id if component else None
    row = Rollout(
        connection=heard.name,
        attempt=event.attempt,
        round=round,
        source=heard.connection.source,
        subject=key or event.names[0],
        component_id=session.execute(select(col(Component.id)).where(col(Component.key) == key)).scalar(),
        environment=site.environment(
            payload=event.environment, connection=heard.connection.environment, namespace=event.namespace
        ),
        known={},
        created_at=heard.now,
    )
    keep(row, Known())
    return row


def _here(row: Rollout) -> tuple[ColumnElement[bool], ...]:
    """Select what happened to the same component in the same environment."""
    return (
        col(Rollout.subject) == row.subject,
        col(Rollout.environment).is_not_distinct_from(row.environment),
    )


def _restores(session: Session, row: Rollout, event: RolloutEvent) -> Rollout | None:
    """Return the failed rollout that this event cleans up after, if it brings back the version that was current.

    Argo starts an attempt of its own when the manifest is put back to the stable version after an abort.
    """
    versions = history(session, row)
    brings_back = event.phase in ENDED if event.rollback else versions.name(event) == versions.current
    if event.to_version is None or not brings_back:
        return None
    failed = session.execute(
        select(Rollout)
        .where(
            *_here(row),
            col(Rollout.follows_id).is_(None),
            col(Rollout.to_version).is_distinct_from(event.to_version),
            col(Rollout.id) > _last_completed(row),
        )
        .order_by(col(Rollout.id).desc())
        .limit(1)
        .with_for_update()
    ).scalar()
    return failed if failed is not None and failed.phase in TROUBLED else None


def _last_completed(row: Rollout) -> ScalarSelect[int]:
    done = (*_here(row), col(Rollout.follows_id).is_(None), col(Rollout.phase) == Phase.COMPLETED)
    return select(func.max(col(Rollout.id))).where(*done).scalar_subquery()


def _lead(session: Session, row: Rollout, event: RolloutEvent, now: datetime) -> int | None:
    """Return the rollout that another tool speaks of already: same place, same version, still open or just done."""
    if event.to_version is None:
        return None
    fresh = (col(Rollout.phase) == Phase.COMPLETED) & (col(Rollout.ended_at) > now - AFTERWARDS)
    others = session.execute(
        select(Rollout)
        .where(
            *_here(row),
            col(Rollout.follows_id).is_(None),
            col(Rollout.connection) != row.connection,
            or_(col(Rollout.ended_at).is_(None), fresh),
        )
        .order_by(col(Rollout.id).desc())
        .limit(_RECENT)
        .with_for_update()
    ).scalars()
    return next((other.id for other in others if _same(known_of(other), event)), None)


def _same(known: Known, event: RolloutEvent) -> bool:
    """Whether both have one version: by name, by artifact, or by two lengths of one commit."""
    mine, theirs = event.to_version, known.to_version
    if mine == theirs or (event.artifact and event.artifact == known.artifact):
        return True
    both = mine and theirs and _COMMIT.fullmatch(mine) and _COMMIT.fullmatch(theirs)
    return bool(both) and (str(mine).startswith(str(theirs)) or str(theirs).startswith(str(mine)))


def _measures(event: RolloutEvent) -> bool:
    return event.exposure is not None and event.phase not in ENDED


def _as_far_as_it_knows(session: Session, row: Rollout, event: RolloutEvent) -> RolloutEvent:
    """Take from an event what its tool cannot know.

    A deploy job's "success" is not 100 % where another tool moves the users and says how many. A flag that is switched
    off long after its rollout is tidied up.
    """
    known = known_of(row)
    if is_routine(known, event):
        return replace(event, phase=None, exposure=None)
    if event.phase is Phase.COMPLETED and not known.measured and _measured_elsewhere(session, row):
        return replace(event, phase=None, exposure=None)
    return event


def _measured_elsewhere(session: Session, row: Rollout) -> bool:
    latest = (
        select(Rollout)
        .where(*_here(row), col(Rollout.follows_id).is_(None), col(Rollout.connection) != row.connection)
        .order_by(col(Rollout.id).desc())
        .limit(_RECENT)
    )
    return any(known_of(other).measured for other in session.execute(latest).scalars())
