"""A whole hub in one process, wired to loopback providers, with a clock that the test moves."""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from werkzeug.test import Client, TestResponse

from tests.databases import migrated
from tests.providers import SendGrid, Slack, sendgrid
from tests.sources import replay
from trusthub import app
from trusthub.app import Parts
from trusthub.domain.events import SourceEvent
from trusthub.errors import PayloadError
from trusthub.services import refusals, timers
from trusthub.settings import Settings, packaged
from trusthub.web import auth

# A password costs a fifth of a second, on purpose, each time that it is kept or checked. In tests nobody guesses.
auth._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

TOKEN = "hook-token"
SIGNING = "signing-secret"
START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
STAFF = ("mira@acme.example", "Mira", "correct horse battery staple")
_ID = re.compile(r"(incidents|threads|rollouts|subscriptions)/[\w.=-]{12,}")


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


@dataclass
class House:
    """The hub, its providers and its clock."""

    parts: Parts
    slack: Slack
    sendgrid: SendGrid
    clock: Clock
    web: Client
    seen: dict[str, int] = field(default_factory=lambda: {"slack": 0, "mail": 0})

    def hook(self, name: str, body: bytes | dict[str, Any], headers: Mapping[str, str] | None = None) -> TestResponse:
        """Send one request as a tool would, and let the worker deliver what follows."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.web.post(
            f"/hooks/{name}", data=data, headers={"Authorization": f"Bearer {TOKEN}", **(headers or {})}
        )
        self.parts.worker.drain()
        return answer

    def event(self, event: str, **more: Any) -> TestResponse:
        """Send one event of our own contract about Checkout 2.8.0, a minute after the last."""
        self.clock.forward(minutes=1)
        body = {"component": "checkout", "environment": "production", "to_version": "2.8.0", "strategy": "canary"}
        answer = self.hook("generic", {"event": event, **body, **more})
        assert answer.status_code == 200, answer.text
        return answer

    def play(self, tool: str, name: str) -> Iterator[tuple[str, TestResponse]]:
        """Send a sequence, each event at its own time; yield what was sent and the answer."""
        for headers, body in replay.sequence(tool, name):
            self.clock.forward(minutes=1)
            events = _peek(tool, headers, body, self.clock.now)
            if events and events[0].occurred_at != self.clock.now:
                self.clock.now = events[0].occurred_at + timedelta(seconds=2)
            yield ", ".join(event.kind for event in events) or "nothing for us", self.hook(tool, body, headers)

    def tick(self, **by: float) -> None:
        """Let time pass, and everything happen that is due then."""
        self.clock.forward(**by)
        self.parts.worker.drain()

    def wait(self) -> bool:
        """Let time pass until something is due, and let it happen; False when nothing is."""
        with self.parts.hub.database.reading() as session:
            due = timers.next_due(session)
        if due is None:
            return False
        self.clock.now = max(self.clock.now, due)
        self.parts.worker.drain()
        return True

    def keep_house(self) -> None:
        """Do what server and worker do about once a second, and let what follows be delivered."""
        refusals.write(self.parts.hub, self.clock())
        self.parts.worker._housekeeping()
        self.parts.worker.drain()

    def ask(self, gate: str, body: bytes | dict[str, Any], token: str = "gate-token", **headers: str) -> TestResponse:
        """Ask a gate as a tool would; nothing is delivered meanwhile."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.web.post(f"/gates/{gate}", data=data, headers={"Authorization": f"Bearer {token}", **headers})

    def page(self, path: str = "/") -> str:
        """Return a published page."""
        return self.web.get(path).text

    def summary(self) -> dict[str, Any]:
        """Return what Statuspage's clients read."""
        found: dict[str, Any] = json.loads(self.web.get("/api/v2/summary.json").data)
        return found

    def incident(self) -> str:
        """Return the id of the one unresolved incident that customers see."""
        (incident,) = self.summary()["incidents"]
        return str(incident["id"])

    @property
    def calm(self) -> bool:
        """Whether the public page says that all is well."""
        summary = self.summary()
        return not summary["incidents"] and summary["status"]["indicator"] == "none"

    def sign_in(self) -> None:
        """Sign in at the console."""
        email, password = self.colleague()
        self.console("/console/login", email=email, password=password, next="")

    def colleague(self) -> tuple[str, str]:
        """Return address and password of somebody who works here; they get an account the first time."""
        email, name, password = STAFF
        if not self.seen.setdefault("staff", 0):
            app.add_user(self.parts.settings, email=email, name=name, password=password)
            self.seen["staff"] = 1
        return email, password

    def console(self, path: str, form_at: str | None = None, **fields: str) -> TestResponse:
        """Post a console form with its token; whoever was away for hours signs in again first."""
        form = self.web.get(form_at or path).text
        if "/console/login?next=" in form:
            self.sign_in()
            form = self.web.get(form_at or path).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
        assert token, form
        answer = self.web.post(path, data={"csrf_token": token[1], **fields}, follow_redirects=True)
        self.parts.worker.drain()
        return answer

    def answer(self, incident: str, **fields: str) -> TestResponse:
        """Answer on an incident page as a customer."""
        answer = self.web.post(f"/incidents/{incident}/threads", data=fields)
        self.parts.worker.drain()
        return answer

    def heard(self) -> list[str]:
        """Return what arrived since the last look, in words, with everything random named alike."""
        calls = self.slack.accepted[self.seen["slack"] :]
        mails = self.sendgrid.messages[self.seen["mail"] :]
        self.seen |= {"slack": len(self.slack.accepted), "mail": len(self.sendgrid.messages)}
        lines = sorted([_slack(self.slack, call.path, call.body) for call in calls], key=lambda line: line.split()[1])
        return [_steady(line) for line in (*lines, *map(_mail, mails))]

    @staticmethod
    def read(mails: list[dict[str, str]]) -> str:
        """Return mails as their readers see them, in words, with everything random named alike."""
        return "\n\n".join(_steady(f"MAIL {mail['subject']}\n\n{mail['text/plain']}") for mail in mails)


@contextmanager
def house(database_url: str, folder: Path, **settings: Any) -> Iterator[House]:
    """Build a hub on a database, wired to providers of its own."""
    clock = Clock()
    with Slack() as slack, SendGrid() as sendgrid:
        made = Settings.model_validate(
            {
                "database_url": database_url,
                "base_url": "http://hub.example",
                "secret_key": "test-secret",
                "site": packaged("playbooks") / "site.yaml",
                "hook_token": TOKEN,
                "slack_bot_token": "xoxb-test",
                "slack_signing_secret": SIGNING,
                "slack_api_url": slack.url,
                "sendgrid_api_key": "SG.test",
                "sendgrid_api_url": sendgrid.url,
                "mail_from": "Acme status <status@acme.example>",
                **settings,
            }
        )
        migrated(database_url)
        parts = app.build(made, clock)
        yield House(parts, slack, sendgrid, clock, Client(parts.wsgi))
        parts.hub.database.close()


def site_with(folder: Path, **changes: str) -> Path:
    """Write the shipped site file with some lines replaced; return where."""
    text = (packaged("playbooks") / "site.yaml").read_text(encoding="utf-8")
    for old, new in changes.items():
        key, _, _ = old.partition("__")
        assert re.search(rf"^{key}:.*$", text, re.MULTILINE), key
        text = re.sub(rf"^{key}:.*$", f"{key}: {new}", text, flags=re.MULTILINE)
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _peek(tool: str, headers: Mapping[str, str], body: bytes, now: datetime) -> list[SourceEvent]:
    try:
        return replay.understand(tool, replay.request(body, dict(headers), at=now))
    except PayloadError:
        return []


def _slack(slack: Slack, path: str, body: dict[str, Any]) -> str:
    where = slack._names.get(body["channel"], body["channel"])
    how = "edit" if path.endswith("update") else "reply" if body.get("thread_ts") else "post"
    shown = " +channel" if body.get("reply_broadcast") else ""
    return f"SLACK {where} {how}{shown}\n{textwrap.indent(_blocks(body['blocks']), '    ')}"


def _blocks(blocks: list[dict[str, Any]]) -> str:
    parts = []
    for block in blocks:
        if block["type"] == "actions":
            parts.append(" ".join(f"[{element['text']['text']}]" for element in block["elements"]))
        elif "text" in block:
            parts.append(block["text"]["text"])
    return "\n\n".join(parts)


def _mail(body: dict[str, Any]) -> str:
    """Return a mail in words; one to many once for all who read the same."""
    readers: dict[str, list[str]] = {}
    for mail in sendgrid.read(body):
        readers.setdefault(_steady(f"{mail['subject']}\n\n{mail['text/plain']}"), []).append(mail["to"])
    return "\n".join(f"MAIL {', '.join(to)}\n" + textwrap.indent(words, "    ") for words, to in readers.items())


def _steady(text: str) -> str:
    return _ID.sub(r"\1/ID", text)
