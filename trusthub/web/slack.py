"""What Slack sends us: somebody pressed a button under one of our messages."""

import json
from collections.abc import Callable
from typing import Any

import structlog
from flask import Blueprint, Response, jsonify, request

from trusthub.channels import slack_signature
from trusthub.errors import DeliveryError
from trusthub.services import approving, staff
from trusthub.services.acts import Act, StaffError
from trusthub.services.approving import Answer, Press
from trusthub.services.hub import Hub

log = structlog.get_logger()

Whisper = Callable[[str, str, str], None]
"""Says to one member in a channel what nobody else sees: ids of channel and member, and the words."""

_ACTS = {"tell": staff.tell_customers, "precaution": staff.precaution, "false-alarm": staff.false_alarm}
_APPROVAL = "approval-"


def slack(hub: Hub, signing_secret: str, whisper: Whisper | None = None) -> Blueprint:
    """Return the Slack routes. Without a signing secret they let nobody in."""
    blueprint = Blueprint("slack", __name__, url_prefix="/slack")

    @blueprint.before_request
    def guard() -> tuple[Response, int] | None:
        if slack_signature.genuine(signing_secret, request.get_data(cache=True), dict(request.headers)):
            return None
        return jsonify(ok=False, error="The request is not signed by Slack with our secret."), 401

    @blueprint.post("/interactions")
    def interactions() -> Response:
        """Act on a button (block_actions). Slack wants an answer within 3 seconds, and shows an ephemeral reply."""
        payload = json.loads(request.form.get("payload", "{}"))
        for action in payload.get("actions", []):
            problem = _do(hub, action, _act(hub, payload))
            if problem:
                _say(whisper, payload, problem)
                return jsonify(response_type="ephemeral", replace_original=False, text=problem)
        return jsonify(ok=True)

    return blueprint


def _do(hub: Hub, action: dict[str, Any], act: Act) -> str | None:
    name, value = str(action.get("action_id")), str(action.get("value", ""))
    try:
        if name.startswith(_APPROVAL):
            public_id, _, digest = value.partition(".")
            approving.decide(hub, public_id, act, Answer(press=Press(name.removeprefix(_APPROVAL)), digest=digest))
        elif name in _ACTS:
            _ACTS[name](hub, value, act)
    except StaffError as error:
        return str(error)
    return None


def _act(hub: Hub, payload: dict[str, Any]) -> Act:
    """Return who pressed. Only the member id counts for a role; names and addresses can be changed in Slack."""
    user = payload.get("user") or {}
    name = str(user.get("name") or user.get("username") or user.get("id") or "somebody")
    address = hub.configuration.site.roles.address_of(str(user.get("id") or ""))
    return Act(actor=f"{name} (Slack)", now=hub.clock(), email=address, where="Slack", member=str(user.get("id") or ""))


def _say(whisper: Whisper | None, payload: dict[str, Any], text: str) -> None:
    """Let the person who pressed read why nothing came of it."""
    channel, user = (payload.get("channel") or {}).get("id"), (payload.get("user") or {}).get("id")
    if whisper is None or not channel or not user:
        return
    try:
        whisper(str(channel), str(user), text)
    except DeliveryError as error:
        log.warning("slack.not_answered", error=str(error))
