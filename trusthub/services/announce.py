"""From a moment to deliveries: which audience hears which message, where, and in which shape."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.channels.base import PERSONAL
from trusthub.domain.destination import Destination
from trusthub.domain.incident import Impact
from trusthub.domain.message import Audience, Button, Moment, Rendered
from trusthub.domain.playbook import Playbook, Told
from trusthub.rendering.filters import clock
from trusthub.services import contract, recipients, subscribe
from trusthub.services.facts import Facts
from trusthub.services.hub import Hub
from trusthub.services.recipients import News
from trusthub.store import outbox
from trusthub.store.tables import Delivery

QUIET = frozenset({Moment.ROLLOUT_PROGRESSED, Moment.ROLLOUT_PAUSED})
"""Progress: shown by editing the first message, where a channel can edit, and not repeated anywhere else."""
LOUD = frozenset({Moment.ROLLOUT_FAILED, Moment.ROLLBACK_STARTED, Moment.PROMISE_MISSED})
"""News that must not stay hidden inside a thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One moment, ready to be told."""

    moment: Moment
    playbook: Playbook
    facts: Facts
    conversation: str
    cause: str
    """Names what led to it (`event:12`, `timer:3`, ...), so that the same cause never tells anybody twice."""
    now: datetime
    customers: bool = False
    """Whether the customers' audience hears it too."""
    impact: Impact | None = None
    """How bad it is, or would be; None where nothing is wrong or nobody can say."""
    news: News | None = None
    """The update that it is. Subscribers of the page hear updates."""
    buttons: tuple[Button, ...] = ()
    incident_id: int | None = None
    rollout_id: int | None = None
    thread_id: int | None = None
    event_id: int | None = None


def tell(session: Session, hub: Hub, telling: Telling) -> None:
    """Word the moment for each audience its playbook names, and put a delivery for each destination into the outbox."""
    deliveries: list[Delivery] = []
    for audience, told in telling.playbook.tell.get(telling.moment, {}).items():
        if audience.public and not telling.customers:
            continue
        loud = _applies(told, telling)
        rendered = word(hub, told.message, telling.facts, audience)
        for destination in hub.configuration.site.audiences[audience]:
            if loud or destination.page:  # the page shows every update; a condition says who is disturbed
                deliveries += _deliveries(session, hub, telling, audience, destination, rendered)
            if loud and destination.page and telling.customers and telling.news:
                _subscribers(session, hub, telling, telling.news, rendered)
    _enqueue(session, deliveries, telling.now)


def _applies(told: Told, telling: Telling) -> bool:
    facts = telling.facts
    return told.when.holds(exposure=facts["exposure"], peak=facts["peak"], impact=telling.impact)


def word(hub: Hub, message: str, facts: Facts, audience: Audience) -> Rendered:
    """Render a message for an audience; customers' messages get public facts only."""
    return hub.configuration.templates.render(message, facts, public=audience.public)


def customers_words(hub: Hub, playbook: Playbook, moment: Moment, facts: Facts) -> Rendered | None:
    """Return what customers read at a moment, or None when the playbook tells them nothing then."""
    message = playbook.message(moment, Audience.CUSTOMERS)
    return word(hub, message, facts, Audience.CUSTOMERS) if message else None


def mail(session: Session, hub: Hub, telling: Telling, *, address: str, token: str) -> None:
    """Word the moment for one customer and mail it to them, if the playbook has words for it.

    `token` opens the page that stops such mail.
    """
    rendered = customers_words(hub, telling.playbook, telling.moment, telling.facts)
    if rendered is None:
        return
    why = f"you wrote to us about {telling.facts['component']}"
    content = payload(rendered, address, why=why, unsubscribe=token, answer_url=telling.facts["thread_url"])
    _enqueue(session, [_delivery(telling, f"email:{address}", content)], telling.now)


def payload(rendered: Rendered, to: str, **extra: Any) -> dict[str, Any]:
    """Return the frozen form of a message that a delivery keeps."""
    return {
        "to": to,
        "subject": rendered.subject,
        "body": rendered.body,
        "slack": rendered.slack,
        "buttons": [
            {"label": b.label, "action": b.action, "value": b.value, "url": b.url, "danger": b.danger}
            for b in rendered.buttons
        ],
        **extra,
    }


def _enqueue(session: Session, deliveries: Sequence[Delivery], now: datetime) -> None:
    outbox.enqueue(session, deliveries, now)
    recipients.alone(session, [each for each in deliveries if outbox.channel_of(each.lane) == "email"])


def _subscribers(session: Session, hub: Hub, telling: Telling, news: News, rendered: Rendered) -> None:
    """Put one delivery for each batch of subscribers into the outbox, and write down who is in it."""
    why = f"you subscribed to news about {hub.page.name}"
    batches = []
    for slot in recipients.slots(session, news):
        readers = f"{slot.count:,} subscriber{'s' if slot.count > 1 else ''}"
        content = payload(rendered, readers, why=why, unsubscribe=PERSONAL)
        batches.append(_delivery(telling, slot.lane, content, key=slot.key))
    if batches:
        outbox.enqueue(session, batches, telling.now)
        recipients.freeze(session, news)


def _deliveries(
    session: Session, hub: Hub, telling: Telling, audience: Audience, destination: Destination, rendered: Rendered
) -> Iterator[Delivery]:
    lane = destination.lane
    channel, _, to = lane.partition(":")
    buttons = () if audience.public else telling.buttons
    words = Rendered(subject=rendered.subject, body=rendered.body, slack=rendered.slack, buttons=buttons)
    due = telling.facts.get("next_update")
    content = payload(words, to, promise=clock(due) if due else "")
    if channel == "page":
        if telling.customers:
            yield _delivery(telling, lane, content)
    elif channel == "email":
        if telling.moment not in QUIET and not subscribe.suppressed(session, to):
            why = f"this address is listed to hear about rollouts, as {audience}"
            yield _delivery(telling, lane, {**content, "why": why, "unsubscribe": subscribe.mailbox_token(hub, to)})
    elif channel != "slack":
        if telling.moment not in QUIET:
            facts = {"data": contract.data(session, hub, telling, audience)} if channel == "webhook" else {}
            yield _delivery(telling, lane, {**content, **facts})
    elif telling.moment in QUIET:  # without a first message to edit, it becomes that
        yield _delivery(telling, lane, {**content, "edit": True}, part="edit")
    elif not _begun(session, lane, telling.conversation):
        yield _delivery(telling, lane, content)
    else:
        yield _delivery(telling, lane, {**_headline(content), "edit": True}, part="edit")
        yield _delivery(telling, lane, {**content, "broadcast": telling.moment in LOUD})


def _headline(content: dict[str, Any]) -> dict[str, Any]:
    """Keep the first paragraph: the thread below has the rest."""
    words = content["slack"] or content["body"]
    return {**content, "body": words.strip().split("\n\n")[0], "slack": None, "buttons": []}


def _delivery(
    telling: Telling, lane: str, content: dict[str, Any], *, part: str = "post", key: str | None = None
) -> Delivery:
    return Delivery(
        lane=lane,
        key=key or f"{telling.cause}/{telling.moment}/{lane}/{part}",
        moment=telling.moment,
        conversation=telling.conversation,
        payload=content,
        incident_id=telling.incident_id,
        rollout_id=telling.rollout_id,
        thread_id=telling.thread_id,
        event_id=telling.event_id,
        created_at=telling.now,
    )


def _begun(session: Session, lane: str, conversation: str) -> bool:
    found = (
        select(col(Delivery.id)).where(col(Delivery.lane) == lane, col(Delivery.conversation) == conversation).limit(1)
    )
    return session.execute(found).first() is not None
