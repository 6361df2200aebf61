"""Slack and SendGrid for the demo, inside the hub itself: the real clients speak to it, and it shows what they said.

Only for loopback: it takes everything from everybody, and sends nothing to anybody.
"""

import hashlib
import re
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request, url_for

from trusthub.web import sandbox_mail, sandbox_view

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; base-uri 'none'; form-action 'none'"
)
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'self'"
)
"""A mail brings its styles in its lines, which the page around it may not. So it is a document of its own."""
_FOLLOWING = "3"
"""Seconds after which a page that follows live is loaded again. Without scripts this is the way."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One call that was kept: to `slack`, as `mail`, or `kept` because its provider is not set up."""

    id: int
    kind: str
    at: datetime
    payload: dict[str, Any]


Keep = Callable[[str, dict[str, object]], str]
List = Callable[[int], list[Kept]]


def sandbox(*, keep: Keep, kept: List, page: Callable[..., str]) -> Blueprint:
    """Return the routes. `kept` lists what came after an id; `page` renders a template."""
    blueprint = Blueprint("sandbox", __name__, url_prefix="/sandbox")
    workspace = _Workspace(keep, kept)

    @blueprint.post("/slack/api/<method>")
    def slack(method: str) -> Response:
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return jsonify(ok=False, error="not_authed")
        body = request.get_json(force=True, silent=True) or request.form.to_dict()
        return jsonify(workspace.call(method, body))

    @blueprint.post("/sendgrid/v3/mail/send")
    def sendgrid() -> Response:
        message_id = secrets.token_urlsafe(16)
        keep("mail", {**request.get_json(force=True), "message_id": message_id})
        return Response(status=202, headers={"X-Message-Id": message_id})

    @blueprint.get("/messages.json")
    def messages() -> Response:
        after = request.args.get("after", 0, type=int)
        return jsonify([_as_json(message) for message in kept(after)])

    @blueprint.get("")
    def look() -> Response:
        chosen = sandbox_view.Choice(
            channel=request.args.get("channel", ""),
            mail=request.args.get("mail", 0, type=int),
            live="live" in request.args,
        )
        context = sandbox_view.context(kept(0), chosen, root=url_for("sandbox.look"))
        html = page("pages/sandbox.html", stylesheet=url_for("static", filename="sandbox.css"), **context)
        refresh = {"Refresh": _FOLLOWING} if chosen.live else {}
        return Response(html, headers={"Content-Security-Policy": _PAGE_POLICY, "Cache-Control": "no-store", **refresh})

    @blueprint.get("/mail/<int:number>")
    def mail(number: int) -> Response:
        found = next(iter(kept(number - 1)), None)
        html = sandbox_mail.html(found) if found is not None and found.id == number else ""
        if not html:
            abort(404)
        # Links open beside the sandbox and not inside its frame.
        opened, count = re.subn(r"<head[^>]*>", r'\g<0><base target="_blank">', html, count=1)
        html = opened if count else f'<base target="_blank">{html}'
        return Response(html, headers={"Content-Security-Policy": _MAIL_POLICY, "Cache-Control": "no-store"})

    return blueprint


def _as_json(message: Kept) -> dict[str, object]:
    return {"id": message.id, "kind": message.kind, "at": message.at.isoformat(), "payload": message.payload}


class _Workspace:
    """As much of Slack's Web API as the hub's own client uses."""

    def __init__(self, keep: Keep, kept: List) -> None:
        self._keep, self._kept = keep, kept
        self._lock = threading.Lock()
        self._last = 0

    def call(self, method: str, body: dict[str, Any]) -> dict[str, object]:
        if method == "auth.test":
            return {"ok": True, "team": "Sandbox", "team_id": "T0SANDBOX", "user": "trusthub", "bot_id": "B0SANDBOX"}
        if method not in {"chat.postMessage", "chat.update"}:
            return {"ok": False, "error": "unknown_method"}
        if not body.get("channel"):
            return {"ok": False, "error": "channel_not_found"}
        channel, name = self._channel(str(body["channel"]))
        ts = self._ts() if method == "chat.postMessage" else str(body.get("ts"))
        if method == "chat.update" and not self._has(channel, ts):
            return {"ok": False, "error": "message_not_found"}
        self._keep("slack", {**body, "method": method, "channel": channel, "channel_name": name, "ts": ts})
        return {"ok": True, "channel": channel, "ts": ts}

    def _channel(self, said: str) -> tuple[str, str]:
        """Return id and name of a channel that is called by either."""
        if not re.fullmatch(r"[CDGU][0-9A-Z]{8,}", said):
            return f"C{hashlib.sha256(said.encode()).hexdigest()[:10].upper()}", said
        known = (m.payload["channel_name"] for m in self._kept(0) if m.kind == "slack" and m.payload["channel"] == said)
        return said, str(next(known, said))

    def _has(self, channel: str, ts: str) -> bool:
        calls = [message.payload for message in self._kept(0) if message.kind == "slack"]
        return any((call["channel"], call["ts"]) == (channel, ts) for call in calls)

    def _ts(self) -> str:
        """Return a time that no other message has, as Slack names its messages."""
        with self._lock:
            self._last = max(time.time_ns() // 1000, self._last + 1)
            return f"{self._last // 1_000_000}.{self._last % 1_000_000:06}"
