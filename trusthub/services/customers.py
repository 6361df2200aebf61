"""What the hub keeps about a customer, by their address: all of it for them to read, or erased.

Erasing keeps the rows, so that counts stay what they were, and takes out who it was and what they wrote. A suppression
stays: without the address, mail that they asked us not to send would go out again.
"""

import json
import re
from typing import Any

from sqlalchemy import Text, cast, delete, false, func, select
from sqlmodel import Session, col

from trusthub.services import files
from trusthub.services.acts import Act, StaffError, audit_row
from trusthub.services.hub import Hub
from trusthub.store.tables import (
    Affected,
    Delivery,
    Event,
    InboundMail,
    Incident,
    Person,
    Recipient,
    Row,
    Sandbox,
    SlackMessage,
    Subscriber,
    Thread,
    ThreadMessage,
    ThreadNote,
)

ERASED = "(erased)"


def export(hub: Hub, address: str, act: Act) -> dict[str, list[dict[str, Any]]]:
    """Return every row about an address, by table. Raises StaffError when there is none."""
    with hub.database.transaction(quiet=True) as session:
        found = _found(session, address)
        audit_row(session, act, "export customer", _subject(found))
        hidden = {"network", "headers"}  # and of what is not to or from them, only that it is there
        others = {"mention": {"payload"}, "event": {"body"}, "sandbox": {"payload"}}
        return {
            table: [row.model_dump(mode="json", exclude=hidden | others.get(table, set())) for row in rows]
            for table, rows in found.items()
        }


def erase(hub: Hub, address: str, act: Act) -> dict[str, int]:
    """Take an address out of every row; return how many rows of each table. Raises StaffError when it may not be."""
    with hub.database.transaction(quiet=True) as session:
        found = _found(session, address)
        _may(session, found)
        audit_row(session, act, "erase customer", _subject(found))
        for person in found["person"]:
            person.name = person.email = None
        for affected in found["affected"]:
            session.delete(affected)
        for thread in found["thread"]:
            thread.recorded_url = thread.external_system = thread.external_id = thread.external_url = None
            thread.network, thread.mail, thread.link_version = None, False, thread.link_version + 1
        threads = [thread.id for thread in found["thread"]]
        session.execute(
            delete(SlackMessage).where(col(SlackMessage.thread_id).in_(threads))
        )  # an edit would write anew
        for message in found["thread_message"]:
            message.body, message.author = ERASED, message.author if message.by != "customer" else None
        for note in found["thread_note"]:
            note.body = ERASED
        for subscriber in found["subscriber"]:
            subscriber.address, subscriber.stopped_at = f"erased:{subscriber.public_id}", act.now
        for recipient in found["recipient"]:
            recipient.address, recipient.reason = ERASED, ""
        for delivery in found["delivery"]:
            delivery.payload, delivery.last_error = {}, ""
            delivery.lane = _without(delivery.lane, address.strip())
            delivery.key = _without(delivery.key, address.strip(), f"(erased {delivery.id})")
        _forget_copies(session, hub, found, address.strip())
        return {table: len(rows) for table, rows in found.items()}


def _forget_copies(session: Session, hub: Hub, found: dict[str, list[Any]], address: str) -> None:
    """Take the address out of what tools sent, of messages to others and of the sandbox, and remove the files."""
    for event in found["event"]:
        event.headers, event.body, event.summary, event.error = {}, b"", ERASED, ""
    for delivery in found["mention"]:
        delivery.payload = _without(delivery.payload, address)
        delivery.lane, delivery.key = _without(delivery.lane, address), _without(delivery.key, address)
    for kept in found["sandbox"]:
        session.delete(kept)
    for message in found["thread_message"]:
        files.erase(session, hub, message.id)


def _found(session: Session, address: str) -> dict[str, list[Any]]:
    small = address.strip().lower()
    people = _all(session, Person, func.lower(col(Person.email)) == small)
    threads = _all(session, Thread, col(Thread.person_id).in_([row.id for row in people]))
    ids = [row.id for row in threads]
    theirs = select(col(InboundMail.message_id)).where(col(InboundMail.person_id).in_([row.id for row in people]))
    mailed = col(ThreadMessage.id).in_(theirs)  # what they wrote into somebody else's thread
    mine = func.coalesce(col(Delivery.thread_id).in_(ids), false())
    found = {
        "person": people,
        "thread": threads,
        "thread_message": _all(session, ThreadMessage, col(ThreadMessage.thread_id).in_(ids) | mailed),
        "affected": _all(session, Affected, col(Affected.person_id).in_([row.id for row in people])),
        "thread_note": _all(session, ThreadNote, col(ThreadNote.thread_id).in_(ids)),
        "subscriber": _all(session, Subscriber, func.lower(col(Subscriber.address)) == small),
        "recipient": _all(session, Recipient, func.lower(col(Recipient.address)) == small),
        "delivery": _all(session, Delivery, mine),
        "mention": _all(session, Delivery, ~mine & _holds(Delivery.payload, small)),
        "event": _all(session, Event, _bytes_hold(session, small)),
        "sandbox": _all(session, Sandbox, _holds(Sandbox.payload, small)),
    }
    if not any(found.values()):
        raise StaffError("Nothing is kept about this address.")
    return found


def _holds(column: Any, address: str) -> Any:
    """Whether a document has the address in it, as a string of its own or inside one."""
    return func.lower(cast(column, Text)).contains(address, autoescape=True)


def _bytes_hold(session: Session, address: str) -> Any:
    """Whether what a tool sent has the address in it; bytes that are no text are no obstacle."""
    here = session.get_bind().dialect.name == "sqlite"
    text = cast(Event.body, Text) if here else func.encode(col(Event.body), "escape")
    return func.lower(text).contains(address, autoescape=True)


def _without(document: Any, address: str, mark: str = ERASED) -> Any:
    return json.loads(re.sub(re.escape(address), mark, json.dumps(document), flags=re.IGNORECASE))


def _all(session: Session, table: type[Row], where: Any) -> list[Any]:
    return list(session.execute(select(table).where(where)).scalars())


def _may(session: Session, found: dict[str, list[Any]]) -> None:
    """Raise StaffError while an incident is on legal hold, or something is on its way to them."""
    sent = [row.delivery_id for row in found["recipient"]]
    of_mail = select(col(Delivery.incident_id)).where(col(Delivery.id).in_(sent))
    ids = [row.incident_id for row in found["thread"]] + list(session.execute(of_mail).scalars())
    held = (col(Incident.id).in_(ids), col(Incident.legal_hold_by).is_not(None))
    for incident in session.execute(select(Incident).where(*held).order_by(col(Incident.id))).scalars():
        by = f"{incident.legal_hold_by} put the incident {incident.public_id} on legal hold"
        raise StaffError(f"{by}, so nothing is erased. Somebody with the role legal can release it.")
    if any(row.state == "pending" for row in (*found["delivery"], *found["mention"], *found["recipient"])):
        raise StaffError("A message to them is on its way. Please try again in a few minutes.")


def _subject(found: dict[str, list[Any]]) -> str:
    """Name who it is without saying so: the log of an erasure must not keep what was erased."""
    kind = next(table for table, rows in found.items() if rows)
    return f"{kind}:{found[kind][0].id}"
