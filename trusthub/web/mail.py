"""What the mail provider tells us: what became of each mail."""

import structlog
from flask import Blueprint, Response, jsonify, request

from trusthub.channels import sendgrid_events
from trusthub.channels.sendgrid_events import Verifier
from trusthub.errors import PayloadError
from trusthub.services import recipients
from trusthub.services.hub import Hub

_LARGEST = 4 * 1024 * 1024
"""Bytes. SendGrid posts when it has 768 KB of events."""
_NO_KEY = "TRUSTHUB_SENDGRID_EVENT_KEY is not set, so nobody is let in."
_NOT_SIGNED = "The request is not signed by SendGrid with our key, or too old."

log = structlog.get_logger()


def mail(hub: Hub, event_key: str) -> Blueprint:
    """Return the route of SendGrid's Event Webhook. Without a verification key it lets nobody in.

    Raises PlaybookError when the key is none.
    """
    blueprint = Blueprint("mail", __name__, url_prefix="/email")
    verifier = Verifier(event_key) if event_key else None

    @blueprint.before_request
    def guard() -> tuple[Response, int] | None:
        request.max_content_length = _LARGEST
        if verifier and verifier.genuine(request.get_data(cache=True), dict(request.headers), hub.clock()):
            return None
        log.warning("mail.events_refused", reason=_NOT_SIGNED if verifier else _NO_KEY)
        return jsonify(ok=False, error=_NOT_SIGNED if verifier else _NO_KEY), 401

    @blueprint.post("/events")
    def events() -> tuple[Response, int]:
        """Record what became of mails. Events of other mails are no fault: accounts are shared."""
        try:
            news = sendgrid_events.read(request.get_data(), hub.tokens.key_id)
        except PayloadError as error:
            return jsonify(ok=False, error=str(error)), 400
        with hub.database.transaction(quiet=True) as session:
            recipients.learn(session, news, hub.clock())
        return jsonify(ok=True, recorded=len(news)), 200

    return blueprint
