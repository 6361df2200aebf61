"""Messages on their way as staff see them: what, to whom, how it stands and why, and every try."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from sqlalchemy import func, select
from sqlmodel import Session, col

from trusthub.domain.message import Moment
from trusthub.domain.recipient import ARRIVED, NOBODY, RETURNED, Tally
from trusthub.services.hub import Hub
from trusthub.store import holds
from trusthub.store.outbox import channel_of
from trusthub.store.tables import Attempt, Delivery, Hold, Incident, Lane, Recipient
from trusthub.store.which import FORWARDED, Standing, Which

PAGE = 50
"""Deliveries on one page."""
_PLACES = {"slack": "Slack", "email": "mail to", "github": "GitHub"}
_MAIN = "the public page"


@dataclass(frozen=True, slots=True, kw_only=True)
class TryView:
    """One attempt."""

    n: int
    at: datetime
    ended_at: datetime | None
    words: str
    """How it ended, such as `It failed.`"""
    status: int | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """How one message is doing."""

    id: int
    lane: str
    to: str
    moment: str
    audience: str
    subject: str
    standing: Standing
    created_at: datetime
    accepted_at: datetime | None = None
    delivered_at: datetime | None = None
    next_at: datetime | None = None
    """When it is tried next, as far as that is known."""
    incident: tuple[str, str] | None = None
    """Public id and name."""
    tries: tuple[TryView, ...] = ()
    tally: Tally = NOBODY
    """Its recipients, when it is mail."""
    ambiguous: bool = False
    kept: bool = False
    """It was kept in the sandbox and not sent."""
    error: str = ""
    requeued_at: datetime | None = None

    @property
    def channel(self) -> str:
        """Through what it goes."""
        return channel_of(self.lane)

    @property
    def many(self) -> bool:
        """Whether it goes to several."""
        return self.tally.frozen > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView:
    """One page of a list."""

    deliveries: tuple[DeliveryView, ...]
    older: int | None
    """The number below which the next page begins; None when there is none."""
    newer: int | None
    dead: int
    """How many of all that are meant were given up and could be sent once more."""


def page(session: Session, hub: Hub, which: Which, *, before: int | None = None, after: int = 0) -> PageView:
    """Return deliveries that are meant, newest first: the newest below `before`, or the next above `after`."""
    rows = holds.page(session, which, PAGE + 1, before=before, after=after)
    more = len(rows) > PAGE
    upwards = bool(after) and before is None
    shown = rows[-PAGE:] if upwards else rows[:PAGE]
    below, above = (True, more) if upwards else (more, before is not None)
    return PageView(
        deliveries=views(session, hub, shown),
        older=shown[-1].id if shown and below else None,
        newer=shown[0].id if shown and above else None,
        dead=holds.count_dead(session, which),
    )


def dead(session: Session, hub: Hub, which: Which) -> PageView:
    """Return the newest of those that would be sent once more, and how many there are."""
    rows, count = holds.dead(session, which, PAGE), holds.count_dead(session, which)
    return PageView(deliveries=views(session, hub, rows), older=None, newer=None, dead=count)


def find(session: Session, hub: Hub, number: int) -> DeliveryView | None:
    """Return one delivery."""
    row = session.get(Delivery, number)
    return views(session, hub, [row])[0] if row else None


def views(session: Session, hub: Hub, rows: Sequence[Delivery]) -> tuple[DeliveryView, ...]:
    """Return how messages are doing, in the same order; in a handful of statements, however many there are."""
    ids, lanes = [row.id for row in rows], {row.lane for row in rows}
    tries = select(Attempt).where(col(Attempt.delivery_id).in_(ids)).order_by(col(Attempt.delivery_id), col(Attempt.id))
    about = select(Incident).where(col(Incident.id).in_({row.incident_id for row in rows} - {None}))
    known = _Known(
        now=hub.clock(),
        attempts={
            number: list(same) for number, same in groupby(session.execute(tries).scalars(), attrgetter("delivery_id"))
        },
        fates=_fates(session, ids),
        incidents={row.id: (row.public_id, row.name) for row in session.execute(about).scalars()},
        lanes={row.key: row for row in session.execute(select(Lane).where(col(Lane.key).in_(lanes))).scalars()},
        holds={row.channel: row for row in session.execute(select(Hold)).scalars()},
    )
    return tuple(_view(row, known) for row in rows)


def moment_words(moment: str) -> str:
    """Return an occasion in words, such as `Rollback started`."""
    return moment.replace(".", " ").replace("_", " ").capitalize()


MOMENTS = {moment.value: moment_words(moment) for moment in Moment}


def place_words(lane: str, to: str) -> str:
    """Return where a lane leads, in words: `Slack #releases`, `mail to ana@customer.example`."""
    channel, _, name = lane.partition(":")
    if channel == "page":
        return _MAIN
    return f"{_PLACES.get(channel, channel)} {to if channel == 'email' else name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the views of several deliveries are made from."""

    now: datetime
    attempts: Mapping[int, list[Attempt]]
    fates: Mapping[int, Mapping[str, tuple[int, datetime | None, str]]]
    incidents: Mapping[int, tuple[str, str]]
    lanes: Mapping[str, Lane]
    holds: Mapping[str, Hold]


def _fates(session: Session, ids: Sequence[int]) -> Mapping[int, Mapping[str, tuple[int, datetime | None, str]]]:
    """Return for each delivery and fate: how many recipients, when the last of them, and an example of why."""
    place = (col(Recipient.delivery_id), col(Recipient.state))
    query = select(*place, func.count(), func.max(col(Recipient.at)), func.max(col(Recipient.reason)))
    found: dict[int, dict[str, tuple[int, datetime | None, str]]] = {}
    for number, state, *rest in session.execute(query.where(place[0].in_(ids)).group_by(*place)):
        count, at, reason = rest
        found.setdefault(number, {})[state] = (count, at, reason)
    return found


def _view(row: Delivery, known: _Known) -> DeliveryView:
    attempts, fates = known.attempts.get(row.id, []), known.fates.get(row.id, {})
    tally = Tally.of({state: count for state, (count, *_) in fates.items()}, given_up=row.state == "dead")
    standing = _standing(row, known, tally)
    arrived = max((at for state, (_, at, _) in fates.items() if state in ARRIVED and at), default=None)
    why = next((why for state, (*_, why) in fates.items() if state in RETURNED and why), "")
    return DeliveryView(
        id=row.id,
        lane=row.lane,
        to=place_words(row.lane, row.payload.get("to", "")),
        moment=moment_words(row.moment),
        audience=row.audience,
        subject=row.payload.get("subject", ""),
        standing=standing,
        created_at=row.created_at,
        accepted_at=row.done_at,
        delivered_at=arrived if channel_of(row.lane) in FORWARDED else row.done_at,
        next_at=_next(row, known) if standing is Standing.WAITING else None,
        incident=known.incidents.get(row.incident_id or 0),
        tries=tuple(map(_try, attempts)),
        tally=tally,
        ambiguous=row.ambiguous,
        kept="Kept in the sandbox" in row.last_error,
        error=row.last_error or why,
        requeued_at=row.requeued_at,
    )


def _standing(row: Delivery, known: _Known, tally: Tally) -> Standing:
    if row.state == "pending":
        hold, lane = known.holds.get(channel_of(row.lane)), known.lanes.get(row.lane)
        if any(each.ended_at is None for each in known.attempts.get(row.id, [])):
            return Standing.SENDING
        return Standing.HELD if (hold and hold.paused) or (lane and lane.paused) else Standing.WAITING
    if row.state != "done":
        return Standing.FAILED if row.state == "dead" else Standing.CANCELLED
    if channel_of(row.lane) not in FORWARDED:
        return Standing.DELIVERED
    if tally.waiting or tally.silent or not (tally.delivered or tally.bounced or tally.failed):
        return Standing.ACCEPTED
    return Standing.DELIVERED if tally.delivered else Standing.RETURNED


def _next(row: Delivery, known: _Known) -> datetime | None:
    """Return when a delivery that waits is tried next: what its lane and its channel wait for."""
    lane, hold = known.lanes.get(row.lane), known.holds.get(channel_of(row.lane))
    times = [lane.due if lane and not lane.claim else None, hold.until if hold else None]
    return max((at for at in times if at and at > known.now), default=None)


_ENDS = {
    "sent": "It was taken.",
    "failed": "It failed.",
    "found": "An earlier try had got through.",
    "waiting": "It waited for word of an earlier try.",
    "lost": "Nobody knows how it ended.",
    "late": "It left late, when another worker had taken over.",
}


def _try(row: Attempt) -> TryView:
    words = _ENDS.get(row.outcome or "", row.outcome or "It has begun, and has not ended.")
    return TryView(n=row.n, at=row.started_at, ended_at=row.ended_at, words=words, status=row.status, error=row.error)
