"""Who was told about an incident: for each message, each audience, what came of it in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import or_, select
from sqlmodel import Session, col

from trusthub.domain.message import Audience
from trusthub.domain.recipient import NOBODY, Tally
from trusthub.services.counts import COLUMNS, Counted, Counts, reasons
from trusthub.services.outgoing import moment_words, place_words
from trusthub.store.outbox import channel_of
from trusthub.store.tables import Delivery, Incident, Update
from trusthub.store.which import FORWARDED

_MOST = 2000
"""Deliveries of one incident to look at, the newest."""
_FEW = 3
"""Mails to single customers that are worth a line each."""
_AUDIENCES = {**{audience.value: audience.value.capitalize() for audience in Audience}, "": "Others"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """What came of one message at one place, or at many of a kind."""

    to: str
    count: int
    """Messages."""
    delivery: int | None
    """The number of the one; None when there are several."""
    lane: str
    """What the names of their lanes have in common."""
    many: bool
    """Whether it went by mail to several readers."""
    waiting: int
    done: int
    dead: int
    cancelled: int
    ambiguous: int
    accepted_at: datetime | None
    delivered_at: datetime | None
    forwarded: bool
    """A service took it; that it arrived is another thing."""
    kept: bool
    tally: Tally
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceView:
    """One audience, and where it was told."""

    key: str
    name: str
    lines: tuple[LineView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingView:
    """One message, told at one time."""

    at: datetime
    moment: str
    moment_key: str
    subject: str
    update: str | None
    """Public id, when it is an update that customers can read."""
    audiences: tuple[AudienceView, ...]


def of_incident(session: Session, counts: Counts, incident: str, now: datetime) -> tuple[TellingView, ...]:
    """Return what was told about an incident (public id) and the rollout behind it, newest first."""
    about = session.execute(select(Incident).where(col(Incident.public_id) == incident)).scalar_one()
    mine = col(Delivery.incident_id) == about.id
    if about.rollout_id is not None:
        mine = or_(mine, (col(Delivery.rollout_id) == about.rollout_id) & col(Delivery.incident_id).is_(None))
    rows = session.execute(
        select(*COLUMNS, *_MORE)
        .outerjoin(Update, col(Update.id) == col(Delivery.update_id))
        .where(mine)
        .order_by(col(Delivery.id).desc())
        .limit(_MOST)
    ).all()
    counted = counts.of(session, [row for row in rows if channel_of(row.lane) == "email"], now)

    def key(row: Any) -> tuple[datetime, str]:
        return row.created_at, row.moment

    return tuple(
        _telling(session, list(same), counted) for _, same in groupby(sorted(rows, key=key, reverse=True), key)
    )


_MORE: tuple[Any, ...] = (
    col(Delivery.lane),
    col(Delivery.moment),
    col(Delivery.audience),
    col(Delivery.created_at),
    col(Delivery.ambiguous),
    col(Delivery.last_error),
    col(Delivery.thread_id),
    Delivery.payload["subject"].as_string().label("subject"),
    Delivery.payload["to"].as_string().label("to"),
    col(Update.public_id).label("update"),
)


def _telling(session: Session, rows: Sequence[Any], counted: Mapping[int, Counted]) -> TellingView:
    first = rows[0]
    heard = {key: [row for row in rows if row.audience == key] for key in _AUDIENCES}
    return TellingView(
        at=first.created_at,
        moment=moment_words(first.moment),
        moment_key=first.moment,
        subject=first.subject or "",
        update=next((row.update for row in rows if row.update), None),
        audiences=tuple(
            AudienceView(key=key, name=_AUDIENCES[key], lines=_lines(session, mine, counted))
            for key, mine in heard.items()
            if mine
        ),
    )


def _lines(session: Session, rows: Sequence[Any], counted: Mapping[int, Counted]) -> tuple[LineView, ...]:
    single = sum(row.thread_id is not None for row in rows)
    groups: dict[str, list[Any]] = {}
    for row in sorted(rows, key=lambda row: row.id):
        groups.setdefault(_group(row, crowd=single > _FEW), []).append(row)
    return tuple(_line(session, name, same, counted) for name, same in groups.items())


def _group(row: Any, *, crowd: bool) -> str:
    """Return what a delivery's lane has in common with others of its kind."""
    if row.lane.startswith("email:subscribers/"):
        return "email:subscribers/"
    return "email:" if crowd and row.thread_id is not None else row.lane


def _line(session: Session, lane: str, rows: Sequence[Any], counted: Mapping[int, Counted]) -> LineView:
    states = [row.state for row in rows]
    known = {row.id: counted[row.id] for row in rows if row.id in counted}
    tally = sum((each.tally for each in known.values()), NOBODY)
    troubled = [number for number, each in known.items() if each.tally.bounced or each.tally.failed]
    errors = dict.fromkeys(row.last_error for row in rows if row.last_error and row.state in {"dead", "pending"})
    forwarded = channel_of(lane) in FORWARDED
    done = max((row.done_at for row in rows if row.done_at), default=None)
    arrived = max((each.delivered_at for each in known.values() if each.delivered_at), default=None)
    return LineView(
        to=_to(lane, rows, tally),
        count=len(rows),
        delivery=rows[0].id if len(rows) == 1 else None,
        lane=lane,
        many=tally.frozen > 1,
        waiting=states.count("pending"),
        done=states.count("done"),
        dead=states.count("dead"),
        cancelled=states.count("cancelled"),
        ambiguous=sum(row.ambiguous for row in rows),
        accepted_at=done,
        delivered_at=arrived if forwarded else done,
        forwarded=forwarded,
        kept=any("Kept in the sandbox" in row.last_error for row in rows),
        tally=tally,
        problems=tuple(dict.fromkeys([*list(errors)[:3], *(reasons(session, troubled) if troubled else ())])),
    )


def _to(lane: str, rows: Sequence[Any], tally: Tally) -> str:
    if lane == "email:subscribers/":
        return f"mail to {tally.frozen:,} subscriber{'' if tally.frozen == 1 else 's'}"
    return f"mail to {len(rows):,} customers who wrote" if lane == "email:" else place_words(lane, rows[0].to)
