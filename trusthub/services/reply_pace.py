"""How long first answers took lately, and how long the one who waits longest has waited."""

from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from trusthub.domain.reply_time import LATELY, ReplyTime, reply_time
from trusthub.store.tables import Thread, ThreadMessage


def now_likely(session: Session, now: datetime) -> ReplyTime | None:
    """Return what can be told to somebody who writes now; None when nothing honest can."""
    staff = (col(ThreadMessage.by) == "staff", col(ThreadMessage.thread_id) == col(Thread.id))
    first = select(func.min(col(ThreadMessage.created_at))).where(*staff).correlate(Thread).scalar_subquery()
    lately = select(col(Thread.created_at), first.label("first")).where(col(Thread.created_at) >= now - LATELY)
    rows = session.execute(lately).all()
    waiting = select(func.min(col(Thread.created_at))).where(col(Thread.state) == "open", first.is_(None))
    oldest = session.execute(waiting).scalar()
    took = [answered - asked for asked, answered in rows if answered is not None]
    return reply_time(took, now - oldest if oldest else None)
