"""How several colleagues work on one thread: whose it is, what they note for each other, who has it open."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from trusthub.domain.role import Role, effective
from trusthub.services import saved, staff
from trusthub.services.acts import Act, StaffError, audit_row
from trusthub.services.desk_views import NoteView, WorkView
from trusthub.services.hub import Hub
from trusthub.store.tables import Thread, ThreadMessage, ThreadNote, ThreadPresence, User

FRESH = timedelta(seconds=30)
"""For how long a sign of life counts: three of the browser's, which come every ten seconds."""


def view(session: Session, hub: Hub, public_id: str, me: int, now: datetime) -> WorkView | None:
    """Return what `me` should know of a thread besides what was said in it."""
    thread = session.execute(select(Thread).where(col(Thread.public_id) == public_id)).scalar()
    if thread is None:
        return None
    notes = select(ThreadNote).where(col(ThreadNote.thread_id) == thread.id).order_by(col(ThreadNote.id))
    newest = select(func.max(col(ThreadMessage.id))).where(col(ThreadMessage.thread_id) == thread.id)
    return WorkView(
        newest=session.execute(newest).scalar() or 0,
        assignee=thread.assignee_id,
        colleagues=_colleagues(session),
        notes=tuple(
            NoteView(author=each.author, words=each.body, at=each.created_at)
            for each in session.execute(notes).scalars()
        ),
        others=_others(session, thread.id, me, now),
        saved=saved.choices(hub, thread),
        routed=thread.routed,
        named=hub.configuration.site.roles.holders(thread.routed),
    )


def saved_words(session: Session, hub: Hub, public_id: str, name: str) -> str:
    """Return a saved answer, filled for a thread; empty when there is none of that name."""
    thread = session.execute(select(Thread).where(col(Thread.public_id) == public_id)).scalar()
    return saved.fill(session, hub, thread, name) if thread else ""


def assign(hub: Hub, public_id: str, act: Act, to: int | None) -> str:
    """Give a thread to a colleague, or back to everybody; return whose it is now."""
    with hub.database.transaction(quiet=True) as session:
        thread, known = staff.thread(session, public_id), dict(_colleagues(session))
        if to is not None and to not in known:
            raise StaffError("Choose somebody who works here and may answer.")
        name = known[to] if to is not None else "nobody"
        audit_row(session, act, "assign", f"thread:{public_id}", name)
        thread.assignee_id = to
    return name


def note(hub: Hub, public_id: str, act: Act, words: str) -> None:
    """Keep a note for colleagues."""
    with hub.database.transaction(quiet=True) as session:
        thread = staff.thread(session, public_id)
        audit_row(session, act, "note", f"thread:{public_id}")
        session.add(ThreadNote(thread_id=thread.id, author=act.actor, body=words, created_at=act.now))


def here(hub: Hub, public_id: str, me: int, now: datetime, *, writing: bool) -> tuple[tuple[str, bool], ...]:
    """Keep that `me` has a thread open; return who else has, and whether they write."""
    with hub.database.transaction(quiet=True) as session:
        thread_id = session.execute(select(col(Thread.id)).where(col(Thread.public_id) == public_id)).scalar()
        if thread_id is None:
            return ()
        session.execute(delete(ThreadPresence).where(col(ThreadPresence.seen_at) < now - FRESH))
        session.merge(ThreadPresence(thread_id=thread_id, staff_id=me, writing=writing, seen_at=now))
        return _others(session, thread_id, me, now)


def _others(session: Session, thread_id: int, me: int, now: datetime) -> tuple[tuple[str, bool], ...]:
    fresh = (col(ThreadPresence.thread_id) == thread_id, col(ThreadPresence.seen_at) >= now - FRESH)
    found = (
        select(col(User.name), col(ThreadPresence.writing))
        .join(User, col(User.id) == ThreadPresence.staff_id)
        .where(*fresh, col(ThreadPresence.staff_id) != me)
        .order_by(col(User.name))
    )
    return tuple((name, writing) for name, writing in session.execute(found))


def _colleagues(session: Session) -> tuple[tuple[int, str], ...]:
    rows = session.execute(select(User).where(col(User.active).is_(True)).order_by(col(User.name))).scalars()
    return tuple((each.id, each.name) for each in rows if Role.SUPPORT in effective(each.roles))
