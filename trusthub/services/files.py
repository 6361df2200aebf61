"""What customers attach: bytes in a folder that no web server serves, each under the random name of its row."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain import attachment
from trusthub.domain.attachment import File, UnfitError
from trusthub.services.hub import Hub
from trusthub.store.tables import Attachment, ThreadMessage

TOO_MANY = "At most 3 files at a time."


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """One file beside the message that it came with."""

    public_id: str
    name: str
    size: int

    @property
    def kilobytes(self) -> int:
        """Rounded up."""
        return -(-self.size // 1024)


def taken(given: Iterable[tuple[str, bytes]]) -> tuple[list[File], list[str]]:
    """Return what we take of a mail's files, and why we do not take the others, in English. None is refused aloud."""
    fit, why = list[File](), list[str]()
    for name, data in given:
        if len(fit) == attachment.MOST:
            why.append(TOO_MANY)
            continue
        try:
            fit.append(attachment.accept(name, data))
        except UnfitError as error:
            why.append(str(error))
    return fit, why


def keep(session: Session, hub: Hub, message: ThreadMessage, files: Iterable[File], now: datetime) -> None:
    """Store files with a message. Where no folder is configured, they are left out."""
    if hub.files is None:
        return
    for file in files:
        row = Attachment(message_id=message.id, name=file.name, kind=file.kind, size=len(file.data), created_at=now)
        session.add(row)
        session.flush()
        hub.files.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = hub.files / row.public_id
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            target.write(file.data)
            target.flush()
            os.fsync(target.fileno())


def of_message(session: Session, message_id: int) -> tuple[FileView, ...]:
    """Return the files that came with a message."""
    found = select(Attachment).where(col(Attachment.message_id) == message_id).order_by(col(Attachment.id))
    return tuple(
        FileView(public_id=row.public_id, name=row.name, size=row.size) for row in session.execute(found).scalars()
    )


def find(
    session: Session, hub: Hub, thread_id: int, public_id: str, *, staff: bool = False
) -> tuple[Attachment, Path] | None:
    """Return a file of this thread; None when there is none. What a stranger sent is for staff only."""
    mine = (col(Attachment.public_id) == public_id, col(ThreadMessage.thread_id) == thread_id)
    found = select(Attachment).join(ThreadMessage, col(ThreadMessage.id) == col(Attachment.message_id)).where(*mine)
    row = session.execute(found if staff else found.where(col(ThreadMessage.held).is_(False))).scalar()
    path = hub.files / row.public_id if row and hub.files else None
    return (row, path) if row and path and path.is_file() else None


def erase(session: Session, hub: Hub, message_id: int) -> None:
    """Remove the files that came with a message: rows and bytes."""
    for row in session.execute(select(Attachment).where(col(Attachment.message_id) == message_id)).scalars():
        if hub.files is not None:
            (hub.files / row.public_id).unlink(missing_ok=True)
        session.delete(row)
