"""One customer's conversation, as its two sides read it."""

from datetime import datetime

from markupsafe import Markup
from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain.promise import Kind, Standing
from trusthub.rendering import markdown
from trusthub.services import feedback, files, topic
from trusthub.services.hub import Hub
from trusthub.services.views import MessageView, ThreadView
from trusthub.store.tables import InboundMail, Person, Promise, Thread, ThreadMessage


def thread(session: Session, hub: Hub, row: Thread, *, customer: bool = False) -> ThreadView:
    """Return one thread with its messages, oldest first.

    Its customer reads it in their language, and without what strangers wrote.
    """
    person = session.get_one(Person, row.person_id)
    name, url = topic.name_and_url(session, hub, row, feedback.language(hub, row) if customer else hub.page.main)
    said = select(ThreadMessage).where(col(ThreadMessage.thread_id) == row.id).order_by(col(ThreadMessage.id))
    if customer:
        said = said.where(col(ThreadMessage.held).is_(False))
    unnamed = "Customer"
    if customer:
        unnamed = hub.configuration.templates.locale(feedback.language(hub, row)).said(unnamed).unescape()
    return ThreadView(
        id=row.id,
        public_id=row.public_id,
        state=row.state,
        customer=person.name or "A customer",
        contact="by email" if person.email and row.mail else "on their private page only",
        incident_name=name,
        incident_url=url,
        opened_at=row.created_at,
        updated_at=row.updated_at,
        waiting_since=row.waiting_since,
        messages=tuple(_message(session, hub, each, person, unnamed) for each in session.execute(said).scalars()),
        wants_rollback=row.wants_rollback,
        verified=row.verified_at is not None,
        confirmed_by=row.confirmed_by,
        locale=row.locale,
        on_incident=row.incident_id is not None,
        pain=row.pain,
        fixed=row.fixed,
        rating=row.rating,
        next_update=_next_update(session, row),
        recorded_by=row.recorded_by,
        recorded_url=row.recorded_url,
        by_mail=hub.mailbox is not None and bool(person.email) and row.mail,
    )


def _next_update(session: Session, row: Thread) -> datetime | None:
    mine = (col(Promise.incident_id) == row.incident_id, col(Promise.kind) == Kind.NEXT_UPDATE)
    found = select(col(Promise.due)).where(*mine, col(Promise.standing) == Standing.PENDING)
    return session.execute(found).scalars().first()


def _message(session: Session, hub: Hub, row: ThreadMessage, person: Person, unnamed: str) -> MessageView:
    mail = None
    if row.via == "mail":
        mail = session.execute(select(InboundMail).where(col(InboundMail.message_id) == row.id)).scalar()
    wrote = session.get(Person, mail.person_id) if mail and mail.person_id else person
    name = (wrote or person).name or unnamed
    author = {"customer": name, "staff": row.author or hub.page.name}.get(row.by, hub.page.name)
    return MessageView(
        id=row.id,
        by=row.by,
        author=author,
        html=markdown.to_html(row.body) if row.by == "hub" else _paragraphs(row.body),
        at=row.created_at,
        via=row.via,
        edited_at=row.edited_at,
        withdrawn_at=row.withdrawn_at,
        files=files.of_message(session, row.id),
        stranger=(wrote.email or "unknown") if row.held and wrote else "",
        verdict=f"SPF {mail.spf or 'not told'}, DKIM {mail.dkim.strip('{}') or 'not told'}" if mail else "",
    )


def _paragraphs(text: str) -> Markup:
    """Turn what somebody typed into HTML that says exactly that."""
    parts = [part for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
    return Markup().join(Markup("<p>{}</p>").format(Markup("<br>").join(part.split("\n"))) for part in parts)
