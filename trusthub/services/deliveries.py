"""What a person does about messages on their way. Each act leaves an audit row in its own transaction."""

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.channels import CHANNELS
from trusthub.services.acts import Act, StaffError
from trusthub.services.hub import Hub
from trusthub.store import holds
from trusthub.store.tables import Audit, Delivery, Disabled, Incident, Lane
from trusthub.store.which import Which


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A lane or a channel that sends nothing, and why."""

    where: str
    why: str
    by: str | None = None
    """Who paused it; None when it was switched off because it kept failing."""
    at: datetime | None = None


def listed(hub: Hub, which: Which, limit: int = 50) -> list[Delivery]:
    """Return the newest deliveries that are meant, oldest first."""
    with hub.database.reading() as session:
        return holds.listed(session, which, limit)


def paused(hub: Hub) -> list[str]:
    """Return the lanes and channels that send nothing because a person said so."""
    with hub.database.reading() as session:
        return holds.paused(session)


def pauses(session: Session) -> tuple[Pause, ...]:
    """Return what is paused, with who did it and why."""
    return tuple(_pause(session, where) for where in holds.paused(session))


def incident_id(hub: Hub, public_id: str) -> int:
    """Return the number of an incident. Raises StaffError when there is none."""
    with hub.database.reading() as session:
        query = select(col(Incident.id)).where(col(Incident.public_id) == public_id)
        found: int | None = session.execute(query).scalar()
    if found is None:
        raise StaffError(f"There is no incident {public_id}.")
    return found


def requeue(hub: Hub, which: Which, act: Act, *, expected: int | None = None) -> list[int]:
    """Send messages that were given up once more; each says that it is late. Return their numbers.

    Raises StaffError when one was named that was not given up, or when they are not as many as `expected`.
    """
    with hub.database.transaction() as session:
        sent = holds.requeue(session, which, act.now)
        if missing := sorted(set(which.ids) - set(sent)):
            raise StaffError(f"{_named(missing)}: only what was given up, and is not replaced, can be sent once more.")
        if expected is not None and len(sent) != expected:
            raise StaffError(f"Nothing was sent: by now it would be {len(sent):,}, not {expected:,}.")
        if sent:
            _audit(session, act, "requeue", f"deliveries:{len(sent)}", " ".join(map(str, sent)))
    return sent


def pause(hub: Hub, where: str, act: Act, why: str = "") -> None:
    """Let a lane (`slack:#releases`) or a channel (`slack`) send nothing more. What is being sent now still arrives."""
    _set(hub, where, act, paused=True, why=why)


def resume(hub: Hub, where: str, act: Act) -> None:
    """Let a lane or a channel go on, switched off or not. What waits is sent in its order."""
    _set(hub, where, act, paused=False)


def _set(hub: Hub, where: str, act: Act, *, paused: bool, why: str = "") -> None:
    with hub.database.transaction() as session:
        if ":" in where:
            _check(where.partition(":")[0])
            if session.get(Lane, where) is None:
                raise StaffError(f"There is no lane {where}.{_nearest(session, where)}")
            holds.pause_lane(session, where, paused=paused, now=act.now)
        else:
            _check(where)
            holds.pause_channel(session, where, paused=paused)
        _audit(session, act, "pause" if paused else "resume", f"deliveries:{where}", why)


def _pause(session: Session, where: str) -> Pause:
    off = session.get(Disabled, where)
    acts = (col(Audit.subject) == f"deliveries:{where}", col(Audit.action) == "pause")
    act = session.execute(select(Audit).where(*acts).order_by(col(Audit.id).desc()).limit(1)).scalar()
    if off and off.enabled_at is None:
        return Pause(where=where, why=f"It kept failing, and was switched off. {off.reason}", at=off.at)
    return Pause(where=where, why=act.detail, by=act.actor, at=act.at) if act else Pause(where=where, why="")


def _check(channel: str) -> None:
    if channel not in CHANNELS:
        raise StaffError(f"There is no channel {channel}. There are: {', '.join(sorted(CHANNELS))}.")


def _nearest(session: Session, where: str) -> str:
    known = session.execute(select(col(Lane.key)).where(col(Lane.channel) == where.partition(":")[0])).scalars()
    near = get_close_matches(where, known, 1)
    return f" Do you mean {near[0]}?" if near else " Nothing was sent there yet."


def _named(numbers: list[int]) -> str:
    return f"{'Delivery' if len(numbers) == 1 else 'Deliveries'} {', '.join(map(str, numbers))}"


def _audit(session: Session, act: Act, action: str, subject: str, detail: str = "") -> None:
    session.add(Audit(at=act.now, actor=act.actor, action=action, subject=subject, detail=detail))


__all__ = ["Act", "StaffError", "Which", "incident_id", "listed", "pause", "paused", "pauses", "requeue", "resume"]
