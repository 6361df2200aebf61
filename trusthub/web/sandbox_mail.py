"""Kept mails as a mail reader shows them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol


class Call(Protocol):
    """A kept call; see `sandbox.Kept`."""

    @property
    def id(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def payload(self) -> dict[str, Any]: ...


def html(call: Call) -> str:
    """Return a mail's HTML as it was sent, or nothing when it has none."""
    if not is_mail(call):
        return ""
    return str(call.payload["html"]) if call.kind == "kept" else _content(call.payload, "text/html")


def is_mail(call: Call) -> bool:
    """Whether a call is a mail, sent or only kept."""
    return call.kind == "mail" or (call.kind == "kept" and call.payload["destination"] == "email")


def read(call: Call) -> dict[str, Any]:
    """Return what a mail reader shows of a mail."""
    found = _kept(call.payload) if call.kind == "kept" else _sent(call.payload)
    return {
        "id": call.id,
        "at": call.at,
        "sent": call.kind == "mail",
        **found,
        "snippet": " ".join(found["text"].split()),
    }


def _kept(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sender": "not set up",
        "address": "",
        "to": body["to"],
        "reply_to": body["reply_to"],
        "subject": body["subject"],
        "text": body["text"],
        "has_html": bool(body["html"]),
        "unsubscribe": body["unsubscribe_url"],
        "headers": {},
    }


def _sent(body: Mapping[str, Any]) -> dict[str, Any]:
    envelope = body["personalizations"][0]
    headers = {**body.get("headers", {}), **envelope.get("headers", {})}
    return {
        "sender": body["from"].get("name") or body["from"]["email"],
        "address": body["from"]["email"],
        "to": envelope["to"][0]["email"],
        "reply_to": body.get("reply_to", {}).get("email"),
        "subject": envelope.get("subject") or body.get("subject", ""),
        "text": _content(body, "text/plain"),
        "has_html": bool(_content(body, "text/html")),
        "unsubscribe": headers.get("List-Unsubscribe", "").strip("<>") or None,
        "headers": headers,
    }


def _content(body: Mapping[str, Any], kind: str) -> str:
    return next((str(part["value"]) for part in body.get("content", []) if part["type"] == kind), "")
