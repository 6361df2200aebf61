"""The Slack thread below a customer's conversation: what is marked goes to the customer, all else stays inside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from trusthub.domain import slack_words
from trusthub.domain.role import Role
from trusthub.domain.slack_words import MARK
from trusthub.errors import WordingError
from trusthub.services import accounts, acts, staff
from trusthub.services.acts import Act, StaffError
from trusthub.services.admitting import admit
from trusthub.services.feedback import LONGEST
from trusthub.services.hub import Hub
from trusthub.services.wording import UnfitError
from trusthub.store.tables import Delivery, SlackMessage, Thread, ThreadMessage

Event = Mapping[str, Any]

INSIDE = (
    f"This stays among colleagues. What begins with `{MARK}` goes to the customer; so does a message of yours when you "
    "choose *Send to the customer* in its menu."
)
_NO_FILES = "Files cannot go to a customer from Slack. Nothing was sent. Write the answer in the console: {url}"
_EDITED = "The customer now reads the corrected words on their page, with the time. No second mail was sent."
_DELETED = "This had been sent to the customer already. Their page keeps it, and says that we took it back."


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Something to say in Slack, in a thread; to one `member` alone, where one is named."""

    channel: str
    thread: str
    text: str
    member: str = ""


@dataclass(frozen=True, slots=True)
class _Post:
    """A message of a colleague below a customer's thread."""

    channel: str
    ts: str
    root: str
    member: str
    text: str
    files: bool

    def whisper(self, text: str) -> Say:
        return Say(channel=self.channel, thread=self.root, text=text, member=self.member)

    def remark(self, text: str) -> Say:
        return Say(channel=self.channel, thread=self.root, text=text)


def take(session: Session, hub: Hub, event: Event, now: datetime) -> Sequence[Say]:
    """Work on one message event; return what to say about it.

    https://docs.slack.dev/reference/events/message
    """
    channel = str(event.get("channel") or "")
    match event.get("subtype"):
        case None | "file_share" | "thread_broadcast" if not event.get("bot_id"):
            return _said(session, hub, _post(channel, event), now)
        case "message_deleted":
            return _deleted(session, channel, str(event.get("deleted_ts")), event.get("previous_message") or {}, now)
        case "message_changed":
            message = event.get("message") or {}
            if message.get("subtype") == "tombstone":
                return _deleted(session, channel, str(message.get("ts")), event.get("previous_message") or {}, now)
            return _changed(session, hub, _post(channel, message), now)
    return ()


def send(hub: Hub, channel: str, message: Event, member: str, now: datetime) -> None:
    """Send a message of one's own to the customer, without a mark. Raises StaffError or WordingError."""
    post = _post(channel, message)
    with hub.database.transaction() as session:
        thread = _thread(session, channel, post.root) if post.root != post.ts else None
        if thread is None:
            raise StaffError("This is no answer in a customer's thread. Choose one below what a customer wrote.")
        if not member or post.member != member:
            raise StaffError("Only who wrote it can send it: the customer reads it under their name.")
        row = _row(session, channel, post.ts)
        if row is not None and row.fate in {"sent", "deleted"}:
            raise StaffError("The customer has it already.")
        _reply(session, hub, thread, row or _new(session, post, thread, now), post, now)


def _post(channel: str, message: Event) -> _Post:
    ts = str(message.get("ts") or "")
    return _Post(
        channel=channel,
        ts=ts,
        root=str(message.get("thread_ts") or ts),
        member="" if message.get("bot_id") else str(message.get("user") or ""),
        text=str(message.get("text") or ""),
        files=bool(message.get("files")),
    )


def _said(session: Session, hub: Hub, post: _Post, now: datetime) -> Sequence[Say]:
    if not post.member or post.root == post.ts or _row(session, post.channel, post.ts) is not None:
        return ()
    thread = _thread(session, post.channel, post.root)
    if thread is None:
        return ()
    known = (col(SlackMessage.thread_id) == thread.id, col(SlackMessage.fate) == "internal")
    told = session.execute(select(col(SlackMessage.id)).where(*known).limit(1)).first() is not None
    row = _new(session, post, thread, now)
    if slack_words.marked(post.text) is not None:
        return _tried(session, hub, thread, row, post, now)
    return () if told else (post.remark(INSIDE),)


def _tried(session: Session, hub: Hub, thread: Thread, row: SlackMessage, post: _Post, now: datetime) -> Sequence[Say]:
    """Send it; when that may not be, tell its author why, and nobody else."""
    try:
        with session.begin_nested():
            _reply(session, hub, thread, row, post, now)
    except (StaffError, WordingError) as error:
        row.fate = "refused"
        return (post.whisper(why(error)),)
    return (post.remark(sent(session, hub, thread)),)


def _reply(session: Session, hub: Hub, thread: Thread, row: SlackMessage, post: _Post, now: datetime) -> None:
    if post.files:
        raise StaffError(_NO_FILES.format(url=hub.console_url("threads", thread.public_id)))
    act, words = _act(session, hub, post, now), _words(post)
    row.message_id = staff.reply_in(session, hub, thread, act, words).id
    row.fate = "sent"


def _changed(session: Session, hub: Hub, post: _Post, now: datetime) -> Sequence[Say]:
    row = _row(session, post.channel, post.ts)
    if row is None or not post.member or post.member != row.member:
        return ()
    thread = session.get_one(Thread, row.thread_id)
    if row.fate != "sent" or row.message_id is None:
        marked = slack_words.marked(post.text) is not None
        return _tried(session, hub, thread, row, post, now) if marked and row.fate != "deleted" else ()
    message = session.get_one(ThreadMessage, row.message_id)
    try:
        words = _words(post)
        if words == message.body:
            return ()  # Slack reports previews of links as changes, too
        act = _act(session, hub, post, now)
        admit(session, hub, act, [{thread.locale: words}], "reply", f"thread:{thread.public_id}")
    except (StaffError, WordingError) as error:
        return (post.whisper(f"The customer still reads what you wrote before. {why(error)}"),)
    acts.audit_row(session, act, "edit reply", f"thread:{thread.public_id}")
    message.body, message.edited_at = words, now
    return (post.remark(_EDITED),)


def _deleted(session: Session, channel: str, ts: str, before: Event, now: datetime) -> Sequence[Say]:
    row = _row(session, channel, ts)
    if row is None or row.fate == "deleted":
        return ()
    was, row.fate = row.fate, "deleted"
    if was != "sent" or row.message_id is None:
        return ()
    thread = session.get_one(Thread, row.thread_id)
    session.get_one(ThreadMessage, row.message_id).withdrawn_at = now
    act = Act(actor=f"{row.member} (Slack)", now=now, where="Slack", member=row.member)
    acts.audit_row(session, act, "delete reply", f"thread:{thread.public_id}")
    root = str(before.get("thread_ts") or "")
    return (Say(channel=channel, thread=root, text=_DELETED),) if root else ()


def why(error: Exception) -> str:
    """Say what stands in the way, with words to write instead where the linter has some."""
    text = str(error)
    if isinstance(error, UnfitError):
        found = [each for each in error.verdict.errors if each.rewrite]
        text = " ".join([text, *(f"Instead of “{each.quote}”: {each.rewrite}" for each in found)])
    return f"{text.replace('This was not published.', 'This was not sent to the customer.')}"


def sent(session: Session, hub: Hub, thread: Thread) -> str:
    """Say where the customer reads an answer; their address stays out of Slack."""
    return f"Sent to the customer, {staff.reached(session, thread)}. {hub.console_url('threads', thread.public_id)}"


def _act(session: Session, hub: Hub, post: _Post, now: datetime) -> Act:
    known = accounts.of_member(session, hub, post.member)
    if known is None:
        raise StaffError(
            f"We do not know who you are, so this was not sent to the customer. An admin can say it: "
            f"`trusthub user slack YOUR-ADDRESS {post.member}`."
        )
    if Role.SUPPORT not in known.roles:
        raise StaffError("This was not sent to the customer: answering needs the role support, and you do not have it.")
    return Act(actor=known.name or hub.page.name, now=now, email=known.email, where="Slack", member=post.member)


def _words(post: _Post) -> str:
    try:
        words = slack_words.plain(slack_words.unmarked(post.text))
    except ValueError as error:
        raise StaffError(f"This was not sent to the customer. {error}") from error
    if not words:
        raise StaffError(f"There are no words after `{MARK}`, so nothing was sent to the customer.")
    if len(words) > LONGEST:
        raise StaffError(f"This was not sent to the customer: it has more than {LONGEST:,} characters.")
    return words


def _row(session: Session, channel: str, ts: str) -> SlackMessage | None:
    mine = (col(SlackMessage.channel) == channel, col(SlackMessage.ts) == ts)
    found: SlackMessage | None = session.execute(select(SlackMessage).where(*mine)).scalar()
    return found


def _new(session: Session, post: _Post, thread: Thread, now: datetime) -> SlackMessage:
    row = SlackMessage(
        channel=post.channel, ts=post.ts, member=post.member, thread_id=thread.id, fate="internal", at=now
    )
    session.add(row)
    session.flush()
    return row


def _thread(session: Session, channel: str, root: str) -> Thread | None:
    """Return the customer's thread whose first message in Slack this is."""
    ref = (col(Delivery.thread_id).is_not(None), col(Delivery.provider_ref) == f"{channel}:{root}")
    mine = select(col(Delivery.thread_id)).where(*ref, col(Delivery.lane).startswith("slack:")).limit(1)
    found = session.execute(mine).scalar()
    return session.get(Thread, found, with_for_update=True) if found is not None else None
