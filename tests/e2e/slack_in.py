"""What Slack sends, signed: events, commands, shortcuts and forms, in the shape of its documentation."""

import hashlib
import hmac
import itertools
import json
import time
from typing import Any
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from tests.e2e.house import SIGNING, House
from trusthub import app
from trusthub.domain.role import Role

MIRA, JO, STRANGER = "U0MIRA0001", "U0JO000001", "U0STRANGER"
FORM = "application/x-www-form-urlencoded"
_NUMBERS = itertools.count(1)


def colleagues(hub: House) -> None:
    """Let Mira support customers and publish, and Jo look on."""
    # The first account is an admin whatever is given.
    everybody = (("boss", (), None), ("mira", (Role.SUPPORT, Role.PUBLISHER), MIRA), ("jo", (Role.VIEWER,), JO))
    for name, roles, member in everybody:
        email = f"{name}@acme.example"
        settings = hub.parts.settings
        app.add_user(settings, email=email, name=name.title(), password="correct horse battery", roles=roles)
        if member:
            app.set_member(settings, email=email, member=member)


def signed(body: str, *, secret: str = SIGNING, age: int = 0) -> dict[str, str]:
    """Return the headers with which Slack signs a body, `age` seconds ago."""
    stamp = str(int(time.time()) - age)
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def event(hub: House, body: dict[str, Any], *, key: str = "", **headers: str) -> TestResponse:
    """Send an event, and let the worker do what follows."""
    wrapped = {
        "token": "verification-token",
        "team_id": "T0ACME0001",
        "api_app_id": "A0TRUSTHUB",
        "event": body,
        "type": "event_callback",
        "event_id": key or f"Ev{next(_NUMBERS):08}",
        "event_time": 1790000000,
        "authorizations": [{"team_id": "T0ACME0001", "user_id": "U0TRUSTHUB", "is_bot": True}],
    }
    text = json.dumps(wrapped)
    answer = hub.web.post(
        "/slack/events", data=text, content_type="application/json", headers={**signed(text), **headers}
    )
    hub.keep_house()
    return answer


def message(hub: House, text: str, user: str = MIRA, **more: Any) -> dict[str, Any]:
    """Return what Slack has of a reply below the newest customer's thread in #support."""
    root = [each for each in hub.slack.messages if each.name == "#support" and each.thread_ts is None][-1]
    number = next(_NUMBERS)
    said = {"type": "message", "user": user, "text": text, "ts": f"1790100{number:03}.000200", "team": "T0ACME0001"}
    return said | {"thread_ts": root.ts, "channel": root.channel, "channel_type": "channel"} | more


def changed(said: dict[str, Any], text: str) -> dict[str, Any]:
    """Return the event by which Slack tells of an edit."""
    inner = {key: value for key, value in said.items() if not key.startswith("channel")}
    return {
        "type": "message",
        "subtype": "message_changed",
        "channel": said["channel"],
        "ts": "1790200000.000100",
        "hidden": True,
        "message": inner | {"text": text, "edited": {"user": said["user"], "ts": "1790200000.000000"}},
        "previous_message": inner,
    }


def deleted(said: dict[str, Any]) -> dict[str, Any]:
    """Return the event by which Slack tells that a message was deleted."""
    inner = {key: value for key, value in said.items() if not key.startswith("channel")}
    return {
        "type": "message",
        "subtype": "message_deleted",
        "channel": said["channel"],
        "ts": "1790200001.000100",
        "deleted_ts": said["ts"],
        "hidden": True,
        "previous_message": inner,
    }


def command(hub: House, text: str, user: str = MIRA) -> str:
    """Type /trusthub and return what who typed it reads; nothing when a form opens instead."""
    return str(answered(hub, text, user).get("text", ""))


def answered(hub: House, text: str, user: str = MIRA) -> dict[str, Any]:
    """Type /trusthub and return the whole answer, with what can be pressed."""
    body = urlencode(
        {
            "token": "verification-token",
            "team_id": "T0ACME0001",
            "channel_id": hub.slack.channel("#support"),
            "user_id": user,
            "user_name": user.lower(),
            "command": "/trusthub",
            "text": text,
            "response_url": "https://hooks.slack.example/commands/1",
            "trigger_id": "trigger.1",
        }
    )
    answer = hub.web.post("/slack/commands", data=body, content_type=FORM, headers=signed(body))
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {}) if answer.data else {}


def interact(hub: House, payload: dict[str, Any], user: str = MIRA) -> dict[str, Any]:
    """Press, choose or send a form; return Slack's answer."""
    team = {"id": "T0ACME0001", "domain": "acme"}
    whole = {"user": {"id": user, "name": user.lower()}, "team": team, "trigger_id": "trigger.2"} | payload
    body = urlencode({"payload": json.dumps(whole)})
    answer = hub.web.post("/slack/interactions", data=body, content_type=FORM, headers=signed(body))
    assert answer.status_code == 200, answer.text
    hub.parts.worker.drain()
    return dict(answer.json or {})


def shortcut(hub: House, callback: str, said: dict[str, Any], user: str = MIRA) -> dict[str, Any]:
    """Choose a shortcut in the menu of a message."""
    channel = {"id": said["channel"], "name": "support"}
    inner = {key: value for key, value in said.items() if not key.startswith("channel")}
    payload = {"type": "message_action", "callback_id": callback, "channel": channel, "message": inner}
    return interact(hub, payload, user)


def submit(hub: House, user: str = MIRA, **values: str) -> dict[str, Any]:
    """Send the modal that opened last, with some inputs filled in."""
    view = hub.slack.views[-1]
    state: dict[str, Any] = {}
    for block in view["blocks"]:
        name, element = block["block_id"], block["element"]
        value = values.get(name, element.get("initial_value"))
        if element["type"] == "static_select":
            chosen = {"value": values[name]} if name in values else element.get("initial_option")
            state[name] = {element["action_id"]: {"type": "static_select", "selected_option": chosen}}
        else:
            state[name] = {element["action_id"]: {"type": element["type"], "value": value}}
    sent = {key: view[key] for key in ("callback_id", "private_metadata", "type")} | {"state": {"values": state}}
    return interact(hub, {"type": "view_submission", "view": sent}, user)
