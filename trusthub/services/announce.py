"""From a moment to deliveries: which audience hears which message, where, and in which shape."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.channels.base import PERSONAL
from trusthub.domain.destination import Destination
from trusthub.domain.incident import Impact
from trusthub.domain.message import Audience, Button, Moment, Rendered
from trusthub.domain.playbook import Playbook, Told
from trusthub.services import contract, recipients, subscribe, tracing
from trusthub.services.facts import Facts
from trusthub.services.hub import Hub
from trusthub.services.language import in_language
from trusthub.services.recipients import News
from trusthub.store import outbox
from trusthub.store.tables import Delivery

QUIET = frozenset({Moment.ROLLOUT_PROGRESSED, Moment.ROLLOUT_PAUSED, Moment.ROLLOUT_COMPLAINTS})
"""Progress: shown by editing the first message, where a channel can edit, and not repeated anywhere else."""
LOUD = frozenset(
    {Moment.ROLLOUT_FAILED, Moment.ROLLBACK_STARTED, Moment.PROMISE_DUE_SOON, Moment.PROMISE_MISSED}
    | {Moment.APPROVAL_ASKED, Moment.MAINTENANCE_OVERRUN, Moment.WORDS_HELD, Moment.ROLLBACK_PROPOSED}
)
"""News that must not stay hidden inside a thread."""
CARDS = frozenset({Moment.APPROVAL_ASKED, Moment.APPROVAL_DECIDED, Moment.ROLLBACK_PROPOSED, Moment.ROLLBACK_DECIDED})
"""A question with its answer: the first message always shows how it stands, with all that can be pressed."""
Texts = Mapping[str, Mapping[str, str]]
"""`subject` and `body` (Markdown) by language."""
PAGE = "page"
"""Where a message keeps the key of its page, when that is not the first: links, name and sender are the page's."""
ASIDE = frozenset({Moment.PROMISE_DUE_SOON, Moment.WORDS_HELD})
"""What is no news of the incident: the first message does not begin with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One moment, ready to be told."""

    moment: Moment
    playbook: Playbook
    facts: Facts
    conversation: str
    under: str = ""
    """The conversation whose first message this one stands below, where a channel has threads."""
    cause: str
    """Names what led to it (`event:12`, `timer:3`, ...), so that the same cause never tells anybody twice."""
    now: datetime
    customers: bool = False
    """Whether the customers' audience hears it too."""
    impact: Impact | None = None
    """How bad it is, or would be; None where nothing is wrong or nobody can say."""
    news: News | None = None
    """The update that it is. Subscribers of the page hear updates."""
    pages: tuple[tuple[Hub, "Telling"], ...] = ()
    """The same as each of several pages tells its subscribers."""
    edited: Texts = field(default_factory=dict)
    """What a person wrote instead, by language; customers read it, and who reads what they read."""
    buttons: tuple[Button, ...] = ()
    also: Sequence[str] = ()
    """Mail addresses of colleagues who read what staff read, whether or not an audience has them."""
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
        same = told.message == telling.playbook.message(telling.moment, Audience.CUSTOMERS)
        rendered = word(hub, told.message, telling.facts, audience, edited=telling.edited if same else None)
        for destination in hub.configuration.site.audiences[audience]:
            if loud or destination.page:  # the page shows every update; a condition says who is disturbed
                deliveries += _deliveries(session, hub, telling, audience, destination, rendered)
            if loud and destination.page and telling.customers:
                for page, mine in telling.pages or ((hub, telling),):
                    _subscribers(session, page, mine, told.message)
        for address in () if audience.public else telling.also:
            place = Destination(email=address)
            if all(each.lane != place.lane for each in deliveries):
                deliveries += _deliveries(session, hub, telling, audience, place, rendered)
    _enqueue(session, deliveries, telling.now)


def _applies(told: Told, telling: Telling) -> bool:
    facts = telling.facts
    return told.when.holds(exposure=facts["exposure"], peak=facts["peak"], impact=telling.impact)


def word(
    hub: Hub,
    message: str,
    facts: Facts,
    audience: Audience,
    *,
    locale: str = "",
    zone: str = "UTC",
    edited: Texts | None = None,
) -> Rendered:
    """Render a message for an audience; customers' messages get public facts only.

    Without a `locale` it is in the page's own language. Times are said in `zone`, an IANA name. What a person `edited`
    stands as it is.
    """
    code = locale or hub.page.main
    if words := (edited or {}).get(code):
        return Rendered(subject=words["subject"], body=words["body"])
    render, said = hub.configuration.templates.render, in_language(hub, facts, code)
    return render(message, said, public=audience.public, locale=code, zone=zone)


def customers_words(hub: Hub, playbook: Playbook, moment: Moment, facts: Facts, *, locale: str) -> Rendered | None:
    """Return what customers read at a moment, or None when the playbook tells them nothing then."""
    message = playbook.message(moment, Audience.CUSTOMERS)
    return word(hub, message, facts, Audience.CUSTOMERS, locale=locale) if message else None


def mail(
    session: Session, hub: Hub, telling: Telling, *, address: str, token: str, locale: str, reply: str = ""
) -> None:
    """Word the moment for one customer in their language and mail it, if the playbook has words for it.

    `token` opens the page that stops such mail; `reply` says in the address to answer to which thread it is.
    """
    message = telling.playbook.message(telling.moment, Audience.CUSTOMERS)
    rendered = message and word(hub, message, telling.facts, Audience.CUSTOMERS, locale=locale, edited=telling.edited)
    if not rendered:
        return
    about = in_language(hub, telling.facts, locale)["component"]
    around = {"locale": locale, "why": _why(hub, locale, "customer", about), "unsubscribe": token, **_page(hub)}
    content = payload(rendered, address, **around, reply=reply, answer_url=telling.facts["thread_url"])
    _enqueue(session, [_delivery(telling, Audience.CUSTOMERS, f"email:{address}", content)], telling.now)


def mail_asked(
    session: Session,
    hub: Hub,
    telling: Telling,
    *,
    address: str,
    locale: str,
    zone: str,
    token: str = "",
    reader: str = "asked",
) -> None:
    """Word the moment for whoever has an address that was given as theirs, and mail it.

    `token` stops such mail; it is empty where there is none to stop. `reader` is why they get it, for `why.txt`.
    """
    message = telling.playbook.message(telling.moment, Audience.CUSTOMERS)
    if message is None:
        return
    rendered = word(hub, message, telling.facts, Audience.CUSTOMERS, locale=locale, zone=zone)
    about = in_language(hub, telling.facts, locale)["component"]
    why = _why(hub, locale, "subscriber" if token else reader, about)
    content = payload(rendered, address, locale=locale, why=why, unsubscribe=token, **_page(hub))
    _enqueue(session, [_delivery(telling, Audience.CUSTOMERS, f"email:{address}", content)], telling.now)


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


def _subscribers(session: Session, hub: Hub, telling: Telling, message: str) -> None:
    """Put one delivery for each batch of a page's subscribers into the outbox, and write down who is in it."""
    if (news := telling.news) is None:
        return
    batches, worded = [], dict[tuple[str, str], Rendered]()
    for slot in recipients.slots(session, news):
        place = locale, zone = hub.page.nearest(slot.locale), slot.zone or "UTC"
        if place not in worded:
            worded[place] = word(
                hub, message, telling.facts, Audience.CUSTOMERS, locale=locale, zone=zone, edited=telling.edited
            )
        readers = f"{slot.count:,} subscriber{'s' if slot.count > 1 else ''}"
        around = {"locale": locale, "why": _why(hub, locale, "subscriber"), "unsubscribe": PERSONAL, **_page(hub)}
        batches.append(
            _delivery(telling, Audience.CUSTOMERS, slot.lane, payload(worded[place], readers, **around), key=slot.key)
        )
    if batches:
        outbox.enqueue(session, batches, telling.now)
        recipients.freeze(session, news)


def _page(hub: Hub) -> dict[str, str]:
    return {} if hub.first else {PAGE: hub.page.key}


def _why(hub: Hub, locale: str, reader: str, about: object = "") -> str:
    """Say why somebody gets a mail, for the words below it."""
    return hub.configuration.templates.line("why.txt", locale, reader=reader, page=hub.page.name, about=about)


def _deliveries(
    session: Session, hub: Hub, telling: Telling, audience: Audience, destination: Destination, rendered: Rendered
) -> Iterator[Delivery]:
    lane = destination.lane
    channel, _, to = lane.partition(":")
    buttons = () if audience.public else telling.buttons
    words = Rendered(subject=rendered.subject, body=rendered.body, slack=rendered.slack, buttons=buttons)
    due = telling.facts.get("next_update")
    speech = hub.configuration.templates.locale(hub.page.main).speech
    content = payload(words, to, locale=hub.page.main, promise=speech.clock(due) if due else "")
    content |= {"under": telling.under} if telling.under else {}
    made = partial(_delivery, telling, audience, lane)
    if channel == "page":
        if telling.customers:
            yield made(content)
    elif channel == "email":
        if telling.moment not in QUIET and not subscribe.suppressed(session, to):
            around = {"why": _why(hub, hub.page.main, audience), "unsubscribe": subscribe.mailbox_token(hub, to)}
            yield made({**content, **around})
    elif channel != "slack":
        if telling.moment not in QUIET:
            facts = {"data": contract.data(session, hub, telling, audience)} if channel == "webhook" else {}
            yield made({**content, **facts})
    else:
        yield from _in_slack(telling, made, content, begun=_begun(session, lane, telling.conversation))


def _in_slack(
    telling: Telling, made: Callable[..., Delivery], content: dict[str, Any], *, begun: bool
) -> Iterator[Delivery]:
    """Edit the first message of the conversation, add one below it, or both; `begun` says whether there is one."""
    loud = telling.moment in LOUD
    if telling.moment in QUIET:  # without a first message to edit, it becomes that
        yield made({**content, "edit": True}, part="edit")
    elif not begun:
        yield made(content)
    elif telling.moment in CARDS:
        yield made({**content, "edit": True}, part="edit")
        yield made({**_headline(content), "broadcast": loud})
    else:
        if telling.moment not in ASIDE:
            yield made({**_headline(content), "edit": True}, part="edit")
        yield made({**content, "broadcast": loud})


def _headline(content: dict[str, Any]) -> dict[str, Any]:
    """Keep the first paragraph: the thread below has the rest."""
    words = content["slack"] or content["body"]
    return {**content, "body": words.strip().split("\n\n")[0], "slack": None, "buttons": []}


def _delivery(
    telling: Telling,
    audience: Audience,
    lane: str,
    content: dict[str, Any],
    *,
    part: str = "post",
    key: str | None = None,
) -> Delivery:
    return Delivery(
        lane=lane,
        key=key or f"{telling.cause}/{telling.moment}/{lane}/{part}",
        moment=telling.moment,
        audience=audience,
        update_id=telling.news.id if telling.news else None,
        conversation=telling.conversation,
        payload=tracing.carrying(content),
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
