"""What Slack sends us: events, commands, and what somebody pressed, chose or filled in."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from flask import Blueprint, Response, jsonify, request

from trusthub.channels import slack_signature
from trusthub.channels.slack import Slack
from trusthub.domain.role import Role
from trusthub.errors import DeliveryError, WordingError
from trusthub.services import approving, gate_rollback, proposals, slack_events, staff
from trusthub.services.acts import StaffError
from trusthub.services.approving import Answer, Press
from trusthub.services.hub import Hub
from trusthub.web.slack_commands import Commands, Typed, say
from trusthub.web.slack_forms import Forms
from trusthub.web.slack_people import Presser, presser

log = structlog.get_logger()

_ACTS = {"tell": staff.tell_customers, "precaution": staff.precaution, "false-alarm": staff.false_alarm}
_APPROVAL = "approval-"
_ROLLBACK = {"rollback-ask": gate_rollback.ask, "rollback-keep": proposals.keep}
_PRESSED = "Customers asked for it, and it was decided in Slack."
"""What the log says of why: a button has no place for it."""


def slack(hub: Hub, signing_secret: str, chat: Slack | None = None) -> Blueprint:
    """Return the Slack routes. Without a signing secret they let nobody in."""
    blueprint = Blueprint("slack", __name__, url_prefix="/slack")
    commands, forms = Commands(hub, chat), Forms(hub, chat)

    @blueprint.before_request
    def guard() -> tuple[Response, int] | None:
        if slack_signature.genuine(signing_secret, request.get_data(cache=True), dict(request.headers)):
            return None
        return jsonify(ok=False, error="The request is not signed by Slack with our secret."), 401

    @blueprint.post("/events")
    def events() -> Response | tuple[Response, int]:
        """Keep an event and answer at once: Slack waits 3 seconds, and sends it again after an error."""
        payload = request.get_json(force=True, silent=True)
        if not isinstance(payload, dict):
            return jsonify(ok=False, error="The body is no JSON object."), 400
        if payload.get("type") == "url_verification":
            return jsonify(challenge=str(payload.get("challenge", "")))
        if payload.get("type") == "event_callback" and payload.get("event_id"):
            slack_events.receive(hub, payload, hub.clock())
        return jsonify(ok=True)

    @blueprint.post("/commands")
    def command() -> Response | str:
        """Do what was typed after /trusthub; only who typed it reads the answer."""
        who = presser(hub, {"id": request.form.get("user_id"), "name": request.form.get("user_name")})
        words = tuple(request.form.get("text", "").split())
        typed = Typed(words, who, request.form.get("trigger_id", ""))
        said = _told(lambda: commands.do(typed))
        return jsonify(said) if said else ""

    @blueprint.post("/interactions")
    def interactions() -> Response:
        """Act on a button, a shortcut or a form. Slack wants an answer within 3 seconds."""
        return jsonify(_interact(hub, chat, forms, json.loads(request.form.get("payload", "{}"))))

    return blueprint


def _interact(hub: Hub, chat: Slack | None, forms: Forms, payload: dict[str, Any]) -> dict[str, Any]:
    """Act on a button (block_actions), a message shortcut (message_action) or a form (view_submission)."""
    who = presser(hub, payload.get("user") or {})
    if payload.get("type") == "view_submission":
        return forms.submitted(payload.get("view") or {}, who)
    if payload.get("type") == "message_action":
        _whisper(chat, payload, _told(lambda: forms.shortcut(payload, who)))
        return {"ok": True}
    for action in payload.get("actions", []):
        if problem := _told(partial(_press, hub, action, who)):
            _whisper(chat, payload, problem)
            return problem | {"replace_original": False}
    return {"ok": True}


def _told(do: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
    """Do something; return what to say to who asked for it, which is why not when it cannot be done."""
    try:
        return do()
    except (StaffError, WordingError) as error:
        return say(str(error))
    except DeliveryError as error:
        log.warning("slack.not_opened", error=str(error))
        return say("Slack did not open the form. Please try again.")


def _press(hub: Hub, action: dict[str, Any], who: Presser) -> None:
    name, value, act = str(action.get("action_id")), str(action.get("value", "")), who.act(hub)
    if name.startswith(_APPROVAL):
        public_id, _, digest = value.partition(".")
        approving.decide(hub, public_id, act, Answer(press=Press(name.removeprefix(_APPROVAL)), digest=digest))
    elif name in _ACTS:
        _ACTS[name](hub, value, act)
    elif name in _ROLLBACK:
        who.needs(Role.PUBLISHER)
        _ROLLBACK[name](hub, value, act, _PRESSED)


def _whisper(chat: Slack | None, payload: dict[str, Any], said: dict[str, Any] | None) -> None:
    """Let the person who pressed read what came of it."""
    channel, user = (payload.get("channel") or {}).get("id"), (payload.get("user") or {}).get("id")
    if chat is None or said is None or not channel or not user:
        return
    try:
        chat.whisper(str(channel), str(user), said["text"], str((payload.get("message") or {}).get("thread_ts") or ""))
    except DeliveryError as error:
        log.warning("slack.not_answered", error=str(error))
