"""Slack's chat.postMessage and chat.update, and what was said in a channel, with the limits that Slack documents."""

import hashlib
import itertools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.providers.http import Answer, Call, Fault, HttpProvider, answer

UNCHECKED = "Requests to Slack are not compared with Slack's own description of them."
NEWER = {"metadata"}
"""Younger than the description: https://docs.slack.dev/messaging/message-metadata"""
TYPES: dict[str, type] = {"string": str, "boolean": bool, "integer": int}
FIRST_TS = 1_790_000_000


@dataclass(kw_only=True)
class Message:
    """One message as it stands in a channel."""

    channel: str
    name: str
    """The channel as it was named in the call: `#releases`."""
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    thread_ts: str | None = None
    broadcast: bool = False
    key: str | None = None
    metadata: dict[str, Any] | None = None
    was: list[str] = field(default_factory=list)
    """Earlier texts, when it was edited."""


def refused(code: str, **more: str) -> Fault:
    """What Slack calls an error: status 200 and `ok: false`."""
    return answer(200, {"ok": False, "error": code, **more})


class Slack(HttpProvider):
    """TRUSTHUB_SLACK_API_URL is `slack.url`; the token is any."""

    def __init__(self, first_ts: int = FIRST_TS, clock: Callable[[], float] | None = None) -> None:
        """Messages are a second apart, from `first_ts` on; with a `clock`, as far apart as they are by it."""
        super().__init__()
        self._clock, self._latest = clock, 0.0
        self.messages: list[Message] = []
        self.undescribed: list[str] = []
        """What in requests is not as Slack describes them; no test may leave any behind."""
        self.whispers: list[tuple[str, str]] = []
        """What one member alone was told: their id, and the words."""
        self.views: list[dict[str, Any]] = []
        """Modals that were opened."""
        self.page = 100
        """Messages in one answer, at most."""
        self._names: dict[str, str] = {}
        self._seconds = itertools.count(first_ts)

    @property
    def url(self) -> str:
        return f"{self.address}/api/"

    def _stamp(self) -> str:
        if self._clock is None:
            return f"{next(self._seconds)}.000100"
        self._latest = max(self._latest + 0.0001, self._clock())
        return f"{self._latest:.6f}"

    def channel(self, name: str) -> str:
        """Return the id of a channel, which is always the same for one name."""
        if not name.startswith("#"):
            return name
        found = f"C{hashlib.sha256(name.encode()).hexdigest()[:10].upper()}"
        self._names[found] = name
        return found

    def close(self) -> None:
        super().close()
        assert not self.undescribed, self.undescribed

    def take(self, call: Call) -> tuple[Answer, bool]:
        method = call.path.removeprefix("/api/")
        if not call.headers.get("authorization", "").startswith("Bearer "):
            return _error("not_authed")
        if method.startswith("chat."):
            self.undescribed += _undescribed(method, call.body)
        known: dict[str, Callable[[dict[str, Any]], tuple[Answer, bool]]] = {
            "auth.test": _who,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.postEphemeral": self._whisper,
            "views.open": self._open,
            "conversations.history": self._said,
            "conversations.replies": self._said,
        }
        if problem := method.startswith("chat.") and _problem(call.body):
            return _error(problem)
        return known[method](call.body) if method in known else _error("unknown_method")

    def _post(self, body: dict[str, Any]) -> tuple[Answer, bool]:
        channel = self.channel(body["channel"])
        message = Message(
            channel=channel,
            name=self._names.get(channel, body["channel"]),
            ts=self._stamp(),
            text=body["text"],
            blocks=body["blocks"],
            thread_ts=body.get("thread_ts"),
            broadcast=body.get("reply_broadcast", False),
            key=_key(body),
            metadata=body.get("metadata"),
        )
        if message.thread_ts and self._find(channel, message.thread_ts) is None:
            return _error("thread_not_found")
        self.messages.append(message)
        return _ok(message), True

    def _whisper(self, body: dict[str, Any]) -> tuple[Answer, bool]:
        self.whispers.append((body["user"], body["text"]))
        return Answer(status=200, body={"ok": True, "message_ts": self._stamp()}), False

    def _open(self, body: dict[str, Any]) -> tuple[Answer, bool]:
        view = json.loads(body["view"]) if isinstance(body["view"], str) else body["view"]
        if not body["trigger_id"].startswith("trigger"):
            return _error("expired_trigger_id")
        if problem := _ill_formed(view):
            self.undescribed.append(problem)
            return _error("invalid_arguments")
        self.views.append(view)
        return Answer(status=200, body={"ok": True, "view": {"id": "V1"}}), False

    def _update(self, body: dict[str, Any]) -> tuple[Answer, bool]:
        message = self._find(body["channel"], body["ts"])
        if message is None:
            return _error("message_not_found")
        if len(body["text"]) > 4000:
            return _error("msg_too_long")
        message.was.append(message.text)
        message.text, message.blocks, message.key = body["text"], body["blocks"], _key(body)
        message.metadata = body.get("metadata")
        return _ok(message), True

    def _said(self, query: dict[str, str]) -> tuple[Answer, bool]:
        """What a channel or a thread shows, newest first, a page at a time; a thread always with its first message."""
        channel, thread, oldest = query["channel"], query.get("ts"), float(query["oldest"])
        if not channel.startswith(("C", "D", "G")):
            return _error("channel_not_found")
        if thread and self._find(channel, thread) is None:
            return _error("thread_not_found")
        shown = [message for message in self.messages if message.channel == channel and _shows(message, thread)]
        newest = [each for each in shown[::-1] if float(each.ts) > oldest or each.ts == thread]
        start, most = int(query.get("cursor", "0")), min(int(query["limit"]), self.page)
        more = str(start + most) if len(newest) > start + most else ""
        with_metadata = query.get("include_all_metadata") in {"1", "true", "True"}
        messages = [
            {"type": "message", "ts": each.ts, "text": each.text}
            | ({"metadata": each.metadata} if with_metadata and each.metadata else {})
            for each in newest[start : start + most]
        ]
        body = {"ok": True, "messages": messages, "response_metadata": {"next_cursor": more}}
        return Answer(status=200, body=body), False

    def _find(self, channel: str, ts: str) -> Message | None:
        return next((message for message in self.messages if (message.channel, message.ts) == (channel, ts)), None)


def _who(_: dict[str, Any]) -> tuple[Answer, bool]:
    body = {"ok": True, "team": "Acme", "user": "trusthub", "bot_id": "B0TRUSTHUB"}
    return Answer(status=200, body=body), False


def _shows(message: Message, thread: str | None) -> bool:
    if thread:
        return thread in {message.ts, message.thread_ts}
    return message.thread_ts is None or message.broadcast


def _ok(message: Message) -> Answer:
    return Answer(status=200, body={"ok": True, "channel": message.channel, "ts": message.ts})


def _error(code: str) -> tuple[Answer, bool]:
    return Answer(status=200, body={"ok": False, "error": code}), False


def _key(body: dict[str, Any]) -> str | None:
    key = body.get("metadata", {}).get("event_payload", {}).get("key")
    return None if key is None else str(key)


def _problem(body: dict[str, Any]) -> str | None:
    """Return the code with which Slack refuses such a body."""
    blocks = body.get("blocks", [])
    if len(blocks) > 50 or not all(_good(block) for block in blocks):
        return "invalid_blocks"
    if sum(len(block.get("text", {}).get("text", "")) for block in blocks) > 11_000:
        return "msg_blocks_too_long"
    return None if body.get("text") else "no_text"


def _undescribed(method: str, body: dict[str, Any]) -> list[str]:
    """Return what Slack's own description of the method does not have. Nothing, where TRUSTHUB_REFERENCE is not set."""
    described = _description().get(f"/{method}")
    if described is None:
        return []
    named = {each["name"]: each for each in described["post"]["parameters"] if each["in"] == "formData"}
    missing = [f"{name} is missing" for name, each in named.items() if each.get("required") and name not in body]
    strange = [f"{name} is unknown" for name in body.keys() - named.keys() - NEWER]
    # In a form, blocks are JSON in a string. In JSON, which Slack takes since, they are themselves.
    values = {name: json.dumps(value) if isinstance(value, list) else value for name, value in body.items()}
    wrong = [
        f"{name} is no {named[name]['type']}"
        for name, value in values.items()
        if name in named and not isinstance(value, TYPES[named[name]["type"]])
    ]
    return missing + strange + wrong


@cache
def _description() -> dict[str, Any]:
    reference = os.environ.get("TRUSTHUB_REFERENCE")
    if not reference:
        return {}
    (file,) = Path(reference).rglob("slack_web_openapi_v2*.json")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["paths"]
    return found


def _ill_formed(view: dict[str, Any]) -> str:
    """Return what a modal has too much of (https://docs.slack.dev/reference/views/modal-views); empty when nothing."""
    texts = [(view[name]["text"], 24) for name in ("title", "submit", "close")]
    for block in view["blocks"]:
        element = block["element"]
        options = element.get("options", [])
        texts += [(each["text"]["text"], 75) for each in options] + [(each["value"], 150) for each in options]
        texts += [(block["label"]["text"], 2000), (element["action_id"], 255), (block["block_id"], 255)]
        texts += [(element.get("initial_value") or "-", element.get("max_length", 3000))]
        if element["type"] == "static_select" and not 0 < len(options) <= 100:
            return f"{block['block_id']} has {len(options)} options"
    wrong = [text for text, most in texts if not 0 < len(text) <= most]
    more = len(view["blocks"]) > 100 or len(view["private_metadata"]) > 3000
    return f"too long or empty: {wrong}" if wrong or more else ""


def _good(block: dict[str, Any]) -> bool:
    """Whether a block keeps the limits of https://docs.slack.dev/reference/block-kit/blocks."""
    match block["type"]:
        case "header":
            return 0 < len(block["text"]["text"]) <= 150
        case "section":
            return block["text"]["text"].strip() != "" and len(block["text"]["text"]) <= 3000
        case "actions":
            elements = block["elements"]
            actions = [element["action_id"] for element in elements if "action_id" in element]
            return 0 < len(elements) <= 25 and all(map(_fits, elements)) and len(actions) == len(set(actions))
    return False


def _fits(button: dict[str, Any]) -> bool:
    limits = {"value": 2000, "action_id": 255, "url": 3000}
    short = all(len(button.get(key, "")) <= limit for key, limit in limits.items())
    return short and 0 < len(button["text"]["text"]) <= 75
