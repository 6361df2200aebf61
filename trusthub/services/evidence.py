"""The evidence of one incident as JSON lines, each with the hash of the one before.

So no line can be changed, moved or left out without its being seen. A missing end shows to who keeps the last hash too.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.services.acts import StaffError
from trusthub.store.tables import (
    Approval,
    Attempt,
    Audit,
    AuditChange,
    Delivery,
    Incident,
    Promise,
    Recipient,
    Row,
    Update,
    UpdateText,
)

_START = "0" * 64


def write(session: Session, public_id: str) -> str:
    """Return the evidence file of an incident. Raises StaffError when there is no such incident."""
    row = session.execute(select(Incident).where(col(Incident.public_id) == public_id)).scalar()
    if row is None:
        raise StaffError("There is no such incident.")
    return "".join(f"{line}\n" for line in _chained(_records(session, row)))


def verify(text: str) -> tuple[int, str]:
    """Return how many lines a file has, and its last hash. Raises StaffError naming the first line that is not so."""
    before, count = _START, 0
    for count, line in enumerate(text.splitlines(), 1):
        try:
            record = json.loads(line)
            said = record.pop("hash")
        except (ValueError, KeyError, AttributeError) as error:
            raise StaffError(f"Line {count} is no line of evidence.") from error
        if record.get("n") != count or record.get("previous") != before or _hash(record) != said:
            raise StaffError(f"Line {count} is not as it was written, or a line before it is missing.")
        before = said
    if not count:
        raise StaffError("The file is empty.")
    return count, before


def _chained(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    before = _START
    for number, record in enumerate(records, 1):
        whole = {"n": number, "previous": before, **record}
        before = _hash(whole)
        yield _text({**whole, "hash": before})


def _records(session: Session, incident: Incident) -> list[dict[str, Any]]:
    """Return all that is known, in the order in which it happened."""
    found = [_record("incident", incident.created_at, incident)]
    for table, kind in ((Approval, "asked"), (Promise, "promised")):
        rows = session.execute(select(table).where(col(table.incident_id) == incident.id)).scalars()
        found += [_record(kind, row.asked_at if isinstance(row, Approval) else row.created_at, row) for row in rows]
    for update in session.execute(select(Update).where(col(Update.incident_id) == incident.id)).scalars():
        texts = session.execute(select(UpdateText).where(col(UpdateText.update_id) == update.id)).scalars()
        words = {text.locale: {"subject": text.subject, "body": text.body} for text in texts}
        found.append(_record("published", update.created_at, update, words=words))
    for act in session.execute(select(Audit).where(col(Audit.subject) == f"incident:{incident.public_id}")).scalars():
        changes = session.execute(select(AuditChange).where(col(AuditChange.audit_id) == act.id)).scalars()
        found.append(_record("decided", act.at, act, changes=[change.model_dump(mode="json") for change in changes]))
    # what went to a single customer is theirs: their address, and a link that opens their thread
    mine = (col(Delivery.incident_id) == incident.id, col(Delivery.thread_id).is_(None))
    for delivery in session.execute(select(Delivery).where(*mine)).scalars():
        found += _delivered(session, delivery)
    return sorted(found, key=lambda record: record["at"])


def _delivered(session: Session, delivery: Delivery) -> list[dict[str, Any]]:
    sent = _record("sent", delivery.created_at, delivery)
    tries = session.execute(select(Attempt).where(col(Attempt.delivery_id) == delivery.id)).scalars()
    readers = session.execute(select(Recipient).where(col(Recipient.delivery_id) == delivery.id)).scalars()
    fates = [_record("recipient", row.at or delivery.created_at, row) for row in readers]
    return [sent, *(_record("attempt", row.ended_at or row.started_at, row) for row in tries), *fates]


def _record(kind: str, at: datetime, row: Row, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "at": at.isoformat(), "row": row.model_dump(mode="json"), **more}


def _hash(record: dict[str, Any]) -> str:
    return hashlib.sha256(_text(record).encode()).hexdigest()


def _text(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
