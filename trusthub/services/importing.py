"""Taking a history over: incidents that are over, with their own times and ids. Nobody is told of them.

They count in the uptime like our own: each component had the status that the updates gave it, or, where they give none,
the one that the impact stands for (`domain.incident.COMPONENT_STATUS`).
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlmodel import Session, col

from trusthub.domain.incident import OVER, By
from trusthub.domain.message import Moment
from trusthub.domain.past import Past, PastIncident, PastUpdate
from trusthub.services import history, ledger
from trusthub.services.cases import create
from trusthub.services.foreign import HistoryError
from trusthub.services.hub import Hub
from trusthub.services.mistakes import hint
from trusthub.services.uptime import FALSE_ALARM
from trusthub.store.tables import Component, Incident, Promise, Snapshot, Update, UpdateText

_PUBLIC_ID = re.compile(r"[a-z0-9]{12}")


@dataclass(slots=True)
class Taken:
    """What became of each incident in a document, by its name."""

    new: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    """Here already."""
    open: list[str] = field(default_factory=list)
    """Not over, and left out."""


def take(hub: Hub, past: Past, now: datetime, *, components: Mapping[str, str], dry: bool = False) -> Taken:
    """Add what is not here yet, all of it or nothing; with `dry`, only find out.

    `components` says which of ours (ids of site.yaml) a name in the document means; an empty one leaves it out.
    Raises HistoryError.
    """
    taken = Taken()
    with hub.database.transaction() as session:
        ours = _ours(session, past, components)
        there = set(session.execute(select(col(Incident.public_id))).scalars())
        for each in past.incidents:
            kept = taken.known if (name := _id(each.id)) in there else taken.new if _over(each) else taken.open
            kept.append(each.name)
            if kept is taken.new:
                there.add(name)
                _add(session, each, ours, now)
        _forget_pages(session)
        if dry:
            session.rollback()
    return taken


def _over(incident: PastIncident) -> bool:
    return incident.status in OVER and incident.resolved_at is not None


def _id(name: str) -> str:
    """Keep an id that has our shape; of another make one that is the same each time."""
    return name if _PUBLIC_ID.fullmatch(name) else hashlib.sha256(f"import:{name}".encode()).hexdigest()[:12]


def _ours(session: Session, past: Past, given: Mapping[str, str]) -> dict[str, Component]:
    """Return our component for each that the document names and that is not left out."""
    rows = [row for row in session.execute(select(Component)).scalars() if not row.is_group]
    by_name = {row.name: row for row in rows} | {row.key: row for row in rows}
    if wrong := [key for key in given.values() if key and key not in {row.key for row in rows}]:
        raise HistoryError(f"There is no component {wrong[0]!r} in site.yaml. {hint(wrong[0], by_name)}")
    wanted = dict.fromkeys(_named(past.incidents))
    if unknown := [name for name in wanted if name not in given and name not in by_name]:
        raise HistoryError(
            f"site.yaml has no component called {', '.join(map(repr, unknown))}. Say which it is with "
            f"`--component '{unknown[0]}=<id>'`, or leave it out with `--component '{unknown[0]}='`. "
            "Nothing was changed."
        )
    meant = {name: given.get(name, name) for name in wanted}
    return {name: by_name[mine] for name, mine in meant.items() if mine}


def _named(incidents: Iterable[PastIncident]) -> Iterable[str]:
    for incident in incidents:
        yield from incident.components
        yield from (change.component for update in incident.updates for change in update.components)


def _add(session: Session, past: PastIncident, ours: Mapping[str, Component], now: datetime) -> None:
    same = ("name", "names", "monitoring_at", "resolved_at", "failed", "scheduled_for", "scheduled_until", "effect")
    row = Incident(
        **{name: getattr(past, name) for name in (*same, "advice", "started_at", "told_at", "updated_at")},
        public_id=_id(past.id),
        state=past.status.value,
        impact=past.impact.value,
        public=True,
        settled=FALSE_ALARM if past.retracted else None,
        decision=f"It was taken over from elsewhere on {now:%F}.",
        playbook="",
        opened_by=By.PERSON,
        closed_by=By.PERSON,
        corrected={"ended": past.ended_at.isoformat()} if past.ended_at else {},
        created_at=past.told_at,
    )
    create(session, row, list({ours[name].id: ours[name] for name in past.components if name in ours}.values()))
    for update in past.updates:
        _say(session, row, update, ours)
    session.add_all(
        Promise(
            incident_id=row.id,
            created_at=each.made_at,
            **each.model_dump(exclude={"made_at"}),
        )
        for each in past.promises
        if each.standing != "pending"
    )


def _say(session: Session, incident: Incident, past: PastUpdate, ours: Mapping[str, Component]) -> None:
    name = _id(past.id)
    taken = session.execute(select(col(Update.id)).where(col(Update.public_id) == name)).first()
    row = Update(
        public_id=_id(f"{incident.public_id}/{past.id}") if taken else name,
        incident_id=incident.id,
        state=past.status.value,
        moment=Moment.INCIDENT_RESOLVED if past.status in OVER else Moment.INCIDENT_UPDATED,
        components=[
            {
                "code": ours[each.component].public_id,
                "name": ours[each.component].name,
                "old_status": each.old_status.value,
                "new_status": each.new_status.value,
            }
            for each in past.components
            if each.component in ours
        ],
        created_at=past.at,
    )
    session.add(row)
    session.flush()
    session.add_all(UpdateText(update_id=row.id, locale=code, **text.model_dump()) for code, text in past.texts.items())


def _forget_pages(session: Session) -> None:
    """Let the months be rendered anew: they are only when something of them changed just now."""
    path = col(Snapshot.path)
    session.execute(delete(Snapshot).where(or_(path.contains(f"{history.PATH}/"), path.contains(f"{ledger.PATH}/"))))
