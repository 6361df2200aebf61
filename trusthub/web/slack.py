"""What Slack sends us: somebody pressed a button under one of our messages."""

import json
from typing import Any

import structlog
from flask import Blueprint, Response, jsonify, request

from trusthub.channels import slack_signature
from trusthub.services import staff
from trusthub.services.hub import Hub
from trusthub.services.staff import Act, StaffError

log = structlog.get_logger()

_ACTS = {"tell": staff.tell_customers, "precaution": staff.precaution, "false-alarm": staff.false_alarm}


def slack(hub: Hub, signing_secret: str) -> Blueprint:
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
            problem = _do(hub, action, _name(payload))
            if problem:
                return jsonify(response_type="ephemeral", replace_original=False, text=problem)
        return jsonify(ok=True)

    return blueprint


def _do(hub: Hub, action: dict[str, Any], name: str) -> str | None:
    act = _ACTS.get(str(action.get("action_id")))
    if act is None:
        return None
    try:
        act(hub, str(action.get("value", "")), Act(actor=f"{name} (Slack)", now=hub.clock()))
    except StaffError as error:
        return str(error)
    return None


def _name(payload: dict[str, Any]) -> str:
    user = payload.get("user") or {}
    return str(user.get("name") or user.get("username") or user.get("id") or "somebody")
