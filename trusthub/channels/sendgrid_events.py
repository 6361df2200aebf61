"""SendGrid's Event Webhook: what became of mails, as an array of events.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader

from trusthub.domain.recipient import Fate, MailNews
from trusthub.errors import PayloadError, PlaybookError

_WINDOW = timedelta(hours=25)
"""How old a request may be. SendGrid repeats what was not answered with 2xx for 24 hours, and does not say whether it
signs anew; what comes twice changes nothing here."""
_AHEAD = timedelta(minutes=5)
"""How far the sender's clock may be ahead of ours."""
_LARGEST_ID = 2**63 - 1
_FATES = {
    "processed": Fate.ACCEPTED,
    "deferred": Fate.DEFERRED,
    "delivered": Fate.DELIVERED,
    "bounce": Fate.BOUNCED,
    "dropped": Fate.DROPPED,
    "spamreport": Fate.SPAM,
    "unsubscribe": Fate.UNSUBSCRIBED,
    "group_unsubscribe": Fate.UNSUBSCRIBED,
}


class Verifier:
    """Tells SendGrid's requests from others, by the verification key of its settings."""

    def __init__(self, key: str, variable: str = "TRUSTHUB_SENDGRID_EVENT_KEY") -> None:
        """Read the key, which `variable` holds. Raises PlaybookError when it is none."""
        try:
            self._key = EventWebhook(key).public_key
        except ValueError as error:
            cure = "Copy the verification key of SendGrid's Event Webhook settings, in one line."
            if variable != "TRUSTHUB_SENDGRID_EVENT_KEY":
                cure = "Copy the public key of the security policy of SendGrid's Inbound Parse, in one line."
            raise PlaybookError(f"{variable} is no key. {cure}") from error

    def genuine(self, body: bytes, headers: Mapping[str, str], now: datetime) -> bool:
        """Whether SendGrid signed the bytes of `body`, within the last day. Names in `headers` are in any case."""
        found = {name.lower(): value for name, value in headers.items()}
        stamp = found.get(EventWebhookHeader.TIMESTAMP.lower(), "")
        try:
            signed_at = datetime.fromtimestamp(int(stamp), UTC)
            signature = base64.b64decode(found[EventWebhookHeader.SIGNATURE.lower()], validate=True)
            self._key.verify(signature, stamp.encode() + body, ECDSA(SHA256()))
        except (InvalidSignature, KeyError, ValueError, OverflowError, OSError, binascii.Error):
            return False
        return now - _WINDOW < signed_at < now + _AHEAD


def read(body: bytes, hub: str) -> list[MailNews]:
    """Return what the events say about mails of the hub with that key id; other mails are nobody's here.

    Raises PayloadError when the body is no array of events.
    """
    try:
        events = json.loads(body)
    except ValueError as error:
        raise PayloadError(f"The body is not JSON: {error}.") from error
    if not isinstance(events, list):
        raise PayloadError("The body is not an array. SendGrid's Event Webhook sends an array of events.")
    return [news for event in events if isinstance(event, dict) for news in _read(event, hub)]


def _read(event: Mapping[str, Any], hub: str) -> Iterator[MailNews]:
    fate = _FATES.get(str(event.get("event")))
    recipient, at = str(event.get("recipient", "")), event.get("timestamp")
    if fate is None or event.get("hub") != hub or not recipient.isdecimal() or not 0 < int(recipient) <= _LARGEST_ID:
        return
    if not isinstance(at, int) or not 0 < at < 1 << 33:
        return
    reason = str(event.get("reason") or event.get("response") or "").replace(str(event.get("email")), "the address")
    yield MailNews(
        recipient=int(recipient),
        fate=fate,
        at=datetime.fromtimestamp(at, UTC),
        reason=" ".join(reason.split())[:300],
        lasting=event.get("type") != "blocked" and not str(event.get("status", "")).startswith("4"),
    )
