"""What the sandbox shows: calls to Slack as channels with threads, mails as a mailbox."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from trusthub.web import mrkdwn, sandbox_mail
from trusthub.web.sandbox_mail import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the reader looks at, from the address of the page."""

    channel: str
    mail: int
    live: bool


@dataclass(slots=True, kw_only=True)
class Post:
    """One Slack message as it stands now."""

    at: datetime
    html: Markup
    buttons: list[dict[str, Any]]
    sent: bool
    """False when it was only kept: no Slack is set up."""
    broadcast: bool = False
    earlier: list[Markup] = field(default_factory=list)
    replies: list["Post"] = field(default_factory=list)


def context(calls: Sequence[Call], choice: Choice, *, root: str) -> dict[str, object]:
    """Return what the template needs. Without a choice, the newest channel and the newest mail are open."""
    channels = _channels(calls)
    mails = [sandbox_mail.read(call) for call in reversed(calls) if sandbox_mail.is_mail(call)]
    name = choice.channel if choice.channel in channels else next(reversed(channels), "")
    open_mail = next((mail for mail in mails if mail["id"] == choice.mail), mails[0] if mails else None)

    def link(**changes: object) -> str:
        chosen = {"channel": choice.channel, "mail": choice.mail, "live": 1 if choice.live else 0} | changes
        query = urlencode({key: value for key, value in chosen.items() if value})
        return f"{root}?{query}" if query else root

    return {
        "root": root,
        "live": choice.live,
        "live_link": link(live=0 if choice.live else 1),
        "channels": [
            {"name": each, "count": _count(posts), "open": each == name, "link": link(channel=each)}
            for each, posts in sorted(channels.items())
        ],
        "channel": name,
        "posts": channels.get(name, []),
        "mails": [{**mail, "open": mail is open_mail, "link": link(mail=mail["id"])} for mail in mails],
        "mail": open_mail,
        "mail_source": f"{root}/mail/{open_mail['id']}" if open_mail and open_mail["has_html"] else "",
    }


def _channels(calls: Iterable[Call]) -> dict[str, list[Post]]:
    """Play the calls: posts, replies below their parents, edits in place. The newest channel comes last."""
    channels: dict[str, list[Post]] = {}
    posts: dict[tuple[str, str], Post] = {}
    for call in calls:
        if (said := _said(call)) is None:
            continue
        name, ts, parent = said["name"], str(said["ts"]), said["parent"]
        top = channels.setdefault(name, [])
        channels[name] = channels.pop(name)
        new = Post(at=call.at, html=said["html"], buttons=said["buttons"], sent=call.kind == "slack")
        if said["edit"] and (old := posts.get((name, ts))):
            old.earlier.append(old.html)
            old.html, old.buttons = new.html, new.buttons
            continue
        new.broadcast = said["broadcast"]
        posts[name, ts] = new
        thread = posts.get((name, str(parent)))
        (top if thread is None else thread.replies).append(new)
    return channels


def _said(call: Call) -> dict[str, Any] | None:
    body = call.payload
    if call.kind == "slack":
        sections = [block["text"]["text"] for block in body.get("blocks", []) if block["type"] == "section"]
        elements = [
            each for block in body.get("blocks", []) if block["type"] == "actions" for each in block["elements"]
        ]
        return {
            "name": body["channel_name"],
            "ts": body["ts"],
            "parent": body.get("thread_ts"),
            "edit": body["method"] == "chat.update",
            "broadcast": bool(body.get("reply_broadcast")),
            "html": Markup().join(map(mrkdwn.to_html, sections or [body.get("text", "")])),
            "buttons": [_button(each["text"]["text"], each.get("url"), each.get("style")) for each in elements],
        }
    if call.kind == "kept" and body["destination"] != "email":
        edited = bool(body["edit"] and body["parent"])
        return {
            "name": body["to"],
            "ts": body["parent"] if edited else call.id,
            "parent": body["parent"],
            "edit": edited,
            "broadcast": body["broadcast"],
            "html": Markup("<p><b>{}</b></p>{}").format(body["subject"], mrkdwn.to_html(body["slack"])),
            "buttons": [_button(b["label"], b["url"], "danger" if b["danger"] else None) for b in body["buttons"]],
        }
    return None


def _button(label: str, url: str | None, style: str | None) -> dict[str, Any]:
    safe = url if url and url.startswith(("https://", "http://")) else None
    return {"label": label, "url": safe, "danger": style == "danger"}


def _count(posts: Iterable[Post]) -> int:
    return sum(1 + len(post.replies) for post in posts)
