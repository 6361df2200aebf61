"""What comes in about mail: what the provider tells of ours, and what customers answer."""

import base64
import binascii
import hmac
from dataclasses import dataclass

import structlog
from flask import Blueprint, Response, jsonify, request

from trusthub.channels import mail_in, sendgrid_events
from trusthub.channels.sendgrid_events import Verifier
from trusthub.errors import PayloadError
from trusthub.services import inbox, recipients
from trusthub.services.hub import Hub

_LARGEST = 4 * 1024 * 1024
"""Bytes. SendGrid posts when it has 768 KB of events."""
_LARGEST_MAIL = 34 * 1024 * 1024
"""Bytes. Inbound Parse takes mails of up to 30 MB, and drops what is larger."""
_NO_KEY = "TRUSTHUB_SENDGRID_EVENT_KEY is not set, so nobody is let in."
_NO_DOOR = "Neither TRUSTHUB_MAIL_INBOUND_TOKEN nor TRUSTHUB_SENDGRID_INBOUND_KEY is set, so nobody is let in."
_NOT_SIGNED = "The request is not signed by SendGrid with our key, or too old."
_NOT_OURS = "The request has neither our token nor a signature of SendGrid with our key."

log = structlog.get_logger()

Refusal = tuple[Response, int]


@dataclass(frozen=True, slots=True)
class Keys:
    """What lets somebody in; each may be empty."""

    events: str = ""
    inbound: str = ""
    token: str = ""


def mail(hub: Hub, keys: Keys) -> Blueprint:
    """Return the routes of SendGrid's Event Webhook and of its Inbound Parse. Without a key they let nobody in.

    Raises PlaybookError when a key is none.
    """
    blueprint = Blueprint("mail", __name__, url_prefix="/email")
    events_of = Verifier(keys.events) if keys.events else None
    mails_of = Verifier(keys.inbound, "TRUSTHUB_SENDGRID_INBOUND_KEY") if keys.inbound else None

    @blueprint.post("/events")
    def events() -> Refusal:
        """Record what became of mails. Events of other mails are no fault: accounts are shared."""
        request.max_content_length = _LARGEST
        if not events_of or not events_of.genuine(request.get_data(cache=True), dict(request.headers), hub.clock()):
            return _refused("mail.events_refused", _NOT_SIGNED if events_of else _NO_KEY)
        try:
            news = sendgrid_events.read(request.get_data(), hub.tokens.key_id)
        except PayloadError as error:
            return jsonify(ok=False, error=str(error)), 400
        with hub.database.transaction(quiet=True) as session:
            recipients.learn(session, news, hub.clock())
        return jsonify(ok=True, recorded=len(news)), 200

    @blueprint.post("/inbound")
    @blueprint.post("/inbound/<token>")
    def inbound(token: str = "") -> Refusal:
        """Take a mail in. Whatever becomes of it, SendGrid need not send it again."""
        request.max_content_length = _LARGEST_MAIL
        known = keys.token and any(_same(each, keys.token) for each in (token, _password()))
        if not known:  # the body is read only when a signature over it could let it in
            body = request.get_data(cache=True) if mails_of else b""
            if not mails_of or not mails_of.genuine(body, dict(request.headers), hub.clock()):
                return _refused("mail.inbound_refused", _NOT_OURS if mails_of or keys.token else _NO_DOOR)
        try:
            found = mail_in.posted(request.get_data(cache=True), request.content_type or "")
        except PayloadError as error:
            return jsonify(ok=False, error=str(error)), 400
        return jsonify(ok=True, fate=inbox.receive(hub, found, hub.clock())), 200

    return blueprint


def _refused(event: str, reason: str) -> Refusal:
    log.warning(event, reason=reason)
    return jsonify(ok=False, error=reason), 401


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())


def _password() -> str:
    """Return the password of basic authentication, which an address such as https://mail:<token>@... gives."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    try:
        return base64.b64decode(value).decode().partition(":")[2] if kind.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""
