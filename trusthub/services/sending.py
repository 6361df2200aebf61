"""One attempt: make the message, look for it where an earlier try is unclear, send it, and say how that went."""

import random
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from trusthub.channels.base import REPLY, TIMEOUT, Channel, Outbound
from trusthub.channels.reconcile import CannotTell, Doubt, Finding, Found, Later, NotThere, Reconciles
from trusthub.domain.message import Audience, Button, Rendered
from trusthub.domain.pacing import Pace, Patience, next_attempt, retry_after
from trusthub.errors import DeliveryError
from trusthub.rendering import markdown
from trusthub.rendering.markdown import Footer
from trusthub.services import shapes, tracing
from trusthub.services.announce import PAGE
from trusthub.services.hub import Hub
from trusthub.services.tracing import Fact
from trusthub.store import doubts
from trusthub.store.outbox import Claimed, Outcome, channel_of

log = structlog.get_logger()

_ENOUGH = timedelta(seconds=TIMEOUT + 2)
"""What must be left of a lease when a message leaves, so that nobody else sends it meanwhile."""


class Sender:
    """Makes attempts, through whichever channel a delivery asks for. Holds no transaction while it sends."""

    def __init__(self, hub: Hub, channels: Mapping[str, Channel], patience: Patience, rng: random.Random) -> None:
        """`rng` spreads the waits between attempts."""
        self._hub, self._channels, self._patience, self._random = hub, channels, patience, rng

    def pace(self, lane: str) -> Pace | None:
        """Return how fast the lane's destination takes messages; None when it does not say."""
        return getattr(self._channels.get(channel_of(lane)), "pace", None)

    def attempt(self, claimed: Claimed) -> Outcome:
        """Try once. Every failure, even a bug in a channel, becomes an outcome."""
        delivery = claimed.delivery
        facts: dict[str, Fact] = {
            "delivery_id": delivery.id,
            "moment": delivery.moment,
            "channel": channel_of(delivery.lane),
        }
        facts |= {"incident_id": delivery.incident_id} if delivery.incident_id else {}
        parent = tracing.carried(delivery.payload)
        with self._hub.traces.span("deliver", parent=parent, attempt=delivery.attempts, **facts) as note:
            outcome = self._attempt(claimed)
            note(outcome=outcome.how or ("sent" if outcome.sent else "failed"), status=outcome.status or 0)
        return outcome

    def _attempt(self, claimed: Claimed) -> Outcome:
        delivery, sending = claimed.delivery, False
        try:
            channel, message = self._channel(delivery.lane), outbound(self._hub, claimed)
            finding = self._look(channel, message, claimed) if delivery.ambiguous else NotThere()
            if outcome := _without_sending(claimed, finding):
                return outcome
            if self._hub.clock() > claimed.until - _ENOUGH:
                return _too_late(self._hub.clock())
            sending = True
            return self._send(channel, message, claimed, finding)
        except DeliveryError as error:
            return self._failed(claimed, error, finding if sending else None)
        except Exception as error:  # a bug in a channel must not stop the others, nor lose the message
            log.exception("delivery.crashed", delivery_id=delivery.id, lane=hidden(delivery.lane))
            return self._failed(claimed, DeliveryError(f"{type(error).__name__} inside the hub", ambiguous=sending))

    def _channel(self, lane: str) -> Channel:
        name = channel_of(lane)
        if name not in self._channels:
            raise DeliveryError(f"This version has no channel {name!r}.")
        return self._channels[name]

    def _send(self, channel: Channel, message: Outbound, claimed: Claimed, finding: Finding) -> Outcome:
        delivery, started = claimed.delivery, time.monotonic()
        with self._hub.traces.span("provider", delivery_id=delivery.id, channel=channel_of(delivery.lane)):
            receipt = channel.send(message)
        log.info(
            "delivery.sent",
            delivery_id=delivery.id,
            lane=hidden(delivery.lane),
            moment=delivery.moment,
            seconds=round(time.monotonic() - started, 3),
        )
        leads = receipt.ref is not None and (claimed.parent is None or receipt.anew)
        words = " ".join(filter(None, (receipt.note, _unclear(finding))))
        sent = Outcome(
            sent=True, status=receipt.status, words=words, ref=receipt.ref, leads=leads, became=receipt.became
        )
        return replace(sent, cleared=isinstance(finding, NotThere))

    def _look(self, channel: Channel, message: Outbound, claimed: Claimed) -> Finding:
        """Ask the provider whether it has the message, for as long as there is patience."""
        if not isinstance(channel, Reconciles):
            return CannotTell("")
        now = self._hub.clock()
        with self._hub.database.reading() as session:
            first, last = doubts.tried(session, claimed)
            near = doubts.near(session, claimed.delivery.lane)
        try:
            finding = channel.find(message, Doubt(since=first, last=last, now=now, near=near))
        except Exception as error:
            log.exception("delivery.unreconciled", delivery_id=claimed.delivery.id)
            return CannotTell(f"{type(error).__name__} inside the hub while it looked for an earlier try.")
        if isinstance(finding, Later) and now >= last + self._patience.doubt:
            return CannotTell(finding.why)
        return finding

    def _failed(self, claimed: Claimed, error: DeliveryError, finding: Finding | None = None) -> Outcome:
        delivery, now = claimed.delivery, self._hub.clock()
        first = delivery.first_attempt_at or now
        failed = min(delivery.attempts, claimed.fails + 1)  # without those that only waited for word
        again = next_attempt(error, failed, first, now, self._random, self._patience)
        words = str(error).replace(delivery.payload["to"], "the address")  # errors are kept longer than addresses
        log.warning(
            "delivery.failed",
            delivery_id=delivery.id,
            lane=hidden(delivery.lane),
            error=words,
            retry_at=again.isoformat() if again else None,
        )
        return Outcome(
            sent=False,
            retry_at=again,
            status=error.status,
            words=words,
            ambiguous=error.ambiguous,
            cleared=isinstance(finding, NotThere),
            hold=now + timedelta(seconds=retry_after(error)) if error.everywhere else None,
        )


def _without_sending(claimed: Claimed, finding: Finding) -> Outcome | None:
    """Return what a finding makes of an attempt; None when the message has to be sent."""
    match finding:
        case Found(receipt, copies):
            log.info("delivery.found", delivery_id=claimed.delivery.id, copies=copies)
            return Outcome(
                sent=True,
                how="found",
                ref=receipt.ref,
                words=receipt.note,
                leads=receipt.ref is not None and (claimed.parent is None or receipt.anew),
                ambiguous=copies > 1,
                cleared=True,
                asked=False,
            )
        case Later(at, why):
            return Outcome(sent=False, how="waiting", retry_at=at, words=why, asked=False)
        case _:
            return None


def _too_late(now: datetime) -> Outcome:
    return Outcome(
        sent=False, how="waiting", retry_at=now, words="The worker was asleep; nothing was sent.", asked=False
    )


def _unclear(finding: Finding) -> str:
    return finding.why if isinstance(finding, CannotTell) else ""


def outbound(hub: Hub, claimed: Claimed) -> Outbound:
    """Give a frozen message the shapes that its channel may need; each takes longer to make than to store."""
    delivery, frozen = claimed.delivery, claimed.delivery.payload
    hub = hub.at(frozen[PAGE]) if PAGE in frozen else hub
    if (channel := channel_of(delivery.lane)) in shapes.PLAIN:
        return shapes.plain(hub, claimed)
    mail, chat = channel != "slack", channel != "email"
    buttons = tuple(Button(**button) for button in frozen["buttons"])
    rendered = Rendered(subject=frozen["subject"], body=frozen["body"], slack=frozen["slack"], buttons=buttons)
    rendered = _with_remarks(hub, claimed, rendered)
    token = frozen.get("unsubscribe")
    unsubscribe = f"{hub.front}/subscriptions/{token}" if token else None
    look = hub.look
    footer = Footer(
        page=hub.page.name,
        page_url=hub.page.url,
        why=frozen.get("why", "you asked for news"),
        answer_url=frozen.get("answer_url"),
        unsubscribe_url=unsubscribe,
        language=frozen.get("locale", hub.page.main),
        logo_url=f"{hub.page.url}/static/{look.mailed}" if look.mailed else None,
        color=look.color,
    )
    return Outbound(
        key=f"{delivery.key}@{hub.tokens.key_id}",  # two hubs may share a sender or a workspace
        to=frozen["to"],
        subject=rendered.subject,
        text=markdown.to_email_text(hub.configuration.templates, rendered, footer) if mail else "",
        html=markdown.to_email(hub.configuration.templates, rendered, footer) if mail else "",
        slack=markdown.to_slack(rendered.slack or rendered.body) if chat else "",
        buttons=buttons,
        conversation=delivery.conversation,
        parent=claimed.parent or claimed.under,
        edit=bool(frozen.get("edit") and claimed.parent),
        broadcast=frozen.get("broadcast", False),
        promise=frozen.get("promise", ""),
        unsubscribe_url=unsubscribe,
        sender=hub.page.sender,
        reply_to=_reply_to(hub, claimed) if mail else None,
        arguments={
            **frozen.get("arguments", {}),
            "delivery": str(delivery.id),
            "moment": delivery.moment,
            "hub": hub.tokens.key_id,
        },
    )


def _reply_to(hub: Hub, claimed: Claimed) -> str | None:
    """Return where an answer goes: to the thread that the mail is of, or with news to a thread that it opens."""
    delivery = claimed.delivery
    token = delivery.payload.get("reply")
    if token is None and delivery.audience == Audience.CUSTOMERS and delivery.incident_id and not delivery.thread_id:
        token = REPLY
    return hub.mailbox.plus(token) if hub.mailbox and token else None


def _with_remarks(hub: Hub, claimed: Claimed, rendered: Rendered) -> Rendered:
    """Say above the words what the reader must know about their way here."""
    line, remarks = hub.configuration.templates.line, list[str]()
    locale = claimed.delivery.payload.get("locale", hub.page.main)
    if claimed.delivery.requeued_at is not None:
        remarks.append(line("_late.txt", locale, written=claimed.delivery.created_at))
    if claimed.alone and not (claimed.parent and claimed.delivery.payload.get("edit")):
        remarks.append(line("_alone.txt", locale))
    if not remarks:
        return rendered
    above = "\n\n".join([*remarks, ""])
    return replace(rendered, body=above + rendered.body, slack=rendered.slack and above + rendered.slack)


def hidden(lane: str) -> str:
    """Keep customers' addresses out of the log."""
    return lane if channel_of(lane) != "email" or "@" not in lane else f"email:*@{lane.rpartition('@')[2]}"
